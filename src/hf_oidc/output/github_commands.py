"""GitHub's runner: masks, outputs, environment variables and annotations, through actions-toolkit.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. If the runner's
command files are missing, actions-toolkit prints values instead. A `CommandFiles` shows that they exist.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from hf_oidc import deferred_imports
from hf_oidc.errors import DeliveryFailed
from hf_oidc.hub.token import HubToken
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
        return cls(_command_file("GITHUB_OUTPUT", env), _command_file("GITHUB_ENV", env))


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
        for name, value in _outputs(tokens).items():
            core.set_output(name, value)
        for name, token in tokens.items() if export else ():
            core.export_variable(name, token.secret.reveal())
        for name, value in variables.items():
            core.export_variable(name, value)

    _all_or_nothing([files.output, files.environment], write)


def export(variables: Iterable[tuple[str, Secret]], env: Mapping[str, str]) -> None:
    """Gives each token to later steps as a variable of that name; all or nothing. Raises `DeliveryFailed`."""

    def write() -> None:
        for name, secret in variables:
            core.export_variable(name, secret.reveal())

    _all_or_nothing([_command_file("GITHUB_ENV", env)], write)


def require_environment_file(env: Mapping[str, str]) -> None:
    """Raises the `DeliveryFailed` that `export` would raise, as far as that is known before."""
    _command_file("GITHUB_ENV", env)


def decline(files: CommandFiles) -> None:
    """Sets the output `authenticated` to `false`. Does nothing if the file cannot be written."""
    with suppress(Exception), _restoring([files.output, files.environment]):
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
    """Adds to the summary on the run's page. It is no failure if there is no summary."""
    path = env.get("GITHUB_STEP_SUMMARY", "")
    if path and not _write_problem(Path(path)):
        with suppress(OSError, ValueError), Path(path).open("a", encoding="utf-8") as summary:
            summary.write(markdown)


def say(line: str) -> None:
    """One line in the log."""
    core.info(sanitize(line))


def _all_or_nothing(paths: Iterable[Path], write: Callable[[], None]) -> None:
    try:
        with _restoring(paths):
            write()
    except Exception as error:  # noqa: BLE001 - actions-toolkit raises plain Exceptions
        problem = getattr(error, "strerror", None) or "it is gone"
    else:
        return
    # Outside the handler, so that the first exception, which may hold a token, is not attached to this one.
    raise DeliveryFailed(f"A command file of the runner could not be written: {problem}", "runner")


@contextmanager
def _restoring(paths: Iterable[Path]) -> Iterator[None]:
    """Restores the files if the block fails."""
    sizes = {path: path.stat().st_size for path in paths}
    try:
        yield
    except BaseException:  # an interrupt too: no half of a delivery may stay
        for path, size in sizes.items():
            with suppress(OSError):
                os.truncate(path, size)
        raise


def _outputs(tokens: Mapping[str, HubToken]) -> dict[str, str]:
    texts = {name: token.secret.reveal() for name, token in tokens.items()}
    first = min(tokens.values(), key=lambda token: token.expires_at)
    # With several tokens, `token` would be ambiguous.
    alone = {"token": next(iter(texts.values()))} if len(texts) == 1 else {}
    return alone | {
        "tokens": json.dumps(texts),
        "expires-at": first.expires_at,
        "expires-in": str(first.expires_in),
        "authenticated": "true",
    }


def _command_file(variable: str, env: Mapping[str, str]) -> Path:
    path = Path(env.get(variable, ""))
    problem = _write_problem(path) if env.get(variable) else "is not set"
    if problem:
        raise DeliveryFailed(f"`{variable}` {problem}: the runner sets it to a file that can be written", "runner")
    return path


def _write_problem(path: Path) -> str:
    # A device or a pipe would swallow the data; and opening a pipe could block.
    try:
        if not path.is_file():
            return "is not a file"
        path.open("ab").close()
    except OSError as error:
        return f"cannot be written ({error.strerror})"
    return ""
