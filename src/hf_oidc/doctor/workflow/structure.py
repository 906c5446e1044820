"""Finds what GitHub refuses about a file's structure, so that none of its jobs starts.

It checks all jobs, also those that do not log in. Of logins it knows only the inputs of this action,
which users write one level too far left. `syntax` has GitHub's lists.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from hf_oidc.doctor.workflow import syntax
from hf_oidc.doctor.workflow.expressions.syntax import (
    JOB_CONDITION,
    STEP_CONDITION,
    ExpressionError,
    parse_condition,
)
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.yaml_text import Block, Value
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import INPUTS

WITHOUT_REF = re.compile(r"[\w-][\w.-]*/[^@\s]+@?", re.ASCII)
IN_THIS_REPOSITORY = re.compile(r"[.$]/")
REUSABLE = re.compile(r"(?:[.$]/|[\w.-]+/[\w.-]+/)\.github/workflows/[^/@]+\.ya?ml(?:@.*)?", re.ASCII)
# A workflow file that is not `./.github/workflows/file` or `owner/name/.github/workflows/file`.
MISPLACED = re.compile(
    r"(?!(?:[.$]/|[\w.-]+/[\w.-]+/)\.github/workflows/[^/@]+(?:@|$))"
    r"(?:[.$]?/|(?P<repository>[\w-][\w.-]*/[\w-][\w.-]*/)|(?=\.github/))(?:[^@]*/)?(?P<file>[^/@]+\.ya?ml(?:@.*)?)",
    re.ASCII,
)
IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
# Where a key belongs, for a key that is at another place.
BELONGS = {
    "a step": syntax.STEP - syntax.JOB,
    "a job": (syntax.JOB | syntax.CALLING_JOB) - syntax.STEP,
    "the top of the file": syntax.FILE - syntax.JOB - syntax.STEP,
    "`on:`": syntax.EVENTS,
    "`permissions:`": set(syntax.PERMISSIONS),
    "`with:` of a step": set(INPUTS) - {"timeout"},
}
# Blocks that users write beside the jobs, one level too far right.
BESIDE_JOBS = {"permissions", "env", "defaults", "concurrency"}


def check_structure(workflow: Workflow) -> Iterator[WorkflowFinding]:
    """Finds what GitHub refuses in `workflow`."""
    yield from _keys(workflow.block, syntax.FILE, "at the top of the file")
    yield from _permissions(workflow.block)
    yield from _triggers(workflow)
    for job in workflow.jobs:
        if job.key in BESIDE_JOBS and not job.block.keys() & {"runs-on", "steps", "uses"}:
            facts = {"key": job.key, "where": "in `jobs:`", "place": "a job, or to the top of the file"}
            yield WorkflowFinding("key-elsewhere", "error", job.line, facts)
            continue
        where = f"in the job `{sanitize_line(job.key, 80)}`"
        yield from _identifier(job.key, job.line)
        yield from _permissions(job.block)
        if "uses" in job.block:
            yield from _keys(job.block, syntax.CALLING_JOB, where, "uses", syntax.JOB)
            yield from _called(job)
        else:
            yield from _keys(job.block, syntax.JOB, where)
        matrix = job.matrix if isinstance(job.matrix, Block) else Block()
        for name, values in matrix.items():
            if values == [] and name not in ("include", "exclude"):
                facts = {"name": sanitize_line(name, 60), "job": sanitize_line(job.key, 80)}
                yield WorkflowFinding("empty-matrix", "error", matrix.lines.get(name), facts)
        yield from _condition(job.condition, JOB_CONDITION, where, job.block)
        yield from _minutes(job.block)
        for step in job.steps:
            yield from _step(step)
            yield from _minutes(step.block)
            yield from _condition(step.condition, STEP_CONDITION, f'in the step "{step.label}"', step.block)
        yield from _ids(job)
    yield from _needs(workflow)


def input_keys(step: Step) -> list[str]:
    """Returns the keys of `step` that are inputs of this action, and so belong under its `with:`."""
    return [key for key in step.block if key.lower() in INPUTS] if step.uses else []


def _keys(
    block: Block, known: Collection[str], where: str, beside: str = "", level: Collection[str] = ()
) -> Iterator[WorkflowFinding]:
    """Finds keys that GitHub does not know at this place.

    `beside`: the key that decides which ones of this `level` it knows.
    """
    if block.merged:
        yield WorkflowFinding("merge-key", "warning", block.merged, {"where": where})
    for key, value in block.items():
        facts = {"key": sanitize_line(key, 60), "where": where}
        line = block.lines.get(key)
        if key in known:
            if value == "" and key in syntax.BLOCKS:
                yield WorkflowFinding("empty-block", "error", line, facts)
        elif beside and key in level:
            yield WorkflowFinding("key-beside", "error", line, {**facts, "beside": beside})
        elif place := next((place for place, keys in BELONGS.items() if key in keys), ""):
            yield WorkflowFinding("key-elsewhere", "error", line, {**facts, "place": place})
        # `x-` begins the names of keys that are made up to hold anchors, as in other tools' files.
        elif close := "".join([] if key.startswith("x-") else difflib.get_close_matches(key.lower(), known, 1, 0.75)):
            yield WorkflowFinding("unknown-key", "error", line, {**facts, "better": close})
        else:  # perhaps newer than our lists
            yield WorkflowFinding("unknown-key", "warning", line, facts)


def _triggers(workflow: Workflow) -> Iterator[WorkflowFinding]:
    on = workflow.block.get("on", "")
    events = on if isinstance(on, Block) else Block()
    if not isinstance(on, Block):
        events.update(dict.fromkeys(workflow.triggers, ""))
        events.lines = {name: block.line for name, block in workflow.triggers.items()}
    # An event that is like no other may be newer than our lists: `triggers` says that it is not understood.
    yield from (each for each in _keys(events, syntax.EVENTS, "in `on:`") if each.severity == "error" or events.merged)
    for name, value in events.items():
        if isinstance(value, Block) and name in syntax.EVENTS:
            yield from _keys(value, syntax.EVENT_KEYS.get(name, {"types"}), f"in `on.{name}:`")
            for both in ("branches", "tags", "paths"):
                if both in value and f"{both}-ignore" in value:
                    facts = {"key": f"{both}-ignore", "beside": both, "where": f"in `on.{name}:`"}
                    yield WorkflowFinding("key-beside", "error", value.lines.get(f"{both}-ignore"), facts)


def _permissions(parent: Block) -> Iterator[WorkflowFinding]:
    given = parent.get("permissions", "")
    if isinstance(given, str) and given and given not in syntax.EVERY_PERMISSION and "${{" not in given:
        facts = {"given": sanitize_line(given, 40)}
        yield WorkflowFinding("permissions-word", "error", parent.lines.get("permissions"), facts)
    for scope, access in given.items() if isinstance(given, Block) else ():
        line = given.lines.get(scope) if isinstance(given, Block) else None
        known = syntax.PERMISSIONS.get(scope, ())
        facts = {"scope": sanitize_line(scope, 40), "access": sanitize_line(str(access), 40)}
        if not known:
            better = "".join(difflib.get_close_matches(scope.lower().replace("_", "-"), syntax.PERMISSIONS, 1, 0.75))
            yield WorkflowFinding("unknown-scope", "error" if better else "warning", line, {**facts, "better": better})
        elif access not in known and scope != "id-token":  # `permissions` checks that
            yield WorkflowFinding(
                "unknown-access", "error", line, {**facts, "known": ", ".join(known[:-1]) + f" or {known[-1]}"}
            )


def _called(job: Job) -> Iterator[WorkflowFinding]:
    line = job.block.lines.get("uses")
    facts = {"uses": shown_reference(job.calls), "job": sanitize_line(job.key, 80)}
    if not job.calls or "${{" in job.calls:
        return
    if match := MISPLACED.fullmatch(job.calls):
        better = f"{match['repository'] or './'}.github/workflows/{match['file']}"
        yield WorkflowFinding("workflow-place", "error", line, {**facts, "better": sanitize_line(better, 200)})
    elif not REUSABLE.fullmatch(job.calls):
        lines = ["runs-on: ubuntu-latest", "steps:", f"  - uses: {sanitize_line(job.calls, 200)}"]
        lines += ["    with:"] if job.inputs else []
        lines += [each for name, value in job.inputs.items() for each in _written(name, value, "      ")]
        yield WorkflowFinding("action-as-job", "error", line, {**facts, "lines": "\n".join(lines)})
    elif IN_THIS_REPOSITORY.match(job.calls):
        if "@" in job.calls:
            yield WorkflowFinding("local-version", "error", line, {**facts, "path": facts["uses"].partition("@")[0]})
        if job.called:
            yield from _interface(job, job.called)
    elif WITHOUT_REF.fullmatch(job.calls):
        yield WorkflowFinding("no-version", "error", line, facts)


def _interface(job: Job, called: Workflow) -> Iterator[WorkflowFinding]:
    """Finds what does not fit between `job` and the workflow that it calls."""
    line, facts = job.block.lines.get("uses"), {"called": sanitize_line(called.path, 100)}
    if "workflow_call" not in called.triggers:
        yield WorkflowFinding("not-reusable", "error", line, facts)
        return
    inputs = called.triggers["workflow_call"].get("inputs")
    declared = {name.lower(): about for name, about in inputs.items()} if isinstance(inputs, Block) else {}
    for name, about in declared.items():
        if isinstance(about, Block) and about.get("required") == "true" and name not in map(str.lower, job.inputs):
            # A default would not be used: the input is required.
            yield WorkflowFinding("input-not-passed", "error", line, {**facts, "input": sanitize_line(name, 60)})
    for name in job.inputs:
        if name.lower() not in declared:
            better = "".join(difflib.get_close_matches(name.lower(), declared, 1, 0.6))
            unknown = {**facts, "input": sanitize_line(name, 60), "better": sanitize_line(better, 60)}
            yield WorkflowFinding("input-not-declared", "error", job.inputs.lines.get(name), unknown)


def shown_reference(uses: str) -> str:
    """Returns the value of a `uses:`, sanitized, but with the whole commit to which it is pinned."""
    # Where a name before an `@` could be a user's with a password, a commit id looks like a token.
    if re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}([0-9a-f]{24})?", uses, re.ASCII):
        name, _, commit = uses.partition("@")
        return f"{sanitize_line(name, 200)}@{commit}"
    return sanitize_line(uses, 200)


def _written(name: str, value: Value, indent: str) -> list[str]:
    """Returns the lines of `name: value`; several lines of text become a block."""
    text = value if isinstance(value, str) else ""
    if "\n" in text.strip():
        return [f"{indent}{name}: |", *(f"{indent}  {sanitize_line(line)}" for line in text.splitlines())]
    return [f"{indent}{sanitize_line(name, 60)}: {sanitize_line(text)}".rstrip()]


def _step(step: Step) -> Iterator[WorkflowFinding]:
    where = f'in the step "{step.label}"'
    block = step.block
    inputs = input_keys(step)
    if inputs:
        written = {key: block[key] for key in inputs} | dict(step.inputs)
        lines = "\n".join(["with:", *(line for key, value in written.items() for line in _written(key, value, "  "))])
        facts = {"inputs": ", ".join(f"`{sanitize_line(key, 60)}`" for key in inputs), "where": where, "lines": lines}
        yield WorkflowFinding("input-beside-with", "error", block.lines.get(inputs[0]), facts)
    rest = Block(block.line)
    rest.lines, rest.merged = block.lines, block.merged
    # `permissions` checks those of a step.
    left_out = {"permissions", *inputs, *(["with"] if inputs and not step.inputs else [])}
    rest.update({key: value for key, value in block.items() if key not in left_out})
    kind = next((kind for kind in syntax.STEPS if kind in block), "")
    yield from _keys(rest, syntax.STEPS.get(kind, syntax.STEP), where, kind, syntax.STEP)
    if step.uses.startswith((".github/", "/")):
        yield WorkflowFinding("local-path", "error", step.line, {"path": sanitize_line(step.uses.lstrip("/"), 100)})
    if WITHOUT_REF.fullmatch(step.uses):
        yield WorkflowFinding("no-version", "error", step.line, {"uses": sanitize_line(step.uses.rstrip("@"), 100)})


def _identifier(identifier: str, line: int | None) -> Iterator[WorkflowFinding]:
    if not IDENTIFIER.fullmatch(identifier) and "${{" not in identifier:
        better = re.sub(r"[^\w-]+", "-", sanitize_line(identifier, 60), flags=re.ASCII).strip("-")
        better = better if IDENTIFIER.fullmatch(better) else f"_{better}"
        facts = {"id": sanitize_line(identifier, 60), "better": sanitize_line(better, 60)}
        yield WorkflowFinding("invalid-id", "error", line, facts)


def _condition(text: str, allowed: frozenset[str], where: str, block: Block) -> Iterator[WorkflowFinding]:
    try:
        parse_condition(text, allowed)
    except ExpressionError as error:
        facts = {"where": where, "problem": sanitize_line(error.what, 200)}
        yield WorkflowFinding("invalid-condition", "error", block.lines.get("if"), facts)


def _minutes(block: Block) -> Iterator[WorkflowFinding]:
    # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepstimeout-minutes
    minutes = block.get("timeout-minutes", "")
    if isinstance(minutes, str) and re.fullmatch(r"[-+]?0+(?:\.0*)?|-.+", minutes):
        facts = {"given": sanitize_line(minutes, 20)}
        yield WorkflowFinding("timeout-not-positive", "warning", block.lines.get("timeout-minutes"), facts)


def _ids(job: Job) -> Iterator[WorkflowFinding]:
    # GitHub compares without regard to upper and lower case.
    seen: Counter[str] = Counter()
    for step in job.steps:
        line = step.block.lines.get("id")
        if step.id:
            yield from _identifier(step.id, line)
        if step.id and seen[step.id.lower()]:
            better = f"{step.id}-{seen[step.id.lower()] + 1}"
            facts = {"id": sanitize_line(step.id, 60), "better": sanitize_line(better, 60), "step": step.label}
            yield WorkflowFinding("duplicate-id", "error", line, facts)
        seen[step.id.lower()] += 1


def _needs(workflow: Workflow) -> Iterator[WorkflowFinding]:
    keys = {job.key.lower(): job for job in workflow.jobs}
    for job in workflow.jobs:
        for need in job.needs:
            if need.lower() not in keys and "${{" not in need:
                close = "".join(difflib.get_close_matches(need, [each.key for each in workflow.jobs], 1, 0.6))
                facts = {"job": sanitize_line(job.key, 80), "need": sanitize_line(need, 80)}
                facts["better"] = sanitize_line("" if close == job.key else close, 80)
                yield WorkflowFinding("unknown-need", "error", job.block.lines.get("needs"), facts)
    try:
        TopologicalSorter({key: map(str.lower, job.needs) for key, job in keys.items()}).prepare()
    except CycleError as error:
        # The first job of the list is needed by the second, and is the last one too.
        circle: list[str] = error.args[1]
        job = keys[circle[1]]
        names = [sanitize_line(keys[each].key, 80) for each in reversed(circle)]
        facts = {"job": names[-2], "need": names[-1], "circle": " needs ".join(f"`{name}`" for name in names[:20])}
        yield WorkflowFinding("circular-needs", "error", job.block.lines.get("needs"), facts)
