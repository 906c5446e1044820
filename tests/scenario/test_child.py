"""A command that is waited for: signals, exit codes, groups, and nothing left behind, as a shell would have it.

Always processes: signals, exit codes and process groups are the subject.
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hf_oidc.cli.child import GRACE

# The shells here wait in `wait`, which ends at once if a signal came before it. dash begins a `read` all the same, and
# loses a signal that comes while it starts a program.
SCRIPT = """
import os, sys, time
from hf_oidc.cli.child import Child
child = Child(sys.argv[1], sys.argv[1:], os.environ)
code = child.wait()
child.end_the_rest()
sys.exit(code)
"""


Shell = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture(name="shell")
def shell_() -> Iterator[Shell]:
    """A shell's script under a parent that waits for it, without a terminal."""
    with ExitStack() as stack:

        def start(script: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", SCRIPT, "/bin/sh", "-c", script]
            pipe = subprocess.PIPE
            return stack.enter_context(
                subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
            )

        yield start


def line(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(true: Callable[[], bool]) -> bool:
    """Whether it becomes true; half a minute is for ever."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


# Each argument is a shell's script; prints their exit codes.
IN_TURN = (
    SCRIPT.partition("child =")[0]
    + """
for script in sys.argv[1:]:
    child = Child("/bin/sh", ["/bin/sh", "-c", script], os.environ)
    print(child.wait())
    child.end_the_rest()
"""
)


def test_exit_codes_are_those_of_a_shell(shell: Shell) -> None:
    """128 and the number of the signal, if one has ended it."""
    ends = {"exit 0": 0, "exit 7": 7, "kill -KILL $$": 137, "kill -TERM $$": 143}
    command = [sys.executable, "-c", IN_TURN, *ends]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True, start_new_session=True, timeout=60)
    assert list(map(int, run.stdout.split())) == list(ends.values())
    assert shell("kill -TERM $$").wait(30) == 143


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT"])
def test_signals_are_passed_on(shell: Shell, name: str) -> None:
    """The command decides what they mean."""
    process = shell(f"sleep 1000 & trap 'echo got {name}; exit 9' {name}; echo ready; wait")
    assert line(process) == "ready"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert (line(process), process.wait(30)) == (f"got {name}", 9)


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_signals_reach_what_a_shell_waits_for(shell: Shell, name: str) -> None:
    """The training below `sh -c` saves what it has, and is given the time for it."""
    saves = f"sleep 1000 & trap 'sleep 3; echo saved; exit 0' {name}; echo ready; wait"
    process = shell(f"""sh -c "{saves}"; exit 9""")
    assert line(process) == "ready"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert line(process) == "saved"


def test_a_signal_of_the_commands_own_is_for_it_alone(shell: Shell) -> None:
    """USR1 ends whoever has no use for it: a training's workers, while it saves what it has."""
    alive = 'case $(cat /proc/$left/stat) in *") Z "*) echo dead;; *) echo alive;; esac'
    process = shell(f"trap '{alive}; exit 9' USR1; sleep 1000 & left=$!; echo ready; wait")
    assert line(process) == "ready"
    process.send_signal(signal.SIGUSR1)
    assert (line(process), process.wait(30)) == ("alive", 9)


def test_a_command_that_ignores_a_signal_goes_on(shell: Shell) -> None:
    """As it would without a parent."""
    process = shell("trap '' TERM; echo ready; read word; echo $word; exit 5")
    assert line(process) == "ready"
    process.terminate()
    assert process.stdin is not None
    process.stdin.write("still\n")
    process.stdin.flush()
    assert (line(process), process.wait(30)) == ("still", 5)


def test_an_exit_code_is_not_lost_where_nobody_wants_to_know_of_children() -> None:
    """A supervisor may leave SIGCHLD ignored, and the system then keeps no exit codes."""
    ignoring = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    command = [sys.executable, "-c", ignoring + SCRIPT, "/bin/sh", "-c", "exit 7"]
    assert subprocess.run(command, check=False, start_new_session=True).returncode == 7


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As nohup has it: a hangup is neither ours nor the command's."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script = "echo ready; read word; exit 5"
    command = [sys.executable, "-c", ignoring + SCRIPT, "/bin/sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        process.communicate(b"go on\n", timeout=240)
        assert process.returncode == 5


# PR_SET_CHILD_SUBREAPER: orphans become children of the process that says so, as they do of a container's first.
ADOPTS = "import ctypes; ctypes.CDLL(None).prctl(36, 1)\n"
# 3 if the rest has ended by itself, and was not waited for until all patience was gone.
TIMED = SCRIPT.replace("child.end_the_rest()", "began = time.monotonic(); child.end_the_rest()").replace(
    "sys.exit(code)", f"sys.exit(code if time.monotonic() - began < {GRACE} else 1)"
)
LEAVES_ONE = ["/bin/sh", "-c", "sleep 1000 & exit 3"]


def test_orphans_of_the_first_process_are_not_waited_for() -> None:
    """In a container it is the parent of all that have lost theirs; they have ended, and that is enough."""
    first = [sys.executable, "-c", ADOPTS + TIMED, *LEAVES_ONE]
    assert subprocess.run(first, check=False, start_new_session=True).returncode == 3


def test_what_nobody_waits_for_is_not_waited_for() -> None:
    """A process that has ended stays on the list where its parent is no init: that is no reason to wait."""
    parent = f"{ADOPTS}import subprocess, sys\n"
    parent += "sys.exit(subprocess.run([sys.executable, '-c', *sys.argv[1:]], start_new_session=True).returncode)"
    assert subprocess.run([sys.executable, "-c", parent, TIMED, *LEAVES_ONE], check=False).returncode == 3


def test_what_the_command_leaves_behind_is_ended(shell: Shell) -> None:
    """Its token is gone with it."""
    process = shell("sleep 1000 & echo $!; exit 3")
    left = int(line(process))
    assert process.wait(30) == 3
    assert eventually(lambda: is_gone(left))


def test_a_parent_that_is_killed_leaves_no_command_behind(shell: Shell) -> None:
    """Nothing can be done in time but what the kernel does."""
    process = shell("echo $$; exec sleep 1000")
    pid = int(line(process))
    process.kill()
    process.wait(30)
    assert eventually(lambda: is_gone(pid))


def test_no_code_of_python_runs_in_a_copy_of_this_process() -> None:
    """A call that was given up may be in another thread, and the copy would wait for its locks for ever."""
    tells = "import os, threading\n"
    tells += (
        "os.register_at_fork(before=lambda: os.write(1, b'copied'), after_in_child=lambda: os.write(1, b'in it'))\n"
    )
    tells += "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    command = [sys.executable, "-c", tells + SCRIPT, "/bin/sh", "-c", "echo the command; exit 7"]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=False, start_new_session=True)
    assert (run.returncode, run.stdout) == (7, b"the command\n")


def with_launcher(folder: Path, script: str) -> str:
    """The parent's program, where a shell's script goes before what is to become the command."""
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\n{script}\nexec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    return f"import sys; sys.executable = {str(launcher)!r}\n{SCRIPT}"


@pytest.mark.parametrize("name", ["TERM", "HUP", "USR1"])
def test_a_signal_before_the_command_runs_is_passed_on_then(name: str, tmp_path: Path) -> None:
    """It is neither lost, nor the end of this process before the command's."""
    program = with_launcher(tmp_path, f"kill -{name} $PPID; sleep 0.3")
    command = [sys.executable, "-c", program, "/bin/sh", "-c", "sleep 1000"]
    run = subprocess.run(command, check=False, start_new_session=True, timeout=60)
    assert run.returncode == 128 + getattr(signal, f"SIG{name}")


def test_a_parent_that_is_killed_before_the_command_runs_leaves_none(tmp_path: Path) -> None:
    """The kernel does not tell of what was before it was asked to."""
    program = with_launcher(tmp_path, "kill -KILL $PPID; sleep 0.3")
    command = [sys.executable, "-c", program, "/bin/sh", "-c", "echo the command"]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=False, start_new_session=True, timeout=60)
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, b"")


CANNOT = """
import os, sys
from hf_oidc.cli.child import Child
for path in sys.argv[1:]:
    try:
        Child(path, [path], {})
    except OSError as error:
        print(type(error).__name__, error.errno, error.strerror)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nothing is left")
"""


def test_why_a_program_cannot_be_run_is_known(tmp_path: Path) -> None:
    """As if it had been started from here; nothing is left to wait for."""
    for name, content in {"interpreter": "#!/nowhere/sh\n", "binary": "\0"}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    paths = [str(tmp_path / name) for name in ("interpreter", "binary", "missing")]
    run = subprocess.run([sys.executable, "-c", CANNOT, *paths], capture_output=True, text=True, check=True)
    told, last, _ = run.stdout.rpartition("nothing is left\n")
    kinds = re.findall(r"^(\w+) \d+ \S", told, re.MULTILINE)
    assert kinds == ["FileNotFoundError", "OSError", "FileNotFoundError"]
    assert (bool(last), run.stderr) == (True, "")


SHOWN = {
    "head -c 7 /proc/$$/cmdline": b"a name\0",
    'printf "%s|" "$@"': b"\xff b|*||",
    "cat /proc/$$/environ": b"ONLY=this\0LC_ALL=C\0",
    "exec grep SigBlk /proc/self/status": b"SigBlk:\t0000000000000000\n",
    "ls /proc/$$/fd": b"0\n1\n2\n",
}


def test_the_command_is_given_what_it_was_meant_to_have() -> None:
    """Its name, arguments that are no text, its environment alone, signals as they were, no descriptor of ours."""
    script = f"import sys\nfrom hf_oidc.cli.child import Child\nfor show in {[*SHOWN]!r}:\n"
    script += "    Child('/bin/sh', ['a name', '-c', show, *sys.argv[1:]], {'ONLY': 'this', 'LC_ALL': 'C'}).wait()\n"
    script += "    print('---', flush=True)\n"
    command: list[str | bytes] = [sys.executable, "-c", script, "sh", b"\xff b", "*", ""]
    run = subprocess.run(command, capture_output=True, check=True)
    assert (run.stdout.split(b"---\n"), run.stderr) == ([*SHOWN.values(), b""], b"")


def test_the_command_does_not_ignore_what_python_ignores() -> None:
    """SIGPIPE and SIGXFSZ; what else is ignored is the machine's matter."""
    script = "from hf_oidc.cli.child import Child\n"
    script += "Child('/bin/sh', ['sh', '-c', 'exec grep SigIgn /proc/self/status'], {}).wait()\n"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    ignored = int(said.split()[1], 16)
    assert [number for number in (signal.SIGPIPE, signal.SIGXFSZ) if ignored >> (number - 1) & 1] == []


def test_at_a_terminal_the_command_is_in_the_foreground() -> None:
    """It may read from it, and Ctrl-C is told once."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT, "/bin/sh", "-c", TERMINAL])
    screen = read_until(terminal, b"ready")
    os.write(terminal, b"typed\n")
    screen = read_until(terminal, b"read typed")
    os.write(terminal, b"\x03")
    screen = read_until(terminal, b"interrupted")
    os.write(terminal, b"\n")
    screen += read_until(terminal, b"ended")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert (screen.count(b"interrupted"), os.waitstatus_to_exitcode(status)) == (1, 4)


TERMINAL = """
trap 'echo interrupted' INT
echo ready; read word; echo read $word
until read _; do :; done  # Ctrl-C ends a `read` only if that has begun
echo ended; exit 4
"""


def read_until(terminal: int, text: bytes) -> bytes:
    """What is on the screen from now on, up to that text."""
    seen = b""
    while text not in seen and select.select([terminal], [], [], 30)[0]:
        seen += os.read(terminal, 1000)
    assert text in seen, seen
    return seen
