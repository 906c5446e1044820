"""What a login is to give: a token for a resource, under the name of an environment variable.

Values: texts in, pairs out. Where the texts are from, the doors know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hf_oidc import env_name
from hf_oidc.errors import InvalidInput
from hf_oidc.resource import Resource

EXAMPLE = "MODEL_TOKEN=acme/model"
# These are in no name of a variable: what stands before the `=` belongs to a path, or to the address of a page.
IN_ADDRESSES = re.compile(r"[/?#:]")


class Wanted(NamedTuple):
    """A resource, and the environment variable for its token."""

    name: str
    resource: Resource


def named(wanted: Iterable[Wanted]) -> str:
    """Which of several these are, in words."""
    return ", ".join(f"{each.name} ({each.resource})" for each in wanted)


def from_arguments(arguments: Sequence[str], input_name: str) -> tuple[Wanted, ...]:
    """Each `[NAME=]RESOURCE`; HF_TOKEN where there is no name. Raises the `UsageError` that names `input_name`."""
    for argument in arguments:
        _require_one(argument, input_name, f"each as an argument of its own, and a name before it: {EXAMPLE}")
    return _distinct([_wanted(argument, input_name) for argument in arguments], input_name)


def from_lines(text: str, input_name: str) -> tuple[Wanted, ...]:
    """The resource of a single line, named or not; of several lines, each has its name. Raises a `UsageError`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    for line in lines:
        _require_one(line, input_name, f"one per line, each with the name of a variable before it: {EXAMPLE}")
    unnamed = next((number for number, line in enumerate(lines, 1) if not _named(line)), None)
    if len(lines) > 1 and unnamed:
        problem = f"`{input_name}` has several lines, and number {unnamed} has no name before it"
        raise InvalidInput(input_name, problem, f"the name of an environment variable before each: {EXAMPLE}")
    return from_arguments(lines, input_name)


def from_single(text: str, input_name: str) -> Resource:
    """The one resource, with no name of a variable before it. Raises the `UsageError` that names `input_name`."""
    _require_one(
        text, input_name, "one of them: `hf-oidc run` and `hf-oidc env` take several, and this command does not"
    )
    if _named(text):
        problem = f"`{input_name}` has the name of a variable before the resource, and this command sets none"
        raise InvalidInput(input_name, problem, "the resource alone, or use `hf-oidc run` or `hf-oidc env`")
    return Resource.parse(text, input_name)


def _require_one(text: str, input_name: str, expected: str) -> None:
    listed, words = [part for part in re.split("[,;]", text) if part.strip()], text.split()
    if len(listed) > 1 or (len(words) > 1 and all("/" in word for word in words)):
        raise InvalidInput(input_name, f"`{input_name}` names several resources at once", expected)


def _named(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and not IN_ADDRESSES.search(name)


def _wanted(text: str, input_name: str) -> Wanted:
    if not _named(text):
        return Wanted(env_name.DEFAULT, Resource.parse(text, input_name))
    name, _, rest = text.partition("=")
    return Wanted(env_name.checked(name.strip(), input_name), Resource.parse(rest.strip(), input_name))


def _distinct(found: list[Wanted], input_name: str) -> tuple[Wanted, ...]:
    # Windows takes names that differ in case for one.
    names = [each.name.upper() for each in found]
    if twice := next((each.name for each in found if names.count(each.name.upper()) > 1), None):
        problem = f"Two tokens for the variable `{twice}`"
        raise InvalidInput(input_name, problem, f"a name of its own before each: {EXAMPLE}")
    return tuple(found)
