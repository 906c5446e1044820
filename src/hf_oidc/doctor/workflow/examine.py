"""Checks a workflow file: for each job that logs in to the Hub, what is wrong and what to enter there.

It does no I/O. The caller passes a function that reads the workflow files which this one calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from hf_oidc.doctor.workflow.findings import Branch, WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.login_step import (
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
from hf_oidc.doctor.workflow.model import Job, Workflow, read_workflow
from hf_oidc.doctor.workflow.permissions import check_caller, check_permission, logs_in
from hf_oidc.doctor.workflow.reach import Caller, Reachability
from hf_oidc.doctor.workflow.runs import runs_of
from hf_oidc.doctor.workflow.token_use import check_token_use, line_of_variable
from hf_oidc.doctor.workflow.triggers import Logins, branch_of, check_triggers, together
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml, read
from hf_oidc.errors import UsageError
from hf_oidc.explain.claims import publisher_fields
from hf_oidc.hub.publisher import GITHUB_ISSUER, Field
from hf_oidc.hub.resource import Resource

GITHUB_REMOTE = re.compile(
    r"(?:https://(?:[^/@]*@)?github\.com/|(?:ssh://)?git@github\.com[:/]|ssh://git@ssh\.github\.com:443/)"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
    re.ASCII,
)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
LOCAL_WORKFLOW = re.compile(r"\./\.github/workflows/(?P<file>[^/\\]+\.ya?ml)")
# Takes the name of a workflow file in the same folder; returns its text, or an empty string if it cannot be read.
ReadCalled = Callable[[str], str]


def repository_of(remote: str) -> str:
    """Returns `owner/name` of a remote on github.com, else an empty string. The rest of a URL may hold a password."""
    match = GITHUB_REMOTE.fullmatch(remote.strip())
    return match["repository"] if match else ""


def examine(text: str, file_name: str, repository: str, read_called: ReadCalled) -> WorkflowReport:
    """Returns the report about a workflow. Raises `UnreadableYaml` if `text` is not one."""
    workflow = read_workflow(read(text), file_name)
    called = {job.key: _called(job.calls, read_called) for job in workflow.jobs if job.calls}
    runs = runs_of(workflow, [each for each in called.values() if each], repository)
    reachability = Reachability(workflow, runs)
    jobs = tuple(
        report for job in workflow.jobs for report in _job(workflow, job, repository, reachability, called.get(job.key))
    )
    findings = list(workflow.findings)
    if not jobs:
        findings.append(WorkflowFinding("no-login", "note"))
    return WorkflowReport(file_name, repository, jobs, tuple(findings))


def _job(
    workflow: Workflow, job: Job, repository: str, reachability: Reachability, called: Workflow | None
) -> Iterator[WorkflowJobReport]:
    if logs_in(workflow, job):
        logins = _logins(workflow, job, reachability)
        branch = branch_of(logins)
        yield WorkflowJobReport(
            job.key,
            job.line,
            tuple(_resources(workflow, job)),
            _fields(workflow.file_name, repository, branch),
            branch,
            job.environment,
            tuple(_sorted(_login_findings(workflow, job, logins))),
            logins.not_understood,
        )
    elif job.calls:
        yield from _caller(workflow, job, repository, reachability, called)


def _caller(
    workflow: Workflow, job: Job, repository: str, reachability: Reachability, called: Workflow | None
) -> Iterator[WorkflowJobReport]:
    inside = [inner for inner in called.jobs if logs_in(called, inner)] if called else []
    findings = list(check_caller(workflow, job, called))
    if not called or not inside:
        if findings:
            yield WorkflowJobReport(job.key, job.line, (), (), Branch("default"), "", tuple(findings))
        return
    # In a reusable workflow, the ID token has the ref of the calling workflow and the names of both workflows.
    inner = Reachability(called, reachability.runs, Caller(reachability, job))
    every = [_logins(called, each, inner) for each in inside]
    logins = Logins(
        together([each.reached for each in every]),
        soft=all(each.soft for each in every),
        reads=all(each.reads for each in every),
    )
    findings += check_triggers(workflow, job, logins)
    branch = branch_of(logins)
    yield WorkflowJobReport(
        job.key,
        job.line,
        (),
        _fields("", repository, branch),
        branch,
        "",
        tuple(_sorted(iter(findings))),
        logins.not_understood,
    )


def _logins(workflow: Workflow, job: Job, reachability: Reachability) -> Logins:
    steps = login_steps(job)
    others = [step for step in job.steps if is_command(step) or RESOURCE_VARIABLE in step.env]
    reached = [reachability.of(job, step) for step in steps or others] or [reachability.of(job)]
    resources = list(_resources(workflow, job))
    return Logins(
        together(reached),
        soft=bool(steps) and all(map(is_soft, steps)),
        reads=bool(resources) and all(each.kind == "user" for each in resources),
    )


def _login_findings(workflow: Workflow, job: Job, logins: Logins) -> Iterator[WorkflowFinding]:
    steps = login_steps(job)
    yield from check_permission(workflow, job)
    for step in steps:
        yield from check_inputs(step)
    yield from check_triggers(workflow, job, logins)
    if steps:
        yield from check_token_use(workflow, job)
    else:
        yield from _own_exchange(workflow, job)


def _own_exchange(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    for where, env in environment_resources(workflow, job):
        value = env[RESOURCE_VARIABLE]
        yield WorkflowFinding("own-exchange", "note", line_of_variable(env), {"where": where})
        if isinstance(value, str) and is_literal(value):
            yield from check_resources(read_variable, value, line_of_variable(env))


def _fields(file_name: str, repository: str, branch: Branch) -> tuple[Field, ...]:
    if branch.kind == "never":
        return ()
    # The claims that GitHub would issue for this job. One table maps claims to the Hub's fields, here as for a login.
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


def _sorted(findings: Iterator[WorkflowFinding]) -> list[WorkflowFinding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
