"""GitHub Actions' expression language, evaluated with values of which some are not known.

The rules are those of docs.github.com, "Evaluate expressions in workflows and actions", and where that page is silent,
of actions/runner (`src/Sdk/Expressions`). This module does not know what a workflow, a run or a step is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from hf_oidc.doctor.workflow.expression_syntax import (
    ANYWHERE,
    JOB_CONDITION,
    STATUS_FUNCTIONS,
    STEP_CONDITION,
    Expression,
    ExpressionError,
    is_text,
    parse,
    parse_condition,
    parse_template,
)
from hf_oidc.doctor.workflow.expression_values import (
    NOT_EMPTY,
    TRUTHY,
    UNKNOWN,
    EnvMapping,
    OpenEnvMapping,
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
    number_of,
    starts,
    text_of,
    truth_of,
)
from hf_oidc.sanitize import sanitize_line

__all__ = [
    "ANYWHERE",
    "JOB_CONDITION",
    "STEP_CONDITION",
    "UNKNOWN",
    "EnvMapping",
    "Expression",
    "ExpressionError",
    "OpenEnvMapping",
    "OpenMapping",
    "SomeText",
    "Status",
    "Unknown",
    "Value",
    "condition",
    "evaluate",
    "interpolate",
    "is_text",
    "literals",
    "parse",
    "text_of",
    "truth_of",
    "value_of",
]

# Characters and items that one evaluation may handle. Beyond, the result is not known.
MAX_WORK = 300_000


@dataclass(frozen=True)
class Status:
    """What the status functions return."""

    success: Truth
    failure: Truth
    cancelled: Truth
    always: Truth = True


def condition(text: str, contexts: Mapping[str, Value], status: Status, allowed: frozenset[str] = ANYWHERE) -> Truth:
    """Whether the `if:` of a job or step is met, with or without `${{ }}`; `None` if that is not known."""
    return truth_of(evaluate(parse_condition(text, allowed), contexts, status))


def value_of(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Value:
    """The value of a text with `${{ }}`: of any type if the text is one expression, else a string."""
    return evaluate(parse_template(text, allowed), contexts)


def interpolate(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Text:
    """The string for a text with `${{ }}`."""
    return text_of(value_of(text, contexts, allowed))


def literals(text: str) -> set[str]:
    """The strings in the expressions of a text or an `if:`, and those that `fromJSON`, `format` and `join` make."""
    evaluation = _Evaluation({}, None)
    made = ("literal", "fromjson", "format", "join")
    try:
        values = [evaluation.value(node) for node in parse_condition(text).walk() if node.operator in made]
    except (ExpressionError, _NotKnown, RecursionError):
        return set()
    found = set()
    while values:
        value = values.pop()
        values += value if isinstance(value, list) else value.values() if isinstance(value, Mapping) else []
        found |= {value} if isinstance(value, str) else set()
    return found


def evaluate(expression: Expression, contexts: Mapping[str, Value], status: Status | None = None) -> Value:
    """The value of an expression. A context that `contexts` does not name is not known.

    Raises `ExpressionError` if GitHub fails to evaluate it. `status`: what status functions return, within an `if:`.
    """
    try:
        return _Evaluation(contexts, status).value(expression)
    except _NotKnown:
        return UNKNOWN
    except RecursionError:
        raise ExpressionError("The values are nested too deeply") from None


class _NotKnown(Exception):
    """The value is not known, or takes too much work to find."""


class _Filtered(list[Value]):
    """The result of `.*`: a later `.name` selects from each of its items."""


class _Evaluation:
    """One evaluation: what the names mean, and how much work it was so far."""

    def __init__(self, contexts: Mapping[str, Value], status: Status | None) -> None:
        self.contexts = contexts
        self.status = status
        self.work = 0

    def value(self, node: Expression) -> Value:
        """The value of a node."""
        found = COMPUTE[node.operator](self, node)
        self.spend(1 + (len(found) if isinstance(found, (str, list)) else 0))
        return found

    def spend(self, work: int) -> None:
        """Counts work, so that no workflow can keep this process busy."""
        self.work += work
        if self.work > MAX_WORK:
            raise _NotKnown

    def select(self, target: Value, key: Value) -> list[Value] | None:
        """The item with this key, if there is one; `None` if that is not known."""
        if isinstance(target, list):
            number = number_of(key)
            inside = number is not None and 0 <= number < len(target)
            return None if number is None else [target[int(number)]] if inside else []
        if not isinstance(target, Mapping) or is_collection(key):
            return None if isinstance(target, Unknown) else []
        name = text_of(key)
        if isinstance(name, SomeText) or name in target:
            return None if isinstance(name, SomeText) else [target[name]]
        self.spend(len(target))
        found = [value for other, value in target.items() if fold(other) == fold(name)]
        if (found and isinstance(target, EnvMapping)) or (not found and isinstance(target, OpenMapping)):
            return None
        return found[:1]


Compute = Callable[[_Evaluation, Expression], Value]


def _context(evaluation: _Evaluation, node: Expression) -> Value:
    return (evaluation.select(evaluation.contexts, node.value) or [UNKNOWN])[0]


def _index(evaluation: _Evaluation, node: Expression) -> Value:
    """`target[key]`; all of the items if the key is `*`."""
    target = evaluation.value(node.operands[0])
    every = node.operands[1].operator == "*"
    if not is_collection(target):
        unknown = isinstance(target, Unknown)
        return (TRUTHY if unknown else _Filtered()) if every else UNKNOWN if unknown else None
    key = None if every else evaluation.value(node.operands[1])
    found = _Filtered()
    for source in target if isinstance(target, _Filtered) else [target]:
        selected = _items(source) if every else evaluation.select(source, key)
        if selected is None:
            return TRUTHY if every or isinstance(target, _Filtered) else UNKNOWN
        found += selected
    if every or isinstance(target, _Filtered):
        return found
    return found[0] if found else None


def _items(value: Value) -> list[Value] | None:
    """All items of an array or object; `None` if they are not known."""
    if isinstance(value, (Unknown, OpenMapping)):
        return None
    return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []


def _chain(evaluation: _Evaluation, node: Expression) -> Value:
    """`&&` is its first operand that is false, `||` its first that is true, else the last one."""
    stop = node.operator == "||"
    earlier = undecided = False
    found: Value = None
    for operand in node.operands:
        earlier = undecided
        try:
            found = evaluation.value(operand)
        except ExpressionError:
            if earlier:
                return UNKNOWN  # GitHub may not come this far.
            raise
        truth = truth_of(found)
        if truth is stop:
            return Unknown(truth=stop) if earlier else found
        undecided = undecided or truth is None
    return UNKNOWN if earlier else found


def _case(evaluation: _Evaluation, node: Expression) -> Value:
    *pairs, default = node.operands
    for predicate, result in zip(pairs[::2], pairs[1::2], strict=True):
        met = evaluation.value(predicate)
        if isinstance(met, Unknown):
            return UNKNOWN
        if met is True:
            return evaluation.value(result)
        if met is not False:
            raise ExpressionError("A predicate of case() is no boolean")
    return evaluation.value(default)


def _status(evaluation: _Evaluation, node: Expression) -> Value:
    if evaluation.status is None:
        raise ExpressionError(f"{node.operator}() exists only in an `if:`")
    # A job's `success('build')` accepts the names of jobs. That is not documented.
    return UNKNOWN if node.operands else _known(getattr(evaluation.status, node.operator))


def _of_values(function: Callable[..., Value]) -> Compute:
    """A function or operator that needs no more than the values of its operands."""
    return lambda evaluation, node: function(*[evaluation.value(operand) for operand in node.operands])


def _of_texts(test: Callable[[Text, Text], Truth]) -> Callable[[Value, Value], Value]:
    """A test of two strings, which is false for an array or an object."""

    def function(left: Value, right: Value) -> Value:
        if is_collection(left) or is_collection(right):
            return False
        unknown = isinstance(left, Unknown) or isinstance(right, Unknown)
        return UNKNOWN if unknown else _known(test(text_of(left), text_of(right)))

    return function


def _known(truth: Truth) -> Value:
    return UNKNOWN if truth is None else truth


def _not(value: Value) -> Value:
    truth = truth_of(value)
    return UNKNOWN if truth is None else not truth


def _contains(search: Value, item: Value) -> Value:
    if isinstance(search, list):
        results = [equal(item, each) for each in search]
        return True if True in results else UNKNOWN if None in results else False
    return UNKNOWN if isinstance(search, Unknown) else _of_texts(holds)(search, item)


_FORM = re.compile(r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|\{(?P<number>[0-9]{1,9})\}|(?P<wrong>.)", re.DOTALL)


def _format(form: Value, *values: Value) -> Value:
    text = text_of(form)
    if isinstance(text, SomeText):
        return SomeText()
    parts: list[Text] = []
    for match in _FORM.finditer(text):
        if match["wrong"] or (match["number"] and int(match["number"]) >= len(values)):
            raise ExpressionError(f"format() cannot use this format: '{sanitize_line(text)}'")
        parts.append(text_of(values[int(match["number"])]) if match["number"] else match["text"] or match["brace"][0])
    return concatenate(parts)


def _join(items: Value, separator: Value = ",") -> Value:
    if not isinstance(items, list):
        return SomeText() if isinstance(items, Unknown) else "" if is_collection(items) else text_of(items)
    between = "," if is_collection(separator) else text_of(separator)
    return concatenate([part for item in items for part in (between, text_of(item))][1:])


def _to_json(evaluation: _Evaluation, node: Expression) -> Value:
    value = evaluation.value(node.operands[0])
    try:
        return _json(evaluation, value, "\n")
    except _NotKnown:
        return NOT_EMPTY


# Newtonsoft.Json escapes these, too.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def _json(evaluation: _Evaluation, value: Value, line: str) -> str:
    """The value as JSON; `line` starts each line. Raises `_NotKnown` if a part of it is not known."""
    if isinstance(value, (SomeText, Unknown, OpenMapping)):
        raise _NotKnown
    evaluation.spend(len(line) + (len(value) if isinstance(value, str) else 0))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)
    if not isinstance(value, (list, Mapping)):
        return "null" if value is None else str(text_of(value))
    inner = line + "  "
    if isinstance(value, list):
        parts = [inner + _json(evaluation, item, inner) for item in value]
    else:
        parts = [
            f"{inner}{_json(evaluation, name, inner)}: {_json(evaluation, item, inner)}" for name, item in value.items()
        ]
    start, end = "[]" if isinstance(value, list) else "{}"
    return start + ",".join(parts) + (line if parts else "") + end


def _from_json(value: Value) -> Value:
    text = text_of(value)
    if isinstance(text, SomeText):
        return UNKNOWN
    try:
        return _parse_json(text)
    except (ValueError, RecursionError):
        raise ExpressionError(f"fromJSON() was not given JSON: '{sanitize_line(text)}'") from None


def _parse_json(text: str) -> Value:
    def mapping(pairs: list[tuple[str, Value]]) -> Mapping[str, Value]:
        # GitHub keeps the first of the names that differ in case alone (`JsonParser.cs`).
        firsts = {fold(name): (name, item) for name, item in reversed(pairs)}
        return dict(reversed(firsts.values()))

    def constant(name: str) -> NoReturn:
        raise ValueError(name)

    found: Value = json.loads(text, parse_int=float, parse_constant=constant, object_pairs_hook=mapping)
    return found


# Each operator and function, in lower case; `expression_syntax.PARAMETERS` has how many parameters a function takes.
COMPUTE: dict[str, Compute] = {
    "literal": lambda _, node: node.value,
    "text": lambda _, node: node.value,
    "context": _context,
    "index": _index,
    "&&": _chain,
    "||": _chain,
    "!": _of_values(_not),
    "==": _of_values(lambda left, right: _known(equal(left, right))),
    "!=": _of_values(lambda left, right: _not(_known(equal(left, right)))),
    "<": _of_values(lambda left, right: _known(less(left, right))),
    ">": _of_values(lambda left, right: _known(less(right, left))),
    "<=": _of_values(lambda left, right: _known(either(equal(left, right), less(left, right)))),
    ">=": _of_values(lambda left, right: _known(either(equal(left, right), less(right, left)))),
    "case": _case,
    "contains": _of_values(_contains),
    "endswith": _of_values(_of_texts(ends)),
    "format": _of_values(_format),
    "fromjson": _of_values(_from_json),
    "hashfiles": _of_values(lambda *_: SomeText()),
    "join": _of_values(_join),
    "startswith": _of_values(_of_texts(starts)),
    "tojson": _to_json,
    **dict.fromkeys(STATUS_FUNCTIONS, _status),
}
