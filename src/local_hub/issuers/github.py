"""GitHub Actions. The job requests its ID token over HTTP; a job description has GitHub's own names.

https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from local_hub.fields import FieldError, mapping, text
from local_hub.issuers.base import Claims, Endpoint, Handout, Issuer, Job

SERVER_URL = "https://github.com"
PULL_REQUEST_DEFAULTS = {"ref": "refs/pull/1/merge", "head_ref": "patch-1", "base_ref": "main"}
_REPOSITORY = re.compile(r"[^/\s]+/[^/\s]+")
# GitHub always writes full refs: a short one would look like a branch that does not match.
_WORKFLOW_REF = re.compile(r"[^/\s]+/[^/\s]+/\.github/workflows/[^/]+@refs/\S+")
FORMS = {
    "ref": (re.compile(r"refs/(heads|tags|pull)/\S+"), "refs/heads/main, refs/tags/v1 or refs/pull/1/merge"),
    "workflow_ref": (_WORKFLOW_REF, "owner/name/.github/workflows/publish.yml@refs/heads/main"),
    "job_workflow_ref": (_WORKFLOW_REF, "owner/name/.github/workflows/publish.yml@refs/heads/main"),
}
_MAY_BE_EMPTY = frozenset({"head_ref", "base_ref", "environment", "enterprise"})
# The claims that GitHub leaves out where they do not apply.
_OPTIONAL = ("environment", "enterprise")


@dataclass(frozen=True)
class GithubJob:
    """A job with GitHub's own names. Every id is a string, as in GitHub's tokens."""

    repository: str
    ref: str = "refs/heads/main"
    workflow_ref: str = ""
    job_workflow_ref: str = ""
    event_name: str = "push"
    workflow: str = "Publish"
    environment: str = ""
    enterprise: str = ""
    actor: str = "octocat"
    actor_id: str = ""
    base_ref: str = ""
    head_ref: str = ""
    sha: str = ""
    workflow_sha: str = ""
    job_workflow_sha: str = ""
    repository_id: str = ""
    repository_owner_id: str = ""
    repository_visibility: str = "public"
    ref_protected: str = "false"
    run_id: str = ""
    run_number: str = "1"
    run_attempt: str = "1"
    check_run_id: str = ""
    runner_environment: str = "github-hosted"

    @property
    def owner(self) -> str:
        """The account that owns the repository."""
        return self.repository.partition("/")[0]

    @property
    def ref_type(self) -> str:
        """GitHub's `ref_type`: `branch` for the merge ref of a pull request, too."""
        return "tag" if self.ref.startswith("refs/tags/") else "branch"

    def claims(self, issuer: str) -> Claims:
        """Return the claims that GitHub gives this job."""
        named = {name: getattr(self, name) for name in KNOWN}
        return {
            "iss": issuer,
            "sub": self._subject(),
            "ref_type": self.ref_type,
            "repository_owner": self.owner,
            **{name: value for name, value in named.items() if value or name not in _OPTIONAL},
        }

    def _subject(self) -> str:
        """Return `sub` with immutable ids, as repositories created since 2026-07-15 have it."""
        name = self.repository.partition("/")[2]
        repository = f"{self.owner}@{self.repository_owner_id}/{name}@{self.repository_id}"
        if self.environment:
            # `:` separates the parts of `sub`, so GitHub escapes it in a name.
            return f"repo:{repository}:environment:{self.environment.replace(':', '%3A')}"
        if self.event_name == "pull_request":
            return f"repo:{repository}:pull_request"
        return f"repo:{repository}:ref:{self.ref}"

    def variables(self, handout: Handout) -> Mapping[str, str]:
        """Return the environment of the job's steps."""
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": SERVER_URL,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_ID": self.repository_id,
            "GITHUB_REPOSITORY_OWNER": self.owner,
            "GITHUB_REPOSITORY_OWNER_ID": self.repository_owner_id,
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": re.sub(r"^refs/(heads|tags|pull)/", "", self.ref),
            "GITHUB_REF_TYPE": self.ref_type,
            "GITHUB_REF_PROTECTED": self.ref_protected,
            "GITHUB_HEAD_REF": self.head_ref,
            "GITHUB_BASE_REF": self.base_ref,
            "GITHUB_SHA": self.sha,
            "GITHUB_WORKFLOW": self.workflow,
            "GITHUB_WORKFLOW_REF": self.workflow_ref,
            "GITHUB_WORKFLOW_SHA": self.workflow_sha,
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_ACTOR": self.actor,
            "GITHUB_ACTOR_ID": self.actor_id,
            "GITHUB_RUN_ID": self.run_id,
            "GITHUB_RUN_NUMBER": self.run_number,
            "GITHUB_RUN_ATTEMPT": self.run_attempt,
            "RUNNER_ENVIRONMENT": self.runner_environment,
            "ACTIONS_ID_TOKEN_REQUEST_URL": handout.url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": handout.secret,
        }


KNOWN = tuple(field.name for field in fields(GithubJob))


def read_github_job(description: object, where: str = "job") -> GithubJob:
    """Read a job description; complete it as GitHub would."""
    given = mapping(description, where, ("ci", *KNOWN, "claims"))
    values: dict[str, str] = {}
    for name in (each for each in given if each in KNOWN):
        value = given[name]
        if isinstance(value, int):
            # In GitHub's tokens, booleans and numbers are strings.
            values[name] = str(value).lower()
        else:
            values[name] = "" if value == "" and name in _MAY_BE_EMPTY else text(value, f"{where}.{name}")
    if not _REPOSITORY.fullmatch(values.get("repository", "")):
        raise FieldError(f"{where}.repository", "must be owner/name")
    for name, (form, example) in FORMS.items():
        if values.get(name) and not form.fullmatch(values[name]):
            raise FieldError(f"{where}.{name}", f"must be of the form {example}")
    if values.get("event_name") == "pull_request":
        values = PULL_REQUEST_DEFAULTS | values
    return _completed(GithubJob(**values))


def read_job(issuer: Issuer, description: Mapping[str, Any], where: str = "job") -> Job:
    """Read a job; without an audience, GitHub's ID token is for the repository's owner."""
    job = read_github_job(description, where)
    overrides = mapping(description.get("claims", {}), f"{where}.claims")
    return Job(issuer, job.claims, job.variables, overrides, default_audience=f"{SERVER_URL}/{job.owner}")


def _completed(job: GithubJob) -> GithubJob:
    workflow_ref = job.workflow_ref or f"{job.repository}/.github/workflows/publish.yml@{job.ref}"
    sha = job.sha or hashlib.sha1(job.ref.encode(), usedforsecurity=False).hexdigest()
    return replace(
        job,
        workflow_ref=workflow_ref,
        job_workflow_ref=job.job_workflow_ref or workflow_ref,
        sha=sha,
        workflow_sha=job.workflow_sha or sha,
        job_workflow_sha=job.job_workflow_sha or sha,
        actor_id=job.actor_id or _number(job.actor),
        repository_id=job.repository_id or _number(job.repository),
        repository_owner_id=job.repository_owner_id or _number(job.owner),
        run_id=job.run_id or _number(f"run {job.repository} {job.ref}"),
        check_run_id=job.check_run_id or _number(f"check {job.repository} {job.ref}"),
    )


def _number(name: str) -> str:
    """Return a plausible id, always the same for the same name."""
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))


# The URL has `api-version`, as on GitHub. A request without it is accepted, because GitHub accepts it: huggingface_hub
# drops it and works.
ENDPOINT = Endpoint(
    bearer=True,
    answer=lambda token: {"count": len(token), "value": token},
    api_version="2.0",
    needs_audience=False,
)
_EXAMPLE = read_github_job({"repository": "acme/training"})
ISSUER = Issuer(
    "github",
    "github",
    _EXAMPLE.claims,
    _EXAMPLE.variables,
    endpoint=ENDPOINT,
    discovery={
        "subject_types_supported": ["public", "pairwise"],
        "claims_supported": sorted({*_EXAMPLE.claims(""), *_OPTIONAL, "aud", "exp", "iat", "jti", "nbf"}),
        "scopes_supported": ["openid"],
    },
    read_job=read_job,
)
