"""Checks whether a job may request an ID token, and whether its `permissions:` leave out what its steps need.

A job's `permissions:` replace the workflow's completely. Without either, `id-token` is not granted. A reusable workflow
has at most the permissions that its caller grants.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from hf_oidc.doctor.workflow import syntax
from hf_oidc.doctor.workflow.findings import Severity, WorkflowFinding
from hf_oidc.doctor.workflow.login.github_token import RANK, Need, needs
from hf_oidc.doctor.workflow.login.step import (
    OTHER_ID_TOKEN,
    commands_of,
    is_login,
    login_steps,
    resource_variables,
)
from hf_oidc.doctor.workflow.model import Job, Permissions, Workflow
from hf_oidc.doctor.workflow.structure import shown_reference
from hf_oidc.doctor.workflow.token.targets import uses_of
from hf_oidc.sanitize import sanitize_line

# A job, with its workflow; before it those that call its workflow, the file that is checked first.
Chain = Sequence[tuple[Workflow, Job]]
ONLY_CALLED = {"workflow_call"}


def logs_in(workflow: Workflow, job: Job) -> bool:
    """Whether `job` needs an ID token, for this action, for `hf-oidc`, or for huggingface_hub's own exchange."""
    by_step = bool(login_steps(job)) or any(commands_of(job))
    return by_step or (bool(job.steps) and any(resource_variables(workflow, job)))


def effective(chain: Chain) -> Permissions:
    """Returns the permissions of the last job: its own, else its workflow's, else those of the job that calls it."""
    found = Permissions()
    for workflow, job in chain:
        own = workflow.permissions_of(job)
        found = own if own.given else found
    return found


def check_permission(chain: Chain) -> Iterator[WorkflowFinding]:
    """Finds a missing permission of the last job, which logs in, and of the jobs that call its workflow."""
    workflow, job = chain[-1]
    own_steps = [step for step, _ in commands_of(job)]
    own_steps += [each.step for each in resource_variables(workflow, job) if each.step]
    own_steps += [step for step in job.steps if is_login(step)]
    given = [step.inputs.get("id-token") or not OTHER_ID_TOKEN.isdisjoint(step.env) for step in own_steps]
    if not OTHER_ID_TOKEN.isdisjoint({*workflow.env, *job.env}) or (given and all(given)):
        return  # it has another ID token, which GitHub does not issue
    for depth in range(1, len(chain)):
        yield from _not_granted(chain, depth)
    first = chain[0][0]
    own = workflow.permissions_of(job)
    # An unset permission is the caller's. A workflow that only others call has one.
    unset = not own.given and len(chain) == 1 and set(first.triggers) != ONLY_CALLED
    # `structure` finds a scope that is a misspelt `id-token`.
    unknown = [scope.lower().replace("_", "-") for scope in own.scopes if scope not in syntax.PERMISSIONS]
    is_missing = own.id_token == "missing" and not difflib.get_close_matches("id-token", unknown, 1, 0.75)
    if is_missing or unset:
        where = "job" if job.permissions.given else "workflow" if workflow.permissions.given else "nowhere"
        # What is written instead of `id-token: write`, in short.
        written = f"id-token: {sanitize_line(own.scopes['id-token'], 20)}" if "id-token" in own.scopes else ""
        if own.given and not own.scopes:
            written = "read-all" if own.default == "read" else "empty"
        facts = {"where": where, "written": written, "job": sanitize_line(job.key, 80), "lines": advised(chain)}
        # A variable of the whole workflow also reaches jobs that never use the Hub. They need no permission.
        uses_hub = (
            bool(login_steps(job))
            or any(commands_of(job))
            or any(variable.where != "the workflow" for variable in resource_variables(workflow, job))
            or any(each.uses for row in uses_of(workflow, job) for each in row.steps)
        )
        severity: Severity = "error" if uses_hub else "warning"
        yield WorkflowFinding("id-token-permission-missing", severity, job.line, facts, workflow.path)
    else:
        yield from _lost(chain)
    if "workflow_call" in first.triggers:
        line = first.triggers["workflow_call"].line
        yield WorkflowFinding("callers-must-grant", "note", line, {"workflow": sanitize_line(first.file_name, 80)})


def check_step_permissions(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds `permissions:` at a step, which GitHub refuses."""
    for step in job.steps:
        if "permissions" in step.block:
            facts = {"step": step.label, "job": sanitize_line(job.key, 80), "lines": advised([(workflow, job)])}
            line = step.block.lines.get("permissions")
            yield WorkflowFinding("permissions-at-step", "error", line, facts, workflow.path)


def advised(chain: Chain, more: Mapping[str, str] | None = None) -> str:
    """Returns the `permissions:` that the last job should have: those that it has, and what its steps need."""
    scopes = {"contents": "read"}
    given = {scope: access for scope, access in effective(chain).scopes.items() if scope in syntax.PERMISSIONS}
    wanted = [*given.items(), *((need.scope, need.access) for need in needs(*chain[-1])), *(more or {}).items()]
    for scope, access in wanted:
        if RANK.get(access, 0) > RANK[scopes.get(scope, "")] or scope not in scopes:
            scopes[scope] = access
    scopes["id-token"] = "write"
    return "\n".join(["permissions:", *(f"  {scope}: {access}" for scope, access in scopes.items())])


def _not_granted(chain: Chain, depth: int) -> Iterator[WorkflowFinding]:
    """Finds what the job before `depth` does not grant to the workflow that it calls."""
    caller, job = chain[depth - 1]
    called, inner = chain[depth]
    granted = effective(chain[:depth])
    if not granted.given and set(chain[0][0].triggers) == ONLY_CALLED:
        return  # the callers of the file that is checked decide
    own = called.permissions_of(inner)
    missing = {} if granted.id_token == "granted" else {"id-token": "write"}
    # GitHub refuses a called job that asks for more than it is granted.
    missing |= {
        scope: access
        for scope, access in own.scopes.items()
        if granted.given and scope in syntax.PERMISSIONS and RANK.get(access, 0) > RANK.get(granted.of(scope), 0)
    }
    # If neither names `id-token`, the place that takes it away is the one to change.
    inherited = depth > 1 and not (job.permissions.given or caller.permissions.given)
    if missing and not inherited:
        facts = {
            "called": shown_reference(job.calls),
            "job": sanitize_line(job.key, 80),
            "missing": ", ".join(f"`{scope}: {access}`" for scope, access in missing.items()),
            "lines": advised(chain[:depth], missing),
        }
        yield WorkflowFinding("caller-does-not-grant", "error", job.line, facts, caller.path)


def check_unread(chain: Chain) -> Iterator[WorkflowFinding]:
    """Finds a reusable workflow that could not be read. The last job calls it."""
    workflow, job = chain[-1]
    facts = {
        "called": shown_reference(job.calls),
        "job": sanitize_line(job.key, 80),
        "lines": advised(chain),
    }
    granted = effective(chain).id_token == "granted"
    yield WorkflowFinding("called-unread" if granted else "called-unknown", "note", job.line, facts, workflow.path)


def _lost(chain: Chain) -> Iterator[WorkflowFinding]:
    """Finds what the steps of the last job need and its `permissions:` leave out: its own, or a caller's."""
    has = effective(chain)
    owners = [at for at, each in enumerate(chain, 1) if any(level.permissions.given for level in each)]
    # Of several needs of one scope, the greatest. An access that GitHub does not know is `structure`'s to tell.
    missing: dict[str, Need] = {
        need.scope: need
        for need in sorted(needs(*chain[-1]), key=lambda need: RANK[need.access])
        if has.given and RANK.get(has.of(need.scope), 2) < RANK[need.access]
    }
    for need in missing.values():
        workflow, job = chain[owners[-1] - 1]
        facts = {
            "job": sanitize_line(job.key, 80),
            "permission": f"{need.scope}: {need.access}",
            "step": need.step.label,
            "what": sanitize_line(need.what, 80),
            "lines": advised(chain[: owners[-1]], {each.scope: each.access for each in missing.values()}),
        }
        code = "contents-lost" if need.access == "read" else "permission-lost"
        yield WorkflowFinding(code, "warning", has.line or job.line, facts, workflow.path)
