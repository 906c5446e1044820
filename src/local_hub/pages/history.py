"""Log entries as the pages show them: exchanges and changes of publishers.

Pure. An entry can come from an earlier version, which logged fewer fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.hub.resources import InvalidResource, Resource, parse_resource


@dataclass(frozen=True)
class Exchange:
    """An exchange in the log.

    `resource`: None if the requested name is invalid. `description`: what the client got. `entry`: the whole log entry.
    """

    number: int
    resource: Resource | None
    requested: str
    granted: bool
    reason: str
    description: str
    authentic: bool
    claims: Mapping[str, str]
    compared: list[dict[str, Any]]
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An entry of the audit log. `what`: each changed field with its old and new value (`""` for none)."""

    at: str
    verb: str
    subject: str
    what: list[tuple[str, str, str]]


def exchange_of(number: int, entry: Mapping[str, Any]) -> Exchange:
    """Read a log entry of an exchange."""
    requested = entry["resource"] or ""
    try:
        resource = parse_resource(requested)
    except InvalidResource:
        resource = None
    return Exchange(
        number,
        resource,
        requested,
        entry["outcome"] == "granted",
        entry["reason"] or "",
        entry.get("description") or "",
        entry.get("authentic", False),
        entry.get("claims", {}),
        # The closest match comes first.
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
    """Return the fields of a publisher as strings."""
    claims = {f"claim {name}": claim["value"] for name, claim in wire["claims"].items()}
    plain = {"issuer": wire["issuerUrl"], **claims}
    if wire["readOnly"]:
        plain["access"] = "read-only"
    return {**plain, "scopes": ", ".join(wire["scopes"])} if wire["scopes"] else plain
