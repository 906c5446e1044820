"""The operators and functions of GitHub's expressions that need no more than the values of their operands.

Each follows the file of its name in actions/runner (`src/Sdk/Expressions/Sdk`). A result that is not known is
`UNKNOWN`, or a string of which a part is known. This module does not know what a context is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import NoReturn

from hf_oidc.doctor.workflow.expressions.syntax import ExpressionError
from hf_oidc.doctor.workflow.expressions.values import (
    NOT_EMPTY,
    UNKNOWN,
    OpenMapping,
    SomeText,
    Text,
    Truth,
    Unknown,
    Value,
    concatenate,
    either,
    ends,
    equal,
    fold,
    holds,
    is_collection,
    less,
    starts,
    text_of,
    truth_of,
)
from hf_oidc.sanitize import sanitize_line


class NotKnown(Exception):
    """The value is not known, or takes too much work to find."""


def boolean(truth: Truth) -> Value:
    """A truth as a value."""
    return UNKNOWN if truth is None else truth


def negation(value: Value) -> Value:
    """`!value`."""
    truth = truth_of(value)
    return UNKNOWN if truth is None else not truth


def of_texts(test: Callable[[Text, Text], Truth]) -> Callable[[Value, Value], Value]:
    """A test of two strings, which is false for an array or an object."""

    def function(left: Value, right: Value) -> Value:
        if is_collection(left) or is_collection(right):
            return False
        unknown = isinstance(left, Unknown) or isinstance(right, Unknown)
        return UNKNOWN if unknown else boolean(test(text_of(left), text_of(right)))

    return function


def contains(search: Value, item: Value) -> Value:
    """Whether an array has the item, or a string the other string."""
    if isinstance(search, list):
        results = [equal(item, each) for each in search]
        return True if True in results else UNKNOWN if None in results else False
    return UNKNOWN if isinstance(search, Unknown) else of_texts(holds)(search, item)


_FORM = re.compile(r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|\{(?P<number>[0-9]{1,9})\}|(?P<wrong>.)", re.DOTALL)


def format_text(form: Value, *values: Value) -> Value:
    """`form` with each `{0}` replaced."""
    text = text_of(form)
    if isinstance(text, SomeText):
        return SomeText()
    parts: list[Text] = []
    for match in _FORM.finditer(text):
        if match["wrong"] or (match["number"] and int(match["number"]) >= len(values)):
            raise ExpressionError(f"format() cannot use this format: '{sanitize_line(text)}'")
        parts.append(text_of(values[int(match["number"])]) if match["number"] else match["text"] or match["brace"][0])
    return concatenate(parts)


def join(items: Value, separator: Value = ",") -> Value:
    """The items of an array in one string."""
    if not isinstance(items, list):
        return SomeText() if isinstance(items, Unknown) else "" if is_collection(items) else text_of(items)
    between = "," if is_collection(separator) else text_of(separator)
    return concatenate([part for item in items for part in (between, text_of(item))][1:])


def to_json(value: Value, spend: Callable[[int], None]) -> Value:
    """The value as JSON. `spend` counts the characters, and may raise `NotKnown`."""
    try:
        return _json(value, "\n", spend)
    except NotKnown:
        return NOT_EMPTY


# Newtonsoft.Json escapes these, too.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def _json(value: Value, line: str, spend: Callable[[int], None]) -> str:
    """The value as JSON; `line` starts each line. Raises `NotKnown` if a part of it is not known."""
    if isinstance(value, (SomeText, Unknown, OpenMapping)):
        raise NotKnown
    spend(len(line) + (len(value) if isinstance(value, str) else 0))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)
    if not isinstance(value, (list, Mapping)):
        return "null" if value is None else str(text_of(value))
    inner = line + "  "
    if isinstance(value, list):
        parts = [inner + _json(item, inner, spend) for item in value]
    else:
        parts = [f"{inner}{_json(name, inner, spend)}: {_json(item, inner, spend)}" for name, item in value.items()]
    start, end = "[]" if isinstance(value, list) else "{}"
    return start + ",".join(parts) + (line if parts else "") + end


# GitHub makes a string of what is nested as deeply as this (`JTokenExtensions.cs`).
MAX_JSON_DEPTH = 100
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def from_json(value: Value) -> Value:
    """The value that JSON stands for. Of a text that is not quite JSON it is not known."""
    text = text_of(value)
    if isinstance(text, SomeText):
        return UNKNOWN
    if not text.strip():
        raise ExpressionError("fromJSON() was given an empty string")
    steps = ((char in "[{") - (char in "]}") for char in _JSON_STRING.sub("", text))
    if max(accumulate(steps), default=0) >= MAX_JSON_DEPTH:
        return UNKNOWN
    try:
        found: Value = json.loads(text, parse_int=float, parse_constant=_refuse, object_pairs_hook=_mapping)
    except ValueError:
        # GitHub reads it with Newtonsoft.Json, which also takes single quotes, comments, trailing commas and more.
        return UNKNOWN
    return found


def _refuse(name: str) -> NoReturn:
    # `NaN` and `Infinity`, which Python takes for JSON.
    raise ValueError(name)


def _mapping(pairs: list[tuple[str, Value]]) -> Value:
    found: dict[str, tuple[str, Value]] = {}
    for name, item in pairs:
        # If names differ only in case, one of GitHub's two parsers keeps the first value, the other the last.
        same = fold(name)
        found[same] = (found[same][0], UNKNOWN) if same in found else (name, item)
    return dict(found.values())


# `expression_syntax.PARAMETERS` has how many parameters a function takes.
OPERATIONS: dict[str, Callable[..., Value]] = {
    "!": negation,
    "==": lambda left, right: boolean(equal(left, right)),
    "!=": lambda left, right: negation(boolean(equal(left, right))),
    "<": lambda left, right: boolean(less(left, right)),
    ">": lambda left, right: boolean(less(right, left)),
    "<=": lambda left, right: boolean(either(equal(left, right), less(left, right))),
    ">=": lambda left, right: boolean(either(equal(left, right), less(right, left))),
    "contains": contains,
    "endswith": of_texts(ends),
    "format": format_text,
    "fromjson": from_json,
    "hashfiles": lambda *_: SomeText(),
    "join": join,
    "startswith": of_texts(starts),
}
