"""What a failed test shows besides its assertion: what the programs that it started have said, servers included.

`conftest.py` empties it before a test and adds it to the report of one that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Characters, from the end of a text, and texts, from the last; enough to see what went wrong.
LENGTH, NUMBER = 8_000, 12

_notes: list[tuple[str, str]] = []
_running: dict[int, tuple[str, Callable[[], str]]] = {}


def note(title: str, text: str) -> None:
    """Keep what a program has said for the case that the test fails."""
    _notes.append((title, text[-LENGTH:]))


@contextmanager
def following(title: str, read: Callable[[], str]) -> Iterator[None]:
    """The same for a program that goes on: `read` gives what it has said so far, and all of it at the end."""
    key = id(read)
    _running[key] = (title, read)
    try:
        yield
    finally:
        del _running[key]
        note(title, read())


def begin() -> None:
    """Forget what earlier tests have left."""
    _notes.clear()


def sections() -> list[tuple[str, str]]:
    """All of it, by title."""
    return [*_notes[-NUMBER:], *((title, read()[-LENGTH:]) for title, read in _running.values())]
