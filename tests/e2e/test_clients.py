"""Every client of tests/clients against one Local Hub: each operation ends as at the Hub, and sends what is on record.

`.ci/clients` installs the few clients that every run has. `make test-clients` installs and runs all of them.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hf_oidc.output.git import configuration_for
from hf_oidc.token_request import from_lines
from tests.clients import Clients, good, token_for, trust
from tests.clients.recorder import Recorder
from tests.clients.table import BIG, CLIENTS, Client
from tests.e2e.engines import ROOT
from tests.engines import missing
from tests.local_hub_process import ServedHub, local_hub_here

ALL = os.environ.get("CLIENTS") == "all"
CHOSEN = [client for client in CLIENTS if client.few or ALL]
SCRIPTS, SENT, LOCKS = (ROOT / "tests/clients" / name for name in ("scripts", "sent", "environments"))
SEEDED, OTHER = "acme/seeded", "acme/other"
SECONDS = 540


def block(size: int) -> bytes:
    """Bytes that no program takes for text; the scripts know them too."""
    repeated = bytes((31 + index * index * 7) % 256 for index in range(65536))
    return (repeated * (size // len(repeated) + 1))[:size]


class Stage:
    """A Local Hub with a repository to read, and another one, with an expired token."""

    def __init__(self, hub: ServedHub, late: ServedHub, recorder: Recorder, folder: Path) -> None:
        """Publish what the clients read."""
        self.hub, self.recorder, self.folder = hub, recorder, folder
        self.reader = Clients(hub, folder)
        self.outcomes: dict[str, dict[str, dict[str, str]]] = {}
        self.sent: dict[str, str] = {}
        for resource in (SEEDED, OTHER):
            trust(hub, resource)
        trust(hub, f"datasets/{OTHER}")
        trust(late, OTHER)
        self.job: dict[str, Any] = {
            "hub": hub.hub,
            "expired_hub": late.hub,
            "expired_token": token_for(late, OTHER),
            "seeded": SEEDED,
            "other": OTHER,
            **self._seed(),
        }

    def once(self, client: Client) -> None:
        """Run the operations of a client, for all tests."""
        if client.id not in self.outcomes:
            self.outcomes[client.id] = self.run(client, client.id, [name for name in client.expected() if name != BIG])
            self.sent[client.id] = self.recorder.taken()

    def run(self, client: Client, name: str, operations: list[str], **more: str) -> dict[str, dict[str, str]]:
        """Run these operations in a repository of this name. How each ended."""
        environment = ROOT / ".engines/clients" / client.environment
        command = [*interpreter(client, environment), str(SCRIPTS / client.script)]
        resource = f"{'datasets/' if client.kind == 'dataset' else ''}acme/{name}"
        trust(self.hub, resource)
        token = token_for(self.hub, resource)
        scratch = Path(tempfile.mkdtemp(dir=self.folder))
        job = {
            **self.job,
            "repo": f"acme/{name}",
            "token": token,
            "scratch": str(scratch),
            "results": str(scratch / "results.jsonl"),
            "environment": str(environment),
            "git_credentials": configuration_for(from_lines(resource, "resource"), self.hub.hub, {}),
            "name": client.name,
            "version": client.version,
            "operations": operations,
            **more,
        }
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "LC_ALL": "C.UTF-8",
            "HF_ENDPOINT": self.hub.hub,
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_COLOR": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "CLIENT_JOB": json.dumps(job),
        }
        self.recorder.taken()
        done = subprocess.run(
            command,
            env=env,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert token not in done.stdout + done.stderr
        lines = (scratch / "results.jsonl").read_text().splitlines()
        shutil.rmtree(scratch)
        return {each["operation"]: each for each in map(json.loads, lines)}

    def _seed(self) -> dict[str, Any]:
        work = self.folder / "seeded"
        writer = Clients(self.hub, self.folder, token_for(self.hub, SEEDED))
        writer.install_lfs()

        def git(*arguments: str) -> str:
            return good(writer.git("-C", str(work), *arguments)).strip()

        good(writer.git("clone", "--quiet", writer.url(SEEDED), str(work)))
        (work / "data").mkdir()
        (work / "weights.bin").write_bytes(weights := block(100_000))
        commits = []
        for title in ("First", "Second"):
            (work / "data/small.txt").write_text(f"{title.lower()}\n")
            git("add", ".")
            git("commit", "--quiet", "--message", title)
            commits.append(git("rev-parse", "HEAD"))
        git("tag", "v1", "HEAD~1")
        git("push", "--quiet", "origin", "main", "v1")
        return {
            "first": commits[0],
            "commit": commits[1],
            "files": [".gitattributes", "data/small.txt", "weights.bin"],
            "size": len(weights),
            "sha256": hashlib.sha256(weights).hexdigest(),
        }


def interpreter(client: Client, environment: Path) -> list[str]:
    """What runs the script; the test is skipped unless the locked environment is there."""
    if not client.environment:
        return [sys.executable]
    python = client.script.endswith(".py")
    lock = LOCKS / (f"{client.environment}.txt" if python else f"{client.environment}/package-lock.json")
    installed = environment / "lock"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        missing(f"{client.title} is needed: .ci/clients installs it")
    return [str(environment / "bin/python")] if python else ["node"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all clients."""
    recorder = Recorder()
    with local_hub_here(recorder.around) as hub, local_hub_here(token_lifetime=1) as late:
        made = Stage(hub, late, recorder, tmp_path_factory.mktemp("clients"))
        bearer = {"Authorization": f"Bearer {made.job['expired_token']}"}
        while late.request("GET", "/local-hub/introspect", headers=bearer).status_code == 200:
            pass  # for a second at most
        yield made


@pytest.mark.parametrize("client", CHOSEN, ids=lambda client: client.id)
def test_each_operation_ends_as_at_the_hub(stage: Stage, client: Client) -> None:
    """The table has the outcome of each."""
    stage.once(client)
    expected = client.expected()
    differ = {
        name: f"{each['outcome']}, not {expected[name]}: {each['said']}"
        for name, each in stage.outcomes[client.id].items()
        if each["outcome"] != expected[name]
    }
    assert not differ, json.dumps(differ, indent=1)


@pytest.mark.parametrize("client", [each for each in CHOSEN if each.version], ids=lambda client: client.id)
def test_the_client_sends_what_is_on_record(stage: Stage, client: Client) -> None:
    """A new version's new requests are seen in review. UPDATE_GOLDEN=1 renews the record."""
    stage.once(client)
    record = SENT / f"{client.id}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        record.write_text(stage.sent[client.id])
    assert stage.sent[client.id] == record.read_text()


@pytest.fixture(scope="module")
def big(stage: Stage) -> Path:
    """A file that belongs to LFS for its size too: 150 MB with all clients, 15 MB with the few of each run."""
    path = stage.folder / "big.safetensors"
    path.write_bytes(block(150_000_000 if ALL else 15_000_000))
    return path


@pytest.mark.parametrize("client", [each for each in CHOSEN if BIG in each.operations], ids=lambda client: client.id)
def test_a_large_file_comes_back(stage: Stage, big: Path, client: Client) -> None:
    """git and git-lfs clone what the client has published, byte for byte."""
    name = f"big-{client.id}"
    outcome = stage.run(client, name, [BIG], big=str(big))[BIG]
    assert outcome["outcome"] == client.expected()[BIG], outcome["said"]
    # The library datasets writes Parquet, and its script compares what it loads.
    if outcome["outcome"] == "done" and client.kind == "model":
        clone = stage.folder / "clone"
        good(stage.reader.git("clone", "--quiet", f"{stage.hub.hub}/acme/{name}", str(clone)))
        assert filecmp.cmp(clone / "big.safetensors", big, shallow=False)
        shutil.rmtree(clone)


def test_local_hub_knows_each_request(stage: Stage) -> None:
    """Of all that the clients above have sent."""
    for client in CHOSEN:
        stage.once(client)
    assert stage.hub.get("/local-hub/unknown-requests") == []
