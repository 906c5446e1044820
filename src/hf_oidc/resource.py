"""What a token is asked for: one repository of the Hub, or one user's gated reads. Parses and prints; no I/O.

The forms are the Hub's (https://huggingface.co/docs/hub/trusted-publishers): `ns/name` is a model, `datasets/`,
`spaces/`, `kernels/` and `buckets/` stand before `ns/name`, and a single word is a user name.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from hf_oidc.errors import InvalidResource
from hf_oidc.untrusted_text import shown
from hf_oidc.url import has_password, shown_url

Kind = Literal["model", "dataset", "space", "kernel", "bucket", "user"]

KIND_OF_PREFIX: dict[str, Kind] = {
    "datasets": "dataset",
    "spaces": "space",
    "kernels": "kernel",
    "buckets": "bucket",
}
# Pages of the Hub, so nobody's name.
RESERVED = {*KIND_OF_PREFIX, "models"}
PART = re.compile(r"[A-Za-z0-9_.-]{1,96}", re.ASCII)
# What users write by mistake -> the prefix that the Hub has for it.
PREFIX_OF_MISTAKE = {
    "model": "",
    "models": "",
    "dataset": "datasets",
    "space": "spaces",
    "kernel": "kernels",
    "bucket": "buckets",
    **{prefix: prefix for prefix in KIND_OF_PREFIX},
}
# What follows namespace/name in the addresses of the Hub's pages.
PAGES = {"tree", "blob", "resolve", "raw", "commits", "commit", "discussions", "settings", "edit"}
# How the address of such a page begins. An `@` in it is before a revision; elsewhere a password may be.
PAGE = re.compile(r"(https?://)?(huggingface|hf)\.co/|hf://")
# The Hub's tokens, which somebody gives in place of a name. They would be sent to the Hub, where they may be logged.
HUB_TOKEN = re.compile(r"hf_([A-Za-z0-9]{30,}|(jwt|oauth)_[A-Za-z0-9_.-]{30,})", re.ASCII)
MAX_SHOWN = 220


class Resource(NamedTuple):
    """A resource of the Hub; `str()` is its form in the exchange's `resource` parameter."""

    kind: Kind
    path: str

    def __str__(self) -> str:
        return self.path

    @classmethod
    def parse(cls, text: str, input_name: str = "resource") -> Resource:
        """The resource that `text` names, white space around it aside; `input_name` is where the user wrote it.

        Raises `InvalidResource`, with the form that was likely meant if there is one.
        """
        text = text.strip()
        kind = _kind(text)
        if kind is None:
            raise InvalidResource(input_name, f"`{input_name}` {_problem(text)}", _suggestion(text))
        return cls(kind, text)


def _kind(text: str) -> Kind | None:
    parts = text.split("/")
    if not all(map(_is_part, parts)) or HUB_TOKEN.fullmatch(text):
        return None
    if len(parts) == 3:
        return KIND_OF_PREFIX.get(parts[0])
    if len(parts) > 3 or parts[0] in RESERVED:
        return None
    return "user" if len(parts) == 1 else "model"


def _is_part(part: str) -> bool:
    return bool(PART.fullmatch(part)) and "--" not in part and ".." not in part and not part.endswith(".git")


def _problem(text: str) -> str:
    if not text:
        return "is empty"
    if HUB_TOKEN.fullmatch(text):
        return "looks like a token, and should be the name of a repository or of a user"
    name = shown_url(text) if has_password(text) else repr(shown(text, MAX_SHOWN))
    if "\n" in text:
        return f"has several lines, and is to be one resource: {name}"
    parts = text.split("/")
    if len(parts) <= 2 and parts[0] in RESERVED:
        return f"lacks a namespace: {name}"
    return f"is of none of the Hub's forms: {name}"


def _suggestion(text: str) -> str | None:
    """The form that the writer of a URL, a wrong prefix or a `.git` ending likely meant."""
    if has_password(text) and not PAGE.match(text):
        return None
    parts = [part for part in _path_of(text.strip("'\"")).split("/") if part]
    if not parts:
        return None
    prefix = PREFIX_OF_MISTAKE.get(parts[0].lower())
    names = parts if prefix is None else parts[1:]
    if len(names) < 2 or (prefix is None and len(names) > 2 and names[2] not in PAGES):
        return None
    # What follows the name: a revision, as `acme/model@main`, or the query or fragment of a page.
    namespace, name = names[0], re.split("[@?#]", names[1])[0].removesuffix(".git")
    likely = "/".join([prefix, namespace, name] if prefix else [namespace, name])
    return likely if _kind(likely) is not None else None


def _path_of(text: str) -> str:
    """What follows the scheme and the host of a URL, in any of the ways that users write one."""
    try:
        url = urlsplit(text)
    except ValueError:
        return ""
    if url.scheme == "hf":  # hf://datasets/ns/name, as huggingface_hub writes it
        return f"{url.netloc}{url.path}"
    if url.scheme:
        return url.path
    host, _, path = text.removeprefix("git@").replace(":", "/").partition("/")
    return path if host in {"huggingface.co", "hf.co"} else text
