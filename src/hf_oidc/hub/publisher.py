"""Trusted publishers as the Hub knows them: their fields, how a job's claims fill them, and the page that manages them.

The Hub's preset for GitHub Actions has three fields, which `PRESET` reads from other claims. A publisher for any other
issuer names claims as they are. `sub` is never taken apart: GitHub changed its form in 2026. Claims are unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from hf_oidc.http.url import is_loopback
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

# As in `providers.facts`, and defined here once more: facts import no other code, and `hub` knows no provider.
Claims = Mapping[str, Any]
# The only issuer of the Hub's preset for GitHub Actions.
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
MAX_BITS = 1024  # of an integer: a longer one takes long to convert, and identifies nothing

Absence = Literal["missing", "not-text", "tag", "pull-request", "no-branch", "no-file"]


@dataclass(frozen=True)
class Field:
    """A field of a publisher, or a claim: its sanitized `value`, or why it has none.

    `exact`: sanitizing changed nothing, so that the value can be copied. `source`: the claim that has no such value.
    """

    name: str
    value: str | None
    exact: bool = True
    absence: Absence | None = None
    source: str = ""


@dataclass(frozen=True)
class SettingsPage:
    """Where the publishers of a resource are managed: the section's name, and the URL of its page."""

    section: str
    url: str


@dataclass(frozen=True)
class Difference:
    """A field in which a publisher and a job differ: what the publisher expects, sanitized, and what the job has."""

    name: str
    expected: str
    found: Field


def fits_preset(claims: Claims, hub_url: str) -> bool:
    """Whether the preset of the Hub at `hub_url` is for the issuer of these claims."""
    issuer = claims.get("iss")
    # A Local Hub is also the issuer of its GitHub jobs, and its preset is for those.
    is_local_hub = issuer == f"{hub_url}/oidc/github" and is_loopback(urlsplit(hub_url).hostname or "")
    return is_local_hub or issuer == GITHUB_ISSUER


def workflow_of(workflow_ref: object) -> str | None:
    """The file name in `owner/name/.github/workflows/file@refs/…`; only the ref can contain more slashes."""
    parts = workflow_ref.split("/", 5) if isinstance(workflow_ref, str) else []
    if len(parts) < 6 or not all(parts) or parts[2:4] != [".github", "workflows"]:
        return None
    file, at, refs = parts[4].rpartition("@")
    return file or None if (at, refs) == ("@", "refs") else None


def branch_of(ref: object) -> str | None:
    """The branch in `refs/heads/…`; a tag and a pull request's merge ref have none."""
    return ref[len("refs/heads/") :] or None if isinstance(ref, str) and is_ref(ref, "heads") else None


def is_ref(ref: object, kind: str) -> bool:
    """Whether `ref` begins with `refs/<kind>/`."""
    return isinstance(ref, str) and ref.startswith(f"refs/{kind}/")


def text_of(value: object) -> str | None:
    """A claim as a string; lists and objects have none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= MAX_BITS):
        return repr(value)
    return value if isinstance(value, str) else None


# A field of the preset -> the claim it is read from, and how.
PRESET: Mapping[str, tuple[str, Callable[[object], str | None]]] = {
    "repository": ("repository", text_of),
    "branch": ("ref", branch_of),
    "workflow": ("workflow_ref", workflow_of),
}


def value_of(name: str, claims: Claims, *, preset: bool) -> str | None:
    """The exact string that the Hub compares with a publisher's field `name`, if the job has one."""
    source, read = _reading(name, preset=preset)
    return read(claims.get(source))


def field(name: str, claims: Claims, *, preset: bool) -> Field:
    """The field `name` as this job has it, or why the job has none."""
    value = value_of(name, claims, preset=preset)
    if value:
        safe = sanitize_line(value)
        return Field(name, safe, exact=safe == value)
    found = claims.get(_reading(name, preset=preset)[0])
    return Field(name, None, absence=_absence(name, found), source=claim_text(found))


def claim_text(value: object) -> str:
    """A claim, sanitized; of a list its first ten strings."""
    values = value[:10] if isinstance(value, list) else [value]
    return sanitize_line(", ".join(text for text in map(text_of, values) if text))


def differences(publisher_claims: Mapping[str, str], claims: Claims, *, preset: bool) -> list[Difference]:
    """The fields in which a job differs from a publisher. If there are none, the Hub accepts the job.

    The Hub compares strings for equality, and does not look at claims that the publisher does not name. It stores no
    publisher without claims.
    """
    return [
        Difference(name, sanitize_line(expected), field(name, claims, preset=preset))
        for name, expected in publisher_claims.items()
        if value_of(name, claims, preset=preset) != expected
    ]


def settings_page(resource: Resource, hub_url: str) -> SettingsPage:
    """Where to manage the publishers of `resource`."""
    hub_url = hub_url.rstrip("/")
    if resource.kind == "user":
        return SettingsPage("CI/CD Access", f"{hub_url}/settings/authentication#ci-cd-access")
    return SettingsPage("Trusted Publishers", f"{hub_url}/{resource}/settings")


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
