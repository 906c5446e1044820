"""Which branches or tags pass the filters of an event: `branches`, `branches-ignore`, `tags`, `tags-ignore`.

There are endlessly many names. The result is finite: the names that the filters or the conditions mention, and for the
rest what is known of them. This module does not know what an event is.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from hf_oidc.doctor.workflow.expressions.evaluation import SomeText

Name = str | SomeText

SPECIAL = frozenset("*?+[]!\\")
# Git allows more, but real names are shorter. A longer pattern or name costs time and decides nothing.
MAX_LENGTH = 100
MAX_PATTERNS = 50


@dataclass(frozen=True)
class Mentioned:
    """The names that conditions mention: whole ones, and beginnings, as in `startsWith(github.ref, 'refs/tags/v')`."""

    names: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Token:
    """A part of a pattern: one character of `allowed` (any if it is empty), `optional`, or `repeated`."""

    allowed: str = ""
    slash: bool = True
    optional: bool = False
    repeated: bool = False

    def matches(self, character: str) -> bool:
        if self.allowed:
            return character in self.allowed
        return self.slash or character != "/"


def matches(pattern: str, name: str) -> bool:
    """Whether `name` matches a filter pattern of GitHub, which starts without `!`."""
    tokens = _tokens(pattern)
    states = _closure(tokens, {0})
    for character in name:
        # A set of states and no backtracking: the time stays in proportion to the length of the pattern and the name.
        reached = {index for index in states if index < len(tokens) and tokens[index].matches(character)}
        states = _closure(tokens, {index + 1 for index in reached} | {i for i in reached if tokens[i].repeated})
    return len(tokens) in states


def names(patterns: Sequence[str] | None, ignored: Sequence[str] | None, mentioned: Mentioned) -> Iterator[Name]:
    """Yields the names that pass `patterns`, or that do not match `ignored`; without either, every name.

    First the names that the filters or the conditions mention, then what is known of all others.
    """
    chosen = (patterns or ignored or ())[:MAX_PATTERNS]
    negated = [pattern[1:] for pattern in chosen if pattern.startswith("!")]
    literal = {each for each in (*chosen, *negated) if 0 < len(each) <= MAX_LENGTH and not SPECIAL & set(each)}
    known = sorted({each for each in mentioned.names if 0 < len(each) <= MAX_LENGTH} | literal)
    yield from (name for name in known if passes(name, patterns, ignored))
    beginnings = sorted(each for each in mentioned.beginnings if each)
    for other in _others(patterns, ignored):
        found = SomeText(other.prefix, other.suffix, frozenset(known))
        inside = [each for each in beginnings if each.startswith(found.prefix) and each != found.prefix]
        for beginning in inside:
            deeper = frozenset(each for each in inside if each.startswith(beginning) and each != beginning)
            yield replace(found, prefix=beginning, not_starting=deeper)
        yield replace(found, not_starting=frozenset(inside))


def passes(name: str, patterns: Sequence[str] | None, ignored: Sequence[str] | None) -> bool:
    """Whether a name passes the filters. Of the patterns that match, the last one decides."""
    if patterns is not None:
        passed = False
        for pattern in patterns[:MAX_PATTERNS]:
            negated = pattern.startswith("!")
            if matches(pattern[negated:], name):
                passed = not negated
        return passed
    return not any(matches(pattern, name) for pattern in (ignored or ())[:MAX_PATTERNS])


def _others(patterns: Sequence[str] | None, ignored: Sequence[str] | None) -> list[SomeText]:
    """What is known about the names that are not mentioned. A name may be in more than one, or in none."""
    if patterns is None:
        everything = any(pattern.replace("**", "") == "" != pattern for pattern in ignored or ())
        return [] if everything else [SomeText("")]
    found: list[SomeText] = []
    for pattern in patterns[:MAX_PATTERNS]:
        if pattern in ("!**", "!**/**"):
            found = []
        elif SPECIAL & set(pattern) and not pattern.startswith("!"):
            special = [index for index, character in enumerate(pattern) if character in SPECIAL]
            first, last = special[0], special[-1]
            # `?` makes the character before it optional. After a backslash, the next character is an ordinary one.
            prefix = pattern[: first - (pattern[first] == "?" and first > 0)]
            suffix = "" if pattern[last] == "\\" else pattern[last + 1 :]
            found.append(SomeText(prefix[:MAX_LENGTH], suffix[-MAX_LENGTH:]))
    # `**` includes what `release/**` includes.
    return [
        each
        for each in dict.fromkeys(found)
        if not any(
            each != other and each.prefix.startswith(other.prefix) and each.suffix.endswith(other.suffix)
            for other in found
        )
    ]


def _closure(tokens: Sequence[_Token], states: set[int]) -> set[int]:
    for start in sorted(states):
        states.update(
            range(start, next((i for i in range(start, len(tokens)) if not tokens[i].optional), len(tokens)) + 1)
        )
    return states


@lru_cache(maxsize=1000)
def _tokens(pattern: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    index = 0
    pattern = pattern[:MAX_LENGTH]
    while index < len(pattern):
        character = pattern[index]
        end = pattern.find("]", index + 1)
        if character == "*":
            stars = len(pattern[index:]) - len(pattern[index:].lstrip("*"))
            tokens.append(_Token(slash=stars > 1, optional=True, repeated=True))
            index += stars
            continue
        if character in "?+" and tokens:
            tokens[-1] = replace(
                tokens[-1], optional=character == "?" or tokens[-1].optional, repeated=character == "+"
            )
        elif character == "[" and end > index + 1:
            tokens.append(_Token(_characters(pattern[index + 1 : end])))
            index = end
        else:
            index += character == "\\" and index + 1 < len(pattern)
            tokens.append(_Token(pattern[index]))
        index += 1
    return tuple(tokens)


def _characters(listed: str) -> str:
    """The characters between brackets: single ones, and ranges such as `0-9`."""
    found = set(listed)
    for index in range(1, len(listed) - 1):
        if listed[index] == "-":
            found.discard("-")
            found |= {chr(code) for code in range(ord(listed[index - 1]), min(ord(listed[index + 1]), 0x7F) + 1)}
    return "".join(sorted(found))
