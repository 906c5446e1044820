"""`hf-oidc`: all its commands under one name, and the promise that none of them ends in a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from hf_oidc import hall
from hf_oidc.cli.completion import completion
from hf_oidc.cli.doctor import doctor
from hf_oidc.cli.env import env_
from hf_oidc.cli.run import run
from hf_oidc.cli.token import token
from hf_oidc.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="hf-oidc")
def cli() -> None:
    """A short-lived Hugging Face token for a CI job, without a stored secret."""


for command in (token, env_, run, doctor, completion):
    cli.add_command(command)


def guarded(run: Callable[[], Any]) -> int:
    """The exit code of `run`; nothing that goes wrong in it ends in a traceback."""
    try:
        code = run()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, never what, for a value may be a token
        click.echo(f"hf-oidc: {hall.place_of(error)}. This is a bug; please report it.", err=True)
        return 1
    return code if isinstance(code, int) else 0


def main() -> None:
    """The entry point `hf-oidc`."""
    # Not standalone: click would end an interrupt with 1, as if the login had failed.
    sys.exit(guarded(lambda: cli(prog_name="hf-oidc", standalone_mode=False)))
