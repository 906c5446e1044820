"""`hf-oidc env`: tokens as environment variables, for a shell, a file or the later steps of a job."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
    "circleci": f"unset {IN_THE_WAY}\n",
    "fish": f"set --erase {IN_THE_WAY}\n",
    "powershell": f"Remove-Item Env:{IN_THE_WAY}\n",
}
# The variable with the path of the file from which a CI reads variables for later steps.
CI_FILES = {"circleci": "BASH_ENV", "github": "GITHUB_ENV"}
OWNERS = {"circleci": "CircleCI", "github": "GitHub or Forgejo"}
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
    All other formats go to standard output, or to the --output file.

    If one login fails, nothing is written. With eval "$(…)", a script does not notice that and continues: assign the
    output to a variable first, as in the examples.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        requests = token_requests(resources, env)
        destination = Destination(format_, path, env, show)
        destination.require()
    with explained(requests, settings):
        session = Session.open(settings, env)
    variables = [(request.name, token.secret) for request, token in session.log_in(requests)]
    with explained():
        destination.write(variables)
    if IN_THE_WAY in env and format_ not in FORGET:
        streams.tell(f"hf-oidc: Warning: {IN_THE_WAY} is set, so huggingface_hub ignores these variables.")


class Destination(NamedTuple):
    """Where the variables go, and in which format: to the file of a CI, to `path`, or to standard output."""

    format_: str
    path: str | None
    env: Mapping[str, str]
    show: bool

    def require(self) -> None:
        """Call before the login. Raises the `LoginError` that `write` would raise, as far as that is known before."""
        format_, variable = self.format_, CI_FILES.get(self.format_)
        if variable and self.path is not None:
            problem = f"`--output` has no use with the format {format_}"
            raise InvalidInput("--output", problem, f"one of the two: {format_} writes to ${variable}")
        if variable and not self.env.get(variable):
            problem = f"`{variable}` is not set: {OWNERS[format_]} sets it in the steps of a job"
            raise InvalidInput("--format", problem, f"another format than {format_}, or use `hf-oidc run` instead")
        if format_ == "github":
            from hf_oidc.output import command_files  # noqa: PLC0415 - only a runner of GitHub's kind needs it

            command_files.find(CI_FILES["github"], self.env)
            streams.require_log()
        elif variable:
            files.require_appendable(Path(self.env[variable]))
        elif self.path is None or self.path == "-":
            streams.require(show=self.show)
        else:
            files.require_replaceable(Path(self.path))

    def write(self, variables: Sequence[tuple[str, Secret]]) -> None:
        """Writes all of the variables, or none. Raises a `LoginError`."""
        if self.format_ == "github":
            from hf_oidc.output import command_files  # noqa: PLC0415 - as above

            for _, secret in variables:
                mask_on_github(secret)
            command_files.export(variables, self.env)
        elif variable := CI_FILES.get(self.format_):
            files.append(Path(self.env[variable]), self._text(variables))
        elif self.path is None or self.path == "-":
            click.echo(self._text(variables), nl=False)
        else:
            files.replace(Path(self.path), self._text(variables))

    def _text(self, variables: Sequence[tuple[str, Secret]]) -> str:
        if self.format_ == "json":
            return json.dumps({name: secret.reveal() for name, secret in variables}) + "\n"
        forget = FORGET.get(self.format_, "") if IN_THE_WAY in self.env else ""
        line = LINES.get(self.format_, shell.sh)  # CircleCI's $BASH_ENV is a script of bash
        return forget + "".join(line(*variable) for variable in variables)
