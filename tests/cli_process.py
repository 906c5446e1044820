"""`hf-oidc` as a job runs it, with a scrubbed environment. Every run is searched for leaks.

It is called in this process, by the entry point of the command, unless a test gives the `command` that starts it, or
the command is `run`, which becomes another program.
"""

import gc
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Before `app.main` says that it is absent: tests sign ID tokens with it.
import cryptography  # noqa: F401

from hf_oidc.cli import app
from tests import evidence, in_process
from tests.action_process import ANOTHER_PYTHON, MASK_LINE, PYTHON, scrubbed, watched
from tests.commands import commands_of_others
from tests.leaks import leaks

CLI = (*PYTHON, "-I", "-m", "hf_oidc")


@dataclass(frozen=True)
class CliRun:
    """What a run left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def masks(self) -> list[str]:
        """The values that a runner was told to hide, in order."""
        return [mask.decode() for mask in MASK_LINE.findall(self.stderr.encode())]


def run_cli(
    tmp_path: Path,
    *arguments: str,
    env: Mapping[str, str],
    secrets: Iterable[str],
    stdout_may_hold_them: bool = False,
    may_hold_them: Iterable[Path] = (),
    stdin: str = "",
    command: Sequence[str] | None = None,
) -> CliRun:
    """Run `hf-oidc` in a folder of `tmp_path`, and fail if one of `secrets` is where it may not be.

    `command`: what to start; without one, `hf-oidc` runs in this process, but for `run`.
    """
    places = {"HOME": "home", "TMPDIR": "tmp", "cwd": "workspace"}
    for place in places.values():
        (tmp_path / place).mkdir(exist_ok=True)
    world = {name: str(tmp_path / place) for name, place in places.items() if name != "cwd"}
    # `run` alone is never called in this process.
    full_env = scrubbed(measured=arguments[:1] == ("run",)) | world | dict(env)
    folder = tmp_path / "workspace"
    if command is None and "run" not in arguments[:1]:
        seen: set[bytes] = set()
        process = hf_oidc(*arguments, env=full_env, cwd=folder, stdin=stdin.encode())
    else:
        seen, process = watched([*(command or CLI), *arguments], full_env, folder, stdin.encode())
    said = process.stdout + b"\n--- standard error\n" + process.stderr
    evidence.note(f"hf-oidc {arguments[0]}, exit code {process.returncode}", said.decode(errors="replace"))
    allowed = set(may_hold_them)
    found = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path not in allowed}
    # The lines that mask are searched as well: whoever reads them is told no token, and no signature.
    found |= {"stderr": process.stderr, "command lines": b"\n".join(seen)}
    found |= {} if stdout_may_hold_them else {"stdout": process.stdout}
    assert leaks(secrets, found) == []
    # What `run` starts may say what it likes.
    assert "run" in arguments[:1] or commands_of_others(process.stderr.decode(errors="replace")) == []
    assert b"Traceback" not in process.stderr + process.stdout
    return CliRun(process.returncode, process.stdout.decode(), process.stderr.decode())


def hf_oidc(
    *arguments: str, env: Mapping[str, str], cwd: Path, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Call `hf-oidc` in this process; or start it, where another Python is under test."""
    if ANOTHER_PYTHON:
        return subprocess.run(
            [*CLI, *arguments], env=dict(env), cwd=cwd, input=stdin, capture_output=True, timeout=120, check=False
        )

    def main() -> int:
        before, sys.argv = sys.argv, ["hf-oidc", *arguments]
        try:
            return app.main()
        finally:
            sys.argv = before
            gc.unfreeze()  # this process goes on

    return in_process.call(main, env, cwd, stdin=stdin)
