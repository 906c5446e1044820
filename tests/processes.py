"""The command lines of processes, where there is a /proc: of those that this test run has started, and no others.

Other programs of the machine may have anything in their arguments, tokens of another run of these tests included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
# The namespace in which this process has its number; a container has another.
OURS = (PROC / "self/ns/pid").readlink() if PROC.exists() else None


def command_lines() -> bytes:
    """Those of this process's descendants, and of the processes in containers, whose parent is the Docker daemon's."""
    children: dict[int, list[int]] = {}
    contained = []
    for pid in everywhere():
        if (parent := _parent(pid)) is not None:
            children.setdefault(parent, []).append(pid)
        if _is_contained(pid):
            contained.append(pid)
    found, left = contained, list(children.get(os.getpid(), ()))
    while left:
        found.append(left[-1])
        left += children.get(left.pop(), ())
    return joined(found)


def everywhere() -> list[int]:
    """All processes of this machine, for a test that looks for one with an argument that no other has."""
    return [int(path.name) for path in PROC.glob("[0-9]*")]


def joined(pids: Iterable[int]) -> bytes:
    """The command lines of these processes, those that have ended meanwhile left out."""
    lines = []
    for pid in pids:
        try:
            lines.append((PROC / str(pid) / "cmdline").read_bytes())
        except OSError:
            continue
    return b"\n".join(lines)


def _parent(pid: int) -> int | None:
    try:
        # proc_pid_stat(5): the name, in parentheses, may hold any character; the parent is the second field after it.
        return int((PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return None


def _is_contained(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "ns/pid").readlink() != OURS
    except OSError:  # it has ended, or is another user's
        return False
