"""`hf-oidc` as a job runs it: a process with a scrubbed environment. Every run is searched for leaks."""

import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.action_process import MASK_LINE, scrubbed
from tests.leaks import leaks
from tests.scripted_server import command_lines

CLI = (sys.executable, "-I", "-m", "hf_oidc.cli")


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
) -> CliRun:
    """Run `hf-oidc` in a folder of `tmp_path`, and fail if one of `secrets` is where it may not be."""
    places = {"HOME": "home", "TMPDIR": "tmp", "cwd": "workspace"}
    for place in places.values():
        (tmp_path / place).mkdir(exist_ok=True)
    world = {name: str(tmp_path / place) for name, place in places.items() if name != "cwd"}
    seen, process = _watched([*CLI, *arguments], scrubbed() | world | dict(env), tmp_path / "workspace", stdin)
    allowed = set(may_hold_them)
    found = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path not in allowed}
    found |= {"stderr": MASK_LINE.sub(b"", process.stderr), "command lines": b"\n".join(seen)}
    found |= {} if stdout_may_hold_them else {"stdout": process.stdout}
    assert leaks(secrets, found) == []
    assert b"Traceback" not in process.stderr + process.stdout
    return CliRun(process.returncode, process.stdout.decode(), process.stderr.decode())


def _watched(
    command: list[str], env: Mapping[str, str], cwd: Path, stdin: str
) -> tuple[set[bytes], "subprocess.CompletedProcess[bytes]"]:
    """Run `command`, and look at all command lines until it has ended."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.add(command_lines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        process = subprocess.run(
            command, env=dict(env), cwd=cwd, input=stdin.encode(), capture_output=True, timeout=120, check=False
        )
    finally:
        ended.set()
        watcher.join()
    return seen, process
