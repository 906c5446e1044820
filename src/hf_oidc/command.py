"""The only module that starts a CI's own command, such as `circleci`. It does not know what is asked for.

No shell is in between, and nothing is run out of the working directory: that is the caller's checkout.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

MAX_OUTPUT = 1_048_576  # characters


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
    passing: bool = False


# The name of a command and its arguments, none of them secret.
RunCommand = Callable[[Sequence[str]], Finished | NotRun]


def run(command: Sequence[str], env: Mapping[str, str], seconds: float, stdin: str = "") -> Finished | NotRun:
    """Runs the command that `env`'s PATH has, for at most so many seconds, with `stdin` on its standard input."""
    import subprocess  # noqa: PLC0415 - few CIs have a command, and those that have none do not wait for this

    name, *arguments = command
    program = _find(name, env.get("PATH", ""))
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
            return NotRun("did not end in time", passing=True)
    return Finished(process.returncode, stdout[:MAX_OUTPUT], stderr[:MAX_OUTPUT])


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":  # pragma: no cover - the tests of Windows run in CI, where coverage is not counted
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _find(name: str, path: str) -> str | None:
    import shutil  # noqa: PLC0415 - as above

    for folder in filter(Path.is_absolute, map(Path, path.split(os.pathsep))):
        program = shutil.which(name, path=str(folder))
        # On Windows the working directory is searched first, whatever the path.
        if program and Path(program).parent == folder:
            return program
    return None
