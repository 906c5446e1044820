"""An ID token that somebody else minted: the `id-token` input, or `HF_OIDC_ID_TOKEN`. Nothing is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, Provider
from hf_oidc.secret import Secret


def supply(token: str) -> CanMint:
    """`token`, whatever the audience: that is checked before it is sent."""
    secret = Secret(token.strip())
    return CanMint(lambda _audience, _means: secret, again=False, until_expiry_of=secret)


def is_here(env: Mapping[str, str]) -> bool:
    """Where `HF_OIDC_ID_TOKEN`, huggingface_hub's name for it, is more than white space."""
    return bool(env.get("HF_OIDC_ID_TOKEN", "").strip())


def obtain(env: Mapping[str, str]) -> CanMint:
    """The token of the environment."""
    return supply(env.get("HF_OIDC_ID_TOKEN", ""))


PROVIDER = Provider("supplied", is_here, obtain, audience="declared", kind="supplied")
