"""The keys, events and permissions that GitHub knows, as data.

From https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax and the schema of GitHub's own
editor support (actions/languageservices, workflow-v1.0.json). Read on 2026-11-26. GitHub adds keys: what is not in
these lists may be newer than they are.
"""

from __future__ import annotations

from collections.abc import Mapping

FILE = frozenset(
    {
        "name",
        "description",
        "run-name",
        "on",
        "permissions",
        "env",
        "defaults",
        "concurrency",
        "cache-mode",
        "jobs",
    }
)
# Of every job, and of a job that calls a reusable workflow.
ANY_JOB = frozenset({"name", "needs", "if", "permissions", "concurrency", "strategy", "cache-mode"})
CALLING_JOB = ANY_JOB | {"uses", "with", "secrets"}
JOB = ANY_JOB | {
    "runs-on",
    "environment",
    "env",
    "defaults",
    "outputs",
    "steps",
    "timeout-minutes",
    "cancel-timeout-minutes",
    "continue-on-error",
    "container",
    "services",
    "snapshot",
}
ANY_STEP = frozenset({"name", "id", "if", "continue-on-error", "timeout-minutes", "env", "background"})
# The keys of a step, by the one that says what the step does.
STEPS: Mapping[str, frozenset[str]] = {
    "uses": ANY_STEP | {"uses", "with"},
    "run": ANY_STEP | {"run", "shell", "working-directory"},
    "parallel": ANY_STEP | {"parallel"},
    "wait": ANY_STEP | {"wait"},
    "wait-all": ANY_STEP | {"wait-all"},
    "cancel": ANY_STEP | {"cancel"},
}
STEP = frozenset().union(*STEPS.values())
# An empty one of these is refused: GitHub expects a mapping or a list, and reads nothing as a string.
BLOCKS = frozenset({"permissions", "env", "defaults", "outputs", "strategy", "services", "with", "secrets", "needs"})

BRANCHES = frozenset({"types", "branches", "branches-ignore"})
PATHS = frozenset({"paths", "paths-ignore"})
# The keys of each event, if it has others than `types`.
EVENT_KEYS: Mapping[str, frozenset[str]] = {
    "push": BRANCHES - {"types"} | PATHS | {"tags", "tags-ignore"},
    "pull_request": BRANCHES | PATHS,
    "pull_request_target": BRANCHES | PATHS,
    "merge_group": BRANCHES,
    "workflow_run": BRANCHES | {"workflows"},
    "workflow_call": frozenset({"inputs", "outputs", "secrets"}),
    "workflow_dispatch": frozenset({"inputs"}),
    "image_version": frozenset({"names", "versions"}),
}
EVENTS = frozenset(EVENT_KEYS) | {
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "label",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
}

ANY_ACCESS = ("read", "write", "none")
# Each permission, with the access that it knows.
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "actions": ANY_ACCESS,
    "artifact-metadata": ANY_ACCESS,
    "attestations": ANY_ACCESS,
    "checks": ANY_ACCESS,
    "code-quality": ANY_ACCESS,
    "contents": ANY_ACCESS,
    "copilot-requests": ("write", "none"),
    "deployments": ANY_ACCESS,
    "discussions": ANY_ACCESS,
    "drives": ANY_ACCESS,
    "id-token": ("write", "none"),
    "issues": ANY_ACCESS,
    "models": ("read", "none"),
    "packages": ANY_ACCESS,
    "pages": ANY_ACCESS,
    "pull-requests": ANY_ACCESS,
    "repository-projects": ANY_ACCESS,
    "security-events": ANY_ACCESS,
    "statuses": ANY_ACCESS,
    "vulnerability-alerts": ("read", "none"),
}
EVERY_PERMISSION = ("read-all", "write-all")
