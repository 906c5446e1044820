"""Refuses a provider by name: its ID tokens have one fixed audience, so the Hub accepts none of them."""

from __future__ import annotations

from hf_oidc.errors import AudienceMismatch
from hf_oidc.providers.base import CannotMint, Provider


def fixed_audience_provider(owner: str, audience: str) -> Provider:
    """A provider with ID tokens for `audience` only. The error message shows that description."""
    problem = f"The ID tokens of {owner} are for {audience}, and no other audience can be chosen"
    reason = CannotMint(lambda _read_file: AudienceMismatch(problem, ""))
    return Provider(lambda _env: reason, audience="fixed")
