"""`hf-oidc env`: tokens as environment variables, in the words of a shell, a file or a CI."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hf_oidc.cli import output
from hf_oidc.cli.options import BY_CI, Settings, logs_in, wanted
from hf_oidc.cli.session import World, explained, mask_on_github, preparing, tokens
from hf_oidc.errors import InvalidInput
from hf_oidc.secret import Secret
from hf_oidc.sinks import files, shell
from hf_oidc.sinks.dotenv import dotenv

EPILOG = """\b
Examples:
  # sh, bash, zsh; a CI's script on GitLab, Bitbucket, Buildkite, Jenkins, …
  vars=$(hf-oidc env acme/awesome-model) || exit; eval "$vars"
  vars=$(hf-oidc env MODEL_TOKEN=acme/model DATA_TOKEN=datasets/acme/corpus) || exit; eval "$vars"
  # the later steps of a job on CircleCI; on GitHub and Forgejo
  hf-oidc env acme/awesome-model --format circleci
  hf-oidc env acme/awesome-model --format github
  # other shells, and programs that read files
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
    "dotenv": dotenv,
}
# Where it is set, huggingface_hub logs in by itself and ignores the variables.
IN_THE_WAY = "HF_OIDC_RESOURCE"
FORGET = {
    "sh": f"unset {IN_THE_WAY}\n",
    "fish": f"set --erase {IN_THE_WAY}\n",
    "powershell": f"Remove-Item Env:{IN_THE_WAY}\n",
}
# Where a CI reads the variables of later steps from.
CI_FILES = {"circleci": "BASH_ENV", "github": "GITHUB_ENV"}
OWNERS = {"circleci": "CircleCI", "github": "GitHub or Forgejo"}
FORGETTING = {*FORGET, "circleci"}
FORMATS = (*LINES, "json", *CI_FILES)


@click.command("env", epilog=EPILOG + BY_CI, short_help="Set environment variables: of a shell, a file, later steps.")
@click.argument("resources", metavar="[NAME=]RESOURCE…", nargs=-1)
@click.option(
    "--format", "format_", type=click.Choice(FORMATS, case_sensitive=False), default="sh", help="sh unless given."
)
@click.option(
    "--output",
    "-o",
    "path",
    metavar="FILE",
    help="Write to FILE, with mode 0600 and in its place, and not to standard output (-).",
)
@click.option("--show", is_flag=True, help="Print the tokens even if standard output is a terminal.")
@logs_in
def env_(*, resources: tuple[str, ...], format_: str, path: str | None, show: bool, **given: Any) -> None:
    """Set environment variables to tokens: HF_TOKEN, or NAME, for each RESOURCE ($HF_OIDC_RESOURCE unless given).

    With the format `circleci` they are added to the file $BASH_ENV, and with `github` to $GITHUB_ENV, for the later
    steps of the job. All the other formats go to standard output, or to the file of --output.

    Either all of the tokens are given, or nothing is written. A shell's eval "$(…)" does not notice the latter, and the
    script goes on: assign the output first, as in the examples.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        asked = wanted(resources, env)
        destination = _destination(format_, path, env, show=show)
        destination.require()
    with preparing(asked, settings):
        world = World.of(settings, env)
    granted = tokens(asked, settings, world)
    variables = [(each.name, token.secret) for each, token in zip(asked, granted, strict=True)]
    with explained():
        destination.write(variables)
    if IN_THE_WAY in env and format_ not in FORGETTING:
        output.tell(f"hf-oidc: Warning: {IN_THE_WAY} is set; where it is, huggingface_hub ignores these variables.")


@dataclass(frozen=True)
class Destination:
    """Where variables are written, whole or not at all. `require` is called before a token is asked for.

    Both raise a `LoginError` if it cannot be done.
    """

    require: Callable[[], None]
    write: Callable[[Variables], None]


def _destination(format_: str, path: str | None, env: Mapping[str, str], *, show: bool) -> Destination:
    if format_ in CI_FILES:
        return _later_steps(format_, path, env)
    if path is None or path == "-":
        return Destination(
            lambda: output.require(show=show), lambda variables: click.echo(_text(format_, variables, env), nl=False)
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
    from hf_oidc.sinks import github  # noqa: PLC0415 - what a runner of GitHub's kind needs, no other CI does

    github.require_environment_file(env)
    output.require_log()


def _export(variables: Variables, env: Mapping[str, str]) -> None:
    from hf_oidc.sinks import github  # noqa: PLC0415 - as above

    for _, secret in variables:
        mask_on_github(secret)
    github.export(variables, env)
