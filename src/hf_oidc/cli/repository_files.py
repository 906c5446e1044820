"""Reads the files of the repository that a workflow belongs to, for the doctor. It never leaves the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import click

from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml
from hf_oidc.sanitize import sanitize_line

MAX_BYTES = 1_048_576  # of each file, as GitHub's limit
WORKFLOWS = (".github", "workflows")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what is wrong with the YAML of the file into a `click.UsageError`."""
    try:
        yield
    except UnreadableYaml as error:
        place = f", line {error.line}" if error.line else ""
        raise click.UsageError(f"{sanitize_line(str(path), 200)}{place}: {sanitize_line(error.what)}.") from None


def top_of(folder: Path) -> Path | None:
    """Returns the top of the git repository that `folder` is in, or None if it is in none.

    git accepts a folder with HEAD, objects and refs as a repository, with its configuration. A commit can contain such
    a folder, but nothing named `.git`. So only that counts.
    """
    place = folder.resolve()
    return next((each for each in (place, *place.parents) if os.access(each / ".git", os.F_OK)), None)


def reader(workflow: Path) -> Callable[[str], str]:
    """Returns a function that takes a path in the repository of `workflow`, and returns the file's text.

    It returns an empty string if the file does not exist, or if it is larger than 1 MiB, not UTF-8, or outside of the
    repository. A workflow that is not in `.github/workflows` finds the other workflows in its own folder.
    """
    folder = workflow.resolve().parent
    in_place = folder.parts[-2:] == WORKFLOWS
    root = folder.parents[1] if in_place else top_of(folder) or folder

    def read(path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
            return ""
        moved = not in_place and parts[:-1] == WORKFLOWS
        try:
            resolved = (folder.joinpath(parts[-1]) if moved else root.joinpath(*parts)).resolve()
            # A link may lead out of the repository; a device or a pipe may never end.
            if not resolved.is_relative_to(root) or not resolved.is_file():
                return ""
            with resolved.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            return content.decode("utf-8-sig") if len(content) <= MAX_BYTES else ""
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a circle of links, before Python 3.13
            return ""

    return read
