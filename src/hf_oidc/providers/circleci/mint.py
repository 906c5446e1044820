"""CircleCI: an ID token in a variable if it is for this audience, else one from CircleCI's own command.

By default, the audience of `CIRCLE_OIDC_TOKEN_V2` is the organization's ID, which no Hub accepts. The command issues ID
tokens for any audience, but a container that a step starts does not have it.
https://circleci.com/docs/openid-connect-tokens/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hf_oidc.errors import IdTokenMalformed, IdTokenRequestFailed
from hf_oidc.id_token import IdToken
from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import CanMint, Provider
from hf_oidc.providers.command import token_from_command
from hf_oidc.secret import Secret

# In the order of preference: the guide to the service that accepts such tokens names the first.
VARIABLES = ("CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN")


def obtain(env: Mapping[str, str]) -> CanMint:
    """From a variable with an ID token for the audience, or from the command, which every CircleCI machine has."""
    tokens = [Secret(env.get(name, "").strip()) for name in VARIABLES]
    return CanMint(lambda audience, context: _mint(tokens, audience, context))


PROVIDER = Provider(obtain, audience="chosen")


def _mint(tokens: Sequence[Secret], audience: str, context: LoginContext) -> Secret:
    matching = [token for token in map(_read, tokens) if token and audience in token.unverified_audience]
    now = context.now()
    if unexpired := next((token for token in matching if token.unverified_expiry > now), None):
        return unexpired.secret
    # Without `--root-issuer`, which would change `iss`.
    command = ("circleci", "run", "oidc", "get", "--claims", json.dumps({"aud": audience}))
    try:
        return token_from_command(context, command)
    except IdTokenRequestFailed:
        if not matching:
            raise
    # The login then says that this token has expired, which is closer to the cause than the missing command.
    return matching[0].secret


def _read(secret: Secret) -> IdToken | None:
    with suppress(IdTokenMalformed):
        return IdToken.read(secret)
    return None
