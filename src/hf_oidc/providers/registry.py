"""All providers, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from hf_oidc.errors import AmbiguousProvider, NoProvider
from hf_oidc.login_context import ReadFile
from hf_oidc.providers.base import CannotMint, Kind, Mint, Provider
from hf_oidc.providers.names import NAMES
from hf_oidc.providers.variable import fixed_token
from hf_oidc.secret import Secret

PROVIDERS: Mapping[str, Provider] = {name: import_module(f"hf_oidc.providers.{name}.mint").PROVIDER for name in NAMES}
# A user sets HF_OIDC_ID_TOKEN on purpose, so it takes precedence over detection. A platform counts only where no CI is
# detected: a CI's runner on Kubernetes belongs to that CI.
ORDER: tuple[Kind, ...] = ("supplied", "ci", "platform")


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
    provider = PROVIDERS[named] if named else detected(env)
    if provider is None:
        raise NoProvider("No supported CI was detected, and no ID token was supplied")
    obtained = provider.obtain(env)
    if isinstance(obtained, CannotMint):
        error = obtained.reason(read_file)
        error.provider = provider.name
        raise error
    return IdTokenSource(provider.name, *obtained)


def detected(env: Mapping[str, str]) -> Provider | None:
    """The provider that `env` belongs to, if any. Raises `AmbiguousProvider`."""
    for kind in ORDER:
        here = [provider for provider in PROVIDERS.values() if provider.kind == kind and provider.is_here(env)]
        if len(here) > 1:
            raise AmbiguousProvider(tuple(provider.name for provider in here))
        if here:
            return here[0]
    return None
