"""A CI job as GitHub would describe it: a short description in, claims and environment out.

Pure: time, audience and the token's id are parameters. This module must not know who reads the claims.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from local_hub.fields import FieldError, mapping, text

ID_TOKEN_SECONDS = 300
SERVER_URL = "https://github.com"
PULL_REQUEST_DEFAULTS = {"ref": "refs/pull/1/merge", "head_ref": "patch-1", "base_ref": "main"}
_REPOSITORY = re.compile(r"[^/\s]+/[^/\s]+")
# What GitHub writes in full: a short form would be taken for a branch that does not match.
_WORKFLOW_REF = re.compile(r"[^/\s]+/[^/\s]+/\.github/workflows/[^/]+@refs/\S+")
FORMS = {
    "ref": (re.compile(r"refs/(heads|tags|pull)/\S+"), "refs/heads/main, refs/tags/v1 or refs/pull/1/merge"),
    "workflow_ref": (_WORKFLOW_REF, "owner/name/.github/workflows/publish.yml@refs/heads/main"),
    "job_workflow_ref": (_WORKFLOW_REF, "owner/name/.github/workflows/publish.yml@refs/heads/main"),
}
_MAY_BE_EMPTY = frozenset({"head_ref", "base_ref", "environment", "enterprise"})


@dataclass(frozen=True)
class Job:
    """A job, with GitHub's own names; every id is a string, as in GitHub's tokens."""

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
        """The account that the repository belongs to."""
        return self.repository.partition("/")[0]

    @property
    def ref_type(self) -> str:
        """GitHub's `ref_type`: a pull request's merge ref counts as a branch."""
        return "tag" if self.ref.startswith("refs/tags/") else "branch"

    @property
    def ref_name(self) -> str:
        """The ref as GitHub's pages show it."""
        return re.sub(r"^refs/(heads|tags|pull)/", "", self.ref)


@dataclass(frozen=True)
class RegisteredJob:
    """A job, and the claims that were asked for over its own; a claim of None is taken away."""

    job: Job
    claims: Mapping[str, Any]


KNOWN = tuple(field.name for field in fields(Job))


def read_job(description: object, where: str = "job") -> RegisteredJob:
    """Read a job description; what it leaves out is filled in as GitHub would."""
    given = mapping(description, where, (*KNOWN, "claims"))
    claims = mapping(given.get("claims", {}), f"{where}.claims")
    values = {name: _value(name, value, where) for name, value in given.items() if name != "claims"}
    if not _REPOSITORY.fullmatch(values.get("repository", "")):
        raise FieldError(f"{where}.repository", "must be owner/name")
    for name, (form, example) in FORMS.items():
        if values.get(name) and not form.fullmatch(values[name]):
            raise FieldError(f"{where}.{name}", f"must be of the form {example}")
    if values.get("event_name") == "pull_request":
        values = PULL_REQUEST_DEFAULTS | values
    return RegisteredJob(_completed(Job(**values)), claims)


def claims_of(job: Job, issuer: str, audience: str, jti: str, now: int) -> dict[str, Any]:
    """Give the claims of an ID token that GitHub would mint for this job."""
    optional = {"environment": job.environment, "enterprise": job.enterprise}
    plain = {name: getattr(job, name) for name in KNOWN if name not in optional}
    return {
        "iss": issuer,
        "aud": audience,
        "sub": subject(job),
        "jti": jti,
        "iat": now,
        "nbf": now,
        "exp": now + ID_TOKEN_SECONDS,
        "ref_type": job.ref_type,
        "repository_owner": job.owner,
        **plain,
        **{name: value for name, value in optional.items() if value},
    }


def with_claims(claims: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `changes` last; None takes a claim away."""
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def subject(job: Job) -> str:
    """Give `sub` in the form that new repositories have had since 2026-07-15, with immutable ids."""
    name = job.repository.partition("/")[2]
    repository = f"{job.owner}@{job.repository_owner_id}/{name}@{job.repository_id}"
    if job.environment:
        # GitHub escapes the separator of `sub` inside a name.
        return f"repo:{repository}:environment:{job.environment.replace(':', '%3A')}"
    if job.event_name == "pull_request":
        return f"repo:{repository}:pull_request"
    return f"repo:{repository}:ref:{job.ref}"


def environment_of(job: Job) -> dict[str, str]:
    """Give the variables that a runner would set for this job's steps, but for the ID token request."""
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": SERVER_URL,
        "GITHUB_REPOSITORY": job.repository,
        "GITHUB_REPOSITORY_ID": job.repository_id,
        "GITHUB_REPOSITORY_OWNER": job.owner,
        "GITHUB_REPOSITORY_OWNER_ID": job.repository_owner_id,
        "GITHUB_REF": job.ref,
        "GITHUB_REF_NAME": job.ref_name,
        "GITHUB_REF_TYPE": job.ref_type,
        "GITHUB_REF_PROTECTED": job.ref_protected,
        "GITHUB_HEAD_REF": job.head_ref,
        "GITHUB_BASE_REF": job.base_ref,
        "GITHUB_SHA": job.sha,
        "GITHUB_WORKFLOW": job.workflow,
        "GITHUB_WORKFLOW_REF": job.workflow_ref,
        "GITHUB_WORKFLOW_SHA": job.workflow_sha,
        "GITHUB_EVENT_NAME": job.event_name,
        "GITHUB_ACTOR": job.actor,
        "GITHUB_ACTOR_ID": job.actor_id,
        "GITHUB_RUN_ID": job.run_id,
        "GITHUB_RUN_NUMBER": job.run_number,
        "GITHUB_RUN_ATTEMPT": job.run_attempt,
        "RUNNER_ENVIRONMENT": job.runner_environment,
    }


def _value(name: str, value: object, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if value == "" and name in _MAY_BE_EMPTY:
        return ""
    return text(value, f"{where}.{name}")


def _completed(job: Job) -> Job:
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
    """Give the same believable id for the same name, always."""
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))
