"""GitLab's expressions in `rules:if`, evaluated with what is known: true, false, or unknown.

What a pipeline does not fix (a variable of the project, the name of a tag) is unknown, and never assumed.
https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

MAX_LENGTH = 4_000
MAX_DEPTH = 50
# Regular expressions of a file are run only if they cannot take long: without groups that repeat, and few choices.
MAX_NAME = 64
REPEATS = re.compile(r"(?<!\\)[*+{]")
CHOICES = re.compile(r"(?<!\\)[|?]")
# RE2 knows no back references and no look-around; `(?i)` and named groups are rare.
# Python warns of sets within sets.
DIFFERS = re.compile(r"\\[1-9zAZpPQEC]|\(\?(?!:)|\)[*+{?]|\[\[|--|&&|~~|\|\|")
# A regular expression that names whole branches: /^main$/, /^(main|dev)$/.
EXACT = re.compile(r"\^(?:(?P<name>[\w/-]+)|\((?P<names>[\w/-]+(?:\|[\w/-]+)*)\))\$")
TOKEN = re.compile(
    r"\s*(?:\$(?P<variable>\w+)|\$\{(?P<braced>\w+)\}|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<operator>==|!=|=~|!~|&&|\|\||[()])|/(?P<pattern>(?:[^/\\]|\\.)+)/(?P<flags>[ismU]*)|(?P<null>null)\b)"
)


class Special(Enum):
    """A value without a text: a variable that is not set, or one of which nothing is known."""

    NULL = "null"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SomeName:
    """The name of a branch or tag that is not known: only that it is the same wherever this value is.

    `elsewhere`: it is none of the names that the file mentions, and no other `SomeName`.
    """

    what: str
    elsewhere: bool = False


@dataclass(frozen=True)
class Pattern:
    """A regular expression, as written between slashes."""

    text: str
    flags: str


Text = str | SomeName | Special
Variables = Mapping[str, Text]
# Returns None if it is unknown whether the condition holds.
Condition = Callable[[Variables], bool | None]
Operand = Callable[[Variables], Text | Pattern]


class ExpressionError(ValueError):
    """The text is not an expression as GitLab documents them."""


def named_by(pattern: str) -> list[str]:
    """Returns the names that a regular expression can only match as a whole; none if it matches others too."""
    match = EXACT.fullmatch(pattern.replace(r"\/", "/"))
    return (match["name"] or match["names"]).split("|") if match else []


def parse(text: str) -> Condition:
    """Returns the condition that `text` states. Raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("too long")
    tokens, position, end = list[re.Match[str]](), 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if not match:
            raise ExpressionError(f"not understood at character {position + 1}")
        tokens.append(match)
        position = match.end()
    parser = _Parser(tokens)
    condition = parser.any_of(0)
    if parser.operator:
        raise ExpressionError("something follows the end")
    return condition


class _Parser:
    """By precedence: `||`, then `&&`, then comparisons."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self._tokens = tokens[::-1]

    @property
    def operator(self) -> str:
        """The text of the next token, which may be an operator."""
        return self._tokens[-1].group().strip() if self._tokens else ""

    def any_of(self, depth: int) -> Condition:
        """Conditions joined by `||`."""
        if depth > MAX_DEPTH:
            raise ExpressionError("nested too deeply")
        conditions = [self._all_of(depth)]
        while self.operator == "||":
            self._tokens.pop()
            conditions.append(self._all_of(depth))
        return lambda variables: any_of(condition(variables) for condition in conditions)

    def _all_of(self, depth: int) -> Condition:
        conditions = [self._comparison(depth)]
        while self.operator == "&&":
            self._tokens.pop()
            conditions.append(self._comparison(depth))
        return lambda variables: all_of(condition(variables) for condition in conditions)

    def _comparison(self, depth: int) -> Condition:
        if self.operator == "(":
            self._tokens.pop()
            inner = self.any_of(depth + 1)
            if self.operator != ")":
                raise ExpressionError("a parenthesis is not closed")
            self._tokens.pop()
            return inner
        left = self._operand()
        if self.operator not in {"==", "!=", "=~", "!~"}:
            return lambda variables: is_set(left(variables))
        operator, right = self._tokens.pop().group().strip(), self._operand()
        compare = matches if operator.endswith("~") else equal
        if operator.startswith("!"):
            opposite = {True: False, False: True, None: None}
            return lambda variables: opposite[compare(left(variables), right(variables))]
        return lambda variables: compare(left(variables), right(variables))

    def _operand(self) -> Operand:
        if not self._tokens or self._tokens[-1]["operator"]:
            raise ExpressionError("a value is missing")
        token = self._tokens.pop()
        if name := token["variable"] or token["braced"]:
            return lambda variables: variables.get(name, Special.UNKNOWN)
        value: Text | Pattern = token["double"] or token["single"] or ""
        if token["pattern"]:
            value = Pattern(token["pattern"], token["flags"])
        elif token["null"]:
            value = Special.NULL
        return lambda _: value


def any_of(found: Iterable[bool | None]) -> bool | None:
    """Whether at least one holds."""
    values = [*found]
    return True if True in values else None if None in values else False


def all_of(found: Iterable[bool | None]) -> bool | None:
    """Whether all of them hold."""
    values = [*found]
    return False if False in values else None if None in values else True


def is_set(value: Text | Pattern) -> bool | None:
    """Whether a variable has a value that is not empty."""
    if isinstance(value, Special):
        return None if value is Special.UNKNOWN else False
    return value != ""


def equal(left: Text | Pattern, right: Text | Pattern) -> bool | None:
    """Whether two values are the same."""
    if Special.UNKNOWN in (left, right) or isinstance(left, Pattern) or isinstance(right, Pattern):
        return None
    if Special.NULL in (left, right) or (isinstance(left, str) and isinstance(right, str)) or left == right:
        return left == right
    # One of them is a name that is not known, so it is neither empty nor, if it is elsewhere, the other one.
    others = {each for each in (left, right) if not isinstance(each, SomeName)}
    if "" in others or any(isinstance(each, SomeName) and each.elsewhere for each in (left, right)):
        return False
    return None


def matches(left: Text | Pattern, right: Text | Pattern) -> bool | None:
    """Whether the regular expression `right` matches somewhere in `left`; null counts as an empty text."""
    text = "" if left is Special.NULL else left
    if not isinstance(right, Pattern):
        return None
    pattern = right.text.replace(r"\/", "/")
    if isinstance(text, SomeName) and text.elsewhere and EXACT.fullmatch(pattern):
        return False
    if not isinstance(text, str):
        return None
    slow = len(REPEATS.findall(pattern)) > 2 or len(CHOICES.findall(pattern)) > 4 or len(text) > MAX_NAME
    if slow or DIFFERS.search(pattern):
        return None
    compiled = _compiled(pattern, re.IGNORECASE if "i" in right.flags else re.RegexFlag(0))
    return compiled and compiled.search(text) is not None


@lru_cache(maxsize=4_096)  # `re` itself keeps 512
def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError):
        return None
