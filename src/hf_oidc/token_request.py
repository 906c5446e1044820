"""Parses `[NAME=]RESOURCE` into token requests. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hf_oidc import env_name
from hf_oidc.errors import InvalidInput
from hf_oidc.hub.resource import Resource

EXAMPLE = "MODEL_TOKEN=acme/model"
# With one of these before the `=`, the text is a path or a URL with a query, and not NAME=RESOURCE.
IN_ADDRESSES = re.compile(r"[/?#:]")


class TokenRequest(NamedTuple):
    """A resource, and the environment variable for its token."""

    name: str
    resource: Resource


def named(requests: Iterable[TokenRequest]) -> str:
    """The requests as text, for a message."""
    return ", ".join(f"{each.name} ({each.resource})" for each in requests)


def from_arguments(arguments: Sequence[str], input_name: str) -> tuple[TokenRequest, ...]:
    """A request for each `[NAME=]RESOURCE`; the default name is HF_TOKEN. Raises a `UsageError`."""
    for argument in arguments:
        _require_one(argument, input_name, f"a separate argument for each, with a name: {EXAMPLE}")
    return _distinct([_request(argument, input_name) for argument in arguments], input_name)


def from_lines(text: str, input_name: str) -> tuple[TokenRequest, ...]:
    """A request for each line. Of several lines, each must have a name. Raises a `UsageError`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    for line in lines:
        _require_one(line, input_name, f"one per line, each with the name of a variable: {EXAMPLE}")
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


def _request(text: str, input_name: str) -> TokenRequest:
    if not _named(text):
        return TokenRequest(env_name.DEFAULT, Resource.parse(text, input_name))
    name, _, rest = text.partition("=")
    return TokenRequest(env_name.checked(name.strip(), input_name), Resource.parse(rest.strip(), input_name))


def _distinct(found: list[TokenRequest], input_name: str) -> tuple[TokenRequest, ...]:
    # Windows ignores the case of names.
    names = Counter(each.name.upper() for each in found)
    if twice := next((each.name for each in found if names[each.name.upper()] > 1), None):
        problem = f"Two tokens for the variable `{twice}`"
        raise InvalidInput(input_name, problem, f"a different name for each: {EXAMPLE}")
    return tuple(found)
