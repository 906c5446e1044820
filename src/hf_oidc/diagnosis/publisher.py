"""The publisher on the Hub that fits a job: what to enter, on which page, and how a given one differs.

What is suggested fits exactly this job, never more; whether it should be trusted is its owner's decision. Facts only:
the sentences are in `advice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hf_oidc.diagnosis.claims import (
    Claims,
    Field,
    field,
    is_ref,
    presented,
    publisher_fields,
)
from hf_oidc.resource import Resource
from hf_oidc.untrusted_text import shown

PULL_REQUESTS = {"pull_request", "pull_request_target", "merge_request_event", "external_pull_request_event"}
# The claims that hold a full ref.
REFS = ("ref", "oidc.circleci.com/vcs-ref")


@dataclass(frozen=True)
class Suggestion:
    """A publisher that fits exactly this job. `preset`: enter it as GitHub Actions, else as an issuer with claims."""

    issuer: str
    preset: bool
    fields: tuple[Field, ...]

    @property
    def entries(self) -> dict[str, str]:
        """What to enter, by the name of the field; the preset stands for its issuer."""
        issuer = {} if self.preset else {"issuer": self.issuer}
        return {**issuer, **{each.name: each.value or "" for each in self.fields}}


@dataclass(frozen=True)
class NoSuggestion:
    """Why no publisher is suggested."""

    reason: Literal["pull-request", "tag", "plan", "incomplete", "not-showable"]


@dataclass(frozen=True)
class SettingsPage:
    """Where the publishers of a resource are managed: the section's name, and the page that has it."""

    section: str
    url: str


@dataclass(frozen=True)
class Difference:
    """A field of a publisher that this job does not meet: what the publisher has, fit to be shown, and the job."""

    name: str
    expected: str
    found: Field


def suggest(claims: Claims, *, preset: bool) -> Suggestion | NoSuggestion:
    """The publisher to enter for exactly this job."""
    if is_pull_request(claims):
        return NoSuggestion("pull-request")
    if _is_tag(claims):
        return NoSuggestion("tag")
    if claims.get("terraform_run_phase") == "plan":
        return NoSuggestion("plan")
    issuer = field("iss", claims, preset=preset)
    fields = publisher_fields(claims, preset=preset)
    if not fields or any(each.value is None for each in (issuer, *fields)):
        return NoSuggestion("incomplete")
    if not all(each.exact for each in (issuer, *fields)):
        return NoSuggestion("not-showable")
    return Suggestion(issuer.value or "", preset, fields)


def is_pull_request(claims: Claims) -> bool:
    """Whether a pull request started this job: GitHub's by event or ref, GitLab's by the pipeline's source."""
    events = (claims.get("event_name"), claims.get("pipeline_source"))
    return (
        any(is_ref(claims.get(name), "pull") for name in REFS)
        or any(isinstance(event, str) and event in PULL_REQUESTS for event in events)
        or bool(claims.get("scm_pull_request_target_branch"))  # Codefresh
    )


def _is_tag(claims: Claims) -> bool:
    # Buildkite has a claim for it, GitLab and Forgejo have the ref's type.
    return (
        any(is_ref(claims.get(name), "tags") for name in REFS)
        or claims.get("ref_type") == "tag"
        or bool(claims.get("build_tag"))
    )


def settings_page(resource: Resource, hub_url: str) -> SettingsPage:
    """Where to manage the publishers of `resource`."""
    hub_url = hub_url.rstrip("/")
    if resource.kind == "user":
        return SettingsPage("CI/CD Access", f"{hub_url}/settings/authentication#ci-cd-access")
    return SettingsPage("Trusted Publishers", f"{hub_url}/{resource}/settings")


def differences(publisher_claims: Mapping[str, str], claims: Claims, *, preset: bool) -> list[Difference]:
    """Where a job with `claims` differs from a publisher; none is a match, as all must be exactly equal.

    `preset`: the job's issuer is the one of the Hub's GitHub preset. Claims that the publisher does not list are not
    compared. The Hub stores no publisher without claims.
    """
    return [
        Difference(name, shown(expected), field(name, claims, preset=preset))
        for name, expected in publisher_claims.items()
        if presented(name, claims, preset=preset) != expected
    ]
