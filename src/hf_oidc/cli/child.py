"""Does for the command of `hf-oidc run` what a shell does: finds it, says why it cannot be run, waits for its end.

It passes signals on and returns the command's exit code. It knows nothing about tokens.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from hf_oidc.cli import streams
from hf_oidc.command import find as find_on_path
from hf_oidc.sanitize import sanitize_line

# The exit codes of shells.
NOT_EXECUTABLE, NOT_FOUND = 126, 127
GRACE = 10.0  # seconds, from SIGTERM to SIGKILL
# On Linux, this launcher replaces itself with the program. If this process dies, even of SIGKILL, the program must die
# too: prctl(1) is PR_SET_PDEATHSIG (linux/prctl.h), which survives `exec`. Arguments: the process id of the parent, a
# descriptor for the reason why the program cannot be run, the program's path, its name and arguments.
#
# It is not a `preexec_fn`, which runs Python code in a fork of this process. An abandoned HTTP call in another thread
# may hold a lock at the fork, and no thread of the fork would release it.
LAUNCHER = """
import ctypes, os, signal, sys

parent, report, program, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(parent):
    os.kill(os.getpid(), signal.SIGKILL)
for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these two
    signal.signal(number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and would print a traceback for this one
    signal.signal(signal.SIGINT, signal.SIG_DFL)
os.set_inheritable(int(report), False)
try:
    os.execv(program, command)
except OSError as error:
    os.write(int(report), str(error.errno).encode())
"""
# -S: only the standard library is needed, and no code of installed packages runs. In the image, `sitecustomize` makes
# the standard library importable (release/image.py).
OPTIONS = ("-I",) if "bytecode_importer" in sys.modules else ("-I", "-S")
PASSED_ON = {
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGBREAK")
    if hasattr(signal, name)
}
# Signals that a CI or a terminal sends to a whole process group. The others are for one program only.
TO_ALL = {getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name)}


def find(name: str, env: Mapping[str, str]) -> str:
    """The path of the command. Call it before the login, so that no unusable token is issued. Raises `Exit`."""
    if program := find_on_path(name, env):
        return program
    if os.sep in name and Path(name).is_dir():
        raise cannot_run(name, "is a folder")
    if find_on_path(name, env, os.F_OK):
        raise cannot_run(name, "may not be run: it is not executable")
    raise cannot_run(name, "command not found", NOT_FOUND)


def cannot_run(name: str, why: str, code: int = NOT_EXECUTABLE) -> click.exceptions.Exit:
    """Prints the reason on standard error and returns the end of the command."""
    streams.tell(f"hf-oidc: {sanitize_line(name)}: {why}")
    return click.exceptions.Exit(code)


class Child:
    """A running program. Call `wait` to wait for it."""

    def __init__(self, program: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Starts the program. Raises `OSError` if it cannot be started.

        The program gets a new process group, so that the processes it leaves behind can be ended. It does not if this
        process is in the foreground group of a terminal: only that group can read from it and gets its signals.
        """
        self._owns_group = sys.platform != "win32" and not _in_foreground()
        # Some supervisors ignore SIGCHLD, and the system then discards exit codes.
        if sys.platform != "win32":  # pragma: no branch - the tests of Windows run in CI, where coverage is not counted
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Signals that arrive before the program has started.
        self._early: list[int] = []
        self._started = False
        for number in PASSED_ON:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._pass_on)
        self._process = _start(program, command, env, owns_group=self._owns_group)
        self._started = True
        for number in self._early:
            self._pass_on(number, None)

    def wait(self) -> int:
        """Waits for the end. Returns the exit code as a shell does: 128 + the number of the signal that ended it."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def end_the_rest(self) -> None:
        """Ends the processes that the program left behind, except in the foreground of a terminal."""
        if self._owns_group:
            group = self._process.pid
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGTERM)
                end = time.monotonic() + GRACE
                while time.monotonic() < end and _is_alive(group):
                    time.sleep(0.02)
                os.killpg(group, signal.SIGKILL)

    def stop(self) -> None:
        """Sends SIGTERM, and SIGKILL after `GRACE` seconds. Another thread waits for the program."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._process.kill()

    def _pass_on(self, number: int, _frame: Any) -> None:
        if not self._started:
            self._early.append(number)
            return
        # A terminal signals its whole foreground group, so the program already has these.
        if self._owns_group or number not in {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGWINCH}:
            self._signal(number)

    def _signal(self, number: int) -> None:
        """Signals the program's whole group, if it has one, because a shell in it waits for its children.

        Without a new group, the sender of the signal would have reached the whole group itself.
        """
        if self._owns_group and number in TO_ALL:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)


def _in_foreground() -> bool:
    try:
        with Path("/dev/tty").open("rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:  # there is no terminal, or it has hung up
        return False


def _start(
    program: str, command: Sequence[str], env: Mapping[str, str], *, owns_group: bool
) -> subprocess.Popen[bytes]:
    # A new session is also a new process group. All supported Python versions offer it, unlike `process_group`.
    if sys.platform != "linux":  # pragma: no cover - as above
        return subprocess.Popen(command, executable=program, env=dict(env), start_new_session=owns_group)  # noqa: S603 - no shell: the user's own command
    heard, report = os.pipe()
    with open(heard, "rb") as failure:  # noqa: PTH123 - of a descriptor
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell: the user's own command
                [sys.executable, *OPTIONS, "-c", LAUNCHER, str(os.getpid()), str(report), program, *command],
                env=dict(env),
                pass_fds=[report],
                start_new_session=owns_group,
            )
        finally:
            os.close(report)
        number = failure.read()  # returns at end of file, when the program has replaced the launcher
    if number:
        process.wait()
        raise OSError(int(number), os.strerror(int(number)))
    return process


def _is_alive(group: int) -> bool:
    """Whether a process of the group is still running. Raises `ProcessLookupError` if the group is empty."""
    os.killpg(group, 0)
    # A zombie (its parent has not called wait) still belongs to the group. The line is "pid (name) state ppid
    # pgrp …", see proc(5).
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # the process has ended meanwhile
            state, _, pgrp, *_ = path.read_bytes().rpartition(b")")[2].split()
            if int(pgrp) == group:
                members.append(state)
    return not members or any(state != b"Z" for state in members)
