"""A job's unverified claims: those that a publisher names, and those that a public log may show."""

from __future__ import annotations

from hf_oidc.explain.issuers import issued_by
from hf_oidc.hub.publisher import PRESET, Claims, Field, claim_text, field, text_of
from hf_oidc.providers.facts import all_facts, facts_of


def publisher_names(claims: Claims, *, preset: bool) -> tuple[str, ...]:
    """The fields of a publisher for this job's issuer, beginning with the repository or project."""
    if preset:
        return tuple(PRESET)
    # An unknown issuer with the claim `repository` resembles GitHub, and has GitHub's other claims.
    facts = facts_of(issued_by(claims) or ("github" if text_of(claims.get("repository")) else ""))
    if not facts:
        return ()
    # A job that lacks the protecting value must not be described by that claim.
    return (*facts.identifying, *(name for name, value in facts.protecting.items() if claims.get(name) == value))


def publisher_fields(claims: Claims, *, preset: bool) -> tuple[Field, ...]:
    """Every field of a publisher for this job's issuer, including those that the job has no value for."""
    return tuple(field(name, claims, preset=preset) for name in publisher_names(claims, preset=preset))


def raw_claims(claims: Claims) -> tuple[Field, ...]:
    """The claims that a log may show and that the ID token has."""
    found = ((name, claim_text(claims.get(name))) for name in showable_claims())
    return tuple(Field(name, text) for name, text in found if text)


def showable_claims() -> tuple[str, ...]:
    """An allowlist: logs are public, and the ID tokens of some CIs contain e-mail addresses."""
    names = ["iss", "sub", "aud"]
    for facts in all_facts().values():
        names += [*facts.identifying, *facts.protecting, *facts.informative]
    return tuple(dict.fromkeys(names))
