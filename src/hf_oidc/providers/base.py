"""What every provider is. A provider has never heard of Hugging Face, and reads nothing but the `env` it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from hf_oidc.command import RunCommand
from hf_oidc.errors import IdentityError
from hf_oidc.http.client import Transport
from hf_oidc.secret import Secret

# The path of a file -> its text; empty if it cannot be read.
ReadFile = Callable[[str], str]


class LoginContext(NamedTuple):
    """All that a provider may use: HTTP requests, commands of the CI's, files that it left, and the time (UTC)."""

    transport: Transport
    run: RunCommand
    read_file: ReadFile
    now: Callable[[], datetime]


# The audience -> an ID token for it. Raises an `IdentityError`, or what `Transport.send` raises.
Mint = Callable[[str, LoginContext], Secret]


class NotHere(NamedTuple):
    """This environment is not the provider's."""


class CannotMint(NamedTuple):
    """This environment is the provider's, and it gives no ID token; `reason` finds out why."""

    reason: Callable[[ReadFile], IdentityError]


class CanMint(NamedTuple):
    """This environment is the provider's, and `mint` asks it for an ID token.

    `again`: whether it gives a new one each time; else the job has one, from its beginning. `until_expiry_of`: the
    token that one is asked for with, or that it is; when that has expired there are no more.
    """

    mint: Mint
    again: bool = True
    until_expiry_of: Secret | None = None


Detection = NotHere | CannotMint | CanMint
# How an ID token gets its audience. `chosen`: it is asked for with each token. `declared`: the CI's own file says it,
# before the job starts. `fixed`: nobody can choose it.
Audience = Literal["chosen", "declared", "fixed"]
# A CI runs the job; a platform is what a job, and a CI's runner too, may run on.
Kind = Literal["supplied", "ci", "platform"]


class Provider(NamedTuple):
    """A source of ID tokens. Both functions are pure: the environment in, facts out.

    `is_here`: whether `env` is this provider's. `obtain`: how an ID token is had there; also asked of an environment
    that does not show whose it is, where somebody named the provider.
    """

    name: str
    is_here: Callable[[Mapping[str, str]], bool]
    obtain: Callable[[Mapping[str, str]], CanMint | CannotMint]
    audience: Audience
    kind: Kind = "ci"

    def detect(self, env: Mapping[str, str]) -> Detection:
        """One of three answers."""
        return self.obtain(env) if self.is_here(env) else NotHere()
