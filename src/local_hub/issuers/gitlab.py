"""GitLab. A variable has the ID token before the job begins.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer


def claims(issuer: str) -> Claims:
    """The claims of a push to the main branch."""
    return {
        "iss": issuer,
        "sub": "project_path:acme/training:ref_type:branch:ref:main",
        "namespace_id": "72",
        "namespace_path": "acme",
        "project_id": "20",
        "project_path": "acme/training",
        "user_id": "1",
        "user_login": "octocat",
        "user_email": "octocat@acme.example",
        "user_access_level": "developer",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        # GitLab writes this boolean as a string, but `runner_id` as a number.
        "ref_protected": "true",
        "runner_id": 1,
        "runner_environment": "gitlab-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "project_visibility": "public",
        "ci_config_ref_uri": "gitlab.com/acme/training//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a job with `id_tokens: HF_ID_TOKEN:`."""
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": "acme/training",
        "CI_COMMIT_REF_NAME": "main",
        "CI_PIPELINE_SOURCE": "push",
        "HF_ID_TOKEN": handout.token,
    }


ISSUER = Issuer("gitlab", "gitlab", claims, environment)
