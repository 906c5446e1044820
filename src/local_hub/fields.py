"""Reads and checks fields of foreign JSON and YAML.

Each error names the field and the expected form. This module does not know what a field means.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class FieldError(ValueError):
    """A field is invalid; the message is one line that names the field and the expected form."""

    def __init__(self, field: str, form: str) -> None:
        """Name the field and its expected form."""
        super().__init__(f"{field}: {form}")


def mapping(value: object, field: str, known: Sequence[str] | None = None) -> Mapping[str, Any]:
    """Read an object; with `known`, reject other fields."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise FieldError(field, "must be a mapping of names to values")
    unknown = sorted(set(value) - set(known)) if known is not None else []
    if unknown:
        raise FieldError(field, f"unknown field {', '.join(unknown)}; known fields: {', '.join(known or ())}")
    return value


def items(value: object, field: str) -> Sequence[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise FieldError(field, "must be a list")
    return value


def text(value: object, field: str) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise FieldError(field, "must be a non-empty string (in YAML, put quotes around it)")
    if any("\ud800" <= character <= "\udfff" for character in value):
        # JSON can contain half a surrogate pair, but a database or a response cannot.
        raise FieldError(field, "must be text without half of a surrogate pair")
    return value


def flag(value: object, field: str) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise FieldError(field, "must be true or false")
    return value


def byte_count(value: object, field: str, most: int | None = None) -> int:
    """Read a number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
        raise FieldError(field, "must be a number of bytes" + ("" if most is None else f", at most {most}"))
    return value
