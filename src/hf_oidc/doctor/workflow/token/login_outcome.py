"""Checks the conditions of steps that depend on whether a login has succeeded.

It computes each condition twice: as if the login had succeeded, and as if it had failed. It knows no pattern of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hf_oidc.doctor.workflow.expressions.evaluation import UNKNOWN, OpenMapping, Status, Value, condition
from hf_oidc.doctor.workflow.expressions.syntax import (
    ANYWHERE,
    EXPRESSION,
    Expression,
    ExpressionError,
    parse_condition,
)
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login.step import is_action, is_soft
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.runs.triggers import words_of
from hf_oidc.sanitize import sanitize_line

AUTHENTICATED = "authenticated"
Path = tuple[str, ...]
SUCCEEDS = Status(success=True, failure=False, cancelled=False, always=True)
FAILS = Status(success=False, failure=True, cancelled=False, always=True)
# What these hold may follow from the outcome of the login, by way of another step.
MAY_FOLLOW = {"env", "needs", "job", "jobs", "hashfiles"}


def check_conditions(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds conditions that compare `authenticated`, a string, with a boolean, or use it as one."""
    logins = {step.id.lower() for step in job.steps if step.id and is_action(step)}
    for step in job.steps:
        if AUTHENTICATED in step.condition.lower():
            named = {_path(each) for each in _nodes(step.condition)}
            for path in sorted(
                each for each in named if each[1:2] and each[1] in logins and each == _of_login(each[1])
            ):
                line = step.block.lines.get("if", step.line)
                yield from _compared(f'step "{step.label}"', step.condition, path, line)
    passed = [path for each in _nodes(job.condition) if len(path := _path(each)) == 4 and path[0] == "needs"]
    for path in sorted(set(passed)):
        # Only if `needs.JOB.outputs.NAME` is the output `authenticated` of a login of that job.
        other = next((each for each in workflow.jobs if each.key.lower() == path[1]), None)
        value = next((value for name, value in other.outputs.items() if name.lower() == path[3]), "") if other else ""
        inside = EXPRESSION.fullmatch(value.strip()) if isinstance(value, str) else None
        source = next((_path(each) for each in _nodes(inside["inside"] if inside else "") if _path(each)), ())
        logins = {step.id.lower() for step in other.steps if step.id and is_action(step)} if other else set()
        if len(source) == 4 and source[1] in logins and source == _of_login(source[1]):
            line = job.block.lines.get("if", job.line)
            yield from _compared(f"job `{sanitize_line(job.key, 80)}`", job.condition, path, line)


def _compared(who: str, text: str, path: Path, line: int) -> Iterator[WorkflowFinding]:
    facts = {"who": who, "output": sanitize_line(".".join(path), 120)}
    outcomes = [_holds(text, path, each) for each in ("true", "false")]
    if outcomes == [False, False] and _holds(text, path, None) is not False:
        yield WorkflowFinding("authenticated-never", "error", line, facts)
        return
    # A part of a condition that counts as true or false by itself: the string `false` counts as true.
    left = list(_nodes(text))[:1]
    while left:
        node = left.pop()
        if node.operator in {"&&", "||", "!"}:
            left += node.operands
        elif _path(node) == path:
            yield WorkflowFinding("authenticated-always", "warning", line, facts)
            return


def _of_login(step_id: str) -> Path:
    return ("steps", step_id.lower(), "outputs", AUTHENTICATED)


def check_outcome(step: Step, login: Step) -> Iterator[WorkflowFinding]:
    """Finds that `step`, which needs the token of `login`, also runs if the login has failed."""
    soft = is_soft(login)
    if step.continues or not _runs_after_failure(step, login, soft=soft):
        return
    step_id = sanitize_line(login.id or "hf", 60)
    checked, condition = (
        f"steps.{step_id}.outputs.{AUTHENTICATED} == 'true'",
        sanitize_line(_inside(step.condition), 300),
    )
    facts = {
        "step": step.label,
        "id": step_id,
        "needs_id": "" if login.id else f" First give the login step (line {login.line}) `id: {step_id}`.",
        "lines": condition_line(f"({condition}) && {checked}" if condition else checked),
        "condition": sanitize_line(condition, 300),
    }
    yield WorkflowFinding("token-unchecked" if soft else "runs-after-failed-login", "warning", step.line, facts)


def check_skipped(
    job: Job, step: Step, using: Step, login: tuple[Step, Step], reachability: Reachability
) -> Iterator[WorkflowFinding]:
    """Finds runs that certainly reach `using`, which needs the token of a login, but certainly not the login.

    `step`: `using`, or the step that uses its composite action. `login`: the step of the job that logs in, and the one
    in its composite action.
    """
    outer, inner = login
    conditions = list(dict.fromkeys(_inside(each.condition) for each in login if each.condition))
    if not conditions or step.continues:
        return
    pairs = list(zip(reachability.of(job, using), reachability.of(job, inner), strict=True))
    without = [of_step.run for of_step, of_login in pairs if of_step.certainty == "yes" and of_login.certainty == "no"]
    if without:
        condition = conditions[0] if len(conditions) == 1 else " && ".join(f"({each})" for each in conditions)
        own = _inside(step.condition)
        facts = {
            "step": step.label,
            "line": str((inner if step.file else outer).line),
            "condition": sanitize_line(condition, 300),
        }
        facts |= {"runs": words_of(without), "lines": condition_line(f"({own}) && ({condition})" if own else condition)}
        every = len(without) == sum(of_step.certainty != "no" for of_step, _ in pairs)
        yield WorkflowFinding("login-skipped", "error" if every else "warning", step.line, facts, step.file)


def condition_line(condition: str) -> str:
    """An `if:`, in quotes if YAML would not take it as it is."""
    text = sanitize_line(condition, 600)
    plain = re.match(r"[A-Za-z(]", text) and ": " not in text and " #" not in text
    return f"if: {text if plain else json.dumps(text)}"


def _holds(
    text: str, path: Path, authenticated: str | None, status: Status = SUCCEEDS, outcome: str = "success"
) -> bool | None:
    """Whether a condition holds if the output at `path` is this; `None`: if it is not known."""
    outputs: Value = UNKNOWN if authenticated is None else OpenMapping({path[3]: authenticated})
    if authenticated == "false":
        outputs = {"token": "", "tokens": "", "expires-at": "", "expires-in": "", path[3]: "false"}
    result = "success" if status is SUCCEEDS else outcome
    known: dict[str, Value] = {"outputs": outputs, "outcome": outcome, "conclusion": result, "result": result}
    contexts: dict[str, Value] = dict.fromkeys(ANYWHERE, UNKNOWN)
    contexts[path[0]] = OpenMapping({path[1]: known} if path[1] else {})
    if authenticated == "false":
        contexts["env"] = OpenMapping({"HF_TOKEN": ""})
    try:
        return condition(text, contexts, status)
    except ExpressionError:
        return None


def _runs_after_failure(step: Step, login: Step, *, soft: bool) -> bool:
    """Whether `step` runs although `login` has failed; false if it is not known whether its condition notices."""
    if not step.condition:
        return soft
    outcome = "failure" if login.continues or not soft else "success"
    holds = _holds(step.condition, _of_login(login.id), "false", SUCCEEDS if soft else FAILS, outcome)
    if holds is not None:
        return holds
    for node in _nodes(step.condition):
        name = str(node.value).lower() if node.operator == "context" else ""
        if node.operator == "index" and str(node.operands[0].value).lower() == "steps":
            name = f"steps.{node.operands[1].value}".lower()
        if name in MAY_FOLLOW or (name.startswith("steps.") and name != f"steps.{login.id.lower()}"):
            return False
    return True


def _path(node: Expression) -> Path:
    """The names in `steps.ID.outputs.NAME`, in lower case: GitHub ignores the case. Empty for other nodes."""
    path: list[str] = []
    while node.operator == "index":
        node, name = node.operands
        path.insert(0, str(name.value).lower())
    return (str(node.value).lower(), *path) if node.operator == "context" else ()


def _nodes(text: str) -> Iterator[Expression]:
    """Yields the nodes of a condition; none if GitHub refuses it."""
    try:
        yield from parse_condition(text).walk()
    except ExpressionError:
        return


def _inside(text: str) -> str:
    text = text.strip()
    whole = text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1
    return text[3:-2].strip() if whole else text
