"""CircleCI: an ID token in a variable, if the project had it made for this audience; else its own command mints one.

By itself the token in `CIRCLE_OIDC_TOKEN_V2` is for the organization's id, and no Hub accepts that. The command mints
for any audience, but a container that a step starts does not have it.
https://circleci.com/docs/openid-connect-tokens/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hf_oidc.errors import IdTokenMalformed, IdTokenRequestFailed
from hf_oidc.id_token import IdToken
from hf_oidc.providers.base import CanMint, LoginContext, Provider
from hf_oidc.providers.sources import from_command, word
from hf_oidc.secret import Secret

# In the order in which they are taken: the documentation of who accepts such tokens names the first.
VARIABLES = ("CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN")


def is_here(env: Mapping[str, str]) -> bool:
    """Where CircleCI runs a job."""
    return env.get("CIRCLECI") == "true"


def obtain(env: Mapping[str, str]) -> CanMint:
    """From a variable whose token is for the audience, or by the command that CircleCI has on every machine."""
    tokens = [Secret(env.get(name, "").strip()) for name in VARIABLES]
    return CanMint(lambda audience, context: _mint(tokens, audience, context))


PROVIDER = Provider("circleci", is_here, obtain, audience="chosen")


def _mint(tokens: Sequence[Secret], audience: str, context: LoginContext) -> Secret:
    fitting = [token for token in map(_read, tokens) if token and audience in token.unverified_audience]
    now = context.now()
    if lasting := next((token for token in fitting if token.unverified_expiry > now), None):
        return lasting.secret
    try:
        return _from_command(audience, context)
    except IdTokenRequestFailed:
        if not fitting:
            raise
    # That it has expired is nearer to the cause than that the command is missing, too.
    return fitting[0].secret


def _read(secret: Secret) -> IdToken | None:
    with suppress(IdTokenMalformed):
        return IdToken.read(secret)
    return None


def _from_command(audience: str, context: LoginContext) -> Secret:
    claims = json.dumps({"aud": audience})
    # Without `--root-issuer`, which would change `iss`.
    said = from_command(context, ("circleci", "run", "oidc", "get", "--claims", claims))
    return word(said.reveal(), "The output of `circleci run oidc get`")
