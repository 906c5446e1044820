"""What a login is to give: a token for a resource, under the name of an environment variable.

Values: texts in, pairs out. Where the texts are from, the doors know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hf_oidc import env_name
from hf_oidc.errors import InvalidInput
from hf_oidc.resource import Resource

EXAMPLE = "MODEL_TOKEN=acme/model"


class Wanted(NamedTuple):
    """A resource, and the environment variable for its token."""

    name: str
    resource: Resource


def named(wanted: Iterable[Wanted]) -> str:
    """Which of several these are, in words."""
    return ", ".join(f"{each.name} ({each.resource})" for each in wanted)


def from_arguments(arguments: Sequence[str], input_name: str) -> tuple[Wanted, ...]:
    """Each `[NAME=]RESOURCE`; HF_TOKEN where there is no name. Raises the `UsageError` that names `input_name`."""
    return _distinct([_wanted(argument, input_name) for argument in arguments], input_name)


def from_lines(text: str, input_name: str) -> tuple[Wanted, ...]:
    """The resource of a single line, named or not; of several lines, each has its name. Raises a `UsageError`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    unnamed = next((number for number, line in enumerate(lines, 1) if "=" not in line), None)
    if len(lines) > 1 and unnamed:
        problem = f"`{input_name}` has several lines, and resource {unnamed} of them has no name"
        raise InvalidInput(input_name, problem, f"the name of an environment variable before each: {EXAMPLE}")
    return from_arguments(lines, input_name)


def _wanted(text: str, input_name: str) -> Wanted:
    name, equals, rest = text.partition("=")
    if not equals:
        return Wanted(env_name.DEFAULT, Resource.parse(text))
    return Wanted(env_name.checked(name.strip(), input_name), Resource.parse(rest.strip()))


def _distinct(found: list[Wanted], input_name: str) -> tuple[Wanted, ...]:
    # Windows takes names that differ in case for one.
    names = [each.name.upper() for each in found]
    if twice := next((each.name for each in found if names.count(each.name.upper()) > 1), None):
        problem = f"Two tokens for the variable `{twice}`"
        raise InvalidInput(input_name, problem, f"a name of its own before each: {EXAMPLE}")
    return tuple(found)
