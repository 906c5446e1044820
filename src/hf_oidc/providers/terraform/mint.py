"""HCP Terraform: a run has an ID token for each audience that a variable of the workspace names.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
"""

from hf_oidc.providers.variable import variable_provider

PROVIDER = variable_provider(
    "HCP Terraform",
    # The tag HF first: the token without a tag may be for another service.
    "TFC_WORKLOAD_IDENTITY_TOKEN_HF",
    "TFC_WORKLOAD_IDENTITY_TOKEN",
)
