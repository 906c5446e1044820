"""Reads YAML as GitHub reads a workflow: every plain value is a string, so `on` stays `on` and `yes` stays `yes`.

It constructs only strings, lists and blocks. Size, depth and the expansion of aliases are limited, and each key has its
line. This module does not know what a workflow is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import yaml
from yaml.composer import Composer

MAX_BYTES = 1_048_576
# Workflows have a few thousand values. A few lines of nested anchors can expand to millions.
MAX_VALUES = 50_000
MAX_ALIASES = 200
# PyYAML needs time in proportion to the depth for each character of a list in brackets.
MAX_DEPTH = 100
EXPANDS = "Its anchors and aliases expand to more values than any workflow has"
TAG = "A value begins with `!`, which YAML reads as a tag. Put the value into quotes or `${{ }}`"
NULLS = {"", "~", "null", "Null", "NULL"}  # YAML 1.2, core schema
MERGE = "<<"


class Block(dict[str, "Value"]):
    """A mapping with its first line and the line of each key.

    `merged`: the line of its merge key (`<<`), or 0. It has the keys that it would have if GitHub knew merge keys, so
    that the rest can be checked as it is meant.
    """

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.merged = 0


class Plain(str):
    """A value without quotes: `true` and `1` are then a boolean and a number where GitHub keeps types."""

    __slots__ = ()


Value = str | list["Value"] | Block


class UnreadableYaml(Exception):
    """The text is not YAML, or not YAML that GitHub accepts. `line`: where, if known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def read(text: str) -> Value:
    """Returns the document in `text`. Raises `UnreadableYaml`."""
    return _read(text, Reader(), lambda composer: [composer.get_single_node()])[0]


def read_all(text: str, reader: Reader) -> list[Value]:
    """Returns all documents in `text`, as `reader` reads them. Raises `UnreadableYaml`."""
    return _read(text, reader, _documents)


def _documents(composer: _Composer) -> Iterator[yaml.Node | None]:
    while composer.check_node():
        yield composer.get_node()


def _read(text: str, reader: Reader, nodes: Callable[[_Composer], Iterable[yaml.Node | None]]) -> list[Value]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UnreadableYaml("The file is larger than 1 MiB, which is too large for a workflow")
    try:
        return [reader.value(node) if node else "" for node in nodes(_Composer(text, reader.max_aliases))]
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem):  # the parser's own limit
            raise UnreadableYaml("The values are nested too deeply") from None
        line = getattr(error.problem_mark, "line", -1) + 1
        written = text.split("\n", line)[line - 1 : line]
        # `if: !contains(…, …)` is no tag either, and the parser's own words do not help.
        is_tag = not reader.knows_tags and any(": !" in each for each in written)
        problem = UnreadableYaml(TAG if is_tag else f"This is not YAML: {error.problem}", line or None)
    except (yaml.YAMLError, UnicodeEncodeError):  # the latter: half of a surrogate pair
        problem = UnreadableYaml("This is not YAML: it holds characters that YAML does not allow")
    except RecursionError:
        problem = UnreadableYaml("The values are nested too deeply")
    raise problem


class _Composer(Composer):
    """Builds nodes from events, and checks the limits at each, to save the time that PyYAML needs for the rest.

    libyaml reads the text if PyYAML has it: without it, a file of 1 MiB takes several seconds.
    """

    def __init__(self, text: str, max_aliases: int) -> None:
        super().__init__()
        self._parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        self.check_event, self.peek_event = self._parser.check_event, self._parser.peek_event
        self._max_aliases = max_aliases
        self._aliases = self._values = self._depth = 0

    def get_event(self) -> yaml.Event | None:
        event: yaml.Event | None = self._parser.get_event()
        self._aliases += isinstance(event, yaml.AliasEvent)
        self._values += isinstance(event, yaml.NodeEvent)
        self._depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if self._aliases > self._max_aliases:
            raise UnreadableYaml(f"There are more than {self._max_aliases} aliases (`*name`)")
        if self._values > MAX_VALUES:
            raise UnreadableYaml("There are more values than any workflow has")
        if self._depth > MAX_DEPTH:
            raise UnreadableYaml("The values are nested too deeply")
        return event

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # PyYAML refuses an anchor that is defined again. YAML allows it: an alias means the last one before it.
        event = self.peek_event()
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(getattr(event, "anchor", None), None)
        return super().compose_node(parent, index)

    # Every plain value stays a string, so no tag is resolved.
    def resolve(self, *_: object) -> str:
        return ""

    def descend_resolver(self, *_: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


class Reader:
    """Converts nodes to values, and counts them and their characters. An alias counts each time it is used."""

    max_aliases = MAX_ALIASES
    # GitHub knows no tags: `if: !cancelled()` needs quotes or `${{ }}`, because `!` begins a tag in YAML.
    # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idif
    knows_tags = False

    def __init__(self) -> None:
        self._values = self._characters = 0

    def value(self, node: yaml.Node) -> Value:
        """Returns the value that `node` stands for."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise UnreadableYaml(EXPANDS)
        if not self.knows_tags and str(node.tag).startswith("!") and node.tag != "!":
            raise UnreadableYaml(TAG, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.block(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        text = str(node.value)
        self._characters += len(text)
        if self._characters > MAX_BYTES:
            raise UnreadableYaml(EXPANDS)
        if getattr(node, "style", None):
            return text
        return "" if text in NULLS else Plain(text)

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
            # A plain `<<` is a merge key; a quoted one is a name like others.
            if key_node.value == MERGE and not key_node.style:
                block.merged = line
            else:
                block.lines[key_node.value] = line
        merged = block.pop(MERGE) if block.merged else []
        # https://yaml.org/type/merge.html: the block's own keys win, then those of the first block in a list.
        for each in merged if isinstance(merged, list) else [merged]:
            if isinstance(each, Block):
                for key in [key for key in each if key not in block]:
                    block[key], block.lines[key] = each[key], each.lines.get(key, block.merged)
        return block


def line_of(block: Mapping[str, Value], key: str) -> int | None:
    """Returns the line of `key` in `block`, if it is known."""
    return block.lines.get(key) if isinstance(block, Block) else None
