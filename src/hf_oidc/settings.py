"""The action's inputs, and the options of `hf-oidc` that mean the same: each once, with its default and its check.

The action, the options and the judgement of workflow files read this table, so that they cannot disagree. Pure: texts
in, values out; where the texts come from, the entry points know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from hf_oidc.errors import InvalidInput
from hf_oidc.http.url import base_url, has_password, shown_url
from hf_oidc.sanitize import sanitize_line
from hf_oidc.token_request import from_lines

DEFAULT_HUB_URL = "https://huggingface.co"
MAX_AUDIENCE = 1000  # characters
MAX_TIMEOUT = 3600  # seconds, for a login
# YAML 1.2, core schema: these and no others.
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
FAILS = {"fail": True, "warn": False}

Value_co = TypeVar("Value_co", covariant=True)


class Setting(Generic[Value_co]):
    """An input: its name, the text that an empty one stands for, and what its text says.

    `check` takes the name that the user knows, and the text; it raises the `UsageError` that names what is wrong.
    """

    def __init__(self, name: str, default: str, check: Callable[[str, str], Value_co]) -> None:
        self.name = name
        self.default = default
        self._check = check

    def read(self, text: str, name: str = "") -> Value_co:
        """What `text` says, of the input, or of the option `name`. Raises a `UsageError`."""
        return self._check(name or self.name, text or self.default)


def _choice(choices: Mapping[str, bool]) -> Callable[[str, str], bool]:
    expected = " or ".join(word for word in choices if word.islower())

    def check(name: str, text: str) -> bool:
        if text not in choices:
            raise _not(expected, name, text)
        return choices[text]

    return check


def _hub_url(name: str, text: str) -> str:
    return base_url(name, text) if text else ""


def _audience(name: str, text: str) -> str:
    # It would stand in the ID token, which CIs and the Hub log.
    expected = f"a URL such as {DEFAULT_HUB_URL}"
    if has_password(text):
        raise InvalidInput(name, f"`{name}` has a password in it: {shown_url(text)}", expected)
    # Of the spaces, `isprintable` takes the plain one alone.
    if not text.isprintable() or " " in text or len(text) > MAX_AUDIENCE:
        raise InvalidInput(name, f"`{name}` is not one word: {sanitize_line(text)!r}", expected)
    return text


def _seconds(name: str, text: str) -> int:
    # Zeros at the beginning are what a number may have; more digits than four are none that could be meant.
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if not 1 <= len(digits) <= 4 or int(digits) > MAX_TIMEOUT:
        raise _not(f"a whole number of seconds from 1 to {MAX_TIMEOUT}", name, text)
    return int(digits)


def _any(_name: str, text: str) -> str:
    return text


def _not(expected: str, name: str, text: str) -> InvalidInput:
    # What stands in the wrong input may still be a URL with a password.
    given = shown_url(text) if has_password(text) else repr(sanitize_line(text))
    return InvalidInput(name, f"`{name}` is not {expected}: {given}", expected)


RESOURCE = Setting("resource", "", lambda name, text: from_lines(text, name))
EXPORT_ENV = Setting("export-env", "true", _choice(BOOLEANS))
GIT_CREDENTIALS = Setting("git-credentials", "false", _choice(BOOLEANS))
ON_ERROR = Setting("on-error", "fail", _choice(FAILS))
HUB_URL = Setting("hub-url", "", _hub_url)
AUDIENCE = Setting("audience", "", _audience)
ID_TOKEN = Setting("id-token", "", _any)
CA_BUNDLE = Setting("ca-bundle", "", _any)
TIMEOUT = Setting("timeout", "60", _seconds)
# In the order of action.yml.
INPUTS: Mapping[str, Setting[object]] = {
    each.name: each
    for each in (
        RESOURCE,
        EXPORT_ENV,
        GIT_CREDENTIALS,
        ON_ERROR,
        HUB_URL,
        AUDIENCE,
        ID_TOKEN,
        CA_BUNDLE,
        TIMEOUT,
    )
}


def hub_url(text: str, env: Mapping[str, str], name: str = "") -> str:
    """The Hub's URL: what `text` says, or $HF_ENDPOINT, or huggingface.co. Raises a `UsageError`."""
    return HUB_URL.read(text, name) or base_url("HF_ENDPOINT", env.get("HF_ENDPOINT", "").strip() or DEFAULT_HUB_URL)
