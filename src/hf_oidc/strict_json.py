"""JSON objects from others, read in the one way that every reader agrees on. Pure: bytes in, a value or nothing out."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_object(document: bytes) -> dict[str, Any] | None:
    """The JSON object that `document` is, or `None` if it is anything else.

    Strict: UTF-8 without a byte order mark, no duplicate names, no NaN. Two readers of a lenient document can see two
    different tokens, or two audiences of one.
    """
    try:
        value = json.loads(document.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError  # nobody reads its text
    return members


def _refuse(_constant: str) -> NoReturn:
    raise ValueError  # `NaN` and `Infinity` are not JSON
