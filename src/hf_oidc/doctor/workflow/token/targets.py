"""Finds what the steps of a job do with the Hub, and which repository each of them names.

Values that the file writes out are filled in: `env:` of three levels, and the matrix. Everything else is unknown. This
module knows no login: `use` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hf_oidc.doctor.workflow.expressions.evaluation import (
    ANYWHERE,
    UNKNOWN,
    ExpressionError,
    OpenMapping,
    Value,
    evaluate,
    parse,
    text_of,
)
from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.login.step import actual
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.matrix import Row, rows
from hf_oidc.doctor.workflow.token.hub_commands import Shell, uses_in
from hf_oidc.doctor.workflow.token.hub_target import PREFIX, Given, Use, target_of
from hf_oidc.doctor.workflow.token.script import commands, shell_of
from hf_oidc.doctor.workflow.yaml_text import Block
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

MAX_ROWS = 20
MAX_STEPS = 2_000  # over all rows
MAX_EXPRESSION = 500  # characters
MAX_SCRIPTS = 2_000_000  # characters of scripts, over all rows
MAX_FILLED = 100_000  # characters of values in a text
MAY_USE_THE_HUB = re.compile(r"hf|hugging|hub|git push", re.IGNORECASE)
# huggingface/hub-sync and similar actions. Those of which the name has `sync` upload to a Space by default.
TOKEN_INPUTS = re.compile(r"(hf|hugging_?face)(_?hub)?_(api_)?(token|key)")
REPOSITORY_INPUTS = re.compile(r"(hf|hugging_?face)_(repo|space)(_id|_name)?|hf_?repo_?id|repo_id")
# A script that expands HF_TOKEN. If it also tests whether HF_TOKEN is set, it expects that there may be no token.
EXPANDS = re.compile(r"""\$\{?HF_TOKEN\b|\$\{?env:HF_TOKEN\b|%HF_TOKEN%|environ\[["']HF_TOKEN["']\]""", re.IGNORECASE)
TESTS = re.compile(
    r"""-[nz] +["']?\$\{?HF_TOKEN|HF_TOKEN:?[-+?]|(\[\[?|test) +["']?\$\{?HF_TOKEN"""
    r"""|\(\s*(-not\s+|!\s*)?\$env:HF_TOKEN|defined +HF_TOKEN""",
    re.IGNORECASE,
)

# A word of a script with an expression, and without quotes.
WITH_EXPRESSION = re.compile(
    r"(?:\$\{\{[^{}\n]{0,99}\}\}|[\w./-])*\$\{\{[^{}\n]{0,99}\}\}(?:\$\{\{[^{}\n]{0,99}\}\}|[\w./-])*"
)
# Of a URL that WITH_EXPRESSION has found in a script, what stands before the repository.
GIT_HOST = re.compile(r"/*(?:huggingface\.co|hf\.co)/")


@dataclass(frozen=True)
class StepUses:
    """A step, its variables (`env`, also those of its job), and its uses of the Hub.

    `outer`: the step of the job: of a step in a composite action, the one that uses that action; else the same.
    `checks`: its script tests whether HF_TOKEN is set.
    """

    step: Step
    outer: Step
    env: Mapping[str, str]
    uses: tuple[Use, ...]
    checks: bool = False


@dataclass(frozen=True)
class JobUses:
    """The steps of a job in one row of its matrix, those of composite actions too."""

    steps: tuple[StepUses, ...]
    values: Mapping[str, Value]

    def of(self, step: Step) -> tuple[Use, ...]:
        """The uses of `step`; of one that uses a composite action, those of the steps in it."""
        found = (each for each in self.steps if step is each.step or step is each.outer)
        return tuple(use for each in found for use in each.uses)

    def fill(self, text: str) -> str:
        """`text` with the values of this row of the matrix."""
        return _fill(text, self.values)


def uses_of(workflow: Workflow, job: Job) -> tuple[JobUses, ...]:
    """Returns what the steps of `job` do with the Hub, once for each row of its matrix."""
    found = rows(job.matrix)
    steps, scripts = len(job.steps), sum(len(step.run) for step in job.steps)
    too_many = len(found) > MAX_ROWS or len(found) * steps > MAX_STEPS or len(found) * scripts > MAX_SCRIPTS
    return tuple(_in_row(workflow, job, row) for row in ([None] if too_many else found))


def is_token_input(name: str) -> bool:
    """Whether an input of an action is for a token of the Hub, by its name."""
    return bool(TOKEN_INPUTS.fullmatch(name.lower().replace("-", "_")))


def written_resources(workflow: Workflow, job: Job) -> tuple[Resource, ...]:
    """Returns the resources that `job` writes to, as far as the file tells: what a login of this job would be for."""
    uses = (use for row in uses_of(workflow, job) for each in row.steps for use in each.uses if use.right == "write")
    found = (use.target.resource for use in uses if use.target)
    return tuple(dict.fromkeys(resource for resource in found if resource))


def named_in_all_rows(
    outer: tuple[Block, ...], step: Step, rows_of_job: Sequence[JobUses], written: Sequence[tuple[str, ...]]
) -> str:
    """Returns the text with expressions that is the one repository of each row of a matrix, or an empty string.

    `outer`: the `env:` around `step`. `written`: the repositories that `step` writes to, for each row.
    """
    blocks = (*outer, step.env, step.inputs)
    texts = [step.run, *(value for block in blocks for value in block.values() if isinstance(value, str))]
    for found in (found for text in texts for found in WITH_EXPRESSION.findall(text)[:20]):
        word = GIT_HOST.sub("", found)
        filled = [row.fill(word) for row in rows_of_job]
        for prefix in ("", *PREFIX.values()):
            if all(row == (prefix + value,) for row, value in zip(written, filled, strict=True)):
                return f"{prefix}{word}"
    return ""


def writing_steps(workflow: Workflow, job: Job) -> tuple[Step, ...]:
    """Returns the steps that write to the Hub, as far as the file tells."""
    steps = (each for row in uses_of(workflow, job) for each in row.steps)
    return tuple(each.step for each in steps if any(use.right == "write" for use in each.uses))


def _in_row(workflow: Workflow, job: Job, row: Row | None) -> JobUses:
    contexts: dict[str, Value] = dict.fromkeys(ANYWHERE, UNKNOWN)
    contexts["matrix"] = UNKNOWN if row is None else row
    changed = {name for step in job.steps if "GITHUB_ENV" in step.run for name in re.findall(r"\b(\w+)=", step.run)}
    outer = _environment((workflow.env, job.env), contexts, {})
    # A step may have changed it for later steps, to what is not known.
    outer = {name: value for name, value in outer.items() if name not in changed}
    shell = Shell({})
    steps = []
    for outermost, step in ((each, step) for each in job.steps for step in actual(each)):
        levels = (step.env,) if step is outermost else (outermost.env, step.env)
        env = {**outer, **_environment(levels, contexts, outer)}
        # Only expressions need these.
        here = {**contexts, "env": _known(env)} if "${{" in step.run or step.inputs else contexts
        # Variables, and the folder, are not kept for the next step.
        folder = step.block.get("working-directory", "")
        shell.git.origin = ""
        shell.git.enter(folder if isinstance(folder, str) else "")
        shell = replace(shell, variables=dict(env), given=None)
        if step.uses:
            uses = tuple(_of_action(step, here))
        elif MAY_USE_THE_HUB.search(step.run):
            kind = shell_of(job, step)
            uses = tuple(uses_in(commands(_fill(step.run, here), kind), shell))
            if not uses and EXPANDS.search(step.run):
                uses = (Use("HF_TOKEN", "variable"),)
        else:
            uses = ()
        steps.append(StepUses(step, outermost, env, uses, bool(TESTS.search(step.run))))
    return JobUses(tuple(steps), contexts)


def _environment(blocks: tuple[Block, ...], contexts: Mapping[str, Value], outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of several levels. An expression sees those of the levels before: `outer`, and so on."""
    found: dict[str, str] = {}
    for block in blocks:
        if block:
            here = {**contexts, "env": _known({**outer, **found})}
            found |= {name: _fill(value, here) for name, value in block.items() if isinstance(value, str)}
    return found


def _known(env: Mapping[str, str]) -> Value:
    # Steps, too, may set variables.
    return OpenMapping({name: UNKNOWN if "${{" in value else value for name, value in env.items()})


def _fill(text: str, contexts: Mapping[str, Value]) -> str:
    left = MAX_FILLED

    def value(match: re.Match[str]) -> str:
        nonlocal left
        inside = match["inside"]
        if left < 0 or len(inside) > MAX_EXPRESSION or not re.search(r"\b(env|matrix)\b", inside, re.IGNORECASE):
            return match[0]
        try:
            found = text_of(evaluate(parse(inside), contexts))
        except ExpressionError:
            return match[0]
        left -= len(found) if isinstance(found, str) else 0
        return found if isinstance(found, str) and left >= 0 else match[0]

    return EXPRESSION.sub(value, text) if "${{" in text else text


def _of_action(step: Step, contexts: Mapping[str, Value]) -> Iterator[Use]:
    named = {name.lower().replace("-", "_"): value for name, value in step.inputs.items() if isinstance(value, str)}
    of_the_hub = "hugging" in step.uses.lower()
    token = next(
        (value for name, value in named.items() if is_token_input(name) or (of_the_hub and name == "token")), None
    )
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
