"""The publisher on the Hub that fits a job: what to enter, on which page, and how a given one differs.

What is suggested fits exactly this job, never more; whether it should be trusted is its owner's decision. Facts only:
the sentences are in `advice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hf_oidc.explain.claims import Field, field, presented, publisher_fields
from hf_oidc.explain.issuers import Claims
from hf_oidc.explain.ref import ref_of
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

# GitHub's and Forgejo's: such a job may run for a branch, and whoever opens a pull request starts it all the same.
PULL_REQUESTS = ("pull_request", "pull_request_target")


@dataclass(frozen=True)
class Suggestion:
    """A publisher that fits exactly this job. `preset`: enter it as GitHub Actions, else as an issuer with claims.

    `side_branch`: the branch that it is for, where that is not one that publishers usually name.
    """

    issuer: str
    preset: bool
    fields: tuple[Field, ...]
    side_branch: str = ""

    @property
    def entries(self) -> dict[str, str]:
        """What to enter, by the name of the field; the preset stands for its issuer."""
        issuer = {} if self.preset else {"issuer": self.issuer}
        return {**issuer, **{each.name: each.value or "" for each in self.fields}}

    @property
    def entries_of_any_branch(self) -> dict[str, str]:
        """Those of them that do not name the side branch."""
        named = (self.side_branch, f"refs/heads/{self.side_branch}")
        of_branch = {name for name, value in self.entries.items() if value in named or value.endswith(f"@{named[1]}")}
        return {name: value for name, value in self.entries.items() if name not in of_branch}


@dataclass(frozen=True)
class NoSuggestion:
    """Why no publisher is suggested."""

    reason: Literal["pull-request", "tag", "merge-queue", "plan", "incomplete", "not-showable"]


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
    ref = ref_of(claims)
    if claims.get("event_name") in PULL_REQUESTS:
        return NoSuggestion("pull-request")
    if ref and ref.kind != "branch":
        return NoSuggestion(ref.kind)
    if claims.get("terraform_run_phase") == "plan":
        return NoSuggestion("plan")
    issuer = field("iss", claims, preset=preset)
    fields = publisher_fields(claims, preset=preset)
    if not fields or any(each.value is None for each in (issuer, *fields)):
        return NoSuggestion("incomplete")
    if not all(each.exact for each in (issuer, *fields)):
        return NoSuggestion("not-showable")
    side_branch = sanitize_line(ref.name) if ref and not ref.is_usual else ""
    return Suggestion(issuer.value or "", preset, fields, side_branch)


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
        Difference(name, sanitize_line(expected), field(name, claims, preset=preset))
        for name, expected in publisher_claims.items()
        if presented(name, claims, preset=preset) != expected
    ]
