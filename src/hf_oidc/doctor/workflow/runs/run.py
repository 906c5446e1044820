"""A run that a workflow file can have: what starts it, on which ref, and what conditions then see.

A run stands for all runs of which the same is known. What it does not fix is unknown, and never assumed. This module
does not know which runs a file has, and evaluates nothing.
https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from hf_oidc.doctor.workflow.expressions.values import NOT_EMPTY, UNKNOWN, OpenMapping, SomeText, Value

# commit: a deployment of one, which has no ref. caller: it has the ref of the calling workflow.
Kind = Literal["branch", "default-branch", "tag", "pull-request", "merge-queue", "commit", "caller", "unknown"]

# The person or program that starts these chooses a branch or tag.
CHOSEN = frozenset({"workflow_dispatch", "deployment", "deployment_status", "registry_package"})
BRANCHES, TAGS = "refs/heads/", "refs/tags/"
# These two have a value that the file does not tell, and that conditions compare with others.
REPOSITORY = SomeText(name="the repository")
DEFAULT_BRANCH = SomeText(name="the default branch")


@dataclass(frozen=True)
class Run:
    """`activity`: the event's activity type; empty if it has none, or if nothing depends on it.

    `merged`: of a closed pull request. `on_default`: whether it runs on the default branch; none if that is unknown.
    `facts`: what else is fixed, by the path in an expression (`github.event.label.name`). `absent`: what the payload of
    other events has at its top, and this one's has not.
    """

    event: str
    ref: str | SomeText = ""
    kind: Kind = "unknown"
    activity: str = ""
    from_fork: bool | None = None
    dependabot: bool | None = None
    merged: bool | None = None
    on_default: bool | None = None
    facts: Mapping[str, Value] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    @property
    def is_understood(self) -> bool:
        """Whether the event is known, or is known to be that of a caller."""
        return self.kind != "unknown"

    @property
    def is_chosen(self) -> bool:
        """Whether the branch or tag is chosen when the run is started."""
        return self.event in CHOSEN

    @property
    def gets_id_token(self) -> bool:
        """GitHub issues no ID token for a pull request from a fork, or from Dependabot, whatever its activity type."""
        pull_request = self.event.startswith("pull_request") and self.event != "pull_request_target"
        return not (pull_request and (self.from_fork or self.dependabot))

    def contexts(self) -> Mapping[str, Value]:
        """What conditions see of the run: the contexts `github` and `inputs`. Others depend on the job."""
        return self._contexts

    @cached_property
    def _contexts(self) -> Mapping[str, Value]:
        if self.kind in ("caller", "unknown"):
            return {"github": UNKNOWN, "inputs": OpenMapping(_nested("inputs.", self.facts))}
        repository = self.facts.get("github.repository", REPOSITORY)
        actor = self.facts.get("github.actor", UNKNOWN)
        fixed: dict[str, Value] = {
            "github.event_name": self.event,
            "github.repository": repository,
            "github.base_ref": NOT_EMPTY,
            "github.head_ref": NOT_EMPTY,
            **self._of_the_ref(),
            **self.facts,
            "github.actor": actor,
            "github.triggering_actor": actor,
            "github.event.sender.login": actor,
            "github.event.repository.full_name": repository,
        }
        if isinstance(repository, str):
            fixed["github.repository_owner"] = fixed["github.event.repository.owner.login"] = repository.split("/")[0]
        if self.activity:
            fixed["github.event.action"] = self.activity
        if "pull_request" not in self.absent:
            fixed |= self._of_the_pull_request(fixed)
        if self.event not in ("pull_request", "pull_request_target"):
            # GitHub documents these for the two events only. It does not say what a review has.
            review = "pull_request" not in self.absent
            fixed |= dict.fromkeys(("github.base_ref", "github.head_ref"), UNKNOWN if review else "")
        facts = {**dict.fromkeys(f"github.event.{name}" for name in self.absent), **fixed}
        return {"github": _opened(_nested("github.", facts)), "inputs": _nested("inputs.", facts)}

    def _of_the_ref(self) -> dict[str, Value]:
        fixed: dict[str, Value] = {"github.ref": self.ref}
        if self.kind == "commit":
            return {"github.ref": "", "github.ref_name": "", "github.ref_type": UNKNOWN}
        tag = self.kind == "tag"
        fixed["github.ref_type"] = "tag" if tag else "branch"
        fixed["github.ref_name"] = name = name_of(self.ref)
        # GitHub's starter workflow `code-scanning/scorecard.yml` relies on this property also for `schedule`.
        if self.on_default is not None and not tag:
            fixed["github.event.repository.default_branch"] = (
                name if self.on_default else replace(DEFAULT_BRANCH, excluded=frozenset({name}))
            )
        elif tag:
            fixed["github.event.repository.default_branch"] = DEFAULT_BRANCH
        return fixed

    def _of_the_pull_request(self, facts: Mapping[str, Value]) -> dict[str, Value]:
        path, repository = "github.event.pull_request", facts["github.repository"]
        theirs = (
            replace(SomeText(), excluded=frozenset({repository})) if isinstance(repository, str | SomeText) else UNKNOWN
        )
        fixed: dict[str, Value] = {f"{path}.base.repo.full_name": repository}
        for name, value in (("fork", self.from_fork), ("full_name", theirs if self.from_fork else repository)):
            fixed[f"{path}.head.repo.{name}"] = UNKNOWN if self.from_fork is None else value
        for side in ("base", "head"):
            fixed[f"{path}.{side}.ref"] = facts.get(f"github.{side}_ref", UNKNOWN)
        if self.merged is not None:
            fixed[f"{path}.merged"] = self.merged
        return fixed


def name_of(ref: str | SomeText) -> str | SomeText:
    """Returns `github.ref_name` of a ref: `main`, `v1`, `7/merge`."""
    for start in (BRANCHES, TAGS, "refs/pull/"):
        if isinstance(ref, str) and ref.startswith(start):
            return ref[len(start) :]
        if isinstance(ref, SomeText) and ref.prefix.startswith(start):
            return ref.without(start)
    return ref


def _nested(root: str, facts: Mapping[str, Value]) -> dict[str, Value]:
    """`{"a.b.c": 1}` as `{"b": {"c": 1}}`, for the root `a.`."""
    found: dict[str, Any] = {}
    for path, value in facts.items():
        if path.startswith(root):
            *above, last = path[len(root) :].split(".")
            inner = found
            for name in above:
                inner = inner.setdefault(name, {})
            inner[last] = value
    return found


def _opened(facts: Mapping[str, Value]) -> Value:
    """The same, with everything unknown that is not named."""
    return OpenMapping({name: _opened(value) if isinstance(value, dict) else value for name, value in facts.items()})
