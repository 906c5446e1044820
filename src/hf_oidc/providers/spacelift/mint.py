"""Spacelift: recognised, and refused by name. Its ID tokens are for one audience, which nobody can choose."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CannotMint, Provider
from hf_oidc.providers.sources import refused


def is_here(env: Mapping[str, str]) -> bool:
    """Where Spacelift runs a stack."""
    return bool(env.get("SPACELIFT_OIDC_TOKEN") or env.get("TF_VAR_spacelift_run_id"))


def obtain(_env: Mapping[str, str]) -> CannotMint:
    """Not at all."""
    return refused("Spacelift", "the account's own address")


PROVIDER = Provider("spacelift", is_here, obtain, audience="fixed")
