"""Trusted publishers: who may have a token for a resource, and whether a token's claims are theirs.

Pure values and exact comparison. The reasons given here are for the operator; what the client is told is decided
elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.fields import FieldError, flag, items, mapping, text
from local_hub.hub.resources import InvalidResource, Resource, parse_resource
from local_hub.loopback import is_trustworthy_url

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
SCOPES = ("inference-api",)
WIRE_FIELDS = ("resource", "issuerUrl", "claims", "readOnly", "scopes")
_SHOWN_CHARACTERS = 200
# A ref may hold `@` and a file name may hold `@`, but a file name never holds `/`: so this has one reading only.
_WORKFLOW_REF = re.compile(r"[^/]+/[^/]+/\.github/workflows/(?P<file>[^/]+)@refs/.+", re.DOTALL)


@dataclass(frozen=True)
class Publisher:
    """An issuer and the claims that its tokens must carry to be given a token for a resource."""

    resource: Resource
    issuer_url: str
    claims: Mapping[str, str]
    read_only: bool = False
    scopes: tuple[str, ...] = ()

    def abilities(self) -> list[str]:
        """Say what a token of this publisher may do."""
        if self.resource.kind == "user":
            return ["read-gated", *self.scopes]
        return ["read"] if self.read_only else ["read", "write"]


@dataclass(frozen=True)
class Compared:
    """A field of a publisher, and what a token has there, as bounded text."""

    name: str
    wanted: str
    found: str
    fits: bool


def checked(publisher: Publisher) -> Publisher:
    """Refuse what the Hub would not store."""
    if not is_trustworthy_url(publisher.issuer_url):
        raise FieldError("issuer URL", "must be an https:// URL, or http:// on loopback, without query or fragment")
    if not publisher.claims:
        raise FieldError("claims", "must hold at least one claim, such as repository: owner/name")
    if publisher.read_only and publisher.resource.kind == "user":
        raise FieldError("read-only", "is for repositories; a user's token never writes")
    if publisher.scopes and publisher.resource.kind != "user":
        raise FieldError("scopes", "are for users; a repository's token has none")
    if set(publisher.scopes) - set(SCOPES):
        raise FieldError("scopes", f"must be among {', '.join(SCOPES)}")
    return publisher


def read_resource(value: object, field: str) -> Resource:
    """Read the field that names a resource."""
    try:
        return parse_resource(text(value, field))
    except InvalidResource as error:
        raise FieldError(field, str(error)) from None


def from_wire(body: object) -> Publisher:
    """Read a publisher in the shape that the Hub's API takes."""
    given = mapping(body, "publisher", WIRE_FIELDS)
    claims = mapping(given.get("claims"), "claims")
    scopes = items(given.get("scopes", []), "scopes")
    return checked(
        Publisher(
            read_resource(given.get("resource"), "resource"),
            text(given.get("issuerUrl"), "issuerUrl"),
            {name: _wire_claim(name, claim) for name, claim in claims.items()},
            flag(given.get("readOnly", False), "readOnly"),
            tuple(text(scope, "scopes") for scope in scopes),
        )
    )


def to_wire(publisher: Publisher) -> dict[str, Any]:
    """Write a publisher in the shape that the Hub's API gives."""
    return {
        "resource": str(publisher.resource),
        "issuerUrl": publisher.issuer_url,
        "claims": {name: {"kind": "eq", "value": value} for name, value in publisher.claims.items()},
        "readOnly": publisher.read_only,
        "scopes": list(publisher.scopes),
    }


def compared(publisher: Publisher, claims: Mapping[str, Any], *, preset: bool) -> list[Compared]:
    """Hold a token's claims against what the publisher wants, field by field.

    `preset` says that the issuer is GitHub-shaped, where `branch` and `workflow` are read out of other claims.
    """
    return [
        Compared(name, wanted, _shown(name, claims, preset=preset), _presented(name, claims, preset=preset) == wanted)
        for name, wanted in publisher.claims.items()
    ]


def differences(publisher: Publisher, claims: Mapping[str, Any], *, preset: bool) -> list[str]:
    """Say how a token's claims differ from what the publisher wants; an empty list is a match."""
    if not publisher.claims:
        return ["the publisher has no claims, so it matches nothing"]
    fields = compared(publisher, claims, preset=preset)
    return [f"{field.name}: expected {field.wanted}, token has {field.found}" for field in fields if not field.fits]


def branch_of(ref: object) -> str | None:
    """Give the branch of a ref; tags and pull requests' merge refs have none."""
    if isinstance(ref, str) and ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    return None


def workflow_of(workflow_ref: object) -> str | None:
    """Give the file name of a workflow_ref such as `o/r/.github/workflows/publish.yml@refs/heads/main`."""
    found = _WORKFLOW_REF.fullmatch(workflow_ref) if isinstance(workflow_ref, str) else None
    return found["file"] if found else None


def claim_text(value: object) -> str | None:
    """Give the text that a claim is compared as; lists and objects have none, and so never match."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return value if isinstance(value, str) else None


_PRESET = {"branch": ("ref", branch_of), "workflow": ("workflow_ref", workflow_of)}


def _presented(name: str, claims: Mapping[str, Any], *, preset: bool) -> str | None:
    if preset and name in _PRESET:
        source, derive = _PRESET[name]
        return derive(claims.get(source))
    return claim_text(claims.get(name))


def _shown(name: str, claims: Mapping[str, Any], *, preset: bool) -> str:
    value = _presented(name, claims, preset=preset)
    source = _PRESET[name][0] if preset and name in _PRESET else name
    if value is None:
        value = "none" if claims.get(source) is None else str(claims[source])
    return value[:_SHOWN_CHARACTERS]


def _wire_claim(name: str, claim: object) -> str:
    given = mapping(claim, f"claims.{name}", ("kind", "value"))
    if given.get("kind") != "eq":
        raise FieldError(f"claims.{name}.kind", "must be eq")
    return text(given.get("value"), f"claims.{name}.value")
