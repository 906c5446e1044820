"""Builds the diagnosis of a failed login: the error's facts, and what its reader can do.

`text` and `markdown` render it. Building a diagnosis never fails, whatever the claims or the error's text contain.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from hf_oidc.errors import Attempt, AudienceMismatch, ExchangeRejected, LoginError, NoProvider, Where
from hf_oidc.explain.advice import Sentence, after_refusal, next_step, snippet
from hf_oidc.explain.claims import publisher_fields, raw_claims
from hf_oidc.explain.entry_point import ACTION, DOCUMENTS, EntryPoint
from hf_oidc.explain.findings import Finding, findings, other_audience
from hf_oidc.explain.instructions import LoginTarget, cautions, facts_about, instruction, needs_publisher
from hf_oidc.explain.publisher import NoSuggestion, Suggestion, suggest
from hf_oidc.hub.publisher import Claims, Field, SettingsPage, fits_preset, settings_page
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.facts import Instruction, ProviderFacts
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL

MAX_WHAT = 800


@dataclass(frozen=True)
class Diagnosis:
    """Everything that a rendering shows.

    `copy`: the lines that belong to the next step. `ci`: the CI, if it is known. `enter`: the publisher that jobs of
    this CI need; `cautions`: its security notes. `fields`: this job in the fields of a publisher. `claims`: the
    relevant claims of its ID token. `fields`, `claims` and `publisher` are set only if the Hub refused the login.
    """

    code: str
    what: str
    where: Where | None
    next_step: Sentence
    copy: Instruction
    resource: str = ""
    ci: ProviderFacts | None = None
    enter: tuple[Field, ...] = ()
    cautions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    fields: tuple[Field, ...] = ()
    claims: tuple[Field, ...] = ()
    publisher: Suggestion | NoSuggestion | None = None
    page: SettingsPage | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def fields_alone(self) -> tuple[Field, ...]:
        """The fields, unless the suggested publisher shows the same."""
        return () if isinstance(self.publisher, Suggestion) else self.fields

    @property
    def link(self) -> str:
        """The section of the troubleshooting guide."""
        return f"{DOCUMENTS}/troubleshooting.md#{self.code}"

    @property
    def ci_link(self) -> str:
        """The section about the CI, if the diagnosis mentions its publisher."""
        return f"{DOCUMENTS}/providers.md#{self.ci.section}" if self.ci and (self.enter or self.cautions) else ""


def diagnose(
    error: LoginError,
    resource: Resource | None,
    hub_url: str,
    *,
    entry_point: EntryPoint = ACTION,
    audience: str = "",
    env: Mapping[str, str] = MappingProxyType({}),
) -> Diagnosis:
    """Explains `error`, the result of a login for `resource` at `hub_url`, if those are known.

    `entry_point`: the action or the command line. `audience`: of the ID token; if empty, the Hub's URL. `env`: the
    job's variables; they name its repository if there is no ID token.
    """
    hub_url = hub_url or DEFAULT_HUB_URL
    asked = sanitize_line(str(resource)) if resource else ""
    ci = facts_about(error)
    # Nearly every CI sets CI.
    on_own_machine = isinstance(error, NoProvider) and not env.get("CI")
    found = entry_point.own_machine if on_own_machine else instruction(error, ci)
    expected = error.expected if isinstance(error, AudienceMismatch) else ""
    by_endpoint = env.get("HF_ENDPOINT", "").strip().rstrip("/").lower() == hub_url.lower()
    target = LoginTarget(audience or expected or hub_url, hub_url, asked, by_endpoint)
    plain = Diagnosis(
        error.code,
        sanitize_line(error.what, MAX_WHAT),
        error.where,
        next_step(error, entry_point, found, target),  # of a refusal, replaced below
        snippet(error, entry_point, found, target),
        asked,
        ci,
        enter(ci, env) if needs_publisher(error) else (),
        cautions(error, ci),
        page=settings_page(resource, hub_url) if resource and (needs_publisher(error) or _refused(error)) else None,
        attempts=error.attempts,
    )
    claims = error.unverified_claims or {}
    if isinstance(error, AudienceMismatch):
        return replace(plain, findings=other_audience(claims, error.expected))
    return _of_refusal(plain, claims, resource, entry_point, hub_url) if _refused(error) else plain


def _refused(error: LoginError) -> bool:
    return isinstance(error, ExchangeRejected)


def _of_refusal(
    plain: Diagnosis, claims: Claims, resource: Resource | None, entry_point: EntryPoint, hub_url: str
) -> Diagnosis:
    preset = fits_preset(claims, hub_url)
    found = findings(claims, resource, plain.what, hub_url, preset=preset)
    publisher = suggest(claims, preset=preset) if claims else None
    return replace(
        plain,
        next_step=after_refusal(found, publisher, plain.page, entry_point),
        enter=() if publisher != NoSuggestion("incomplete") else enter(plain.ci, {}),
        findings=found,
        fields=publisher_fields(claims, preset=preset) if claims else (),
        claims=raw_claims(claims),
        publisher=publisher,
    )


def enter(ci: ProviderFacts | None, env: Mapping[str, str]) -> tuple[Field, ...]:
    """Returns the publisher that jobs of `ci` need. The variables fill in the values of this job."""
    # The facts are our own text and need no sanitizing. The values from the environment do.
    values = {"issuer": ci.issuer, **ci.claims} if ci else {}
    known = {name: value for name, value in env.items() if value}
    for name, template in ci.from_env.items() if ci else ():
        with contextlib.suppress(KeyError):  # a variable that is not set
            values[name] = sanitize_line(template.format_map(known))
    return tuple(Field(name, value) for name, value in values.items())
