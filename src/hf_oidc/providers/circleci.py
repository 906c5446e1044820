"""CircleCI: its own command mints an ID token with the claims that it is asked for.

The variables `CIRCLE_OIDC_TOKEN` and `CIRCLE_OIDC_TOKEN_V2` hold one for the organization's id, which no Hub accepts.
https://circleci.com/docs/openid-connect-tokens/
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hf_oidc.providers._base import CanMint, Means, Provider
from hf_oidc.providers._sources import from_command, word
from hf_oidc.secret import Secret


def is_here(env: Mapping[str, str]) -> bool:
    """Where CircleCI runs a job."""
    return env.get("CIRCLECI") == "true"


def obtain(_env: Mapping[str, str]) -> CanMint:
    """By the command that CircleCI has on every machine."""
    return CanMint(_mint)


PROVIDER = Provider("circleci", is_here, obtain, audience="chosen")


def _mint(audience: str, means: Means) -> Secret:
    claims = json.dumps({"aud": audience})
    # Without `--root-issuer`, which would change `iss`.
    said = from_command(means, ("circleci", "run", "oidc", "get", "--claims", claims))
    return word(said.reveal(), "The output of `circleci run oidc get`")
