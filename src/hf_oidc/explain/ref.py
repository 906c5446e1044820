"""What a job runs for (a branch, a tag, a pull request, a merge queue), in each CI's own claims. Facts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from hf_oidc.explain.issuers import Claims, issued_by

# What most publishers name. No ID token says which branch is a repository's default one.
USUAL_BRANCH = "main"
# The claim that holds the branch, as a full ref or as its plain name.
CLAIM_OF: Mapping[str, str] = {
    "github": "ref",
    "forgejo": "ref",
    "gitlab": "ref",
    "circleci": "oidc.circleci.com/vcs-ref",
    "bitbucket": "branchName",
    "buildkite": "build_branch",
    "codefresh": "scm_ref",
}
PLAIN = {"gitlab", "bitbucket", "buildkite", "codefresh"}
MERGE_QUEUE = "gh-readonly-queue/"
# Events of GitHub that run for the default branch, whatever happened where.
FOR_DEFAULT_BRANCH = {"schedule", "workflow_run", "issue_comment", "repository_dispatch", "issues"}
MERGE_REQUESTS = {"merge_request_event", "external_pull_request_event"}


class Ref(NamedTuple):
    """`name`: a branch without `refs/heads/`, else the claim as it is. `is_default`: it is known to be the default."""

    kind: Literal["branch", "tag", "pull-request", "merge-queue"]
    name: str
    is_default: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether a publisher is expected to name it."""
        return self.kind == "branch" and (self.is_default or self.name == USUAL_BRANCH)


def ref_of(claims: Claims) -> Ref | None:
    """What the job with `claims` runs for, if they say."""
    ci = issued_by(claims)
    texts = {name: value for name, value in claims.items() if isinstance(value, str)}
    ref = texts.get(CLAIM_OF.get(ci, "ref"), "")
    tag = texts.get("build_tag", "")  # Buildkite's
    if tag or texts.get("ref_type") == "tag" or is_ref(ref, "tags"):
        return Ref("tag", tag or ref)
    # Of a change that is proposed, GitLab's and Codefresh's claims hold the branch that it comes from.
    from_merge_request = texts.get("pipeline_source") in MERGE_REQUESTS
    if is_ref(ref, "pull") or from_merge_request or texts.get("scm_pull_request_target_branch"):
        return Ref("pull-request", ref)
    branch = ref if ci in PLAIN else branch_of(ref)
    if not branch:
        return None
    if ci == "github" and branch.startswith(MERGE_QUEUE):
        return Ref("merge-queue", branch)
    return Ref("branch", branch, ci == "github" and texts.get("event_name") in FOR_DEFAULT_BRANCH)


def branch_of(ref: object) -> str | None:
    """The branch that `ref` names; a tag and a pull request's merge ref name none."""
    return ref[len("refs/heads/") :] or None if isinstance(ref, str) and is_ref(ref, "heads") else None


def is_ref(ref: object, kind: str) -> bool:
    """Whether `ref` is one of `refs/<kind>/`."""
    return isinstance(ref, str) and ref.startswith(f"refs/{kind}/")
