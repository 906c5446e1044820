"""A string that must not be printed: modules pass tokens to each other as a `Secret`.

The string comes out only through `reveal()`, which is called in request building, in `id_token` and in `output`. This
module imports nothing of ours.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "***"
SHORTEST = 16  # characters: a shorter "signature" protects nothing, and may be a word


class Secret:
    """A token that Python prints as `***`, whatever way it is printed."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The string itself. Search for this word to see where tokens go."""
        return self.__text

    def hidden_in(self, text: str) -> str:
        """`text` without this token and, if it is a JWT, without its signature."""
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

    __hash__ = None  # type: ignore[assignment]  # dictionaries would keep a hash of the string

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Pickling and copying would write the string somewhere else.
        raise TypeError("a Secret is neither pickled nor copied")
