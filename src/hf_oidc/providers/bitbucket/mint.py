"""Bitbucket Pipelines: a step with `oidc:` has its ID token in a variable.

https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.sources import from_variable


def is_here(env: Mapping[str, str]) -> bool:
    """Where Bitbucket Pipelines is."""
    return bool(env.get("BITBUCKET_BUILD_NUMBER"))


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """The token that Bitbucket issued as the step began."""
    return from_variable(env, ("BITBUCKET_STEP_OIDC_TOKEN",), "Bitbucket")


PROVIDER = Provider("bitbucket", is_here, obtain, audience="declared")
