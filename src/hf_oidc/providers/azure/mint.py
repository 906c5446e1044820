"""Azure Pipelines: recognised, and refused by name. Its ID tokens are for one audience, which nobody can choose."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CannotMint, Provider
from hf_oidc.providers.sources import refused


def is_here(env: Mapping[str, str]) -> bool:
    """Where Azure Pipelines runs a job."""
    return env.get("TF_BUILD", "").lower() == "true"


def obtain(_env: Mapping[str, str]) -> CannotMint:
    """Not at all."""
    return refused("Azure Pipelines", "api://AzureADTokenExchange")


PROVIDER = Provider("azure", is_here, obtain, audience="fixed")
