"""Should the action have a bug, its user sees where, and never what: a value may be a token."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from hf_oidc.action import Inputs, _failed, guarded
from hf_oidc.cli import app
from hf_oidc.errors import HubUnavailable
from hf_oidc.login import Failed
from hf_oidc.output.github_commands import CommandFiles


def buggy(env: Mapping[str, str]) -> int:
    """Fails as a program with a bug does, with a token in the message."""
    return int(env["TOKEN"])


def cancelled(_env: Mapping[str, str]) -> int:
    """Is interrupted, as a cancelled job is."""
    raise KeyboardInterrupt


def test_a_bug_is_an_annotation_without_values(capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the kind of error and the place; no traceback."""
    assert guarded(buggy, {"TOKEN": "hf_jwt_secret"}) == 1
    printed = capfd.readouterr()
    assert printed.out.startswith("::error title=hf-oidc%3A bug::ValueError in tests.scenario.test_bug, line ")
    assert "hf_jwt_secret" not in printed.out
    assert printed.err == ""


def test_a_bug_of_the_command_line_is_a_line_without_values(capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the kind of error and the place on standard error; what was printed before it is held back."""

    def half_done() -> int:
        click.echo("hf_jwt_half")
        return buggy({"TOKEN": "hf_jwt_secret"})

    assert app.guarded(half_done) == 1
    told = "hf-oidc: ValueError in tests.scenario.test_bug, line "
    printed = capfd.readouterr()
    assert (printed.out, printed.err[: len(told)]) == ("", told)
    assert "hf_jwt_secret" not in printed.err


def test_a_cancelled_job_ends_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    """130 is what shells give after SIGINT."""
    assert guarded(cancelled, {}) == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("on_error", "exit_code", "level"), [("fail", 1, "error"), ("warn", 0, "warning")])
def test_a_bug_in_the_explanation_hides_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], on_error: str, exit_code: int, level: str
) -> None:
    """The failure is told without it, and the step ends as it would have."""
    error = HubUnavailable("The Hub reports a server error")
    error.attempts = None  # type: ignore[assignment]  # what no explanation reckons with
    inputs = Inputs.read({"INPUT_RESOURCE": "acme/model", "INPUT_ON-ERROR": on_error})
    files = CommandFiles(tmp_path / "output", tmp_path / "env")
    assert _failed([Failed(inputs.requests[0], error)], inputs, {}, files) == exit_code
    assert capfd.readouterr().out == f"::{level} title=hf-oidc%3A hub-unavailable::The Hub reports a server error.\n"
