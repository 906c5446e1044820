"""On which branch a job runs, as its workflow tells, and which events run it on none. A workflow in, findings out.

A publisher's `branch` is the `ref` claim without `refs/heads/`: a tag and a pull request's merge ref have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hf_oidc.diagnosis.workflow.findings import Branch, Finding
from hf_oidc.diagnosis.workflow.model import Job, Workflow, texts
from hf_oidc.diagnosis.workflow.yaml_text import Block
from hf_oidc.untrusted_text import shown

TAG_EVENTS = {"release"}
# Events whose run belongs to a pull request's merge ref.
PULL_REQUEST_EVENTS = {"pull_request", "pull_request_review", "pull_request_review_comment"}
PATTERN = re.compile(r"[*?+\[\]!]")
ONLY_BRANCH = re.compile(r"github\.ref(?:_name)?\s*==\s*'(?:refs/heads/)?(?!refs/)(?P<branch>[^']+)'")
ONLY_TAGS = re.compile(
    r"startsWith\(\s*github\.ref\s*,\s*'refs/tags/|github\.ref_type\s*==\s*'tag'|github\.event_name\s*==\s*'release'"
)
# A condition that looks at the event or the ref may keep out the runs that a finding would speak of; these do.
CHOOSES = re.compile(r"github\.(event|ref|head_ref|base_ref|actor)")
KEEPS_OUT = re.compile(
    r"github\.event_name\s*!=\s*'pull_request'|github\.event_name\s*==\s*'(?!pull_request)|"
    r"github\.ref(_name|_type)?\s*==|startsWith\(\s*github\.ref\s*,"
)
ONLY_PULL_REQUESTS = re.compile(r"github\.event_name\s*==\s*'pull_request(_target)?'")
# With these a condition may mean the opposite of what stands in it.
TWISTS = re.compile(r"\|\||!(?!=)")


def branch_of(workflow: Workflow, condition: str) -> Branch:
    """The branch that the runs of a job belong to; `condition` is its `if:`."""
    reached = set(workflow.triggers)
    if reached <= {*PULL_REQUEST_EVENTS, "pull_request_target"} or _means(ONLY_PULL_REQUESTS, condition):
        return Branch("pull-request")
    only = _means(ONLY_BRANCH, condition)
    if only:
        return Branch("one", only["branch"])
    if _means(ONLY_TAGS, condition):
        return Branch("none")
    events = set(workflow.triggers) - PULL_REQUEST_EVENTS - TAG_EVENTS
    if "push" in events and not _only_tags(workflow.triggers["push"]):
        return _pushed(texts(workflow.triggers["push"].get("branches")))
    events -= {"push", "merge_group"}
    if events == {"workflow_call"}:
        return Branch("caller")
    return Branch("default") if events else Branch("none")


def check_triggers(workflow: Workflow, job: Job, *, soft: bool, condition: str) -> Iterator[Finding]:
    """Which events of `workflow` will run `job` where it cannot log in.

    `soft`: a failure is only a warning. `condition`: every `if:` that stands before the login.
    """
    if "pull_request_target" in workflow.triggers:
        yield Finding("pull-request-target", "warning", workflow.triggers["pull_request_target"].line)
    if _means(KEEPS_OUT, condition):
        return
    unsure = CHOOSES.search(condition) and not _means(ONLY_PULL_REQUESTS, condition)
    for event in sorted(PULL_REQUEST_EVENTS & set(workflow.triggers)):
        line, facts = workflow.triggers[event].line, {"event": event, "job": shown(job.key, 80)}
        yield (
            Finding("pull-request-soft", "note", line, facts)
            if soft
            else Finding("pull-request", "warning" if unsure else "error", line, facts)
        )
    yield from _tags(workflow)
    if "merge_group" in workflow.triggers:
        yield Finding("merge-queue", "warning", workflow.triggers["merge_group"].line)
    branch = branch_of(workflow, condition)
    if branch.kind == "several":
        facts = {"branches": branch.name, "job": shown(job.key, 80)}
        yield Finding("several-branches", "warning", workflow.triggers["push"].line, facts)


def _means(pattern: re.Pattern[str], condition: str) -> re.Match[str] | None:
    """Where `condition` says what `pattern` looks for, and nothing in it could turn that round."""
    return None if TWISTS.search(condition) else pattern.search(condition)


def _tags(workflow: Workflow) -> Iterator[Finding]:
    push = workflow.triggers.get("push", Block())
    tags = sorted(TAG_EVENTS & set(workflow.triggers))
    if texts(push.get("tags")):
        tags.append("push of a tag")
    if not tags:
        return
    mixed = branch_of(workflow, "").kind != "none"
    line = min((workflow.triggers[name].line for name in ("push", *TAG_EVENTS) if name in workflow.triggers), default=0)
    yield Finding(
        "tags-and-branches" if mixed else "tags", "warning" if mixed else "note", line, {"events": ", ".join(tags)}
    )


def _only_tags(push: Block) -> bool:
    # With a filter for tags and none for branches, pushes to branches start nothing.
    return bool(texts(push.get("tags"))) and not ({"branches", "branches-ignore"} & set(push))


def _pushed(branches: tuple[str, ...]) -> Branch:
    if len(branches) == 1 and shown(branches[0]) and not PATTERN.search(branches[0]) and "${{" not in branches[0]:
        return Branch("one", branches[0])
    return Branch("several", ", ".join(shown(branch, 60) for branch in branches) or "any branch")
