"""The native action's entry point, in hf-oidc.pyz: puts `hf-oidc` on the PATH of later steps, and runs the action.

`native/launch.py` has found the interpreter that runs this. It knows how shells start a program, and nothing of logins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from hf_oidc import action
from hf_oidc.output import github_commands

# What is piped into the command is its standard input; the exit code is the command's.
POWERSHELL = """\
if ($MyInvocation.ExpectingInput) {{ $input | & {command} @args }} else {{ & {command} @args }}
exit $LASTEXITCODE
"""


def main(archive: str) -> NoReturn:
    """Runs the action and ends the process; `archive` is the path of hf-oidc.pyz."""
    action.main(partial(run, archive))


def run(archive: str, env: Mapping[str, str]) -> int:
    """Puts the command on the PATH, if that can be done, and logs in. Returns the exit code."""
    try:
        folder = command_folder(sys.executable, archive, env.get("RUNNER_TEMP"), windows=os.name == "nt")
        with open(env.get("GITHUB_PATH", ""), "a", encoding="utf-8") as path:  # noqa: PTH123 - no pathlib: see below
            path.write(folder + "\n")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "a path is not UTF-8"
        message = f"`hf-oidc` is not available in later steps: its files cannot be written ({reason})."
        github_commands.annotate("warning", "hf-oidc: no command", message)
    return action.run(env)


def command_folder(python: str, archive: str, temporary: str | None, *, windows: bool) -> str:
    """A new folder with the command `hf-oidc`: for POSIX shells, and on Windows also for cmd.exe and PowerShell.

    `temporary`: where to make it; without it, in the system's folder for temporary files.
    """
    if not temporary:
        import tempfile  # noqa: PLC0415 - the runner sets RUNNER_TEMP, and this import takes as long as the rest

        temporary = tempfile.gettempdir()
    # Not pathlib, which is slower: a job waits for this.
    folder = os.path.join(temporary, f"hf-oidc-{os.urandom(8).hex()}")  # noqa: PTH118
    os.mkdir(folder, 0o700)  # noqa: PTH102
    command = os.path.join(folder, "hf-oidc")  # noqa: PTH118
    _write(command, f'#!/bin/sh\nexec {_posix(python)} -I -S {_posix(archive)} "$@"\n')
    os.chmod(command, 0o700)  # noqa: PTH101
    if windows:
        for_cmd = " -I -S ".join('"' + word.replace("%", "%%") + '"' for word in (python, archive))
        _write(command + ".cmd", f"@{for_cmd} %*\r\n")
        # PowerShell prefers this file. Through the .cmd file, cmd.exe would parse the arguments again and run what
        # follows an `&`. The BOM tells Windows PowerShell that it is UTF-8.
        for_powershell = " -I -S ".join("'" + word.replace("'", "''") + "'" for word in (python, archive))
        _write(command + ".ps1", "\ufeff" + POWERSHELL.format(command=for_powershell).replace("\n", "\r\n"))
    return folder


def _posix(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        file.write(text)
