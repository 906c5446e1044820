"""An ID token that somebody else minted: the `id-token` input, or `HF_OIDC_ID_TOKEN`. Nothing is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers._base import CanMint, Detection, NotHere, Provider
from hf_oidc.secret import Secret


def supply(token: str) -> Detection:
    """Here if `token` is more than white space."""
    secret = Secret(token.strip())
    return CanMint(lambda _audience, _transport: secret) if token.strip() else NotHere()


def detect(env: Mapping[str, str]) -> Detection:
    """Here where `HF_OIDC_ID_TOKEN`, huggingface_hub's name for it, is set."""
    return supply(env.get("HF_OIDC_ID_TOKEN", ""))


PROVIDER = Provider("supplied", detect)
