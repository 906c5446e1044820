"""All providers, in the order in which they are asked, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import NoProvider
from hf_oidc.providers import github, supplied
from hf_oidc.providers._base import CanMint, CannotMint, Mint, Provider, ReadFile

# A supplied token was put there on purpose, so it is asked first.
PROVIDERS: tuple[Provider, ...] = (supplied.PROVIDER, github.PROVIDER)


def choose(id_token: str, env: Mapping[str, str], read_file: ReadFile) -> Mint:
    """How to get an ID token here: `id_token` if it is one, else the first provider that knows `env`.

    Raises `NoProvider`, or the reason why the provider that is here cannot mint.
    """
    for detection in (supplied.supply(id_token), *(provider.detect(env) for provider in PROVIDERS)):
        if isinstance(detection, CannotMint):
            raise detection.reason(read_file)
        if isinstance(detection, CanMint):
            return detection.mint
    raise NoProvider("This is no CI that issues ID tokens, and no ID token was supplied")
