"""Reads hash-locked lists, foremost requirements/runtime.txt: what the product is made of. It downloads nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements/runtime.txt"
REQUIREMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: *;[^\\\n]*)?(?P<rest>(?: \\\n[^\\\n]+)+)$", re.MULTILINE
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package of the lock; its hashes are those of all its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


def locked(text: str) -> list[Locked]:
    """The packages of a lock, whatever environment each is for.

    Raises `ValueError` where one is there twice, for different environments: one folder cannot hold both.
    """
    found = pins(text)
    if len({package.name for package in found}) != len(found):
        raise ValueError("the lock is not one hash-locked version of each package")
    return found


def pins(text: str) -> list[Locked]:
    """The packages of a lock for all environments: one may be there in several versions.

    Raises `ValueError` if a line is not a hash-locked version.
    """
    found = [
        Locked(match["name"], match["version"], tuple(HASH.findall(match["rest"])))
        for match in REQUIREMENT.finditer(text)
    ]
    if len([line for line in text.splitlines() if line and line[0] not in " #"]) != len(found):
        raise ValueError("the lock has a line that is not a hash-locked version of a package")
    return found
