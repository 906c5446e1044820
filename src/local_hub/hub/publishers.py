"""Trusted publishers: which ID tokens get a Hub token for a resource.

Pure values and exact comparison. The reasons are for the operator; `exchange` decides what the client sees.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.fields import FieldError, flag, items, mapping, text
from local_hub.hub.resources import Resource, read_resource
from local_hub.loopback import is_trustworthy_url

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
SCOPES = ("inference-api",)
WIRE_FIELDS = ("resource", "issuerUrl", "claims", "readOnly", "scopes")
_FOUND_CHARACTERS = 200
# Refs and file names can contain `@`, but a file name never contains `/`, so this pattern is unambiguous.
_WORKFLOW_REF = re.compile(r"[^/]+/[^/]+/\.github/workflows/(?P<file>[^/]+)@refs/.+", re.DOTALL)


@dataclass(frozen=True)
class Publisher:
    """An issuer, and the claims that its ID token must have to get a token for a resource."""

    resource: Resource
    issuer_url: str
    claims: Mapping[str, str]
    read_only: bool = False
    scopes: tuple[str, ...] = ()

    def abilities(self) -> list[str]:
        """Return what a token of this publisher may do."""
        if self.resource.kind == "user":
            return ["read-gated", *self.scopes]
        return ["read"] if self.read_only else ["read", "write"]


@dataclass(frozen=True)
class Comparison:
    """A field of a publisher compared with an ID token; both values are bounded strings."""

    name: str
    expected: str
    found: str
    matches: bool


def checked(publisher: Publisher) -> Publisher:
    """Return the publisher, or raise FieldError if the Hub would reject it."""
    if not is_trustworthy_url(publisher.issuer_url):
        raise FieldError("issuer URL", "must be an https:// URL, or http:// on loopback, without query or fragment")
    if not publisher.claims:
        raise FieldError("claims", "must have at least one claim, such as repository: owner/name")
    if publisher.read_only and publisher.resource.kind == "user":
        raise FieldError("read-only", "applies to repositories only; a user token is always read-only")
    if publisher.scopes and publisher.resource.kind != "user":
        raise FieldError("scopes", "apply to users only; a repository token has no scopes")
    if set(publisher.scopes) - set(SCOPES):
        raise FieldError("scopes", f"must be among {', '.join(SCOPES)}")
    return publisher


def from_wire(body: object) -> Publisher:
    """Read a publisher in the form that the Hub's API accepts."""
    given = mapping(body, "publisher", WIRE_FIELDS)
    claims = mapping(given.get("claims"), "claims")
    scopes = items(given.get("scopes", []), "scopes")
    values = {}
    for name, claim in claims.items():
        wanted = mapping(claim, f"claims.{name}", ("kind", "value"))
        if wanted.get("kind") != "eq":
            raise FieldError(f"claims.{name}.kind", "must be eq")
        values[name] = text(wanted.get("value"), f"claims.{name}.value")
    return checked(
        Publisher(
            read_resource(given.get("resource"), "resource"),
            text(given.get("issuerUrl"), "issuerUrl"),
            values,
            flag(given.get("readOnly", False), "readOnly"),
            tuple(text(scope, "scopes") for scope in scopes),
        )
    )


def to_wire(publisher: Publisher) -> dict[str, Any]:
    """Return a publisher in the form of the Hub's API."""
    return {
        "resource": str(publisher.resource),
        "issuerUrl": publisher.issuer_url,
        "claims": {name: {"kind": "eq", "value": value} for name, value in publisher.claims.items()},
        "readOnly": publisher.read_only,
        "scopes": list(publisher.scopes),
    }


def compare(publisher: Publisher, claims: Mapping[str, Any], *, preset: bool) -> list[Comparison]:
    """Compare an ID token's claims with a publisher, field by field.

    `preset`: the Hub's GitHub preset applies, so `branch` and `workflow` are derived from other claims.
    """
    compared = []
    for name, expected in publisher.claims.items():
        source, derive = _PRESET[name] if preset and name in _PRESET else (name, claim_text)
        given = claims.get(source)
        presented = derive(given)
        found = ("none" if given is None else str(given)) if presented is None else presented
        compared.append(Comparison(name, expected, found[:_FOUND_CHARACTERS], presented == expected))
    return compared


def differences(publisher: Publisher, claims: Mapping[str, Any], *, preset: bool) -> list[str]:
    """Return how an ID token's claims differ from a publisher; an empty list is a match."""
    if not publisher.claims:
        return ["the publisher has no claims, so it matches nothing"]
    fields = compare(publisher, claims, preset=preset)
    return [
        f"{field.name}: expected {field.expected}, token has {field.found}" for field in fields if not field.matches
    ]


def branch_of(ref: object) -> str | None:
    """Return the branch of a ref; tags and merge refs of pull requests have none."""
    if isinstance(ref, str) and ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    return None


def workflow_of(workflow_ref: object) -> str | None:
    """Return the file name of a workflow_ref such as `o/r/.github/workflows/publish.yml@refs/heads/main`."""
    found = _WORKFLOW_REF.fullmatch(workflow_ref) if isinstance(workflow_ref, str) else None
    return found["file"] if found else None


def claim_text(value: object) -> str | None:
    """Return the string that a claim is compared as; lists and objects have none and never match."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return value if isinstance(value, str) else None


_PRESET = {"branch": ("ref", branch_of), "workflow": ("workflow_ref", workflow_of)}
