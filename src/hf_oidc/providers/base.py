"""What every provider is made of.

A provider's `mint` module knows nothing of the Hub, and reads nothing but the environment and the context it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from hf_oidc.errors import IdentityError, IdTokenRequestFailed, Where
from hf_oidc.login_context import LoginContext, ReadFile
from hf_oidc.secret import Secret

# Takes the audience, returns an ID token. Raises an `IdentityError`, or what `Transport.send` raises.
Mint = Callable[[str, LoginContext], Secret]


class CannotMint(NamedTuple):
    """This environment belongs to the provider, but it issues no ID token here. `reason` finds out why."""

    reason: Callable[[ReadFile], IdentityError]


class CanMint(NamedTuple):
    """This environment belongs to the provider, and `mint` obtains an ID token.

    `renewable`: each call obtains a new ID token; otherwise the job has one, issued when it started. `until_expiry_of`:
    the request token, or the ID token itself; when it expires, the provider issues no more.
    """

    mint: Mint
    renewable: bool = True
    until_expiry_of: Secret | None = None


# How an ID token gets its audience. `chosen`: each request names it. `declared`: the CI's own file or settings name it,
# before the job starts. `fixed`: it cannot be chosen.
Audience = Literal["chosen", "declared", "fixed"]


class Provider(NamedTuple):
    """A source of ID tokens.

    `obtain`: how it issues ID tokens in an environment, as a pure function. If the user names the provider, the
    environment need not belong to it.
    """

    obtain: Callable[[Mapping[str, str]], CanMint | CannotMint]
    audience: Audience


def as_id_token(value: object, source: str, where: Where | None = None) -> Secret:
    """`value` as a token: one word of printable ASCII. Raises `IdTokenRequestFailed`, which does not show the value."""
    token = Secret(value.strip() if isinstance(value, str) else "")
    del value  # a debugger or logger that prints the variables of a traceback would print the token
    text = token.reveal()
    is_word = text.isascii() and text.isprintable() and " " not in text and text != ""
    del text
    if not is_word:
        raise IdTokenRequestFailed(f"{source} holds no ID token", where, retryable=False)
    return token
