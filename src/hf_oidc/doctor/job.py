"""The report of `hf-oidc doctor` about a CI job, built from the claims of its ID token.

It holds facts only: `text` and `json_report` render them. It does no I/O; `cli.doctor` obtains the ID token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hf_oidc.explain.advice import cause
from hf_oidc.explain.claims import issued_by, publisher_fields, raw_claims
from hf_oidc.explain.findings import Finding, branch, own_audience, pull_request_target, reusable_workflow
from hf_oidc.explain.publisher import NoSuggestion, Suggestion, suggest
from hf_oidc.explain.report import Diagnosis
from hf_oidc.hub.publisher import (
    Claims,
    Difference,
    Field,
    SettingsPage,
    differences,
    fits_preset,
    settings_page,
    workflow_of,
)
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.facts import ProviderFacts, facts_of

NOTHING = NoSuggestion("incomplete")


@dataclass(frozen=True)
class Question:
    """What the user asks: whether this job can log in for `resource` at `hub_url`, with the `expected` values."""

    hub_url: str
    audience: str
    resource: Resource | None
    expected: Mapping[str, str]

    @property
    def page(self) -> SettingsPage | None:
        """The page on which to add a publisher for the resource."""
        return settings_page(self.resource, self.hub_url) if self.resource else None


@dataclass(frozen=True)
class JobReport:
    """The facts about a job. `provider` is empty if the CI is unknown. Facts about the ID token are empty without one.

    `issuer`: the CI that issued the ID token; it differs from `provider` if the user supplied the token. `findings`:
    why the Hub may refuse this job even though no problem was found here. `tried`: whether a login was tried;
    `granted_for`: the lifetime of its token in seconds, if the Hub granted one.
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
    tried: bool = False
    granted_for: int | None = None

    @property
    def accepted(self) -> bool | None:
        """Whether the Hub accepts this job; None if that was not tried."""
        return self.granted_for is not None if self.tried else None

    @property
    def has_id_token(self) -> bool:
        """Whether the job has a readable ID token."""
        return self.expires is not None

    @property
    def ci(self) -> ProviderFacts | None:
        """The facts about the CI; for a supplied ID token, about the CI that issued it."""
        return facts_of(self.issuer if self.provider == "supplied" else self.provider)

    @property
    def cautions(self) -> tuple[str, ...]:
        """Security notes about a publisher for this job and for this CI."""
        found = tuple(cause(each).render(lambda _, value: value) for each in self.findings)
        return (*found, *(self.ci.cautions if self.ci else ()))

    @property
    def fails(self) -> bool:
        """Whether a login would fail, or the job lacks an expected value."""
        return self.problem is not None or bool(self.unmet)


def with_claims(report: JobReport, claims: Claims, expires: datetime) -> JobReport:
    """Returns `report` with the facts from the ID token's claims. `expires`: UTC."""
    question = report.question
    preset = fits_preset(claims, question.hub_url)
    # Of a reusable workflow the Hub may compare either file: a publisher that names the one called may fit.
    called = workflow_of(claims.get("job_workflow_ref")) if preset else None
    return replace(
        report,
        issuer=issued_by(claims),
        expires=expires,
        fields=publisher_fields(claims, preset=preset),
        claims=raw_claims(claims),
        publisher=suggest(claims, preset=preset),
        unmet=tuple(
            each
            for each in differences(question.expected, claims, preset=preset)
            if each.name != "workflow" or question.expected[each.name] != called
        ),
        findings=(
            *own_audience({"aud": question.audience}, question.hub_url),
            *branch(claims, preset=preset),
            *pull_request_target(claims),
            *reusable_workflow(claims),
        ),
    )
