"""The only module that starts a CI's own command, such as `circleci`. It does not know what is asked for.

No shell is in between, and nothing is run out of the working directory: that is the caller's checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MAX_OUTPUT = 1_048_576  # characters


@dataclass(frozen=True)
class Finished:
    """What a command left. Its standard output may be a token, so it is not printed; `stderr` is untrusted text."""

    exit_code: int
    stdout: str = field(repr=False)
    stderr: str


@dataclass(frozen=True)
class NotRun:
    """The command did not come to an end; `reason` completes "`name` …"."""

    reason: str


# The name of a command and its arguments, none of them secret.
RunCommand = Callable[[Sequence[str]], Finished | NotRun]


def run(command: Sequence[str], env: Mapping[str, str], seconds: float) -> Finished | NotRun:
    """Runs the command that `env`'s PATH has, for at most so many seconds."""
    name, *arguments = command
    program = _find(name, env.get("PATH", ""))
    if program is None:
        return NotRun("is not on PATH")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and an absolute path
            [program, *arguments],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=max(0.0, seconds),
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = "did not end in time"
    except OSError as error:
        problem = f"cannot be run ({error.strerror})"
    else:
        return Finished(done.returncode, done.stdout[:MAX_OUTPUT], done.stderr[:MAX_OUTPUT])
    return NotRun(problem)


def _find(name: str, path: str) -> str | None:
    for folder in filter(Path.is_absolute, map(Path, path.split(os.pathsep))):
        if program := shutil.which(str(folder / name)):
            return program
    return None
