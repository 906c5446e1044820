"""The entries of the logs as the pages show them: exchanges, and changes of publishers.

An entry may be of an earlier version, which wrote less. Values in, values out; it must not know the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.hub.resources import InvalidResource, Resource, parse_resource


@dataclass(frozen=True)
class Exchange:
    """An exchange of the log.

    `resource`: where its name is one. `told`: what the client was told. `entry`: all that was written down.
    """

    number: int
    resource: Resource | None
    asked: str
    granted: bool
    reason: str
    told: str
    authentic: bool
    claims: Mapping[str, str]
    compared: list[dict[str, Any]]
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An entry of the audit log. `what`: each field with what it was (`""` for nothing) and what it is now."""

    at: str
    verb: str
    subject: str
    what: list[tuple[str, str, str]]


def exchange_of(number: int, entry: Mapping[str, Any]) -> Exchange:
    """Read an exchange."""
    asked = entry["resource"] or ""
    try:
        resource = parse_resource(asked)
    except InvalidResource:
        resource = None
    return Exchange(
        number,
        resource,
        asked,
        entry["outcome"] == "granted",
        entry["reason"] or "",
        entry.get("description") or "",
        entry.get("authentic", False),
        entry.get("claims", {}),
        # What is nearest to fitting comes first.
        sorted(entry.get("compared", []), key=lambda known: sum(not field["fits"] for field in known["fields"])),
        entry,
    )


def changes_of(entry: Mapping[str, Any]) -> Change:
    """Read an entry of the audit log."""
    if "account" in entry:
        return Change(entry["at"], entry["change"], f"account {entry['account']}", [])
    before = _flat(entry["before"]) if "before" in entry else {}
    now = _flat(entry)
    fields = [(name, before.get(name, ""), now.get(name, "")) for name in {**before, **now}]
    what = [field for field in fields if field[1] != field[2]]
    return Change(entry["at"], entry["change"], f"publisher {entry['id']}", what)


def _flat(wire: Mapping[str, Any]) -> dict[str, str]:
    """Write a publisher's wire shape as lines."""
    claims = {f"claim {name}": claim["value"] for name, claim in wire["claims"].items()}
    plain = {"issuer": wire["issuerUrl"], **claims}
    if wire["readOnly"]:
        plain["access"] = "read-only"
    return {**plain, "scopes": ", ".join(wire["scopes"])} if wire["scopes"] else plain
