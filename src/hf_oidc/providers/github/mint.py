"""GitHub Actions: the job requests an ID token from the runner's endpoint.

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
from hf_oidc.login_context import ReadFile
from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.endpoint import GITHUB_ENDPOINT, is_retryable

# Engines that run GitHub's workflows and set its variables, but issue no ID tokens.
OTHER_ENGINES = {"ACT": "act", "GITEA_ACTIONS": "Gitea Actions"}


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """From the runner's endpoint. Only a job with `id-token: write` has its variables."""

    def reason(read_file: ReadFile) -> IdentityError:
        return _reason(env, _event(read_file(env.get("GITHUB_EVENT_PATH", ""))))

    return GITHUB_ENDPOINT.obtain(env, reason, _is_retryable)


PROVIDER = Provider(obtain, audience="chosen")


def _reason(env: Mapping[str, str], event: Mapping[str, Any]) -> IdentityError:
    for variable, engine in OTHER_ENGINES.items():
        if env.get(variable) == "true":
            return IdTokenNotDeclared(f"{engine} runs this workflow, and issues no ID tokens")
    if env.get("GITHUB_ACTOR") == "dependabot[bot]":
        return IdTokenDependabot("Dependabot started this run, and GitHub issues no ID token to such runs")
    # `pull_request_target` has the base repository's permissions, so a fork is not the reason.
    if env.get("GITHUB_EVENT_NAME") != "pull_request_target" and _is_from_a_fork(event):
        return IdTokenForkPullRequest("This is a pull request from a fork, and GitHub issues no ID token to it")
    return IdTokenPermissionMissing("This job may not request an ID token: it lacks `id-token: write`")


def _event(text: str) -> Mapping[str, Any]:
    """The webhook payload of the run; empty if the file holds anything else."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, Mapping) else {}


def _is_from_a_fork(event: Mapping[str, Any]) -> bool:
    # Compares the repositories' names: `head.repo.fork` is also true for a pull request within a fork.
    head, base = (_repository(event, side) for side in ("head", "base"))
    return base is not None and head != base


def _repository(event: Mapping[str, Any], side: str) -> object:
    found: object = event
    for name in ("pull_request", side, "repo", "full_name"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is_retryable(response: Response) -> bool:
    if response.status == 403:  # "Can't issue ID_TOKEN for job in 'Pending' state", or 'Delayed', when a job starts
        return re.search(rb"Pending|Delayed", response.body or b"") is not None
    return is_retryable(response)
