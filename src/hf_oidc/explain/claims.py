"""What the unverified claims of a job say: which provider issued them, what the job runs for, and what may be shown.

The issuer comes first: other claims mislead, as ActiveState's tokens have GitLab's `project_path`, and many have an
`account_id`. They count only for providers that may run at any URL.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hf_oidc.hub.publisher import GITHUB_ISSUER, PRESET, Claims, Field, branch_of, claim_text, field, is_ref, text_of
from hf_oidc.providers.facts import RefClaims, all_facts, facts_of

# Local Hub plays each provider at its own path, which is the provider's name.
LOCAL_ISSUER = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/oidc/([a-z]+)(?:/.*)?", re.ASCII)
# The branch that most publishers name. No ID token says which branch is the default one.
USUAL_BRANCH = "main"


def issued_by(claims: Claims) -> str:
    """The name of the provider that issued the ID token with these claims; empty if it is unknown."""
    issuer, providers = claims.get("iss"), all_facts()
    if isinstance(issuer, str):
        if (local := LOCAL_ISSUER.fullmatch(issuer)) and local[1] in providers:
            return local[1]
        for name, facts in providers.items():
            if facts.issuer_pattern and re.fullmatch(facts.issuer_pattern, issuer):
                return name
    return next((name for name, facts in providers.items() if facts.has_claims(claims)), "")


def is_enterprise(claims: Claims) -> bool:
    """Whether GitHub issued the ID token, but with another issuer than that of the Hub's preset."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer.lower() == GITHUB_ISSUER:
        return False
    return re.fullmatch(all_facts()["github"].issuer_pattern, issuer) is not None


class Ref(NamedTuple):
    """`name`: a branch without `refs/heads/`, else the claim as it is. `is_default`: it must be the default branch."""

    kind: Literal["branch", "tag", "pull-request", "merge-queue"]
    name: str
    is_default: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether a publisher probably names it."""
        return self.kind == "branch" and (self.is_default or self.name == USUAL_BRANCH)


def ref_of(claims: Claims) -> Ref | None:
    """What the job with `claims` runs for, if they say."""
    facts = facts_of(issued_by(claims))
    known = facts.ref_claims if facts else RefClaims()
    texts = {name: value for name, value in claims.items() if isinstance(value, str)}
    ref, tag = texts.get(known.ref, ""), texts.get(known.tag, "")
    if tag or texts.get("ref_type") == "tag" or is_ref(ref, "tags"):
        return Ref("tag", tag or ref)
    proposed = any(
        texts.get(name) and (not values or texts[name] in values) for name, values in known.pull_request.items()
    )
    if proposed or is_ref(ref, "pull"):
        return Ref("pull-request", ref)
    branch = ref if known.plain else branch_of(ref)
    if not branch:
        return None
    if known.merge_queue and branch.startswith(known.merge_queue):
        return Ref("merge-queue", branch)
    return Ref("branch", branch, texts.get("event_name") in known.default_branch_events)


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
