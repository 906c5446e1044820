"""A workflow's text in, a report out: for each job that logs in to the Hub, what is wrong and what to enter there.

Pure: other workflow files come through a function that the door hands in. `doctor_text` renders the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from hf_oidc.diagnosis.claims import Field, publisher_fields
from hf_oidc.diagnosis.issuers import GITHUB_ISSUER
from hf_oidc.diagnosis.workflow.findings import Branch, Finding, JobReport, WorkflowReport
from hf_oidc.diagnosis.workflow.login_step import (
    RESOURCE_VARIABLE,
    check_inputs,
    check_resources,
    environment_resources,
    is_command,
    is_literal,
    is_soft,
    login_steps,
    read_input,
    read_variable,
)
from hf_oidc.diagnosis.workflow.model import Job, Workflow, read_workflow
from hf_oidc.diagnosis.workflow.permissions import check_caller, check_permission, logs_in
from hf_oidc.diagnosis.workflow.token_use import check_token_use, line_of_variable
from hf_oidc.diagnosis.workflow.triggers import branch_of, check_triggers
from hf_oidc.diagnosis.workflow.yaml_text import UnreadableYaml, read
from hf_oidc.errors import UsageError
from hf_oidc.resource import Resource

GITHUB_REMOTE = re.compile(
    r"(?:https://(?:[^/@]*@)?github\.com/|(?:ssh://)?git@github\.com[:/]|ssh://git@ssh\.github\.com:443/)"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
    re.ASCII,
)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
LOCAL_WORKFLOW = re.compile(r"\./\.github/workflows/(?P<file>[^/\\]+\.ya?ml)")
# The name of a workflow file beside this one -> its text; empty if it cannot be read.
ReadCalled = Callable[[str], str]


def repository_of(remote: str) -> str:
    """`owner/name` of a remote on github.com, empty for any other. Nothing else is kept: a URL may hold a password."""
    match = GITHUB_REMOTE.fullmatch(remote.strip())
    return match["repository"] if match else ""


def examine(text: str, file_name: str, repository: str, read_called: ReadCalled) -> WorkflowReport:
    """What there is to say of a workflow. Raises `UnreadableYaml` if `text` is none."""
    workflow = read_workflow(read(text), file_name)
    jobs = tuple(report for job in workflow.jobs for report in _job(workflow, job, repository, read_called))
    findings = list(workflow.findings)
    if not jobs:
        findings.append(Finding("no-login", "note"))
    return WorkflowReport(file_name, repository, jobs, tuple(findings))


def _job(workflow: Workflow, job: Job, repository: str, read_called: ReadCalled) -> Iterator[JobReport]:
    if logs_in(workflow, job):
        branch = branch_of(workflow, _conditions(job))
        fields = _fields(workflow.file_name, repository, branch)
        findings = tuple(_sorted(_login_findings(workflow, job)))
        yield JobReport(job.key, job.line, tuple(_resources(workflow, job)), fields, branch, job.environment, findings)
    elif job.calls:
        yield from _caller(workflow, job, repository, _called(job.calls, read_called))


def _caller(workflow: Workflow, job: Job, repository: str, called: Workflow | None) -> Iterator[JobReport]:
    logins = [inner for inner in called.jobs if logs_in(called, inner)] if called else []
    findings = list(check_caller(workflow, job, called))
    if not logins:
        if findings:
            yield JobReport(job.key, job.line, (), (), Branch("default"), "", tuple(findings))
        return
    # The ID token of a job in a reusable workflow carries the ref of the one that calls it, and both workflows' names.
    steps = [step for inner in logins for step in login_steps(inner)]
    soft = bool(steps) and all(map(is_soft, steps))
    findings += check_triggers(workflow, job, soft=soft, condition=job.condition)
    branch = branch_of(workflow, job.condition)
    fields = _fields("", repository, branch)
    yield JobReport(job.key, job.line, (), fields, branch, "", tuple(_sorted(iter(findings))))


def _login_findings(workflow: Workflow, job: Job) -> Iterator[Finding]:
    steps = login_steps(job)
    yield from check_permission(workflow, job)
    for step in steps:
        yield from check_inputs(step)
    soft = bool(steps) and all(map(is_soft, steps))
    yield from check_triggers(workflow, job, soft=soft, condition=_conditions(job))
    if steps:
        yield from check_token_use(workflow, job)
    else:
        yield from _own_exchange(workflow, job)


def _own_exchange(workflow: Workflow, job: Job) -> Iterator[Finding]:
    for where, env in environment_resources(workflow, job):
        value = env[RESOURCE_VARIABLE]
        yield Finding("own-exchange", "note", line_of_variable(env), {"where": where})
        if isinstance(value, str) and is_literal(value):
            yield from check_resources(read_variable, value, line_of_variable(env))


def _conditions(job: Job) -> str:
    steps = login_steps(job) or tuple(filter(is_command, job.steps))
    return " ".join([job.condition, *(step.condition for step in steps)]).strip()


def _fields(file_name: str, repository: str, branch: Branch) -> tuple[Field, ...]:
    # The claims that GitHub would give this job, for the one table that maps claims to the Hub's fields.
    ref = f"refs/heads/{branch.name}" if branch.kind == "one" else None
    claims = {
        "iss": GITHUB_ISSUER,
        "repository": repository or None,
        "ref": ref,
        "workflow_ref": f"owner/name/.github/workflows/{file_name}@{ref or 'refs/heads/main'}",
    }
    return publisher_fields(claims, preset=True)


def _resources(workflow: Workflow, job: Job) -> Iterator[Resource]:
    steps = login_steps(job)
    resources_of = read_input if steps else read_variable
    inputs: list[object] = [step.inputs.get("resource") for step in steps]
    variables = [env[RESOURCE_VARIABLE] for _, env in environment_resources(workflow, job)]
    for value in inputs or variables:
        if isinstance(value, str) and is_literal(value):
            with suppress(UsageError):
                yield from resources_of(value)


def _called(calls: str, read_called: ReadCalled) -> Workflow | None:
    match = LOCAL_WORKFLOW.fullmatch(calls)
    if not match:
        return None
    try:
        return read_workflow(read(read_called(match["file"])), match["file"])
    except UnreadableYaml:
        return None


def _sorted(findings: Iterator[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
