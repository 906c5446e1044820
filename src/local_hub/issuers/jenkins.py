"""Jenkins with the oidc-provider plugin. The pipeline binds a credential, which is an ID token, to a variable.

https://plugins.jenkins.io/oidc-provider/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Ci, Claims, Handout


def claims(issuer: str) -> Claims:
    """Those of a build of a multibranch job; its number is one."""
    return {"iss": issuer, "sub": "https://jenkins.acme.example/job/training/job/main/", "build_number": 7}


def environment(handout: Handout) -> Mapping[str, str]:
    """Within `withCredentials`."""
    return {
        "JENKINS_URL": "https://jenkins.acme.example/",
        "BUILD_NUMBER": "7",
        "JOB_NAME": "training/main",
        "BRANCH_NAME": "main",
        "HF_ID_TOKEN": handout.token,
    }


CI = Ci("jenkins", "jenkins", claims, environment, lifetime=3600)
