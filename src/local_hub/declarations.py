"""A resource as the operator declares it: its name, and for a repository who may see it.

Pure reading. It must not know where declarations are kept, nor what follows from them.
"""

from local_hub.fields import FieldError, flag, items, mapping
from local_hub.hub.publishers import read_resource
from local_hub.hub.records import Declared

FIELDS = ("resource", "private", "gated", "readers")


def read_declared(value: object, where: str) -> Declared:
    """Read a declaration: a mapping, or in a configuration the name alone."""
    if isinstance(value, str):
        return Declared(read_resource(value, where))
    given = mapping(value, where, FIELDS)
    resource = read_resource(given.get("resource"), f"{where}.resource")
    declared = Declared(
        resource,
        flag(given.get("private", False), f"{where}.private"),
        flag(given.get("gated", False), f"{where}.gated"),
        _readers(given.get("readers", []), f"{where}.readers"),
    )
    if resource.kind == "user" and set(given) > {"resource"}:
        raise FieldError(where, "a user is neither private nor gated")
    return declared


def _readers(value: object, where: str) -> frozenset[str]:
    readers = [read_resource(reader, where) for reader in items(value, where)]
    if any(reader.kind != "user" for reader in readers):
        raise FieldError(where, "must be names of users")
    return frozenset(map(str, readers))
