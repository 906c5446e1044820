"""What can be told of a failed job from its claims, its resource and the Hub's own text. Data, no sentences.

Each finding is there only where its condition holds. What the Hub says comes first; where it gives no reason, the most
common one that fits the job: its branch, its workflow file, its repository. `advice` has the words for each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hf_oidc.diagnosis.audiences import other_service
from hf_oidc.diagnosis.ci_advice import HUB_URL
from hf_oidc.diagnosis.claims import presented, publisher_names, text_of, workflow_of
from hf_oidc.diagnosis.issuers import Claims, is_enterprise, issued_by
from hf_oidc.diagnosis.ref import USUAL_BRANCH, ref_of
from hf_oidc.resource import Resource
from hf_oidc.untrusted_text import shown

Name = Literal[
    "other-audience",
    "own-audience",
    "other-resource",
    "user-resource",
    "no-publisher",
    "pull-request",
    "tag",
    "merge-queue",
    "merge-request",
    "other-tag",
    "other-branch",
    "default-branch",
    "unprotected-branch",
    "enterprise-issuer",
    "pull-request-target",
    "reusable-workflow",
    "display-name",
    "letter-case",
    "workflow-file",
    "repository",
    "claim",
]
NAMES: tuple[Name, ...] = get_args(Name)
# Claims that have a repository's name, which is easily taken for the one on the Hub.
REPOSITORIES = {"repository", "project_path"}
NO_PUBLISHER = re.compile(r"No trusted publisher configured on ([A-Za-z0-9_./-]*[A-Za-z0-9_-])")


@dataclass(frozen=True)
class Finding:
    """What was found, and the values it was found in, each fit to be shown."""

    name: Name
    facts: Mapping[str, str]


def findings(
    claims: Claims, resource: Resource | None, said: str, hub_url: str, *, preset: bool
) -> tuple[Finding, ...]:
    """What is found in a job that the Hub at `hub_url` refused; `said`: what failed, with the Hub's own text."""
    reasons = [*own_audience(claims, hub_url), *_said(resource, said), *_user(resource)]
    about_the_job = [*branch(claims, preset=preset), *_issuer(claims, preset=preset), *_workflow(claims, preset=preset)]
    found = [*reasons, *about_the_job, *_letter_case(claims, resource)]
    ref = ref_of(claims)
    if not reasons and (ref is None or ref.kind == "branch"):
        found += _to_compare(claims, {finding.name for finding in found}, preset=preset)
    return tuple(sorted(found, key=lambda finding: NAMES.index(finding.name)))


def branch(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    """What is found where a publisher that names a branch, as most do, may not accept what the job runs for."""
    ref = ref_of(claims)
    if ref is None:
        return
    facts = {"ref": shown(ref.name)}
    if ref.kind == "tag":
        yield Finding("tag" if preset else "other-tag", facts)
    elif ref.kind == "pull-request":
        yield Finding("pull-request" if preset else "merge-request", facts)
    elif ref.kind == "merge-queue":
        yield Finding("merge-queue", facts)
    elif not ref.is_usual:
        yield Finding("other-branch", facts)
    elif ref.name != USUAL_BRANCH:
        yield Finding("default-branch", facts)
    elif issued_by(claims) == "gitlab" and text_of(claims.get("ref_protected")) == "false":
        yield Finding("unprotected-branch", facts)


def pull_request_target(claims: Claims) -> Iterator[Finding]:
    """What is found where anybody's pull request started the job, in a refused job or in any."""
    if claims.get("event_name") == "pull_request_target":
        yield Finding("pull-request-target", {"ref": shown(text_of(claims.get("ref")) or "")})


def reusable_workflow(claims: Claims) -> Iterator[Finding]:
    """What is found where the job's workflow was called by another, in a refused job or in any."""
    workflow_ref, job_workflow_ref = claims.get("workflow_ref"), claims.get("job_workflow_ref")
    mine, called = workflow_of(workflow_ref), workflow_of(job_workflow_ref)
    if mine and called and workflow_ref != job_workflow_ref:
        facts = {"workflow_ref": shown(str(workflow_ref)), "job_workflow_ref": shown(str(job_workflow_ref))}
        yield Finding("reusable-workflow", {**facts, "workflow": shown(mine), "called": shown(called)})


def other_audience(claims: Claims, expected: str) -> tuple[Finding, ...]:
    """What is found in an ID token that is not for the Hub: a known service that it is for, and not `expected`."""
    found = other_service(claims, expected)
    return (Finding("other-audience", {"audience": found[0], "service": found[1].name}),) if found else ()


def own_audience(claims: Claims, hub_url: str) -> Iterator[Finding]:
    """What is found in an ID token that is for what was asked for, where that is not the Hub at `hub_url`."""
    # A Hub elsewhere may be a mirror, and its ID tokens be for huggingface.co.
    aud = claims.get("aud")
    audiences = [each for each in (aud if isinstance(aud, list) else [aud]) if isinstance(each, str)]
    if audiences and not {hub_url, HUB_URL} & set(audiences):
        yield Finding("own-audience", {"audience": shown(audiences[0]), "hub": shown(hub_url)})


def _said(resource: Resource | None, said: str) -> Iterator[Finding]:
    match = NO_PUBLISHER.search(said)
    if match and resource and match[1] != str(resource):
        yield Finding("other-resource", {"named": shown(match[1]), "asked": shown(str(resource))})
    elif match:
        yield Finding("no-publisher", {"named": shown(match[1])})


def _user(resource: Resource | None) -> Iterator[Finding]:
    if resource and resource.kind == "user":
        yield Finding("user-resource", {"user": shown(str(resource))})


def _issuer(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    if is_enterprise(claims) and not preset:
        yield Finding("enterprise-issuer", {"issuer": shown(claims["iss"])})
    yield from pull_request_target(claims)


def _workflow(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    yield from reusable_workflow(claims)
    mine = workflow_of(claims.get("workflow_ref"))
    display_name = text_of(claims.get("workflow"))
    # Without a `name:` of its own, a workflow's title is the path of its file.
    if preset and mine and display_name and display_name.rpartition("/")[2] != mine:
        yield Finding("display-name", {"display_name": shown(display_name), "workflow": shown(mine)})


def _to_compare(claims: Claims, found: Collection[Name], *, preset: bool) -> Iterator[Finding]:
    """What a publisher is most often wrong about, where nothing more special was found."""
    mine = workflow_of(claims.get("workflow_ref"))
    if preset and mine and not {"reusable-workflow", "display-name"} & set(found):
        yield Finding("workflow-file", {"workflow": shown(mine)})
    whose = next(iter(publisher_names(claims, preset=preset)), "")
    value = presented(whose, claims, preset=preset)
    if value and "letter-case" not in found:
        facts = {"claim": whose, "value": shown(value)}
        yield Finding("repository" if whose in REPOSITORIES else "claim", facts)


def _letter_case(claims: Claims, resource: Resource | None) -> Iterator[Finding]:
    owner, repository = text_of(claims.get("repository_owner")), text_of(claims.get("repository"))
    namespace = _namespace(resource)
    if owner and repository and namespace and owner != namespace and owner.lower() == namespace.lower():
        facts = {"owner": owner, "namespace": namespace, "repository": repository}
        yield Finding("letter-case", {name: shown(text) for name, text in facts.items()})


def _namespace(resource: Resource | None) -> str:
    parts = str(resource).split("/") if resource else [""]
    return parts[0] if len(parts) < 3 else parts[1]
