"""Checks what a job does with the token after the login: overrides it, loses it, or uses it without a login."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login_step import (
    OUTPUTS,
    RESOURCE_VARIABLE,
    environment_resources,
    is_login,
    is_soft,
)
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.yaml_text import Value, line_of
from hf_oidc.sanitize import sanitize_line

OUTPUT = re.compile(r"steps\.(?P<id>[\w-]+)\.outputs(?:\.(?P<name>[\w-]+)|\[\s*'(?P<quoted>[^']*)'\s*\])")
TOKENS = {"token", "tokens"}
# A script that uses the variable, or calls a command of huggingface_hub, which reads it.
READS_HF_TOKEN = re.compile(r"\$(\{|env:)?HF_TOKEN\b|(?:^|[\s;&|(])(?:hf|huggingface-cli) +[a-z]", re.MULTILINE)
SETS = re.compile(rf"\b{RESOURCE_VARIABLE}=\S")
# With `on-error: warn` the step succeeds even if the login fails, so `success()` and `.outcome` do not show it.
CHECKS = re.compile(r"\.outputs\.|\.outputs\[")


def check_token_use(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds mistakes in `job`, which has steps that use this action."""
    logins = {step.id: step for step in job.steps if step.id and is_login(step)}
    yield from _outputs(job, set(logins))
    yield from _overridden(workflow, job)
    first = next(index for index, step in enumerate(job.steps) if is_login(step))
    for step in job.steps[first + 1 :]:
        yield from _step(step, logins)
    yield from _not_exported(workflow, job)
    yield from _without_id(job)


def references(value: Value, ids: Collection[str] | None = None) -> set[tuple[str, str]]:
    """Returns the outputs of the steps `ids`, or of all steps, that expressions in `value` use: step and output."""
    if isinstance(value, list):
        return {found for item in value for found in references(item, ids)}
    if isinstance(value, Mapping):
        return {found for item in value.values() for found in references(item, ids)}
    found = {(match["id"], match["name"] or match["quoted"] or "") for match in OUTPUT.finditer(value)}
    return {(step_id, name) for step_id, name in found if ids is None or step_id in ids}


def _outputs(job: Job, ids: set[str]) -> Iterator[WorkflowFinding]:
    for name, value in job.outputs.items():
        if any(output in TOKENS for _, output in references(value, ids)):
            line = line_of(job.outputs, name)
            yield WorkflowFinding(
                "token-across-jobs",
                "error",
                line,
                {"output": sanitize_line(name, 60), "job": sanitize_line(job.key, 80)},
            )


def _overridden(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    for where, env in environment_resources(workflow, job):
        yield WorkflowFinding("token-ignored", "warning", line_of_variable(env), {"where": where})
    for step in job.steps:
        if any("GITHUB_ENV" in line[found.end() :] for line in step.run.splitlines() if (found := SETS.search(line))):
            yield WorkflowFinding("token-ignored", "warning", step.line, {"where": f'the step "{step.label}"'})


def line_of_variable(env: Mapping[str, object]) -> int | None:
    """Returns the line of HF_OIDC_RESOURCE in an `env:` block."""
    return getattr(env, "lines", {}).get(RESOURCE_VARIABLE)


def _not_exported(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    kept: Step | None = None
    for step in job.steps:
        if is_login(step):
            kept = step if _keeps_the_token(step) else None
            if kept is None:
                return  # this login exports the token
        elif kept and _wants_hf_token(step) and not any("HF_TOKEN" in env for env in (workflow.env, job.env, step.env)):
            yield WorkflowFinding(
                "token-not-exported", "warning", step.line, {"step": step.label, "id": kept.id or "hf"}
            )


def _without_id(job: Job) -> Iterator[WorkflowFinding]:
    if all(step.id for step in job.steps if is_login(step)):
        return
    ids = {step.id for step in job.steps}
    for step in job.steps:
        mentioned = references([step.run, step.inputs, step.env, step.condition])
        for step_id in sorted({each for each, name in mentioned if name in OUTPUTS} - ids):
            yield WorkflowFinding(
                "login-without-id", "error", step.line, {"step": step.label, "id": sanitize_line(step_id, 60)}
            )


def _keeps_the_token(login: Step) -> bool:
    return any(name.lower() == "export-env" and str(value).lower() == "false" for name, value in login.inputs.items())


def _wants_hf_token(step: Step) -> bool:
    if "authenticated" in step.condition:  # the step runs for one outcome of the login only
        return False
    values = [value for value in (*step.inputs.values(), *step.env.values()) if isinstance(value, str)]
    return bool(READS_HF_TOKEN.search(step.run)) or any("env.HF_TOKEN" in value for value in (step.run, *values))


def _step(step: Step, logins: Mapping[str, Step]) -> Iterator[WorkflowFinding]:
    ids = set(logins)
    for step_id, name in sorted(references([step.run, step.inputs, step.env, step.condition], ids)):
        if name not in OUTPUTS:
            facts = {"output": sanitize_line(name, 60), "id": step_id, "known": ", ".join(OUTPUTS)}
            yield WorkflowFinding("unknown-output", "error", step.line, {**facts, "step": step.label})
    scripted = sorted(step_id for step_id, name in references(step.run, ids) if name in TOKENS)
    if scripted:
        yield WorkflowFinding("token-in-script", "warning", step.line, {"step": step.label, "id": scripted[0]})
    uses = {step_id for step_id, name in references([step.run, step.inputs, step.env], ids) if name in TOKENS}
    for step_id in sorted(uses):
        if is_soft(logins[step_id]) and not CHECKS.search(step.condition):
            yield WorkflowFinding("token-unchecked", "warning", step.line, {"step": step.label, "id": step_id})
    token = step.env.get("HF_TOKEN", "")
    if isinstance(token, str) and "secrets." in token:
        yield WorkflowFinding("token-replaced", "warning", line_of(step.env, "HF_TOKEN"), {"step": step.label})
