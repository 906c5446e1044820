"""What `hf-oidc doctor` finds in a CI job: its claims in, a report out. The door has asked the CI for them.

Facts only. `doctor_text` writes them for people, `doctor_json` for programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hf_oidc.diagnosis.advice import cause
from hf_oidc.diagnosis.ci import CIS, Ci
from hf_oidc.diagnosis.claims import Field, publisher_fields, raw_claims, workflow_of
from hf_oidc.diagnosis.findings import Finding, branch, own_audience, pull_request_target, reusable_workflow
from hf_oidc.diagnosis.issuers import Claims, fits_preset, issued_by
from hf_oidc.diagnosis.publisher import (
    Difference,
    NoSuggestion,
    SettingsPage,
    Suggestion,
    differences,
    settings_page,
    suggest,
)
from hf_oidc.diagnosis.report import Diagnosis
from hf_oidc.resource import Resource

NOTHING = NoSuggestion("incomplete")


@dataclass(frozen=True)
class Question:
    """What is asked about a job: may it log in for `resource` at `hub_url`, and is it what `expected` says."""

    hub_url: str
    audience: str
    resource: Resource | None
    expected: Mapping[str, str]

    @property
    def page(self) -> SettingsPage | None:
        """Where to enter a publisher for the resource."""
        return settings_page(self.resource, self.hub_url) if self.resource else None


@dataclass(frozen=True)
class JobReport:
    """A job. `provider`: empty where no CI is known. What needs an ID token is empty where there is none.

    `issuer`: the name of the CI that the ID token is from, which differs where the token was supplied.
    `findings`: what may keep the Hub from accepting this job although nothing fails here.
    """

    provider: str
    question: Question
    issuer: str = ""
    problem: Diagnosis | None = None
    expires: datetime | None = None
    fields: tuple[Field, ...] = ()
    claims: tuple[Field, ...] = ()
    publisher: Suggestion | NoSuggestion = NOTHING
    unmet: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_id_token(self) -> bool:
        """Whether there was an ID token that could be read."""
        return self.expires is not None

    @property
    def ci(self) -> Ci | None:
        """What is known of the CI; of a supplied ID token, of the one that it is from."""
        return CIS.get(self.issuer if self.provider == "supplied" else self.provider)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to be careful about with a publisher for this job, and for this CI."""
        found = tuple(cause(each).render(lambda _, value: value) for each in self.findings)
        return (*found, *(self.ci.cautions if self.ci else ()))

    @property
    def fails(self) -> bool:
        """Whether a login would fail, or the job is not the one that is expected."""
        return self.problem is not None or bool(self.unmet)


def with_claims(report: JobReport, claims: Claims, expires: datetime) -> JobReport:
    """`report`, with what the claims of the job's ID token tell."""
    question = report.question
    preset = fits_preset(claims, question.hub_url)
    return replace(
        report,
        issuer=issued_by(claims),
        expires=expires,
        fields=publisher_fields(claims, preset=preset),
        claims=raw_claims(claims),
        publisher=suggest(claims, preset=preset),
        unmet=tuple(_unmet(question.expected, claims, preset=preset)),
        findings=(
            *own_audience({"aud": question.audience}, question.hub_url),
            *branch(claims, preset=preset),
            *pull_request_target(claims),
            *reusable_workflow(claims),
        ),
    )


def _unmet(expected: Mapping[str, str], claims: Claims, *, preset: bool) -> Iterator[Difference]:
    # Of a reusable workflow the Hub may compare either file: a publisher that names the one called may fit.
    called = workflow_of(claims.get("job_workflow_ref")) if preset else None
    for each in differences(expected, claims, preset=preset):
        if each.name != "workflow" or expected[each.name] != called:
            yield each
