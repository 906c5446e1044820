"""Writes files that hold tokens: readable by their owner only, and completely or not at all.

A symbolic link is followed only if it is a folder of an absolute path, outside the working directory (`/tmp` may be
one). A link in the checkout could lead anywhere.
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
from hf_oidc.sanitize import sanitize_line

PRIVATE = 0o600
# Whether files have owners and modes.
_POSIX = sys.platform != "win32"
# O_NOFOLLOW: follow no link. O_NONBLOCK: do not block if a pipe has replaced the file. Windows has neither, but
# O_BINARY, which keeps line ends.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL
_AT_THE_END = os.O_RDWR | os.O_APPEND | _CAREFUL


class _Refused(Exception):
    """A file must not hold a token, or not be reached like this. The text says why, behind the path as it was given."""


def require_replaceable(path: Path) -> None:
    """Raises the `DeliveryFailed` that `replace` would raise, as far as that is known before."""
    with _explained(path):
        _require_own_file(path)
        new = _beside(path)
        try:
            with _opened(new, _NEW) as descriptor:
                _make_private(descriptor)
        finally:
            new.unlink(missing_ok=True)


def require_appendable(path: Path) -> None:
    """Raises the `DeliveryFailed` that `append` would raise, as far as that is known before."""
    with _explained(path):
        if _require_own_file(path):
            os.close(os.open(path, _AT_THE_END))
            return
    require_replaceable(path)


def replace(path: Path, text: str) -> None:
    """Replaces `path` with a new file of mode 0600, completely or not at all. Raises `DeliveryFailed`."""
    with _explained(path):
        _require_own_file(path)
        new = _beside(path)
        try:
            with _opened(new, _NEW) as descriptor:
                _make_private(descriptor)
                _write(descriptor, text)
            new.replace(path)  # replaces the name, even if it has become a link meanwhile
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


def require_guarded_folder(path: Path) -> None:
    """Raises `DeliveryFailed` if another user could put a file of theirs in the place of `path`.

    unlink(2): a user who can write to a folder can also remove and rename the files of others in it. If it has the
    sticky bit, only the owner of the folder can.
    """
    with _explained(path):
        parent = Path(os.path.realpath(path.parent, strict=True))
        # Also the folders of the path as it is written: others could replace one of them that is a link.
        for folder in dict.fromkeys([parent, *parent.parents, *path.absolute().parents]):
            found = folder.stat()
            # The group of a folder above is often the user's own: many systems have the umask 002.
            others = stat.S_IWOTH | (stat.S_IWGRP if folder == parent else 0)
            guarded = found.st_mode & stat.S_ISVTX and found.st_uid in {0, _user()}
            if not _POSIX or guarded or not found.st_mode & others:
                continue
            if folder == parent:
                raise _Refused(
                    "is in a folder where other users can replace it: use a folder that only you can write to "
                    "(`chmod go-w`), or a folder of root's with the sticky bit, such as /dev/shm"
                )
            raise _Refused(
                f"is below {sanitize_line(str(folder))}, where other users can replace folders: use a path on which "
                "only you and root can write, such as one in /dev/shm, or set the sticky bit there (`chmod +t`)"
            )


def remove(path: Path) -> None:
    """Removes the file, if it exists. Raises `DeliveryFailed` if it is not a regular file of this user."""
    with _explained(path, "removed"), contextlib.suppress(FileNotFoundError):
        if _require_own_file(path):
            path.unlink()


def append(path: Path, text: str) -> None:
    """Appends lines to the file at `path`, all of them or none. Creates it with mode 0600 if it does not exist.

    First removes the permissions of other users. Begins on a new line. Raises `DeliveryFailed`.
    """
    with _explained(path):
        _require_own_file(path)
        with _opened(path, _AT_THE_END | os.O_CREAT) as descriptor:
            found = os.fstat(descriptor)
            _require_own(found)  # it may have been replaced
            _make_private(descriptor)
            try:
                if found.st_size:
                    os.lseek(descriptor, -1, os.SEEK_END)
                    text = text if os.read(descriptor, 1) == b"\n" else f"\n{text}"
                _write(descriptor, text)
            except BaseException:
                os.ftruncate(descriptor, found.st_size)
                raise


def is_in_checkout(folder: Path) -> bool:
    """Whether the folder is in the working directory, which usually is a checkout."""
    try:
        checkout = Path.cwd()
    except FileNotFoundError:  # it was removed, and all that was in it
        return False
    # `/`, the working directory of some containers, is not a checkout: everything would be in it.
    return checkout != checkout.parent and folder.resolve().is_relative_to(checkout)


@contextlib.contextmanager
def _explained(path: Path, action: str = "written") -> Iterator[None]:
    try:
        yield
    except _Refused as refused:
        problem = str(refused)
    except (OSError, ValueError) as error:
        problem = f"cannot be {action}: {getattr(error, 'strerror', None) or 'this is not a valid file name'}"
    else:
        return
    raise DeliveryFailed(f"{sanitize_line(str(path))} {problem}")


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, PRIVATE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    # Without a buffer, which would be written when it is closed, even after a failure. Text from variables and
    # arguments (git's configuration, a path) becomes its original bytes again, which may not be UTF-8.
    left = os.fsencode(text)
    while left:
        left = left[os.write(descriptor, left) :]


def _user() -> int:
    return os.geteuid() if _POSIX else 0


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _make_private(descriptor: int) -> None:
    """Removes the permissions of other users. Raises `_Refused` if that is not possible."""
    if _POSIX:
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) & stat.S_IRWXU)
    _require_private(os.fstat(descriptor))


def _require_private(found: os.stat_result) -> None:
    # Windows has no such modes. Some file systems, such as a Windows disk under Linux, silently ignore them.
    if _POSIX and stat.S_IMODE(found.st_mode) & ~stat.S_IRWXU:
        raise _Refused("is open to other users, and its file system keeps no permissions")


def _require_no_link_of_the_checkout(path: Path) -> None:
    """Raises `_Refused` if the folder of `path` goes through a link that came with the checkout."""
    for folder in reversed(path.parents):
        if not folder.is_symlink():
            continue
        if not path.is_absolute() or is_in_checkout(folder.parent):
            raise _Refused(
                f"leads through {sanitize_line(str(folder))}, a symbolic link, and a token is not written through one "
                "in the working directory or in a relative path"
            )
        # The target may contain another link.
        _require_no_link_of_the_checkout(folder.parent / folder.readlink() / path.name)


def _require_own_file(path: Path) -> bool:
    """Whether there is a file at `path`. Raises `_Refused` if it is not a file, or not of this user."""
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
    if _POSIX and found.st_uid != _user():
        raise _Refused("belongs to another user")
