"""`hf-oidc doctor --workflow FILE --migrate`, and the file that `--write` changes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.action_process import scrubbed
from tests.cli_process import hf_oidc

WORKFLOW = b"""on: {push: {branches: [main]}}
permissions: {contents: read}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - run: hf upload acme/model . --token ${{ secrets.HF_TOKEN }} # the model
"""
CHANGED = b"""on: {push: {branches: [main]}}
permissions: {contents: read, id-token: write}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: org/hf-oidc-action@v1
        with:
          resource: acme/model
      - run: hf upload acme/model . # the model
"""
UNKNOWN = WORKFLOW.replace(b"hf upload acme/model .", b"python publish.py")


def migrate(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of `hf-oidc doctor --migrate`."""
    run = hf_oidc("doctor", "--migrate", *map(str, arguments), env=scrubbed(), cwd=cwd)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A workflow of a checkout."""
    path = tmp_path / "publish.yml"
    path.write_bytes(WORKFLOW)
    return path


def test_it_shows_and_changes_nothing(file: Path) -> None:
    """Without --write, the file stays as it is; the publisher to add follows the diff."""
    code, stdout, _ = migrate("--workflow", file.name, "--repository", "acme/trainer", cwd=file.parent)
    assert code == 0
    assert stdout.startswith("--- publish.yml\n+++ publish.yml\n@@ ")
    assert "https://huggingface.co/acme/model/settings -> Trusted Publishers -> add" in stdout
    assert stdout.endswith("The file was not changed. To change it, run the command again with --write.\n")
    assert file.read_bytes() == WORKFLOW


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_it_writes(file: Path, mark: bytes, end: bytes) -> None:
    """The file keeps its mode, its line ends and its byte order mark, and nothing else is left in the folder."""
    file.write_bytes(mark + WORKFLOW.replace(b"\n", end))
    file.chmod(0o640)
    code, stdout, _ = migrate("--workflow", file.name, "--write", cwd=file.parent)
    assert (code, stdout.splitlines()[-1]) == (0, "Changed: publish.yml")
    assert file.read_bytes() == mark + CHANGED.replace(b"\n", end)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in file.parent.iterdir()] == ["publish.yml"]
    code, stdout, _ = migrate("--workflow", file.name, "--write", cwd=file.parent)
    assert (code, stdout.strip()) == (
        0,
        "Nothing is left to change: no job uses a stored token where it could log in instead.",
    )


def test_json(file: Path) -> None:
    """The diff and the publisher are keys."""
    code, stdout, _ = migrate("--workflow", file.name, "--json", "--repository", "acme/trainer", cwd=file.parent)
    found: dict[str, Any] = json.loads(stdout)
    assert (code, found["doctor"], found["ok"], found["written"]) == (0, "migration", True, False)
    assert "\n+      - uses: org/hf-oidc-action@v1\n" in found["diff"]
    assert found["jobs"][0]["publisher"] == {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"}
    assert [each["code"] for each in found["remarks"]] == ["delete-secret"]


def test_a_job_that_never_runs(file: Path) -> None:
    """It has no publisher to add."""
    file.write_bytes(WORKFLOW.replace(b"    runs-on", b"    if: github.ref == 'refs/heads/other'\n    runs-on"))
    code, stdout, stderr = migrate("--workflow", file.name, cwd=file.parent)
    assert (code, stderr) == (0, "")
    assert "Trusted Publishers" not in stdout


def test_what_is_left(file: Path) -> None:
    """If something is left to do by hand, the exit code says so; the user can name the resource."""
    file.write_bytes(UNKNOWN)
    code, stdout, _ = migrate("--workflow", file.name, "--write", cwd=file.parent)
    assert (code, file.read_bytes()) == (1, UNKNOWN)
    assert stdout.startswith("TO DO    Line 7: ")
    code, _, _ = migrate("--workflow", file.name, "--write", "--resource", "spaces/acme/demo", cwd=file.parent)
    assert (code, b"resource: spaces/acme/demo\n" in file.read_bytes()) == (0, True)


def test_tabs_and_tokens(file: Path) -> None:
    """Tabs of a script are shown as they are. A token in the file is not shown."""
    token = "hf_" + "a1B2c3D4e5" * 4
    script = f"|\n          hf upload acme/model . --token ${{{{ secrets.HF_TOKEN }}}}\n          \techo {token}\n"
    file.write_text(WORKFLOW.decode().partition("hf upload")[0] + script, encoding="utf-8")
    for form in ((), ("--json",)):
        _, stdout, _ = migrate("--workflow", file.name, *form, cwd=file.parent)
        assert token not in stdout
    _, stdout, _ = migrate("--workflow", file.name, cwd=file.parent)
    assert "           \techo ***\n" in stdout


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("where", ["file", "folder"])
def test_it_follows_no_link(file: Path, tmp_path_factory: pytest.TempPathFactory, where: str) -> None:
    """A link in the checkout may lead to any file of the machine, which then stays as it is."""
    outside = tmp_path_factory.mktemp("outside")
    target = outside / "publish.yml"
    target.write_bytes(WORKFLOW)
    link = file.parent / "link"
    link.symlink_to(target if where == "file" else outside)
    path = "link" if where == "file" else "link/publish.yml"
    code, _, stderr = migrate("--workflow", path, "--write", cwd=file.parent)
    assert code == 2
    assert "a symbolic link. Name the file that it leads to. The file was not changed" in stderr
    assert target.read_bytes() == WORKFLOW


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("where", ["checkout/folder", "."])
def test_it_follows_no_link_of_a_checkout_from_elsewhere(tmp_path: Path, where: str) -> None:
    """Wherever the command runs: in a folder of the checkout, or outside of it."""
    outside, top = tmp_path / "outside", tmp_path / "checkout"
    for folder in (outside, top / ".git", top / "folder"):
        folder.mkdir(parents=True)
    target = outside / "publish.yml"
    target.write_bytes(WORKFLOW)
    (top / "link").symlink_to(outside)
    for path in (top / "link" / "publish.yml", os.path.relpath(top / "link" / "publish.yml", tmp_path / where)):
        code, _, stderr = migrate("--workflow", path, "--write", cwd=tmp_path / where)
        assert code == 2
        assert "a symbolic link. Name the file that it leads to. The file was not changed" in stderr
        assert target.read_bytes() == WORKFLOW


def test_a_file_that_cannot_be_written(file: Path) -> None:
    """The problem is named, and the file stays as it is."""
    path = file.rename(file.with_name(f"{'x' * 246}.yml"))  # no name beside it may be longer
    code, _, stderr = migrate("--workflow", path.name, "--write", cwd=path.parent)
    assert code == 2
    assert "cannot be written: File name too long. The file was not changed" in " ".join(stderr.split())
    assert path.read_bytes() == WORKFLOW


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--migrate needs one FILE"),
        (("--workflow", "publish.yml", "--expect", "branch=main"), "--expect does not work with a file"),
        (("--workflow", "publish.yml", "--repository", "acme"), "--repository must be owner/name"),
        (("--workflow", "publish.yml", "--resource", "acme/a/b"), "is not in a form that the Hub accepts"),
        (("publish.yml", "broken.yml"), "--migrate needs one FILE"),
        (("publish.yml", "--format", "sarif"), "--migrate needs one FILE, and prints text or JSON"),
        (("--workflow", "none.yml"), "cannot be read"),
        (("--workflow", "broken.yml"), "broken.yml, line 2: This is not YAML"),
    ],
)
def test_wrong_arguments(file: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2, and what is wrong."""
    (file.parent / "broken.yml").write_text("on: [", encoding="utf-8")
    code, _, stderr = migrate(*arguments, cwd=file.parent)
    assert code == 2
    assert message in " ".join(stderr.split())
