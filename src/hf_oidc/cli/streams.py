"""A command's standard streams: its output goes out whole when the command has ended, or it is said why not.

What is written is not known here. Standard error is for whoever listens: that nobody does is no failure.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from hf_oidc.errors import DeliveryFailed
from hf_oidc.sanitize import sanitize

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
WHOLE_SECONDS = 5.0  # that a full pipe is waited for
# 128 and the number of SIGPIPE: what a shell says of a program whose reader has gone away.
READER_GONE = 141
MASKS = "Standard error, where the runner is told to hide a token,"


def keep_descriptors() -> None:
    """Opens the standard streams that are closed, on nothing: else the next socket or file would have their numbers.

    Python's own streams stay as they are (None), and a program that takes the place of this one finds them closed.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        pass
    os.close(descriptor)


def require(*, show: bool) -> None:
    """To be asked before a token is asked for that is to be printed.

    Raises `DeliveryFailed` if standard output is closed, and `click.UsageError` if it is a terminal, unless `show`.
    """
    if sys.__stdout__ is None:
        raise DeliveryFailed("Standard output is closed", "standard-output")
    if sys.__stdout__.isatty() and not show:
        raise click.UsageError("A token is not printed on a terminal, where others may see it; --show prints it.")


def require_log() -> None:
    """Raises `DeliveryFailed` if no runner can read what is written on standard error."""
    if problem := _unheard():
        raise DeliveryFailed(f"{MASKS} {problem}", "log")


def _unheard() -> str:
    if sys.stderr is None:
        return "is closed"
    found = os.fstat(STANDARD_ERROR)
    if stat.S_ISREG(found.st_mode):
        return "goes to a file"
    # On Windows pipes look the same as it, but for their kind.
    is_null = stat.S_ISCHR(found.st_mode) and os.path.samestat(found, Path(os.devnull).stat())
    return "goes nowhere" if is_null else ""


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Holds standard output back for the length of a `with` block that ends well, and writes it then.

    Raises `DeliveryFailed` if it cannot be written, and `click.exceptions.Exit` if its reader has gone away.
    """
    held = io.BytesIO()
    # Click writes text, and bytes where a shell asks for completion.
    with contextlib.redirect_stdout(io.TextIOWrapper(held, encoding="utf-8", newline="", write_through=True)):
        yield
        text = held.getvalue().decode()
    if text:
        _write(text)


def tell(text: str) -> None:
    """Lines on standard error."""
    with telling():
        click.echo(sanitize(text), err=True)


def write_error(text: str) -> None:
    """The text on standard error, in one piece as far as the system can, and whole. Raises `DeliveryFailed`."""
    left = text.encode()
    try:
        while left:
            try:
                left = left[os.write(STANDARD_ERROR, left) :]
            except BlockingIOError:  # another program that has it, too, has made it so
                if not select.select([], [STANDARD_ERROR], [], WHOLE_SECONDS)[1]:
                    raise
    except OSError as error:
        problem = f"{MASKS} cannot be written: {error.strerror}"
    else:
        return
    raise DeliveryFailed(problem, "log")


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Around what writes to standard error: it may be full or closed, and then nobody hears it."""
    try:
        yield
    except OSError:
        atexit.register(_silence, STANDARD_ERROR)


def _write(text: str) -> None:
    if sys.stdout is None:
        raise DeliveryFailed("Standard output is closed", "standard-output")
    # A claim may have letters that the terminal does not know.
    cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        atexit.register(_silence, STANDARD_OUTPUT)
        raise click.exceptions.Exit(READER_GONE) from None
    except OSError as error:
        atexit.register(_silence, STANDARD_OUTPUT)
        problem = f"Standard output cannot be written: {error.strerror}"
        raise DeliveryFailed(problem, "standard-output") from None


def _silence(descriptor: int) -> None:
    # Python writes what is left in its buffers when it ends, and complains if it cannot.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
