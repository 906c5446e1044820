"""Reads YAML as GitHub reads a workflow: every plain value is a string, so `on` stays `on` and `yes` stays `yes`.

It constructs only strings, lists and blocks. Size, depth and the expansion of aliases are limited, and each key has its
line. This module does not know what a workflow is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import yaml

MAX_BYTES = 1_048_576
# Workflows have a few thousand values. A few lines of nested anchors can expand to millions.
MAX_VALUES = 50_000
MAX_ALIASES = 200
# PyYAML needs time in proportion to the depth for each character of a list in brackets.
MAX_DEPTH = 100
EXPANDS = "Its anchors and aliases expand to more values than any workflow has"
NULLS = {"", "~", "null", "Null", "NULL"}  # YAML 1.2, core schema


class Block(dict[str, "Value"]):
    """A mapping with its first line and the line of each key."""

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


Value = str | list["Value"] | Block


class UnreadableYaml(Exception):
    """The text is not YAML, or not YAML that GitHub accepts. `line`: where, if known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def read(text: str) -> Value:
    """Returns the document in `text`. Raises `UnreadableYaml`."""
    return _reported(lambda: [yaml.compose(_bounded(text, MAX_ALIASES), Loader=yaml.SafeLoader)], Reader())[0]


def read_all(text: str, reader: Reader) -> list[Value]:
    """Returns all documents in `text`, as `reader` reads them. Raises `UnreadableYaml`."""
    return _reported(lambda: yaml.compose_all(_bounded(text, reader.max_aliases), Loader=yaml.SafeLoader), reader)


def _reported(compose: Callable[[], Iterable[yaml.Node | None]], reader: Reader) -> list[Value]:
    try:
        return [reader.value(node) if node else "" for node in compose()]
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", -1) + 1
        problem = UnreadableYaml(f"This is not YAML: {error.problem}", line or None)
    except yaml.YAMLError:
        problem = UnreadableYaml("This is not YAML: it holds characters that YAML does not allow")
    except RecursionError:
        problem = UnreadableYaml("The values are nested too deeply")
    raise problem


def _bounded(text: str, max_aliases: int) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UnreadableYaml("The file is larger than 1 MiB, which is too large for a workflow")
    # Check while parsing, to save the time that PyYAML needs for the rest.
    aliases = values = depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        aliases += isinstance(event, yaml.AliasEvent)
        values += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > max_aliases:
            raise UnreadableYaml(f"There are more than {max_aliases} aliases (`*name`)")
        if values > MAX_VALUES:
            raise UnreadableYaml("There are more values than any workflow has")
        if depth > MAX_DEPTH:
            raise UnreadableYaml("The values are nested too deeply")
    return text


class Reader:
    """Converts nodes to values, and counts them and their characters. An alias counts each time it is used."""

    max_aliases = MAX_ALIASES

    def __init__(self) -> None:
        self._values = self._characters = 0

    def value(self, node: yaml.Node) -> Value:
        """Returns the value that `node` stands for."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise UnreadableYaml(EXPANDS)
        if isinstance(node, yaml.MappingNode):
            return self.block(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        text = str(node.value)
        self._characters += len(text)
        if self._characters > MAX_BYTES:
            raise UnreadableYaml(EXPANDS)
        return "" if text in NULLS and not getattr(node, "style", None) else text

    def block(self, node: yaml.MappingNode) -> Block:
        """Returns the block that `node` stands for."""
        block = Block(node.start_mark.line + 1)
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UnreadableYaml("A list or a block is used as a name", line)
            if key_node.value in block:
                raise UnreadableYaml("The same name appears twice in one block", line)
            value = self.value(value_node)
            if isinstance(value, Block):
                value.line = line
            block[key_node.value] = value
            block.lines[key_node.value] = line
        return block


def line_of(block: Mapping[str, Value], key: str) -> int | None:
    """Returns the line of `key` in `block`, if it is known."""
    return block.lines.get(key) if isinstance(block, Block) else None
