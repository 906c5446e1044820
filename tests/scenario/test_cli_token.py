"""`hf-oidc token`: the token alone on standard output, all else on standard error.

`token` runs inside the test process, except where a terminal or a signal is the subject.
"""

import os
import pty
import signal
import subprocess
import time

import pytest

from tests.cli_process import CLI
from tests.cli_stage import PLAIN, Stage
from tests.factories import id_token
from tests.scripted_server import Answer, Recorded, scripted_server


def test_token_is_alone_on_standard_output(stage: Stage) -> None:
    """Everything else goes to standard error."""
    run = stage.run("token", "acme/model", stdout_may_hold_them=True)
    assert (run.exit_code, run.stdout) == (0, f"{PLAIN}\n")
    assert run.stderr.startswith("hf-oidc: Logged in: Hugging Face token for model acme/model only")


def test_quiet_says_nothing_that_is_well(stage: Stage) -> None:
    """Standard error stays empty."""
    run = stage.run("token", "acme/model", "--quiet", stdout_may_hold_them=True)
    assert (run.exit_code, run.stderr) == (0, "")


def test_a_refusal_is_explained(stage: Stage) -> None:
    """Code, cause, place, next step; standard output stays empty; exit code 1."""
    run = stage.run("token", "acme/other")
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr.startswith("hf-oidc: exchange-rejected\n")
    assert "Claims of this job's ID token" not in run.stderr
    assert "\nNext: " in run.stderr


def test_verbose_says_what_the_id_token_says(stage: Stage) -> None:
    """As the action's log group does."""
    run = stage.run("token", "acme/other", "-v")
    assert "Claims of this job's ID token (unverified):" in run.stderr


def test_a_retry_is_told(stage: Stage) -> None:
    """On standard error, one line."""
    answers = iter([Answer(status=503, headers={"Retry-After": "0"})])
    script = {
        "/oauth/token": lambda _request: next(
            answers, Answer({"access_token": PLAIN, "token_type": "bearer", "expires_in": 60})
        )
    }
    with scripted_server(script) as server:
        env = {"HF_OIDC_ID_TOKEN": id_token(server.url), "HF_ENDPOINT": server.url}
        run = stage.run("token", "acme/model", env=env, stdout_may_hold_them=True)
    assert run.exit_code == 0
    assert "hf-oidc: hub-unavailable" in run.stderr


@pytest.mark.parametrize(("arguments", "shown"), [((), False), (("--show",), True)])
@pytest.mark.parametrize("command", ["token", "env"])
def test_a_terminal_is_shown_no_token(command: str, arguments: tuple[str, ...], shown: bool, stage: Stage) -> None:
    """Unless --show asks for it; else nothing is sent."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*CLI, command, "acme/model", *arguments], env=stage.world(), stdout=slave, stderr=subprocess.PIPE
    ) as process:
        os.close(slave)
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    output = b""
    try:
        while piece := os.read(master, 4096):
            output += piece
    except OSError:
        pass
    os.close(master)
    assert (PLAIN in output.decode()) is shown
    assert process.returncode == (0 if shown else 2)
    assert ("Use --show to print it" in errors) is not shown
    assert bool(stage.server.requests) is shown


def test_an_interrupt_ends_with_130(stage: Stage) -> None:
    """As a shell has it, and without a traceback."""

    def hang(_request: Recorded) -> Answer:
        time.sleep(2)
        return Answer(status=503)

    with scripted_server({"/oauth/token": hang}) as server:
        env = stage.world() | {"HF_ENDPOINT": server.url, "HF_OIDC_ID_TOKEN": id_token(server.url)}
        with subprocess.Popen([*CLI, "token", "acme/model"], env=env, stderr=subprocess.PIPE, text=True) as process:
            while not server.command_lines:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "Traceback" not in errors
