"""`hf-oidc doctor FILE --migrate`: shows how a workflow logs in, and with `--write` changes the file.

The file is replaced as a whole or not at all, and keeps its mode, line ends and byte order mark.
"""

from __future__ import annotations

import codecs
import os
import secrets
import stat
from pathlib import Path
from typing import Any

import click

from hf_oidc.cli.repository_files import reader, reading
from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.remote import REPOSITORY, github_repository
from hf_oidc.doctor.workflow.migration.migrate import migrate
from hf_oidc.doctor.workflow.migration.result import Migration
from hf_oidc.sanitize import sanitize_line


def migrated(
    path: Path,
    content: str,
    *,
    repository: str | None,
    remote: str,
    given: str,
    hub_url: str,
    write: bool,
    as_json: bool,
) -> tuple[dict[str, Any] | str, bool]:
    """Returns what to print, and whether something is left to do by hand. Raises `UsageError` if the file is wrong.

    `content`: of the file. `remote`: of its checkout. `given`: the resource of steps that do not show theirs.
    """
    with reading(path):
        if repository is not None and not REPOSITORY.fullmatch(repository):
            raise click.UsageError(f"--repository must be owner/name, as on GitHub: {sanitize_line(repository, 100)!r}")
        found = migrate(content, path.name, repository or github_repository(remote), reader(path), given)
    written = write and bool(found.edits)
    if written:
        _replace(path, found)
    if as_json:
        return json_report.migration(found, str(path), hub_url, written=written), not found.is_complete
    shown = "\n".join(text.migration(found, str(path), hub_url, written=written)).lstrip("\n")
    return shown, not found.is_complete


class _NotWritten(Exception):
    """The file must not be replaced. The text says why, behind its path."""


def _replace(path: Path, found: Migration) -> None:
    """Writes the changed file beside the old one, and then replaces that. Raises `UsageError`."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _require_in_place(path)
        mark = _mark(path.read_bytes(), found.text.encode())
        try:
            with new.open("xb") as file:
                file.write(mark + found.changed.encode())
            new.chmod(stat.S_IMODE(path.stat().st_mode))
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except _NotWritten as refused:
        problem = str(refused)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
    else:
        return
    raise click.UsageError(f"{sanitize_line(str(path), 200)} {problem}. The file was not changed")


def _mark(before: bytes, text: bytes) -> bytes:
    """The byte order mark of the file. Raises `_NotWritten` if it no longer has this text."""
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    if before != mark + text:
        raise _NotWritten("was changed by another program meanwhile. Run the command again")
    return mark


def _require_in_place(path: Path) -> None:
    """Refuses links that came with the checkout, which could lead to any file of this machine."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow the links
    # The working directory may be a folder of the checkout, or outside of it.
    checkouts = [Path.cwd(), *(each for each in absolute.parents if os.access(each / ".git", os.F_OK))]
    for part in (absolute, *absolute.parents):
        if part.is_symlink() and (part == absolute or any(map(part.is_relative_to, checkouts))):
            shown = sanitize_line(str(part), 200)
            raise _NotWritten(f"is reached through {shown}, a symbolic link. Name the file that it leads to")
