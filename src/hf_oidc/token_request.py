"""Parses `[NAME=]RESOURCE` and `[NAME=]PATH`, and decides which environment variables may hold a token.

It does no I/O and reads no environment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hf_oidc.errors import InvalidInput
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

EXAMPLE = "MODEL_TOKEN=acme/model"
# With one of these before the `=`, the text is a path or a URL with a query, and not NAME=RESOURCE.
IN_ADDRESSES = re.compile(r"[/?#:]")
DEFAULT_NAME = "HF_TOKEN"
NAME = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
# A token in one of these variables would change which programs run, or how. Never wanted. GitHub's runner itself
# refuses NODE_OPTIONS and its own names.
FORBIDDEN_NAMES = (
    r".*PATH|PATHEXT|HOME|USER|SHELL|PWD|OLDPWD|TMPDIR|TEMP|TMP|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|PS[0-9]|E?UID|PPID"
    r"|ZDOTDIR|USERPROFILE|(LOCAL)?APPDATA|WINDIR|SYSTEMDRIVE|XDG_.*|OPENSSL_CONF|GLIBC_TUNABLES|DOCKER_.*|KUBECONFIG"
    r"|LUA_INIT|_?J(AVA|DK)_.*|DOTNET_.*|MAKEFLAGS|CC|CXX|PIP_.*|UV_.*|NPM_CONFIG_.*|GOPROXY|GOFLAGS|LESS(OPEN|CLOSE)"
    r"|PROMPT_COMMAND|COMSPEC|SYSTEMROOT|LD_.*|DYLD_.*|PYTHON.*|NODE_.*|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|GIT_.*|SSH_.*"
    r"|GITHUB_.*|RUNNER_.*|ACTIONS_.*|INPUT_.*|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|HF_ENDPOINT|HF_OIDC_.*|HF_HOME|HF_HUB_.*|HF_XET_.*|EDITOR|PAGER|VISUAL|LANG|LC_.*|CI"
)
# With _PATH appended, these name variables in which programs look for files.
SEARCHED_PATHS = (
    r"GITHUB|NODE|LIBRARY|LD_LIBRARY|C_INCLUDE|CPLUS_INCLUDE|GCONV|PKG_CONFIG|CMAKE_PREFIX|CARGO_HOME|GEM|INFO"
)


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
    found = [_request(argument, input_name) for argument in arguments]
    names = Counter(each.name.upper() for each in found)  # Windows ignores the case of names
    if twice := next((each.name for each in found if names[each.name.upper()] > 1), None):
        problem = f"Two tokens for the variable `{twice}`"
        raise InvalidInput(input_name, problem, f"a different name for each: {EXAMPLE}")
    return tuple(found)


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


def path_variable(name: str, env: Mapping[str, str], input_name: str) -> str:
    """The variable for the path of the file with the token that is called `name`.

    Raises `InvalidInput` if the job, or a program, uses this variable for something else.
    """
    # huggingface_hub reads HF_TOKEN_PATH; the other names follow its example.
    variable = f"{name}_PATH"
    if name != DEFAULT_NAME and (variable in env or re.fullmatch(SEARCHED_PATHS, name, re.IGNORECASE)):
        problem = f"`{variable}` would hold the path of the token's file, but already has another meaning"
        raise InvalidInput(input_name, problem, f"another name than {name}, such as MODEL_TOKEN")
    return variable


def paths_from_arguments(arguments: Sequence[str], names: Sequence[str], input_name: str) -> dict[str, Path]:
    """The path in `[NAME=]PATH` for each token, by its name. Raises `InvalidInput` if one is unclear."""
    form = " ".join(f"{input_name} {name}=PATH" for name in names) if len(names) > 1 else f"{input_name} PATH"
    found: dict[str, Path] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        # As in [NAME=]RESOURCE, a path that begins with a name and `=` needs ./ in front.
        if not (equals and re.fullmatch(NAME, name)):
            name, text = names[0], argument
            if len(names) > 1:
                raise InvalidInput(input_name, f"A `{input_name}` does not say which of the tokens it is for", form)
        if name not in names:
            raise InvalidInput(input_name, f"`{input_name}` names `{name}`, and no RESOURCE has this name", form)
        if name in found:
            raise InvalidInput(input_name, f"There are two files for the token `{name}`", form)
        found[name] = path_from_argument(text, input_name)
    if missing := next((name for name in names if name not in found), None):
        raise InvalidInput(input_name, f"`{input_name}` for `{missing}` is missing: it says where the token is", form)
    return found


def path_from_argument(text: str, input_name: str) -> Path:
    """The path of a file. Raises `InvalidInput`. It can be printed: a path must not start a command of a CI."""
    if not text or text == "-" or not text.isprintable():
        raise InvalidInput(input_name, f"`{input_name}` is not the path of a file", "a path of printable characters")
    return Path(text)


def _require_one(text: str, input_name: str, expected: str) -> None:
    listed, words = [part for part in re.split("[,;]", text) if part.strip()], text.split()
    if len(listed) > 1 or (len(words) > 1 and all("/" in word for word in words)):
        raise InvalidInput(input_name, f"`{input_name}` names several resources at once", expected)


def _named(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and not IN_ADDRESSES.search(name)


def _request(text: str, input_name: str) -> TokenRequest:
    if not _named(text):
        return TokenRequest(DEFAULT_NAME, Resource.parse(text, input_name))
    name, _, resource = text.partition("=")
    name = name.strip()
    if not re.fullmatch(NAME, name):
        problem = f"{sanitize_line(name)!r} is not a valid name of an environment variable"
        raise InvalidInput(input_name, problem, "letters, digits and _, without a digit at the start, such as HF_TOKEN")
    if re.fullmatch(FORBIDDEN_NAMES, name, re.IGNORECASE):
        problem = f"A token in `{name}` would change how programs run"
        raise InvalidInput(input_name, problem, "another name, such as HF_TOKEN")
    return TokenRequest(name, Resource.parse(resource.strip(), input_name))
