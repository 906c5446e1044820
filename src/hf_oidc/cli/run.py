"""`hf-oidc run`: runs a command with tokens in its environment, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from hf_oidc.cli.child import cannot_run, find
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import LoginCommand, Settings, logs_in, token_requests
from hf_oidc.cli.session import Session
from hf_oidc.token_request import TokenRequest, path_variable

EPILOG = """\b
Examples:
  hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
  hf-oidc run MODEL=acme/model DATA=datasets/acme/corpus -- python publish.py
  hf-oidc run some-user -- hf download acme/gated-model
  hf-oidc run acme/awesome-model -- sh -c 'hf upload acme/awesome-model . && ./notify'
  hf-oidc run --git acme/awesome-model -- git push hub main
  hf-oidc run --keep-fresh acme/awesome-model -- python train.py   # longer than an hour

"""
NO_COMMAND = (
    "COMMAND is missing. Write it after --, as in hf-oidc run acme/model -- python x.py (in PowerShell, after '--')"
)


class WithCommand(LoginCommand):
    """A command line that ends in `--` and the command to run. click does not parse the arguments of that command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Splits at the first `--`."""
        before, after = (args[: args.index("--")], args[args.index("--") + 1 :]) if "--" in args else (args, [])
        ctx.obj = tuple(after)
        return super().parse_args(ctx, before)


@click.command(
    cls=WithCommand,
    epilog=EPILOG,
    options_metavar="[OPTIONS]",
    short_help="Run a command with a token in its environment.",
)
@click.argument("resources", metavar="[NAME=]RESOURCE… -- COMMAND", nargs=-1)
@click.option("--git", "git_", is_flag=True, help="Let git and git-lfs in COMMAND use the token of each repository.")
@click.option("--keep-fresh", is_flag=True, help="Renew the tokens until COMMAND ends; see above.")
@click.option("--export-token", is_flag=True, help="With --keep-fresh: also set HF_TOKEN, or NAME, to the first token.")
@click.option(
    "--on-expiry",
    type=click.Choice(["warn", "stop"], case_sensitive=False),
    help="With --keep-fresh: what to do when a token expires and cannot be renewed. [default: warn]",
)
@logs_in
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    resources: tuple[str, ...],
    git_: bool,
    keep_fresh: bool,
    export_token: bool,
    on_expiry: str | None,
    **given: Any,
) -> None:
    """Run COMMAND with a token for each RESOURCE in its environment, as HF_TOKEN or NAME.

    Without RESOURCE, the token is for $HF_OIDC_RESOURCE. COMMAND does not get that variable: if it is set,
    huggingface_hub logs in by itself and ignores HF_TOKEN.

    A token is valid for one hour. With --keep-fresh, the token is in a file, and is renewed before it expires.
    HF_TOKEN_PATH, or NAME_PATH, is the path of the file; huggingface_hub and git read it for each call. COMMAND does
    not get HF_TOKEN, because it would take precedence.

    The exit code is COMMAND's; 127 if COMMAND is not found, 126 if it cannot be run. It is 1 if the login failed,
    and 2 if the arguments are wrong.
    """
    env, command = dict(os.environ), tuple(context.obj)
    with explained():
        if not command:
            raise click.UsageError(NO_COMMAND)
        if not keep_fresh and (export_token or on_expiry):
            raise click.UsageError("--export-token and --on-expiry need --keep-fresh.")
        settings = Settings.read(given, env)
        requests = token_requests(resources, env)
        for each in requests if keep_fresh else ():
            path_variable(each.name, env, "RESOURCE")
    program = find(command[0], env)
    if keep_fresh:
        from hf_oidc.cli.run_renewing import Job, run_with_fresh_tokens  # noqa: PLC0415 - most commands end within the hour

        job = Job(program, command, requests, export_token=export_token, stop_on_expiry=on_expiry == "stop")
        raise click.exceptions.Exit(run_with_fresh_tokens(job, settings, env))
    _run_with_tokens(program, command, requests, settings, env, with_git=git_)


def _run_with_tokens(
    program: str,
    command: tuple[str, ...],
    requests: Sequence[TokenRequest],
    settings: Settings,
    env: Mapping[str, str],
    *,
    with_git: bool,
) -> NoReturn:
    """Logs in, and becomes the command."""
    configuration = {}
    with explained(requests, settings):
        if with_git:
            from hf_oidc.output import git  # noqa: PLC0415 - most commands do not use git

            configuration = git.configuration_for(requests, settings.hub_url, env)
        session = Session.open(settings, env)
    secrets = {request.name: token.secret.reveal() for request, token in session.log_in(requests)}
    kept = {name: value for name, value in env.items() if name != "HF_OIDC_RESOURCE"}
    variables = {**kept, **configuration, **secrets}
    if sys.platform == "win32":  # pragma: no cover - Windows cannot replace a process: the waiting shell would continue
        done = subprocess.run([program, *command[1:]], env=variables, check=False)  # noqa: S603 - no shell, the user's own
        raise click.exceptions.Exit(done.returncode)
    # Python ignores these two signals, and a program that replaces Python would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, command, variables)  # noqa: S606 - no shell: signals, terminal and exit code are the command's
    except OSError as error:
        raise cannot_run(program, f"cannot be run: {error.strerror}") from None
