"""Forgejo. Its runner works like GitHub's, with its own issuer.

https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Endpoint, Handout, Issuer


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": "repo:acme/training:ref:refs/heads/main",
        "actor": "octocat",
        "actor_id": "1",
        "base_ref": "",
        "head_ref": "",
        "event_name": "push",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "false",
        "repository": "acme/training",
        "repository_id": "20",
        "repository_owner": "acme",
        "repository_owner_id": "72",
        "run_id": "7",
        "run_number": "1",
        "run_attempt": "1",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "workflow": "publish-model.yml",
        "workflow_ref": "acme/training/.forgejo/workflows/publish-model.yml@refs/heads/main",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a job in a workflow with `enable-openid-connect: true`."""
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITEA_ACTIONS": "true",
        "FORGEJO_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/training",
        "GITHUB_REF": "refs/heads/main",
        "ACTIONS_ID_TOKEN_REQUEST_URL": handout.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": handout.secret,
    }


# GitHub accepts requests without `api-version`. Whether Forgejo does is unknown, so be strict.
ENDPOINT = Endpoint(bearer=True, answer=lambda token: {"value": token}, api_version="2.0", needs_api_version=True)
ISSUER = Issuer("forgejo", "forgejo/api/actions", claims, environment, endpoint=ENDPOINT)
