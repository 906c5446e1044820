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


def test_trying_a_workflow_as_described_gives_a_token(tmp_path: Path) -> None:
    """The configuration and the commands of the page, as they stand."""
    (tmp_path / "hub.yaml").write_text(block("yaml", "publishers:"))
    commands = block("sh", "hf_oidc.action").replace(".venv/bin", str(Path(sys.executable).parent))
    # A process group of its own, so that the Local Hub that the page leaves running ends with the test.
    shell = subprocess.Popen(
        ["sh", "-e", "-c", commands], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert shell.wait(60) == 0
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        said, _ = shell.communicate(timeout=30)
    assert "Logged in: " in said
    assert file_commands((tmp_path / "github_env").read_text())["HF_TOKEN"].startswith("hf_jwt_")
