"""Checks whether a job may request an ID token from GitHub.

A job's `permissions:` replace the workflow's completely. Without either, `id-token` is not granted. A reusable workflow
has at most the permissions that its caller grants.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
"""

from __future__ import annotations

from collections.abc import Iterator

from hf_oidc.doctor.workflow.findings import Severity, WorkflowFinding
from hf_oidc.doctor.workflow.login_step import (
    RESOURCE_VARIABLE,
    environment_resources,
    is_command,
    is_login,
    login_steps,
)
from hf_oidc.doctor.workflow.model import Job, Permission, Workflow
from hf_oidc.sanitize import sanitize_line


def permission_of(workflow: Workflow, job: Job) -> Permission:
    """Returns the permission that applies to `job`: from its own `permissions:` if it has them, else the workflow's."""
    return workflow.permission if job.permission == "unset" else job.permission


def logs_in(workflow: Workflow, job: Job) -> bool:
    """Whether `job` needs an ID token, for this action, for `hf-oidc`, or for huggingface_hub's own exchange."""
    by_step = bool(login_steps(job)) or any(map(is_command, job.steps))
    return by_step or (bool(job.steps) and any(environment_resources(workflow, job)))


def check_permission(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds a missing permission of `job`, which logs in."""
    if _brings_its_own(workflow, job):
        return
    called = "workflow_call" in workflow.triggers
    permission = permission_of(workflow, job)
    if permission == "missing" or (permission == "unset" and set(workflow.triggers) != {"workflow_call"}):
        where = "job" if job.permission != "unset" else "workflow" if workflow.permission != "unset" else "nowhere"
        facts = {"where": where, "job": sanitize_line(job.key, 80)}
        # A variable of the whole workflow also reaches jobs that never use the Hub. They need no permission.
        severity: Severity = "error" if _means_to_log_in(job) else "warning"
        yield WorkflowFinding("id-token-permission-missing", severity, job.line, facts)
    if called:
        line = workflow.triggers["workflow_call"].line
        yield WorkflowFinding("callers-must-grant", "note", line, {"workflow": sanitize_line(workflow.file_name, 80)})


def check_caller(workflow: Workflow, job: Job, called: Workflow | None) -> Iterator[WorkflowFinding]:
    """Finds a missing permission of `job`, which calls a reusable workflow. `called`: that workflow, if known."""
    if permission_of(workflow, job) == "granted":
        return
    facts = {"called": sanitize_line(job.calls, 120), "job": sanitize_line(job.key, 80)}
    if called is None:
        yield WorkflowFinding("called-unknown", "note", job.line, facts)
    elif any(logs_in(called, inner) for inner in called.jobs):
        yield WorkflowFinding("caller-does-not-grant", "error", job.line, facts)


def _means_to_log_in(job: Job) -> bool:
    by_step = bool(login_steps(job)) or any(map(is_command, job.steps))
    return by_step or any(RESOURCE_VARIABLE in env for env in (job.env, *(s.env for s in job.steps)))


def _brings_its_own(workflow: Workflow, job: Job) -> bool:
    if any("HF_OIDC_ID_TOKEN" in env for env in (workflow.env, job.env)):
        return True
    steps = [s for s in job.steps if is_login(s) or is_command(s) or RESOURCE_VARIABLE in s.env]
    return bool(steps) and all(step.inputs.get("id-token") or "HF_OIDC_ID_TOKEN" in step.env for step in steps)
