"""`hf-oidc run`: a command with the token in its environment, and nowhere else.

Always a process: `run` replaces itself with the command.
"""

import signal
import subprocess

import pytest

from tests.cli_process import CLI
from tests.cli_stage import PLAIN, Stage
from tests.leaks import leaks
from tests.processes import command_lines


def test_run_gives_the_token_to_the_command_alone(stage: Stage) -> None:
    """In its environment; its output, input and exit code are its own."""
    show = 'cat; test "$HF_TOKEN" = "$EXPECTED" && test -z "$HF_OIDC_RESOURCE"; exit $((40 + $?))'
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "EXPECTED": PLAIN, "HF_OIDC_RESOURCE": "acme/model"}
    run = stage.run("run", "--", "sh", "-c", show, env=env, stdin="input")
    assert (run.exit_code, run.stdout) == (40, "input")


def test_run_leaves_the_arguments_as_they_are(stage: Stage) -> None:
    """Another `--`, options that hf-oidc has too, blanks, nothing."""
    run = stage.run("run", "acme/model", "-q", "--", "printf", "%s|", "--", "-q", "--help", "a b", "")
    assert (run.exit_code, run.stdout, run.stderr) == (0, "--|-q|--help|a b||", "")


def test_run_takes_several(stage: Stage) -> None:
    """Each under its name."""
    stage.tokens["datasets/acme/corpus"] = "hf_jwt_second_0123456789"
    show = 'echo "${#A} ${#B}"'
    run = stage.run("run", "A=acme/model", "B=datasets/acme/corpus", "--", "sh", "-c", show)
    assert run.stdout == f"{len(PLAIN)} {len('hf_jwt_second_0123456789')}\n"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["no-such-command"], 127, "no-such-command: command not found"),
        (["/etc/passwd"], 126, "/etc/passwd: may not be run: it is not executable"),
        (["/"], 126, "/: is a folder"),
        (["./no/such"], 127, "./no/such: command not found"),
        ([""], 127, ": command not found"),
        ([], 2, "COMMAND is missing"),
    ],
)
def test_run_asks_for_no_token_in_vain(command: list[str], code: int, told: str, stage: Stage) -> None:
    """The exit codes are a shell's."""
    run = stage.run("run", "acme/model", "--", *command)
    assert (run.exit_code, stage.server.requests) == (code, [])
    assert told in run.stderr
    if command and command != [""]:
        shell = subprocess.run(["bash", "-c", '"$0"', *command], cwd="/", capture_output=True, check=False)
        assert shell.returncode == code


@pytest.mark.parametrize("path", ["", ".", ":/usr/bin", ".:/usr/bin", "bin:/usr/bin"])
def test_run_finds_no_command_in_the_working_directory(path: str, stage: Stage) -> None:
    """The checkout may hold a program of any name."""
    hijack(stage)
    run = stage.run("run", "acme/model", "--", "no-such-hf", env={"HF_OIDC_ID_TOKEN": stage.id_token, "PATH": path})
    assert (run.exit_code, run.stdout, stage.server.requests) == (127, "", [])


def test_run_finds_what_is_said_to_be_there(stage: Stage) -> None:
    """Who wants the checkout's program says `./hf`, and PATH is not asked."""
    hijack(stage)
    run = stage.run("run", "acme/model", "--", "./no-such-hf", env={"HF_OIDC_ID_TOKEN": stage.id_token, "PATH": ""})
    assert (run.exit_code, run.stdout) == (0, "hijacked\n")


def hijack(stage: Stage) -> None:
    """Put a program into the checkout, and one into its `bin`."""
    for name in ("workspace/no-such-hf", "workspace/bin/no-such-hf"):
        (stage.tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (stage.tmp_path / name).write_text("#!/bin/sh\necho hijacked\n")
        (stage.tmp_path / name).chmod(0o755)


def test_run_says_what_cannot_be_run_after_all(stage: Stage) -> None:
    """A script without an interpreter line that exists."""
    script = stage.tmp_path / "script"
    script.write_text("#!/nowhere/sh\n")
    script.chmod(0o755)
    run = stage.run("run", "acme/model", "--", str(script))
    assert run.exit_code == 126
    assert f"{script}: cannot be run: No such file or directory" in run.stderr


def test_run_without_a_login_runs_nothing(stage: Stage) -> None:
    """Exit code 1."""
    run = stage.run("run", "acme/other", "--", "touch", str(stage.tmp_path / "ran"))
    assert (run.exit_code, (stage.tmp_path / "ran").exists()) == (1, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGUSR1, signal.SIGPIPE])
def test_run_passes_signals_on(number: signal.Signals, stage: Stage) -> None:
    """The command takes the place of hf-oidc: what is sent to the one reaches the other, and none stays behind."""
    command = [*CLI, "run", "acme/model", "--", "sh", "-c", "echo ready $$; exec sleep 300"]
    with subprocess.Popen(command, env=stage.world(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {process.pid}\n".encode()
        assert leaks([PLAIN, stage.id_token], {"command lines": command_lines()}) == []
        process.send_signal(number)
    assert process.returncode == -number


def test_a_signal_can_be_handled_by_the_command(stage: Stage) -> None:
    """Its exit code is then its own."""
    command = [
        *CLI,
        "run",
        "acme/model",
        "--",
        "sh",
        "-c",
        'sleep 1000 & trap "kill $!; exit 7" TERM; echo ready; wait',
    ]
    with subprocess.Popen(
        command, env=stage.world(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
    assert process.returncode == 7
