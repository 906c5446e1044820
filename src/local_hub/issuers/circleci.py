"""CircleCI. Its command mints an ID token for any audience; two variables have a token before the job begins.

Their audience is the organization's id, unless the project sets another one (a job's `audience`).

https://circleci.com/docs/openid-connect-tokens/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer
from local_hub.issuers.commands import ENDPOINT, variables

ORG = "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2"
PROJECT = "efde35d3-cebd-4ca5-8e5c-4bc5dc1dd1f3"
USER = "6f2e0a9c-7b1d-4d5e-8c3f-0a1b2c3d4e5f"


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": f"org/{ORG}/project/{PROJECT}/user/{USER}",
        "oidc.circleci.com/org-id": ORG,
        "oidc.circleci.com/project-id": PROJECT,
        "oidc.circleci.com/context-ids": [],
        "oidc.circleci.com/job-id": "9d9c1b4e-6b2e-4a30-9d3b-6a4b1f2f8a11",
        "oidc.circleci.com/pipeline-definition-id": "2b1d4c7e-6b2e-4a30-9d3b-6a4b1f2f8a33",
        "oidc.circleci.com/pipeline-id": "7e1f4c7e-6b2e-4a30-9d3b-6a4b1f2f8a44",
        "oidc.circleci.com/ssh-rerun": False,
        "oidc.circleci.com/vcs-origin": "github.com/acme/training",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
        "oidc.circleci.com/workflow-id": "5c8c1b4e-6b2e-4a30-9d3b-6a4b1f2f8a22",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a job."""
    return {
        "CI": "true",
        "CIRCLECI": "true",
        "CIRCLE_BRANCH": "main",
        "CIRCLE_OIDC_TOKEN": handout.token,
        "CIRCLE_OIDC_TOKEN_V2": handout.token,
        "CIRCLE_ORGANIZATION_ID": ORG,
        "CIRCLE_PROJECT_ID": PROJECT,
        "PATH": handout.path,
        **variables(handout),
    }


ISSUER = Issuer(
    "circleci",
    f"circleci/org/{ORG}",
    claims,
    environment,
    audience_is_a_list=True,
    default_audience=ORG,
    endpoint=ENDPOINT,
)
