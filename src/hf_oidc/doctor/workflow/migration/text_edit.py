"""Replaces parts of a text, and shows what changed as a unified diff. It knows nothing of YAML or of workflows."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

CONTEXT = 3  # unchanged lines around a change, as git shows
LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Edit:
    """Replaces the characters from `start` to `end` with `text`."""

    start: int
    end: int
    text: str = ""


@dataclass
class _Change:
    """Replaces the lines from `first` to before `last` with `new`."""

    first: int
    last: int
    new: list[str]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Returns `text` with `edits`, which are in order and do not overlap."""
    parts, position = [], 0
    for edit in edits:
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def unified_diff(text: str, edits: Sequence[Edit], name: str) -> Iterator[str]:
    """Yields the lines of a unified diff of `applied(text, edits)`, with their line ends.

    `difflib` finds the changes itself, and can need minutes for a text that is made for that. Here they are known.
    """
    if not edits:
        return
    old = LINE.findall(text)
    yield from (f"--- {name}\n", f"+++ {name}\n")
    moved = 0  # how many lines the hunks before added
    hunks: list[list[_Change]] = []
    for change in _changes(text, old, edits):
        if hunks and change.first - hunks[-1][-1].last <= 2 * CONTEXT:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    for changes in hunks:
        first, last = max(changes[0].first - CONTEXT, 0), min(changes[-1].last + CONTEXT, len(old))
        lines, position = [], first
        for change in changes:
            lines += [f" {line}" for line in old[position : change.first]]
            lines += [f"-{line}" for line in old[change.first : change.last]]
            lines += [f"+{line}" for line in change.new]
            position = change.last
        lines += [f" {line}" for line in old[position:last]]
        added = sum(len(change.new) - (change.last - change.first) for change in changes)
        yield f"@@ -{_range(first, last - first)} +{_range(first + moved, last - first + added)} @@\n"
        moved += added
        for line in lines:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _changes(text: str, old: Sequence[str], edits: Sequence[Edit]) -> Iterator[_Change]:
    starts = [0, *itertools.accumulate(map(len, old))]
    groups: list[tuple[int, int, list[Edit]]] = []
    for edit in edits:
        first, last = bisect.bisect_right(starts, edit.start) - 1, bisect.bisect_left(starts, edit.end)
        if first == len(old) and not text.endswith("\n"):
            first -= 1  # behind the last line, which has no line end
        # What ends inside a line changes that line. Whole lines leave the line behind them as it is.
        if edit.text and not edit.text.endswith("\n"):
            last = min(max(last, first + 1), len(old))
        if groups and first < groups[-1][1]:
            first, before, same = groups.pop()
            groups.append((first, max(last, before), [*same, edit]))
        else:
            groups.append((first, last, [edit]))
    for start, end, same in groups:
        first, last = start, end
        shifted = [Edit(each.start - starts[first], each.end - starts[first], each.text) for each in same]
        new = LINE.findall(applied(text[starts[first] : starts[last]], shifted))
        while new and first < last and new[0] == old[first]:
            first, new = first + 1, new[1:]
        while new and first < last and new[-1] == old[last - 1]:
            last, new = last - 1, new[:-1]
        yield _Change(first, last, new)


def _range(first: int, count: int) -> str:
    # A range of no line is named by the line before it.
    start = first + 1 if count else first
    return str(start) if count == 1 else f"{start},{count}"
