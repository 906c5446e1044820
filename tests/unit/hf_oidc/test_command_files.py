"""Workflow commands and command files: the command line writes the same bytes as actions-toolkit does for the action.

One table, tests/vectors/workflow_commands.json, holds what GitHub's runner reads.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from actions_toolkit import core

from hf_oidc.output import command_files, github_commands
from hf_oidc.output.masking import mask_command
from hf_oidc.secret import Secret

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "workflow_commands.json").read_text())
DELIMITER = re.compile(r"ghadelimiter_[0-9a-f-]{36}")


@pytest.mark.parametrize("vector", VECTORS["masks"])
def test_both_write_the_same_mask(vector: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """`::add-mask::`, with the characters encoded that would end the command."""
    github_commands.mask(Secret(vector["value"]))
    assert capsys.readouterr().out == vector["line"] + os.linesep
    # A command masks the second half of a value.
    assert mask_command(Secret(vector["value"] * 2)) == vector["line"]


@pytest.mark.parametrize("vector", VECTORS["variables"])
def test_both_write_the_same_variable(vector: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`NAME<<delimiter`, the value, the delimiter; a random one each time, so that no value can hold it."""
    name, value = vector["name"], vector["value"]
    monkeypatch.setenv(name, "")  # actions-toolkit sets it in this process too
    path = tmp_path / "github_env"
    path.touch()
    monkeypatch.setenv("GITHUB_ENV", str(path))
    core.export_variable(name, value)
    command_files.export([(name, Secret(value))], {"GITHUB_ENV": str(path)})
    written = path.read_bytes().decode()
    delimiters = DELIMITER.findall(written)
    assert len(set(delimiters)) == 2
    text = vector["text"].replace("\n", os.linesep)
    assert written == "".join(text.replace("DELIMITER", delimiter) for delimiter in dict.fromkeys(delimiters))


def test_what_was_in_the_file_stays(tmp_path: Path) -> None:
    """Variables are added at its end."""
    path = tmp_path / "github_env"
    path.write_text("A=1\n")
    command_files.export([("B", Secret("2"))], {"GITHUB_ENV": str(path)})
    assert path.read_text().startswith("A=1\nB<<ghadelimiter_")
