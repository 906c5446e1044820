"""The branch to enter, and the findings about what starts a job: both only from the runs that reach its logins.

A publisher's `branch` is the claim `ref` without `refs/heads/`. Tags and the merge refs of pull requests have none.
This module reads no `on:` and no condition of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hf_oidc.doctor.workflow.expressions.evaluation import condition
from hf_oidc.doctor.workflow.findings import Branch, Severity, WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Workflow
from hf_oidc.doctor.workflow.runs.reach import SUCCEEDS, TOO_MUCH, Reached
from hf_oidc.doctor.workflow.runs.run import CHOSEN, Run, name_of
from hf_oidc.sanitize import sanitize_line

ANY_BRANCH = "any branch"
DEFAULT = "the default branch"
# The usual default branches. With any other branch, `schedule` is not expected to run on it.
USUAL_DEFAULTS = {"main", "master"}
# These run on the merge ref of a pull request, or of one that was merged, on its base branch.
PULL_REQUEST_EVENTS = {"pull_request", "pull_request_review", "pull_request_review_comment"}
OWN = "github.event.pull_request.head.repo.full_name == github.repository && github.actor != 'dependabot[bot]'"


@dataclass(frozen=True)
class Logins:
    """The logins of a job. `reached`: by run. `soft`: if it fails, that is a warning. `reads`: the token only reads."""

    reached: tuple[Reached, ...]
    soft: bool = False
    reads: bool = False

    @property
    def runs(self) -> list[Run]:
        """The runs that reach a login, for certain or perhaps."""
        return [each.run for each in self.reached if each.certainty != "no"]

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The events and conditions because of which it is not known whether, or on which ref, a login is reached."""
        found: list[str] = []
        for each in self.reached:
            if each.run.kind == "unknown":
                found.append(f"the event `{sanitize_line(each.run.event, 60)}`")
            elif each.certainty == "maybe" and each.run.kind != "caller":
                found += [text if text == TOO_MUCH else f"`{text}`" for text in each.unknown]
        return tuple(dict.fromkeys(found))


def together(every: Sequence[tuple[Reached, ...]]) -> tuple[Reached, ...]:
    """Returns what reaches at least one of several steps. Each item has the same runs in the same order."""
    rank = ("yes", "maybe", "no")
    return tuple(min(of_run, key=lambda each: rank.index(each.certainty)) for of_run in zip(*every, strict=True))


def branch_of(logins: Logins) -> Branch:
    """Returns what to enter as the branch."""
    runs = logins.runs
    known = [run for run in runs if run.kind not in ("caller", "unknown") and run.gets_id_token]
    if not runs:
        return Branch("never")
    if not known:
        kinds = {run.kind for run in runs}
        return Branch("caller" if "caller" in kinds else "unknown" if "unknown" in kinds else "pull-request")
    # With the trust of the repository, these run the code of a pull request, or are asked to.
    others = [run for run in known if run.kind != "pull-request" and run.event != "pull_request_target"]
    # On its merge ref, a pull request can get a user's token only through a publisher without a branch.
    if not others or (logins.reads and _of_kind("pull-request", known)):
        return Branch("pull-request")
    on_branches = [run for run in others if _is_on_branch(run)]
    fixed = [run for run in on_branches if not run.is_chosen]
    if fixed:
        return _branch_among(fixed)
    tags = [run for run in others if run.kind == "tag" and not run.is_chosen]
    if tags or not on_branches:
        return Branch("none")
    # The branch is chosen when these are started: most likely the default branch, unless conditions require others.
    required = all(isinstance(run.ref, str) for run in on_branches)
    return _branch_among(on_branches) if required else Branch("default")


def check_triggers(workflow: Workflow, job: Job, logins: Logins) -> Iterator[WorkflowFinding]:
    """Finds runs that reach a login of `job` and cannot log in, or are not on the branch to enter."""
    branch, runs = branch_of(logins), logins.runs
    facts = {"job": sanitize_line(job.key, 80)}
    if branch.kind == "never":
        yield WorkflowFinding("never-reached", "warning", job.line, facts)
    if target := [run for run in runs if run.event == "pull_request_target"]:
        yield WorkflowFinding("pull-request-target", "warning", _line(workflow, target))
    for event in sorted(PULL_REQUEST_EVENTS & {run.event for run in runs}):
        yield from _pull_requests(workflow, job, logins, event)
    if branch.kind in ("one", "default", "several"):
        yield from _off_branch(workflow, job, runs, branch)
    tags = [run for run in runs if run.kind == "tag" and not run.is_chosen]
    if tags and branch.kind == "none":
        yield WorkflowFinding("tags", "note", _line(workflow, tags), {"events": words_of(tags)})
        if chosen := [run for run in runs if run.is_chosen and run.kind != "tag"]:
            facts |= {"events": words_of(tags), "chosen": _events(chosen)}
            facts |= stricter_condition(job, runs, "startsWith(github.ref, 'refs/tags/')")
            yield WorkflowFinding("tags-and-dispatch", "warning", _line(workflow, chosen), facts)


def _pull_requests(workflow: Workflow, job: Job, logins: Logins, event: str) -> Iterator[WorkflowFinding]:
    """What fails in the runs of pull requests that one event starts."""

    def fails(run: Run) -> bool:
        # A user's publisher has no branch, so only the ID token is missing.
        return run.event == event and (not run.gets_id_token or (run.kind == "pull-request" and not logins.reads))

    failing = list(filter(fails, logins.runs))
    if not failing or (logins.soft and logins.reads):
        return
    facts = {"event": event, "job": sanitize_line(job.key, 80), "runs": words_of(failing)}
    line = _line(workflow, failing)
    if logins.soft:
        yield WorkflowFinding("pull-request-soft", "note", line, facts)
        return
    given = [run.gets_id_token for run in failing]
    facts["why"] = "own" if all(given) else "no-branch" if any(given) else "no-id-token"
    required = OWN if facts["why"] == "no-id-token" else f"github.event_name != '{event}'"
    advice = stricter_condition(job, logins.runs, required)
    if logins.reads:
        advice = {"how": "warn", "lines": "on-error: warn"}
    elif facts["why"] == "own" and not advice["lines"]:
        advice = {"how": "merge", "lines": ""}
    elif not advice["lines"] and not any([job.condition, *(step.condition for step in job.steps)]):
        advice = {"how": "push", "lines": "on:\n  push:\n    branches: [main]"}
    # A publisher without a branch accepts the repository's own pull requests. Without an ID token nothing does.
    certain = any(fails(each.run) and not each.run.gets_id_token for each in logins.reached if each.certainty == "yes")
    all_fail = facts["why"] == "no-branch" or len(failing) == len(logins.runs)
    severity: Severity = "error" if certain and all_fail else "warning"
    yield WorkflowFinding("pull-request", severity, line, {**facts, **advice})


def _off_branch(workflow: Workflow, job: Job, runs: Sequence[Run], branch: Branch) -> Iterator[WorkflowFinding]:
    """The runs that a publisher with a branch refuses."""
    facts = {"job": sanitize_line(job.key, 80)}
    fixed = [run for run in runs if not run.is_chosen and run.event != "pull_request_target"]
    if tags := _of_kind("tag", fixed):
        advice = {"events": words_of(tags), **stricter_condition(job, runs, "startsWith(github.ref, 'refs/heads/')")}
        yield WorkflowFinding("tags-and-branches", "warning", _line(workflow, tags), {**facts, **advice})
    if queue := _of_kind("merge-queue", runs):
        advice = stricter_condition(job, runs, "github.event_name != 'merge_group'")
        yield WorkflowFinding("merge-queue", "warning", _line(workflow, queue), {**facts, **advice})
    names = [name for name in branch.name.split(", ") if name not in ("", ANY_BRANCH, DEFAULT) and "*" not in name]
    only = stricter_condition(
        job, runs, f"github.ref == 'refs/heads/{'main' if 'main' in names or not names else names[0]}'"
    )
    if branch.kind == "several":
        line = _line(workflow, [run for run in runs if _is_on_branch(run)])
        yield WorkflowFinding("several-branches", "warning", line, {"branches": branch.name, **facts, **only})
    elsewhere = [
        run
        for run in runs
        if not _is_on_branch(run)
        or not (run.on_default if branch.kind == "default" else name_of(run.ref) == branch.name)
    ]
    for event in sorted({run.event for run in runs if run.is_chosen}):
        chosen = [run for run in elsewhere if run.event == event]
        # If conditions name several branches, a choice between them is not news. And if every run is started by hand,
        # the person who starts it knows that there is a choice.
        severity: Severity = "note" if CHOSEN.issuperset(workflow.triggers) else "warning"
        if any(run.kind != "branch" or branch.kind != "several" or not isinstance(run.ref, str) for run in chosen):
            yield WorkflowFinding("any-ref", severity, _line(workflow, chosen), {"event": event, **facts, **only})
    default = [run for run in fixed if run.on_default and not isinstance(run.ref, str)]
    if branch.kind == "one" and default:
        facts |= {"events": _events(default), "branch": branch.name}
        yield WorkflowFinding("default-branch", "note", _line(workflow, default), facts)


def _branch_among(runs: Sequence[Run]) -> Branch:
    """The branch of runs that are all on one. There are several if it is not the same for all."""
    found: dict[str, str] = {}
    for run in runs:
        name = name_of(run.ref)
        shown = DEFAULT if run.on_default else ANY_BRANCH
        if isinstance(name, str):
            shown = sanitize_line(name, 60) or ANY_BRANCH
            name = name if shown != ANY_BRANCH else ""
        elif not run.on_default and (name.prefix or name.suffix):
            shown = sanitize_line(f"{name.prefix}*{name.suffix}", 60)
        found[shown] = name if isinstance(name, str) else ""
    if DEFAULT in found and all(run.on_default for run in runs):
        return Branch("default")
    literal = [name for name in found.values() if name]
    is_only = len(literal) == 1 and len(found) == 1 + (DEFAULT in found)
    if is_only and (DEFAULT not in found or literal[0] in USUAL_DEFAULTS):
        return Branch("one", literal[0])
    return Branch("several", ANY_BRANCH if ANY_BRANCH in found else ", ".join([*found][:20]))


def _is_on_branch(run: Run) -> bool:
    return run.kind in ("branch", "default-branch")


def _of_kind(kind: str, runs: Iterable[Run]) -> list[Run]:
    return [run for run in runs if run.kind == kind]


def _line(workflow: Workflow, runs: Sequence[Run]) -> int | None:
    lines = [workflow.triggers[run.event].line for run in runs if run.event in workflow.triggers]
    return min(lines, default=None)


def _events(runs: Sequence[Run]) -> str:
    return ", ".join(dict.fromkeys(f"`{run.event}`" for run in runs))


def words_of(runs: Sequence[Run]) -> str:
    """The runs, for a sentence: "a push of a tag, a pull request from a fork or from Dependabot"."""
    found: dict[str, list[str]] = {}
    for run in runs:
        what, origin = f"`{run.event}`", ""
        if run.event == "push":
            what = "a push of a tag" if run.kind == "tag" else "a push to a branch"
        elif run.event == "release":
            what = "a release"
        elif run.event in PULL_REQUEST_EVENTS:
            what = "a merged pull request" if run.merged else "a pull request"
            origin = "from a fork" if run.from_fork else "from Dependabot" if run.dependabot else "from this repository"
        found.setdefault(what, []).append(origin)
    return ", ".join(f"{what} {' or '.join(dict.fromkeys(origins))}".strip() for what, origins in found.items())


def stricter_condition(job: Job, runs: Sequence[Run], required: str) -> dict[str, str]:
    """Returns the `if:` that also requires a condition, and how: whether it is added or replaces the one of the job.

    Both are empty if no run would be left.
    """
    if not required or all(condition(required, run.contexts(), SUCCEEDS) is False for run in runs):
        return {"how": "", "lines": ""}
    if not job.condition:
        return {"how": "add", "lines": f"if: {required}"}
    text = " ".join(job.condition.split())
    if text.startswith("${{") and text.endswith("}}"):
        text = text[3:-2].strip()
    if not text or "${{" in text or sanitize_line(text, 300) != text:
        return {"how": "and", "lines": f"if: {required}"}
    both = f"({text}) && {required}"
    # In YAML, these would end a value without quotes, or start a comment.
    return {"how": "replace", "lines": f"if: {json.dumps(both) if ': ' in both or ' #' in both else both}"}
