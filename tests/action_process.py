"""The action as the runner starts it, with a scrubbed environment. Every run is searched for leaks.

It is called in this process, by the function that `python -m hf_oidc.action` calls, unless a test gives the `command`
that starts it: `ACTION`, or another.
"""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hf_oidc import action
from tests import evidence, in_process
from tests.commands import commands_of_others
from tests.leaks import leaks
from tests.processes import command_lines

# The Python under test: this one, unless tests/e2e/test_image.py has the same stories told by the image's.
ANOTHER_PYTHON = os.environ.get("HF_OIDC_TEST_PYTHON", "")
PYTHON = tuple(shlex.split(ANOTHER_PYTHON or shlex.quote(sys.executable)))
ACTION = (*PYTHON, "-I", "-m", "hf_oidc.action")
# The variable with which coverage measures a process, and where tests/conftest.py keeps its value.
COVERAGE_CONFIG, MEASURED_BY = "COVERAGE_PROCESS_CONFIG", "HF_OIDC_TEST_COVERAGE"
# What the runner passes for each input that the workflow does not name: the defaults of action.yml.
DEFAULTS = {
    "export-env": "true",
    "git-credentials": "false",
    "on-error": "fail",
    "hub-url": "",
    "audience": "",
    "id-token": "",
    "ca-bundle": "",
    "timeout": "60",
}
MASK_LINE = re.compile(rb"^::add-mask::(.*)$", re.MULTILINE)
FILE_COMMAND = re.compile(
    r"^(?P<name>[^\n<]+)<<(?P<delimiter>ghadelimiter_\S+)\n(?P<value>.*?)\n(?P=delimiter)\n", re.MULTILINE | re.DOTALL
)
SECRET_VARIABLES = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "HF_OIDC_ID_TOKEN", "INPUT_ID-TOKEN")


@dataclass(frozen=True)
class ActionRun:
    """What a run left behind."""

    exit_code: int
    stdout: str
    stderr: str
    output_file: str
    env_file: str
    summary: str
    places: dict[str, bytes] = field(repr=False)

    @property
    def outputs(self) -> dict[str, str]:
        """The step's outputs, as the runner reads them."""
        return file_commands(self.output_file)

    @property
    def exported(self) -> dict[str, str]:
        """The environment variables of later steps, as the runner reads them."""
        return file_commands(self.env_file)

    @property
    def masks(self) -> list[str]:
        """The values that the runner was told to hide, in order."""
        return [_unescaped(mask.decode()) for mask in MASK_LINE.findall(self.stdout.encode())]

    @property
    def error_code(self) -> str | None:
        """The stable code in the title of the error annotation."""
        found = re.search(r"^::(?:error|warning) title=hf-oidc%3A ([a-z-]+)::", self.stdout, re.MULTILINE)
        return found[1] if found else None


def run_action(
    tmp_path: Path,
    env: Mapping[str, str],
    inputs: Mapping[str, str],
    *,
    command: Sequence[str] | None = None,
    secrets: Iterable[str] = (),
    cwd: Path | None = None,
    command_files: Mapping[str, str] | None = None,
) -> ActionRun:
    """Run the action with the job's `env` and the workflow's `inputs`, and fail if it leaks a secret.

    It fails as well if the log holds a command of any CI's that is not the action's own.

    `command`: what to start; without one, the action runs in this process.

    Secrets are those of `env` and `inputs`, those that the run masked or handed over, and `secrets`.
    """
    world = _world(tmp_path, command_files)
    full_env = (
        scrubbed()
        | world
        | dict(env)
        | {f"INPUT_{name.upper()}": value for name, value in {**DEFAULTS, **inputs}.items()}
    )
    folder = cwd or tmp_path / "workspace"
    if command is None and not ANOTHER_PYTHON:
        seen: set[bytes] = set()
        process = in_process.call(lambda: action.guarded(action.run, dict(os.environ)), full_env, folder)
    else:
        seen, process = watched(command or ACTION, full_env, folder)
    run = ActionRun(
        process.returncode,
        process.stdout.decode(),
        process.stderr.decode(),
        _content(world.get("GITHUB_OUTPUT")),
        _content(world.get("GITHUB_ENV")),
        _content(world.get("GITHUB_STEP_SUMMARY")),
        _places(tmp_path, process, seen),
    )
    evidence.note(f"The action, exit code {run.exit_code}", f"{run.stdout}\n--- standard error\n{run.stderr}")
    known = {full_env.get(name, "") for name in SECRET_VARIABLES}
    known |= {*secrets, *run.masks, run.outputs.get("token", "")}
    found = leaks(known, run.places)
    assert not found, found
    assert commands_of_others(run.stdout + run.stderr) == []
    return run


def file_commands(text: str) -> dict[str, str]:
    """`NAME<<delimiter`, value, delimiter: the form of the runner's command files."""
    return {match["name"]: match["value"] for match in FILE_COMMAND.finditer(text)}


def _world(tmp_path: Path, command_files: Mapping[str, str] | None) -> dict[str, str]:
    for folder in ("workspace", "home", "file_commands", "tmp"):
        (tmp_path / folder).mkdir(exist_ok=True)
    files = {
        name: str(tmp_path / "file_commands" / name.lower())
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
    }
    if command_files is not None:
        files = dict(command_files)
    else:
        for path in files.values():
            Path(path).write_text("")
    places = {"GITHUB_WORKSPACE": "workspace", "HOME": "home", "TMPDIR": "tmp", "XDG_CACHE_HOME": "home/.cache"}
    return files | {name: str(tmp_path / place) for name, place in places.items()}


def scrubbed(*, measured: bool = False) -> dict[str, str]:
    """What a process needs of this environment, and nothing else of it.

    `measured`: its coverage is measured. That takes longer than most of these processes do, and what they share with
    the same code in this process is measured here.
    """
    kept = {name: name for name in ("PATH", "SYSTEMROOT")}
    kept |= {COVERAGE_CONFIG: MEASURED_BY} if measured else {}
    return {name: os.environ[value] for name, value in kept.items() if value in os.environ}


def watched(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes | None = None,
    *,
    every: float = 0.05,
    seconds: float = 120,
) -> tuple[set[bytes], "subprocess.CompletedProcess[bytes]"]:
    """Run `command`, and look at the command lines of this run until it has ended; give those, and what it left.

    It looks after `every` seconds at first, and then less often: a long command mostly goes on with what it does.
    `seconds` is how long the command may take.
    """
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        pause = every
        while not ended.wait(pause):
            seen.add(command_lines())
            pause = max(every, min(1.2 * pause, 0.5))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        process = subprocess.run(
            command, env=dict(env), cwd=cwd, input=stdin, capture_output=True, timeout=seconds, check=False
        )
    finally:
        ended.set()
        watcher.join()
    return seen, process


def _places(tmp_path: Path, process: "subprocess.CompletedProcess[bytes]", seen: set[bytes]) -> dict[str, bytes]:
    """Everything that was written where no secret may be: all but mask lines and the two command files."""
    allowed = {tmp_path / "file_commands" / name for name in ("github_output", "github_env")}
    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path not in allowed}
    return files | {
        "stdout": MASK_LINE.sub(b"", process.stdout),
        "stderr": process.stderr,
        "command lines": b"\n".join(seen),
    }


def _content(path: str | None) -> str:
    with contextlib.suppress(OSError):
        if path and Path(path).is_file():
            return Path(path).read_text()
    return ""


def _unescaped(value: str) -> str:
    return value.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def tokens_of(run: ActionRun) -> dict[str, str]:
    """The `tokens` output."""
    tokens: dict[str, str] = json.loads(run.outputs["tokens"])
    return tokens
