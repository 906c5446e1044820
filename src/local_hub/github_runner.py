"""Does what GitHub's runner does for a step: run the action, process its commands, mask, read the command files.

It does not know what the action does, and it checks nothing.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ACTION = "hf_oidc.action"
COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
STEP_SECONDS = 120
_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: [^:]*)?::(?P<message>.*)")
_PREFIXES = {"error": "Error: ", "warning": "Warning: ", "notice": "Notice: ", "group": "▸ "}
_HIDDEN = frozenset({"debug", "add-mask", "endgroup"})
_BLOCK = re.compile(r"^(?P<name>[^\n=<]+)<<(?P<end>\S+)\r?\n(?P<value>.*?)\r?\n(?P=end)\r?$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A finished step: its log as the runner shows it, and what it passes to later steps."""

    exit_code: int
    log: tuple[str, ...]
    masks: tuple[str, ...]
    outputs: Mapping[str, str]
    exported: Mapping[str, str]

    def hides(self, value: str) -> bool:
        """Return whether the step masked a value and its log does not show it."""
        return value in self.masks and not any(value in line for line in self.log)


def run_action(directory: Path, job: Mapping[str, str], inputs: Mapping[str, str]) -> Step:
    """Run the action as a step of this job, in a clean environment."""
    files = {name: directory / name.lower() for name in COMMAND_FILES}
    for path in files.values():
        path.write_bytes(b"")
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        **job,
        # The runner converts names to upper case, but keeps hyphens.
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        **{name: str(path) for name, path in files.items()},
        "GITHUB_WORKSPACE": str(directory),
    }
    # `-I`: the working directory is the caller's checkout, and Python must not import anything from it.
    done = subprocess.run(  # noqa: S603 - this interpreter with our own module
        [sys.executable, "-I", "-m", ACTION],
        env=env,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=STEP_SECONDS,
        check=False,
    )
    log, masks = process_commands(done.stdout.splitlines())
    outputs, exported = (
        read_command_file(files[name].read_text(encoding="utf-8")) for name in ("GITHUB_OUTPUT", "GITHUB_ENV")
    )
    return Step(done.returncode, tuple(log), tuple(masks), outputs, exported)


def process_commands(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Process the workflow commands in a step's output; return the remaining log, and the masks."""
    log: list[str] = []
    masks: list[str] = []
    for line in lines:
        command = _COMMAND.fullmatch(line)
        if command and command["name"] == "add-mask":
            # The runner masks only what follows.
            masks.append(_unescaped(command["message"]))
        elif command and command["name"] in _PREFIXES:
            log += masked(_PREFIXES[command["name"]] + _unescaped(command["message"]), masks).splitlines()
        elif not command or command["name"] not in _HIDDEN:
            log.append(masked(line, masks))
    return log, masks


def masked(text: str, masks: Iterable[str]) -> str:
    """Replace masked values, longest first."""
    for value in sorted(filter(None, masks), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def read_command_file(text: str) -> dict[str, str]:
    """Read the `NAME<<delimiter` blocks of a command file."""
    return {block["name"]: block["value"] for block in _BLOCK.finditer(text)}


def _unescaped(message: str) -> str:
    return message.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
