"""Shells read what `hf-oidc env` and `completion` print: real ones, and hostile tokens."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests import engines
from tests.cli_stage import HOSTILE, Stage

SHELLS = {
    "sh": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "dash": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "bash": 'set -H; eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "zsh": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "fish": "hf-oidc env acme/model --format fish | source; printenv HF_TOKEN",
}


def by_shell(shell: str, program: str, stage: Stage) -> str:
    """What the shell prints."""
    if not any((Path(folder) / shell).exists() for folder in os.environ["PATH"].split(":")):
        engines.missing(f"{shell} is not installed")
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    run = subprocess.run([shell, *quiet, "-c", program], env=stage.world(), capture_output=True, text=True, check=False)
    assert (run.returncode, [line for line in run.stderr.splitlines() if not line.startswith("hf-oidc: ")]) == (0, [])
    return run.stdout


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
@pytest.mark.parametrize("shell", SHELLS)
def test_shells_read_what_was_granted(shell: str, token: str, stage: Stage) -> None:
    """Every character of it."""
    stage.tokens["acme/model"] = token
    assert by_shell(shell, SHELLS[shell], stage) == f"{token}\n"


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
def test_powershell_is_given_a_literal(token: str, stage: Stage) -> None:
    """In single quotes only the quote itself is special, and doubled (about_Quoting_Rules)."""
    stage.tokens["acme/model"] = token
    run = stage.run("env", "acme/model", "--format", "powershell", stdout_may_hold_them=True)
    literal = run.stdout.removeprefix("$env:HF_TOKEN = '").removesuffix("'\n")
    assert literal.replace("''", "").count("'") == 0
    assert literal.replace("''", "'") == token


def test_bash_completes_providers(stage: Stage) -> None:
    """With what `hf-oidc completion bash` prints, in a real bash."""
    program = """
eval "$(hf-oidc completion bash)"
COMP_WORDS=(hf-oidc token --provider gi) COMP_CWORD=3
_hf_oidc_completion hf-oidc
printf '%s\\n' "${COMPREPLY[@]}"
"""
    assert by_shell("bash", program, stage).split() == ["github", "gitlab"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, stage: Stage) -> None:
    """Which the shell accepts."""
    script = stage.run("completion", shell).stdout
    (stage.tmp_path / "script").write_text(script)
    by_shell(shell, f". {shlex.quote(str(stage.tmp_path / 'script'))}" if shell != "zsh" else "true", stage)
    assert "hf-oidc" in script
