"""What is known about HCP Terraform and Terraform Enterprise.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
"""

from hf_oidc.providers.facts import (
    DefaultAudience,
    Instruction,
    ProviderFacts,
    having,
    overwritten,
    shared_issuer_caution,
)

FACTS = ProviderFacts(
    title="HCP Terraform",
    section="hcp-terraform",
    issuer="https://app.terraform.io, or your Terraform Enterprise URL",
    claims={
        "terraform_organization_name": "your organization",
        "terraform_workspace_name": "your workspace",
        "terraform_run_phase": "apply",
    },
    declare=Instruction(
        "Set this environment variable in the workspace, by hand or in HCL. Its runs then have "
        "`TFC_WORKLOAD_IDENTITY_TOKEN_HF`:",
        'resource "tfe_variable" "hugging_face" {\n  workspace_id = tfe_workspace.training.id\n'
        '  category     = "env"\n  key          = "TFC_WORKLOAD_IDENTITY_AUDIENCE_HF"\n'
        '  value        = "{audience}"\n}',
        "hcl",
    ),
    failed=overwritten("TFC_WORKLOAD_IDENTITY_TOKEN_HF", "TFC_WORKLOAD_IDENTITY_TOKEN"),
    expired=(
        "HCP Terraform issues the ID token when a plan or an apply starts. It is valid for as long as that may take. "
        "Raise the timeout of the workspace, or correct the clock of this machine."
    ),
    cautions=(
        shared_issuer_caution("HCP Terraform organizations", "terraform_organization_name"),
        "Without `terraform_run_phase`, the publisher accepts a plan too, and a pull request may start one.",
    ),
    job_needs="TFC_WORKLOAD_IDENTITY_AUDIENCE_HF, a variable of the workspace",
    issuer_pattern=r"https://app(\.eu)?\.terraform\.io",
    # Terraform Enterprise runs at any URL.
    has_claims=having("terraform_organization_name", "terraform_workspace_name"),
    identifying=("terraform_organization_name", "terraform_workspace_name", "terraform_run_phase"),
    informative=(
        "terraform_organization_id",
        "terraform_project_name",
        "terraform_project_id",
        "terraform_workspace_id",
    ),
    default_audience=DefaultAudience(
        r"(aws|gcp|vault|hcp)\.workload\.identity", "another integration of HCP Terraform"
    ),
    issued_before_job=True,
)
