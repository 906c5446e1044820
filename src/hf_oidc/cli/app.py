"""`hf-oidc`: all its commands under one name, and the promise that none of them ends in a traceback.

A command is imported when it is called for: what the others need, a job does not wait for.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from typing import Any

import click

from hf_oidc.cli import output
from hf_oidc.errors import LoginError
from hf_oidc.untrusted_text import shown
from hf_oidc.version import VERSION

EPILOG = """\b
In a CI job, begin with:
  hf-oidc doctor                # what would keep it from logging in
  hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .

https://github.com/org/hf-oidc-action/blob/main/docs/command-line.md
"""
# In the order in which they are shown: where each is defined.
COMMANDS = {
    "run": ("hf_oidc.cli.run", "run"),
    "env": ("hf_oidc.cli.env", "env_"),
    "token": ("hf_oidc.cli.token", "token"),
    "doctor": ("hf_oidc.cli.doctor", "doctor"),
    "completion": ("hf_oidc.cli.completion", "completion"),
}


# What people try, and what does it.
LOGIN = "`hf-oidc run RESOURCE -- COMMAND` runs COMMAND with a token, `hf-oidc token RESOURCE` prints one."
MEANT = {
    "login": LOGIN,
    "log-in": LOGIN,
    "auth": LOGIN,
    "exec": "run",
    "export": "env",
    "check": "doctor",
    "help": "--help",
}


class Commands(click.Group):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The one of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; of one that is not there, what was likely meant."""
        if not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"No such command {shown(args[0], 100)!r}.{_suggestion(args[0])}")
        return super().resolve_command(ctx, args)


def _suggestion(word: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - no command that is there needs it

    if "/" in word:
        return f" A command comes first: `hf-oidc run {shown(word, 100)} -- COMMAND`."
    found = get_close_matches(word.lower(), [*COMMANDS, *MEANT], 1)
    meant = MEANT.get(found[0], found[0]) if found else ""
    return f" {meant}" if meant == LOGIN else f" Did you mean `hf-oidc {meant}`?" if meant else ""


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="hf-oidc")
def cli() -> None:
    """A short-lived Hugging Face token for a CI job, without a stored secret."""


def guarded(run: Callable[[], Any]) -> int:
    """The exit code of `run`; nothing that goes wrong in it ends in a traceback."""
    try:
        with output.whole():
            code = _ended(run)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        said = io.StringIO()  # click repeats arguments as they are
        error.show(said)
        output.tell(said.getvalue().removesuffix("\n"))
        return error.exit_code
    except LoginError as error:
        from hf_oidc.cli.session import failed  # noqa: PLC0415 - help and completion need none of what this needs

        return failed(error, None, None).exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, never what, for a value may be a token
        from hf_oidc import hall  # noqa: PLC0415 - likewise

        output.tell(f"hf-oidc: {hall.place_of(error)}. This is a bug; please report it.")
        return 1
    return code


def _ended(run: Callable[[], Any]) -> int:
    try:
        code = run()
    except SystemExit as end:  # click answers a shell's request for completion so
        code = end.code
    return code if isinstance(code, int) else 0


def main() -> None:
    """The entry point `hf-oidc`."""
    output.keep_descriptors()
    # Not standalone: click would end an interrupt with 1, as if the login had failed.
    sys.exit(guarded(lambda: cli(prog_name="hf-oidc", standalone_mode=False)))
