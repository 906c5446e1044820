"""Resources: their names, parsed strictly, and the settings that the operator declares for them.

Pure values. This module does not know whether a resource exists, nor how the tested client reads the same names.
"""

import re
from dataclasses import dataclass

from local_hub.fields import FieldError, flag, items, mapping, text

PREFIX_KINDS = {"datasets": "dataset", "spaces": "space", "kernels": "kernel", "buckets": "bucket"}
FORMS = "namespace/name, datasets/…, spaces/…, kernels/… or buckets/… with namespace/name, or a username"
_PART = re.compile(r"[A-Za-z0-9._-]{1,96}")


class InvalidResource(ValueError):
    """The text is not the name of a resource."""


@dataclass(frozen=True)
class Resource:
    """A repository, a bucket or a user; `owner` is the account that it belongs to."""

    text: str
    kind: str
    owner: str

    def __str__(self) -> str:
        """Return the name as the Hub writes it."""
        return self.text


@dataclass(frozen=True)
class Declared:
    """A resource with its visibility; `readers` are the accounts with access to a gated repository."""

    resource: Resource
    private: bool = False
    gated: bool = False
    readers: frozenset[str] = frozenset()


def parse_resource(text: str) -> Resource:
    """Parse a resource; accept exactly the forms that the Hub accepts."""
    first, *rest = text.split("/")
    kind, parts = (PREFIX_KINDS[first], rest) if first in PREFIX_KINDS else ("model", [first, *rest])
    if kind == "model" and len(parts) == 1:
        kind = "user"
    elif len(parts) != 2:
        raise InvalidResource(f"not a resource; the forms are {FORMS}")
    for part in parts:
        if not _PART.fullmatch(part):
            raise InvalidResource("each part must have 1 to 96 letters, digits, '-', '_' and '.'")
        if "--" in part or ".." in part or part.endswith(".git"):
            raise InvalidResource("no part may contain '--' or '..', or end in '.git'")
    return Resource(text, kind, parts[0])


def read_resource(value: object, field: str) -> Resource:
    """Read the field that names a resource."""
    try:
        return parse_resource(text(value, field))
    except InvalidResource as error:
        raise FieldError(field, str(error)) from None


def read_declared(value: object, where: str) -> Declared:
    """Read a declaration: a mapping, or only the name."""
    if isinstance(value, str):
        return Declared(read_resource(value, where))
    given = mapping(value, where, ("resource", "private", "gated", "readers"))
    resource = read_resource(given.get("resource"), f"{where}.resource")
    readers = [
        read_resource(reader, f"{where}.readers") for reader in items(given.get("readers", []), f"{where}.readers")
    ]
    private = flag(given.get("private", False), f"{where}.private")
    gated = flag(given.get("gated", False), f"{where}.gated")
    if any(reader.kind != "user" for reader in readers):
        raise FieldError(f"{where}.readers", "must be usernames")
    if resource.kind == "user" and set(given) > {"resource"}:
        raise FieldError(where, "a user cannot be private or gated")
    return Declared(resource, private, gated, frozenset(map(str, readers)))
