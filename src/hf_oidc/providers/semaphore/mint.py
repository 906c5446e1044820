"""Semaphore: recognised, and refused by name. Its ID tokens are for one audience, which nobody can choose."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CannotMint, Provider
from hf_oidc.providers.sources import refused


def is_here(env: Mapping[str, str]) -> bool:
    """Where Semaphore runs a job."""
    return env.get("SEMAPHORE") == "true"


def obtain(_env: Mapping[str, str]) -> CannotMint:
    """Not at all."""
    return refused("Semaphore", "the organization's own address")


PROVIDER = Provider("semaphore", is_here, obtain, audience="fixed")
