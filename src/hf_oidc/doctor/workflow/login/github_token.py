"""What the steps of a job need of GITHUB_TOKEN: access to the repository on GitHub, as far as the file tells.

It knows git, GitHub's command `gh` and common actions. A step with another token needs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from hf_oidc.doctor.workflow.login.step import actual
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.token.script import Command, commands, shell_of
from hf_oidc.doctor.workflow.yaml_text import Value

RANK = {"": 0, "none": 0, "read": 1, "write": 2}
# What an action does with GITHUB_TOKEN, from its README: the permissions that it needs.
ACTIONS: Mapping[str, Mapping[str, str]] = {
    "actions/attest": {"attestations": "write"},
    "actions/attest-build-provenance": {"attestations": "write"},
    "actions/create-release": {"contents": "write"},
    "actions/deploy-pages": {"pages": "write"},
    "actions/labeler": {"pull-requests": "write"},
    "actions/upload-release-asset": {"contents": "write"},
    "ad-m/github-push-action": {"contents": "write"},
    "dorny/test-reporter": {"checks": "write"},
    "endbug/add-and-commit": {"contents": "write"},
    "github/codeql-action/upload-sarif": {"security-events": "write"},
    "googleapis/release-please-action": {"contents": "write", "pull-requests": "write"},
    "jamesives/github-pages-deploy-action": {"contents": "write"},
    "marocchino/sticky-pull-request-comment": {"pull-requests": "write"},
    "mikepenz/action-junit-report": {"checks": "write"},
    "ncipollo/release-action": {"contents": "write"},
    "peaceiris/actions-gh-pages": {"contents": "write"},
    "peter-evans/create-pull-request": {"contents": "write", "pull-requests": "write"},
    "release-drafter/release-drafter": {"contents": "write"},
    "softprops/action-gh-release": {"contents": "write"},
    "stefanzweifel/git-auto-commit-action": {"contents": "write"},
    "svenstaro/upload-release-action": {"contents": "write"},
    "thollander/actions-comment-pull-request": {"pull-requests": "write"},
}
# Subcommands of `gh` that change something.
GH = {
    "release": ("contents", {"create", "upload", "edit", "delete", "delete-asset"}),
    "pr": ("pull-requests", {"create", "edit", "close", "comment", "merge", "ready", "reopen", "review"}),
    "issue": ("issues", {"create", "edit", "close", "comment", "reopen", "delete", "pin", "lock"}),
    "workflow": ("actions", {"run", "enable", "disable"}),
    "run": ("actions", {"rerun", "cancel", "delete"}),
    "cache": ("actions", {"delete"}),
    "label": ("issues", {"create", "edit", "delete", "clone"}),
}
# Inputs of actions that take another token, or a key.
OF_ITS_OWN = re.compile(
    r"(?:(?:git|gh|hub|personal|access|repo)*[_-]?)*token|ssh[_-]key|deploy[_-]key|pat", re.IGNORECASE
)
GITHUB_TOKEN = re.compile(r"\$\{\{\s*(?:secrets\.GITHUB_TOKEN|github\.token)\s*\}\}", re.IGNORECASE)
# Options of git before its command, and of `git push`, that take a value.
GIT_OPTIONS = {"-C", "-c", "--git-dir", "--work-tree", "-o", "--push-option", "--repo"}
ELSEWHERE = re.compile(
    r"\bgit\s+clone\b|\bgit\s+remote\s+(?:set-url|add\s+origin|rm\s+origin|remove\s+origin)|\binsteadOf\b"
)


class Need(NamedTuple):
    """That `step` needs `access` to `scope`, because of `what`: a command or an action."""

    scope: str
    access: str
    step: Step
    what: str


def needs(workflow: Workflow, job: Job) -> Iterator[Need]:
    """Yields what the steps of `job` need, as far as it is certain."""
    checkouts = [step for step in job.steps if step.uses.lower().startswith("actions/checkout@")]
    # `git push` uses GITHUB_TOKEN if actions/checkout leaves it there, and nothing changes the remote.
    pushes = (
        bool(checkouts)
        and not any(_brings_a_token(step.inputs) or "repository" in step.inputs for step in checkouts)
        and all(step.inputs.get("persist-credentials") != "false" for step in checkouts)
        and not any(ELSEWHERE.search(step.run) for step in job.steps)
    )
    for step in chain.from_iterable(map(actual, job.steps)):
        action = step.uses.partition("@")[0].lower()
        if action == "actions/checkout" and not _brings_a_token(step.inputs) and "repository" not in step.inputs:
            yield Need("contents", "read", step, "actions/checkout")
        if not _brings_a_token({**step.inputs, **step.env}):
            for scope, access in ACTIONS.get(action, {}).items():
                yield Need(scope, access, step, step.uses.partition("@")[0])
        if "git" not in step.run and "gh" not in step.run:
            continue
        levels = (step.env, job.env, workflow.env)
        # Without either, `gh` fails for another reason.
        given = next((env[name] for env in levels for name in ("GH_TOKEN", "GITHUB_TOKEN") if name in env), "")
        uses_github_token = isinstance(given, str) and GITHUB_TOKEN.fullmatch(given.strip())
        for command in commands(step.run, shell_of(job, step)):
            if pushes and "working-directory" not in step.block and _pushes_to_origin(command):
                yield Need("contents", "write", step, "git push origin")
            scope, changes = GH.get("".join(command.words[1:2]), ("", set())) if command.name == "gh" else ("", set())
            if uses_github_token and command.words[2:3] and command.words[2] in changes:
                yield Need(scope, "write", step, " ".join(command.words[:3]))


def _pushes_to_origin(command: Command) -> bool:
    words = list(command.words)
    if command.name != "git" or "push" not in words or "--dry-run" in words:
        return False
    before, after = words[1 : words.index("push")], words[words.index("push") + 1 :]
    if any(
        not word.startswith("-") and (not at or before[at - 1] not in GIT_OPTIONS) for at, word in enumerate(before)
    ):
        return False  # a word named `push` of another command
    if "-C" in before:
        return False  # the `origin` of another folder is not known
    remotes = [
        word
        for at, word in enumerate(after)
        if not word.startswith("-") and (not at or after[at - 1] not in GIT_OPTIONS)
    ]
    return not remotes or remotes[0] == "origin"


def _brings_a_token(given: Mapping[str, Value]) -> bool:
    return any(
        OF_ITS_OWN.fullmatch(name)
        and not (isinstance(value, str) and (not value or GITHUB_TOKEN.fullmatch(value.strip())))
        for name, value in given.items()
    )
