"""GitHub Actions' expression language, computed with values of which some are not known.

`parse` reads an expression, `evaluate` computes it. A result may be `UNKNOWN`; a result that is known is what GitHub
computes. The rules are those of docs.github.com, "Evaluate expressions in workflows and actions", and where that page
is silent, of `src/Sdk/Expressions` in actions/runner. This module does not know what a workflow, a run or a step is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NoReturn

from hf_oidc.sanitize import sanitize_line

# GitHub's limits: `ExpressionConstants.cs`.
MAX_LENGTH = 21_000
MAX_DEPTH = 50
MAX_ARGUMENTS = 255
# GitHub gives up at 1 MiB for an evaluation. A text or a sum of sizes beyond these is unknown here.
MAX_TEXT = 100_000
MAX_WORK = 2_000_000

CONTEXTS = frozenset(
    {"env", "github", "inputs", "job", "jobs", "matrix"} | {"needs", "runner", "secrets", "steps", "strategy", "vars"}
)
STATUS_FUNCTIONS = frozenset({"success", "failure", "cancelled", "always"})
ANYWHERE = CONTEXTS | STATUS_FUNCTIONS | {"hashfiles"}
# What GitHub accepts in an `if:`; see "Context availability" on docs.github.com.
JOB_CONDITION = frozenset({"github", "inputs", "needs", "vars"}) | STATUS_FUNCTIONS
STEP_CONDITION = ANYWHERE - {"jobs", "secrets"}


class ExpressionError(Exception):
    """GitHub refuses this expression, or fails to compute it. `position`: of the character, from 1; 0 if none."""

    def __init__(self, what: str, position: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.position = position


@dataclass(frozen=True)
class Unknown:
    """A value that is not known. `truth`: whether it counts as true, where that much is known."""

    truth: bool | None = None


UNKNOWN = Unknown()
TRUTHY = Unknown(truth=True)


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


NOT_EMPTY = SomeText(excluded=frozenset({""}))
Value = None | bool | float | str | SomeText | Unknown | list["Value"] | Mapping[str, "Value"]
Text = str | SomeText
# Of an evaluation with unknown values: true, false, or not known.
Truth = bool | None


class OpenMapping(dict[str, Value]):
    """A mapping that may have other names, too: their values are not known."""


class EnvMapping(dict[str, Value]):
    """The `env` context: names that differ in case alone are one name on Windows, and two on Linux."""


class _Filtered(list[Value]):
    """The result of `.*`: a later `.name` selects from each of its items."""


@dataclass(frozen=True)
class Status:
    """What the status functions return."""

    success: bool | None
    failure: bool | None
    cancelled: bool | None
    always: bool | None = True


@dataclass(frozen=True)
class Expression:
    """A node. `operator`: `literal`, `context`, `index`, `*`, an operator, or the name of a function in lower case."""

    operator: str
    operands: tuple[Expression, ...] = ()
    value: str | float | None = None
    depth: int = 1

    def walk(self) -> Iterator[Expression]:
        """This node and all below it."""
        yield self
        for operand in self.operands:
            yield from operand.walk()


# --- reading

PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
_BOUNDARY = r"\s()\[\],.!<>=&|"
_OPERAND = re.compile(
    rf"""\s*(?:(?P<string>'[^']*(?:''[^']*)*')|(?P<number>[-+.0-9](?:[^{_BOUNDARY}]|\.)*)
    |(?P<word>[^{_BOUNDARY}'*][^{_BOUNDARY}]*)|(?P<symbol>\(|!(?!=)))""",
    re.VERBOSE,
)
_SYMBOL = re.compile(r"\s*(==|!=|<=|>=|&&|\|\||[.\[\](),<>*])")
_NAME = re.compile(rf"\s*([^{_BOUNDARY}*][^{_BOUNDARY}]*)")
_LEGAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_CONSTANTS: dict[str, float | None] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "Infinity": math.inf,
}


class _Parser:
    """Reads the part of `text` from `at` to `end`."""

    def __init__(self, text: str, allowed: frozenset[str], at: int, end: int) -> None:
        self.text, self.allowed, self.at, self.end = text, allowed, at, end
        self.nesting = 0

    def whole(self) -> Expression:
        """The expression, which is all there is."""
        if self.end - self.at > MAX_LENGTH:
            raise ExpressionError(f"The expression is longer than {MAX_LENGTH} characters")
        found = self.expression()
        if self.text[self.at : self.end].strip():
            self.unexpected()
        return found

    def expression(self, binding: int = 0) -> Expression:
        """An operand, and what follows it as long as operators bind more tightly than `binding`."""
        left = self.operand()
        while PRECEDENCE.get(operator := self.symbol(), 0) > binding:
            self.take(operator)
            left = self.node(operator, left, self.expression(PRECEDENCE[operator]))
        return left

    def operand(self) -> Expression:
        """A literal, a context, a call, a group or a negation, with the `.name` and `[index]` after it."""
        match = _OPERAND.match(self.text, self.at, self.end)
        if not match:
            self.unexpected()
        start, self.at = self.at, match.end()
        if match["string"]:
            return Expression("literal", value=match["string"][1:-1].replace("''", "'"))
        if match["number"]:
            number = parse_number(match["number"])
            if number is None or math.isnan(number):
                self.unexpected(start)
            return Expression("literal", value=number)
        if match["word"] in _CONSTANTS:
            return Expression("literal", value=_CONSTANTS[match["word"]])
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise ExpressionError(f"The expression is nested more than {MAX_DEPTH} levels deep", self.at)
        if match["symbol"] == "!":
            found = self.node("!", self.operand())
        elif match["symbol"]:
            found = self.expression()
            self.take(")")
            found = self.indexed(found)
        else:
            found = self.indexed(self.named(match["word"], start))
        self.nesting -= 1
        return found

    def named(self, word: str, start: int) -> Expression:
        """A context, or the call of a function."""
        name = word.lower()
        if not _LEGAL_NAME.fullmatch(word):
            self.unexpected(start)
        if self.symbol() != "(":
            if name not in self.allowed or name not in CONTEXTS:
                self.error("Unrecognized named-value", word, start)
            return Expression("context", value=name)
        if name not in FUNCTIONS or (name in ANYWHERE and name not in self.allowed):
            self.error("Unrecognized function", word, start)
        self.take("(")
        arguments: list[Expression] = []
        while self.symbol() != ")":
            if arguments:
                self.take(",")
            arguments.append(self.expression())
        self.take(")")
        least, most, _ = FUNCTIONS[name]
        if not least <= len(arguments) <= most or (name == "case" and len(arguments) % 2 == 0):
            self.error("Wrong number of parameters", word, start)
        return self.node(name, *arguments)

    def indexed(self, found: Expression) -> Expression:
        """`found` with each `.name`, `.*`, `[index]` and `[*]` after it."""
        while (symbol := self.symbol()) in (".", "["):
            self.take(symbol)
            key = Expression("*")
            if self.symbol() == "*":
                self.take("*")
            elif symbol == "[":
                key = self.expression()
            else:
                match = _NAME.match(self.text, self.at, self.end)
                if not match or not _LEGAL_NAME.fullmatch(match[1]):
                    self.unexpected()
                self.at = match.end()
                key = Expression("literal", value=match[1])
            if symbol == "[":
                self.take("]")
            found = self.node("index", found, key)
        return found

    def node(self, operator: str, *operands: Expression) -> Expression:
        """A node; `a && b && c` is one, as at GitHub, so that a long chain is not deep."""
        chained = operator in ("&&", "||")
        flat: tuple[Expression, ...] = ()
        for operand in operands:
            flat += operand.operands if chained and operand.operator == operator else (operand,)
        depth = max((o.depth + (not chained or o.operator != operator) for o in operands), default=1)
        if depth > MAX_DEPTH:
            raise ExpressionError(f"The expression is nested more than {MAX_DEPTH} levels deep", self.at)
        return Expression(operator, flat, depth=depth)

    def symbol(self) -> str:
        """The symbol that comes next, or an empty string."""
        match = _SYMBOL.match(self.text, self.at, self.end)
        return match[1] if match else ""

    def take(self, symbol: str) -> None:
        """Goes past `symbol`, which must come next."""
        match = _SYMBOL.match(self.text, self.at, self.end)
        if not match or match[1] != symbol:
            self.unexpected()
        self.at = match.end()

    def unexpected(self, start: int | None = None) -> NoReturn:
        """Refuses what comes next."""
        self.at = self.at if start is None else start
        rest = self.text[self.at : self.end]
        word = re.match(rf"\s*('[^']*'?|[^{_BOUNDARY}]+|\S?)", rest)
        if not rest.strip() or not word:
            raise ExpressionError("Unexpected end of the expression", self.end)
        self.error("Unexpected symbol", word[1], self.at)

    def error(self, what: str, word: str, start: int) -> NoReturn:
        """Refuses `word`, which comes at `start`, after spaces."""
        blank = len(self.text[start : self.end]) - len(self.text[start : self.end].lstrip())
        raise ExpressionError(f"{what}: '{sanitize_line(word)}'", start + blank + 1)


@lru_cache(maxsize=1024)
def parse(text: str, allowed: frozenset[str] = ANYWHERE) -> Expression:
    """Reads an expression, without `${{ }}`. `allowed`: the contexts and functions that exist at its place."""
    return _Parser(text, allowed, 0, len(text)).whole()


_END = re.compile(r"'[^']*(?:'|$)|\}\}")


def _pieces(text: str, allowed: frozenset[str]) -> list[str | Expression]:
    """The expressions of a text with `${{ }}`, and the text between them."""
    found: list[str | Expression] = []
    start = 0
    while (opened := text.find("${{", start)) >= 0:
        if opened > start:
            found.append(text[start:opened])
        # GitHub looks for the first `}}` that is in no string.
        end = next((m.start() for m in _END.finditer(text, opened + 3) if m[0] == "}}"), -1)
        if end < 0:
            raise ExpressionError("`${{` has no `}}`", opened + 1)
        found.append(_Parser(text, allowed, opened + 3, end).whole())
        start = end + 2
    return found + ([text[start:]] if start < len(text) else [])


@lru_cache(maxsize=1024)
def _template(text: str, allowed: frozenset[str]) -> Expression:
    """The expression for a text with `${{ }}`: a literal, the only expression, or, as at GitHub, a `format(…)`."""
    pieces = _pieces(text, allowed)
    if len(pieces) == 1 and isinstance(pieces[0], Expression):
        return pieces[0]
    expressions = [piece for piece in pieces if isinstance(piece, Expression)]
    if not expressions:
        return Expression("literal", value=text)
    numbers = iter(range(len(expressions)))
    form = "".join(
        piece.replace("{", "{{").replace("}", "}}") if isinstance(piece, str) else f"{{{next(numbers)}}}"
        for piece in pieces
    )
    return Expression("format", (Expression("literal", value=form), *expressions))


# --- conversions

# .NET's invariant upper case, one character for one: dotless i and long s stay, and so does the German sharp s.
_KEPT = {"\u0131", "\u017f"}


def fold(text: str) -> str:
    """The text in the form in which GitHub compares strings (`StringComparison.OrdinalIgnoreCase`)."""
    if text.isascii():
        return text.upper()
    return "".join(c if c in _KEPT or len(c.upper()) != 1 else c.upper() for c in text)


_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"0x(?P<hex>[0-9a-fA-F]+)|0o(?P<octal>[0-7]+)")
# A text that has another character than these is no number.
_IN_NO_NUMBER = re.compile(r"[^\s0-9a-fxointy+.\u221e-]", re.IGNORECASE)


def parse_number(text: str) -> float | None:
    """The number for a string, NaN if it is none; `None` if that is not known (`ExpressionUtility.ParseNumber`)."""
    text = text.strip()
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if match := _WHOLE.fullmatch(text):
        number = int(match["hex"], 16) if match["hex"] else int(match["octal"], 8)
        # They are read as 32-bit integers, so that 0xffffffff is -1.
        return math.nan if number >= 2**32 else float(number - 2**32 if number >= 2**31 else number)
    if text.lstrip("+-").lower() == "infinity":
        sign = -1 if text[0] == "-" else 1
        # .NET ignores the case of this word, while the documentation names JavaScript's rules, which do not.
        return sign * math.inf if text in ("Infinity", "+Infinity", "-Infinity") else None
    return math.nan


def _number(value: Value) -> float | None:
    """The value as a number; `None` if that is not known."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, str):
        return parse_number(value)
    if isinstance(value, SomeText):
        return math.nan if _IN_NO_NUMBER.search(value.prefix + value.suffix) else None
    return None if isinstance(value, Unknown) else math.nan


def text_of(value: Value) -> Text:
    """The value as a string, as in `${{ }}` within text."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        if math.isinf(value) or math.isnan(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"{value + 0.0:.15G}"  # .NET's G15; the sum turns -0 into 0
    if isinstance(value, (str, SomeText)):
        return value
    if isinstance(value, Unknown):
        return NOT_EMPTY if value.truth else SomeText()
    return "Array" if isinstance(value, list) else "Object"


def truth_of(value: Value) -> bool | None:
    """Whether the value counts as true; `None` if that is not known."""
    if isinstance(value, Unknown):
        return value.truth
    if isinstance(value, SomeText):
        return True if value.prefix or value.suffix or "" in value.excluded else None
    if isinstance(value, (int, float)):
        return value != 0 and not math.isnan(value)
    return isinstance(value, (list, Mapping)) or bool(value)


def _is_collection(value: Value) -> bool:
    return isinstance(value, (list, Mapping))


def _boolean(truth: Truth) -> Value:
    return UNKNOWN if truth is None else truth


def _either(first: Truth, second: Truth) -> Truth:
    return True if first or second else None if first is None or second is None else False


# --- functions and operators on values


def _equal(left: Value, right: Value) -> bool | None:
    """GitHub's `==`: like JavaScript's, but strings ignore case, and objects are equal only to themselves."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if isinstance(left, (str, SomeText)) and isinstance(right, (str, SomeText)):
        return _equal_texts(left, right)
    if _is_collection(left) or _is_collection(right):
        return left is right
    return _compare_numbers(left, right, lambda a, b: a == b)


def _equal_texts(left: Text, right: Text) -> bool | None:
    if isinstance(left, str) and isinstance(right, str):
        return fold(left) == fold(right)
    if isinstance(left, str) or isinstance(right, str):
        known, partly = (left, right) if isinstance(left, str) else (right, left)
        possible = _begins(known, partly) is not False and _ends(known, partly) is not False
        excluded = isinstance(partly, SomeText) and partly.excludes(known)
        return None if possible and not excluded else False
    if left.name and left.name == right.name:
        # The same string between the two ends: with the same ends it is equal, with more around it, it is not.
        if (left.prefix, left.suffix) == (right.prefix, right.suffix):
            return True
        if len(left.prefix + left.suffix) != len(right.prefix + right.suffix):
            return False
    if left.excludes(right) or right.excludes(left):
        return False
    clash = (_begins(left, right), _begins(right, left)) == (False, False)
    return False if clash or (_ends(left, right), _ends(right, left)) == (False, False) else None


def _less(left: Value, right: Value) -> bool | None:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if isinstance(left, str) and isinstance(right, str):
        # .NET compares UTF-16 code units.
        first, second = (fold(text).encode("utf-16-be", "surrogatepass") for text in (left, right))
        return first < second
    if isinstance(left, (str, SomeText)) and isinstance(right, (str, SomeText)):
        return None
    if _is_collection(left) or _is_collection(right):
        return False
    return _compare_numbers(left, right, lambda a, b: a < b)


def _compare_numbers(left: Value, right: Value, compare: Callable[[float, float], bool]) -> bool | None:
    first, second = _number(left), _number(right)
    if first is None or second is None:
        # No comparison with NaN is true, whatever the other number is.
        return False if math.isnan(first or 0.0) or math.isnan(second or 0.0) else None
    return compare(first, second)


def _begins(text: Text, start: Text) -> bool | None:
    """Whether `text` starts with `start`, ignoring case."""
    if isinstance(text, SomeText) and isinstance(start, str) and text.excludes_start(start):
        return False
    return _edge(
        fold(text if isinstance(text, str) else text.prefix),
        fold(start if isinstance(start, str) else start.prefix),
        isinstance(text, str),
        isinstance(start, str),
    )


def _ends(text: Text, end: Text) -> bool | None:
    return _edge(
        fold(text if isinstance(text, str) else text.suffix)[::-1],
        fold(end if isinstance(end, str) else end.suffix)[::-1],
        isinstance(text, str),
        isinstance(end, str),
    )


def _edge(text: str, start: str, text_known: Truth, start_known: Truth) -> Truth:
    """Whether a text starts with a start, of which only the beginnings may be known."""
    if text.startswith(start):
        return True if start_known else None
    return False if text_known or not start.startswith(text) else None


def _within(text: Text, part: Text) -> bool | None:
    if isinstance(part, str):
        known = (text,) if isinstance(text, str) else (text.prefix, text.suffix)
        found = any(fold(part) in fold(piece) for piece in known)
        return found if found or isinstance(text, str) else None
    if isinstance(text, SomeText):
        return None
    return None if all(fold(piece) in fold(text) for piece in (part.prefix, part.suffix)) else False


def _of_texts(compare: Callable[[Text, Text], bool | None]) -> Callable[[Value, Value], Value]:
    """A function of two strings that is false for arrays and objects."""

    def function(left: Value, right: Value) -> Value:
        if _is_collection(left) or _is_collection(right):
            return False
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return UNKNOWN
        return _boolean(compare(text_of(left), text_of(right)))

    return function


def _contains(search: Value, item: Value) -> Value:
    if isinstance(search, list):
        results = [_equal(item, each) for each in search]
        return True if True in results else UNKNOWN if None in results else False
    if isinstance(search, Unknown):
        return UNKNOWN
    return _of_texts(_within)(search, item)


def _concatenate(parts: list[Text]) -> Text:
    """The parts as one string."""
    if sum(len(p) if isinstance(p, str) else len(p.prefix) + len(p.suffix) for p in parts) > MAX_TEXT:
        return SomeText()
    partly = [index for index, part in enumerate(parts) if isinstance(part, SomeText)]
    if not partly:
        return "".join(part for part in parts if isinstance(part, str))
    first, last = (part for part in (parts[partly[0]], parts[partly[-1]]) if isinstance(part, SomeText))
    before = "".join(part for part in parts[: partly[0]] if isinstance(part, str))
    after = "".join(part for part in parts[partly[-1] + 1 :] if isinstance(part, str))
    if len(partly) > 1:
        return SomeText(before + first.prefix, last.suffix + after)
    whole = first.after(before)
    excluded = frozenset(
        text + after if isinstance(text, str) else replace(text, suffix=text.suffix + after) for text in whole.excluded
    )
    return replace(whole, suffix=whole.suffix + after, excluded=excluded)


_FORM = re.compile(r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|\{(?P<number>[0-9]{1,9})\}|(?P<wrong>.)", re.DOTALL)


def _format(form: Value, *values: Value) -> Value:
    text = text_of(form)
    if isinstance(text, SomeText):
        return SomeText()
    parts: list[Text] = []
    for match in _FORM.finditer(text):
        if match["wrong"] or (match["number"] and int(match["number"]) >= len(values)):
            raise ExpressionError(f"The format string is invalid: {sanitize_line(text)}")
        parts.append(text_of(values[int(match["number"])]) if match["number"] else match["text"] or match["brace"][0])
    return _concatenate(parts)


def _join(items: Value, separator: Value = ",") -> Value:
    if not isinstance(items, list):
        return SomeText() if isinstance(items, Unknown) else "" if _is_collection(items) else text_of(items)
    between = "," if _is_collection(separator) else text_of(separator)
    parts: list[Text] = []
    for item in items:
        parts += [between, text_of(item)]
    return _concatenate(parts[1:])


def _to_json(value: Value) -> Value:
    text = _json(value, "\n")
    return NOT_EMPTY if text is None or len(text) > MAX_TEXT else text


def _json(value: Value, line: str) -> str | None:
    """The value as JSON, with `line` before each line; `None` if it is not wholly known."""
    if isinstance(value, (SomeText, Unknown, OpenMapping)):
        return None
    if value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (list, Mapping)):
        return str(text_of(value))
    deeper = line + "  "
    if isinstance(value, list):
        parts = [_json(item, deeper) for item in value]
    else:
        parts = []
        for name, item in value.items():
            text = _json(item, deeper)
            parts.append(None if text is None else f"{json.dumps(name, ensure_ascii=False)}: {text}")
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return opening + ",".join(deeper + part for part in known) + (line if known else "") + closing


def _from_json(value: Value) -> Value:
    text = text_of(value)
    if isinstance(text, SomeText):
        return UNKNOWN

    def first_of_each(pairs: list[tuple[str, Value]]) -> Value:
        found: dict[str, tuple[str, Value]] = {}
        for name, item in pairs:
            found.setdefault(fold(name), (name, item))
        return dict(found.values())

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        found: Value = json.loads(text, parse_int=float, parse_constant=refuse, object_pairs_hook=first_of_each)
    except (ValueError, RecursionError):
        raise ExpressionError(f"fromJSON was given something else than JSON: {sanitize_line(text)}") from None
    return found


# The functions and operators that need no more than the values of their operands: how many they take, and what they do.
# `case` and the status functions are in `_Evaluation`.
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "contains": (2, 2, _contains),
    "startswith": (2, 2, _of_texts(_begins)),
    "endswith": (2, 2, _of_texts(_ends)),
    "format": (1, MAX_ARGUMENTS, _format),
    "join": (1, 2, _join),
    "tojson": (1, 1, _to_json),
    "fromjson": (1, 1, _from_json),
    "hashfiles": (1, MAX_ARGUMENTS, lambda *_: SomeText()),
    "case": (3, MAX_ARGUMENTS, lambda *_: UNKNOWN),
    # A job's `success()` and `failure()` accept names of jobs, which is not documented.
    **{name: (0, MAX_ARGUMENTS, lambda *_: UNKNOWN) for name in STATUS_FUNCTIONS},
}


def _not(value: Value) -> Value:
    truth = truth_of(value)
    return UNKNOWN if truth is None else not truth


OPERATORS: dict[str, Callable[..., Value]] = {
    "!": _not,
    "==": lambda left, right: _boolean(_equal(left, right)),
    "!=": lambda left, right: _not(_boolean(_equal(left, right))),
    "<": lambda left, right: _boolean(_less(left, right)),
    ">": lambda left, right: _boolean(_less(right, left)),
    "<=": lambda left, right: _boolean(_either(_equal(left, right), _less(left, right))),
    ">=": lambda left, right: _boolean(_either(_equal(left, right), _less(right, left))),
}


class _TooMuch(Exception):
    """The evaluation handles more than MAX_WORK characters and items."""


class _Evaluation:
    """One evaluation: what the names mean, and how much work was done."""

    def __init__(self, contexts: Mapping[str, Value], status: Status | None) -> None:
        self.contexts = contexts
        self.status = status
        self.work = 0
        self.folded: dict[int, tuple[Mapping[str, Value], dict[str, str]]] = {}

    def value(self, node: Expression) -> Value:
        """The value of an expression."""
        found = self.compute(node)
        self.work += 1 + (len(found) if isinstance(found, (str, list)) else 0)
        if self.work > MAX_WORK:
            raise _TooMuch
        return found

    def compute(self, node: Expression) -> Value:
        if node.operator in ("literal", "context"):
            known = node.operator == "literal"
            return node.value if known else (self.select(self.contexts, node.value) or [UNKNOWN])[0]
        if node.operator == "index":
            return self.index(*node.operands)
        if node.operator in ("&&", "||"):
            return self.chain(node.operands, node.operator == "||")
        if node.operator == "case":
            return self.case(node.operands)
        if node.operator in STATUS_FUNCTIONS and not node.operands:
            if self.status is None:
                raise ExpressionError(f"Unrecognized function: '{node.operator}'")
            return _boolean(getattr(self.status, node.operator))
        function = OPERATORS.get(node.operator) or FUNCTIONS[node.operator][2]
        return function(*map(self.value, node.operands))

    def chain(self, operands: tuple[Expression, ...], stop: Truth) -> Value:
        """`&&` returns the first operand that is false, `||` the first that is true, else the last (`stop`: which)."""
        undecided = False
        found: Value = None
        for operand in operands:
            try:
                found = self.value(operand)
            except ExpressionError:
                if not undecided:
                    raise
                # GitHub may not come this far.
                return UNKNOWN
            truth = truth_of(found)
            if truth is stop:
                return Unknown(stop) if undecided else found
            if operand is not operands[-1]:
                undecided = undecided or truth is None
        return UNKNOWN if undecided else found

    def case(self, operands: tuple[Expression, ...]) -> Value:
        for index in range(0, len(operands) - 1, 2):
            predicate = self.value(operands[index])
            if isinstance(predicate, Unknown):
                return UNKNOWN
            if not isinstance(predicate, bool):
                raise ExpressionError("A predicate of case() is not a boolean")
            if predicate:
                return self.value(operands[index + 1])
        return self.value(operands[-1])

    def index(self, operand: Expression, key: Expression) -> Value:
        """`operand[key]`, or all of its items if the key is `*`."""
        target = self.value(operand)
        star = key.operator == "*"
        if isinstance(target, Unknown):
            return TRUTHY if star else UNKNOWN
        if not _is_collection(target):
            return _Filtered() if star else None
        name = None if star else self.value(key)
        select: Callable[[Value], list[Value] | None] = self.items if star else lambda each: self.select(each, name)
        if not isinstance(target, _Filtered):
            found = select(target)
            if star:
                return TRUTHY if found is None else _Filtered(found)
            return UNKNOWN if found is None else (found or [None])[0]
        result = _Filtered()
        for each in target:
            found = select(each)
            if found is None:
                return TRUTHY
            result += found
        return result

    def items(self, target: Value) -> list[Value] | None:
        """All items; `None` if that is not known."""
        if isinstance(target, (Unknown, OpenMapping)):
            return None
        return list(target.values()) if isinstance(target, Mapping) else target if isinstance(target, list) else []

    def at(self, target: list[Value], number: float | None) -> list[Value] | None:
        if number is None:
            return None
        return target[math.floor(number) :][:1] if 0 <= number < len(target) else []

    def select(self, target: Value, key: Value) -> list[Value] | None:
        """The item with this key, if there is one; `None` if that is not known."""
        if isinstance(target, Unknown) or (isinstance(key, Unknown) and _is_collection(target)):
            return None
        if isinstance(target, list):
            return self.at(target, _number(key))
        if not isinstance(target, Mapping) or _is_collection(key):
            return []
        name = text_of(key)
        if isinstance(name, SomeText) or name in target:
            return None if isinstance(name, SomeText) else [target[name]]
        if id(target) not in self.folded:
            self.folded[id(target)] = (target, {fold(each): each for each in target})
        other = self.folded[id(target)][1].get(fold(name))
        if isinstance(target, OpenMapping) or (other and isinstance(target, EnvMapping)):
            return [target[other]] if other and not isinstance(target, EnvMapping) else None
        return [target[other]] if other is not None else []


def evaluate(expression: Expression, contexts: Mapping[str, Value], status: Status | None = None) -> Value:
    """The value of an expression. A context that `contexts` does not name is unknown.

    Raises `ExpressionError` if GitHub fails to compute it. `status`: what status functions return, within an `if:`.
    """
    try:
        return _Evaluation(contexts, status).value(expression)
    except _TooMuch:
        return UNKNOWN
    except RecursionError:
        raise ExpressionError("The values are nested too deeply") from None


def value_of(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Value:
    """The value of a text with `${{ }}`: of any type if it is one expression, else a string."""
    return evaluate(_template(text, allowed), contexts)


def interpolate(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Text:
    """The string for a text with `${{ }}`."""
    return text_of(value_of(text, contexts, allowed))


def _condition(text: str, allowed: frozenset[str]) -> Expression:
    """The expression for an `if:`, without an implicit `success()`."""
    node = _template(text, allowed)
    # A string by itself is the condition, also in `${{ 'github.ref' }}` (`TemplateReader.IsExpressionString`).
    if node.operator == "literal" and isinstance(node.value, str):
        return parse(node.value, allowed) if node.value.strip() else Expression("success")
    return node


def condition(
    text: str, contexts: Mapping[str, Value], status: Status, allowed: frozenset[str] = ANYWHERE
) -> bool | None:
    """Whether the `if:` of a job or step is met; `None` if that is not known.

    Text around `${{ }}` makes the whole a string, which is true unless it is empty (`is_text`).
    """
    node = _condition(text, allowed)
    if not any(each.operator in STATUS_FUNCTIONS for each in node.walk()):
        node = Expression("&&", (Expression("success"), node))
    return truth_of(evaluate(node, contexts, status))


def is_text(text: str) -> bool:
    """Whether an `if:` is text with expressions in it, which GitHub counts as true."""
    return len(_pieces(text, ANYWHERE)) > 1


def nodes(text: str) -> Iterator[Expression]:
    """The nodes of the expressions in a text, or of the text as an `if:`; none if GitHub refuses it."""
    try:
        yield from _condition(text, ANYWHERE).walk()
    except ExpressionError:
        return


def literals(text: str) -> set[str]:
    """The strings in the expressions of a text, or in the text as an `if:`; also those in the JSON of `fromJSON`."""
    found: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, str):
            found.add(value)
        for item in value if isinstance(value, list) else value.values() if isinstance(value, Mapping) else ():
            collect(item)

    try:
        for node in _condition(text, ANYWHERE).walk():
            if node.operator in ("literal", "fromjson", "format", "join"):
                collect(evaluate(node, {}))
    except ExpressionError:
        return found
    return found
