"""Forgejo Actions: a runner of GitHub's kind, with GitHub's variables and an issuer of its own.

https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.providers import actions_runtime
from hf_oidc.providers.base import CanMint, CannotMint, Provider


def is_here(env: Mapping[str, str]) -> bool:
    """Where Forgejo's runner is, which sets GitHub's variables too."""
    return env.get("FORGEJO_ACTIONS") == "true"


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """By asking the runner's endpoint, which is there where the workflow says `enable-openid-connect: true`."""
    problem = "Forgejo gave this job no means to ask for an ID token"
    return actions_runtime.obtain(env, "Forgejo", lambda _read_file: IdTokenNotDeclared(problem))


PROVIDER = Provider("forgejo", is_here, obtain, audience="chosen")
