"""Runs git in a closed environment, and turns its failures into exceptions.

No shell, no configuration of the machine, no hooks, no network protocols. The callers have validated every argument.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Container, Generator, Mapping
from pathlib import Path
from typing import BinaryIO

OLDEST = (2, 31)  # the first version that reads GIT_CONFIG_COUNT
SECONDS = 300
_PIECE = 1024 * 1024
_CONFIGURATION = {
    "core.hooksPath": os.devnull,
    # Reject pushes with malformed objects, or with paths that a file system could treat as .git.
    "transfer.fsckObjects": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    # No background work: everything ends with the request that started it.
    "gc.auto": "0",
    "receive.autogc": "false",
    "maintenance.auto": "false",
    # Record who moved a branch, and when.
    "core.logAllRefUpdates": "always",
    "uploadpack.allowFilter": "true",
    "http.receivepack": "true",
    "user.useConfigOnly": "true",
}


class GitFailed(Exception):
    """git failed. The message is git's own and only for the operator: it can name local paths."""


class TooMuch(Exception):
    """The output of git is too large: a few trees can list millions of files, and a message can have any length."""


class NoGit(Exception):
    """This machine has no suitable git; the message says what to do."""


def git(
    directory: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    stdout: BinaryIO | None = None,
    successes: Container[int] = (0,),
) -> bytes:
    """Run a git command on a bare repository and return its output, unless it goes to `stdout`.

    `successes`: the exit codes that do not mean failure.
    """
    done = subprocess.run(  # noqa: S603 - no shell, validated arguments
        ["git", *arguments],  # noqa: S607 - use the git that the operator has on the PATH
        cwd=directory,
        env={**environment(), "GIT_DIR": str(directory), **(env or {})},
        input=stdin,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode not in successes:
        raise GitFailed(done.stderr.decode("utf-8", "replace").strip()[-500:])
    return done.stdout or b""


def bounded(directory: Path, *arguments: str, most: int) -> bytes:
    """Run a git command that only reads, and return its output.

    If the output exceeds `most` bytes, kill git and raise `TooMuch`.
    """
    command = ["git", *arguments]
    env = {**environment(), "GIT_DIR": str(directory)}
    with subprocess.Popen(  # noqa: S603 - no shell, validated arguments
        command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        output = process.stdout.read(most + 1) if process.stdout else b""
        if len(output) > most:
            process.kill()
            raise TooMuch
    if process.returncode:
        raise GitFailed
    return output


def read_fields(directory: Path, *arguments: str, most: int) -> Generator[bytes, None, None]:
    """Run a git command that only reads, and yield what it prints between NULs, up to `most` bytes.

    A caller that needs no more closes the iterator, which kills git.
    """
    env = {**environment(), "GIT_DIR": str(directory)}
    with subprocess.Popen(  # noqa: S603 - no shell, validated arguments
        ["git", *arguments],  # noqa: S607 - as in `git`
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            held, received = b"", 0
            while process.stdout and received < most and (chunk := process.stdout.read(_PIECE)):
                received += len(chunk)
                *fields, held = (held + chunk).split(b"\0")
                yield from fields
        finally:
            process.kill()


def environment(*more: tuple[str, str]) -> dict[str, str]:
    """Return the complete environment of git; `more` is configuration that overrides what is set here."""
    numbered = list(enumerate([*_CONFIGURATION.items(), *more]))
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_TERMINAL_PROMPT": "0",
        # A pushed refs/replace/ could otherwise substitute the content of a commit.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(numbered)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
    }


def check_git() -> None:
    """Raise `NoGit` unless a recent git is installed."""
    if shutil.which("git") is None:
        raise NoGit("git is not on the PATH, and Local Hub needs it; on Debian: apt-get install git")
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.search(r"(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise NoGit(f"git {'.'.join(map(str, OLDEST))} or newer is required; found: {version.strip() or 'no version'}")
