"""HCP Terraform. A variable has an ID token for each audience that the workspace configures.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer


def claims(issuer: str) -> Claims:
    """The claims of an apply."""
    return {
        "iss": issuer,
        "sub": "organization:acme:project:models:workspace:training:run_phase:apply",
        "terraform_organization_id": "org-GRNbCjYNpBB6NEBH",
        "terraform_organization_name": "acme",
        "terraform_project_id": "prj-vegSA59s1XPwMr2t",
        "terraform_project_name": "models",
        "terraform_workspace_id": "ws-mbsd5E3Ktt5Rg2Xm",
        "terraform_workspace_name": "training",
        "terraform_full_workspace": "organization:acme:project:models:workspace:training",
        "terraform_run_id": "run-X3n1AUXNGWbfECsJ",
        "terraform_run_phase": "apply",
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a run in a workspace with `TFC_WORKLOAD_IDENTITY_AUDIENCE_HF`."""
    return {
        "TFC_RUN_ID": "run-X3n1AUXNGWbfECsJ",
        "TFC_WORKSPACE_NAME": "training",
        "TFC_WORKLOAD_IDENTITY_TOKEN_HF": handout.token,
    }


ISSUER = Issuer("terraform", "terraform", claims, environment, lifetime=3600)
