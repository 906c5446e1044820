"""Finds programs, and is the only module that starts a CI's own command, such as `circleci`.

No shell is in between, and no program is found in the working directory: that is the caller's checkout. What a command
is asked for is not known here.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

MAX_OUTPUT = 1_048_576  # characters
WINDOWS = sys.platform == "win32"
# What Windows calls a program where PATHEXT is not set.
PATHEXT = ".COM;.EXE;.BAT;.CMD"


class Finished(NamedTuple):
    """What a command left. Its standard output may be a token, so it is not printed; `stderr` is untrusted text."""

    exit_code: int
    stdout: str
    stderr: str

    def __repr__(self) -> str:
        return f"<Finished with exit code {self.exit_code}>"


class NotRun(NamedTuple):
    """The command did not come to an end; `reason` completes "`name` …"."""

    reason: str
    retryable: bool = False


# The name of a command and its arguments, none of them secret.
RunCommand = Callable[[Sequence[str]], Finished | NotRun]


def run(command: Sequence[str], env: Mapping[str, str], seconds: float, stdin: str = "") -> Finished | NotRun:
    """Runs the command that `env`'s PATH has, for at most so many seconds, with `stdin` on its standard input."""
    import subprocess  # noqa: PLC0415 - few CIs have a command, and those that have none do not wait for this

    name, *arguments = command
    program = find(name, env)
    if program is None:
        return NotRun("is not on PATH")
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and an absolute path
            [program, *arguments],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # A group of its own, so that what it has started ends with it. Windows has no such groups.
            start_new_session=True,
        )
    except OSError as error:
        return NotRun(f"cannot be run ({error.strerror})")
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=max(0.0, seconds))
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return NotRun("did not end in time", retryable=True)
    return Finished(process.returncode, stdout[:MAX_OUTPUT], stderr[:MAX_OUTPUT])


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":  # pragma: no cover - the tests of Windows run in CI, where coverage is not counted
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def find(name: str, env: Mapping[str, str], mode: int = os.F_OK | os.X_OK) -> str | None:
    """The program of this name that `env`'s PATH has, or that is at this path, as far as `mode` (of `access`) allows.

    Not shutil.which: on Windows that looks in the working directory first, and everywhere in each relative folder.
    """
    path, pathext = env.get("PATH", os.defpath), env.get("PATHEXT") or PATHEXT
    for program in candidates(name, path, pathext, windows=WINDOWS):
        if os.access(program, mode) and not Path(program).is_dir():
            return program
    return None


def candidates(name: str, path: str, pathext: str, *, windows: bool) -> list[str]:
    """Where a program of this name may be, the first of which counts: in the absolute folders of `path`.

    A name with a folder is a path of its own. On Windows a program's file ends in one of the parts of `pathext`.
    """
    paths, pure, separator = (ntpath, PureWindowsPath, ";") if windows else (posixpath, PurePosixPath, ":")
    folder, file = paths.split(name)
    endings = [ending for ending in pathext.lower().split(";") if ending] if windows else [""]
    names = [name] if file.lower().endswith(tuple(endings)) else [name + ending for ending in endings]
    if not file or folder:
        return names if file else []
    # Not isabs: in old versions of Python it calls `\\folder` absolute, which is on whatever drive is the current one.
    folders = [each for each in path.split(separator) if pure(each).is_absolute()]
    return [paths.join(each, name) for each in folders for name in names]
