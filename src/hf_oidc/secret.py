"""A text that must not be seen by accident: tokens live in a `Secret` between modules.

It comes out only through `reveal()`, which belongs in request building, in `transport` and in sinks. This module
imports nothing of ours.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "***"
SHORTEST = 16  # characters: a shorter signature keeps nobody out, and may be a word


class Secret:
    """Holds a token; prints as `***` in every way Python has of printing it."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. A reader looks for this word to see where tokens go."""
        return self.__text

    def hidden_in(self, text: str) -> str:
        """`text` without this token, and without its signature alone if it is a JWT."""
        text, signature = text.replace(self.__text, MASK), self.__text.rpartition(".")[2]
        return text.replace(signature, MASK) if len(signature) >= SHORTEST else text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash of the text would be kept in dictionaries

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Pickling and copying would write the text where nobody asked for it.
        raise TypeError("a Secret is neither pickled nor copied")
