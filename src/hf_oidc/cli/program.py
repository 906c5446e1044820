"""Finds the command that `hf-oidc run` runs, or says like a shell why it cannot be run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from hf_oidc import command
from hf_oidc.cli import streams
from hf_oidc.sanitize import sanitize_line

# The exit codes of shells.
NOT_EXECUTABLE, NOT_FOUND = 126, 127


def find(name: str, env: Mapping[str, str]) -> str:
    """The path of the command. Call it before the login, so that no unusable token is issued. Raises `Exit`."""
    if program := command.find(name, env):
        return program
    if os.sep in name and Path(name).is_dir():
        raise cannot_run(name, "is a folder")
    if command.find(name, env, os.F_OK):
        raise cannot_run(name, "may not be run: it is not executable")
    raise cannot_run(name, "command not found", NOT_FOUND)


def cannot_run(name: str, why: str, code: int = NOT_EXECUTABLE) -> click.exceptions.Exit:
    """Prints the reason on standard error and returns the end of the command."""
    streams.tell(f"hf-oidc: {sanitize_line(name)}: {why}")
    return click.exceptions.Exit(code)
