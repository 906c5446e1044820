"""Should the action have a bug, its user sees where, and never what: a value may be a token."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hf_oidc.action import guarded


def buggy(env: Mapping[str, str]) -> int:
    """Fails as a program with a bug does, with a token in the message."""
    return int(env["TOKEN"])


def cancelled(_env: Mapping[str, str]) -> int:
    """Is interrupted, as a cancelled job is."""
    raise KeyboardInterrupt


def test_a_bug_is_an_annotation_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the kind of error and the place; no traceback."""
    assert guarded(buggy, {"TOKEN": "hf_jwt_secret"}) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("::error title=hf-oidc%3A bug::ValueError in tests.scenario.test_bug, line ")
    assert "hf_jwt_secret" not in printed.out
    assert printed.err == ""


def test_a_cancelled_job_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    """130 is what shells give after SIGINT."""
    assert guarded(cancelled, {}) == 130
    assert capsys.readouterr() == ("", "")
