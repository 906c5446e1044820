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
from tests.cli_stage import HOSTILE, PLAIN, Stage

ROOT = Path(__file__).parents[2]

# As the documents have them.
POSIX = 'vars=$(hf-oidc env acme/model) || exit; eval "$vars"'
FISH = r"set vars (hf-oidc env acme/model --format fish); or exit; printf '%s\n' $vars | source"
SHELLS = {"sh": POSIX, "dash": POSIX, "bash": f"set -H; {POSIX}", "zsh": POSIX, "fish": FISH}


def by_shell(shell: str, program: str, stage: Stage) -> str:
    """What the shell prints."""
    if not any((Path(folder) / shell).exists() for folder in os.environ["PATH"].split(":")):
        engines.missing(f"{shell} is not installed")
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    run = subprocess.run([shell, *quiet, "-c", program], env=stage.world(), capture_output=True, text=True, check=False)
    assert (run.returncode, [line for line in run.stderr.splitlines() if not line.startswith("hf-oidc: ")]) == (0, [])
    return run.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_read_what_was_granted(shell: str, stage: Stage) -> None:
    """Every character of it: of one token, and of as many as there are hostile ones."""
    several = {f"HF_TOKEN_{number}": token for number, token in enumerate(HOSTILE)}
    stage.tokens |= {f"acme/{name}": token for name, token in several.items()}
    form, requests = SHELLS[shell], " ".join(f"{name}=acme/{name}" for name in several)
    steps = [form, "printenv HF_TOKEN", form.replace("acme/model", requests), *(f"printenv {name}" for name in several)]
    assert by_shell(shell, "; ".join(steps), stage).splitlines() == [PLAIN, *several.values()]


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
def test_powershell_is_given_a_literal(token: str, stage: Stage) -> None:
    """In single quotes only the quote itself is special, and doubled (about_Quoting_Rules)."""
    stage.tokens["acme/model"] = token
    run = stage.run("env", "acme/model", "--format", "powershell", stdout_may_hold_them=True)
    literal = run.stdout.removeprefix("$env:HF_TOKEN = '").removesuffix("'\n")
    assert literal.replace("''", "").count("'") == 0
    assert literal.replace("''", "'") == token


# What is called in the place of a login that works, and its exit code. A shell knows no more of a login that fails than
# of `false`: an exit code, and no output.
FAILURES = {
    "a login that fails": ("hf-oidc env acme/other", 1),
    "what ends as that": ("false", 1),
    "no hf-oidc": ("no-such-hf-oidc env acme/model", 127),
}
OPTIONS = ("", "set -e; ", "set -eu; ")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_ends_where_the_login_fails(shell: str, stage: Stage) -> None:
    """With `set -e` and without: what comes next has no token. The exit code says why."""
    if not engines.has(shell):
        engines.missing(f"{shell} is not installed")
    form, env = FISH if shell == "fish" else POSIX, stage.world()
    for failure, (command, code) in FAILURES.items():
        for before in OPTIONS if shell != "fish" and failure != "a login that fails" else OPTIONS[:1]:
            program = f"{before}{form.replace('hf-oidc env acme/model', command)}; echo went on"
            run = subprocess.run([shell, "-c", program], env=env, capture_output=True, text=True, check=False)
            assert (run.returncode, run.stdout) == (code, ""), program


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


@pytest.mark.parametrize("shell", INTERACTIVE)
def test_a_shell_completes_what_is_typed(shell: str, stage: Stage) -> None:
    """A person's shell on a terminal, and the TAB key; after each line Ctrl-U, which empties it."""
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
        for number, (line, words) in enumerate(LINES.items()):
            os.write(master, line.encode())
            until(words, master)
            os.write(master, f'\x15echo "en"d{number}\n'.encode())
            until([f"end{number}"], master)
        at_last.cancel()
        process.kill()
    os.close(master)


def test_fish_completes_what_is_typed(stage: Stage) -> None:
    """It says itself what a TAB would show."""
    asked = ["hf-oidc completion fish | source"]
    for line in LINES:
        asked += ["echo the next", f"complete -C {shlex.quote(line.removesuffix(chr(9)))}"]
    _, *parts = by_shell("fish", "; ".join(asked), stage).split("the next\n")
    found = [{shown.split("\t")[0] for shown in part.splitlines()} for part in parts]
    assert all(set(words) <= shown for words, shown in zip(LINES.values(), found, strict=True)), found
