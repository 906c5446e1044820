"""Finds what strangers can do in a job that logs in: start it, run their code in it, or write into its scripts.

A run for a fork's pull request has no ID token, but some events give strangers a run with the identity of your branch.
https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hf_oidc.doctor.workflow.expressions.evaluation import UNKNOWN, SomeText
from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login.step import commands_of, is_login
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.runs.run import Run
from hf_oidc.doctor.workflow.runs.triggers import Logins, stricter_condition
from hf_oidc.sanitize import sanitize_line

# Anyone with an account causes these in a public repository.
BY_ANYONE = {"issue_comment", "issues", "discussion", "discussion_comment", "pull_request_target", "workflow_run"}
COMMENT = "github.event.comment.author_association"
TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")
BY_MEMBERS = f"contains(fromJSON('{json.dumps(TRUSTED)}'), {COMMENT})"
# The condition that keeps strangers out.
KEEPS_OUT = {
    "issue_comment": BY_MEMBERS,
    "discussion_comment": BY_MEMBERS,
    "pull_request_target": "github.event.pull_request.head.repo.full_name == github.repository",
    "workflow_run": "github.event.workflow_run.event == 'push'",
}
# A condition on who caused the event, which the doctor cannot decide.
ON_WHO = re.compile(
    r"author_association|github\.(?:triggering_)?actor\b|sender\.login|user\.login|\.permission", re.IGNORECASE
)
HEAD = re.compile(
    r"github\.event\.pull_request\.(?:head|merge_commit_sha|number)|github\.head_ref|github\.event\.(?:issue\.)?number"
    r"|github\.event\.workflow_run\.(?:head|pull_requests)|refs/pull/"
    r"|steps\.[\w-]+\.outputs\.[\w-]*(?:sha|ref|branch|head)",
    re.IGNORECASE,
)
TAKES_HEAD = re.compile(r"\b(?:gh|hub)\s+pr\s+checkout\b|\bgit\s+(?:fetch|pull)\b[^\n]*\bpull/")
GETS = re.compile(r"\bgit\s+(?:checkout|switch|clone|fetch|reset)\b")
TAKES_ARTIFACT = re.compile(r"\bgh\s+run\s+download\b")
OF_THE_RUN = re.compile(r"github\.event\.workflow_run\.(?:id|head_sha)\b", re.IGNORECASE)
# Text that a stranger chooses, in an expression.
WRITTEN = re.compile(
    r"github\.event\.(?:comment|issue|pull_request|discussion|review)\.(?:body|title)"
    r"|github\.head_ref|github\.event\.pull_request\.head\.(?:ref|label)"
    r"|github\.event\.workflow_run\.(?:head_branch|display_title|head_commit\.message)",
    re.IGNORECASE,
)
# From this major version on, actions/checkout refuses a fork's code for two of the events.
REFUSES_FORKS, REFUSED_EVENTS = 7, {"pull_request_target", "workflow_run"}


def check_untrusted(
    workflow: Workflow, job: Job, logins: Logins, reachability: Reachability
) -> Iterator[WorkflowFinding]:
    """Finds what strangers can do in `job`, which logs in. `reachability`: of its workflow."""
    runs = [run for run in logins.runs if run.event in BY_ANYONE and _may_be_a_strangers(run)]
    events = sorted({run.event for run in runs})
    steps = [*filter(is_login, job.steps), *(step for step, _ in commands_of(job))]
    if not events or any(ON_WHO.search(text) for text in (job.condition, *(step.condition for step in steps))):
        return
    for event in events:
        of_event = [run for run in runs if run.event == event]
        line = workflow.triggers[event].line if event in workflow.triggers else job.line
        facts = {"event": event, "job": sanitize_line(job.key, 80)}
        condition = KEEPS_OUT.get(event)
        if condition and {run.event for run in logins.runs} != {event}:
            condition = f"(github.event_name != '{event}' || {condition})"
        facts |= stricter_condition(job, logins.runs, condition) if condition else {"how": "", "lines": ""}
        taken = [
            step
            for step in job.steps
            if _takes(step, event)
            and any(each.certainty != "no" and each.run in of_event for each in reachability.of(job, step))
        ]
        if taken:
            code = {**facts, "step": taken[0].label}
            yield WorkflowFinding("untrusted-code", "warning", taken[0].line, code, workflow.path)
        elif event not in {"pull_request_target", "workflow_run"}:  # of the first, `triggers` warns
            yield WorkflowFinding("anyone-starts", "warning", line, facts, workflow.path)
        yield from _written_by_strangers(workflow, job, event)


def _may_be_a_strangers(run: Run) -> bool:
    if run.event == "workflow_run":
        # What a condition does not compare is unknown.
        caused = run.facts.get("github.event.workflow_run.event", UNKNOWN)
        whose = run.facts.get("github.event.workflow_run.head_repository.full_name", UNKNOWN)
        if isinstance(caused, SomeText):
            return "pull_request" not in caused.excluded
        return not isinstance(whose, str) and (caused is UNKNOWN or str(caused).startswith("pull_request"))
    if run.facts.get(COMMENT) in TRUSTED:
        return False
    return run.from_fork is not False


def _takes(step: Step, event: str) -> bool:
    """Whether `step` brings a stranger's files into the job."""
    action, _, version = step.uses.lower().partition("@")
    inputs = {name.lower(): value for name, value in step.inputs.items() if isinstance(value, str)}
    if action == "actions/checkout":
        major = re.match(r"v(\d{1,4})", version)
        refuses = major and int(major[1]) >= REFUSES_FORKS and event in REFUSED_EVENTS
        allowed = inputs.get("allow-unsafe-pr-checkout", "").lower() == "true"
        head = any(HEAD.search(inputs.get(name, "")) for name in ("ref", "repository"))
        return head and (allowed or not refuses)
    if event == "workflow_run" and (TAKES_ARTIFACT.search(step.run) or "download-artifact" in action):
        return any(OF_THE_RUN.search(text) for text in (step.run, *inputs.values()))
    checkouts = [line for line in step.run.splitlines() if GETS.search(line)]
    own = any(HEAD.search(expression) for line in checkouts for expression in EXPRESSION.findall(line))
    return own or bool(TAKES_HEAD.search(step.run))


def _written_by_strangers(workflow: Workflow, job: Job, event: str) -> Iterator[WorkflowFinding]:
    for step in job.steps:
        script = step.inputs.get("script", "")
        texts = f"{step.run}\n{script if isinstance(script, str) else ''}"
        for expression in EXPRESSION.findall(texts):
            if found := WRITTEN.search(expression):
                facts = {"event": event, "step": step.label, "expression": sanitize_line(found[0], 100)}
                yield WorkflowFinding("untrusted-input", "warning", step.line, facts, workflow.path)
                break
