"""The pre-receive hook: git runs it as a process before it moves the refs of a push.

It rejects what the Hub rejects, in every commit of the push, and looks only at files that no ref has yet. It starts two
git processes and keeps no file in memory, so a push of many files stays quick. git prints its lines after `remote:`.
The API asks the same of a commit that is to become a branch.
"""

import os
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from local_hub.repositories.commit_rules import Fault, fault_of, rejection
from local_hub.repositories.lfs import POINTER_LIMIT, Objects

NO_OBJECT = "0" * 40
_RULE = "-" * 73
_PIECE = 1024 * 1024


def main() -> int:
    """Read the updates of a push from standard input (githooks(5)); 1 rejects them all."""
    # A name can contain any space but the one of ASCII.
    updates = [line.decode("utf-8", "replace").rstrip("\n").split(" ", 2) for line in sys.stdin.buffer]
    moved = {ref: new for _, new, ref in updates if new != NO_OBJECT}
    if not moved:
        return 0
    try:
        faults = new_faults(Path.cwd(), list(moved.values()))
    except ValueError as error:
        sys.exit(str(error))
    shown = [*moved][:3]
    lines = rejection(faults, ", ".join(shown) + (", …" if len(moved) > len(shown) else ""))
    if lines:
        sys.stderr.write("\n".join([_RULE, *lines, _RULE, ""]))
    return 1 if lines else 0


def new_faults(repository: Path, tips: Sequence[str], env: Mapping[str, str] | None = None) -> dict[Fault, list[str]]:
    """Return what the Hub rejects in those files of these commits that no ref has, by kind.

    `env`: the environment of git, if it is not that of this process. Raises `ValueError` if objects are missing.
    """
    faults: defaultdict[Fault, list[str]] = defaultdict(list)
    objects = Objects(repository)
    # All sizes first: the content of a file that is too large is not worth reading.
    for option in ("--batch-check", "--batch"):
        for path, size, start in _new_files(repository, tips, option, env):
            if fault := fault_of(size, start, objects):
                faults[fault].append(path)
        if faults:
            break
    return faults


def _new_files(
    repository: Path, tips: Sequence[str], option: str, env: Mapping[str, str] | None
) -> Iterator[tuple[str, int, bytes]]:
    """Yield each file that no ref has: a path, the size, and with `--batch` the first bytes."""
    # As git itself finds what is new in a push (connected.c). The new objects are in quarantine, and no ref names them.
    listing = ["git", "rev-list", "--objects", "--stdin", "--not", "--all"]
    reading = ["git", "cat-file", option + "=%(objecttype) %(objectsize) %(rest)", "--buffer"]
    with (
        subprocess.Popen(  # noqa: S603 - no shell
            listing, cwd=repository, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as found,
        subprocess.Popen(  # noqa: S603 - likewise
            reading, cwd=repository, env=env, stdin=found.stdout, stdout=subprocess.PIPE
        ) as read,
    ):
        assert found.stdin  # noqa: S101 - created with a pipe
        assert found.stdout  # noqa: S101
        assert read.stdout  # noqa: S101
        found.stdout.close()  # so that git stops if the other git does
        found.stdin.write("".join(f"{tip}\n" for tip in tips).encode())
        found.stdin.close()
        while header := read.stdout.readline():
            kind, size, path = header.rstrip(b"\n").split(b" ", 2)
            start = _content(read.stdout, int(size)) if option == "--batch" else b""
            if kind == b"blob":
                yield path.decode("utf-8", "replace"), int(size), start
    if found.returncode or read.returncode:
        raise ValueError("Local Hub cannot read all commits of this push, such as one from a shallow clone")


def _content(stream: IO[bytes], size: int) -> bytes:
    """Read an object and the line feed after it; return its first bytes."""
    start = stream.read(min(size, POINTER_LIMIT))
    left = size + 1 - len(start)
    while left and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
    return start


def install(folder: Path) -> None:
    """Write the hook into a folder for hooks."""
    folder.mkdir(mode=0o700, exist_ok=True)
    source = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {source!r}); from {__spec__.name} import main; sys.exit(main())"
    # git runs the hook in a closed environment, but a Python that was built elsewhere may need its libraries.
    libraries = os.environ.get("LD_LIBRARY_PATH")
    setting = f"LD_LIBRARY_PATH={shlex.quote(libraries)} " if libraries else ""
    hook = folder / "pre-receive"
    hook.write_text(f"#!/bin/sh\n{setting}exec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(code)}\n")
    hook.chmod(0o700)
