"""Counts the shape of Python code: sizes of modules and functions, private helpers with one caller, comments.

    python -m benchmarks.code_shape NAME=FOLDER ...

One Markdown row for each folder; docs/development/design.md has them side by side. It reads source text only.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
HEADER = """\
| code | modules | under 50 lines | median lines | functions | median | p90 | max | helpers with one caller | comments |
|---|---|---|---|---|---|---|---|---|---|"""


class Shape(NamedTuple):
    """Lines of each module and function, the number of private helpers with one caller, and of comment lines."""

    modules: list[int]
    functions: list[int]
    helpers: int
    comments: int

    @property
    def row(self) -> str:
        """The cells of a Markdown row, without the name."""
        short = sum(lines < 50 for lines in self.modules)
        cells = (
            len(self.modules),
            f"{short / len(self.modules):.0%}",
            round(statistics.median(self.modules)),
            len(self.functions),
            round(statistics.median(self.functions)),
            percentile(self.functions, 0.9),
            max(self.functions),
            f"{self.helpers / len(self.functions):.0%}",
            round(100 * self.comments / sum(self.modules)),
        )
        return " | ".join(map(str, cells))


def percentile(numbers: Sequence[int], part: float) -> int:
    """The smallest of `numbers` that at least this part of them does not exceed."""
    return sorted(numbers)[max(0, -int(-len(numbers) * part // 1) - 1)]


def shape(sources: Iterable[str]) -> Shape:
    """The shape of modules, given as their source text. Modules that hold nothing but a docstring do not count."""
    found = Shape([], [], 0, 0)
    helpers = comments = 0
    for source in sources:
        tree = ast.parse(source)
        if not any(not isinstance(node, ast.Expr) for node in tree.body):
            continue
        found.modules.append(len(source.splitlines()))
        functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        found.functions.extend((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions)
        helpers += sum(1 for node in functions if _is_private(node.name) and _mentions(tree, node.name) == 1)
        comments += sum(1 for _ in _comments(source))
    return found._replace(helpers=helpers, comments=comments)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _mentions(tree: ast.AST, name: str) -> int:
    nodes = list(ast.walk(tree))
    return sum(isinstance(node, ast.Name) and node.id == name for node in nodes) + sum(
        isinstance(node, ast.Attribute) and node.attr == name for node in nodes
    )


def _comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def main(arguments: Sequence[str]) -> None:
    """Print a row for each `NAME=FOLDER`."""
    print(HEADER)
    for argument in arguments:
        name, _, folder = argument.partition("=")
        paths = [path for path in sorted(Path(folder).rglob("*.py")) if "tests" not in path.parts]
        print(f"| {name} | {shape(path.read_text(encoding='utf-8') for path in paths).row} |")


if __name__ == "__main__":
    main(sys.argv[1:])
