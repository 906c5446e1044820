"""Buildkite: its agent's command prints an ID token.

https://buildkite.com/docs/agent/cli/reference/oidc
"""

from __future__ import annotations

from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import CanMint, Provider
from hf_oidc.providers.command import token_from_command
from hf_oidc.secret import Secret


def mint(audience: str, context: LoginContext) -> Secret:
    """From the agent's command."""
    return token_from_command(context, ("buildkite-agent", "oidc", "request-token", "--audience", audience))


PROVIDER = Provider(lambda _env: CanMint(mint), audience="chosen")
