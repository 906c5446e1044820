"""Files that hold tokens: for their owner alone, whole or not at all, and never where a link of the checkout leads.

A symbolic link is followed only if it is outside of the working directory, in an absolute path, and not the file
itself: `/tmp` may be one. What is written in the files is not known here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from hf_oidc.errors import DeliveryFailed
from hf_oidc.untrusted_text import shown

PRIVATE = 0o600
# Owners and modes mean something.
_POSIX = sys.platform != "win32"
# Not on Windows, each for its own reason: no link is followed, a pipe that takes the file's place does not keep us
# waiting; and on Windows alone: line ends stay as they are.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL
_AT_THE_END = os.O_RDWR | os.O_APPEND | _CAREFUL


class _Refused(Exception):
    """A file must not hold a token, or not be reached like this. The text says why, behind the path as it was given."""


def require_replaceable(path: Path) -> None:
    """Raises the `DeliveryFailed` that `replace` would raise, as far as that can be known before."""
    with _explained(path):
        _require_own_file(path)
        new = _beside(path)
        try:
            with _opened(new, _NEW) as descriptor:
                _make_private(descriptor)
        finally:
            new.unlink(missing_ok=True)


def require_appendable(path: Path) -> None:
    """Raises the `DeliveryFailed` that `append` would raise, as far as that can be known before."""
    with _explained(path):
        if _require_own_file(path):
            os.close(os.open(path, _AT_THE_END))
            return
    require_replaceable(path)


def replace(path: Path, text: str) -> None:
    """Writes a new file of mode 0600 in the place of `path`, whole or not at all. Raises `DeliveryFailed`."""
    with _explained(path):
        _require_own_file(path)
        new = _beside(path)
        try:
            with _opened(new, _NEW) as descriptor:
                _make_private(descriptor)
                _write(descriptor, text)
            new.replace(path)  # the name itself, even if it has become a link meanwhile
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


def append(path: Path, text: str) -> None:
    """Adds lines to the file at `path`, all of them or none; it is made with mode 0600 if there is none.

    One that others may read or write is taken from them first. The lines begin on a line of their own. Raises
    `DeliveryFailed`.
    """
    with _explained(path):
        _require_own_file(path)
        with _opened(path, _AT_THE_END | os.O_CREAT) as descriptor:
            found = os.fstat(descriptor)
            _require_own(found)  # it may have become another one
            _make_private(descriptor)
            try:
                _write(descriptor, text if _ends_a_line(descriptor, found.st_size) else f"\n{text}")
            except BaseException:
                os.ftruncate(descriptor, found.st_size)
                raise


def is_in_checkout(folder: Path) -> bool:
    """Whether the folder is the working directory, which is mostly somebody's checkout, or in it."""
    checkout = Path.cwd()
    # The root of a container's files is no checkout: everything would be in it.
    return checkout != checkout.parent and folder.resolve().is_relative_to(checkout)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _Refused as refused:
        problem = str(refused)
    except (OSError, ValueError) as error:
        problem = f"cannot be written: {getattr(error, 'strerror', None) or 'its name is not one of a file'}"
    else:
        return
    raise DeliveryFailed(f"{shown(str(path))} {problem}")


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, PRIVATE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    # Without a buffer: what is left in one is written when it is closed, after all.
    left = text.encode()
    while left:
        left = left[os.write(descriptor, left) :]


def _ends_a_line(descriptor: int, size: int) -> bool:
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _make_private(descriptor: int) -> None:
    """Takes the file from all but its owner. Raises `_Refused` where that cannot be done."""
    if _POSIX:
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) & stat.S_IRWXU)
    _require_private(os.fstat(descriptor))


def _require_private(found: os.stat_result) -> None:
    # Windows has no such modes. Some file systems have none either, such as a Windows disk under Linux, and do not say.
    if _POSIX and stat.S_IMODE(found.st_mode) & ~stat.S_IRWXU:
        raise _Refused("is open to others, and its file system keeps no permissions")


def _require_no_link_of_the_checkout(path: Path) -> None:
    """Raises `_Refused` if the folder of `path` is reached through a link that came with the checkout."""
    for folder in reversed(path.parents):
        if not folder.is_symlink():
            continue
        if not path.is_absolute() or is_in_checkout(folder.parent):
            raise _Refused(
                f"leads through {shown(str(folder))}, a symbolic link, and a token is not written through one "
                "in the working directory or in a relative path"
            )
        # Where it leads, there may be another one.
        _require_no_link_of_the_checkout(folder.parent / folder.readlink() / path.name)


def _require_own_file(path: Path) -> bool:
    """Whether there is a file at `path`. Raises `_Refused` if what is there is not a file of this user's own."""
    os.path.realpath(path.parent, strict=True)  # raises if links lead in a circle
    _require_no_link_of_the_checkout(path)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    _require_own(found)
    return True


def _require_own(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _Refused("is a symbolic link, and a token is not written through one")
    if not stat.S_ISREG(found.st_mode):
        raise _Refused("is not a file")
    if _POSIX and found.st_uid != os.geteuid():
        raise _Refused("belongs to somebody else")
