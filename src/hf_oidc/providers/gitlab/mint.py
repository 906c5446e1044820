"""GitLab: the job's `id_tokens:` put ID tokens into variables of its own naming; ours is `HF_ID_TOKEN`.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.sources import from_variable


def is_here(env: Mapping[str, str]) -> bool:
    """Where GitLab's runner is."""
    return env.get("GITLAB_CI") == "true"


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """The token that GitLab issued as the job began."""
    return from_variable(env, ("HF_ID_TOKEN",), "GitLab")


PROVIDER = Provider("gitlab", is_here, obtain, audience="declared")
