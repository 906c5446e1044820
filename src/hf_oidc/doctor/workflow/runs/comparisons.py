"""What the expressions of a workflow compare: each path (`github.ref`), and the strings that it is compared with.

The runs of a workflow are split by these. This module knows no context, and evaluates nothing but `fromJSON('[…]')`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from hf_oidc.doctor.workflow.expressions.evaluation import evaluate
from hf_oidc.doctor.workflow.expressions.syntax import Expression, ExpressionError, parse_condition

# More comparisons than any workflow has decide nothing more.
MAX_STRINGS = 20


@dataclass(frozen=True)
class Compared:
    """The strings with which a path is compared (`==`), and those with which it may start (`startsWith`)."""

    literals: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()

    def __or__(self, other: Compared) -> Compared:
        """Both, up to a number that is enough for every workflow."""
        literals = self.literals if len(self.literals) > MAX_STRINGS else self.literals | other.literals
        beginnings = self.beginnings if len(self.beginnings) > MAX_STRINGS else self.beginnings | other.beginnings
        return Compared(literals, beginnings)


def comparisons(texts: Iterable[str]) -> Mapping[str, Compared]:
    """Returns every path that the expressions in `texts` use, in lower case. Each text is an `if:`, or has `${{ }}`."""
    found: dict[str, Compared] = {}
    for text in dict.fromkeys(texts):
        try:
            expression = parse_condition(text)
        except ExpressionError:
            continue  # GitHub refuses it
        for node in expression.walk():
            for path, strings in _of(node):
                found[path] = found.get(path, Compared()) | strings
    return found


def _of(node: Expression) -> Iterator[tuple[str, Compared]]:
    path = path_of(node)
    if path:
        yield path, Compared()
    if node.operator in ("==", "!="):
        for one, other in (node.operands, node.operands[::-1]):
            if (path := path_of(one)) and isinstance(other.value, str) and other.operator == "literal":
                yield path, Compared(literals=frozenset({other.value}))
    elif node.operator in ("startswith", "contains"):
        first, second = node.operands
        if node.operator == "startswith" and (path := path_of(first)) and isinstance(second.value, str):
            yield path, Compared(beginnings=frozenset({second.value}))
        if node.operator == "contains" and first.operator == "fromjson" and (path := path_of(second)):
            with suppress(ExpressionError):
                values = evaluate(first, {})
                listed = values if isinstance(values, list) else []
                yield path, Compared(literals=frozenset(each for each in listed if isinstance(each, str)))


def path_of(node: Expression) -> str:
    """Returns `github.event.action` for the node of that expression, in lower case, or of `github['event'].action`."""
    names: list[str] = []
    while node.operator == "index":
        node, key = node.operands
        if key.operator not in ("literal", "text") or not isinstance(key.value, str):
            return ""
        names.append(key.value.lower())
    return ".".join([str(node.value), *reversed(names)]) if node.operator == "context" else ""
