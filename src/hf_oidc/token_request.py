"""What a login is to give: a token for a resource, under the name of an environment variable.

Values: texts in, pairs out. Where the texts are from, the doors know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hf_oidc import env_name
from hf_oidc.errors import InvalidInput
from hf_oidc.hub.resource import Resource

EXAMPLE = "MODEL_TOKEN=acme/model"
# These are in no name of a variable: what stands before the `=` belongs to a path, or to the address of a page.
IN_ADDRESSES = re.compile(r"[/?#:]")


class TokenRequest(NamedTuple):
    """A resource, and the environment variable for its token."""

    name: str
    resource: Resource


def named(requests: Iterable[TokenRequest]) -> str:
    """Which of several these are, in words."""
    return ", ".join(f"{each.name} ({each.resource})" for each in requests)


def from_arguments(arguments: Sequence[str], input_name: str) -> tuple[TokenRequest, ...]:
    """Each `[NAME=]RESOURCE`; HF_TOKEN where there is no name. Raises the `UsageError` that names `input_name`."""
    for argument in arguments:
        _require_one(argument, input_name, f"each as an argument of its own, and a name before it: {EXAMPLE}")
    return _distinct([_request(argument, input_name) for argument in arguments], input_name)


def from_lines(text: str, input_name: str) -> tuple[TokenRequest, ...]:
    """The resource of a single line, named or not; of several lines, each has its name. Raises a `UsageError`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    for line in lines:
        _require_one(line, input_name, f"one per line, each with the name of a variable before it: {EXAMPLE}")
    unnamed = next((number for number, line in enumerate(lines, 1) if not _named(line)), None)
    if len(lines) > 1 and unnamed:
        problem = f"`{input_name}` has several lines, and resource {unnamed} of them has no name"
        raise InvalidInput(input_name, problem, f"the name of an environment variable before each: {EXAMPLE}")
    return from_arguments(lines, input_name)


def _require_one(text: str, input_name: str, expected: str) -> None:
    listed, words = [part for part in re.split("[,;]", text) if part.strip()], text.split()
    if len(listed) > 1 or (len(words) > 1 and all("/" in word for word in words)):
        raise InvalidInput(input_name, f"`{input_name}` names several resources at once", expected)


def _named(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and not IN_ADDRESSES.search(name)


def _request(text: str, input_name: str) -> TokenRequest:
    if not _named(text):
        return TokenRequest(env_name.DEFAULT, Resource.parse(text))
    name, _, rest = text.partition("=")
    return TokenRequest(env_name.checked(name.strip(), input_name), Resource.parse(rest.strip()))


def _distinct(found: list[TokenRequest], input_name: str) -> tuple[TokenRequest, ...]:
    # Windows takes names that differ in case for one.
    names = [each.name.upper() for each in found]
    if twice := next((each.name for each in found if names.count(each.name.upper()) > 1), None):
        problem = f"Two tokens for the variable `{twice}`"
        raise InvalidInput(input_name, problem, f"a name of its own before each: {EXAMPLE}")
    return tuple(found)
