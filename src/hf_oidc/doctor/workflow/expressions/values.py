"""Values of GitHub's expressions, of which some are not known, and how GitHub converts and compares them.

The rules are those of `EvaluationResult.cs` and `ExpressionUtility.cs` in actions/runner (`src/Sdk/Expressions`). Each
answer holds for every value that an unknown one may have, or is "not known". This module knows no syntax.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

# GitHub gives up on an evaluation that takes 1 MiB. A text longer than this many characters is not known here.
MAX_TEXT = 100_000

# Three-valued: `None` is "not known".
Truth = bool | None


@dataclass(frozen=True)
class Unknown:
    """A value that is not known. `truth`: whether it counts as true, where that much is known."""

    truth: Truth = None


@dataclass(frozen=True)
class SomeText:
    """A string that starts with `prefix`, ends with `suffix` and, whatever the case, is none of `excluded`.

    `not_starting`: none of these starts it. `name`: between prefix and suffix is the same string as in every other text
    with this name.
    """

    prefix: str = ""
    suffix: str = ""
    excluded: frozenset[str | SomeText] = frozenset()
    not_starting: frozenset[str] = frozenset()
    name: str = ""

    def after(self, start: str) -> SomeText:
        """This text after `start`."""
        excluded = frozenset(start + each if isinstance(each, str) else each.after(start) for each in self.excluded)
        not_starting = frozenset(start + each for each in self.not_starting)
        return SomeText(start + self.prefix, self.suffix, excluded, not_starting, self.name)

    def without(self, start: str) -> SomeText:
        """This text without `start`, with which its prefix and every text in it must start."""

        def shorter(text: str) -> str:
            return text[len(start) :]

        excluded = frozenset(shorter(each) if isinstance(each, str) else each.without(start) for each in self.excluded)
        not_starting = frozenset(map(shorter, self.not_starting))
        return SomeText(shorter(self.prefix), self.suffix, excluded, not_starting, self.name)

    def excludes(self, text: Text) -> bool:
        """Whether this is surely another string than `text`, because of what it is not."""
        if isinstance(text, str):
            known = fold(text)
            listed = any(isinstance(each, str) and fold(each) == known for each in self.excluded)
            return listed or self.excludes_start(text)
        named = {(each.name, each.prefix, each.suffix) for each in self.excluded if isinstance(each, SomeText)}
        return bool(text.name) and (text.name, text.prefix, text.suffix) in named

    def excludes_start(self, start: str) -> bool:
        """Whether this surely does not start with `start`, because of what it does not start with."""
        return any(fold(start).startswith(fold(each)) for each in self.not_starting)


UNKNOWN = Unknown()
TRUTHY = Unknown(truth=True)
NOT_EMPTY = SomeText(excluded=frozenset({""}))
Text = str | SomeText
Value = None | bool | float | str | SomeText | Unknown | list["Value"] | Mapping[str, "Value"]


class OpenMapping(dict[str, Value]):
    """A mapping that may have other names, too: their values are not known."""


class EnvMapping(dict[str, Value]):
    """The `env` context. Names that differ in case alone are one name on Windows, and two on Linux."""


class OpenEnvMapping(EnvMapping, OpenMapping):
    """The `env` context after a step that may have set more names (`GITHUB_ENV`)."""


def is_collection(value: Value) -> bool:
    """Whether the value is an array or an object."""
    return isinstance(value, (list, Mapping))


def truth_of(value: Value) -> Truth:
    """Whether the value counts as true: `false`, `null`, `0`, `NaN` and the empty string do not."""
    if isinstance(value, Unknown):
        return value.truth
    if isinstance(value, SomeText):
        return True if value.prefix or value.suffix or "" in value.excluded else None
    if isinstance(value, (int, float)):
        return value != 0 and not math.isnan(value)
    return is_collection(value) or bool(value)


def text_of(value: Value) -> Text:
    """The value as a string, as in `${{ }}` within text."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        names = {math.inf: "Infinity", -math.inf: "-Infinity"}
        # The format is .NET's G15. The sum turns -0 into 0.
        return "NaN" if math.isnan(value) else names.get(value) or f"{value + 0.0:.15G}"
    if isinstance(value, (str, SomeText)):
        return value
    if isinstance(value, Unknown):
        return NOT_EMPTY if value.truth else SomeText()
    return "Array" if isinstance(value, list) else "Object"


_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"0x(?P<hex>[0-9a-fA-F]+)|0o(?P<octal>[0-7]+)")
_INFINITY = re.compile(r"[+-]?infinity", re.IGNORECASE)
# A text with any other character is not a number.
_IN_NO_NUMBER = re.compile(r"[^\s0-9a-fxointy+.-]", re.IGNORECASE)


def parse_number(text: str) -> float | None:
    """The number that a string is converted to: NaN if it is none, `None` if that is not known."""
    text = text.strip()
    if _DECIMAL.fullmatch(text) or not text:
        return float(text or 0)
    if match := _WHOLE.fullmatch(text):
        number = int(match["hex"], 16) if match["hex"] else int(match["octal"], 8)
        # GitHub reads 32 bits with a sign: 0xffffffff is -1, and 0x100000000 no number.
        return math.nan if number >= 2**32 else float(number - 2**32 if number >= 2**31 else number)
    if not _INFINITY.fullmatch(text):
        return math.nan
    # The source says that this word has to be in this case; the runtime below it (`Double.TryParse`) ignores case.
    return float(text) if text.endswith("Infinity") else None


def number_of(value: Value) -> float | None:
    """The value as a number: NaN if it is none, `None` if that is not known."""
    if isinstance(value, (bool, int, float)) or value is None:
        return float(value or 0)
    if isinstance(value, str):
        return parse_number(value)
    if isinstance(value, SomeText):
        return math.nan if _IN_NO_NUMBER.search(value.prefix + value.suffix) else None
    return None if isinstance(value, Unknown) else math.nan


def fold(text: str) -> str:
    """The form in which GitHub compares strings (`StringComparison.OrdinalIgnoreCase`): upper case, each for each."""
    if text.isascii():
        return text.upper()
    # .NET leaves these two as they are: the dotless i and the long s.
    return "".join(c if len(c.upper()) > 1 or c in "\u0131\u017f" else c.upper() for c in text)


def equal(left: Value, right: Value) -> Truth:
    """`==`: numbers unless both are strings; an array or an object equals only itself."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if isinstance(left, (str, SomeText)) and isinstance(right, (str, SomeText)):
        return _equal_texts(left, right)
    if is_collection(left) or is_collection(right):
        # As a number it would be NaN.
        return left is right
    return _compare(number_of(left), number_of(right), lambda first, second: first == second)


def less(left: Value, right: Value) -> Truth:
    """`<`: numbers unless both are strings. An array or an object counts as NaN."""
    if isinstance(left, (str, SomeText)) and isinstance(right, (str, SomeText)):
        if isinstance(left, SomeText) or isinstance(right, SomeText):
            return None
        # .NET compares UTF-16 code units.
        first, second = (fold(text).encode("utf-16-be", "surrogatepass") for text in (left, right))
        return first < second
    return _compare(number_of(left), number_of(right), lambda first, second: first < second)


def _compare(left: float | None, right: float | None, compare: Callable[[float, float], bool]) -> Truth:
    if left is not None and right is not None:
        return compare(left, right)
    # No comparison with NaN is true, whatever the other number is.
    return False if math.isnan(left or 0) or math.isnan(right or 0) else None


def either(first: Truth, second: Truth) -> Truth:
    """Whether one of the two is true."""
    return True if first or second else None if first is None or second is None else False


def _equal_texts(left: Text, right: Text) -> Truth:
    if isinstance(left, str) and isinstance(right, str):
        return fold(left) == fold(right)
    known, partial = (right, left) if isinstance(left, SomeText) else (left, right)
    if starts(known, partial) is False or ends(known, partial) is False:
        return False
    if any(isinstance(one, SomeText) and one.excludes(other) for one, other in ((partial, known), (known, partial))):
        return False
    if isinstance(known, str) or isinstance(partial, str) or not known.name or known.name != partial.name:
        return None
    # The same string between the two ends: with the same ends it is equal, with more around it, it is not.
    if (known.prefix, known.suffix) == (partial.prefix, partial.suffix):
        return True
    return None if len(known.prefix + known.suffix) == len(partial.prefix + partial.suffix) else False


def starts(text: Text, start: Text) -> Truth:
    """Whether a string starts with another one, ignoring case."""
    if isinstance(text, SomeText) and isinstance(start, str) and text.excludes_start(start):
        return False
    # Of a string of which only a part is known, this holds for its start: what follows may be anything.
    known = fold(text if isinstance(text, str) else text.prefix)
    wanted = fold(start if isinstance(start, str) else start.prefix)
    if known.startswith(wanted):
        return True if isinstance(start, str) else None
    return None if isinstance(text, SomeText) and wanted.startswith(known) else False


def ends(text: Text, end: Text) -> Truth:
    """Whether a string ends with another one, ignoring case."""
    return starts(_backwards(text), _backwards(end))


def _backwards(text: Text) -> Text:
    return text[::-1] if isinstance(text, str) else SomeText(text.suffix[::-1])


def holds(text: Text, part: Text) -> Truth:
    """Whether a string contains another one, ignoring case."""
    known = [fold(piece) for piece in ((text,) if isinstance(text, str) else (text.prefix, text.suffix))]
    wanted = [fold(piece) for piece in ((part,) if isinstance(part, str) else (part.prefix, part.suffix))]
    if all(any(piece in each for each in known) for piece in wanted):
        return True if isinstance(part, str) else None
    return False if isinstance(text, str) else None


def concatenate(parts: Iterable[Text]) -> Text:
    """The parts as one string."""
    before = after = ""
    partial: list[SomeText] = []
    for part in parts:
        if isinstance(part, SomeText):
            partial.append(part)
            after = part.suffix
        elif partial:
            after += part
        else:
            before += part
        if len(before) + len(after) > MAX_TEXT:
            return SomeText()
    if not partial:
        return before
    # If one part is not known, the whole is known not to be what it would be with a text that the part is not.
    if len(partial) > 1:
        return SomeText(before + partial[0].prefix, after)
    rest, whole = after[len(partial[0].suffix) :], partial[0].after(before)
    excluded = frozenset(
        text + rest if isinstance(text, str) else replace(text, suffix=text.suffix + rest) for text in whole.excluded
    )
    return replace(whole, suffix=after, excluded=excluded)
