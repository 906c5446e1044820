"""The doctor's reader of a repository: it finds the files that a workflow uses, and never leaves the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hf_oidc.cli.repository_files import MAX_BYTES, reader

ACTION = ".github/actions/x/action.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a workflow and an action, beside a file of others."""
    (tmp_path / "secret.yml").write_text("secret", encoding="utf-8")
    top = tmp_path / "repository"
    for path, text in ((".github/workflows/a.yml", "a"), (".github/workflows/b.yml", "b"), (ACTION, "x")):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text, encoding="utf-8")
    return top


def test_files_of_the_repository(repository: Path) -> None:
    """By their path from its top, wherever the process runs."""
    read = reader(repository / ".github" / "workflows" / "a.yml")
    assert (read(".github/workflows/b.yml"), read(ACTION), read(".github/workflows/c.yml")) == ("b", "x", "")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.yml",
        ".github/../../secret.yml",
        "/etc/hostname",
        "..\\secret.yml",
        "",
        ".",
        ".github",
        "a\0b",
        "x" * 5000,
    ],
)
def test_paths_out_of_the_repository(repository: Path, path: str) -> None:
    """And what is no path of a file."""
    assert reader(repository / ".github" / "workflows" / "a.yml")(path) == ""


def test_links(repository: Path) -> None:
    """One inside of the repository is followed, one out of it is not."""
    for name, target in (("in", "actions/x/action.yml"), ("out", "../../secret.yml"), ("loop", "loop")):
        (repository / ".github" / name).symlink_to(target)
    (repository / "folder").symlink_to("..")
    read = reader(repository / ".github" / "workflows" / "a.yml")
    assert [read(f".github/{name}") for name in ("in", "out", "loop")] == ["x", "", ""]
    assert read("folder/secret.yml") == ""


def test_what_is_no_text_of_a_limited_size(repository: Path) -> None:
    """A pipe would never end, and a file may be larger than the memory."""
    os.mkfifo(repository / "pipe")
    (repository / "binary").write_bytes(b"\xff\xfe")
    with (repository / "large").open("wb") as file:
        file.truncate(2**40)
    (repository / "largest").write_text("x" * MAX_BYTES, encoding="utf-8")
    read = reader(repository / ".github" / "workflows" / "a.yml")
    assert [read(name) for name in ("pipe", "binary", "large")] == ["", "", ""]
    assert len(read("largest")) == MAX_BYTES


def test_a_workflow_that_is_not_in_its_place(repository: Path) -> None:
    """It finds other workflows beside it, and other files from the top of the repository."""
    drafts = repository / "drafts"
    drafts.mkdir()
    (drafts / "b.yml").write_text("draft", encoding="utf-8")
    assert reader(drafts / "a.yml")(ACTION) == ""
    (repository / ".git").mkdir()
    read = reader(drafts / "a.yml")
    assert (read(".github/workflows/b.yml"), read(ACTION)) == ("draft", "x")
