"""A long job with an agent, compressed: three programs that it did not start use its file through outages.

One story takes its true time: huggingface_hub uploads and git pushes, as in test_long_job.py, and a third program reads
the file, as a second container would. In the other one, the same three read the file for forty lifetimes by a clock
that does not wait.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hf_oidc.cli.renewer import FileRenewal, OnExpiry, Renewer
from hf_oidc.errors import HubUnavailable, IdTokenRequestFailed
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.output import files, git
from hf_oidc.renewal import Lifetime, keep_fresh
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest
from tests.action_process import MASK_LINE, scrubbed
from tests.cli_process import CLI
from tests.clients import JOB
from tests.fake_clock import FakeClock
from tests.leaks import leaks
from tests.local_hub_process import LocalHub
from tests.processes import command_lines
from tests.scenario.test_long_job import (
    EXCHANGE,
    ISSUER,
    LIFETIME,
    LIFETIMES,
    PROGRAM,
    Outages,
    environment,
    hub_with_clone,
    strike,
)

JOB_STEP = '. "$1"; exec "$2" "$3" "$4" ""'
OUTAGES: Outages = [(ISSUER, "reset-before-headers"), (EXCHANGE, "503")]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    """A Local Hub with tokens that are valid for eight seconds, and a clone of its model."""
    with hub_with_clone(tmp_path) as running:
        yield running


def read_and_use(hub: LocalHub, file: Path, over: threading.Event, seen: dict[str, bool]) -> None:
    """The third load: reads the file and asks Local Hub about the token in it, again and again."""
    while not over.wait(0.2):
        token = file.read_text()
        answer = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})
        seen[token] = seen.get(token, True) and answer["active"]


def tell(hub: LocalHub, tmp_path: Path) -> tuple[Any, list[tuple[str, str]], dict[str, bool]]:
    """Runs the story. What the job did, the outages that there were, and whether each token that was read worked."""
    for folder in ("home", "files"):
        (tmp_path / folder).mkdir()
    env = environment(hub, tmp_path / "home")
    token, ready = tmp_path / "files/token", tmp_path / "files/ready"
    command = [*CLI, "agent", "acme/model", "--token-file", str(token), "--ready-file", str(ready)]
    over, struck, seen, lines = threading.Event(), list[tuple[str, str]](), dict[str, bool](), set[bytes]()
    with (
        (tmp_path / "log").open("wb+") as log,
        subprocess.Popen(command, env=env | hub.job(**JOB), stderr=subprocess.PIPE) as agent,
    ):
        assert agent.stderr is not None
        copying = threading.Thread(target=log.writelines, args=[agent.stderr])
        copying.start()
        while not ready.exists() and agent.poll() is None:
            time.sleep(0.05)
        loads = [
            threading.Thread(target=strike, args=(hub, over, struck, OUTAGES)),
            threading.Thread(target=read_and_use, args=(hub, token, over, seen)),
        ]
        for each in loads:
            each.start()
        step = ["sh", "-ec", JOB_STEP, "sh", str(ready), sys.executable, str(PROGRAM), str(LIFETIMES * LIFETIME)]
        with subprocess.Popen(step, env=env, cwd=tmp_path / "work", stdout=subprocess.PIPE) as job:
            while job.poll() is None:
                lines.add(command_lines())
                time.sleep(0.5)
            assert job.stdout is not None
            told = json.loads(job.stdout.read())
        over.set()
        for each in loads:
            each.join()
        agent.terminate()
        assert agent.wait(30) == 0
        copying.join()
        log.seek(0)
        masks = {mask.decode() for mask in MASK_LINE.findall(log.read())}
    assert list((tmp_path / "files").iterdir()) == []
    assert all(any(each.endswith(mask) for mask in masks) for each in seen)
    (tmp_path / "log").write_bytes(MASK_LINE.sub(b"", (tmp_path / "log").read_bytes()))
    disk = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert leaks(seen, disk | {"command lines": b"\n".join(lines)}) == []
    return told, struck, seen


def test_three_loads_never_fail(hub: LocalHub, tmp_path: Path) -> None:
    """Not a request, also while the issuer or the exchange is down; no token is left anywhere."""
    told, struck, seen = tell(hub, tmp_path)
    assert told["failed"] == []
    assert struck == OUTAGES
    assert min(told["done"]["push"], told["done"]["upload"]) >= LIFETIMES
    assert len(seen) >= LIFETIMES
    assert all(seen.values())


HUB = "https://hub.example"
HOUR = 3600
REQUEST = TokenRequest("HF_TOKEN", Resource.parse("acme/model"))
# Prints the token whenever it gets a line.
HUGGING_FACE = """
import sys
from huggingface_hub import get_token
for _ in sys.stdin:
    print(get_token(), flush=True)
"""


@dataclass
class Compressed:
    """A token file, what issues its tokens, and the programs that read it. An outage begins every three hours."""

    file: Path
    clock: FakeClock = field(default_factory=FakeClock)
    ends: dict[str, float] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    reads: int = 0

    def log_in(self, _request: TokenRequest, seconds: float) -> HubToken:
        """A token for an hour, except in the first half hour of an outage."""
        since = self.clock.seconds % (3 * HOUR)
        if self.clock.seconds > HOUR and since < HOUR / 2:
            self.failed.add(int(self.clock.seconds // (3 * HOUR)))
            self.clock.sleep(seconds)
            raise HubUnavailable("down") if len(self.failed) % 2 else IdTokenRequestFailed("down", retryable=True)
        token = f"hf_jwt_number_{len(self.ends)}"
        self.ends[token] = self.clock.seconds + HOUR
        return HubToken(Secret(token), REQUEST.resource, HOUR, self.clock.now())

    def write(self, _request: TokenRequest, secret: Secret) -> None:
        """As the agent does."""
        files.replace(self.file, secret.reveal())

    def check(self, token: str) -> None:
        """The token that a program has read must be valid now."""
        self.reads += 1
        assert self.ends[token] > self.clock.seconds


def test_forty_lifetimes_in_compressed_time(tmp_path: Path) -> None:
    """Through ten outages, huggingface_hub, git and a second reader never find a token that has expired."""
    told = Compressed(tmp_path / "token")
    told.write(REQUEST, told.log_in(REQUEST, 60).secret)
    env = scrubbed() | {"HOME": str(tmp_path), "HF_TOKEN_PATH": str(told.file)}
    helper = git.configuration_for([REQUEST], HUB, {}, tell=lambda _name: git.in_file("HF_TOKEN_PATH"))
    asked = "protocol=https\nhost=hub.example\npath=acme/model\n\n"
    command = [sys.executable, "-c", HUGGING_FACE]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as library:

        def wait(seconds: float) -> bool:
            told.clock.sleep(seconds)
            told.check(told.file.read_text())
            assert library.stdin is not None
            assert library.stdout is not None
            library.stdin.write("\n")
            library.stdin.flush()
            told.check(library.stdout.readline().strip())
            fill = ["git", "credential", "fill"]
            done = subprocess.run(fill, env=env | helper, input=asked, capture_output=True, text=True, check=True)
            told.check(done.stdout.partition("password=")[2].strip())
            return told.clock.seconds > 40 * HOUR

        renewer = Renewer(told.log_in, told.write, OnExpiry("Trying again"))
        keep_fresh(
            FileRenewal(renewer, REQUEST),
            Lifetime(told.clock.monotonic() + HOUR, HOUR),
            clock=told.clock.monotonic,
            wait=wait,
            random=lambda: 0.5,
        )
    assert len(told.failed) >= 10
    assert (len(told.ends) >= 40, told.reads >= 3 * 40) == (True, True)
