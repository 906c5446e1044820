"""The choice among all providers. A login loads the chosen one only."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from hf_oidc.errors import AmbiguousProvider, NoProvider
from hf_oidc.login_context import ReadFile
from hf_oidc.providers.base import CannotMint, Mint, Provider
from hf_oidc.providers.detection import matching
from hf_oidc.providers.variable import fixed_token
from hf_oidc.secret import Secret


class IdTokenSource(NamedTuple):
    """The chosen provider, and how it issues ID tokens here; see `CanMint`."""

    provider: str
    mint: Mint
    renewable: bool
    until_expiry_of: Secret | None


def choose(env: Mapping[str, str], read_file: ReadFile, *, id_token: str = "", named: str = "") -> IdTokenSource:
    """The source of the ID token: `id_token` itself, the provider `named`, `HF_OIDC_ID_TOKEN`, or the detected one.

    What a person typed takes precedence over what the environment happens to contain. `named` is empty or one of
    `NAMES`. Raises `AmbiguousProvider`, `NoProvider`, or the reason why the provider issues no ID token here.
    """
    if id_token.strip():
        return IdTokenSource("supplied", *fixed_token(id_token))
    found = [named] if named else matching(env)
    if not found:
        raise NoProvider("No supported CI was detected, and no ID token was supplied")
    if len(found) > 1:
        raise AmbiguousProvider(tuple(found))
    name = found[0]
    obtained = provider_of(name).obtain(env)
    if isinstance(obtained, CannotMint):
        error = obtained.reason(read_file)
        error.provider = name
        raise error
    return IdTokenSource(name, *obtained)


def provider_of(name: str) -> Provider:
    """The provider of this name, which is one of `NAMES`."""
    provider: Provider = import_module(f"hf_oidc.providers.{name}.mint").PROVIDER
    return provider
