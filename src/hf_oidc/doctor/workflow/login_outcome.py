"""Checks the conditions of steps that depend on whether a login has succeeded.

It computes each condition twice: as if the login had succeeded, and as if it had failed. It knows no pattern of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hf_oidc.doctor.workflow.expression_syntax import ANYWHERE, Expression, ExpressionError, parse_condition
from hf_oidc.doctor.workflow.expressions import UNKNOWN, OpenMapping, Status, Value, condition
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login_step import is_action, is_soft
from hf_oidc.doctor.workflow.model import Job, Step
from hf_oidc.doctor.workflow.reach import Reachability
from hf_oidc.doctor.workflow.triggers import words_of
from hf_oidc.sanitize import sanitize_line

AUTHENTICATED = "authenticated"
SUCCEEDS = Status(success=True, failure=False, cancelled=False, always=True)
FAILS = Status(success=False, failure=True, cancelled=False, always=True)
# What these hold may follow from the outcome of the login, by way of another step.
MAY_FOLLOW = {"env", "needs", "job", "jobs", "hashfiles"}


def check_conditions(job: Job) -> Iterator[WorkflowFinding]:
    """Finds conditions that compare `authenticated`, a string, with a boolean, or use it as one."""
    logins = {step.id.lower(): step for step in job.steps if step.id and is_action(step)}
    for step in job.steps:
        if AUTHENTICATED not in step.condition.lower():
            continue
        named = {_id_of(each) for each in _nodes(step.condition)} & set(logins)
        for login in (logins[step_id] for step_id in sorted(named)):
            facts = {"step": step.label, "id": sanitize_line(login.id, 60)}
            outcomes = [_holds(step.condition, login, text) for text in ("true", "false")]
            if outcomes == [False, False] and _holds(step.condition, login, None) is not False:
                yield WorkflowFinding("authenticated-never", "error", _line(step), facts)
            elif any(_id_of(each) == login.id.lower() for each in _truths(step.condition)):
                yield WorkflowFinding("authenticated-always", "warning", _line(step), facts)


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
        "lines": _if(f"({condition}) && {checked}" if condition else checked),
        "condition": sanitize_line(condition, 300),
    }
    yield WorkflowFinding("token-unchecked" if soft else "runs-after-failed-login", "warning", step.line, facts)


def check_skipped(job: Job, step: Step, login: Step, reachability: Reachability) -> Iterator[WorkflowFinding]:
    """Finds runs that reach `step`, which needs the token of `login`, for certain, and the login for certain not."""
    if not login.condition or step.continues:
        return
    pairs = list(zip(reachability.of(job, step), reachability.of(job, login), strict=True))
    without = [of_step.run for of_step, of_login in pairs if of_step.certainty == "yes" and of_login.certainty == "no"]
    if without:
        condition, own = _inside(login.condition), _inside(step.condition)
        facts = {"step": step.label, "line": str(login.line), "condition": sanitize_line(condition, 300)}
        facts |= {"runs": words_of(without), "lines": _if(f"({own}) && ({condition})" if own else condition)}
        every = len(without) == sum(of_step.certainty != "no" for of_step, _ in pairs)
        yield WorkflowFinding("login-skipped", "error" if every else "warning", step.line, facts)


def _if(condition: str) -> str:
    """An `if:`, in quotes if YAML would not take it as it is."""
    text = sanitize_line(condition, 600)
    plain = re.match(r"[A-Za-z(]", text) and ": " not in text and " #" not in text
    return f"if: {text if plain else json.dumps(text)}"


def _holds(
    text: str, login: Step, authenticated: str | None, status: Status = SUCCEEDS, outcome: str = "success"
) -> bool | None:
    """Whether a condition holds if the login's output is this; `None`: if it is not known."""
    outputs: Value = UNKNOWN if authenticated is None else OpenMapping({AUTHENTICATED: authenticated})
    if authenticated == "false":
        outputs = {AUTHENTICATED: "false", "token": "", "tokens": "", "expires-at": "", "expires-in": ""}
    contexts: dict[str, Value] = dict.fromkeys(ANYWHERE, UNKNOWN)
    known: dict[str, Value] = {
        "outputs": outputs,
        "outcome": outcome,
        "conclusion": "success" if status is SUCCEEDS else outcome,
    }
    contexts["steps"] = OpenMapping({login.id: known} if login.id else {})
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
    holds = _holds(step.condition, login, "false", SUCCEEDS if soft else FAILS, outcome)
    if holds is not None:
        return holds
    named = [_named(each) for each in _nodes(step.condition)]
    return not any(
        name in MAY_FOLLOW or (name.startswith("steps.") and name != f"steps.{login.id.lower()}") for name in named
    )


def _truths(text: str) -> Iterator[Expression]:
    """Yields the parts of a condition that count as true or false by themselves."""
    left = list(_nodes(text))[:1]
    while left:
        node = left.pop()
        if node.operator in {"&&", "||", "!"}:
            left += node.operands
        else:
            yield node


def _id_of(node: Expression) -> str:
    """The id in `steps.ID.outputs.authenticated`, in lower case; empty for other nodes."""
    path = []
    while node.operator == "index":
        node, name = node.operands
        path.append(str(name.value).lower())
    of_steps = node.operator == "context" and str(node.value).lower() == "steps"
    return path[2] if of_steps and path[:2] == [AUTHENTICATED, "outputs"] and len(path) == 3 else ""


def _named(node: Expression) -> str:
    """`steps.ID`, or the name of another context; empty for other nodes."""
    if node.operator == "index" and str(node.operands[0].value).lower() == "steps":
        return f"steps.{node.operands[1].value}".lower()
    return str(node.value).lower() if node.operator == "context" else ""


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


def _line(step: Step) -> int:
    return step.block.lines.get("if", step.line)
