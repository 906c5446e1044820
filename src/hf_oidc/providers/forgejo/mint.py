"""Forgejo Actions: its runner sets GitHub's variables, but Forgejo is the issuer.

https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.endpoint import GITHUB_ENDPOINT


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """From the runner's endpoint. Only a workflow with `enable-openid-connect: true` has its variables."""
    problem = "This job may not request an ID token: it lacks `enable-openid-connect: true`"
    return GITHUB_ENDPOINT._replace(owner="Forgejo").obtain(env, lambda _read_file: IdTokenNotDeclared(problem))


PROVIDER = Provider(obtain, audience="chosen")
