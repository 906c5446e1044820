"""The line that tells a runner to hide a token can become public itself: it then holds nothing that works.

`hf-oidc` runs inside the test process where it is called alone; else a shell calls it, as a step's program has it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli_stage import Stage
from tests.contract.provider_table import FORGEJO, GITHUB
from tests.factories import id_token

# Arguments, or a program where the command becomes another program, or is stopped.
COMMANDS: dict[str, tuple[str, ...] | str] = {
    "token": ("token", "acme/model"),
    "token quietly": ("token", "acme/model", "-q"),
    "env": ("env", "acme/model"),
    "env to a file": ("env", "acme/model", "--format", "dotenv", "--output", "hf.env"),
    "env for later steps": ("env", "acme/model", "--format", "github"),
    "run": "hf-oidc run acme/model -- true",
    "run with git": "hf-oidc run --git acme/model -- true",
    "run with fresh tokens": "hf-oidc run --keep-fresh acme/model -- true",
    "agent": "hf-oidc agent acme/model --token-file token --ready-file ready & "
    "timeout 30 sh -c 'until test -e ready; do sleep 0.1; done'; kill $!; wait $!",
    "doctor": ("doctor", "--resource", "acme/model"),
    "doctor that tries": ("doctor", "--resource", "acme/model", "--try"),
}
# What a step does with the output of a command, as its user wrote it; with {kept}, a file that is uploaded.
STEPS = {
    "stop-commands before": "echo 'Fix ::stop-commands::x'; echo ::stop-commands::x; {{ {command}; }} 2>&1",
    "a prefix": "{{ {command}; }} 2>&1 | sed 's/^/[publish] /'",
    "time stamps": '{{ {command}; }} 2>&1 | while IFS= read -r line; do echo "12:00 $line"; done',
    "tee": "{{ {command}; }} 2>&1 | tee {kept}",
    "tee of standard error": "{{ {command}; }} 2> >(tee {kept} >&2)",
    "one line": "{{ {command}; }} 2>&1 | tr '\\n' ' '",
}
CIS = {"github": GITHUB, "forgejo": FORGEJO}


@pytest.fixture
def signed(stage: Stage) -> Stage:
    """A Hub whose token for acme/model is a signed JWT with `hf_jwt_` before it, as the Hub's are."""
    stage.tokens["acme/model"] = f"hf_jwt_{id_token('the Hub', sub='acme/model')}"
    return stage


def public(log: str, kept: Path) -> str:
    """Everything that can be read afterwards: the log as the runner shows it, and the file that was kept.

    The runner obeys commands at the beginning of a line, until it is told to stop, and hides what it was told to hide.
    """
    shown: list[str] = []
    masks: list[str] = []
    stopped = False
    for line in re.split(r"\r\n|\n", log):
        stopped |= line.startswith("::stop-commands::")
        if not stopped and (mask := line.removeprefix("::add-mask::")) != line:
            masks.append(mask)
        else:
            for each in masks:
                line = line.replace(each, "***")  # noqa: PLW2901 - hidden one after the other
            shown.append(line)
    return "\n".join(shown) + (kept.read_text() if kept.exists() else "")


def told_too_much(secrets: Iterable[str], text: str) -> list[str]:
    """The secrets of whose signature more than half is in the text; all the rest of a JWT is known to everybody."""
    found = []
    for secret in secrets:
        signature = secret.rpartition(".")[2]
        size = len(signature) // 2 + 1
        if any(signature[start : start + size] in text for start in range(len(signature) - size + 1)):
            found.append(secret[:12])
    return found


def step(stage: Stage, program: str, env: dict[str, str]) -> str:
    """What a step in a job prints, standard error and output in one, as a runner reads them."""
    # The folder for token files is not in the checkout.
    later, memory = stage.tmp_path / "github_env", stage.tmp_path.with_name(f"{stage.tmp_path.name}-memory")
    later.touch()
    memory.mkdir(exist_ok=True)
    world = stage.world() | {"GITHUB_ENV": str(later), "XDG_RUNTIME_DIR": str(memory)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program],
        env=world | env,
        cwd=stage.tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def said_by(name: str, stage: Stage, env: dict[str, str]) -> str:
    """What that command prints on standard error in a job."""
    command = COMMANDS[name]
    if isinstance(command, str):
        return step(stage, f"{{ {command}; }} 2>&1", env)
    later, heard = stage.tmp_path / "github_env", stage.tmp_path / "heard"
    later.touch()
    job = {"HF_OIDC_ID_TOKEN": stage.id_token, "GITHUB_ENV": str(later), "PATH": stage.world()["PATH"]}
    allowed = [later, heard, stage.tmp_path / "workspace/hf.env"]
    run = stage.run(*command, env={**job, **env}, stdout_may_hold_them=True, may_hold_them=allowed)
    assert run.exit_code == 0, run.stderr
    return run.stderr


def secrets_of(stage: Stage) -> list[str]:
    """The ID token and the Hub's."""
    return [stage.id_token, stage.tokens["acme/model"]]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_says_more_than_everybody_may_know(name: str, signed: Stage) -> None:
    """A commit's title has stopped the runner's commands: all lines are public, and none holds a token that works."""
    said = f"::stop-commands::x\n{said_by(name, signed, GITHUB)}"
    assert "::add-mask::" in public(said, signed.tmp_path / "kept")
    assert told_too_much(secrets_of(signed), said) == []


@pytest.mark.parametrize("ci", CIS)
def test_no_step_makes_a_token_public(ci: str, signed: Stage) -> None:
    """Whatever becomes of the lines of a command, which writes the same to each of these pipes."""
    heard = step(signed, f"{COMMANDS['run']} 2>&1 | tee heard", CIS[ci])
    assert heard == (signed.tmp_path / "heard").read_text()
    kept = signed.tmp_path / "kept"
    for name, program in STEPS.items():
        kept.unlink(missing_ok=True)
        seen = public(step(signed, program.format(command="cat heard >&2", kept="kept"), CIS[ci]), kept)
        assert "::add-mask::" in seen, name
        assert told_too_much(secrets_of(signed), seen) == [], name


def test_a_masked_token_shows_its_beginning(signed: Stage) -> None:
    """Only its end is hidden: of a JWT the log shows the header, the claims and half of the signature."""
    token = signed.tokens["acme/model"]
    seen = public(step(signed, "hf-oidc run acme/model -- printenv HF_TOKEN 2>&1", GITHUB), signed.tmp_path / "kept")
    beginning, _, signature = token.rpartition(".")
    assert f"{beginning}.{signature[: (len(signature) + 1) // 2]}***" in seen
    assert told_too_much([token], seen) == []


@pytest.fixture
def buildkite(signed: Stage) -> Stage:
    """The same in a job of Buildkite, whose agent is told on its standard input."""
    folder = signed.tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "buildkite-agent").write_text(f'#!/bin/sh\ncat >> "{signed.tmp_path}/heard"\n')
    (folder / "buildkite-agent").chmod(0o755)
    return signed


@pytest.mark.parametrize("name", sorted({*COMMANDS} - {"env for later steps"}))
def test_on_buildkite_no_line_is_said_at_all(name: str, buildkite: Stage) -> None:
    """The agent hears whole tokens, and the log is the same with and without them."""
    said = said_by(name, buildkite, {"BUILDKITE": "true"})
    heard = (buildkite.tmp_path / "heard").read_text()
    assert all(secret in heard for secret in secrets_of(buildkite)[: 1 if name == "doctor" else 2])
    assert ("add-mask" in said, told_too_much(secrets_of(buildkite), said)) == (False, [])


@pytest.mark.parametrize("ci", [*CIS, "buildkite"])
def test_variables_of_another_ci_change_nothing(ci: str, buildkite: Stage) -> None:
    """`--format github` tells a runner of GitHub's kind wherever it runs, and half there, too."""
    said = said_by("env for later steps", buildkite, {**CIS.get(ci, {}), "BUILDKITE": "true"})
    assert "::add-mask::" in said
    assert told_too_much(secrets_of(buildkite), said) == []


@pytest.mark.parametrize("line", ["::add-mask::", "[publish] ::add-mask::"])
def test_the_model_of_the_runner_is_one(line: str, tmp_path: Path) -> None:
    """It hides what it is told to and shows a command that it does not obey; a whole token in a line is found."""
    token = id_token()
    shown = public(f"{line}{token}\nsee {token}", tmp_path / "none")
    assert (told_too_much([token], shown) == []) == (line == "::add-mask::")


def test_a_word_for_an_id_token_is_no_mask(signed: Stage) -> None:
    """`id-token: true` by mistake: it is refused, and no `true` of the log is hidden."""
    done = subprocess.run(
        ["bash", "-c", "hf-oidc token acme/model"],
        env=signed.world() | {"GITHUB_ACTIONS": "true", "HF_OIDC_ID_TOKEN": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "add-mask" in done.stderr) == (1, False)
    assert "id-token-malformed" in done.stderr
