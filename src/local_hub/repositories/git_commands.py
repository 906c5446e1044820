"""Running git: the one place that knows what its environment is, and how it fails.

No shell, no configuration of the machine's, no hooks, no protocol by which git could reach out. It must not know what
a command is for; whoever calls has checked every argument.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Container, Mapping
from pathlib import Path
from typing import BinaryIO

OLDEST = (2, 31)  # the first that reads GIT_CONFIG_COUNT
SECONDS = 300
_CONFIGURATION = {
    "core.hooksPath": os.devnull,
    # Objects that lie crooked, and paths that a checkout would take for .git, are refused when they are pushed.
    "transfer.fsckObjects": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    # Nothing in the background: what a request began is over when it is answered.
    "gc.auto": "0",
    "receive.autogc": "false",
    "maintenance.auto": "false",
    # Who moved a branch, and when.
    "core.logAllRefUpdates": "always",
    "uploadpack.allowFilter": "true",
    "http.receivepack": "true",
    "user.useConfigOnly": "true",
}


class GitFailed(Exception):
    """git refused or broke; the message is its own, for whoever is allowed to see it."""


class TooMuch(Exception):
    """git says more than anybody should wait for: a few trees can stand for millions of files."""


class NoGit(Exception):
    """There is no git on this machine that could be used; the message says what to do."""


def git(
    directory: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    stdout: BinaryIO | None = None,
    successes: Container[int] = (0,),
) -> bytes:
    """Run a git command on a bare repository; give what it printed, unless that goes to `stdout`.

    `successes`: the exit codes that are none of failure.
    """
    done = subprocess.run(  # noqa: S603 - no shell, and arguments that were checked
        ["git", *arguments],  # noqa: S607 - the PATH's git is the one that the operator means
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
    """Run a git command that reads; give what it printed.

    Raises `TooMuch`, and ends it, if that is over `most` bytes.
    """
    command = ["git", *arguments]
    env = {**environment(), "GIT_DIR": str(directory)}
    with subprocess.Popen(  # noqa: S603 - no shell, and arguments that were checked
        command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        said = process.stdout.read(most + 1) if process.stdout else b""
        if len(said) > most:
            process.kill()
            raise TooMuch
    if process.returncode:
        raise GitFailed
    return said


def environment() -> dict[str, str]:
    """Give the whole environment that git runs in."""
    numbered = list(enumerate(_CONFIGURATION.items()))
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
        # A pushed refs/replace/ would put other contents under a commit's name.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(numbered)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
    }


def check_git() -> None:
    """Make sure that there is a git, and that it is new enough."""
    if shutil.which("git") is None:
        raise NoGit("git is needed to hold repositories, and is not on the PATH; on Debian: apt-get install git")
    said = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise NoGit(f"git {'.'.join(map(str, OLDEST))} or newer is needed, and this is {said.strip() or 'not git'}")
