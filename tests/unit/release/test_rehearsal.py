"""The job of ci.yml that logs in with GitHub's own ID token: Local Hub's part of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]


def rehearsal(command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the program as the workflow does."""
    return subprocess.run(
        [sys.executable, "-m", "release.rehearsal", command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def started(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What later steps find in their environment."""
    run = rehearsal("start", GITHUB_REPOSITORY="org/hf-oidc-action", GITHUB_ENV=str(tmp_path / "env"))
    assert run.returncode == 0, run.stderr
    exported = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    yield exported
    os.kill(int(exported["LOCAL_HUB_PID"]), signal.SIGTERM)


@pytest.mark.process
def test_it_trusts_this_repositorys_jobs(started: dict[str, str]) -> None:
    """By GitHub's issuer, and no other claim."""
    answer = httpx.get(started["LOCAL_HUB"] + "/local-hub/publishers", trust_env=False)
    (publisher,) = answer.json()
    assert publisher["issuerUrl"] == "https://token.actions.githubusercontent.com"
    assert publisher["claims"] == {"repository": {"kind": "eq", "value": "org/hf-oidc-action"}}


@pytest.mark.process
def test_it_tells_a_token_that_is_not_good(started: dict[str, str]) -> None:
    """A login that has not worked, and a token that Local Hub does not know, fail the job."""
    failed = rehearsal("check", AUTHENTICATED="false", **started)
    unknown = rehearsal("check", AUTHENTICATED="true", HF_TOKEN="hf_jwt_unknown", **started)
    assert (failed.returncode, unknown.returncode) == (1, 1)
    assert "'false'" in failed.stderr
    assert "not good" in unknown.stderr
