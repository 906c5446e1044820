"""docs/local-hub.md is executed: whoever follows it gets what it promises."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.action_process import file_commands

DOCUMENT = (Path(__file__).parents[2] / "docs" / "local-hub.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The one block of that language with that text in it."""
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL) if containing in text)
    return str(found)


def test_trying_the_action_as_described_publishes_a_model(tmp_path: Path) -> None:
    """The configuration and the commands of the page, as they stand."""
    (tmp_path / "hub.yaml").write_text(block("yaml", "publishers:"))
    programs = str(Path(sys.executable).parent)
    commands = block("sh", "hf_oidc.action").replace(".venv/bin", programs) + block("sh", "hf upload")
    identity = {f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), **identity}
    # A process group of its own, so that the Local Hub that the page leaves running ends with the test.
    shell = subprocess.Popen(
        ["sh", "-e", "-c", commands], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert shell.wait(120) == 0
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        said, _ = shell.communicate(timeout=240)
    assert "Logged in: " in said
    log = subprocess.run(
        ["git", "log", "--format=%an: %s", "origin/main"],
        cwd=tmp_path / "clone",
        capture_output=True,
        text=True,
        check=True,
    )
    assert log.stdout.splitlines()[:2] == ["me: Add a README", "[OIDC]: Upload folder using huggingface_hub"]
    assert file_commands((tmp_path / "github_env").read_text())["HF_TOKEN"].startswith("hf_jwt_")
