"""`hf-oidc` as a job runs it: a process with a scrubbed environment. Every run is searched for leaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.action_process import MASK_LINE, PYTHON, scrubbed, watched
from tests.leaks import leaks

CLI = (*PYTHON, "-I", "-m", "hf_oidc.cli")


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
    command: Sequence[str] = CLI,
) -> CliRun:
    """Run `hf-oidc` in a folder of `tmp_path`, and fail if one of `secrets` is where it may not be."""
    places = {"HOME": "home", "TMPDIR": "tmp", "cwd": "workspace"}
    for place in places.values():
        (tmp_path / place).mkdir(exist_ok=True)
    world = {name: str(tmp_path / place) for name, place in places.items() if name != "cwd"}
    full_env = scrubbed() | world | dict(env)
    seen, process = watched([*command, *arguments], full_env, tmp_path / "workspace", stdin.encode())
    allowed = set(may_hold_them)
    found = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path not in allowed}
    found |= {"stderr": MASK_LINE.sub(b"", process.stderr), "command lines": b"\n".join(seen)}
    found |= {} if stdout_may_hold_them else {"stdout": process.stdout}
    assert leaks(secrets, found) == []
    assert b"Traceback" not in process.stderr + process.stdout
    return CliRun(process.returncode, process.stdout.decode(), process.stderr.decode())
