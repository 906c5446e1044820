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
    """The runner's files, each known to take what is appended to it."""

    output: Path
    environment: Path

    @classmethod
    def find(cls, env: Mapping[str, str]) -> CommandFiles:
        """Raises `DeliveryFailed` if one is missing, is no file, or cannot be written."""
        return cls(command_files.find("GITHUB_OUTPUT", env), command_files.find("GITHUB_ENV", env))


def mask(secret: Secret) -> None:
    """Lets the runner hide `secret` in all logs from here on. Flushed, for the runner reads files at another time.

    Raises `DeliveryFailed` if the log cannot be written: a token that is not masked is not handed on.
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
    """Hands the tokens, by name, to later steps: as outputs, and as variables of these names if `export` is set.

    `variables` go along; they hold no token. All or nothing. Raises `DeliveryFailed`.
    """

    def write() -> None:
        for name, value in _outputs(tokens).items():
            core.set_output(name, value)
        for name, token in tokens.items() if export else ():
            core.export_variable(name, token.secret.reveal())
        for name, value in variables.items():
            core.export_variable(name, value)

    command_files.all_or_nothing([files.output, files.environment], write)


def decline(files: CommandFiles) -> None:
    """Tells later steps that there is no token. A file that cannot be written now leaves them without an answer."""
    with suppress(Exception), command_files.restoring([files.output, files.environment]):
        core.set_output("authenticated", "false")


def annotate(level: Literal["error", "warning"], title: str, message: str) -> None:
    """An annotation of the step, shown in the log and on the run's page."""
    issue_command(level, {"title": title}, sanitize(message))


def group(title: str, lines: Iterable[str]) -> None:
    """Lines of the log that are folded under a title; nothing where there are none."""
    lines = list(lines)
    if lines:
        core.start_group(title)
        core.info(sanitize("\n".join(lines)))
        core.end_group()


def summarize(markdown: str, env: Mapping[str, str]) -> None:
    """Adds to the summary on the run's page, where there is one: it explains, so it is never a failure itself."""
    path = env.get("GITHUB_STEP_SUMMARY", "")
    if path and not command_files.write_problem(Path(path)):
        with suppress(OSError, ValueError), Path(path).open("a", encoding="utf-8") as summary:
            summary.write(markdown)


def say(line: str) -> None:
    """One line in the log."""
    core.info(sanitize(line))


def _outputs(tokens: Mapping[str, HubToken]) -> dict[str, str]:
    texts = {name: token.secret.reveal() for name, token in tokens.items()}
    first = min(tokens.values(), key=lambda token: token.expires_at)
    # One of several would be anybody's guess.
    alone = {"token": next(iter(texts.values()))} if len(texts) == 1 else {}
    return alone | {
        "tokens": json.dumps(texts),
        "expires-at": first.expires_at,
        "expires-in": str(first.expires_in),
        "authenticated": "true",
    }
