"""Reads a git remote: the host and the path of the repository. The rest may hold a password, and is dropped."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
PATH = r"(?P<path>[\w.-]+(?:/[\w.-]+)*/[\w.-]+?)(?:\.git)?/?"
FORMS = (
    re.compile(rf"https?://(?:[^/@]*@)?{HOST}(?::\d+)?/{PATH}", re.ASCII),
    re.compile(rf"(?:ssh|git)://(?:[^/@]*@)?{HOST}(?::\d+)?/{PATH}", re.ASCII),
    re.compile(rf"(?:[\w.-]+@){HOST}:/?{PATH}", re.ASCII),
)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)  # on GitHub
MAX_LENGTH = 2_000


class Remote(NamedTuple):
    """`host`: of the forge. `path`: of the repository there, such as `group/project`."""

    host: str
    path: str


def read_remote(url: str) -> Remote | None:
    """Returns what `url` names, or None if it is not the URL of a repository on a forge."""
    url = url.strip()[:MAX_LENGTH]
    match = next((found for form in FORMS if (found := form.fullmatch(url))), None)
    return Remote(match["host"].lower(), match["path"]) if match else None


def github_repository(url: str) -> str:
    """Returns `owner/name` of a remote on github.com, else an empty string."""
    remote = read_remote(url)
    is_one = remote and remote.host in {"github.com", "ssh.github.com"} and remote.path.count("/") == 1
    return remote.path if remote and is_one else ""


def instance(remote: Remote | None, path: str, others: Collection[str]) -> Remote | None:
    """Returns the remote if it shows the instance that runs the file. `others`: hosts of other forges.

    `path`: the repository as the user gave it. A remote of another repository shows nothing about that one.
    """
    fits = remote and remote.host not in others and path in {"", remote.path}
    return remote if fits else None
