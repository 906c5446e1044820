"""Tells what a file is, by its path, then by its content: a workflow, another CI's file, an action, a manifest.

It gives each file its check, and says what to do with a file that has none. It does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hf_oidc.doctor import forgejo
from hf_oidc.doctor.gitlab_ci import examine as gitlab
from hf_oidc.doctor.gitlab_ci.read import GitLabReader
from hf_oidc.doctor.remote import github_repository, read_remote
from hf_oidc.doctor.workflow import examine as github
from hf_oidc.doctor.workflow.called import ReadFile
from hf_oidc.doctor.workflow.findings import WorkflowReport
from hf_oidc.doctor.workflow.yaml_text import Block, UnreadableYaml, Value, read_all
from hf_oidc.explain.entry_point import DOCUMENTS
from hf_oidc.explain.instructions import LoginTarget
from hf_oidc.providers.facts import facts_of
from hf_oidc.sanitize import sanitize_line

REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
# The kinds that are checked; every other one is only named. The names are those of providers, where there is one.
CHECKED = {"github", "forgejo", "gitlab"}
MAX_PARTS = 5
# What ends a path. The first that fits counts.
PATHS = (
    (re.compile(r"\.github/workflows/[^/]+\.ya?ml"), "github"),
    (re.compile(r"\.forgejo/workflows/[^/]+\.ya?ml"), "forgejo"),
    (re.compile(r"\.gitea/workflows/[^/]+\.ya?ml"), "gitea"),
    (re.compile(r"[^/]*\.gitlab-ci\.ya?ml|\.gitlab/ci/.+\.ya?ml"), "gitlab"),
    (re.compile(r"action\.ya?ml"), "action"),
    (re.compile(r"\.circleci/[^/]+\.ya?ml"), "circleci"),
    (re.compile(r"bitbucket-pipelines\.ya?ml"), "bitbucket"),
    (re.compile(r"\.?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.+\.ya?ml"), "azure"),
    (re.compile(r"[^/]*jenkinsfile[^/]*", re.IGNORECASE), "jenkins"),
    (re.compile(r"\.buildkite/.+\.ya?ml|buildkite[^/]*\.ya?ml"), "buildkite"),
    (re.compile(r"cloudbuild[^/]*\.(?:ya?ml|json)"), "google"),
    (re.compile(r"codefresh[^/]*\.ya?ml|\.codefresh/.+\.ya?ml"), "codefresh"),
    (re.compile(r"buildspec[^/]*\.ya?ml"), "aws"),
    (re.compile(r"\.semaphore/.+\.ya?ml"), "semaphore"),
    (re.compile(r"\.spacelift/.+\.ya?ml"), "spacelift"),
    (re.compile(r"\.(?:travis|drone|appveyor|cirrus)\.ya?ml|\.woodpecker(?:/.+|\.)ya?ml|appveyor\.ya?ml"), "other-ci"),
)
ACTION = (
    "This is an action, not a workflow. It runs in the jobs of the workflows that use it: their `permissions:` say "
    "whether it may request an ID token."
)
OTHER = {
    "action": (ACTION, "Check a workflow that uses it: hf-oidc doctor --workflow .github/workflows/FILE.yml"),
    "gitea": (
        "This is a workflow of Gitea, which issues no ID tokens to jobs.",
        f"Run the job in another CI, or pass an ID token from elsewhere: {DOCUMENTS}/providers.md#any-other",
    ),
    "other-ci": (
        "This is the file of a CI that `hf-oidc` does not know.",
        f"If the CI issues ID tokens, pass one to `hf-oidc`: {DOCUMENTS}/providers.md#any-other",
    ),
    "unknown": (
        "This is not a workflow: a workflow has `on:` and `jobs:` at its top.",
        "`hf-oidc doctor` checks workflows of GitHub and Forgejo, and `.gitlab-ci.yml`.",
    ),
}


class NotChecked(Exception):
    """The doctor does not check such a file. `next_step`: what it is, and what to do with it."""

    def __init__(self, next_step: str) -> None:
        super().__init__(next_step)
        self.next_step = next_step


def examine(
    text: str, path: Sequence[str], repository: str, remote: str, *, hub_url: str, read_called: ReadFile
) -> WorkflowReport:
    """Returns the report about a file. `repository`: as the user gave it; else git's `remote` names it.

    Raises `NotChecked`, or `UnreadableYaml` if the file is not what it should be.
    """
    kind, file_name = kind_of(path, text), path[-1]
    if kind not in CHECKED:
        raise NotChecked(next_step(kind, file_name, hub_url))
    if kind == "gitlab":
        return gitlab.examine(text, file_name, repository, read_remote(remote), hub_url)
    if repository.count("/") > 1:
        raise NotChecked(f"--repository must be owner/name for a workflow: {sanitize_line(repository, 100)!r}")
    if kind == "forgejo":
        return forgejo.examine(text, file_name, repository, read_remote(remote), read_called)
    return github.examine(text, file_name, repository or github_repository(remote), read_called)


def kind_of(path: Sequence[str], text: str) -> str:
    """Returns the kind of a file: a provider's name, or one of `OTHER`. `path`: its parts, from a root on.

    Raises `UnreadableYaml` if the path does not tell, and the content is not YAML.
    """
    ends = ["/".join(path[-count:]) for count in range(1, min(len(path), MAX_PARTS) + 1)]
    by_path = next((kind for form, kind in PATHS if any(map(form.fullmatch, ends))), "")
    if by_path and by_path != "action":
        return by_path
    documents = read_all(text, GitLabReader())
    kind = _by_content(documents[0] if documents else "") or by_path
    if not kind and len(documents) > 1:
        raise UnreadableYaml("This is not YAML of one document, as every workflow is")
    return kind or "unknown"


def next_step(kind: str, file_name: str, hub_url: str) -> str:
    """Returns what to do with a file that the doctor does not check."""
    facts, target, file_name = facts_of(kind), LoginTarget(hub_url, hub_url, ""), sanitize_line(file_name, 100)
    if not facts:
        what, do = OTHER[kind]
        return f"{file_name}: {what}\n{do}"
    rows = {"issuer": facts.issuer, **facts.claims}
    width = max(map(len, rows))
    return "\n".join(
        [
            f"{file_name}: This file is for {facts.title}. The doctor does not check it.",
            target.fill(facts.declare.text),
            *(f"    {line}" for line in target.fill(facts.declare.lines).splitlines()),
            "Add this once on the Hub, under Trusted Publishers (in the repository's settings):",
            *(f"    {name:<{width}}  {value}" for name, value in rows.items()),
            "Then run `hf-oidc doctor` in the job: it shows the claims of its ID token, and a publisher that fits.",
            f"{facts.title}: {DOCUMENTS}/providers.md#{facts.section}",
        ]
    )


def _by_content(document: Value) -> str:
    """The kind of a YAML document, or an empty string."""
    if isinstance(document, list):  # Buildkite takes a list of steps
        return "buildkite" if any(isinstance(each, Block) and _is_buildkite(each) for each in document) else ""
    if not isinstance(document, Block):
        return ""
    steps = document.get("steps")
    blocks = [each for each in steps if isinstance(each, Block)] if isinstance(steps, list) else []
    # Codefresh names its steps; those of the others are a list.
    named = [each for each in steps.values() if isinstance(each, Block)] if isinstance(steps, Block) else []
    kinds = {
        "github": {"on", "jobs"} <= set(document),
        "action": isinstance(document.get("runs"), Block) and "using" in (document["runs"] or ""),
        "kubernetes": {"apiVersion", "kind"} <= set(document),
        "circleci": "version" in document and ({"orbs", "workflows"} & set(document) or "jobs" in document),
        "bitbucket": isinstance(document.get("pipelines"), Block),
        "aws": "phases" in document and "version" in document,
        "codefresh": any({"commands", "type", "image"} & set(each) for each in named),
        "google": any("name" in each and {"args", "script", "entrypoint"} & set(each) for each in blocks),
        "azure": bool({"pool", "trigger", "pr", "extends"} & set(document))
        and any(isinstance(document.get(key), list) for key in ("stages", "jobs", "steps")),
        "buildkite": any(map(_is_buildkite, blocks)),
        "gitlab": any(isinstance(each, Block) and {"script", "id_tokens"} & set(each) for each in document.values()),
    }
    return next((kind for kind, fits in kinds.items() if fits), "")


def _is_buildkite(step: Block) -> bool:
    return bool({"command", "commands", "label", "plugins", "trigger", "wait", "block", "group"} & set(step))
