"""A CI's command is run as it is on PATH, with an end, and never out of the checkout."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hf_oidc.command import MAX_OUTPUT, PATHEXT, Finished, NotRun, candidates, find, run

pytestmark = pytest.mark.process


def program(folder: Path, script: str, name: str = "ci") -> Path:
    """An executable of this name."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def is_running(pid: str) -> bool:
    """Whether there is such a process, and it has not ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_gives_exit_code_and_both_streams(tmp_path: Path) -> None:
    """Each by itself."""
    program(tmp_path, "echo out; echo err >&2; exit 7")
    assert run(["ci"], {"PATH": str(tmp_path)}, 60) == Finished(7, "out\n", "err\n")


def test_standard_output_is_not_printed() -> None:
    """It may be a token."""
    assert "secret" not in repr(Finished(0, "secret", ""))


def test_hands_over_arguments_and_environment_as_they_are(tmp_path: Path) -> None:
    """No shell reads them on the way."""
    program(tmp_path, 'printf "%s|" "$@" "$NAME"')
    env = {"PATH": str(tmp_path), "NAME": "a b"}
    done = run(["ci", "x y", "$(id)", "*", ""], env, 60)
    assert isinstance(done, Finished)
    assert done.stdout == "x y|$(id)|*||a b|"


def test_standard_input_is_empty(tmp_path: Path) -> None:
    """A command that asks a question must not wait for somebody."""
    program(tmp_path, "/bin/cat; echo end")
    assert run(["ci"], {"PATH": str(tmp_path)}, 60) == Finished(0, "end\n", "")


def test_what_is_given_is_on_standard_input(tmp_path: Path) -> None:
    """All of it, and then its end; a command that does not read it is no error."""
    program(tmp_path, "/bin/cat")
    assert run(["ci"], {"PATH": str(tmp_path)}, 60, "a token\n") == Finished(0, "a token\n", "")
    program(tmp_path, "exec <&-; echo end")
    assert run(["ci"], {"PATH": str(tmp_path)}, 60, "x" * 1_000_000) == Finished(0, "end\n", "")


def test_the_first_folder_of_the_path_wins(tmp_path: Path) -> None:
    """As in a shell."""
    program(tmp_path / "a", "echo a")
    program(tmp_path / "b", "echo b")
    assert run(["ci"], {"PATH": f"{tmp_path}/none:{tmp_path}/b:{tmp_path}/a"}, 60) == Finished(0, "b\n", "")


ON_WINDOWS = {
    "each folder, each ending": (
        "hf",
        r"C:\a;D:\b",
        ".EXE;.CMD",
        [r"C:\a\hf.exe", r"C:\a\hf.cmd", r"D:\b\hf.exe", r"D:\b\hf.cmd"],
    ),
    "with its ending": ("HF.Exe", r"C:\a;D:\b", ".COM;.EXE", [r"C:\a\HF.Exe", r"D:\b\HF.Exe"]),
    "with another ending": ("hf.tool", r"C:\a", ".EXE", [r"C:\a\hf.tool.exe"]),
    "the usual endings": (
        "git",
        r"C:\a",
        PATHEXT,
        [rf"C:\a\git{ending}" for ending in (".com", ".exe", ".bat", ".cmd")],
    ),
    "empty endings": ("git", r"C:\a", ";.EXE;;", [r"C:\a\git.exe"]),
    "no endings": ("git", r"C:\a", ";", []),
    "the working directory": ("git", r".;;.\bin;bin;..\bin", ".EXE", []),
    "the current drive": ("git", r"\a;/a;C:;C:a;C:.", ".EXE", []),
    "a share": ("git", r"\\server\share\a", ".EXE", [r"\\server\share\a\git.exe"]),
    "slashes": ("git", "C:/a", ".EXE", [r"C:/a\git.exe"]),
    "no path": ("git", "", ".EXE", []),
    "a path of its own": (r"C:\x\hf.exe", r"C:\a", ".EXE", [r"C:\x\hf.exe"]),
    "a path without an ending": (r".\hf", r"C:\a", ".EXE;.CMD", [r".\hf.exe", r".\hf.cmd"]),
    "a path with slashes": ("./hf.exe", r"C:\a", ".EXE", ["./hf.exe"]),
    "a path on a drive": ("C:hf.exe", r"C:\a", ".EXE", ["C:hf.exe"]),
    "no name": ("", r"C:\a", ".EXE", []),
    "a folder": ("C:\\a\\", r"C:\a", ".EXE", []),
}
ELSEWHERE = {
    "each folder": ("hf", "/a:/b c", ["/a/hf", "/b c/hf"]),
    "the working directory": ("hf", ":.:./bin:bin:../bin:", []),
    "between others": ("hf", "/a::.:/b", ["/a/hf", "/b/hf"]),
    "no path": ("hf", "", []),
    "a path of its own": ("/x/hf", "/a", ["/x/hf"]),
    "a relative path": ("./hf", "/a", ["./hf"]),
    "a path below": ("bin/hf", "/a", ["bin/hf"]),
    "a name of Windows's": (r"C:\hf.exe", "/a", [r"/a/C:\hf.exe"]),
    "no name": ("", "/a", []),
    "a folder": ("a/", "/a", []),
}


@pytest.mark.parametrize("case", ON_WINDOWS)
def test_where_windows_is_looked_for_a_program(case: str) -> None:
    """In the PATH's absolute folders, each with PATHEXT; never in the working directory, which Windows has first."""
    name, path, pathext, found = ON_WINDOWS[case]
    assert candidates(name, path, pathext, windows=True) == found


@pytest.mark.parametrize("case", ELSEWHERE)
def test_where_a_program_is_looked_for_elsewhere(case: str) -> None:
    """In the PATH's absolute folders; PATHEXT has no meaning."""
    name, path, found = ELSEWHERE[case]
    assert candidates(name, path, ".EXE", windows=False) == found


def test_a_folder_of_that_name_is_no_program(tmp_path: Path) -> None:
    """Although it may be entered, which is the same permission."""
    (tmp_path / "a/ci").mkdir(parents=True)
    assert find("ci", {"PATH": f"{tmp_path}/a"}) is None
    found = program(tmp_path / "b", "")
    assert find("ci", {"PATH": f"{tmp_path}/a:{tmp_path}/b"}) == str(found)


def test_what_is_there_and_may_not_be_run(tmp_path: Path) -> None:
    """Is found by who asks for it so, to say that it is there."""
    found = program(tmp_path, "")
    found.chmod(0o644)
    assert (find("ci", {"PATH": str(tmp_path)}), find("ci", {"PATH": str(tmp_path)}, os.F_OK)) == (None, str(found))


def test_without_a_path_it_is_the_systems() -> None:
    """As a shell has it."""
    assert find("sh", {}) in {"/bin/sh", "/usr/bin/sh"}


@pytest.mark.parametrize("path", ["", ".", ":", "./bin:.", "bin"])
def test_nothing_is_run_out_of_the_working_directory(path: str, tmp_path: Path) -> None:
    """The checkout may hold a program of that name, and shells look there for an empty or a relative entry."""
    program(tmp_path, "echo hijacked")
    program(tmp_path / "bin", "echo hijacked")
    code = "import sys; from hf_oidc.command import run; print(run(['ci'], {'PATH': sys.argv[1]}, 60).reason)"
    done = subprocess.run([sys.executable, "-c", code, path], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "is not on PATH\n"


@pytest.mark.parametrize("env", [{}, {"PATH": "/nowhere"}])
def test_what_is_not_there_is_named_so(env: dict[str, str]) -> None:
    """No other try can find it."""
    assert run(["ci"], env, 60) == NotRun("is not on PATH")


def test_what_may_not_be_run_is_not_found(tmp_path: Path) -> None:
    """As in a shell."""
    program(tmp_path, "echo").chmod(0o644)
    assert run(["ci"], {"PATH": str(tmp_path)}, 60) == NotRun("is not on PATH")


def test_what_cannot_be_run_is_named_so(tmp_path: Path) -> None:
    """A script whose interpreter is not there."""
    path = program(tmp_path, "")
    path.write_text("#!/nowhere/sh\n")
    assert run(["ci"], {"PATH": str(tmp_path)}, 60) == NotRun("cannot be run (No such file or directory)")


@pytest.mark.parametrize("seconds", [0.2, 0, -1])
def test_is_given_up_when_the_time_has_passed(seconds: float, tmp_path: Path) -> None:
    """Its children too, which hold its output open."""
    program(tmp_path, "/bin/sleep 300 & echo $! > $0.pid; wait")
    done = run(["ci"], {"PATH": str(tmp_path)}, seconds)
    assert done == NotRun("did not end in time", retryable=True)
    pid = tmp_path / "ci.pid"
    child = pid.read_text().strip() if pid.exists() else ""
    while child and is_running(child):
        time.sleep(0.01)


def test_an_interrupt_ends_the_command(tmp_path: Path) -> None:
    """What was started does not stay behind."""
    # Its input ends when it is waited for, and the interrupt comes after that.
    program(tmp_path, "/bin/cat; echo $$ > $0.pid; exec /bin/sleep 300")
    code = "import sys; from hf_oidc.command import run; run(['ci'], {'PATH': sys.argv[1]}, 60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL) as process:
        pid = tmp_path / "ci.pid"
        while not pid.exists() or not pid.read_text().strip():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
    assert process.returncode == -signal.SIGINT
    while is_running(pid.read_text().strip()):
        time.sleep(0.01)


def test_output_is_bounded_and_bytes_become_text(tmp_path: Path) -> None:
    """Whatever the command writes."""
    program(tmp_path, r"printf '\377'; /usr/bin/head -c 3000000 /dev/zero; printf '\377' >&2")
    done = run(["ci"], {"PATH": str(tmp_path)}, 60)
    assert isinstance(done, Finished)
    assert (len(done.stdout), done.stdout[:2], done.stderr) == (MAX_OUTPUT, "\ufffd\0", "\ufffd")
