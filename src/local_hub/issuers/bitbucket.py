"""Bitbucket Pipelines. A variable has the ID token before the step begins.

https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer

WORKSPACE = "acme"
REPOSITORY = "{c0e4d2b1-0000-4000-8000-000000000001}"


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": f"{REPOSITORY}:{{d2b1c0e4-0000-4000-8000-000000000003}}",
        "repositoryUuid": REPOSITORY,
        "accountUuid": "{b1c0e4d2-0000-4000-8000-000000000002}",
        "workspaceUuid": "{b1c0e4d2-0000-4000-8000-000000000002}",
        "pipelineUuid": "{e4d2b1c0-0000-4000-8000-000000000004}",
        "stepUuid": "{d2b1c0e4-0000-4000-8000-000000000003}",
        "branchName": "main",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a step with `oidc: audiences:`."""
    return {
        "CI": "true",
        "BITBUCKET_BUILD_NUMBER": "7",
        "BITBUCKET_BRANCH": "main",
        "BITBUCKET_WORKSPACE": WORKSPACE,
        "BITBUCKET_REPO_UUID": REPOSITORY,
        "BITBUCKET_STEP_OIDC_TOKEN": handout.token,
    }


ISSUER = Issuer(
    "bitbucket",
    f"bitbucket/workspaces/{WORKSPACE}/pipelines-config/identity/oidc",
    claims,
    environment,
    audience_is_a_list=True,
)
