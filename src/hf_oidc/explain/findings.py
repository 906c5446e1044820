"""Finds why the Hub may have refused a job, from its claims, its resource and the Hub's response.

The Hub's own reason comes first. If the Hub gives none, the most common causes that fit the job follow: its branch, its
workflow file, its repository. Findings are data; `advice` has the sentence for each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hf_oidc.explain.audiences import other_service
from hf_oidc.explain.claims import USUAL_BRANCH, is_enterprise, issued_by, publisher_names, ref_of
from hf_oidc.hub.publisher import Claims, text_of, value_of, workflow_of
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL

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
# Claims with a repository's name, which is easily confused with the repository on the Hub.
REPOSITORIES = {"repository", "project_path"}
NO_PUBLISHER = re.compile(r"No trusted publisher configured on ([A-Za-z0-9_./-]*[A-Za-z0-9_-])")


@dataclass(frozen=True)
class Finding:
    """The name of a finding, and its sanitized values."""

    name: Name
    facts: Mapping[str, str]


def findings(
    claims: Claims, resource: Resource | None, said: str, hub_url: str, *, preset: bool
) -> tuple[Finding, ...]:
    """Returns the findings for a job that the Hub at `hub_url` refused. `said`: the error, with the Hub's own text."""
    found = list(own_audience(claims, hub_url))
    match = NO_PUBLISHER.search(said)
    if match and resource and match[1] != str(resource):
        names = {"named": sanitize_line(match[1]), "asked": sanitize_line(str(resource))}
        found.append(Finding("other-resource", names))
    elif match:
        found.append(Finding("no-publisher", {"named": sanitize_line(match[1])}))
    if resource and resource.kind == "user":
        found.append(Finding("user-resource", {"user": sanitize_line(str(resource))}))
    is_explained = bool(found)
    found += branch(claims, preset=preset)
    if is_enterprise(claims) and not preset:
        found.append(Finding("enterprise-issuer", {"issuer": sanitize_line(claims["iss"])}))
    found += [*pull_request_target(claims), *reusable_workflow(claims), *_letter_case(claims, resource)]
    mine, title = workflow_of(claims.get("workflow_ref")), text_of(claims.get("workflow"))
    # A workflow without `name:` has the path of its file as title.
    if preset and mine and title and title.rpartition("/")[2] != mine:
        found.append(Finding("display-name", {"display_name": sanitize_line(title), "workflow": sanitize_line(mine)}))
    ref = ref_of(claims)
    if not is_explained and (ref is None or ref.kind == "branch"):
        found += _to_compare(claims, {finding.name for finding in found}, preset=preset)
    return tuple(sorted(found, key=lambda finding: NAMES.index(finding.name)))


def branch(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    """Finds why a publisher that names a branch, as most do, may refuse the ref of this job."""
    ref = ref_of(claims)
    if ref is None:
        return
    facts = {"ref": sanitize_line(ref.name)}
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
    """Finds a job that any pull request can start."""
    if claims.get("event_name") == "pull_request_target":
        yield Finding("pull-request-target", {"ref": sanitize_line(text_of(claims.get("ref")) or "")})


def reusable_workflow(claims: Claims) -> Iterator[Finding]:
    """Finds a job in a workflow that another workflow called."""
    workflow_ref, job_workflow_ref = claims.get("workflow_ref"), claims.get("job_workflow_ref")
    mine, called = workflow_of(workflow_ref), workflow_of(job_workflow_ref)
    if mine and called and workflow_ref != job_workflow_ref:
        facts = {
            "workflow_ref": sanitize_line(str(workflow_ref)),
            "job_workflow_ref": sanitize_line(str(job_workflow_ref)),
        }
        yield Finding("reusable-workflow", {**facts, "workflow": sanitize_line(mine), "called": sanitize_line(called)})


def other_audience(claims: Claims, expected: str) -> tuple[Finding, ...]:
    """Finds the known service that an ID token is meant for, if its audience is not `expected`."""
    found = other_service(claims, expected)
    return (Finding("other-audience", {"audience": found[0], "service": found[1].name}),) if found else ()


def own_audience(claims: Claims, hub_url: str) -> Iterator[Finding]:
    """Finds an audience that was requested but is not that of the Hub at `hub_url`."""
    # A Hub at another URL may be a mirror that accepts ID tokens for huggingface.co.
    aud = claims.get("aud")
    audiences = [each for each in (aud if isinstance(aud, list) else [aud]) if isinstance(each, str)]
    if audiences and not {hub_url, DEFAULT_HUB_URL} & set(audiences):
        yield Finding("own-audience", {"audience": sanitize_line(audiences[0]), "hub": sanitize_line(hub_url)})


def _to_compare(claims: Claims, found: Collection[Name], *, preset: bool) -> Iterator[Finding]:
    """The fields that are most often wrong in a publisher, if nothing more specific was found."""
    mine = workflow_of(claims.get("workflow_ref"))
    if preset and mine and not {"reusable-workflow", "display-name"} & set(found):
        yield Finding("workflow-file", {"workflow": sanitize_line(mine)})
    whose = next(iter(publisher_names(claims, preset=preset)), "")
    value = value_of(whose, claims, preset=preset)
    if value and "letter-case" not in found:
        facts = {"claim": whose, "value": sanitize_line(value)}
        yield Finding("repository" if whose in REPOSITORIES else "claim", facts)


def _letter_case(claims: Claims, resource: Resource | None) -> Iterator[Finding]:
    owner, repository = text_of(claims.get("repository_owner")), text_of(claims.get("repository"))
    parts = str(resource).split("/") if resource else [""]
    namespace = parts[0] if len(parts) < 3 else parts[1]  # a kind of repository may come first
    if owner and repository and namespace and owner != namespace and owner.lower() == namespace.lower():
        facts = {"owner": owner, "namespace": namespace, "repository": repository}
        yield Finding("letter-case", {name: sanitize_line(text) for name, text in facts.items()})
