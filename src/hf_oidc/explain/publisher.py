"""The publisher that fits exactly one job.

It accepts this job and no other; whether to trust the job is the reader's decision. Facts only: `advice` has the
sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hf_oidc.explain.claims import publisher_fields, ref_of
from hf_oidc.hub.publisher import Claims, Field, field
from hf_oidc.sanitize import sanitize_line

# In GitHub and Forgejo, such a job may run for a branch although anyone who opens a pull request starts it.
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
    def table(self) -> tuple[Field, ...]:
        """The fields to show, with the issuer first."""
        return (Field("issuer", "GitHub Actions" if self.preset else self.issuer), *self.fields)

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
