"""`hf-oidc run`: a command with tokens in its environment, and nowhere else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from hf_oidc.cli import output
from hf_oidc.cli.options import BY_CI, Settings, logs_in, wanted
from hf_oidc.cli.session import explained, tokens
from hf_oidc.untrusted_text import shown_input

EPILOG = """\b
Examples:
  hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
  hf-oidc run MODEL=acme/model DATA=datasets/acme/corpus -- python publish.py
  hf-oidc run some-user -- hf download acme/gated-model
  hf-oidc run acme/awesome-model -- sh -c 'hf upload acme/awesome-model . && ./notify'

"""
# As shells have them.
NOT_EXECUTABLE, NOT_FOUND = 126, 127


class WithCommand(click.Command):
    """A command line with somebody else's after `--`, which is left as it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Splits at the first `--`."""
        before, after = (args[: args.index("--")], args[args.index("--") + 1 :]) if "--" in args else (args, [])
        ctx.obj = tuple(after)
        return super().parse_args(ctx, before)


@click.command(
    cls=WithCommand,
    epilog=EPILOG + BY_CI,
    options_metavar="[OPTIONS]",
    short_help="Run a command with a token in its environment alone.",
)
@click.argument("resources", metavar="[NAME=]RESOURCE… -- COMMAND", nargs=-1)
@logs_in
@click.pass_context
def run(context: click.Context, /, *, resources: tuple[str, ...], **given: Any) -> None:
    """Run COMMAND with a token for each RESOURCE in its environment, as HF_TOKEN or NAME, and end as it ends.

    RESOURCE is $HF_OIDC_RESOURCE unless given. That variable is taken out of the command's environment: where it is
    set, huggingface_hub logs in by itself and ignores HF_TOKEN.

    The exit code is that of COMMAND; 127 if it is not found, 126 if it cannot be run. Before that it is 1 if the login
    failed, and 2 if the arguments are wrong.
    """
    env = dict(os.environ)
    command: tuple[str, ...] = context.obj
    with explained():
        if not command:
            raise click.UsageError(
                "There is no command: write it after --, as in hf-oidc run acme/model -- python x.py"
            )
        settings = Settings.read(given, env)
        asked = wanted(resources, env)
    program = _program(command[0])
    granted = tokens([each.resource for each in asked], settings, env)
    secrets = {each.name: token.secret.reveal() for each, token in zip(asked, granted, strict=True)}
    kept = {name: value for name, value in env.items() if name != "HF_OIDC_RESOURCE"}
    _become(program, command, {**kept, **secrets})


def _program(name: str) -> str:
    """Where the command is; looked for before anybody is asked for a token."""
    if program := shutil.which(name):
        return program
    if os.sep in name and Path(name).is_dir():
        raise _failed(name, "is a folder")
    if shutil.which(name, mode=os.F_OK):
        raise _failed(name, "may not be run: it is not executable")
    raise _failed(name, "command not found", NOT_FOUND)


def _failed(name: str, why: str, code: int = NOT_EXECUTABLE) -> click.exceptions.Exit:
    output.tell(f"hf-oidc: {shown_input(name)}: {why}")
    return click.exceptions.Exit(code)


def _become(program: str, command: tuple[str, ...], env: Mapping[str, str]) -> NoReturn:
    if sys.platform == "win32":  # pragma: no cover - Windows cannot replace a process: a waiting shell would go on
        done = subprocess.run([program, *command[1:]], env=env, check=False)  # noqa: S603 - no shell, the user's own
        raise click.exceptions.Exit(done.returncode)
    # Python ignores these two, and what is ignored stays so in the program that takes its place.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, command, env)  # noqa: S606 - no shell: signals, terminal and exit code are the command's
    except OSError as error:
        raise _failed(program, f"cannot be run: {error.strerror}") from None
