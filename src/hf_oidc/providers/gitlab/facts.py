"""What is known about GitLab CI/CD, on gitlab.com and on instances of your own.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from hf_oidc.providers.facts import (
    DefaultAudience,
    Instruction,
    ProviderFacts,
    RefClaims,
    having,
    overwritten,
    preset_caution,
)

FACTS = ProviderFacts(
    title="GitLab CI/CD",
    section="gitlab-cicd",
    issuer="https://gitlab.com, or your instance's URL",
    claims={"project_path": "group/project", "ref_type": "branch", "ref": "main", "ref_protected": "true"},
    declare=Instruction(
        "In `.gitlab-ci.yml`, in the job, declare an ID token for the Hub with the name HF_ID_TOKEN:",
        "id_tokens:\n  HF_ID_TOKEN:\n    aud: {audience}\nscript:\n  - {run}",
    ),
    failed=overwritten("HF_ID_TOKEN"),
    expired=(
        "GitLab issues the ID token when the job starts. It is valid for the job's `timeout`, or for five minutes if "
        "the job has none. Give the job a `timeout`, or publish in a separate job after the long one."
    ),
    cautions=(
        (
            "`ref_protected` is a string, not a boolean. It keeps out branches that anyone may push to. In a merge "
            "request pipeline, `project_path` may be the source project."
        ),
        preset_caution("GitLab"),
    ),
    job_needs="id_tokens: {HF_ID_TOKEN: {aud: https://huggingface.co}}",
    from_env={"issuer": "{CI_SERVER_URL}", "project_path": "{CI_PROJECT_PATH}"},
    issuer_pattern=r"https://gitlab\.com",
    # ActiveState's ID tokens have a `project_path` too.
    has_claims=having("project_path", "namespace_path", "pipeline_source"),
    identifying=("project_path", "ref_type", "ref"),
    protecting={"ref_protected": "true"},
    informative=("environment", "environment_protected", "namespace_path", "pipeline_source", "ci_config_ref_uri"),
    # In a merge request pipeline, `ref` is the source branch.
    ref_claims=RefClaims(
        plain=True,
        pull_request={"pipeline_source": frozenset({"merge_request_event", "external_pull_request_event"})},
    ),
    default_audience=DefaultAudience(r"https://gitlab\.com", "GitLab itself, the default if `aud` is not declared"),
    issued_before_job=True,
)
