"""GitHub Actions: the job asks the runner's token endpoint for an ID token.

https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hf_oidc.errors import (
    IdentityError,
    IdTokenDependabot,
    IdTokenForkPullRequest,
    IdTokenNotDeclared,
    IdTokenPermissionMissing,
)
from hf_oidc.http.message import Response
from hf_oidc.providers import actions_runtime
from hf_oidc.providers.base import CanMint, CannotMint, Provider, ReadFile
from hf_oidc.providers.sources import is_retryable

# Engines that run GitHub's workflows and say so, but issue no ID tokens.
OTHER_ENGINES = {"ACT": "act", "GITEA_ACTIONS": "Gitea Actions"}


def is_here(env: Mapping[str, str]) -> bool:
    """Where GitHub's runner is, or an engine that says it were; not on Forgejo, which sets GitHub's variables too."""
    return env.get("GITHUB_ACTIONS") == "true" and env.get("FORGEJO_ACTIONS") != "true"


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """By asking the runner's endpoint, which is there where the job has `id-token: write`."""

    def reason(read_file: ReadFile) -> IdentityError:
        return _reason(env, _event(read_file(env.get("GITHUB_EVENT_PATH", ""))))

    return actions_runtime.obtain(env, "GitHub", reason, _is_retryable)


PROVIDER = Provider("github", is_here, obtain, audience="chosen")


def _reason(env: Mapping[str, str], event: Mapping[str, Any]) -> IdentityError:
    for variable, engine in OTHER_ENGINES.items():
        if env.get(variable) == "true":
            return IdTokenNotDeclared(f"{engine} runs this workflow, and it issues no ID tokens of its own")
    if env.get("GITHUB_ACTOR") == "dependabot[bot]":
        return IdTokenDependabot("Dependabot started this run, and GitHub gives such runs no ID token")
    # `pull_request_target` runs with the base repository's rights: there a fork is not the reason.
    if env.get("GITHUB_EVENT_NAME") != "pull_request_target" and _is_from_a_fork(event):
        return IdTokenForkPullRequest("This is a pull request from a fork, and GitHub gives those no ID token")
    return IdTokenPermissionMissing("GitHub gave this job no means to ask for an ID token")


def _event(text: str) -> Mapping[str, Any]:
    """The webhook payload of the run, whatever the file holds."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, Mapping) else {}


def _is_from_a_fork(event: Mapping[str, Any]) -> bool:
    # By the repositories' names, not by `head.repo.fork`: that also says true of a pull request within a fork.
    head, base = (_repository(event, side) for side in ("head", "base"))
    return base is not None and head != base


def _repository(event: Mapping[str, Any], side: str) -> object:
    found: object = event
    for name in ("pull_request", side, "repo", "full_name"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is_retryable(response: Response) -> bool:
    if response.status == 403:  # "Can't issue ID_TOKEN for job in 'Pending' state", or 'Delayed', as a job begins
        return re.search(rb"Pending|Delayed", response.body or b"") is not None
    return is_retryable(response)
