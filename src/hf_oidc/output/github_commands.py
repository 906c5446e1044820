"""What the action tells GitHub's runner through actions-toolkit: masks, outputs, variables, annotations, the summary.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. If a command file is missing,
actions-toolkit prints the value instead. `CommandFiles` proves that the files exist. The command line does not need
actions-toolkit: it uses `masking` and `command_files`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from hf_oidc import deferred_imports
from hf_oidc.errors import DeliveryFailed
from hf_oidc.hub.token import HubToken
from hf_oidc.output import command_files
from hf_oidc.sanitize import sanitize
from hf_oidc.secret import Secret

with deferred_imports.imports():
    from actions_toolkit import core
    from actions_toolkit.command import issue_command


class CommandFiles(NamedTuple):
    """The runner's command files, which exist and can be written."""

    output: Path
    environment: Path

    @classmethod
    def find(cls, env: Mapping[str, str]) -> CommandFiles:
        """Raises `DeliveryFailed` if one is missing, is not a file, or cannot be written."""
        return cls(command_files.find("GITHUB_OUTPUT", env), command_files.find("GITHUB_ENV", env))


def mask(secret: Secret) -> None:
    """Lets the runner hide `secret` in the log from now on. Flushed, so that the mask comes before any use.

    Raises `DeliveryFailed` if the log cannot be written: a token that is not masked is not delivered.
    """
    try:
        core.set_secret(secret.reveal())
        sys.stdout.flush()
    except OSError as error:
        problem = f"The log, which masks a token, cannot be written ({error.strerror})"
    else:
        return
    raise DeliveryFailed(problem, "runner")


def deliver(tokens: Mapping[str, HubToken], variables: Mapping[str, str], *, export: bool, files: CommandFiles) -> None:
    """Gives the tokens to later steps as outputs and, with `export`, as variables of these names; all or nothing.

    `variables` are set too; they hold no token. Raises `DeliveryFailed`.
    """

    def write() -> None:
        texts = {name: token.secret.reveal() for name, token in tokens.items()}
        first = min(tokens.values(), key=lambda token: token.expires_at)
        if len(texts) == 1:  # with several tokens, `token` would be ambiguous
            core.set_output("token", next(iter(texts.values())))
        core.set_output("tokens", json.dumps(texts))
        core.set_output("expires-at", first.expires_at)
        core.set_output("expires-in", str(first.expires_in))
        core.set_output("authenticated", "true")
        for name, value in texts.items() if export else ():
            core.export_variable(name, value)
        for name, value in variables.items():
            core.export_variable(name, value)

    command_files.all_or_nothing([files.output, files.environment], write)


def decline(files: CommandFiles) -> None:
    """Sets the output `authenticated` to `false`. Does nothing if the file cannot be written."""
    with suppress(Exception), command_files.restoring([files.output, files.environment]):
        core.set_output("authenticated", "false")


def annotate(level: Literal["error", "warning"], title: str, message: str) -> None:
    """An annotation of the step, shown in the log and on the run's page."""
    issue_command(level, {"title": title}, sanitize(message))


def group(title: str, lines: Iterable[str]) -> None:
    """Prints lines that the log folds under a title; prints nothing without lines."""
    lines = list(lines)
    if lines:
        core.start_group(title)
        core.info(sanitize("\n".join(lines)))
        core.end_group()


def summarize(markdown: str, env: Mapping[str, str]) -> None:
    """Adds to the summary on the run's page. A missing summary is not an error."""
    path = env.get("GITHUB_STEP_SUMMARY", "")
    if path and not command_files.write_problem(Path(path)):
        with suppress(OSError, ValueError), Path(path).open("a", encoding="utf-8") as summary:
            summary.write(markdown)


def say(line: str) -> None:
    """One line in the log."""
    core.info(sanitize(line))
