"""What is known about Bitbucket Pipelines.

https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from hf_oidc.providers.facts import (
    DefaultAudience,
    Instruction,
    ProviderFacts,
    RefClaims,
    overwritten,
    preset_caution,
)

FACTS = ProviderFacts(
    title="Bitbucket Pipelines",
    section="bitbucket-pipelines",
    issuer="https://api.bitbucket.org/2.0/workspaces/YOUR-WORKSPACE/pipelines-config/identity/oidc",
    claims={"repositoryUuid": "{the UUID, in braces}", "branchName": "main"},
    declare=Instruction(
        "In `bitbucket-pipelines.yml`, in the step, request an ID token for the Hub. With `oidc: true` alone, the "
        "audience is your workspace:",
        "- step:\n    oidc:\n      audiences:\n        - {audience}\n    script:\n      - {run}",
    ),
    failed=overwritten("BITBUCKET_STEP_OIDC_TOKEN"),
    expired=("Bitbucket issues the ID token when the step starts. Publish in a separate step after the long one."),
    cautions=(
        (
            "Keep the braces of the UUID: {…}. The repository settings show it on the page OpenID Connect, with the "
            "issuer."
        ),
        preset_caution("Bitbucket"),
    ),
    job_needs="oidc: {audiences: [https://huggingface.co]}",
    from_env={
        "issuer": "https://api.bitbucket.org/2.0/workspaces/{BITBUCKET_WORKSPACE}/pipelines-config/identity/oidc",
        "repositoryUuid": "{BITBUCKET_REPO_UUID}",
    },
    issuer_pattern=r"https://api\.bitbucket\.org/2\.0/workspaces/[^/]+/pipelines-config/identity/oidc",
    identifying=("repositoryUuid", "branchName"),
    informative=("deploymentEnvironmentUuid", "workspaceUuid"),
    ref_claims=RefClaims("branchName", plain=True),
    default_audience=DefaultAudience(
        r"ari:cloud:bitbucket:.+", "your Bitbucket workspace, the default of `oidc: true`"
    ),
    issued_before_job=True,
)
