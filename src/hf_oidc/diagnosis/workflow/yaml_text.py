"""YAML as GitHub reads a workflow: every plain value is text, so `on` stays `on` and `yes` stays `yes`.

Nothing is constructed but text, lists and blocks. Size, depth and what aliases expand to are bounded, and each key
knows its line. This module does not know what a workflow is.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

MAX_BYTES = 1_048_576
# Workflows have a few thousand values. Anchors that refer to anchors can make millions of a few lines.
MAX_VALUES = 50_000
MAX_ALIASES = 200
# PyYAML takes a time that grows with the depth for each character of a list in brackets; GitHub allows 50 or so.
MAX_DEPTH = 100
UNFOLDS = "Its anchors and aliases unfold to more values than any workflow has"
NULLS = {"", "~", "null", "Null", "NULL"}  # YAML 1.2, core schema


class Block(dict[str, "Value"]):
    """A mapping that knows its first line and the line of each key."""

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


Value = str | list["Value"] | Block


class UnreadableYaml(Exception):
    """No YAML, or none that GitHub would take; `line` if it is known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def read(text: str) -> Value:
    """The document in `text`. Raises `UnreadableYaml`."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UnreadableYaml("The file is larger than 1 MiB, and no workflow is")
    try:
        node = yaml.compose(_bounded(text), Loader=yaml.SafeLoader)
        return _Reader().value(node) if node else ""
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", -1) + 1
        problem = UnreadableYaml(f"This is not YAML: {error.problem}", line or None)
    except yaml.YAMLError:
        problem = UnreadableYaml("This is not YAML: it holds characters that YAML does not allow")
    except RecursionError:
        problem = UnreadableYaml("The values are nested too deeply")
    raise problem


def _bounded(text: str) -> str:
    # While it is parsed: the time that PyYAML takes for the rest is what is to be saved.
    aliases = values = depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        aliases += isinstance(event, yaml.AliasEvent)
        values += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > MAX_ALIASES:
            raise UnreadableYaml(f"There are more than {MAX_ALIASES} aliases (`*name`)")
        if values > MAX_VALUES:
            raise UnreadableYaml("There are more values than any workflow has")
        if depth > MAX_DEPTH:
            raise UnreadableYaml("The values are nested too deeply")
    return text


class _Reader:
    """Turns nodes into values, and counts them and their letters: an alias counts as often as it is used."""

    def __init__(self) -> None:
        self._values = self._characters = 0

    def value(self, node: yaml.Node) -> Value:
        self._values += 1
        if self._values > MAX_VALUES:
            raise UnreadableYaml(UNFOLDS)
        if isinstance(node, yaml.MappingNode):
            return self._block(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        text = str(node.value)
        self._characters += len(text)
        if self._characters > MAX_BYTES:
            raise UnreadableYaml(UNFOLDS)
        return "" if text in NULLS and not getattr(node, "style", None) else text

    def _block(self, node: yaml.MappingNode) -> Block:
        block = Block(node.start_mark.line + 1)
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UnreadableYaml("A list or a block stands where a name is expected", line)
            if key_node.value in block:
                raise UnreadableYaml("The same name stands twice in one block", line)
            value = self.value(value_node)
            if isinstance(value, Block):
                value.line = line
            block[key_node.value] = value
            block.lines[key_node.value] = line
        return block


def line_of(block: Mapping[str, Value], key: str) -> int | None:
    """The line on which `key` stands in `block`."""
    return block.lines.get(key) if isinstance(block, Block) else None
