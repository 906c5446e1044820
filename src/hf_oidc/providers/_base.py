"""What every provider is. A provider has never heard of Hugging Face, and reads nothing but the `env` it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hf_oidc.errors import IdentityError
from hf_oidc.secret import Secret
from hf_oidc.transport import Transport

# The audience -> a new ID token for it. Raises an `IdentityError`, or what `Transport.send` raises.
Mint = Callable[[str, Transport], Secret]
# The path of a file -> its text; empty if it cannot be read.
ReadFile = Callable[[str], str]


@dataclass(frozen=True)
class NotHere:
    """This environment is not the provider's."""


@dataclass(frozen=True)
class CannotMint:
    """This environment is the provider's, and it gives no ID token; `reason` finds out why."""

    reason: Callable[[ReadFile], IdentityError]


@dataclass(frozen=True)
class CanMint:
    """This environment is the provider's, and `mint` asks it for an ID token."""

    mint: Mint


Detection = NotHere | CannotMint | CanMint


@dataclass(frozen=True)
class Provider:
    """`detect` is pure: the environment in, one of three answers out."""

    name: str
    detect: Callable[[Mapping[str, str]], Detection]
