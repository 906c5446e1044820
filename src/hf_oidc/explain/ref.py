"""What a job runs for: a branch, a tag, a pull request or a merge queue, by the claims of each provider."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hf_oidc.explain.issuers import issued_by
from hf_oidc.hub.publisher import Claims, branch_of, is_ref
from hf_oidc.providers.facts import RefClaims, facts_of

# The branch that most publishers name. No ID token says which branch is the default one.
USUAL_BRANCH = "main"


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
