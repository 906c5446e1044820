"""A long job, compressed: tokens of eight seconds, a program that uses them all the time, and outages.

It is the one story of a renewal that takes its true time, as processes; tests/unit/hf_oidc/test_keep_fresh.py tells of
forty lifetimes and twenty outages by a clock that does not wait.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.action_process import MASK_LINE, scrubbed, watched
from tests.cli_process import CLI
from tests.clients import CLAIMS, JOB
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

# Seconds. A token is renewed after two of them at the latest, and an outage may come then: what is left is for a
# machine that is busy with something else.
LIFETIME = 8
LIFETIMES = 2
OUTAGE = 1.5
PROGRAM = Path(__file__).with_name("long_job.py")
ISSUER, EXCHANGE = "/oidc/github/idtoken", "/oauth/token"
# Of the issuer and of the Hub, by an answer and by a connection that breaks: here two of the four, and the other two in
# test_long_agent.py.
Outages = Sequence[tuple[str, str]]
OUTAGES: Outages = [(ISSUER, "503"), (EXCHANGE, "reset-before-headers")]


@contextmanager
def hub_with_clone(tmp_path: Path) -> Iterator[LocalHub]:
    """A Local Hub with tokens that are valid for eight seconds, and a clone of its model."""
    with local_hub("--token-lifetime", str(LIFETIME), "--data", str(tmp_path / "data")) as running:
        running.post("/local-hub/publishers", {"resource": "acme/model", "issuerUrl": running.issuer, "claims": CLAIMS})
        subprocess.run(["git", "clone", "--quiet", f"{running.hub}/acme/model", tmp_path / "work"], check=True)
        yield running


def environment(hub: LocalHub, home: Path) -> dict[str, str]:
    """What the programs of a job see, beside what the CI tells it."""
    author = {f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = scrubbed() | author | {"HF_ENDPOINT": hub.hub, "HOME": str(home), "GIT_TERMINAL_PROMPT": "0"}
    return env | {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    """See `hub_with_clone`."""
    with hub_with_clone(tmp_path) as running:
        yield running


def run(hub: LocalHub, tmp_path: Path, seconds: float, *options: str, until: str = "") -> tuple[Any, bytes, bytes]:
    """What the job did, what was said on standard error, and the command lines that were seen meanwhile.

    `until`: what ends the job if it fails.
    """
    for folder in ("home", "memory"):
        (tmp_path / folder).mkdir()
    env = environment(hub, tmp_path / "home") | hub.job(**JOB) | {"XDG_RUNTIME_DIR": str(tmp_path / "memory")}
    command = [*CLI, "run", *options, "acme/model", "--", sys.executable, str(PROGRAM), str(seconds), until]
    seen, done = watched(command, env, tmp_path / "work", every=0.5, seconds=10 * seconds)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), done.stderr, b"\n".join(seen)


def strike(hub: LocalHub, over: threading.Event, struck: list[tuple[str, str]], outages: Outages) -> None:
    """One outage after the other; a token is renewed in between."""
    for path, fault in outages:
        if over.wait(LIFETIME * 0.4):
            return
        hub.post("/local-hub/faults", {"path": path, "faults": [fault] * 900})
        over.wait(OUTAGE)
        hub.request("DELETE", "/local-hub/faults")
        struck.append((path, fault))


def test_a_job_of_many_lifetimes_never_fails(hub: LocalHub, tmp_path: Path) -> None:
    """Not an upload and not a push, also while the issuer or the Hub's exchange is down; no token is left anywhere."""
    over, struck = threading.Event(), list[tuple[str, str]]()
    striker = threading.Thread(target=strike, args=(hub, over, struck, OUTAGES))
    striker.start()
    try:
        told, log, seen = run(hub, tmp_path, LIFETIME * LIFETIMES, "--keep-fresh")
    finally:
        over.set()
        striker.join()
    assert told["failed"] == []
    assert struck == OUTAGES
    assert told["done"]["push"] >= LIFETIMES
    assert told["done"]["upload"] >= LIFETIMES
    assert len(hub.get("/local-hub/exchanges")) >= 2 * LIFETIMES
    tokens = {token.decode() for token in MASK_LINE.findall(log)}
    assert len(tokens) >= 2 * LIFETIMES  # ID tokens and the Hub's
    disk = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert leaks(tokens, disk | {"log": MASK_LINE.sub(b"", log), "command lines": seen}) == []
    assert list((tmp_path / "memory").iterdir()) == []


def test_without_it_the_job_fails_when_its_token_expires(hub: LocalHub, tmp_path: Path) -> None:
    """The same program: good for one lifetime. It ends when an upload has failed."""
    told, _, _ = run(hub, tmp_path, LIFETIME * 10, "--git", until="upload")
    failed = [failure for failure in told["failed"] if failure.startswith("upload ")]
    assert told["done"]["upload"] > len(failed) > 0
    assert "401" in failed[-1]
