"""Failed logins as their readers see them: annotation, log group and job summary, one story a file, to be read.

The texts are in tests/golden/diagnosis: `.txt` is the log, `.md` the summary. After a change that is meant,
`UPDATE_GOLDEN=1` writes them anew; the difference is then read like code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hf_oidc.errors import (
    Attempt,
    AudienceMismatch,
    ExchangeRejected,
    HubUnavailable,
    IdTokenDependabot,
    IdTokenForkPullRequest,
    IdTokenPermissionMissing,
    IdTokenRequestFailed,
    LoginError,
    RateLimited,
    Where,
)
from hf_oidc.explain import markdown, text
from hf_oidc.explain.report import diagnose
from hf_oidc.hub.resource import Resource
from tests.factories import HUB, github_claims

GOLDEN = Path(__file__).parents[2] / "golden" / "diagnosis"
WHERE = Where("exchange", "huggingface.co", 400, "Root=1-6740b1f2-0a1b2c3d4e5f60718293a4b5")
REFUSED = 'The Hub refused the exchange: invalid_grant, "The ID token is not accepted for this resource"'
UNKNOWN = 'The Hub refused the exchange: invalid_grant, "No trusted publisher configured on {}"'
REUSABLE = "acme/workflows/.github/workflows/release.yml@refs/tags/v3"
GITLAB = {
    "iss": "https://gitlab.com",
    "sub": "project_path:acme/trainer:ref_type:branch:ref:main",
    "aud": HUB,
    "project_path": "acme/trainer",
    "namespace_path": "acme",
    "ref": "main",
    "ref_type": "branch",
    "pipeline_source": "push",
    "user_email": "someone@example.com",
}
UNKNOWN_CI = {"iss": "https://ci.example", "sub": "job-7"}
HOSTILE: dict[str, Any] = {
    "repository": "o/r` | <img src=x onerror=alert(1)> @octocat\n::error::x\n## [x](javascript:y)",
    "repository_owner": ["a", {"b": "c"}],
    "workflow": "![x](https://evil.example/x.png)</details>##[add-path]/tmp",
    "ref": "refs/heads/\u202emain|`x`\\|<b>\x1b[31m",
    "workflow_ref": {"deep": [["x"] * 50] * 50},
    "job_workflow_ref": "hf_jwt_abcdefghijklmnop/" + "A" * 5000,
    "event_name": 7,
    "environment": "$(id) ${{ secrets.X }} www.evil.example",
}


@dataclass(frozen=True)
class Story:
    """A failed login for `resource`. `claims`: those of the ID token, once there was one; `provider`: who gave it."""

    error: LoginError
    resource: str = "acme/model"
    claims: Mapping[str, Any] | None = None
    attempts: tuple[Attempt, ...] = field(default=())
    provider: str = "github"


def rejected(said: str = REFUSED, resource: str = "acme/model", **claims: Any) -> Story:
    """A refusal of a job on GitHub that differs from the likely one by `claims`."""
    return Story(ExchangeRejected(said, WHERE), resource, github_claims(**claims))


def three_attempts(code: str, where: Where) -> tuple[Attempt, ...]:
    """Two that were followed by another, and the last."""
    waits = (0.8, 1.7, None)
    return tuple(Attempt(code, where, 10.1, wait) for wait in waits)


FORK = "This is a pull request from a fork, and GitHub issues no ID token to it"
DEPENDABOT = "Dependabot started this run, and GitHub issues no ID token to such runs"
BUSY = Where("exchange", "huggingface.co", 429, "Root=1-6740b1f2-0a1b2c3d", 55.0)
STORIES = {
    "rejected-on-main": rejected(),
    "side-branch": rejected(ref="refs/heads/feature-x", workflow="Publish the model"),
    "scheduled": rejected(ref="refs/heads/trunk", event_name="schedule"),
    "merge-queue": rejected(ref="refs/heads/gh-readonly-queue/main/pr-7-0123abc", event_name="merge_group"),
    "tag": rejected(ref="refs/tags/v1.0", ref_type="tag"),
    "pull-request": rejected(ref="refs/pull/7/merge", event_name="pull_request", head_ref="patch-1", base_ref="main"),
    "pull-request-target": rejected(event_name="pull_request_target", head_ref="patch-1", base_ref="main"),
    "reusable-workflow": rejected(job_workflow_ref=REUSABLE),
    "enterprise-issuer": rejected(iss="https://token.actions.githubusercontent.com/acme-corp"),
    "server-issuer": rejected(iss="https://github.acme.example/_services/token"),
    "display-name": rejected(workflow="Publish the model"),
    "user-resource": rejected(UNKNOWN.format("gpt2"), resource="gpt2"),
    "own-audience": rejected(aud="https://example.com"),
    "letter-case": rejected(resource="datasets/acme/corpus", repository="Acme/trainer", repository_owner="Acme"),
    "no-publisher": rejected(UNKNOWN.format("datasets/acme/corpus"), resource="datasets/acme/corpus"),
    "no-publisher-and-side-branch": rejected(UNKNOWN.format("acme/model"), ref="refs/heads/feature-x"),
    "no-publisher-and-tag": rejected(UNKNOWN.format("acme/model"), ref="refs/tags/v1.0", ref_type="tag"),
    "other-resource": rejected(UNKNOWN.format("acme/modell")),
    "gitlab": Story(ExchangeRejected(REFUSED, WHERE), "spaces/acme/demo", GITLAB, provider="gitlab"),
    "gitlab-side-branch": Story(
        ExchangeRejected(REFUSED, WHERE), "acme/model", {**GITLAB, "ref": "feature-x"}, provider="gitlab"
    ),
    "gitlab-unprotected": Story(
        ExchangeRejected(REFUSED, WHERE), "acme/model", {**GITLAB, "ref_protected": "false"}, provider="gitlab"
    ),
    "unknown-ci": Story(ExchangeRejected(REFUSED, WHERE), "acme/model", UNKNOWN_CI, provider=""),
    "hostile-claims": Story(ExchangeRejected(REFUSED, WHERE), claims=github_claims(**HOSTILE)),
    "disguised-outage": Story(
        HubUnavailable(
            "The Hub aborted the exchange, which is not a refusal: "
            'invalid_grant, "This operation was aborted due to timeout"',
            WHERE,
        ),
        claims=github_claims(),
        attempts=three_attempts("hub-unavailable", WHERE),
    ),
    "rate-limited": Story(
        RateLimited("The Hub has received too many requests from this address", BUSY),
        attempts=(Attempt("rate-limited", BUSY, 0.3, None),),
    ),
    "id-token-request-failed": Story(
        IdTokenRequestFailed(
            "GitHub's token endpoint gave no ID token", Where("mint", "run.actions.example", 503), retryable=True
        ),
        attempts=three_attempts("id-token-request-failed", Where("mint", "run.actions.example", 503)),
    ),
    "permission-missing": Story(
        IdTokenPermissionMissing("This job may not request an ID token: it lacks `id-token: write`")
    ),
    "fork": Story(IdTokenForkPullRequest(FORK)),
    "dependabot": Story(IdTokenDependabot(DEPENDABOT)),
    "audience": Story(
        AudienceMismatch(f"The ID token is for sigstore, not for {HUB}", HUB), claims=github_claims(aud="sigstore")
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    """Log and summary are those of the golden texts."""
    story = STORIES[name]
    story.error.attempts = story.attempts
    story.error.unverified_claims = story.claims
    story.error.provider = story.provider
    diagnosis = diagnose(story.error, Resource.parse(story.resource), HUB)
    title, message = text.annotation(diagnosis)
    compare(f"{name}.txt", "\n".join([f"[{title}]", message, "", *text.details(diagnosis)]).rstrip() + "\n")
    compare(f"{name}.md", markdown.summary(diagnosis))


def compare(name: str, said: str) -> None:
    """Hold `said` against the golden text."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


def test_every_golden_text_has_its_story() -> None:
    """No text is left over."""
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}{kind}" for name in STORIES for kind in (".txt", ".md")}
