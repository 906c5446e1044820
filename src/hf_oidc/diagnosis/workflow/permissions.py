"""Whether a job may ask GitHub for an ID token. A workflow in, findings out.

A job's `permissions:` replace the workflow's as a whole, and without either there is no `id-token`. A reusable
workflow has at most what its caller grants.
"""

from __future__ import annotations

from collections.abc import Iterator

from hf_oidc.diagnosis.workflow.findings import Finding, Severity
from hf_oidc.diagnosis.workflow.login_step import (
    RESOURCE_VARIABLE,
    environment_resources,
    is_command,
    is_login,
    login_steps,
)
from hf_oidc.diagnosis.workflow.model import Job, Permission, Workflow
from hf_oidc.untrusted_text import shown


def permission_of(workflow: Workflow, job: Job) -> Permission:
    """What counts for `job`: its own `permissions:` if it has them, else the workflow's."""
    return workflow.permission if job.permission == "unset" else job.permission


def logs_in(workflow: Workflow, job: Job) -> bool:
    """Whether `job` needs an ID token: for this action, for `hf-oidc`, or for huggingface_hub's own exchange."""
    by_step = bool(login_steps(job)) or any(map(is_command, job.steps))
    return by_step or (bool(job.steps) and any(environment_resources(workflow, job)))


def check_permission(workflow: Workflow, job: Job) -> Iterator[Finding]:
    """Whether `job`, which logs in, can have an ID token of GitHub's."""
    if _brings_its_own(workflow, job):
        return
    called = "workflow_call" in workflow.triggers
    permission = permission_of(workflow, job)
    if permission == "missing" or (permission == "unset" and set(workflow.triggers) != {"workflow_call"}):
        where = "job" if job.permission != "unset" else "workflow" if workflow.permission != "unset" else "nowhere"
        facts = {"where": where, "job": shown(job.key, 80)}
        # A variable of the whole workflow reaches jobs that never speak to the Hub: they need no permission.
        severity: Severity = "error" if _means_to_log_in(job) else "warning"
        yield Finding("id-token-permission-missing", severity, job.line, facts)
    if called:
        line = workflow.triggers["workflow_call"].line
        yield Finding("callers-must-grant", "note", line, {"workflow": shown(workflow.file_name, 80)})


def check_caller(workflow: Workflow, job: Job, called: Workflow | None) -> Iterator[Finding]:
    """Whether `job`, which runs a reusable workflow, hands on the permission; `called` is that workflow, if known."""
    if permission_of(workflow, job) == "granted":
        return
    facts = {"called": shown(job.calls, 120), "job": shown(job.key, 80)}
    if called is None:
        yield Finding("called-unknown", "note", job.line, facts)
    elif any(logs_in(called, inner) for inner in called.jobs):
        yield Finding("caller-does-not-grant", "error", job.line, facts)


def _means_to_log_in(job: Job) -> bool:
    by_step = bool(login_steps(job)) or any(map(is_command, job.steps))
    return by_step or any(RESOURCE_VARIABLE in env for env in (job.env, *(s.env for s in job.steps)))


def _brings_its_own(workflow: Workflow, job: Job) -> bool:
    if any("HF_OIDC_ID_TOKEN" in env for env in (workflow.env, job.env)):
        return True
    steps = [s for s in job.steps if is_login(s) or is_command(s) or RESOURCE_VARIABLE in s.env]
    return bool(steps) and all(step.inputs.get("id-token") or "HF_OIDC_ID_TOKEN" in step.env for step in steps)
