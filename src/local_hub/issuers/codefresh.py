"""Codefresh. An endpoint mints; the Authorization header has the request token without "Bearer".

https://codefresh.io/docs/docs/integrations/oidc-pipelines/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Endpoint, Handout, Issuer

ACCOUNT = "628a80b693a15c0f9c13ab75"
PIPELINE = "64f45d4ac5d6e5d9f4b3a3c1"
REPOSITORY = "https://github.com/acme/training"


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": f"account:{ACCOUNT}:pipeline:{PIPELINE}:scm_repo_url:{REPOSITORY}:scm_user_name:octocat:scm_ref:main",
        "account_id": ACCOUNT,
        "account_name": "acme",
        "pipeline_id": PIPELINE,
        "pipeline_name": "training/publish",
        "workflow_id": "64f45d4ac5d6e5d9f4b3a3c2",
        "scm_repo_url": REPOSITORY,
        "scm_user_name": "octocat",
        "scm_ref": "main",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a step."""
    return {
        "CI": "true",
        "CF_BUILD_ID": "64f45d4ac5d6e5d9f4b3a3c2",
        "CF_BRANCH": "main",
        "CF_OIDC_REQUEST_URL": handout.url,
        "CF_OIDC_REQUEST_TOKEN": handout.secret,
    }


ENDPOINT = Endpoint(bearer=False, answer=lambda token: {"id_token": token})
ISSUER = Issuer("codefresh", "codefresh", claims, environment, endpoint=ENDPOINT)
