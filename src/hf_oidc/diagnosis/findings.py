"""What can be told of a failed job from its claims, its resource and the Hub's own text. Data, no sentences.

Each finding is there only where its condition holds; the most decisive comes first. `advice` has the words for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hf_oidc.diagnosis.audiences import other_service
from hf_oidc.diagnosis.ci_advice import HUB_URL
from hf_oidc.diagnosis.claims import (
    Claims,
    is_enterprise,
    is_ref,
    text_of,
    workflow_of,
)
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
    "enterprise-issuer",
    "reusable-workflow",
    "letter-case",
    "pull-request-target",
    "display-name",
]
NAMES: tuple[Name, ...] = get_args(Name)
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
    found = [
        *own_audience(claims, hub_url),
        *_said(resource, said),
        *_ref(claims, preset=preset),
        *_names(claims, resource, preset=preset),
    ]
    return tuple(sorted(found, key=lambda finding: NAMES.index(finding.name)))


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


def _ref(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    ref = text_of(claims.get("ref")) or ""
    if preset and is_ref(ref, "tags"):
        yield Finding("tag", {"ref": shown(ref)})
    if preset and is_ref(ref, "pull"):
        yield Finding("pull-request", {"ref": shown(ref)})
    if claims.get("event_name") == "pull_request_target":
        yield Finding("pull-request-target", {"ref": shown(ref)})


def _names(claims: Claims, resource: Resource | None, *, preset: bool) -> Iterator[Finding]:
    if is_enterprise(claims) and not preset:
        yield Finding("enterprise-issuer", {"issuer": shown(claims["iss"])})
    if resource and resource.kind == "user":
        yield Finding("user-resource", {"user": shown(str(resource))})
    yield from _workflow(claims, preset=preset)
    yield from _letter_case(claims, resource)


def _workflow(claims: Claims, *, preset: bool) -> Iterator[Finding]:
    yield from reusable_workflow(claims)
    mine = workflow_of(claims.get("workflow_ref"))
    display_name = text_of(claims.get("workflow"))
    if preset and mine and display_name and display_name != mine:
        yield Finding("display-name", {"display_name": shown(display_name), "workflow": shown(mine)})


def _letter_case(claims: Claims, resource: Resource | None) -> Iterator[Finding]:
    owner, repository = text_of(claims.get("repository_owner")), text_of(claims.get("repository"))
    namespace = _namespace(resource)
    if owner and repository and namespace and owner != namespace and owner.lower() == namespace.lower():
        facts = {"owner": owner, "namespace": namespace, "repository": repository}
        yield Finding("letter-case", {name: shown(text) for name, text in facts.items()})


def _namespace(resource: Resource | None) -> str:
    parts = str(resource).split("/") if resource else [""]
    return parts[0] if len(parts) < 3 else parts[1]
