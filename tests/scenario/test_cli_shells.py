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

ROOT = Path(__file__).parents[2]

# As the documents have them.
POSIX = 'vars=$(hf-oidc env acme/model) || exit; eval "$vars"'
FISH = r"set vars (hf-oidc env acme/model --format fish); or exit; printf '%s\n' $vars | source"
SHELLS = {
    "sh": f"{POSIX}; printenv HF_TOKEN",
    "dash": f"{POSIX}; printenv HF_TOKEN",
    "bash": f"set -H; {POSIX}; printenv HF_TOKEN",
    "zsh": f"{POSIX}; printenv HF_TOKEN",
    "fish": f"{FISH}; printenv HF_TOKEN",
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


# What is called in the place of a login that works, and its exit code.
FAILURES = {"a login that fails": ("hf-oidc env acme/other", 1), "no hf-oidc": ("no-such-hf-oidc env acme/model", 127)}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    ("shell", "before"),
    [
        *((shell, before) for shell in ("sh", "dash", "bash", "zsh") for before in ("", "set -e; ", "set -eu; ")),
        ("fish", ""),
    ],
)
def test_a_script_ends_where_the_login_fails(shell: str, before: str, failure: str, stage: Stage) -> None:
    """With `set -e` and without: what comes next has no token. The exit code says why."""
    if not engines.has(shell):
        engines.missing(f"{shell} is not installed")
    command, code = FAILURES[failure]
    form = FISH if shell == "fish" else POSIX
    program = f"{before}{form.replace('hf-oidc env acme/model', command)}; echo went on"
    run = subprocess.run([shell, "-c", program], env=stage.world(), capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (code, "")


def test_no_document_shows_a_form_that_goes_on() -> None:
    """`eval "$(…)"` takes no notice of a failure. The completion of a shell is no login."""
    documents = [ROOT / name for name in ("README.md", "SECURITY.md", "src/hf_oidc/cli/env.py")]
    documents += [path for folder in ("docs", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = {path: path.read_text(encoding="utf-8") for path in documents}
    assert [path for path, text in texts.items() if 'eval "$(hf-oidc env' in text or "fish | source" in text] == []
    assert [path.name for path, text in texts.items() if "|| exit; eval" in text.replace("\\|", "|")] == [
        "README.md",
        "env.py",
        "command-line.md",
    ]


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
    "hf-oidc \t": ["run", "agent", "env", "token", "doctor", "completion"],
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
