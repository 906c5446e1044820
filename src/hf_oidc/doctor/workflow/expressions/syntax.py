"""The syntax of GitHub's expressions: text to nodes, with or without `${{ }}`.

The rules are those of `LexicalAnalyzer.cs`, `ExpressionParser.cs` and `TemplateReader.cs` in actions/runner. This
module does not know what an operator or a function computes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from hf_oidc.doctor.workflow.expressions.values import parse_number
from hf_oidc.sanitize import sanitize_line

# GitHub's limits (`ExpressionConstants.cs`). GitHub does not count parentheses as depth; this module does.
MAX_LENGTH = 21_000
MAX_DEPTH = 50
MAX_PARAMETERS = 255
# More than a large workflow has: each run evaluates all of them, one after the other.
CACHED = 8192

# `${{ … }}` in a text. Other modules search or replace it; the parser below also knows strings that contain `}}`.
EXPRESSION = re.compile(r"\$\{\{(?P<inside>(?:(?!\$\{\{|\}\}).)*)\}\}", re.DOTALL)

# Of each function, in lower case: the least and the greatest number of parameters.
PARAMETERS = {
    "case": (3, MAX_PARAMETERS),
    "contains": (2, 2),
    "endswith": (2, 2),
    "format": (1, MAX_PARAMETERS),
    "fromjson": (1, 1),
    "hashfiles": (1, MAX_PARAMETERS),
    "join": (1, 2),
    "startswith": (2, 2),
    "tojson": (1, 1),
    "always": (0, 0),
    "cancelled": (0, 0),
    # A job's `success('build')` accepts the names of jobs. That is not documented.
    "failure": (0, MAX_PARAMETERS),
    "success": (0, MAX_PARAMETERS),
}
STATUS_FUNCTIONS = frozenset({"success", "failure", "cancelled", "always"})
CONDITION = STATUS_FUNCTIONS | {"github", "inputs", "needs", "vars"}
# What exists in an `if:`: docs.github.com, "Contexts reference", "Context availability".
JOB_CONDITION = CONDITION
STEP_CONDITION = CONDITION | {"env", "hashfiles", "job", "matrix", "runner", "steps", "strategy"}
ANYWHERE = STEP_CONDITION | {"jobs", "secrets"}


class ExpressionError(Exception):
    """GitHub refuses this expression, or fails to evaluate it. `position`: of the character, from 1, if known."""

    def __init__(self, what: str, position: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.position = position


@dataclass(frozen=True)
class Expression:
    """A node. `operator`: a symbol, the name of a function in lower case, `literal`, `context`, `index` or `text`.

    `text` is a string that is not written in quotes: the name after a dot, or what is around `${{ }}`.
    """

    operator: str
    operands: tuple[Expression, ...] = ()
    value: str | float | None = None
    depth: int = 1

    def walk(self) -> Iterator[Expression]:
        """This node and all below it."""
        yield self
        for operand in self.operands:
            yield from operand.walk()


CHAINS = ("&&", "||")
PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
CONSTANTS: dict[str, float | None] = {"null": None, "true": True, "false": False, "NaN": math.nan, "Infinity": math.inf}
_SPACE = re.compile(r"\s*")
# What ends a name or a number, at GitHub: `LexicalAnalyzer.TestTokenBoundary`.
_BOUNDARY = r"\s()\[\],.!<>=&|"
_WORD = re.compile(rf"'[^']*'?|[^{_BOUNDARY}]+|.")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SYMBOL = re.compile(r"[=!<>]=|&&|\|\||[!<>.\[\](),*]")
_STRING = re.compile(r"'[^']*(?:''[^']*)*'")
_NUMBER = re.compile(rf"[-+.0-9](?:[^{_BOUNDARY}]|\.)*")


class _Parser:
    """Parses the part of `text` from `at` to `end`."""

    def __init__(self, text: str, allowed: frozenset[str], at: int, end: int) -> None:
        if end - at > MAX_LENGTH:
            raise ExpressionError(f"The expression is longer than {MAX_LENGTH} characters", at + 1)
        self.text, self.allowed, self.end = text, allowed, end
        self.nesting = 0
        self.skip(at)

    def whole(self) -> Expression:
        """The expression, which must be all there is."""
        found = self.expression()
        if self.at < self.end:
            self.unexpected()
        return found

    def expression(self, binding: int = 0) -> Expression:
        """An operand, and what follows it while its operators bind more tightly than `binding`."""
        left = self.operand()
        while PRECEDENCE.get(operator := self.symbol(), 0) > binding:
            operands = [left]
            while self.symbol() == operator and (len(operands) < 2 or operator in CHAINS):
                self.take(operator)
                operands.append(self.expression(PRECEDENCE[operator]))
            left = self.node(operator, *operands)
        return left

    def operand(self) -> Expression:
        """A literal, or a context, a call, a group or a negation, with the `.name` and `[index]` after it."""
        if match := _STRING.match(self.text, self.at, self.end):
            self.skip(match.end())
            return Expression("literal", value=match[0][1:-1].replace("''", "'"))
        if match := _NUMBER.match(self.text, self.at, self.end):
            number = parse_number(match[0])
            if number is None or math.isnan(number):
                self.unexpected()
            self.skip(match.end())
            return Expression("literal", value=number)
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            self.fail(f"The expression is nested more than {MAX_DEPTH} levels deep")
        if self.symbol() == "!":
            self.take("!")
            found = self.node("!", self.operand())
        elif self.symbol() == "(":
            self.take("(")
            found = self.expression()
            self.take(")")
            found = self.indexed(found)
        else:
            found = self.named()
        self.nesting -= 1
        return found

    def named(self) -> Expression:
        """A constant, a context, or the call of a function."""
        start, word = self.at, self.name()
        if word in CONSTANTS:
            return Expression("literal", value=CONSTANTS[word])
        name = word.lower()
        if self.symbol() != "(":
            if name not in self.allowed or name in PARAMETERS:
                self.fail(f"Unrecognized named-value: '{sanitize_line(word)}'", start)
            return self.indexed(Expression("context", value=name))
        if name not in PARAMETERS or (name in ANYWHERE and name not in self.allowed):
            self.fail(f"Unrecognized function: '{sanitize_line(word)}'", start)
        self.take("(")
        parameters: list[Expression] = []
        while self.symbol() != ")" or parameters:
            parameters.append(self.expression())
            if self.symbol() != ",":
                break
            self.take(",")
        self.take(")")
        if not PARAMETERS[name][0] <= len(parameters) <= PARAMETERS[name][1]:
            self.fail(f"Too few or too many parameters: '{word}'", start)
        if name == "case" and len(parameters) % 2 == 0:
            self.fail("case() needs an odd number of parameters", start)
        return self.indexed(self.node(name, *parameters))

    def indexed(self, found: Expression) -> Expression:
        """`found`, with each `.name`, `.*`, `[index]` and `[*]` after it."""
        while (symbol := self.symbol()) in (".", "["):
            self.take(symbol)
            if self.symbol() == "*":
                self.take("*")
                key = Expression("*")
            else:
                key = self.expression() if symbol == "[" else Expression("text", value=self.name())
            if symbol == "[":
                self.take("]")
            found = self.node("index", found, key)
        return found

    def node(self, operator: str, *operands: Expression) -> Expression:
        """A node. As at GitHub, `a && b && c` is one, so that a long chain is not deep."""
        flat: list[Expression] = []
        depth = 1
        for operand in operands:
            chained = operator in CHAINS and operand.operator == operator
            flat += operand.operands if chained else [operand]
            depth = max(depth, operand.depth + (not chained))
        if depth > MAX_DEPTH:
            self.fail(f"The expression is nested more than {MAX_DEPTH} levels deep")
        return Expression(operator, tuple(flat), depth=depth)

    def name(self) -> str:
        """The name that must come next."""
        match = _WORD.match(self.text, self.at, self.end)
        if not match or not _NAME.fullmatch(match[0]):
            self.unexpected()
        self.skip(match.end())
        return match[0]

    def symbol(self) -> str:
        """The symbol that comes next, or an empty string."""
        match = _SYMBOL.match(self.text, self.at, self.end)
        return match[0] if match else ""

    def take(self, symbol: str) -> None:
        """Goes past the symbol that must come next."""
        if self.symbol() != symbol:
            self.unexpected()
        self.skip(self.at + len(symbol))

    def skip(self, at: int) -> None:
        """Goes on at the first character from `at` that is not a space."""
        match = _SPACE.match(self.text, at, self.end)
        self.at = match.end() if match else at

    def unexpected(self) -> NoReturn:
        """Refuses what comes next."""
        match = _WORD.match(self.text, self.at, self.end)
        self.fail(f"Unexpected symbol: '{sanitize_line(match[0])}'" if match else "Unexpected end of the expression")

    def fail(self, what: str, at: int | None = None) -> NoReturn:
        """Refuses the expression."""
        raise ExpressionError(what, (self.at if at is None else at) + 1)


@lru_cache(maxsize=CACHED)
def parse(text: str, allowed: frozenset[str] = ANYWHERE) -> Expression:
    """Parses an expression without `${{ }}`. `allowed`: the contexts and special functions that exist at its place."""
    return _Parser(text, allowed, 0, len(text)).whole()


_CLOSES = re.compile(r"'[^']*(?:'|\Z)|\}\}")


def _pieces(text: str, allowed: frozenset[str]) -> list[str | Expression]:
    """The expressions in a text with `${{ }}`, and the text between them."""
    if text.count("${{") >= MAX_PARAMETERS:
        # At GitHub they are parameters of one `format(…)`.
        raise ExpressionError(f"The text has {MAX_PARAMETERS} expressions or more")
    pieces: list[str | Expression] = []
    start = 0
    while (opened := text.find("${{", start)) >= 0:
        if opened > start:
            pieces.append(text[start:opened])
        # The first `}}` that is in no string ends it.
        closed = next((match.start() for match in _CLOSES.finditer(text, opened + 3) if match[0] == "}}"), -1)
        if closed < 0:
            raise ExpressionError("`${{` is not closed", opened + 1)
        pieces.append(_Parser(text, allowed, opened + 3, closed).whole())
        start = closed + 2
    if start < len(text):
        pieces.append(text[start:])
    only = pieces[0] if len(pieces) == 1 else ""
    if isinstance(only, Expression) and isinstance(only.value, str) and text[3:].lstrip().startswith("'"):
        # `${{ 'text' }}` is that text (`TemplateReader.IsExpressionString`).
        return [only.value]
    return pieces


def _joined(pieces: list[str | Expression]) -> Expression:
    """One expression for a text with `${{ }}`: the only one there is, or a `format(…)` that GitHub makes, too."""
    if len(pieces) == 1 and isinstance(pieces[0], Expression):
        return pieces[0]
    form = ""
    expressions: list[Expression] = []
    for piece in pieces:
        if isinstance(piece, str):
            form += piece.replace("{", "{{").replace("}", "}}")
        else:
            form += f"{{{len(expressions)}}}"
            expressions.append(piece)
    return Expression("format", (Expression("text", value=form), *expressions))


@lru_cache(maxsize=CACHED)
def parse_template(text: str, allowed: frozenset[str] = ANYWHERE) -> Expression:
    """Parses a text with `${{ }}`."""
    return _joined(_pieces(text, allowed))


@lru_cache(maxsize=CACHED)
def parse_condition(text: str, allowed: frozenset[str] = ANYWHERE) -> Expression:
    """Parses an `if:`, with or without `${{ }}`, and adds the implicit `success() &&`."""
    pieces = _pieces(text, allowed)
    if all(isinstance(piece, str) for piece in pieces):
        source = "".join(map(str, pieces))
        found = parse(source, allowed) if source.strip() else Expression("success")
    else:
        found = _joined(pieces)
    if any(node.operator in STATUS_FUNCTIONS for node in found.walk()):
        return found
    return Expression("&&", (Expression("success"), found))


def is_text(text: str) -> bool:
    """Whether an `if:` has text around its `${{ }}`: then GitHub makes a string of it, which is true unless empty."""
    return len(_pieces(text, ANYWHERE)) > 1
