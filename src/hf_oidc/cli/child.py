"""Another program, run and waited for as a shell would: standard streams, signals and the exit code are its own.

It does not know what the program is given, nor why somebody stays to wait for it.
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

GRACE = 10.0  # seconds, from SIGTERM to SIGKILL
# What becomes the program on Linux, where even a SIGKILL of this process is not to leave that behind: 1 is
# PR_SET_PDEATHSIG (linux/prctl.h), which stays when a process becomes another program. Arguments: who has started it,
# a descriptor that hears why the program cannot be run, its path, its name and arguments.
#
# It is a process of its own, and not a `preexec_fn`: that is Python's code in a copy of this process that has one
# thread alone. A call that was given up may still be in another one, and hold a lock which nobody in the copy releases.
LAUNCHER = """
import ctypes, os, signal, sys

parent, report, program, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(parent):
    os.kill(os.getpid(), signal.SIGKILL)
for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these two
    signal.signal(number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and would tell of this one in many lines
    signal.signal(signal.SIGINT, signal.SIG_DFL)
os.set_inheritable(int(report), False)
try:
    os.execv(program, command)
except OSError as error:
    os.write(int(report), str(error.errno).encode())
"""
PASSED_ON = {
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGBREAK")
    if hasattr(signal, name)
}
# What a CI or a terminal sends to all that it has started; the others are for the one who knows what they mean.
TO_ALL = {getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name)}


class Child:
    """A program that is running; to be waited for with `wait`."""

    def __init__(self, program: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Starts it. Raises `OSError` if that cannot be done.

        It gets a process group of its own, so that what it leaves behind can be ended; but not if this is the group in
        the foreground of a terminal: only that may read from it, and gets its signals.
        """
        self._owns_group = sys.platform != "win32" and not _in_foreground()
        # Where it is ignored, as some supervisors leave it, the system forgets exit codes.
        if sys.platform != "win32":  # pragma: no branch - the tests of Windows run in CI, where coverage is not counted
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Signals that come before there is somebody to pass them on to.
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
        """Its exit code when it has ended, as a shell has it: 128 and the signal's number if one has ended it."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def end_the_rest(self) -> None:
        """Ends what it has started and not waited for; not where a terminal's user is in front of it."""
        if self._owns_group:
            _end_group(self._process.pid)

    def stop(self) -> None:
        """Ends it: it is asked to, and made to after `GRACE`. Called from another thread than waits for it."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._process.kill()

    def _pass_on(self, number: int, _frame: Any) -> None:
        if not self._started:
            self._early.append(number)
            return
        # A terminal tells the whole group in its foreground; only who was told alone passes it on.
        if self._owns_group or number not in {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGWINCH}:
            self._signal(number)

    def _signal(self, number: int) -> None:
        """To the whole group, where it is the program's own: in it are those that a shell waits for.

        This process has taken the program out of its own group, so whoever signals that would not reach them.
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
    except OSError:  # there is none, or it has hung up
        return False


def _start(
    program: str, command: Sequence[str], env: Mapping[str, str], *, owns_group: bool
) -> subprocess.Popen[bytes]:
    # A session of its own is a group of its own, and every Python that is supported can ask for it.
    if sys.platform != "linux":  # pragma: no cover - as above
        return subprocess.Popen(command, executable=program, env=dict(env), start_new_session=owns_group)  # noqa: S603 - no shell: the user's own command
    heard, report = os.pipe()
    with open(heard, "rb") as failure:  # noqa: PTH123 - of a descriptor
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell: the user's own command
                # -S: nothing but the standard library is needed, and that in a moment.
                [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), str(report), program, *command],
                env=dict(env),
                pass_fds=[report],
                start_new_session=owns_group,
            )
        finally:
            os.close(report)
        number = failure.read()  # to its end, which is when the process has become the program
    if number:
        process.wait()
        raise OSError(int(number), os.strerror(int(number)))
    return process


def _end_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        end = time.monotonic() + GRACE
        while time.monotonic() < end and _is_alive(group):
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    """Whether a process of the group has not ended. Raises `ProcessLookupError` if there is none at all."""
    os.killpg(group, 0)
    # What nobody waits for stays on the list: "pid (name) state ppid pgrp …", see proc(5). So does what this process
    # is to wait for itself, as the first of a container: it ends before that matters.
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, pgrp, *_ = path.read_bytes().rpartition(b")")[2].split()
            if int(pgrp) == group:
                members.append(state)
    return not members or any(state != b"Z" for state in members)
