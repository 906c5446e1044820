"""What a token is for: one repository on the Hub, or the gated repositories that one user may read. No I/O.

The forms of https://huggingface.co/docs/hub/trusted-publishers: `ns/name` is a model; other repositories are
`datasets/ns/name`, `spaces/…`, `kernels/…` and `buckets/…`; a single word is a user name.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from hf_oidc.errors import InvalidResource
from hf_oidc.http.url import has_password, shown_url
from hf_oidc.sanitize import sanitize_line

Kind = Literal["model", "dataset", "space", "kernel", "bucket", "user"]

KIND_OF_PREFIX: dict[str, Kind] = {
    "datasets": "dataset",
    "spaces": "space",
    "kernels": "kernel",
    "buckets": "bucket",
}
# Pages of the Hub, so these are not names of users.
RESERVED = {*KIND_OF_PREFIX, "models"}
PART = re.compile(r"[A-Za-z0-9_.-]{1,96}", re.ASCII)
# A prefix that users write by mistake -> the correct one.
PREFIX_OF_MISTAKE = {
    "model": "",
    "models": "",
    "dataset": "datasets",
    "space": "spaces",
    "kernel": "kernels",
    "bucket": "buckets",
    **{prefix: prefix for prefix in KIND_OF_PREFIX},
}
# What follows namespace/name in URLs of the Hub.
PAGES = {"tree", "blob", "resolve", "raw", "commits", "commit", "discussions", "settings", "edit"}
# The start of a URL of the Hub. An `@` in it precedes a revision; in other URLs it may follow a password.
PAGE = r"(https?://)?(huggingface|hf)\.co/|hf://"
# The Hub's tokens, which a user may pass by mistake. They would be sent to the Hub, where they may be logged.
HUB_TOKEN = re.compile(r"hf_([A-Za-z0-9]{30,}|(jwt|oauth)_[A-Za-z0-9_.-]{30,})", re.ASCII)
MAX_SHOWN = 220


class Resource(NamedTuple):
    """A resource of the Hub. `str()` gives the `resource` parameter of the exchange."""

    kind: Kind
    path: str

    def __str__(self) -> str:
        return self.path

    @classmethod
    def parse(cls, text: str, input_name: str = "resource") -> Resource:
        """The resource that `text` names. Ignores white space around it. `input_name`: where the user wrote it.

        Raises `InvalidResource`, with a suggestion if the user probably meant something else.
        """
        text = text.strip()
        kind = _kind(text)
        if kind is None:
            raise InvalidResource(input_name, f"`{input_name}` {_problem(text)}", _suggestion(text))
        return cls(kind, text)


def _kind(text: str) -> Kind | None:
    parts = text.split("/")
    for part in parts:
        if not PART.fullmatch(part) or "--" in part or ".." in part or part.endswith(".git"):
            return None
    if HUB_TOKEN.fullmatch(text):
        return None
    if len(parts) == 3:
        return KIND_OF_PREFIX.get(parts[0])
    if len(parts) > 3 or parts[0] in RESERVED:
        return None
    return "user" if len(parts) == 1 else "model"


def _problem(text: str) -> str:
    if not text:
        return "is empty"
    if HUB_TOKEN.fullmatch(text):
        return "looks like a token. It must be the name of a repository or of a user"
    name = shown_url(text) if has_password(text) else repr(sanitize_line(text, MAX_SHOWN))
    if "\n" in text:
        return f"has several lines, and must be one resource: {name}"
    parts = text.split("/")
    if len(parts) <= 2 and parts[0] in RESERVED:
        return f"lacks a namespace: {name}"
    return f"is not in a form that the Hub accepts: {name}"


def _suggestion(text: str) -> str | None:
    """What the user probably meant by a URL, a wrong prefix or a `.git` ending."""
    if has_password(text) and not re.match(PAGE, text):
        return None
    parts = [part for part in _path_of(text.strip("'\"")).split("/") if part]
    if not parts:
        return None
    prefix = PREFIX_OF_MISTAKE.get(parts[0].lower())
    names = parts if prefix is None else parts[1:]
    if len(names) < 2 or (prefix is None and len(names) > 2 and names[2] not in PAGES):
        return None
    # The name may be followed by a revision (`acme/model@main`), or by the query or fragment of a URL.
    namespace, name = names[0], re.split("[@?#]", names[1])[0].removesuffix(".git")
    likely = "/".join([prefix, namespace, name] if prefix else [namespace, name])
    return likely if _kind(likely) is not None else None


def _path_of(text: str) -> str:
    """The path of a URL of the Hub, in any form in which users write it."""
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
