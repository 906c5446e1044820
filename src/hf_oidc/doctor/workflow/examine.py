"""Checks a workflow file: for each job that logs in to the Hub, what is wrong and what to enter there.

It does no I/O. The caller passes a function that reads the workflow files which this one calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from hf_oidc.doctor.workflow.called import LOCAL_ACTION, ReadFile, with_called
from hf_oidc.doctor.workflow.findings import Branch, WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.login_inputs import (
    check_inputs,
    check_resources,
    hub_of,
    input_of,
    read_argument,
    read_input,
    read_variable,
)
from hf_oidc.doctor.workflow.login_step import (
    actions_of,
    check_runner,
    commands_of,
    is_literal,
    is_soft,
    login_steps,
    resource_variables,
)
from hf_oidc.doctor.workflow.model import Job, Workflow, read_workflow
from hf_oidc.doctor.workflow.permissions import (
    Chain,
    check_permission,
    check_step_permissions,
    check_unread,
    logs_in,
)
from hf_oidc.doctor.workflow.structure import REUSABLE, check_structure
from hf_oidc.doctor.workflow.token_use import check_token_use
from hf_oidc.doctor.workflow.triggers import branch_of, check_triggers
from hf_oidc.doctor.workflow.yaml_text import read
from hf_oidc.errors import UsageError
from hf_oidc.explain.claims import publisher_fields
from hf_oidc.hub.publisher import GITHUB_ISSUER, Field
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL

GITHUB_REMOTE = re.compile(
    r"(?:https://(?:[^/@]*@)?github\.com/|(?:ssh://)?git@github\.com[:/]|ssh://git@ssh\.github\.com:443/)"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
    re.ASCII,
)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def repository_of(remote: str) -> str:
    """Returns `owner/name` of a remote on github.com, else an empty string. The rest of a URL may hold a password."""
    match = GITHUB_REMOTE.fullmatch(remote.strip())
    return match["repository"] if match else ""


def examine(text: str, file_name: str, repository: str, read_file: ReadFile) -> WorkflowReport:
    """Returns the report about a workflow. Raises `UnreadableYaml` if `text` is not one."""
    workflow = with_called(read_workflow(read(text), file_name), read_file)
    jobs = tuple(report for job in workflow.jobs for report in _reports([(workflow, job)], repository))
    findings = list(_about_the_file(workflow, set()))
    # An action as a job's `uses:` is meant to log in.
    if not jobs and not any(each.code == "action-as-job" for each in findings):
        findings.append(WorkflowFinding("no-login", "note"))
    return WorkflowReport(file_name, repository, jobs, tuple(findings))


def _about_the_file(workflow: Workflow, seen: set[str]) -> Iterator[WorkflowFinding]:
    """Yields the findings about a workflow and those that it calls, each file once."""
    for finding in (*workflow.findings, *check_structure(workflow)):
        yield replace(finding, file=workflow.path)
    for job in workflow.jobs:
        yield from check_step_permissions(workflow, job)
        if job.called and job.called.path not in seen:
            seen.add(job.called.path)
            yield from _about_the_file(job.called, seen)


def _reports(chain: Chain, repository: str) -> Iterator[WorkflowJobReport]:
    """Yields a report for the last job of `chain` if it logs in; for each that does of the workflow that it calls."""
    workflow, job = chain[-1]
    if job.called:
        for inner in job.called.jobs:
            yield from _reports([*chain, (job.called, inner)], repository)
        return
    key, line = " / ".join(job.key for _, job in chain), chain[0][1].line
    if logs_in(workflow, job):
        findings = tuple(_sorted(_login_findings(chain)))
        branch = branch_of(chain[0][0], _conditions(chain))
        # In a reusable workflow, the ID token has the ref of the calling workflow and the names of both workflows.
        fields = _fields(workflow.file_name if len(chain) == 1 else "", repository, branch)
        report = WorkflowJobReport(
            key, line, tuple(_resources(workflow, job)), fields, branch, job.environment, findings
        )
        yield _with_hub(report, workflow, job)
    elif unread := [*_unread(workflow, job)]:
        yield WorkflowJobReport(key, line, (), (), Branch("default"), "", tuple(unread))


def _unread(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    if REUSABLE.fullmatch(job.calls):
        yield from check_unread(workflow, job)
    for step in job.steps:
        # `./` alone is mostly an action that tests itself.
        if LOCAL_ACTION.fullmatch(step.uses) and step.uses[2:].strip("./") and step.action is None:
            facts = {"step": step.label, "uses": sanitize_line(step.uses, 100)}
            yield WorkflowFinding("action-unread", "note", step.line, facts, workflow.path)


def _with_hub(report: WorkflowJobReport, workflow: Workflow, job: Job) -> WorkflowJobReport:
    """Adds the Hub and the audience to `report`, if all logins of `job` share one that is not huggingface.co."""
    actions = [*actions_of(job)]
    hubs = {hub_of(workflow, job, step) for step in actions} or {hub_of(workflow, job, None)}
    audiences = {input_of(step, "audience") for step in actions}
    if len(hubs) > 1 or hubs & {"", DEFAULT_HUB_URL}:
        return report
    hub = hubs.pop()
    return replace(report, hub_url=hub, audience=audiences.pop() or hub if len(audiences) == 1 else hub)


def _login_findings(chain: Chain) -> Iterator[WorkflowFinding]:
    workflow, job = chain[-1]
    steps = login_steps(job)
    yield from check_permission(chain)
    soft = bool(steps) and all(map(is_soft, steps))
    yield from check_triggers(*chain[0], soft=soft, condition=_conditions(chain))
    for finding in _of_the_steps(workflow, job):
        yield finding if finding.file else replace(finding, file=workflow.path)


def _of_the_steps(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    for step in actions_of(job):
        for finding in check_inputs(workflow, job, step):
            yield replace(finding, file=step.file)
    yield from check_runner(job)
    for step, command in commands_of(job):
        for resource in filter(is_written_out, command.resources):
            for finding in check_resources(read_argument, resource, step.line):
                yield replace(finding, file=step.file)
    if login_steps(job):
        yield from check_token_use(workflow, job)
        return
    for variable in resource_variables(workflow, job):
        yield WorkflowFinding("own-exchange", "note", variable.line, {"where": variable.where}, variable.file)
        if isinstance(variable.value, str) and variable.value and is_literal(variable.value):
            for finding in check_resources(read_variable, variable.value, variable.line):
                yield replace(finding, file=variable.file)


def _conditions(chain: Chain) -> str:
    _, last = chain[-1]
    commands = {id(step) for step, _ in commands_of(last)}
    steps = login_steps(last) or tuple(step for step in last.steps if id(step) in commands)
    return " ".join([*(job.condition for _, job in chain), *(step.condition for step in steps)]).strip()


def _fields(file_name: str, repository: str, branch: Branch) -> tuple[Field, ...]:
    # The claims that GitHub would issue for this job. One table maps claims to the Hub's fields, here as for a login.
    ref = f"refs/heads/{branch.name}" if branch.kind == "one" else None
    claims = {
        "iss": GITHUB_ISSUER,
        "repository": repository or None,
        "ref": ref,
        "workflow_ref": f"owner/name/.github/workflows/{file_name}@{ref or 'refs/heads/main'}",
    }
    return publisher_fields(claims, preset=True)


def _resources(workflow: Workflow, job: Job) -> Iterable[Resource]:
    """Returns the resources that the logins of `job` name, each once."""
    written: list[tuple[Callable[[str], list[Resource]], object]] = [
        (read_input, next((value for name, value in step.inputs.items() if name.lower() == "resource"), ""))
        for step in actions_of(job)
    ]
    arguments = (resource for _, command in commands_of(job) for resource in command.resources)
    written += [(read_argument, resource) for resource in arguments if is_written_out(resource)]
    variables = [(read_variable, variable.value) for variable in resource_variables(workflow, job)]
    found: dict[Resource, None] = {}
    for resources_of, value in written or variables:
        if isinstance(value, str) and is_literal(value):
            with suppress(UsageError):
                found |= dict.fromkeys(resources_of(value))
    return found


def is_written_out(argument: str) -> bool:
    """Whether an argument of a command is literal: neither GitHub nor the shell computes it."""
    return not re.search(r"[$%`*]", argument)


def _sorted(findings: Iterator[WorkflowFinding]) -> list[WorkflowFinding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
