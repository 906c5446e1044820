"""Jenkins with the oidc-provider plugin: a credential is an ID token, which the pipeline binds to `HF_ID_TOKEN`.

https://plugins.jenkins.io/oidc-provider/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.sources import from_variable


def is_here(env: Mapping[str, str]) -> bool:
    """Where a Jenkins agent is."""
    return bool(env.get("JENKINS_URL"))


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """The token that the pipeline has bound."""
    return from_variable(env, ("HF_ID_TOKEN",), "Jenkins")


PROVIDER = Provider("jenkins", is_here, obtain, audience="declared")
