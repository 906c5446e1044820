"""Jenkins with the oidc-provider plugin. The pipeline binds a credential, the ID token, to a variable.

https://plugins.jenkins.io/oidc-provider/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer


def claims(issuer: str) -> Claims:
    """The claims of a multibranch build; `build_number` is a number, not a string."""
    return {"iss": issuer, "sub": "https://jenkins.acme.example/job/training/job/main/", "build_number": 7}


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment within `withCredentials`."""
    return {
        "JENKINS_URL": "https://jenkins.acme.example/",
        "BUILD_NUMBER": "7",
        "JOB_NAME": "training/main",
        "BRANCH_NAME": "main",
        "HF_ID_TOKEN": handout.token,
    }


ISSUER = Issuer("jenkins", "jenkins", claims, environment, lifetime=3600)
