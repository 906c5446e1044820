"""Buildkite: its agent mints an ID token on request.

https://buildkite.com/docs/agent/cli/reference/oidc
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, LoginContext, Provider
from hf_oidc.providers.sources import from_command, word
from hf_oidc.secret import Secret


def is_here(env: Mapping[str, str]) -> bool:
    """Where a Buildkite agent runs a job."""
    return env.get("BUILDKITE") == "true"


def obtain(_env: Mapping[str, str]) -> CanMint:
    """By the agent's own command."""
    return CanMint(_mint)


PROVIDER = Provider("buildkite", is_here, obtain, audience="chosen")


def _mint(audience: str, context: LoginContext) -> Secret:
    said = from_command(context, ("buildkite-agent", "oidc", "request-token", "--audience", audience))
    return word(said.reveal(), "The output of `buildkite-agent oidc request-token`")
