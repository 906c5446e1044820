"""A job's unverified claims as the fields that a publisher on the Hub has, and those claims that matter as they are.

GitHub's preset on the Hub reads its fields out of other claims, by the table `PRESET`; for any other issuer a
publisher names raw claims. `sub` is shown and never taken apart: its shape changed in 2026. Facts only, no sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from hf_oidc.explain.issuers import Claims, issued_by
from hf_oidc.explain.ref import branch_of, is_ref
from hf_oidc.sanitize import sanitize_line

# By the CI: which raw claims say whose job it is and from where; the first one says whose.
IDENTIFYING: Mapping[str, tuple[str, ...]] = {
    "github": ("repository", "ref", "workflow_ref"),
    "forgejo": ("repository", "ref", "workflow_ref"),
    "gitlab": ("project_path", "ref_type", "ref"),
    # Its origin too: a fork's build has the same project and may have the same ref.
    "circleci": ("oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref"),
    "bitbucket": ("repositoryUuid", "branchName"),
    "buildkite": ("organization_slug", "pipeline_slug", "build_branch"),
    "terraform": ("terraform_organization_name", "terraform_workspace_name", "terraform_run_phase"),
    "codefresh": ("account_id", "pipeline_id", "scm_repo_url", "scm_ref"),
    # Their subject says it all.
    "google": ("sub",),
    "aws": ("sub",),
    "kubernetes": ("sub",),
    "jenkins": ("sub",),
}
# The claim that keeps others out, with the value that does so; a job that has another is not described by it.
PROTECTING: Mapping[str, tuple[str, str]] = {"gitlab": ("ref_protected", "true")}
# What is shown of a token, in this order. A list, for a log is public and some CIs put people's addresses in tokens.
RAW = (
    "iss",
    "sub",
    "aud",
    "repository",
    "repository_owner",
    "ref",
    "ref_type",
    "ref_protected",
    "workflow",
    "workflow_ref",
    "job_workflow_ref",
    "event_name",
    "environment",
    "environment_protected",
    "base_ref",
    "head_ref",
    "project_path",
    "namespace_path",
    "pipeline_source",
    "ci_config_ref_uri",
    "organization_slug",
    "pipeline_slug",
    "build_branch",
    "oidc.circleci.com/project-id",
    "oidc.circleci.com/vcs-origin",
    "oidc.circleci.com/vcs-ref",
    "repositoryUuid",
    "branchName",
    "deploymentEnvironmentUuid",
    "workspaceUuid",
    "terraform_organization_name",
    "terraform_organization_id",
    "terraform_project_name",
    "terraform_project_id",
    "terraform_workspace_name",
    "terraform_workspace_id",
    "terraform_run_phase",
    "account_id",
    "account_name",
    "pipeline_id",
    "pipeline_name",
    "scm_repo_url",
    "scm_ref",
    "scm_pull_request_target_branch",
)
MAX_BITS = 1024  # of a whole number; longer ones take long to write, and identify nothing

Absence = Literal["missing", "not-text", "tag", "pull-request", "no-branch", "no-file"]


@dataclass(frozen=True)
class Field:
    """A field of a publisher or a raw claim: its `value`, fit to be shown, or why there is none.

    `exact`: what is shown is the value to the letter, so that it can be copied. `source`: what stood where the value
    was looked for.
    """

    name: str
    value: str | None
    exact: bool = True
    absence: Absence | None = None
    source: str = ""


def workflow_of(workflow_ref: object) -> str | None:
    """The file name in `owner/name/.github/workflows/file@refs/…`. Only the ref after it can hold more slashes."""
    parts = workflow_ref.split("/", 5) if isinstance(workflow_ref, str) else []
    if len(parts) < 6 or not all(parts) or parts[2:4] != [".github", "workflows"]:
        return None
    file, at, refs = parts[4].rpartition("@")
    return file or None if (at, refs) == ("@", "refs") else None


def text_of(value: object) -> str | None:
    """The text of a claim; lists and objects have none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= MAX_BITS):
        return repr(value)
    return value if isinstance(value, str) else None


# A publisher's field -> the claim that it is read from, and how.
PRESET: Mapping[str, tuple[str, Callable[[object], str | None]]] = {
    "repository": ("repository", text_of),
    "branch": ("ref", branch_of),
    "workflow": ("workflow_ref", workflow_of),
}


def presented(name: str, claims: Claims, *, preset: bool) -> str | None:
    """The exact text that a publisher's field `name` is compared with, if the job has one."""
    source, read = _reading(name, preset=preset)
    return read(claims.get(source))


def field(name: str, claims: Claims, *, preset: bool) -> Field:
    """The publisher's field `name` as this job has it, or why it has none."""
    value = presented(name, claims, preset=preset)
    if value:
        seen = sanitize_line(value)
        return Field(name, seen, exact=seen == value)
    source, _ = _reading(name, preset=preset)
    return Field(name, None, absence=_absence(name, claims.get(source)), source=_shown(claims.get(source)))


def publisher_names(claims: Claims, *, preset: bool) -> tuple[str, ...]:
    """The fields that a publisher for this job's issuer would have, the one that says whose job it is first."""
    if preset:
        return tuple(PRESET)
    # Whatever is of GitHub's kind has GitHub's claims, whoever issued it.
    kind = issued_by(claims) or ("github" if text_of(claims.get("repository")) else "")
    claim, protects = PROTECTING.get(kind, ("", ""))
    protecting = (claim,) if claim and claims.get(claim) == protects else ()
    return (*IDENTIFYING.get(kind, ()), *protecting)


def publisher_fields(claims: Claims, *, preset: bool) -> tuple[Field, ...]:
    """Every field that a publisher for this job's issuer would have, absent ones too."""
    return tuple(field(name, claims, preset=preset) for name in publisher_names(claims, preset=preset))


def raw_claims(claims: Claims) -> tuple[Field, ...]:
    """The claims that matter, as they are; what the token does not have is left out."""
    found = ((name, _shown(claims.get(name))) for name in RAW)
    return tuple(Field(name, text) for name, text in found if text)


def _reading(name: str, *, preset: bool) -> tuple[str, Callable[[object], str | None]]:
    return PRESET[name] if preset and name in PRESET else (name, text_of)


def _absence(name: str, value: object) -> Absence:
    if value is None or value == "":
        return "missing"
    if not isinstance(value, str):
        return "not-text"
    if name == "workflow":
        return "no-file"
    if is_ref(value, "tags"):
        return "tag"
    return "pull-request" if is_ref(value, "pull") else "no-branch"


def _shown(value: object) -> str:
    values = value[:10] if isinstance(value, list) else [value]
    return sanitize_line(", ".join(text for text in map(text_of, values) if text))
