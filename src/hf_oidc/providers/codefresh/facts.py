"""What is known about Codefresh.

https://codefresh.io/docs/docs/integrations/oidc-pipelines/
"""

from hf_oidc.providers.facts import (
    RUN_AGAIN,
    DefaultAudience,
    Instruction,
    ProviderFacts,
    RefClaims,
    shared_issuer_caution,
)

FACTS = ProviderFacts(
    title="Codefresh",
    section="codefresh",
    issuer="https://oidc.codefresh.io",
    claims={
        "account_id": "your account ID",
        "pipeline_id": "the pipeline ID",
        "scm_repo_url": "https://github.com/owner/name",
        "scm_ref": "main",
    },
    declare=Instruction(
        "Run this in a step of the pipeline, as below. Codefresh sets `CF_OIDC_REQUEST_URL` and "
        "`CF_OIDC_REQUEST_TOKEN` in every step. A container that the step starts needs both variables passed to it.",
        "publish:\n  image: python:3.13-slim\n  commands:\n    - {run}",
    ),
    failed=Instruction(RUN_AGAIN),
    cautions=(
        shared_issuer_caution("Codefresh accounts", "account_id"),
        (
            "`scm_ref` is a branch or a tag. In a pull request it is the source branch. Name `scm_repo_url`, and let "
            "no trigger start the pipeline for pull requests."
        ),
        "A build that a schedule starts has no `scm_…` claims: this publisher never accepts it.",
    ),
    issuer_pattern=r"https://oidc\.codefresh\.io",
    identifying=("account_id", "pipeline_id", "scm_repo_url", "scm_ref"),
    informative=("account_name", "pipeline_name", "scm_pull_request_target_branch"),
    ref_claims=RefClaims("scm_ref", plain=True, pull_request={"scm_pull_request_target_branch": frozenset()}),
    default_audience=DefaultAudience(
        r"https://g\.codefresh\.io/?", "Codefresh itself, the default if no audience is requested"
    ),
)
