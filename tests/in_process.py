"""An entry point of `hf_oidc` inside this process: the same function, real sockets, and no interpreter to start.

It is for tests to which a process adds nothing. What is about streams, signals, exit codes, start-up or command lines
starts one: `action_process` and `cli_process` do either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

STDIN, STDOUT, STDERR = 0, 1, 2


def call(
    entry: Callable[[], object], env: Mapping[str, str], cwd: Path, *, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Call `entry` with this environment, working directory and standard input.

    Its exit code is what it returns, or raises as `SystemExit`. Its output is what reached descriptors 1 and 2, which
    are pipes meanwhile, as a runner's are.
    """
    with ExitStack() as stack:
        stack.enter_context(_environment(env, cwd))
        stack.enter_context(_standard_input(stdin))
        stdout = stack.enter_context(_captured(STDOUT, "stdout"))
        stderr = stack.enter_context(_captured(STDERR, "stderr"))
        try:
            code = entry()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess([], code if isinstance(code, int) else 0, bytes(stdout), bytes(stderr))


@contextmanager
def _environment(env: Mapping[str, str], cwd: Path) -> Iterator[None]:
    before, folder = dict(os.environ), Path.cwd()
    try:
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _standard_input(content: bytes) -> Iterator[None]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with _replaced(STDIN, file.fileno()), os.fdopen(STDIN, encoding="utf-8", closefd=False) as stream:
            before, sys.stdin = sys.stdin, stream
            try:
                yield
            finally:
                sys.stdin = before


@contextmanager
def _captured(descriptor: int, name: str) -> Iterator[bytearray]:
    """What is written to a standard stream within the block; it is complete when the block is left."""
    reading, writing = os.pipe()
    content = bytearray()

    def read() -> None:
        with os.fdopen(reading, "rb") as pipe:
            content.extend(pipe.read())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with _replaced(descriptor, writing):
            os.close(writing)  # the descriptor that it replaces is the only one left
            # As Python opens the standard streams in a locale without a name, which is a CI job's.
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as stream:
                before = getattr(sys, name)
                setattr(sys, name, stream)
                try:
                    yield content
                finally:
                    setattr(sys, name, before)
    finally:
        reader.join()


@contextmanager
def _replaced(descriptor: int, by: int) -> Iterator[None]:
    kept = os.dup(descriptor)
    try:
        os.dup2(by, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
