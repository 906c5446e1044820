"""Files that hold tokens: for their owner alone, and never where a link leads.

What is written in them is not known here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from hf_oidc.errors import DeliveryFailed
from hf_oidc.untrusted_text import shown_input

PRIVATE = 0o600


def replace(path: Path, text: str) -> None:
    """Writes a new file of mode 0600 in the place of `path`, whole or not at all. Raises `DeliveryFailed`."""
    _require_own_file(path)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        try:
            _write(new, os.O_EXCL, text)
            new.replace(path)  # the name itself, even if it has become a link meanwhile
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
    except (OSError, ValueError) as error:
        raise _failed(path, error) from None


def append(path: Path, text: str) -> None:
    """Adds to the file at `path`, which is made with mode 0600 if there is none. Raises `DeliveryFailed`."""
    _require_own_file(path)
    try:
        _write(path, os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), text)
    except (OSError, ValueError) as error:
        raise _failed(path, error) from None


def _write(path: Path, flags: int, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, PRIVATE)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - of a descriptor
        file.write(text)


def _require_own_file(path: Path) -> None:
    """Raises `DeliveryFailed` if something is at `path` that is not a file of this user's own."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _failed(path, error) from None
    if stat.S_ISLNK(found.st_mode):
        raise DeliveryFailed(f"{shown_input(str(path))} is a symbolic link, and a token is not written through one")
    if not stat.S_ISREG(found.st_mode):
        raise DeliveryFailed(f"{shown_input(str(path))} is not a file")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise DeliveryFailed(f"{shown_input(str(path))} belongs to somebody else")


def _failed(path: Path, error: Exception) -> DeliveryFailed:
    reason = getattr(error, "strerror", None) or "its name is not one of a file"
    return DeliveryFailed(f"{shown_input(str(path))} cannot be written: {reason}")
