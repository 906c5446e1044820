"""The names of things on the Hub that a token can be asked for, read strictly.

Pure values. This module must not know whether a resource exists, nor how the client under test reads the same text.
"""

import re
from dataclasses import dataclass

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
        """Give the name as the Hub writes it."""
        return self.text


def parse_resource(text: str) -> Resource:
    """Read a resource, in exactly the forms that the Hub takes."""
    first, *rest = text.split("/")
    kind, parts = (PREFIX_KINDS[first], rest) if first in PREFIX_KINDS else ("model", [first, *rest])
    if kind == "model" and len(parts) == 1:
        kind = "user"
    elif len(parts) != 2:
        raise InvalidResource(f"not a resource; the forms are {FORMS}")
    for part in parts:
        _check_part(part)
    return Resource(text, kind, parts[0])


def _check_part(part: str) -> None:
    if not _PART.fullmatch(part):
        raise InvalidResource("each part is 1 to 96 letters, digits, '-', '_' and '.'")
    if "--" in part or ".." in part or part.endswith(".git"):
        raise InvalidResource("no part holds '--' or '..', or ends in '.git'")
