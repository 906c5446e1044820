"""Finds what the steps of a job do with the Hub, and which repository each of them names.

Values that the file writes out are filled in: `env:` of three levels, and the matrix. Everything else is unknown. This
module knows no login: `token_use` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hf_oidc.doctor.workflow.expressions import (
    ANYWHERE,
    UNKNOWN,
    ExpressionError,
    OpenMapping,
    Value,
    evaluate,
    parse,
    text_of,
)
from hf_oidc.doctor.workflow.hub_commands import Shell, uses_in
from hf_oidc.doctor.workflow.hub_target import Given, Target, Use, target_of
from hf_oidc.doctor.workflow.matrix import Row, rows
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.script import EXPRESSION, commands, shell_of
from hf_oidc.doctor.workflow.yaml_text import Block
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

MAX_ROWS = 20
MAX_STEPS = 2_000  # over all rows
MAX_EXPRESSION = 500  # characters
MAY_USE_THE_HUB = re.compile(r"hf|hugging|hub|git push", re.IGNORECASE)
# huggingface/hub-sync and similar actions. Those of which the name has `sync` upload to a Space by default.
TOKEN_INPUTS = re.compile(r"(hf|hugging_?face)(_?hub)?_(api_)?(token|key)")
REPOSITORY_INPUTS = re.compile(r"(hf|hugging_?face)_(repo|space)(_id|_name)?|hf_?repo_?id|repo_id")
# A script that expands HF_TOKEN. If it also tests whether there is one, a missing token is no mistake.
EXPANDS = re.compile(r"""\$\{?HF_TOKEN\b|\$\{?env:HF_TOKEN\b|%HF_TOKEN%|environ\[["']HF_TOKEN["']\]""", re.IGNORECASE)
TESTS = re.compile(
    r"""-[nz] +["']?\$\{?HF_TOKEN|HF_TOKEN:?[-+?]|(\[\[?|test) +["']?\$\{?HF_TOKEN"""
    r"""|\(\s*(-not\s+|!\s*)?\$env:HF_TOKEN|defined +HF_TOKEN""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class StepUses:
    """A step, the variables that the file sets for it (`env`, its own and those of its job), and its uses of the Hub.

    `checks`: its script tests whether HF_TOKEN is set.
    """

    step: Step
    env: Mapping[str, str]
    uses: tuple[Use, ...]
    checks: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        """The repositories that it names, each once."""
        return tuple(dict.fromkeys(use.target for use in self.uses if use.target))


@dataclass(frozen=True)
class JobUses:
    """The steps of a job in one row of its matrix. `fill`: fills in the values of that row."""

    steps: tuple[StepUses, ...]
    values: Mapping[str, Value]

    def of(self, step: Step) -> StepUses:
        """The uses of `step`."""
        return next(each for each in self.steps if each.step is step)

    def fill(self, text: str) -> str:
        """`text` with the values of this row of the matrix."""
        return _fill(text, self.values)


def uses_of(workflow: Workflow, job: Job) -> tuple[JobUses, ...]:
    """Returns what the steps of `job` do with the Hub, once for each row of its matrix."""
    found = rows(job.matrix)
    too_many = len(found) > MAX_ROWS or len(found) * len(job.steps) > MAX_STEPS
    return tuple(_in_row(workflow, job, row) for row in ([None] if too_many else found))


def written_resources(workflow: Workflow, job: Job) -> tuple[Resource, ...]:
    """Returns the resources that `job` writes to, as far as the file tells: what a login of this job would be for."""
    uses = (use for row in uses_of(workflow, job) for each in row.steps for use in each.uses if use.right == "write")
    found = (use.target.resource for use in uses if use.target)
    return tuple(dict.fromkeys(resource for resource in found if resource))


def _in_row(workflow: Workflow, job: Job, row: Row | None) -> JobUses:
    contexts: dict[str, Value] = dict.fromkeys(ANYWHERE, UNKNOWN)
    contexts["matrix"] = UNKNOWN if row is None else row
    written = "\n".join(step.run for step in job.steps if "GITHUB_ENV" in step.run)
    outer = _environment((workflow.env, job.env), contexts)
    # A step may have changed it for later steps, to what is not known.
    outer = {name: value for name, value in outer.items() if not re.search(rf"\b{re.escape(name)}=", written)}
    remotes: dict[str, str] = {}
    saved = ""
    steps = []
    for step in job.steps:
        env = {**outer, **_environment((step.env,), {**contexts, "env": _known(outer)})}
        here = {**contexts, "env": _known(env)}
        shell = Shell(dict(env), remotes, saved)
        if step.uses:
            uses = tuple(_of_action(step, here))
        elif MAY_USE_THE_HUB.search(step.run):
            kind = shell_of(job, step)
            uses = tuple(uses_in(commands(_fill(step.run, here), kind), shell))
            own = any(use.given for use in uses) or not EXPANDS.search(step.run)
            uses += () if own else (Use("HF_TOKEN", "variable"),)
        else:
            uses = ()
        saved = shell.saved
        steps.append(StepUses(step, env, uses, bool(TESTS.search(step.run))))
    return JobUses(tuple(steps), contexts)


def _environment(blocks: tuple[Block, ...], contexts: Mapping[str, Value]) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in blocks:
        here = {**contexts, "env": _known(found)}
        found |= {name: _fill(value, here) for name, value in block.items() if isinstance(value, str)}
    return found


def _known(env: Mapping[str, str]) -> Value:
    # Steps, too, may set variables.
    return OpenMapping({name: UNKNOWN if "${{" in value else value for name, value in env.items()})


def _fill(text: str, contexts: Mapping[str, Value]) -> str:
    def value(match: re.Match[str]) -> str:
        inside = match["inside"]
        if len(inside) > MAX_EXPRESSION or not re.search(r"\b(env|matrix)\b", inside, re.IGNORECASE):
            return match[0]
        try:
            found = text_of(evaluate(parse(inside), contexts))
        except ExpressionError:
            return match[0]
        return found if isinstance(found, str) else match[0]

    return EXPRESSION.sub(value, text) if "${{" in text else text


def _of_action(step: Step, contexts: Mapping[str, Value]) -> Iterator[Use]:
    named = {name.lower().replace("-", "_"): value for name, value in step.inputs.items() if isinstance(value, str)}
    token = next((value for name, value in named.items() if TOKEN_INPUTS.fullmatch(name)), None)
    if token is None and not any("env.HF_TOKEN" in value for value in named.values()):
        return
    syncs = "sync" in step.uses.lower()
    repository = next(
        (_fill(value, contexts) for name, value in named.items() if REPOSITORY_INPUTS.fullmatch(name)), ""
    )
    kind = _fill(named.get("repo_type", ""), contexts) or ("space" if syncs or "space_sdk" in named else None)
    target = target_of(repository, kind)
    yield Use(
        sanitize_line(step.uses.partition("@")[0], 80),
        "write" if target else "variable",
        target,
        Given("text", token if token is not None else "${{ env.HF_TOKEN }}"),
    )
