"""The diagnosis of a failed login: an error's facts, with what its reader needs to change something.

It is built here and rendered in `text` and `markdown`. An explanation must not fail where the login has: odd claims
and odd texts are facts like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hf_oidc.diagnosis.advice import Sentence, after_refusal, next_step, snippet
from hf_oidc.diagnosis.claims import Claims, Field, fits_preset, publisher_fields, raw_claims
from hf_oidc.diagnosis.findings import Finding, findings
from hf_oidc.diagnosis.publisher import NoSuggestion, SettingsPage, Suggestion, settings_page, suggest
from hf_oidc.errors import Attempt, ExchangeRejected, LoginError, Where
from hf_oidc.resource import Resource
from hf_oidc.untrusted_text import shown, shown_input

DOCUMENT = "https://github.com/org/hf-oidc-action/blob/main/docs/troubleshooting.md"
MAX_WHAT = 800


@dataclass(frozen=True)
class Diagnosis:
    """Everything that the renderings say.

    `snippet`: YAML that belongs to the next step. `fields`: the job as a publisher on the Hub describes it; `claims`:
    those of its ID token that matter. These, `findings`, `publisher` and `page` are for a refusal alone; all else
    that fails has nothing to do with them.
    """

    code: str
    what: str
    where: Where | None
    next_step: Sentence
    snippet: str = ""
    resource: str = ""
    findings: tuple[Finding, ...] = ()
    fields: tuple[Field, ...] = ()
    claims: tuple[Field, ...] = ()
    publisher: Suggestion | NoSuggestion | None = None
    page: SettingsPage | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def fields_alone(self) -> tuple[Field, ...]:
        """The fields, unless the suggested publisher says the same."""
        return () if isinstance(self.publisher, Suggestion) else self.fields

    @property
    def link(self) -> str:
        """The section of the troubleshooting guide."""
        return f"{DOCUMENT}#{self.code}"


def diagnose(error: LoginError, resource: Resource | None, hub_url: str) -> Diagnosis:
    """What is to be said about `error`, of a login for `resource` at the Hub of `hub_url`, as far as they are known."""
    plain = Diagnosis(
        error.code,
        shown(error.what, MAX_WHAT),
        error.where,
        next_step(error),  # of a refusal, replaced below
        snippet(error),
        shown_input(str(resource)) if resource else "",
        attempts=error.attempts,
    )
    if not isinstance(error, ExchangeRejected):
        return plain
    claims = error.unverified_claims or {}
    return _of_refusal(plain, claims, resource, hub_url, preset=fits_preset(claims, hub_url))


def _of_refusal(
    plain: Diagnosis, claims: Claims, resource: Resource | None, hub_url: str, *, preset: bool
) -> Diagnosis:
    found = findings(claims, resource, plain.what, preset=preset)
    publisher = suggest(claims, preset=preset) if claims else None
    page = settings_page(resource, hub_url) if resource else None
    return replace(
        plain,
        next_step=after_refusal(found, publisher, page),
        findings=found,
        fields=publisher_fields(claims, preset=preset) if claims else (),
        claims=raw_claims(claims),
        publisher=publisher,
        page=page,
    )
