"""Buildkite. The agent requests the ID token.

https://buildkite.com/docs/agent/cli/reference/oidc
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer
from local_hub.issuers.commands import ENDPOINT, variables

COMMIT = "9f3182061f1e2cca4702c368cbc039b7dc9d4485"


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": f"organization:acme:pipeline:training:ref:refs/heads/main:commit:{COMMIT}:step:publish",
        "organization_slug": "acme",
        "pipeline_slug": "training",
        "build_number": 1,
        "build_branch": "main",
        "build_commit": COMMIT,
        "step_key": "publish",
        "job_id": "0184990a-477b-4fa8-9968-496074483cee",
        "agent_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
        "build_source": "ui",
        "runner_environment": "self-hosted",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a job."""
    return {
        "CI": "true",
        "BUILDKITE": "true",
        "BUILDKITE_BRANCH": "main",
        "BUILDKITE_ORGANIZATION_SLUG": "acme",
        "BUILDKITE_PIPELINE_SLUG": "training",
        "PATH": handout.path,
        **variables(handout),
    }


ISSUER = Issuer("buildkite", "buildkite", claims, environment, endpoint=ENDPOINT)
