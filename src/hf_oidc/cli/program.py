"""The command that `hf-oidc run` is to run: where it is, or why it cannot be run, as a shell would say it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from hf_oidc import command
from hf_oidc.cli import streams
from hf_oidc.sanitize import sanitize_line

# As shells have them.
NOT_EXECUTABLE, NOT_FOUND = 126, 127


def find(name: str, env: Mapping[str, str]) -> str:
    """The path of the command; looked for before anybody is asked for a token. Raises `click.exceptions.Exit`."""
    if program := command.find(name, env):
        return program
    if os.sep in name and Path(name).is_dir():
        raise cannot_run(name, "is a folder")
    if command.find(name, env, os.F_OK):
        raise cannot_run(name, "may not be run: it is not executable")
    raise cannot_run(name, "command not found", NOT_FOUND)


def cannot_run(name: str, why: str, code: int = NOT_EXECUTABLE) -> click.exceptions.Exit:
    """The end, after words on standard error."""
    streams.tell(f"hf-oidc: {sanitize_line(name)}: {why}")
    return click.exceptions.Exit(code)
