"""`delivery-failed`: the next step fits what does not take the token, and is said once for any number of logins.

Processes where a standard stream is the cause; else `hf-oidc` and the action run inside the test process.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.action_process import run_action
from tests.cli_process import CLI
from tests.cli_stage import HOSTILE, PLAIN, Stage
from tests.factories import id_token
from tests.scripted_server import Answer, Recorded, scripted_server

# What the next step begins with, by what does not take the token.
FILE = "Choose a regular file that you own, in an existing folder that you can write to."
OUTPUT = "Send standard output to a pipe, a variable, or a file on a disk that is not full."
LOG = "Let standard error of `hf-oidc` go to the job's log: remove the redirection (`2>`)."
RUNNER = "Run this as a step of a workflow."
GIT = "Set `GIT_CONFIG_COUNT` to the number of the `GIT_CONFIG_KEY_…` variables that are set, or unset it."
DOTENV = "Choose another `--format`, such as `json`, or pass the token to a single command with `hf-oidc run`."
FOLDER = "Set `XDG_RUNTIME_DIR` to a folder that you own, outside the working directory"
TO_A_FILE = "env acme/model --format dotenv -o"
ON_GITHUB = "GITHUB_ACTIONS=true"
# Arguments, environment -> the next step, in a folder that has a link and a folder.
FILES: dict[str, tuple[str, dict[str, str], str]] = {
    "a link": (f"{TO_A_FILE} link", {}, FILE),
    "a folder": (f"{TO_A_FILE} folder", {}, FILE),
    "a folder that is not there": (f"{TO_A_FILE} none/hf.env", {}, FILE),
    "a name that is too long": (f"{TO_A_FILE} {'x' * 300}", {}, FILE),
    "BASH_ENV is a folder": ("env acme/model --format circleci", {"BASH_ENV": "folder"}, FILE),
    "GITHUB_ENV is a folder": ("env acme/model --format github", {"GITHUB_ENV": "folder"}, RUNNER),
}
# Program -> the next step, where a shell or a process is needed: for streams, for what becomes another program, and for
# what would wait if it did not fail. It is run in a folder that has a link and a pipe. Standard output, and a file for
# the errors of `token`: test_cli_streams.py.
CAUSES = {
    "a pipe": (f"hf-oidc {TO_A_FILE} pipe", FILE),
    "an agent's file is a link": ("hf-oidc agent acme/model --token-file link", FILE),
    "an agent's folder is not there": ("hf-oidc agent acme/model --token-file t --ready-file none/r", FILE),
    "errors of an agent in a file": (
        f"{ON_GITHUB} hf-oidc agent acme/model --token-file t 2>err.log; c=$?; cat err.log >&2; exit $c",
        LOG,
    ),
    "errors of run in a file": (
        f"{ON_GITHUB} hf-oidc run acme/model -- true 2>err.log; c=$?; cat err.log >&2; exit $c",
        LOG,
    ),
    "errors of env in a file": (
        "GITHUB_ENV=later hf-oidc env acme/model --format github 2>err.log; c=$?; cat err.log >&2; exit $c",
        LOG,
    ),
    "errors of doctor nowhere": (f"{ON_GITHUB} hf-oidc doctor 2>/dev/null", LOG),
    "errors of doctor closed": (f"{ON_GITHUB} hf-oidc doctor 2>&-", LOG),
    "git's count": ("GIT_CONFIG_COUNT=x hf-oidc run --git acme/model -- true", GIT),
    "git's count, fresh": ("GIT_CONFIG_COUNT=-1 hf-oidc run --keep-fresh acme/model -- true", GIT),
    "the working directory is the only folder": (
        'XDG_RUNTIME_DIR="$PWD" hf-oidc run --keep-fresh acme/model -- true',
        FOLDER,
    ),
    "the folder for tokens takes none": ("XDG_RUNTIME_DIR=/proc hf-oidc run --keep-fresh acme/model -- true", FOLDER),
}


def words(text: str) -> str:
    """On one line, however it was wrapped."""
    return " ".join(text.split())


def shell(stage: Stage, program: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What bash makes of it in a folder of such things."""
    folder = stage.tmp_path / "checkout"
    folder.mkdir()
    (folder / "later").touch()
    (folder / "link").symlink_to("elsewhere")
    os.mkfifo(folder / "pipe")
    world = stage.world() | env
    run = subprocess.run(
        ["bash", "-c", program], env=world, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in run.stderr
    return run


@pytest.mark.parametrize("name", FILES)
def test_the_next_step_fits_the_file(name: str, stage: Stage) -> None:
    """It is the one, and no other's."""
    arguments, env, expected = FILES[name]
    folder = stage.tmp_path / "workspace"
    (folder / "folder").mkdir(parents=True)
    (folder / "link").symlink_to("elsewhere")
    run = stage.run(*arguments.split(), env={"HF_OIDC_ID_TOKEN": stage.id_token, **env})
    assert_next_step(run.exit_code, run.stdout + run.stderr, expected)


@pytest.mark.parametrize("name", CAUSES)
def test_the_next_step_fits_the_cause(name: str, stage: Stage) -> None:
    """The same as a process."""
    program, expected = CAUSES[name]
    run = shell(stage, program)
    assert_next_step(run.returncode, run.stdout + run.stderr, expected)


def assert_next_step(code: int, said: str, expected: str) -> None:
    """The delivery failed, and this step alone is named."""
    said = words(said)
    assert (code, "delivery-failed" in said) == (1, True), said
    assert [step for step in (FILE, OUTPUT, LOG, RUNNER, GIT, DOTENV, FOLDER) if step in said] == [expected], said


def test_a_token_that_dotenv_cannot_hold(stage: Stage) -> None:
    """Another format can."""
    stage.tokens["acme/model"] = HOSTILE[0]
    run = stage.run("env", "acme/model", "--format", "dotenv", "-o", "hf.env")
    assert (run.exit_code, f"Next: {DOTENV}" in run.stderr) == (1, True)


def test_the_doctor_says_all_that_it_can_without_a_token(stage: Stage) -> None:
    """With standard error in a file: whose job this is and what to enter on the Hub; nobody is asked for a token."""
    program = "hf-oidc doctor --resource acme/model 2>err.log"
    run = shell(stage, program, GITHUB_ACTIONS="true", GITHUB_REPOSITORY="acme/trainer", **NO_ID_TOKEN)
    said = words(run.stdout)
    assert_next_step(run.returncode, said, LOG)
    for expected in (
        "CI GitHub Actions",
        "Standard error, through which the runner learns which token to hide, goes to a file. (delivery-failed)",
        "Add this once on the Hub",
        f"{stage.server.url}/acme/model/settings",
        "repository acme/trainer",
        "branch main",
    ):
        assert expected in said
    assert stage.server.requests == []


def test_the_doctors_report_for_programs_is_the_same(stage: Stage) -> None:
    """Standard output is JSON."""
    run = shell(
        stage, "hf-oidc doctor --json 2>&-", GITHUB_ACTIONS="true", GITHUB_REPOSITORY="acme/trainer", **NO_ID_TOKEN
    )
    found = json.loads(run.stdout)
    assert (found["provider"], found["problem"]["code"], found["expires_at"]) == ("github", "delivery-failed", None)
    assert found["enter"]["repository"] == "acme/trainer"


NO_ID_TOKEN = {
    "HF_OIDC_ID_TOKEN": "",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token-of-the-job",
}
SEVERAL = {
    "git": (("run", "--git"), {"GIT_CONFIG_COUNT": "x"}, 1),
    "git, fresh": (("run", "--keep-fresh"), {"GIT_CONFIG_COUNT": "x"}, 1),
    "certificates": (("run", "--ca-bundle", "none.pem"), {}, 2),
    "certificates, fresh": (("run", "--keep-fresh", "--ca-bundle", "none.pem"), {}, 2),
    "certificates of env": (("env", "--ca-bundle", "none.pem"), {}, 2),
    "no CI": (("env",), {"HF_OIDC_ID_TOKEN": ""}, 1),
    "two CIs": (("env",), {"HF_OIDC_ID_TOKEN": "", "GITLAB_CI": "true", "CIRCLECI": "true"}, 1),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_command_that_tries_no_login_says_so_once(name: str, stage: Stage) -> None:
    """One message for all of them, none of their names, and nothing is sent."""
    (command, *options), env, code = SEVERAL[name]
    ends = ("--", "true") if command == "run" else ()
    run = stage.run(command, *options, "A=acme/a", "B=acme/b", *ends, env={"HF_OIDC_ID_TOKEN": stage.id_token, **env})
    assert (run.exit_code, run.stderr.count("Next: "), stage.server.requests) == (code, 1, []), run.stderr
    assert run.stderr.endswith("\nNo login was tried.\n")
    assert "for A" not in run.stderr


ACTION_BEFORE = {
    "git": ({"git-credentials": "true"}, {"GIT_CONFIG_COUNT": "x"}, 1),
    "a number beyond all": ({"git-credentials": "true"}, {"GIT_CONFIG_COUNT": "10000"}, 1),
    "certificates": ({"ca-bundle": "none.pem"}, {}, 2),
    "certificates that are none": ({"ca-bundle": "-----BEGIN CERTIFICATE-----"}, {}, 2),
    "no CI": ({}, {"HF_OIDC_ID_TOKEN": ""}, 1),
}


@pytest.mark.parametrize("name", ACTION_BEFORE)
def test_the_action_that_tries_no_login_says_so_once(name: str, stage: Stage) -> None:
    """One annotation for all of them, and no count of logins that failed."""
    inputs, env, code = ACTION_BEFORE[name]
    job = {"HF_ENDPOINT": stage.server.url, "HF_OIDC_ID_TOKEN": stage.id_token, **env}
    run = run_action(stage.tmp_path, job, {"resource": "A=acme/a\nB=acme/b", **inputs})
    assert (run.exit_code, run.stdout.count("::error "), stage.server.requests) == (code, 1, [])
    assert run.stdout.endswith("\nNo login was tried.\n")
    assert "logins failed" not in run.stdout
    assert "disk" not in run.stdout
    assert run.outputs == {"authenticated": "false"}


def test_one_login_needs_no_count(stage: Stage) -> None:
    """The message is all."""
    job = {"HF_ENDPOINT": stage.server.url, "HF_OIDC_ID_TOKEN": stage.id_token, "GIT_CONFIG_COUNT": "x"}
    run = run_action(stage.tmp_path, job, {"resource": "acme/model", "git-credentials": "true"})
    assert (run.exit_code, "No login was tried" in run.stdout, GIT in run.stdout) == (1, False, True)


def test_logins_that_worked_are_not_called_failed(stage: Stage) -> None:
    """The runner's file is gone by the time that the tokens are there."""
    files = {name: str(stage.tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
    for path in files.values():
        Path(path).touch()

    def exchange(_: Recorded) -> Answer:
        Path(files["GITHUB_ENV"]).unlink(missing_ok=True)
        return Answer({"access_token": PLAIN, "token_type": "bearer", "expires_in": 3600})

    with scripted_server({"/oauth/token": exchange}) as hub:
        job = {"HF_ENDPOINT": hub.url, "HF_OIDC_ID_TOKEN": id_token(hub.url)}
        run = run_action(stage.tmp_path, job, {"resource": "A=acme/model\nB=acme/b"}, command_files=files)
    assert (run.exit_code, run.error_code, run.stdout.count("::error ")) == (1, "delivery-failed", 1)
    assert run.stdout.endswith("\nAll logins succeeded, but no token is delivered.\n")


def test_somebody_at_a_terminal_sees_no_masks_of_local_hub(stage: Stage) -> None:
    """Its variables are those of a job, and no runner is there to obey; in a job with a terminal there are masks."""
    of_a_job = {"GITHUB_ENV": "/dev/null"}
    elsewhere = {"HF_ENDPOINT": "https://hub.example"}  # for which there is no ID token here: one mask, and no call
    for env, masks in (({}, 0), (of_a_job, 2), (elsewhere, 1)):
        reading, writing = pty.openpty()
        world = stage.world() | {"GITHUB_ACTIONS": "true", **env}
        done = subprocess.run(
            [*CLI, "token", "acme/model"], env=world, stdout=subprocess.DEVNULL, stderr=writing, timeout=60, check=False
        )
        os.close(writing)
        seen = b""
        try:
            while piece := os.read(reading, 65536):
                seen += piece
        except OSError:  # Linux ends a terminal so
            os.close(reading)
        assert done.returncode in {0, 1}
        assert seen.count(b"::add-mask::") == masks


@pytest.mark.parametrize("word", ["true", "a.b.c", "hf_0123456789abcdef", "not-a-token", "x" * 20, id_token()[:60]])
def test_the_action_masks_no_word_that_cannot_be_a_jwt(word: str, tmp_path: Path) -> None:
    """It is refused, and the log stays readable."""
    run = run_action(tmp_path, {}, {"resource": "acme/model", "id-token": word})
    assert (run.exit_code, run.error_code, run.masks) == (1, "id-token-malformed", [])
