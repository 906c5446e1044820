"""`hf-oidc env`: what it writes to files and to later steps of a job.

`env` runs inside the test process; shells and Docker, which read the result, are processes.
"""

import json
import os
import shlex
import stat
import subprocess

import pytest
from dotenv import dotenv_values

from hf_oidc.secret import Secret
from hf_oidc.sinks.masking import worthless_part
from tests import engines
from tests.action_process import file_commands, scrubbed
from tests.cli_process import CLI
from tests.cli_stage import HOSTILE, PLAIN, Stage


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
def test_json_is_read_back(token: str, stage: Stage) -> None:
    """An object from names to tokens."""
    stage.tokens["acme/model"] = token
    run = stage.run("env", "A=acme/model", "--format", "json", stdout_may_hold_them=True)
    assert json.loads(run.stdout) == {"A": token}


def test_a_dotenv_file_is_read_back(stage: Stage) -> None:
    """By python-dotenv; the file is its owner's alone."""
    path = stage.tmp_path / ".env"
    for token in (PLAIN, "hf_0123456789_a.b-c+d/e==", "-hf_0123456789_n"):
        stage.tokens["acme/model"] = token
        run = stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path), may_hold_them=[path])
        assert (run.exit_code, run.stdout) == (0, "")
        assert dotenv_values(path) == {"HF_TOKEN": token}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in stage.tmp_path.iterdir()) == [".env", "home", "tmp", "workspace"]


def test_docker_reads_what_dotenv_writes(stage: Stage) -> None:
    """--env-file takes each line as it stands."""
    docker = subprocess.run(["docker", "info"], capture_output=True, check=False) if engines.has("docker") else None
    if docker is None or docker.returncode != 0:
        engines.missing("Docker is not running")
    path = stage.tmp_path / ".env"
    stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path), may_hold_them=[path])
    run = subprocess.run(
        ["docker", "run", "--rm", "--env-file", str(path), "debian:trixie-slim", "printenv", "HF_TOKEN"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, f"{PLAIN}\n")


@pytest.mark.parametrize("token", [token for token in HOSTILE if not token.startswith(("hf_x", "-"))])
def test_what_dotenv_readers_read_differently_is_refused(token: str, stage: Stage) -> None:
    """No file is written."""
    stage.tokens["acme/model"] = token
    path = stage.tmp_path / ".env"
    run = stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path))
    assert (run.exit_code, path.exists()) == (1, False)
    assert "delivery-failed" in run.stderr


def test_two_resources_have_two_names(stage: Stage) -> None:
    """In the order in which they were asked for."""
    stage.tokens["datasets/acme/corpus"] = "hf_jwt_second_0123456789"
    run = stage.run("env", "MODEL=acme/model", "DATA=datasets/acme/corpus", stdout_may_hold_them=True)
    assert run.stdout == f"export MODEL='{PLAIN}'\nexport DATA='hf_jwt_second_0123456789'\n"


def test_if_one_is_refused_none_is_written(stage: Stage) -> None:
    """All or nothing."""
    run = stage.run("env", "MODEL=acme/model", "DATA=datasets/acme/corpus")
    assert (run.exit_code, run.stdout) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["acme/model", "acme/other"], "Two tokens for the variable `HF_TOKEN`"),
        (["PATH=acme/model"], "A token in `PATH` would change how programs run"),
        (["ld_preload=acme/model"], "would change how programs run"),
        (["1A=acme/model"], "no name of an environment variable"),
        (["=acme/model"], "no name of an environment variable"),
        (["A-B=acme/model"], "no name of an environment variable"),
        (["A=acme//model"], "invalid-resource"),
        (["acme/model", "--format", "circleci", "--output", "x"], "`--output` has no use with the format circleci"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], told: str, stage: Stage) -> None:
    """Exit code 2, and nothing is sent."""
    run = stage.run("env", *arguments)
    assert (run.exit_code, run.stdout, stage.server.requests) == (2, "", [])
    assert told in run.stderr


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "absent-folder", "nul"])
def test_a_token_is_written_to_a_file_alone(kind: str, stage: Stage) -> None:
    """Never through a link, and never over something that is no file."""
    path, other = stage.tmp_path / "out", stage.tmp_path / "other"
    if kind == "link":
        other.write_text("mine")
    if kind in {"link", "dangling"}:
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    name = {"absent-folder": str(path / "none" / "x"), "nul": "/dev/null"}.get(kind, str(path))
    run = stage.run("env", "acme/model", "--output", name)
    assert (run.exit_code, stage.server.requests) == (1, [])
    assert "delivery-failed" in run.stderr
    assert not other.exists() or other.read_text() == "mine"


def test_circleci_adds_to_bash_env(stage: Stage) -> None:
    """What is there stays; a later step reads all of it."""
    path = stage.tmp_path / "bash_env"
    for before in (None, "export A=1\n"):
        path.unlink(missing_ok=True)
        if before:
            path.write_text(before)
        env = {"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": str(path)}
        run = stage.run("env", "acme/model", "--format", "circleci", env=env, may_hold_them=[path])
        assert (run.exit_code, path.read_text()) == (0, (before or "") + f"export HF_TOKEN='{PLAIN}'\n")


def test_bash_env_that_others_may_read_is_taken_from_them(stage: Stage) -> None:
    """Some images make it for all; later steps are the same user's."""
    path = stage.tmp_path / "bash_env"
    path.write_text("export A=1\n")
    path.chmod(0o666)
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": str(path)}
    run = stage.run("env", "acme/model", "--format", "circleci", env=env, may_hold_them=[path])
    assert (run.exit_code, stat.S_IMODE(path.stat().st_mode)) == (0, 0o600)


@pytest.mark.parametrize("option", ["--output", "BASH_ENV"])
def test_a_folder_that_is_a_link_of_the_checkout_is_found_before_a_token_is_asked_for(
    option: str, stage: Stage
) -> None:
    """Whoever wrote the checkout would choose where the token is."""
    (stage.tmp_path / "workspace").mkdir()
    (stage.tmp_path / "elsewhere").mkdir()
    (stage.tmp_path / "workspace/conf").symlink_to("../elsewhere")
    to_file = ["--output", "conf/hf.env"] if option == "--output" else ["--format", "circleci"]
    run = stage.run("env", "acme/model", *to_file, env={"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": "conf/hf.env"})
    assert (run.exit_code, run.stdout, stage.server.requests) == (1, "", [])
    assert "conf/hf.env leads through conf, a symbolic link" in run.stderr
    assert list((stage.tmp_path / "elsewhere").iterdir()) == []


def test_the_file_of_bash_env_need_not_end_with_a_line(stage: Stage) -> None:
    """A step of before may have written it so: its line and ours are both read, by the shell that CircleCI runs."""
    path = stage.tmp_path / "bash_env"
    path.write_text("export BEFORE=kept")
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": str(path)}
    stage.run("env", "acme/model", "--format", "circleci", env=env, may_hold_them=[path])
    run = subprocess.run(
        ["bash", "-c", "echo $BEFORE $HF_TOKEN"], env={**scrubbed(), **env}, capture_output=True, text=True, check=True
    )
    assert run.stdout == f"kept {PLAIN}\n"


@pytest.mark.parametrize("kind", ["link", "pipe", "device", "absent-folder"])
@pytest.mark.parametrize("format_", ["circleci", "github"])
def test_a_file_of_a_ci_that_is_none_is_found_before_a_token_is_asked_for(
    kind: str, format_: str, stage: Stage
) -> None:
    """Opening a pipe would wait, and a device would take the token and keep it."""
    path = stage.tmp_path / "file"
    if kind == "link":
        path.symlink_to(stage.tmp_path / "other")
    elif kind == "pipe":
        os.mkfifo(path)
    name = {"device": "/dev/full", "absent-folder": str(path / "x")}.get(kind, str(path))
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, {"circleci": "BASH_ENV", "github": "GITHUB_ENV"}[format_]: name}
    run = stage.run("env", "acme/model", "--format", format_, env=env)
    assert (run.exit_code, run.stdout, stage.server.requests) == (1, "", [])
    assert "delivery-failed" in run.stderr


def test_a_hyphen_is_standard_output(stage: Stage) -> None:
    """As elsewhere."""
    run = stage.run("env", "acme/model", "--output", "-", stdout_may_hold_them=True)
    assert (run.exit_code, run.stdout) == (0, f"export HF_TOKEN='{PLAIN}'\n")


@pytest.mark.parametrize("format_", ["circleci", "github"])
def test_the_file_of_a_ci_has_to_be_there(format_: str, stage: Stage) -> None:
    """Before anybody is asked for a token."""
    run = stage.run("env", "acme/model", "--format", format_)
    assert (run.exit_code, stage.server.requests) == (2, [])
    assert "is not set: " in run.stderr
    assert f"Next: Write another format than {format_}, or use `hf-oidc run` instead." in run.stderr


def test_github_masks_and_adds_to_github_env(stage: Stage) -> None:
    """In that order: the file is read when the step has ended."""
    path = stage.tmp_path / "github_env"
    path.write_text("A=1\n")
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "GITHUB_ENV": str(path)}
    run = stage.run("env", "T=acme/model", "--format", "github", env=env, may_hold_them=[path])
    assert (run.exit_code, run.stdout) == (0, "")
    assert run.masks == [worthless_part(Secret(PLAIN)).reveal()]
    assert file_commands(path.read_text().removeprefix("A=1\n")) == {"T": PLAIN}
    path.unlink()
    assert stage.run("env", "T=acme/model", "--format", "github", env=env).exit_code == 1


def test_github_env_that_cannot_be_written_is_left_as_it_was(stage: Stage) -> None:
    """A full disk: nothing of the token stays in the file, and nothing is printed."""
    path = stage.tmp_path / "github_env"
    path.write_text("A=1\n")
    command = f"ulimit -f 0; exec {shlex.join(CLI)} env acme/model --format github"
    env = stage.world() | {"GITHUB_ENV": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, path.read_text()) == (1, "", "A=1\n")
    assert "delivery-failed" in run.stderr


@pytest.mark.parametrize("format_", ["sh", "fish", "powershell"])
def test_what_would_go_before_the_variables_is_taken_away(format_: str, stage: Stage) -> None:
    """Where HF_OIDC_RESOURCE is set, huggingface_hub ignores HF_TOKEN."""
    env = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": stage.id_token}
    run = stage.run("env", "--format", format_, env=env, stdout_may_hold_them=True)
    assert run.exit_code == 0, run.stderr
    assert "HF_OIDC_RESOURCE" in run.stdout.splitlines()[0]
    assert "ignores" not in run.stderr
    plain = stage.run("env", "acme/model", "--format", format_, stdout_may_hold_them=True)
    assert "HF_OIDC_RESOURCE" not in plain.stdout


def test_what_cannot_be_taken_away_is_told(stage: Stage) -> None:
    """A file of variables unsets none."""
    env = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": stage.id_token}
    run = stage.run("env", "--format", "json", env=env, stdout_may_hold_them=True)
    assert "HF_OIDC_RESOURCE is set; where it is, huggingface_hub ignores these variables." in run.stderr
