"""The checks of `hf-oidc doctor FILE`: reads the files, and returns what to print about them.

It is the only module of the command line that needs PyYAML, with `migration`. It does not print a report.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from hf_oidc import command
from hf_oidc.cli import streams
from hf_oidc.cli.migration import migrated
from hf_oidc.cli.repository_files import MAX_BYTES, reader, reading, top_of
from hf_oidc.doctor import files, json_report, sarif, text
from hf_oidc.doctor.workflow.findings import WorkflowReport
from hf_oidc.sanitize import sanitize_line

GIT_TIMEOUT = 10.0  # seconds


def check(
    paths: Sequence[Path], repository: str | None, hub_url: str, form: str
) -> tuple[dict[str, Any] | Iterable[str], int]:
    """Returns what to print about files, and the exit code. `form`: `text`, `json` or `sarif`.

    Raises `click.UsageError` if there is one file, and it cannot be checked; of several, it is reported.
    """
    reports, refused = list[tuple[Path, WorkflowReport]](), list[str]()
    for path in paths:
        try:
            reports.append((path, _check_workflow(path, repository, hub_url)))
        except click.UsageError as error:
            if len(paths) == 1:
                raise
            refused.append(error.message)
    for message in refused:
        streams.tell(f"Error: {message}")
    ok = not refused and not any(report.fails for _, report in reports)
    found: dict[str, Any] | Iterable[str]
    if form == "sarif":
        found = sarif.document([(_in_repository(path), report) for path, report in reports])
    elif form == "json":
        each = [json_report.workflow(report, hub_url) for _, report in reports]
        found = each[0] if len(paths) == 1 else {"doctor": "files", "ok": ok, "files": each}
    else:
        texts = ["\n".join(text.workflow(report, hub_url)) for _, report in reports]
        found = ["\n\n".join(texts)] if texts else []
    return found, 2 if refused else 0 if ok else 1


def migrate(
    path: Path, repository: str | None, resource: str, hub_url: str, form: str, *, write: bool
) -> tuple[dict[str, Any] | str, int]:
    """Returns what to print about the migration of a workflow, and the exit code.

    `resource`: of steps that do not show theirs; it may be empty. Raises `click.UsageError`.
    """
    found, is_left = migrated(
        path,
        _text_of(path),
        repository=repository,
        remote=_remote(path.parent),
        given=resource,
        hub_url=hub_url,
        write=write,
        as_json=form == "json",
    )
    return found, 1 if is_left else 0


def _check_workflow(path: Path, repository: str | None, hub_url: str) -> WorkflowReport:
    with reading(path):
        if repository is not None and not files.REPOSITORY.fullmatch(repository):
            shown = sanitize_line(repository, 100)
            raise click.UsageError(f"--repository must be owner/name, as in its URL: {shown!r}")
        try:
            return files.examine(
                _text_of(path),
                path.resolve().parts,
                repository or "",
                _remote(path.parent),
                hub_url=hub_url,
                read_called=reader(path),
            )
        except files.NotChecked as error:
            message = error.next_step
    raise click.UsageError(message)


def _text_of(path: Path) -> str:
    reason = "it is a pipe or a device"
    try:
        # Of the checkout, neither may ever end. `/dev/stdin` is the user's own.
        if path.parts[:2] == ("/", "dev") or not (path.is_fifo() or path.is_char_device()):
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    raise click.UsageError(f"{sanitize_line(str(path), 200)} cannot be read: {reason}")


def _remote(folder: Path) -> str:
    """Returns the URL of git's remote `origin`, or an empty string."""
    if (top := top_of(folder)) is None:
        return ""
    done = command.run(["git", "-C", str(top), "remote", "get-url", "origin"], os.environ, GIT_TIMEOUT)
    return done.stdout.strip() if isinstance(done, command.Finished) and done.exit_code == 0 else ""


def _in_repository(path: Path) -> str:
    """The path of a file from the top of its repository on, else from here on; never a path of this machine."""
    absolute = path.parent.resolve() / path.name
    for top in (top_of(path.parent), Path.cwd()):
        if top and absolute.is_relative_to(top):
            return absolute.relative_to(top).as_posix()
    return path.name
