"""Finds programs and runs a CI's own command, such as `circleci`.

It uses no shell, and finds no program in the working directory, which is the caller's checkout.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

MAX_OUTPUT = 1_048_576  # characters
WINDOWS = sys.platform == "win32"
# The default of Windows if PATHEXT is not set.
PATHEXT = ".COM;.EXE;.BAT;.CMD"


class Finished(NamedTuple):
    """A command that ended. `stdout` may be a token, so it is not printed; `stderr` is untrusted text."""

    exit_code: int
    stdout: str
    stderr: str

    def __repr__(self) -> str:
        return f"<Finished with exit code {self.exit_code}>"


class NotRun(NamedTuple):
    """A command that could not be run to its end. `reason` completes the sentence "The command …"."""

    reason: str
    retryable: bool = False


# Takes the name of a command and its arguments, none of them secret.
RunCommand = Callable[[Sequence[str]], Finished | NotRun]


def run(command: Sequence[str], env: Mapping[str, str], seconds: float, stdin: str = "") -> Finished | NotRun:
    """Runs a command that is on the PATH of `env`, for at most so many seconds, with `stdin` as its standard input."""
    import subprocess  # noqa: PLC0415 - few CIs have a command, and the others do not wait for this

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
            # A new process group, so that its children can be ended with it. Windows has no such groups.
            start_new_session=True,
        )
    except OSError as error:
        return NotRun(f"cannot be run ({error.strerror})")
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=max(0.0, seconds))
        except BaseException as error:
            if sys.platform == "win32":  # pragma: no cover - its tests run in CI, where coverage is not counted
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return NotRun("did not end in time", retryable=True)
    return Finished(process.returncode, stdout[:MAX_OUTPUT], stderr[:MAX_OUTPUT])


def find(name: str, env: Mapping[str, str], mode: int = os.F_OK | os.X_OK) -> str | None:
    """The program of this name on the PATH of `env`, or at this path, if `os.access` allows `mode`.

    Not `shutil.which`: it also searches relative folders of PATH and, on Windows, the working directory.
    """
    path, pathext = env.get("PATH", os.defpath), env.get("PATHEXT") or PATHEXT
    for program in candidates(name, path, pathext, windows=WINDOWS):
        if os.access(program, mode) and not Path(program).is_dir():
            return program
    return None


def candidates(name: str, path: str, pathext: str, *, windows: bool) -> list[str]:
    """Where a program of this name may be: in the absolute folders of `path`, in that order.

    A name with a folder is itself a path. On Windows, the file name ends in one of the parts of `pathext`.
    """
    paths, pure, separator = (ntpath, PureWindowsPath, ";") if windows else (posixpath, PurePosixPath, ":")
    folder, file = paths.split(name)
    endings = [ending for ending in pathext.lower().split(";") if ending] if windows else [""]
    names = [name] if file.lower().endswith(tuple(endings)) else [name + ending for ending in endings]
    if not file or folder:
        return names if file else []
    # Not `isabs`: old versions of Python call `\\folder` absolute, but its drive is the current one.
    folders = [each for each in path.split(separator) if pure(each).is_absolute()]
    return [paths.join(each, name) for each in folders for name in names]
