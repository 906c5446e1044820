"""Finds where the values of a YAML text are in it: their lines, their ends, the comments above them.

Positions come from PyYAML's marks. It changes nothing, and does not know what a workflow is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import yaml

Path: TypeAlias = tuple["str | int", ...]
# PyYAML ends a line at these too. Other programs do not.
OTHER_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
DASH = re.compile(r" *-[ \t]+")
BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")
COMMENT = re.compile(r"[ \t]*#")


class NotEditable(Exception):
    """An edit is not safe here, such as in a block that an alias uses elsewhere too. `line`: of the place."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Layout:
    """The text, and where each value is. `newline`: what ends its lines. `unit`: how far blocks are indented."""

    def __init__(self, text: str) -> None:
        """`text` is YAML that `yaml_text` accepts. Raises `NotEditable` if it has unusual line ends."""
        if found := OTHER_LINE_ENDS.search(text):
            raise NotEditable(text.count("\n", 0, found.start()) + 1)
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise NotEditable(1)
        self._root = root
        self._aliased = _aliased(self._root)
        # How far the first block in a block is indented.
        entries = self._root.value if isinstance(self._root, yaml.MappingNode) else ()
        columns: Iterator[int] = (
            value.value[0][0].start_mark.column - key.start_mark.column
            for key, value in entries
            if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value
        )
        self.unit = next(columns, 2)

    def node(self, path: Path) -> yaml.Node:
        """The value at `path`. Raises `NotEditable` if an alias uses it, or what it is in, elsewhere too."""
        node = self._root
        for part in path:
            if isinstance(part, str):
                node = self.entry(node, part)[1]
            elif isinstance(node, yaml.SequenceNode):
                node = node.value[part]
            else:
                raise refusal(node)
            if id(node) in self._aliased:
                raise refusal(node)
        return node

    def block(self, path: Path) -> yaml.MappingNode:
        """The block at `path`."""
        node = self.node(path)
        if not isinstance(node, yaml.MappingNode):
            raise refusal(node)
        return node

    def item(self, path: Path, index: int) -> tuple[yaml.SequenceNode, yaml.MappingNode]:
        """The list at `path`, and its item `index`, which is a block."""
        item, items = self.block((*path, index)), self.node(path)
        assert isinstance(items, yaml.SequenceNode)  # noqa: S101 - it has an item with a number
        return items, item

    def entry(self, node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node]:
        """The key `name` of a block, and its value."""
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value == name:
                return key, value
        raise refusal(node)  # a merge key (`<<`) brings it from elsewhere

    def end(self, node: yaml.Node) -> int:
        """Where the text of `node` ends, without the blank lines and comments that follow."""
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
            if id(node) in self._aliased:  # the marks may be those of the anchor
                raise refusal(node)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip())

    def line_number(self, position: int) -> int:
        """The number of the line, from one."""
        return self.text.count("\n", 0, position) + 1

    def line_start(self, position: int) -> int:
        """Where the line of `position` starts."""
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Where the next line starts."""
        return self.text.find("\n", position) + 1 or len(self.text)

    def before(self, position: int) -> str:
        """The text of the line before `position`."""
        return self.text[self.line_start(position) : position]

    def whole_lines(self, start: int, end: int) -> tuple[int, int]:
        """The lines from `start` to `end`."""
        return self.line_start(start), self.line_end(end)

    def with_gap(self, start: int, end: int) -> tuple[int, int]:
        """The lines from `start` to `end`, and the blank lines behind them, or those before them at the end."""
        behind = BLANK_LINES.match(self.text, end)
        if behind and behind.end() > end:
            return start, behind.end()
        return self.line_end(len(self.text[:start].rstrip())), end

    def has_comment_line(self, start: int, end: int) -> bool:
        """Whether a line between `start` and `end` could be a comment."""
        return any(COMMENT.match(line) for line in self.text[start:end].split("\n")[1:])

    def dash(self, item: yaml.Node) -> str:
        """What is before `item` on its line: spaces and the dash."""
        lead = self.before(item.start_mark.index)
        if not DASH.fullmatch(lead):
            raise refusal(item)
        return lead

    def above_comments(self, item: yaml.Node) -> int:
        """Where the line of `item` starts, or the comments directly above it, at the column of its dash."""
        column, position = self.dash(item).index("-"), self.line_start(item.start_mark.index)
        for line in reversed(self.text[:position].splitlines(keepends=True)):
            if not COMMENT.match(line) or len(line) - len(line.lstrip()) != column:
                break
            position -= len(line)
        return position

    def has_gap(self, items: yaml.SequenceNode, index: int) -> bool:
        """Whether a blank line is between the item `index` and its neighbour."""
        if len(items.value) == 1:
            return False
        second = items.value[index or 1]
        above = self.text[: self.above_comments(second)]
        return not above[above.rfind("\n", 0, -1) + 1 :].strip()


def refusal(node: yaml.Node) -> NotEditable:
    """Returns the `NotEditable` that names the line of `node`."""
    return NotEditable(node.start_mark.line + 1)


def _aliased(root: yaml.Node) -> set[int]:
    """The identities of the nodes that aliases use."""
    seen: set[int] = set()
    aliased: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) in seen:
            aliased.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            left += [each for entry in node.value for each in entry]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
    return aliased
