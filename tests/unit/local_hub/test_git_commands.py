"""What git is let near: none of the machine's configuration, no hooks, no protocol by which it could reach out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_hub.repositories.git_commands import GitFailed, environment, git

# What must be said to git, and not only hold because of something else that is said.
SAID = {
    "HOME": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository."""
    path = tmp_path / "bare.git"
    path.mkdir()
    git(path, "init", "--quiet", "--bare", "--template=")
    return path


def test_what_git_is_told() -> None:
    """Each of these by itself; and of the process's own environment it has the PATH alone."""
    told = environment()
    assert SAID.items() <= told.items()
    own = {name for name in os.environ if name not in {*SAID, "PATH", "LC_ALL", "TZ"}}
    assert not own & {name for name in told if not name.startswith("GIT_CONFIG_")}


@pytest.mark.process
def test_no_hook_runs(bare: Path) -> None:
    """One that lies in the repository itself."""
    (bare / "hooks").mkdir()
    hook = bare / "hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {bare}/ran\n")
    hook.chmod(0o755)
    who = {f"GIT_{role}_{field}": "x" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    tree = git(bare, "mktree").decode().strip()
    made = git(bare, "commit-tree", tree, "-m", "x", env=who).decode().strip()
    git(bare, "update-ref", "refs/heads/main", made, env=who)
    assert not (bare / "ran").exists()


@pytest.mark.process
def test_no_protocol_is_allowed(bare: Path) -> None:
    """Not even that of files, which leads to any repository on the machine."""
    with pytest.raises(GitFailed, match="not allowed"):
        git(bare, "ls-remote", f"file://{bare}")


@pytest.mark.process
def test_the_machines_configuration_is_not_read(bare: Path, tmp_path: Path) -> None:
    """A home with a hostile .gitconfig, wherever git might look for it, and configuration in the environment."""
    hostile = '[core]\n\thooksPath = /evil\n[alias]\n\tcat-file = !touch "$PWD/ran"\n'
    for name in (".gitconfig", ".config/git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(hostile)
    program = (
        "import sys; from pathlib import Path; from local_hub.repositories.git_commands import git;"
        "print(git(Path(sys.argv[1]), 'config', '--list', '--show-origin').decode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(bare)],
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path / ".config"),
            "GIT_CONFIG_PARAMETERS": "'core.hooksPath'='/evil'",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    origins = {line.partition("\t")[0] for line in said.splitlines() if line}
    assert origins == {"command line:", f"file:{bare}/config"}
    assert "/evil" not in said
