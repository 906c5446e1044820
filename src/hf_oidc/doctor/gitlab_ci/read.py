"""Reads `.gitlab-ci.yml` as GitLab does: merge keys, `!reference` tags, `extends`, `default:` and header sections.

It knows neither jobs nor the Hub. What comes from another file stays unresolved, and the caller says so. What `extends`
and references expand to is limited: the file may be hostile.
https://docs.gitlab.com/ci/yaml/yaml_optimization/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import yaml

from hf_oidc.doctor.workflow.yaml_text import EXPANDS, MAX_BYTES, Block, Reader, UnreadableYaml, Value, read_all

Item = TypeVar("Item")
MAX_LEVELS = 11  # GitLab's limit for `extends`; for references it is ten
MAX_COPIES = 200_000
MAX_CHARACTERS = 2 * MAX_BYTES  # many jobs may share a long script


class Reference(list[Value]):
    """A `!reference [job, keyword]` that is not resolved."""


class GitLabReader(Reader):
    """Reads what GitLab reads: tags, merge keys and equal names too."""

    # GitLab's own file has hundreds of aliases. Each counts as what it stands for, so many of them do no harm.
    max_aliases = 5_000
    knows_tags = True

    def value(self, node: yaml.Node) -> Value:
        """The value, or the reference."""
        found = super().value(node)
        return Reference(found) if node.tag == "!reference" and isinstance(found, list) else found

    def block(self, node: yaml.MappingNode) -> Block:
        """As Ruby's Psych reads it: of equal names the last one counts, also of those that `<<` brings in."""
        block = Block(node.start_mark.line + 1)
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UnreadableYaml("A list or a block is used as a name", line)
            value = self.value(value_node)
            if key_node.value == "<<" and not key_node.style:
                # Of several merged blocks the first has precedence.
                for each in reversed(value) if isinstance(value, list) else [value]:
                    if isinstance(each, Block):
                        block.update(each)
                        block.lines.update(each.lines)
                continue
            if isinstance(value, Block):
                value.line = line
            block[key_node.value] = value
            block.lines[key_node.value] = line
        return block


def read_config(text: str) -> Block:
    """Returns the configuration, without a header (`spec:`) before it. Raises `UnreadableYaml`."""
    documents = read_all(text, GitLabReader())
    # Of a file with a header, the second document is the configuration.
    config = documents[1] if len(documents) == 2 else documents[0] if len(documents) == 1 else ""
    if not isinstance(config, Block):
        raise UnreadableYaml("This is not a GitLab CI/CD configuration: that is one block, after a header at most")
    return config


class Expander:
    """Resolves `extends` and `!reference` within `config`. Raises `UnreadableYaml` if they expand to too much."""

    def __init__(self, config: Block) -> None:
        self._config = config
        self._copies = self._characters = 0

    def extended(self, name: str, seen: tuple[str, ...] = ()) -> tuple[Block, set[str]]:
        """The entry `name` with all that it extends, and the names of what it extends that is not in this file.

        Blocks are merged, everything else is replaced; null takes a keyword away.
        """
        own = self._config.get(name)
        if not isinstance(own, Block) or name in seen or len(seen) > MAX_LEVELS:
            return Block(), {name}
        bases, merged, missing = own.get("extends", ""), Block(own.line), set[str]()
        several: list[Value] = bases if isinstance(bases, list) else [bases]
        for base in self._counted(several if bases else []):
            found, more = self.extended(base, (*seen, name)) if isinstance(base, str) else (Block(), {"extends"})
            self._merge(merged, found)
            missing |= more
        self._merge(merged, own)
        return merged, missing

    def resolved(self, value: Value, level: int = 0) -> Value:
        """`value` with each reference replaced by what it refers to; `Reference` if that is not in this file."""
        if isinstance(value, Reference):
            names = [each for each in value if isinstance(each, str)]
            found: Value | None = self._config.get(names[0]) if names and len(names) == len(value) else None
            if isinstance(found, Block):
                found, _ = self.extended(names[0])
            for name in names[1:]:
                found = found.get(name) if isinstance(found, Block) else None
            return self.resolved(found, level + 1) if found and level <= MAX_LEVELS else value
        if isinstance(value, list):
            return [self.resolved(each, level) for each in self._counted(value)]
        if isinstance(value, Block):
            block = Block(value.line)
            block.lines.update(value.lines)
            block.update((name, self.resolved(value[name], level)) for name in self._counted(value))
            return block
        self._characters += len(value)
        if self._characters > MAX_CHARACTERS:
            raise UnreadableYaml(EXPANDS)
        return value

    def _merge(self, target: Block, source: Block) -> None:
        for name in self._counted(source):
            value, present = source[name], target.get(name)
            if isinstance(value, Block):
                copy = Block(value.line)
                if isinstance(present, Block):
                    self._merge(copy, present)
                self._merge(copy, value)
                value = copy
            target[name] = value
            target.lines[name] = source.lines.get(name, source.line)

    def _counted(self, values: Iterable[Item]) -> list[Item]:
        found = list(values)
        self._copies += len(found)
        if self._copies > MAX_COPIES:
            raise UnreadableYaml(EXPANDS)
        return found


def texts_within(value: Value) -> Iterator[str]:
    """Yields the strings in a list that may hold lists, as `script:` may. References that are left are skipped."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and not isinstance(value, Reference):
        for each in value:
            yield from texts_within(each)


def has_reference(value: Value) -> bool:
    """Whether a reference to another file is left in `value`."""
    if isinstance(value, Reference):
        return True
    inner = value.values() if isinstance(value, Block) else value if isinstance(value, list) else ()
    return any(map(has_reference, inner))
