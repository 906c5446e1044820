"""HCP Terraform: a run has an ID token for each audience that the workspace's variables name.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.sources import from_variable


def is_here(env: Mapping[str, str]) -> bool:
    """Where HCP Terraform runs a plan or an apply."""
    return bool(env.get("TFC_RUN_ID"))


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """The token that is tagged `HF`, or the one without a tag."""
    return from_variable(env, ("TFC_WORKLOAD_IDENTITY_TOKEN_HF", "TFC_WORKLOAD_IDENTITY_TOKEN"), "HCP Terraform")


PROVIDER = Provider("terraform", is_here, obtain, audience="declared")
