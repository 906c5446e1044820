"""Shells read what `hf-oidc env` and `completion` print: real ones, and hostile tokens.

Always processes: the shells call `hf-oidc` themselves.
"""

import os
import pty
import shlex
import subprocess
import threading
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


def test_what_failed_is_not_read_as_nothing(stage: Stage) -> None:
    """`eval "$(…)"` takes no notice of it; the other form, which the document names, does."""
    program = 'set -e; vars=$(hf-oidc env acme/other) && eval "$vars" || exit 7'
    run = subprocess.run(["sh", "-c", program], env=stage.world(), capture_output=True, text=True, check=False)
    assert run.returncode == 7


# What makes each complete, and print all that fits at the first TAB; its new prompt says that it is ready.
INTERACTIVE = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        'bind \'set show-all-if-ambiguous on\'; eval "$(hf-oidc completion bash)"; PS1="rea"dy\n',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        'setopt nolistambiguous; autoload -U compinit; compinit -uD; eval "$(hf-oidc completion zsh)"; PS1="rea"dy\n',
    ),
}
LINES = {
    "hf-oidc token --provider gi\t": ["github", "gitlab"],
    "hf-oidc env --format c\t": ["circleci"],
    "hf-oidc \t": ["run", "env", "token", "doctor", "completion"],
    "hf-oidc doctor --id-\t": ["--id-token-file"],
}


def until(words: list[str], terminal: int) -> str:
    """What the terminal shows, until all of the words are there."""
    seen = ""
    while not all(word in seen for word in words):
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("shell", INTERACTIVE)
def test_a_shell_completes_what_is_typed(shell: str, line: str, stage: Stage) -> None:
    """A person's shell on a terminal, and the TAB key."""
    if not engines.has(shell):
        engines.missing(f"{shell} is not installed")
    argv, setup = INTERACTIVE[shell]
    master, slave = pty.openpty()
    env = stage.world() | {"TERM": "dumb", "PS1": "$ "}
    with subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        os.close(slave)
        # Then the terminal ends, and with it what waits for its words.
        at_last = threading.Timer(60, process.kill)
        at_last.start()
        os.write(master, setup.encode())
        until(["ready"], master)
        os.write(master, line.encode())
        until(LINES[line], master)
        at_last.cancel()
        process.kill()
    os.close(master)


@pytest.mark.parametrize("line", LINES)
def test_fish_completes_what_is_typed(line: str, stage: Stage) -> None:
    """It says itself what a TAB would show."""
    program = f"hf-oidc completion fish | source; complete -C {shlex.quote(line.strip(chr(9)))}"
    found = [each.split("\t")[0] for each in by_shell("fish", program, stage).splitlines()]
    assert set(LINES[line]) <= set(found)
