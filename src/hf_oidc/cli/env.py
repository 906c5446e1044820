"""`hf-oidc env`: tokens as environment variables, for a shell, a file or the later steps of a job."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hf_oidc.cli import streams
from hf_oidc.cli.failures import explained
from hf_oidc.cli.masks import mask_on_github
from hf_oidc.cli.options import LoginCommand, Settings, logs_in, token_requests
from hf_oidc.cli.session import Session
from hf_oidc.errors import InvalidInput
from hf_oidc.output import files, shell
from hf_oidc.secret import Secret

EPILOG = """\b
Examples:
  # sh, bash, zsh: scripts on GitLab, Bitbucket, Buildkite, Jenkins, …
  vars=$(hf-oidc env acme/awesome-model) || exit; eval "$vars"
  vars=$(hf-oidc env MODEL_TOKEN=acme/model DATA_TOKEN=datasets/acme/corpus) || exit; eval "$vars"
  # later steps of a job: CircleCI; GitHub and Forgejo
  hf-oidc env acme/awesome-model --format circleci
  hf-oidc env acme/awesome-model --format github
  # other shells, and programs that read dotenv files
  set vars (hf-oidc env acme/awesome-model --format fish); or exit; printf '%s\\n' $vars | source
  $vars = hf-oidc env acme/awesome-model --format powershell; if ($LASTEXITCODE) { exit 1 }
  $vars | Out-String | Invoke-Expression
  hf-oidc env acme/awesome-model --format dotenv --output /tmp/hf.env

"""
Variables = Sequence[tuple[str, Secret]]
LINES: Mapping[str, Callable[[str, Secret], str]] = {
    "sh": shell.sh,
    "fish": shell.fish,
    "powershell": shell.powershell,
    "dotenv": shell.dotenv,
}
# If it is set, huggingface_hub logs in by itself and ignores the variables.
IN_THE_WAY = "HF_OIDC_RESOURCE"
FORGET = {
    "sh": f"unset {IN_THE_WAY}\n",
    "fish": f"set --erase {IN_THE_WAY}\n",
    "powershell": f"Remove-Item Env:{IN_THE_WAY}\n",
}
# The variable with the path of the file from which a CI reads variables for later steps.
CI_FILES = {"circleci": "BASH_ENV", "github": "GITHUB_ENV"}
OWNERS = {"circleci": "CircleCI", "github": "GitHub or Forgejo"}
FORGETTING = {*FORGET, "circleci"}
FORMATS = (*LINES, "json", *CI_FILES)


@click.command(
    "env",
    cls=LoginCommand,
    epilog=EPILOG,
    short_help="Set environment variables for a shell, a file or later steps.",
)
@click.argument("resources", metavar="[NAME=]RESOURCE…", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS, case_sensitive=False),
    default="sh",
    show_default=True,
    help="Format of the output.",
)
@click.option(
    "--output",
    "-o",
    "path",
    metavar="FILE",
    help="Replace FILE, with mode 0600. [default: standard output]",
)
@click.option("--show", is_flag=True, help="Print the tokens even if standard output is a terminal.")
@logs_in
def env_(*, resources: tuple[str, ...], format_: str, path: str | None, show: bool, **given: Any) -> None:
    """Set an environment variable to a token for each RESOURCE: HF_TOKEN, or NAME.

    Without RESOURCE, the token is for $HF_OIDC_RESOURCE.

    The format `circleci` appends to the file $BASH_ENV, and `github` to $GITHUB_ENV, for the later steps of the job.
    All other formats go to standard output, or to the file of --output.

    If one login fails, nothing is written. A script does not notice that in eval "$(…)" and continues: assign the
    output to a variable first, as in the examples.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        requests = token_requests(resources, env)
        destination = _destination(format_, path, env, show=show)
        destination.require()
    with explained(requests, settings):
        session = Session.open(settings, env)
    variables = [(request.name, token.secret) for request, token in session.log_in(requests)]
    with explained():
        destination.write(variables)
    if IN_THE_WAY in env and format_ not in FORGETTING:
        streams.tell(f"hf-oidc: Warning: {IN_THE_WAY} is set, so huggingface_hub ignores these variables.")


@dataclass(frozen=True)
class Destination:
    """Where the variables go. `write` writes all of them or none; `require` checks before the login that it can.

    Both raise a `LoginError` if it cannot.
    """

    require: Callable[[], None]
    write: Callable[[Variables], None]


def _destination(format_: str, path: str | None, env: Mapping[str, str], *, show: bool) -> Destination:
    if format_ in CI_FILES:
        return _later_steps(format_, path, env)
    if path is None or path == "-":
        return Destination(
            lambda: streams.require(show=show), lambda variables: click.echo(_text(format_, variables, env), nl=False)
        )
    file = Path(path)
    return Destination(
        lambda: files.require_replaceable(file), lambda variables: files.replace(file, _text(format_, variables, env))
    )


def _later_steps(format_: str, path: str | None, env: Mapping[str, str]) -> Destination:
    variable = CI_FILES[format_]
    if path is not None:
        problem = f"`--output` has no use with the format {format_}"
        raise InvalidInput("--output", problem, f"one of the two: {format_} writes to ${variable}")
    if not env.get(variable):
        problem = f"`{variable}` is not set: {OWNERS[format_]} sets it in the steps of a job"
        raise InvalidInput("--format", problem, f"another format than {format_}, or use `hf-oidc run` instead")
    if format_ == "github":
        return Destination(lambda: _require_runner(env), lambda variables: _export(variables, env))
    file = Path(env[variable])
    return Destination(
        lambda: files.require_appendable(file), lambda variables: files.append(file, _text("sh", variables, env))
    )


def _text(format_: str, variables: Variables, env: Mapping[str, str]) -> str:
    if format_ == "json":
        return json.dumps({name: secret.reveal() for name, secret in variables}) + "\n"
    forget = FORGET.get(format_, "") if IN_THE_WAY in env else ""
    return forget + "".join(LINES[format_](*variable) for variable in variables)


def _require_runner(env: Mapping[str, str]) -> None:
    from hf_oidc.output import command_files  # noqa: PLC0415 - only a runner of GitHub's kind needs it

    command_files.find("GITHUB_ENV", env)
    streams.require_log()


def _export(variables: Variables, env: Mapping[str, str]) -> None:
    from hf_oidc.output import command_files  # noqa: PLC0415 - as above

    for _, secret in variables:
        mask_on_github(secret)
    command_files.export(variables, env)
