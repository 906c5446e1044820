"""Edits YAML text in place, so that comments, quotes and layout stay as they are.

`YamlEditor.result` compares the values of the changed text with those that the edits intend, and refuses any other
difference. This module does not know what a workflow is.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import yaml

from hf_oidc.doctor.workflow.migration.text_edit import Edit, applied
from hf_oidc.doctor.workflow.migration.yaml_layout import Layout, NotEditable, Path, refusal
from hf_oidc.doctor.workflow.yaml_text import Block, UnreadableYaml, Value, read

Item: TypeAlias = "str | Mapping[str, Item]"
# Finds what to replace in a text, in order.
Find = Callable[[str], Iterable[Edit]]


class YamlEditor:
    """Collects edits of one text. Paths are those of the text before any edit."""

    def __init__(self, text: str) -> None:
        """Raises `UnreadableYaml`, or `NotEditable` if the text has unusual line ends."""
        self._expected = read(text)
        self._layout = Layout(text)
        self._edits: list[Edit] = []
        self._removed: dict[Path, set[str]] = {}
        # An index, and the item to insert there, or None to remove the item. Done last: paths stay right until then.
        self._list_edits: list[tuple[list[Value], int, Value | None]] = []

    def substitute(self, path: Path, find: Find) -> None:
        """Replaces what `find` finds in the text at `path`. It must find as much in the file as in the value."""
        node, text = self._layout.node(path), self._layout.text
        if not isinstance(node, yaml.ScalarNode):
            raise refusal(node)
        quote = node.style if node.style in ("'", '"') else ""
        start, end = node.start_mark.index + len(quote), node.end_mark.index - len(quote)
        in_file, in_value = list(find(text[start:end])), list(find(node.value))
        if len(in_file) != len(in_value):
            raise refusal(node)
        for each in in_file:
            escaped = json.dumps(each.text, ensure_ascii=False)[1:-1] if quote == '"' else each.text
            if quote == "'":
                escaped = each.text.replace(quote, quote * 2)
            self._edits.append(Edit(start + each.start, start + each.end, escaped))
        self._value(path[:-1])[path[-1]] = applied(node.value, in_value)

    def remove(self, path: Path) -> None:
        """Removes the key at `path`, and each block around it that becomes empty."""
        parent, name = self._layout.block(path[:-1]), str(path[-1])
        self._layout.entry(parent, name)
        removed = self._removed.setdefault(path[:-1], set())
        removed.add(name)
        if all(key.value in removed for key, _ in parent.value):
            if not path[:-1]:  # nothing would be left
                raise refusal(parent)
            self.remove(path[:-1])

    def add(self, path: Path, key: str, item: Item, *, after: str = "") -> None:
        """Adds a key to the block at `path`, behind the key `after`, else as its first key."""
        node, layout = self._layout.block(path), self._layout
        self._value(path)[key] = _value(item)
        if node.flow_style or not node.value:
            entry = f"{key}: {_flow(item)}"
            if not node.value:
                at = node.start_mark.index + 1
                if layout.text[at - 1] != "{":  # an anchor
                    raise refusal(node)
            elif after:
                at, entry = layout.end(layout.entry(node, after)[1]), f", {entry}"
            else:
                at, entry = node.value[0][0].start_mark.index, f"{entry}, "
            self._edits.append(Edit(at, at, entry))
            return
        column = node.value[0][0].start_mark.column
        lines = layout.newline.join(self._lines({key: item}, column))
        if not after:
            first = node.value[0][0].start_mark.index
            self._edits.append(Edit(first, first, f"{lines.lstrip(' ')}{layout.newline}{' ' * column}"))
            return
        _, value = layout.entry(node, after)
        end = layout.end(value)
        at = layout.line_end(end)
        last = at == len(layout.text) and not layout.text.endswith("\n")
        self._edits.append(Edit(at, at, f"{layout.newline}{lines}" if last else f"{lines}{layout.newline}"))

    def insert(self, path: Path, index: int, item: Mapping[str, Item]) -> None:
        """Inserts `item` before the item `index` of the list at `path`, and before the comments directly above it."""
        items, target = self._layout.item(path, index)
        if items.flow_style:
            at, text = target.start_mark.index, f"{_flow(item)}, "
        else:
            at, newline = self._layout.above_comments(target), self._layout.newline
            gap = newline if self._layout.has_gap(items, index) else ""
            text = f"{self._layout.dash(target)}{self._like(target, item)}{newline}{gap}"
        self._edits.append(Edit(at, at, text))
        self._list_edits.append((self._value(path), index, _value(item)))

    def replace(self, path: Path, index: int, item: Mapping[str, Item]) -> None:
        """Replaces the item `index` of the list at `path`."""
        _, target = self._layout.item(path, index)
        self._edits.append(Edit(target.start_mark.index, self._layout.end(target), self._like(target, item)))
        self._value(path)[index] = _value(item)

    def drop(self, path: Path, index: int) -> None:
        """Removes the item `index` of the list at `path`."""
        items, target = self._layout.item(path, index)
        if items.flow_style or len(items.value) == 1:
            raise refusal(target)
        start, end = self._layout.whole_lines(target.start_mark.index, self._layout.end(target))
        if self._layout.has_gap(items, index):
            start, end = self._layout.with_gap(start, end)
        self._edits.append(Edit(start, end))
        self._list_edits.append((self._value(path), index, None))

    def result(self) -> tuple[str, tuple[Edit, ...]]:
        """Returns the changed text, and its edits in order. Raises `NotEditable` if another value would change."""
        for path in sorted(self._removed, key=len, reverse=True):  # inner blocks first
            if not path or path[-1] not in self._removed.get(path[:-1], ()):
                self._edits += self._removals(path)
            for name in self._removed[path]:
                del self._value(path)[name]
        for items, index, value in sorted(self._list_edits, key=lambda each: (each[1], each[2] is None), reverse=True):
            if value is None:
                del items[index]
            else:
                items.insert(index, value)
        edits: list[Edit] = []
        for edit in sorted(self._edits, key=lambda edit: (edit.start, edit.end)):
            # Removals that touch each other are one.
            joins = edits and not edit.text and not edits[-1].text and edit.start == edits[-1].end
            edits.append(Edit(edits.pop().start, edit.end) if joins else edit)
        before, last = self._layout.text, edits[-1] if edits else Edit(0, 0)
        if last.end == len(before) and not (last.text or before.endswith("\n")) and before[: last.start].endswith("\n"):
            # The line before becomes the last one, and has no line end then.
            edits[-1] = Edit(last.start - len(self._layout.newline), last.end)
        line = self._layout.line_number(edits[0].start) if edits else 1
        text = applied(self._layout.text, edits)
        try:
            found = read(text)
        except UnreadableYaml as error:
            raise NotEditable(error.line or line) from None
        overlap = any(second.start < first.end for first, second in itertools.pairwise(edits))
        if overlap or found != self._expected:
            raise NotEditable(line)
        return text, tuple(edits)

    def _removals(self, path: Path) -> Iterator[Edit]:
        layout, node, names = self._layout, self._layout.block(path), self._removed[path]
        for index, (key, value) in enumerate(node.value):
            if key.value not in names:
                continue
            kept = [later for later, _ in node.value[index + 1 :] if later.value not in names]
            if node.flow_style:
                # One edit removes the entries up to the next one that stays.
                is_removed = index > 0 and node.value[index - 1][0].value in names
                if kept and not is_removed:
                    yield Edit(key.start_mark.index, kept[0].start_mark.index)
                elif not is_removed:  # one is left before: a block that becomes empty goes as a whole
                    yield Edit(layout.end(node.value[index - 1][1]), layout.end(node.value[-1][1]))
            elif not layout.before(key.start_mark.index).strip():
                if value.start_mark.line > key.start_mark.line and self._removed.get((*path, key.value)):
                    # Line by line: comments between the lines stay.
                    colon = layout.text.index(":", key.end_mark.index)
                    yield Edit(*layout.whole_lines(key.start_mark.index, colon + 1))
                    yield from self._removals((*path, key.value))
                else:
                    yield Edit(*layout.whole_lines(key.start_mark.index, layout.end(value)))
            elif kept and not layout.has_comment_line(key.start_mark.index, kept[0].start_mark.index):
                yield Edit(key.start_mark.index, kept[0].start_mark.index)  # the key behind the dash of a list
            else:
                raise refusal(key)

    def _like(self, target: yaml.MappingNode, item: Mapping[str, Item]) -> str:
        """The text of `item`, in the style of `target`."""
        if target.flow_style:
            return _flow(item)
        lines = self._lines(item, target.value[0][0].start_mark.column)
        return self._layout.newline.join(lines).lstrip(" ")

    def _lines(self, item: Mapping[str, Item], column: int) -> Iterator[str]:
        for key, value in item.items():
            lead = f"{' ' * column}{key}:"
            if isinstance(value, Mapping):
                yield lead
                yield from self._lines(value, column + self._layout.unit)
            elif value.endswith("\n"):
                yield f"{lead} |"
                yield from (f"{' ' * (column + self._layout.unit)}{line}" for line in value.splitlines())
            else:
                yield f"{lead} {_scalar(value, '- ')}"

    def _value(self, path: Path) -> Any:
        """What the value at `path` must become. Lists and blocks are changed in place."""
        value: Any = self._expected
        for part in path:
            value = value[part]
        return value


def _value(item: Item) -> Value:
    if isinstance(item, str):
        return item
    block = Block()
    block.update((key, _value(value)) for key, value in item.items())
    return block


def _flow(item: Item) -> str:
    if isinstance(item, str):
        return _scalar(item, "[")
    return "{" + ", ".join(f"{key}: {_flow(value)}" for key, value in item.items()) + "}"


def _scalar(text: str, context: str) -> str:
    """`text` without quotes if it stays the same text behind `context`, `- ` or `[`."""
    end = "]" if context == "[" else ""
    if text not in {"true", "false"}:  # which other readers take for a boolean
        with suppress(UnreadableYaml):
            if read(f"{context}{text}{end}") == [text]:
                return text
    return json.dumps(text, ensure_ascii=False)
