"""`hf-oidc`: all commands under one name, and `hf-oidc completion`. None of them ends in a traceback.

A command is imported when it is used, so that a job does not wait for what only other commands need.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from typing import Any

import click

from hf_oidc import entry_point
from hf_oidc.cli import streams
from hf_oidc.errors import LoginError, bug_location
from hf_oidc.sanitize import sanitize_line
from hf_oidc.version import VERSION

EPILOG = """\b
In a CI job, start with:
  hf-oidc doctor                # can this job log in?
  hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .

https://github.com/org/hf-oidc-action/blob/main/docs/command-line.md
"""
COMPLETION_EPILOG = """\b
Examples:
  eval "$(hf-oidc completion bash)"                              # in ~/.bashrc
  eval "$(hf-oidc completion zsh)"                               # in ~/.zshrc
  hf-oidc completion fish > ~/.config/fish/completions/hf-oidc.fish
"""
# In the order of the help: where each command is defined.
COMMANDS = {
    "run": ("hf_oidc.cli.run", "run"),
    "agent": ("hf_oidc.cli.agent", "agent"),
    "env": ("hf_oidc.cli.env", "env_"),
    "token": ("hf_oidc.cli.token", "token"),
    "doctor": ("hf_oidc.cli.doctor", "doctor"),
    "completion": ("hf_oidc.cli.app", "completion"),
}
# What users try -> the command that does it.
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
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        entry_point.collect_garbage()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with. If it does not exist, suggests what the user probably meant."""
        if not args[0].startswith("-") and args[0] not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 - only a wrong command needs it

            word = sanitize_line(args[0], 100)
            found = get_close_matches(args[0].lower(), [*COMMANDS, *MEANT], 1)
            meant = MEANT.get(found[0], found[0]) if found else ""
            suggestion = f" Did you mean `hf-oidc {meant}`?" if meant else ""
            if "/" in args[0]:
                suggestion = f" The command comes first: `hf-oidc run {word} -- COMMAND`."
            elif meant == LOGIN:
                suggestion = f" {LOGIN}"
            ctx.fail(f"No such command {word!r}.{suggestion}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="hf-oidc")
def cli() -> None:
    """Get a short-lived Hugging Face token in a CI job, without a stored secret."""


@click.command(epilog=COMPLETION_EPILOG, short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"], case_sensitive=False))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> None:
    """Print the script that lets SHELL complete hf-oidc commands and options."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - no other command needs it

    # Click's script, which runs this program to find the candidates.
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101 - click has all three
    click.echo(maker(context.find_root().command, {}, "hf-oidc", "_HF_OIDC_COMPLETE").source())


def guarded(run: Callable[[], Any]) -> int:
    """The exit code of `run`. An unexpected exception is reported without a traceback, which could show a token."""
    try:
        with streams.whole():
            try:
                code = run()
            except SystemExit as end:  # click ends like this after a shell's request for completion
                code = end.code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        said = io.StringIO()  # click repeats arguments unchanged; `streams.tell` sanitizes them
        error.show(said)
        streams.tell(said.getvalue().removesuffix("\n"))
        return error.exit_code
    except LoginError as error:
        from hf_oidc.cli.failures import failed  # noqa: PLC0415 - help and completion do not need it

        return failed(error, None, None).exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, but never what: the text may hold a token
        streams.tell(f"hf-oidc: {bug_location(error)}. This is a bug; please report it.")
        return 1
    return code if isinstance(code, int) else 0


def main() -> int:
    """Runs the command line with this process's arguments, environment and streams. Returns the exit code."""
    streams.keep_descriptors()
    # No command verifies a signature, and PyJWT takes a third longer to import where cryptography is installed. No
    # other program runs in this process. An import of None raises `ModuleNotFoundError`.
    sys.modules.setdefault("cryptography", None)  # type: ignore[arg-type]
    # Not standalone: click would exit with 1 after an interrupt, as if the login had failed.
    return guarded(lambda: cli(prog_name="hf-oidc", standalone_mode=False))
