"""A command's standard streams.

Standard output is written as a whole when the command has succeeded. It is an error if that fails. It is not an
error if messages on standard error cannot be written, and a log that nothing reads blocks no command.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import queue
import select
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from hf_oidc.errors import DeliveryFailed
from hf_oidc.sanitize import sanitize

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
FULL_PIPE_TIMEOUT = 5.0  # seconds
# Held while something is written to standard error.
WRITING = threading.Lock()
# Threads that were still writing after FULL_PIPE_TIMEOUT.
LATE: set[threading.Thread] = set()
# 128 + SIGPIPE: the exit code that a shell reports when the reader of a pipe has gone away.
READER_GONE = 141
MASKS = "Standard error, through which the runner learns which token to hide,"


def keep_descriptors() -> None:
    """Opens closed standard streams on the null device. Otherwise the next socket or file would get their numbers.

    Python's streams stay `None`, and a program that replaces this process still finds them closed.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        pass
    os.close(descriptor)


def require(*, show: bool) -> None:
    """Call before requesting a token that will be printed.

    Raises `DeliveryFailed` if standard output is closed, and `click.UsageError` if it is a terminal, unless `show`.
    """
    if sys.__stdout__ is None:
        raise DeliveryFailed("Standard output is closed", "standard-output")
    if sys.__stdout__.isatty() and not show:
        raise click.UsageError(
            "The token is not printed on a terminal, where others may see it. Use --show to print it."
        )


def require_log() -> None:
    """Raises `DeliveryFailed` if no runner can read standard error."""
    if sys.stderr is None:
        raise DeliveryFailed(f"{MASKS} is closed", "log")
    found = os.fstat(STANDARD_ERROR)
    if stat.S_ISREG(found.st_mode):
        raise DeliveryFailed(f"{MASKS} goes to a file", "log")
    # On Windows, only the file type tells a pipe from the null device.
    if stat.S_ISCHR(found.st_mode) and os.path.samestat(found, Path(os.devnull).stat()):
        raise DeliveryFailed(f"{MASKS} goes nowhere", "log")


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Holds standard output back during a `with` block, and writes it if the block succeeds.

    Raises `DeliveryFailed` if it cannot be written, and `click.exceptions.Exit` if its reader has gone away.
    """
    held = io.BytesIO()
    # click writes bytes for shell completion, else text.
    with contextlib.redirect_stdout(io.TextIOWrapper(held, encoding="utf-8", newline="", write_through=True)):
        yield
        text = held.getvalue().decode()
    if not text:
        return
    if sys.stdout is None:
        raise DeliveryFailed("Standard output is closed", "standard-output")
    # The encoding of the terminal may lack a character of a claim.
    cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        atexit.register(_silence_output)
        raise click.exceptions.Exit(READER_GONE) from None
    except OSError as error:
        atexit.register(_silence_output)
        problem = f"Standard output cannot be written: {error.strerror}"
        raise DeliveryFailed(problem, "standard-output") from None


def tell(text: str) -> None:
    """Prints lines on standard error. It may be closed or full."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            _write_error(f"{sanitize(text)}\n".encode(sys.stderr.encoding, "backslashreplace"))


def write_error(text: str) -> None:
    """Writes all of the text to standard error, if possible at once. Raises `DeliveryFailed`."""
    try:
        _write_error(text.encode())
    except OSError as error:
        problem = f"{MASKS} cannot be written: {error.strerror}"
    else:
        return
    raise DeliveryFailed(problem, "log")


def _write_error(content: bytes) -> None:
    """Raises `OSError`, also if standard error is full and nothing reads it."""
    # A write to a full pipe or terminal blocks, and O_NONBLOCK would change it for all programs that share it. So a
    # thread writes, and this function stops waiting for it if nothing reads.
    outcome: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_write_in_turn, args=[content, outcome], daemon=True)
    unread = TimeoutError(errno.ETIMEDOUT, "it is full, and nothing reads it")
    if any(each.is_alive() for each in LATE):  # the delays of several messages must not add up
        raise unread
    try:
        thread.start()
    except RuntimeError:  # the machine has no thread to spare
        thread.run()
    try:
        problem = outcome.get(timeout=FULL_PIPE_TIMEOUT)
    except queue.Empty:
        LATE.add(thread)
        problem = unread
    if problem:
        raise problem


def _write_in_turn(content: bytes, outcome: queue.SimpleQueue[OSError | None]) -> None:
    if not WRITING.acquire(timeout=FULL_PIPE_TIMEOUT):
        return
    try:
        # Not `sys.stderr`: Python waits at exit for a thread that writes to it.
        with open(STANDARD_ERROR, "wb", buffering=0, closefd=False) as stream:
            left = memoryview(content)
            while left:
                written = stream.write(left)
                if written is None:  # another program made the shared pipe non-blocking
                    select.select([], [STANDARD_ERROR], [])
                left = left[written or 0 :]
    except OSError as error:
        outcome.put(error)
    else:
        outcome.put(None)
    finally:
        WRITING.release()


def _silence_output() -> None:
    # At exit Python flushes its buffer, and would report an error.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, STANDARD_OUTPUT)
    os.close(nothing)
