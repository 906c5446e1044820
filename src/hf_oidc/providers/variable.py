"""Reads an ID token that the provider puts into a variable before the job starts."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.secret import Secret


def variable_provider(owner: str, *variables: str) -> Provider:
    """A provider that declares the audience in its own file. The first of `variables` that is set has the ID token."""

    def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
        token = next(filter(None, (env.get(variable, "").strip() for variable in variables)), "")
        if token:
            return fixed_token(token)
        problem = f"{owner} gave this job no ID token: `{'` or `'.join(variables)}` is not set"
        return CannotMint(lambda _read_file: IdTokenNotDeclared(problem))

    return Provider(obtain, audience="declared")


def fixed_token(token: str) -> CanMint:
    """Always `token`, whatever the audience: the login checks that before it sends the token."""
    secret = Secret(token.strip())
    return CanMint(lambda _audience, _context: secret, renewable=False, until_expiry_of=secret)
