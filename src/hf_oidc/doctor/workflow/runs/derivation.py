"""From `on:` to the finite set of runs that a workflow file can have.

What conditions compare (`github.ref == 'refs/heads/main'`) splits the runs: one for each value that is compared, and
one for all others. So most conditions can be decided, and the number of runs stays small. Nothing is evaluated here.
https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hf_oidc.doctor.workflow.expressions.values import UNKNOWN, SomeText, Value, equal
from hf_oidc.doctor.workflow.model import Step, Workflow, texts
from hf_oidc.doctor.workflow.runs.comparisons import Compared, comparisons
from hf_oidc.doctor.workflow.runs.ref_filter import Mentioned, Name, names
from hf_oidc.doctor.workflow.runs.run import BRANCHES, DEFAULT_BRANCH, TAGS, Kind, Run
from hf_oidc.doctor.workflow.yaml_text import Block

MAX_RUNS = 500
MANY_STEPS = 300
MAX_EVENTS = 50  # GitHub has fewer
MAX_INPUTS = 50  # GitHub allows 25
MAX_PROPERTIES = 50
PULL_REQUEST_TYPES = (
    "assigned unassigned labeled unlabeled opened edited closed reopened synchronize converted_to_draft locked "
    "unlocked enqueued dequeued milestoned demilestoned ready_for_review review_requested review_request_removed "
    "auto_merge_enabled auto_merge_disabled"
)
PULL_REQUEST_PAYLOAD = (
    "pull_request number label assignee requested_reviewer requested_team before after changes reason milestone"
)
OPENED = "opened synchronize reopened"
# Properties that are true or false. A condition may use them without comparing them.
BOOLEANS = frozenset(
    {
        "github.event.created",
        "github.event.forced",
        "github.event.issue.pull_request",
        "github.event.pull_request.draft",
        "github.event.release.draft",
        "github.event.release.prerelease",
        "github.event.repository.fork",
        "github.event.repository.private",
        "github.ref_protected",
    }
)
# Compared for a name of a branch or tag, alone or after `refs/heads/`.
REF_PATHS = ("github.ref", "github.ref_name", "github.event.ref")
BASE_PATHS = ("github.base_ref", "github.event.pull_request.base.ref")
HEAD_PATHS = ("github.head_ref", "github.event.pull_request.head.ref")
DEFAULT_PATH = "github.event.repository.default_branch"
# Split elsewhere, or fixed for each run.
DEPENDABOT = "dependabot[bot]"
DEPENDABOT_PATHS = ("github.actor", "github.event.pull_request.user.login")
ACTOR_PATHS = ("github.actor", "github.triggering_actor", "github.event.sender.login")
# Split elsewhere, or fixed for each run.
DECIDED = frozenset(
    {*REF_PATHS, *BASE_PATHS, *HEAD_PATHS, *ACTOR_PATHS, DEFAULT_PATH}
    | {f"github.{name}" for name in ("event_name", "ref_type", "event.action", "event.schedule")}
    | {"github.event.repository.full_name"}
    | {f"github.event.pull_request.{name}" for name in ("merged", "head.repo.fork", "head.repo.full_name")}
)
# Where a run can differ: the ways in which it does. Each gives attributes of `Run`, and facts by their path.
Dimension = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Event:
    """`types`: its activity types; `default`: those without `types:`, if not all. `payload`: what it has at its top."""

    types: str = ""
    payload: str = ""
    kind: Kind = "default-branch"
    default: str = ""


EVENTS: Mapping[str, Event] = {
    "branch_protection_rule": Event("created edited deleted", "rule changes"),
    "check_run": Event("created rerequested completed requested_action", "check_run requested_action"),
    "check_suite": Event("completed", "check_suite"),
    "create": Event("", "ref ref_type master_branch description pusher_type", "branch"),
    "delete": Event("", "ref ref_type pusher_type"),
    "deployment": Event("", "deployment workflow workflow_run", "branch"),
    "deployment_status": Event("", "deployment_status deployment check_run workflow workflow_run target_url", "branch"),
    "discussion": Event(
        "created edited deleted transferred pinned unpinned labeled unlabeled locked unlocked category_changed "
        "answered unanswered",
        "discussion answer label changes",
    ),
    "discussion_comment": Event("created edited deleted", "discussion comment changes"),
    "fork": Event("", "forkee"),
    "gollum": Event("", "pages"),
    "image_version": Event(),
    "issue_comment": Event("created edited deleted", "issue comment changes"),
    "issues": Event(
        "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled unlabeled "
        "locked unlocked milestoned demilestoned field_added field_removed typed untyped",
        "issue label assignee milestone changes type",
    ),
    "label": Event("created edited deleted", "label changes"),
    "merge_group": Event("checks_requested", "merge_group reason", "merge-queue"),
    "milestone": Event("created closed opened edited deleted", "milestone changes"),
    "page_build": Event("", "build id"),
    "project": Event("created closed reopened edited deleted", "changes"),
    "project_card": Event("created moved converted edited deleted", "changes"),
    "project_column": Event("created updated moved deleted", "changes"),
    "public": Event(),
    "pull_request": Event(
        PULL_REQUEST_TYPES,
        PULL_REQUEST_PAYLOAD,
        "pull-request",
        OPENED,
    ),
    "pull_request_review": Event("submitted edited dismissed", "pull_request review changes", "pull-request"),
    "pull_request_review_comment": Event("created edited deleted", "pull_request comment changes", "pull-request"),
    # Since December 2025 on the default branch, no longer on the base branch. With the identity of the repository.
    "pull_request_target": Event(
        PULL_REQUEST_TYPES,
        PULL_REQUEST_PAYLOAD,
        default=OPENED,
    ),
    "push": Event("", "ref before after base_ref commits compare created deleted forced head_commit pusher", "branch"),
    "registry_package": Event("published updated", "registry_package package", "branch"),
    "release": Event("published unpublished created edited deleted prereleased released", "release changes", "tag"),
    "repository_dispatch": Event("", "branch client_payload"),
    "schedule": Event("", "schedule workflow"),
    "status": Event("", "id sha state context description target_url branches commit created_at updated_at"),
    "watch": Event("started"),
    "workflow_call": Event("", "", "caller"),
    "workflow_dispatch": Event("", "inputs ref workflow", "branch"),
    "workflow_run": Event("completed requested in_progress", "workflow_run workflow"),
}


def _payload(name: str, event: Event) -> set[str]:
    return {*event.payload.split(), *(["action"] if event.types or name == "repository_dispatch" else [])}


PAYLOAD = frozenset(top for name, event in EVENTS.items() for top in _payload(name, event))


def runs_of(workflow: Workflow, called: Collection[Workflow] = (), repository: str = "") -> tuple[Run, ...]:
    """Returns the runs of a workflow. `called`: the workflows that it calls. Their conditions count too.

    `repository`: its name on GitHub, if known.
    """
    jobs = [job for each in (workflow, *called) for job in each.jobs]
    written = [each.env for each in (workflow, *called)]
    steps = [step for job in jobs for step in _with_inner(job.steps)]
    written += [block for job in jobs for block in (job.env, job.inputs)] + [step.env for step in steps]
    conditions = [text for text in (*(job.condition for job in jobs), *(step.condition for step in steps)) if text]
    texts_in = (text for block in written for text in block.values() if isinstance(text, str) and "${{" in text)
    compared = comparisons([*conditions, *texts_in])
    # The work is in proportion to the runs and to the steps.
    size = sum(1 + len(job.steps) for job in jobs)
    share = max(1, MAX_RUNS // max(1, len(workflow.triggers), size // MANY_STEPS))
    runs: list[Run] = []
    for name, settings in sorted(workflow.triggers.items(), key=lambda item: item[0] not in EVENTS)[:MAX_EVENTS]:
        event = EVENTS.get(name)
        inputs = settings.get("inputs")
        if event is None or (isinstance(inputs, Block) and len(inputs) > MAX_INPUTS):
            runs.append(Run(name))
            continue
        facts: dict[str, Value] = {"github.repository": repository} if repository else {}
        start = Run(name, kind=event.kind, absent=PAYLOAD - _payload(name, event), facts=facts)
        dimensions = _dimensions(workflow, start, event, settings, compared)
        runs += _combined(start, dimensions, share)
    return tuple(runs)


def _with_inner(steps: Iterable[Step]) -> Iterator[Step]:
    """`steps`, and those of the composite actions that they use."""
    for step in steps:
        yield step
        yield from _with_inner(step.action.steps if step.action else ())


def _combined(start: Run, dimensions: Iterable[Dimension], limit: int) -> Iterator[Run]:
    """Every combination. The last dimensions are the least important: where there are too many, they stay unknown."""
    kept: list[Dimension] = []
    for dimension in dimensions:
        if math.prod(map(len, kept)) * len(dimension) <= limit:
            kept.append(dimension)
        elif "ref" in dimension[0]:
            yield Run(start.event)  # not understood
            return
        else:
            kept.append([{path: UNKNOWN for change in dimension for path in change if "." in path}])
    for changes in itertools.product(*kept):
        attributes: dict[str, Any] = {}
        facts = dict(start.facts)
        for path, value in (item for change in changes for item in change.items()):
            target = facts if "." in path else attributes
            before = target.setdefault(path, value)
            if before == UNKNOWN:
                target[path] = value
            elif value not in (before, UNKNOWN) and not (isinstance(before, str) and equal(before, value) is None):
                break  # for example, a draft that is ready for review
        else:
            run = replace(start, facts=facts, **attributes)
            if run.merged and run.event != "pull_request_target":
                # A pull request that was merged runs on its base branch.
                base = facts.get("github.base_ref", UNKNOWN)
                name = base if isinstance(base, str | SomeText) else SomeText()
                run = replace(run, kind="branch", ref=_ref(BRANCHES, name))
            yield run


def _dimensions(
    workflow: Workflow, run: Run, event: Event, settings: Block, compared: Mapping[str, Compared]
) -> Iterator[Dimension]:
    yield _refs(run, settings, compared)
    yield _activities(run, event, settings, compared)
    if "pull_request" not in run.absent:
        yield from _pull_requests(run, settings, compared)
    elif compared.keys() & ACTOR_PATHS:
        yield [{"github.actor": each} for each in _split(_all(ACTOR_PATHS, compared))]
    if run.event == "schedule" and "github.event.schedule" in compared:
        on = workflow.block.get("on")
        schedule = on.get("schedule") if isinstance(on, Block) else None
        entries = [each for each in schedule if isinstance(each, Block)] if isinstance(schedule, list) else []
        yield [{"github.event.schedule": cron} for each in entries for cron in texts(each.get("cron"))] or [{}]
    if run.event == "workflow_dispatch":
        yield from _inputs(settings, compared)
    if run.kind != "caller":
        yield from _properties(run, compared)


def _properties(run: Run, compared: Mapping[str, Compared]) -> Iterator[Dimension]:
    """What conditions compare of the event's payload, and nothing above decides."""
    fixed = DECIDED
    if "github.repository" in run.facts:
        fixed |= {"github.repository", "github.repository_owner", "github.event.repository.owner.login"}
    objects = {each.rpartition(".")[0] for each in compared}
    paths = sorted(each for each in compared if each.startswith("github.") and each not in fixed)
    for path in paths[:MAX_PROPERTIES]:
        *_, top = path.split(".")[:3]
        of_event = path.startswith("github.event.")
        if of_event and (top in run.absent or top == "inputs" or path in objects):
            continue
        if path in BOOLEANS:
            yield [{path: True}, {path: False}]
        elif compared[path].literals or compared[path].beginnings:
            # Not each activity has each property, and what an event does not have is null.
            null: list[Value] = [None] if of_event else []
            yield [{path: each} for each in _split(compared[path]) + null]


def _refs(run: Run, settings: Block, compared: Mapping[str, Compared]) -> Dimension:
    """The refs on which the event runs, by GitHub's table of events and by the filters."""
    branches = _mentioned(REF_PATHS, BRANCHES, compared)
    tags = _mentioned(REF_PATHS, TAGS, compared)
    if run.kind == "default-branch":
        return [{"ref": _ref(BRANCHES, _named(name)), "on_default": True} for name in names(None, None, branches)]
    if run.kind == "tag":
        return [{"ref": _ref(TAGS, name)} for name in names(None, None, tags)]
    if run.kind in FIXED_REFS:
        return [{"ref": FIXED_REFS[run.kind]}]
    filters = {key: list(texts(settings[key])) for key in FILTERS if key in settings} if run.event == "push" else {}
    found: list[dict[str, Any]] = []
    # If only tags are filtered, no push of a branch starts a run, and the other way round.
    if not filters or {"branches", "branches-ignore"} & set(filters):
        for name in names(filters.get("branches"), filters.get("branches-ignore"), branches):
            other = name if isinstance(name, str) else replace(name, excluded=name.excluded | {DEFAULT_BRANCH})
            found += (
                [
                    {"ref": _ref(BRANCHES, _named(name)), "on_default": True},
                    {"ref": _ref(BRANCHES, other), "on_default": False},
                ]
                if DEFAULT_PATH in compared
                else [{"ref": _ref(BRANCHES, name)}]
            )
    if not filters or {"tags", "tags-ignore"} & set(filters):
        # A tag can have the name of a branch, but that is not what people mean by `github.ref_name == 'main'`.
        branch_refs = {each["ref"] for each in found}
        for name in names(filters.get("tags"), filters.get("tags-ignore"), tags):
            if not isinstance(name, str) or BRANCHES + name not in branch_refs:
                found.append({"kind": "tag", "ref": _ref(TAGS, name)})
    return [*found, {"kind": "commit", "ref": ""}] if run.event.startswith("deployment") else found


FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore")
FIXED_REFS: Mapping[Kind, SomeText] = {
    "pull-request": SomeText("refs/pull/", "/merge"),
    "merge-queue": SomeText("refs/heads/gh-readonly-queue/"),
    "caller": SomeText(),
}


def _activities(run: Run, event: Event, settings: Block, compared: Mapping[str, Compared]) -> Dimension:
    """The activity types. Those that no condition compares, and that fix nothing else, are one run."""
    mentioned = compared.get("github.event.action", Compared())
    chosen = texts(settings.get("types")) or tuple((event.default or event.types).split())
    if run.event == "repository_dispatch":  # its types are the sender's own
        return [{"activity": each} for each in chosen] or [{"github.event.action": each} for each in _split(mentioned)]
    groups: dict[str, list[str]] = {}
    for each in chosen if event.types else ():
        groups.setdefault(each if each in mentioned.literals else str(_fixed_by(run.event, each)), []).append(each)
    found: list[dict[str, Any]] = []
    for members in groups.values():
        others = frozenset({*chosen, *mentioned.literals}) - set(members)
        action = {"github.event.action": SomeText(excluded=others)}
        found += [
            {**({"activity": members[0]} if len(members) == 1 else action), **more}
            for more in _fixed_by(run.event, members[0])
        ]
    return found or [{}]


def _fixed_by(event: str, activity: str) -> list[dict[str, Any]]:
    """What an activity type fixes beside its name: one item for each way in which it can happen."""
    if event in ("pull_request", "pull_request_target"):
        path = "github.event.pull_request"
        if activity == "closed":
            return [{"merged": merged, f"{path}.state": "closed"} for merged in (False, True)]
        if activity in OPENED.split():
            return [{"merged": False, f"{path}.state": "open"}]
        if activity in ("converted_to_draft", "ready_for_review"):
            return [{f"{path}.draft": activity == "converted_to_draft"}]
    if event == "release" and activity != "unpublished":
        # Workflows are not triggered for the other activities of a draft.
        path = "github.event.release"
        stable = {"released": {f"{path}.prerelease": False}, "prereleased": {f"{path}.prerelease": True}}
        return [{f"{path}.draft": False, **stable.get(activity, {})}]
    return [{}]


def _pull_requests(run: Run, settings: Block, compared: Mapping[str, Compared]) -> Iterator[Dimension]:
    actors = _split(_all(ACTOR_PATHS, compared) | Compared(literals=frozenset({DEPENDABOT})))
    people = [each for each in actors if each != DEPENDABOT]
    yield [
        {"from_fork": fork, "dependabot": False, "github.actor": actor} for fork in (False, True) for actor in people
    ] + [{"from_fork": False, "dependabot": True, **dict.fromkeys(DEPENDABOT_PATHS, DEPENDABOT)}]
    filtered = run.event in ("pull_request", "pull_request_target")
    include, ignore = (
        list(texts(settings[key])) if filtered and key in settings else None for key in ("branches", "branches-ignore")
    )
    mentioned = _mentioned(BASE_PATHS, BRANCHES, compared)
    # The base branch is the ref of a pull request that was merged.
    on_base = _mentioned(REF_PATHS, BRANCHES, compared) if "closed" in texts(settings.get("types")) else Mentioned()
    mentioned = Mentioned(mentioned.names | on_base.names, mentioned.beginnings | on_base.beginnings)
    yield [{"github.base_ref": _not_empty(name)} for name in names(include, ignore, mentioned)]
    if any(path in compared for path in HEAD_PATHS):
        heads = names(None, None, _mentioned(HEAD_PATHS, BRANCHES, compared))
        yield [{"github.head_ref": _not_empty(name)} for name in heads]


def _inputs(settings: Block, compared: Mapping[str, Compared]) -> Iterator[Dimension]:
    """The values that a person may choose for the inputs of `workflow_dispatch` that conditions use."""
    declared = settings.get("inputs")
    for name, about in declared.items() if isinstance(declared, Block) else ():
        path, old_path = f"inputs.{name.lower()}", f"github.event.inputs.{name.lower()}"
        used = [compared[each] for each in (path, old_path) if each in compared]
        kind = about.get("type", "string") if isinstance(about, Block) else "string"
        options = texts(about.get("options")) if isinstance(about, Block) else ()
        values: list[Value] = [UNKNOWN]
        if used and kind == "boolean":
            values = [True, False]
        elif used and kind == "choice" and options:
            values = [*options]
        elif used and kind != "number":
            literals = frozenset().union(*(each.literals for each in used)) | {""}
            beginnings = frozenset().union(*(each.beginnings for each in used))
            values = [*_split(Compared(literals, beginnings))]
        # `github.event.inputs` has every value as a string.
        yield [{path: each, old_path: str(each).lower() if isinstance(each, bool) else each} for each in values]


def _mentioned(paths: Collection[str], start: str, compared: Mapping[str, Compared]) -> Mentioned:
    """The names that conditions compare with one of `paths`, without the `start` of a ref."""
    found = _all(paths, compared)
    return Mentioned(
        frozenset(each.removeprefix(start) for each in found.literals if _may_name(each, start)),
        frozenset(each.removeprefix(start) for each in found.beginnings if _may_name(each, start)),
    )


def _all(paths: Collection[str], compared: Mapping[str, Compared]) -> Compared:
    """What conditions compare with any of `paths`."""
    found = Compared()
    for path in paths:
        found |= compared.get(path, Compared())
    return found


def _may_name(text: str, start: str) -> bool:
    return text.startswith(start) or not text.startswith("refs/")


def _split(compared: Compared) -> list[Value]:
    """Each literal, and what is known of all others."""
    literals = sorted(compared.literals)
    beginnings = sorted(compared.beginnings - {""})
    rest = [
        SomeText(
            start,
            excluded=frozenset(literals),
            not_starting=frozenset(each for each in beginnings if each.startswith(start) and each != start),
        )
        for start in ("", *beginnings)
    ]
    return [*literals, *rest]


def _named(name: Name) -> Name:
    return name if isinstance(name, str) else replace(name, name=DEFAULT_BRANCH.name)


def _not_empty(name: Name) -> Name:
    return name if isinstance(name, str) else replace(name, excluded=name.excluded | {""})


def _ref(start: str, name: Name) -> str | SomeText:
    return start + name if isinstance(name, str) else name.after(start)
