"""Reading fields out of JSON and YAML that someone else wrote.

Each error names the field and the right form. This module must not know what any field means.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class FieldError(ValueError):
    """A field is wrong; the message is one line that names the field and the right form."""

    def __init__(self, field: str, form: str) -> None:
        """Name the field and the form that it should have had."""
        super().__init__(f"{field}: {form}")


def mapping(value: object, field: str, known: Sequence[str] | None = None) -> Mapping[str, Any]:
    """Read an object; with `known`, one that holds no other fields."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise FieldError(field, "must be a mapping of names to values")
    unknown = sorted(set(value) - set(known)) if known is not None else []
    if unknown:
        raise FieldError(field, f"unknown field {', '.join(unknown)}; known are {', '.join(known or ())}")
    return value


def items(value: object, field: str) -> Sequence[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise FieldError(field, "must be a list")
    return value


def text(value: object, field: str) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise FieldError(field, "must be a string that is not empty (in YAML, put quotes around it)")
    if any("\ud800" <= character <= "\udfff" for character in value):
        # JSON can write half a surrogate pair; neither a database nor an answer can hold it.
        raise FieldError(field, "must be text: half a surrogate pair is no character")
    return value


def flag(value: object, field: str) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise FieldError(field, "must be true or false")
    return value
