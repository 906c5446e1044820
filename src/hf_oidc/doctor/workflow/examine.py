"""Checks a workflow file: for each job that logs in to the Hub, what is wrong and what to enter there.

It does no I/O. The caller passes a function that reads the workflow files which this one calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain as chained

from hf_oidc.doctor.workflow.called import LOCAL_ACTION, ReadFile, with_called
from hf_oidc.doctor.workflow.findings import Branch, WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.login.inputs import (
    check_endpoint,
    check_inputs,
    check_resources,
    hub_of,
    input_of,
    read_argument,
    read_input,
    read_variable,
    unknown_inputs,
)
from hf_oidc.doctor.workflow.login.permissions import (
    Chain,
    advised,
    check_permission,
    check_step_permissions,
    check_unread,
    logs_in,
)
from hf_oidc.doctor.workflow.login.step import (
    LoginCommand,
    actions_of,
    actual,
    check_runner,
    commands_of,
    is_literal,
    is_soft,
    login_steps,
    resource_variables,
)
from hf_oidc.doctor.workflow.login.untrusted import check_untrusted
from hf_oidc.doctor.workflow.login.values import Values, line_of_value
from hf_oidc.doctor.workflow.model import Job, Step, Workflow, read_workflow
from hf_oidc.doctor.workflow.runs.derivation import runs_of
from hf_oidc.doctor.workflow.runs.reach import Caller, Reachability
from hf_oidc.doctor.workflow.runs.triggers import Logins, branch_of, check_triggers, together
from hf_oidc.doctor.workflow.structure import REUSABLE, check_structure
from hf_oidc.doctor.workflow.token.remaining_secrets import check_passed, check_secrets
from hf_oidc.doctor.workflow.token.targets import writing_steps, written_resources
from hf_oidc.doctor.workflow.token.use import check_token_use
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml, read
from hf_oidc.errors import UsageError
from hf_oidc.explain.claims import publisher_fields
from hf_oidc.hub.publisher import GITHUB_ISSUER, Field
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL

# Findings in a job that writes to the Hub with a stored token.
OF_WRITES = {"migrate-login", "called-not-migrated"}
MAX_FINDINGS = 1_000  # of a job, and about a file


def examine(text: str, file_name: str, repository: str, read_file: ReadFile) -> WorkflowReport:
    """Returns the report about a workflow. Raises `UnreadableYaml` if `text` is not one."""
    return examine_workflow(with_called(read_workflow(read(text), file_name), read_file), repository)


def examine_workflow(workflow: Workflow, repository: str) -> WorkflowReport:
    """Returns the report about a workflow that was read, with what it uses of its repository."""
    reachability = Reachability(workflow, runs_of(workflow, [*_every_called(workflow)], repository))
    jobs = tuple(report for job in workflow.jobs for report in _reports([(workflow, job)], reachability, repository))
    findings = list(_about_the_file(workflow, set()))
    # An action as a job's `uses:` is meant to log in.
    if not jobs and not any(each.code == "action-as-job" for each in findings):
        findings.append(WorkflowFinding("no-login", "note"))
    return WorkflowReport(workflow.file_name, repository, jobs, tuple(findings))


def _every_called(workflow: Workflow) -> Iterator[Workflow]:
    for job in workflow.jobs:
        if job.called:
            yield job.called
            yield from _every_called(job.called)


def _limited(findings: Iterable[WorkflowFinding]) -> Iterator[WorkflowFinding]:
    """Yields `findings`. Raises `UnreadableYaml` if they are too many: what is left out could be an error."""
    for number, each in enumerate(findings, 1):
        if number > MAX_FINDINGS:
            raise UnreadableYaml(f"There are more than {MAX_FINDINGS} findings, which is more than anybody reads")
        yield each


def _about_the_file(workflow: Workflow, seen: set[str]) -> Iterator[WorkflowFinding]:
    """Yields the findings about a workflow and those that it calls, each file once."""
    found = _limited(chained(workflow.findings, check_structure(workflow)))
    # What an alias repeats is at the same line each time.
    for finding in {(each.code, each.line, str(each.facts)): each for each in found}.values():
        yield replace(finding, file=workflow.path)
    for job in workflow.jobs:
        yield from check_step_permissions(workflow, job)
        yield from (replace(finding, file=workflow.path) for finding in check_passed(workflow, job))
        if job.called and job.called.path not in seen:
            seen.add(job.called.path)
            yield from _about_the_file(job.called, seen)


def _reports(chain: Chain, reachability: Reachability, repository: str) -> Iterator[WorkflowJobReport]:
    """Yields a report for the last job of `chain` if it logs in; for each that does of the workflow that it calls."""
    workflow, job = chain[-1]
    if job.called:
        inside = Reachability(job.called, reachability.runs, Caller(reachability, job))
        for inner in job.called.jobs:
            yield from _reports([*chain, (job.called, inner)], inside, repository)
        return
    key, line = " / ".join(job.key for _, job in chain), chain[0][1].line
    if logs_in(workflow, job):
        values = Values(reachability, job)
        resources = tuple(_resources(workflow, job, values))
        logins = _logins(workflow, job, reachability, resources)
        branch = branch_of(logins)
        # What only a caller passes is for the check of the caller.
        unknown = unknown_inputs(job, values) if any(run.kind != "caller" for run in logins.runs) else ()
        report = WorkflowJobReport(
            key,
            line,
            resources,
            # In a reusable workflow, the ID token has the ref of the calling workflow and the names of both workflows.
            _fields(workflow.file_name if len(chain) == 1 else "", repository, branch),
            branch,
            job.environment,
            tuple(_sorted(_limited(_login_findings(chain, logins, values, reachability)))),
            (*logins.not_understood, *dict.fromkeys(unknown)),
        )
        yield _with_hub(report, workflow, job)
        return
    unread, findings = [*_unread(chain)], [*_without_login(chain, reachability)]
    if unread or findings:
        names = tuple(each.facts.get("called") or each.facts["uses"] for each in unread)
        resources = written_resources(workflow, job) if any(each.code in OF_WRITES for each in findings) else ()
        branch = branch_of(_logins(workflow, job, reachability, resources)) if resources else Branch("default")
        fields = _fields(workflow.file_name if len(chain) == 1 else "", repository, branch) if resources else ()
        found = tuple(_sorted(iter((*unread, *findings))))
        yield WorkflowJobReport(key, line, resources, fields, branch, job.environment, found, names)


def _without_login(chain: Chain, reachability: Reachability) -> Iterator[WorkflowFinding]:
    workflow, job = chain[-1]
    found = (*check_token_use(workflow, job, reachability), *check_secrets(workflow, job))
    migrate = [each for each in found if each.code.startswith("migrate-")] if len(chain) > 1 else []
    if migrate:
        # Other callers pass other repositories, so the advice for this one is not that for the called file.
        caller, calling = chain[0]
        facts = {**migrate[0].facts, "called": workflow.place, "job": sanitize_line(calling.key, 80)}
        facts["lines"] = advised(chain[:1])
        yield WorkflowFinding("called-not-migrated", "warning", calling.line, facts, caller.path)
    for finding in (each for each in found if each not in migrate):
        yield finding if finding.file else replace(finding, file=workflow.path)


def _logins(workflow: Workflow, job: Job, reachability: Reachability, resources: Collection[Resource]) -> Logins:
    steps = login_steps(job)
    scripted = {id(step) for step, _ in commands_of(job)}
    scripted |= {id(each.step) for each in resource_variables(workflow, job) if each.step}
    # In a job that does not log in yet, the steps that a login would be for.
    scripted |= set() if steps or scripted else {id(step) for step in writing_steps(workflow, job)}
    # In a composite action, the step that logs in may have a condition of its own.
    others = [each for step in job.steps for each in actual(step) if id(each) in scripted]
    reached = [reachability.of(job, step) for step in [*actions_of(job)] or others] or [reachability.of(job)]
    return Logins(
        together(reached),
        soft=bool(steps) and all(map(is_soft, steps)),
        reads=bool(resources) and all(each.kind == "user" for each in resources),
    )


def _unread(chain: Chain) -> Iterator[WorkflowFinding]:
    workflow, job = chain[-1]
    if REUSABLE.fullmatch(job.calls):
        yield from check_unread(chain)
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


def _login_findings(
    chain: Chain, logins: Logins, values: Values, reachability: Reachability
) -> Iterator[WorkflowFinding]:
    workflow, job = chain[-1]
    yield from check_permission(chain)
    yield from check_triggers(*chain[0], logins)
    yield from check_untrusted(workflow, job, logins, reachability)
    for finding in _of_the_steps(workflow, job, values, reachability):
        yield finding if finding.file else replace(finding, file=workflow.path)


def _of_the_steps(
    workflow: Workflow, job: Job, values: Values, reachability: Reachability
) -> Iterator[WorkflowFinding]:
    for step in actions_of(job):
        for finding in check_inputs(workflow, job, step, values):
            yield replace(finding, file=step.file)
    yield from check_runner(job, [each for label in job.runs_on for each in values.of(label, None)])
    by_endpoint = [step for step in actions_of(job) if not any(name.lower() == "hub-url" for name in step.inputs)]
    by_endpoint += [step for step, command in commands_of(job) if command.hub_url is None]
    yield from check_endpoint(workflow, job, by_endpoint, values)
    for step, command in commands_of(job):
        for resource in _arguments(command, step, values):
            for finding in check_resources(read_argument, resource, step.line):
                yield replace(finding, file=step.file)
    yield from check_token_use(workflow, job, reachability)
    yield from check_secrets(workflow, job)
    if login_steps(job):
        return
    for variable in resource_variables(workflow, job):
        yield WorkflowFinding("own-exchange", "note", variable.line, {"where": variable.where}, variable.file)
        for value in values.of(variable.value, variable.step) if isinstance(variable.value, str) else ():
            line = None if is_literal(variable.value) else line_of_value(job.matrix, value)
            for finding in check_resources(read_variable, value, line or variable.line) if value else ():
                yield replace(finding, file=variable.file)


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


def _resources(workflow: Workflow, job: Job, values: Values) -> Iterable[Resource]:
    """Returns the resources that the logins of `job` name, each once."""
    written: list[tuple[Callable[[str], list[Resource]], object, Step | None]] = []
    for step in actions_of(job):
        given = (value for name, value in step.inputs.items() if name.lower() == "resource")
        written += [(read_input, value, step) for value in given]
    for step, command in commands_of(job):
        written += [(read_argument, argument, None) for argument in _arguments(command, step, values)]
    variables = [(read_variable, variable.value, variable.step) for variable in resource_variables(workflow, job)]
    found: dict[Resource, None] = {}
    for resources_of, text, step_of in written or variables:
        for value in values.of(text, step_of) if isinstance(text, str) else ():
            with suppress(UsageError):
                found |= dict.fromkeys(resources_of(value))
    return found


def _arguments(command: LoginCommand, step: Step, values: Values) -> Iterator[str]:
    """Yields the resources of a command that GitHub or the file tells, and not the shell."""
    for argument in command.resources:
        for value in values.of(argument, step):
            if value and not re.search(r"[$%`*]", value):
                yield value


def _sorted(findings: Iterator[WorkflowFinding]) -> list[WorkflowFinding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
