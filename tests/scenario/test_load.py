"""Many at once, and a sudden end: nothing acknowledged is lost, and nothing is there that the log does not know.

No test here depends on how fast anything goes: a kill comes after a number of acknowledgements, not after a time.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import httpx
import pytest

from tests.clients import JOB, Clients, good, token_for, trust
from tests.local_hub_process import LocalHub, local_hub

EXCHANGES, UPLOADS = 200, 50
KILLS = 12
MODEL = "acme/busy"


def upload(hub: LocalHub, token: str, name: str) -> str:
    """Commit a small file and a large one, as huggingface_hub's requests do; the commit's name."""
    lines: list[tuple[str, dict[str, str]]] = [
        ("header", {"summary": name}),
        ("file", {"path": f"{name}.txt", "content": "eA==", "encoding": "base64"}),
        ("file", {"path": f"{name}.bin", "content": "eHk=", "encoding": "base64"}),
    ]
    body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    url = f"{hub.hub}/api/models/{MODEL}/commit/main"
    with httpx.Client(trust_env=False, timeout=240) as client:
        oid: str = client.post(url, content=body, headers=headers).raise_for_status().json()["commitOid"]
    return oid


def names(hub: LocalHub, token: str) -> set[str]:
    """The files of the model."""
    told = hub.get(f"/api/models/{MODEL}", headers={"Authorization": f"Bearer {token}"})
    return {sibling["rfilename"] for sibling in told["siblings"]}


def test_all_at_once() -> None:
    """200 exchanges and 50 uploads: each token, each commit and each row of the logs is there."""
    with local_hub() as hub, ThreadPoolExecutor(64) as pool:
        trust(hub, MODEL)
        token, id_token = token_for(hub, MODEL), hub.id_token(**JOB)
        uploads = [pool.submit(upload, hub, token, f"file-{number}") for number in range(UPLOADS)]
        exchanges = [pool.submit(hub.exchange, id_token, MODEL) for _ in range(EXCHANGES)]
        tokens = {done.result().raise_for_status().json()["access_token"] for done in exchanges}
        oids = {done.result() for done in uploads}
        assert len(tokens) == EXCHANGES
        granted = [entry for entry in hub.get("/local-hub/exchanges") if entry["outcome"] == "granted"]
        assert len(granted) == EXCHANGES + 1
        assert {f"file-{number}.{ending}" for number in range(UPLOADS) for ending in ("txt", "bin")} <= names(
            hub, token
        )
        assert {entry["after"] for entry in hub.get("/local-hub/commits")} >= oids
        history = {commit["id"] for commit in hub.get(f"/api/models/{MODEL}/commits/main")}
        assert oids < history
        assert len(oids) == UPLOADS == len(history) - 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, that is killed again and again."""
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_in_the_midst_of_it(data: Path, tmp_path: Path, number: int) -> None:
    """SIGKILL after so many acknowledgements, to Local Hub alone or to all that it had started as well."""
    with local_hub("--data", str(data), own_session=True) as hub:
        trust(hub, MODEL)
        token = token_for(hub, MODEL)
        acknowledged = dict(until_killed(hub, token, number))
    with local_hub("--data", str(data)) as hub:
        # Asked first: what was killed before it had made the repository makes it now.
        present = names(hub, token)
        check_files(data)
        assert {f"{name}.{ending}" for name in acknowledged for ending in ("txt", "bin")} <= present
        history = {commit["id"] for commit in hub.get(f"/api/models/{MODEL}/commits/main")}
        logged = {entry["after"] for entry in hub.get("/local-hub/commits")}
        first = good(Clients(hub, tmp_path).git("--git-dir", repository(data), "rev-list", "--max-parents=0", "main"))
        assert set(acknowledged.values()) <= history
        assert history - {first.strip()} <= logged
        # And it goes on.
        assert upload(hub, token, f"after-{number}")


def until_killed(hub: LocalHub, token: str, number: int) -> Iterator[tuple[str, str]]:
    """Upload from all sides, with exchanges in between, and kill after `number` uploads; what was acknowledged."""
    group = number % 2 == 1
    acknowledgements, id_token = threading.Semaphore(0), hub.id_token(**JOB)

    def one(name: str) -> tuple[str, str] | None:
        try:
            oid = upload(hub, token, name)
        except httpx.HTTPError:
            return None
        acknowledgements.release()
        return name, oid

    def exchange(_: int) -> None:
        try:
            hub.exchange(id_token, MODEL)
        except httpx.HTTPError:
            return

    with ThreadPoolExecutor(24) as pool:
        running = [pool.submit(one, f"{number}-{at}") for at in range(UPLOADS)]
        others = [pool.submit(exchange, at) for at in range(20)]
        for _ in range(number):
            assert acknowledgements.acquire(timeout=240)
        (os.killpg if group else os.kill)(hub.process.pid, signal.SIGKILL)
        wait(others)
        yield from (result for done in running if (result := done.result()) is not None)


def repository(data: Path) -> Path:
    """The one repository there is."""
    (path,) = (data / "repositories").iterdir()
    return path


def check_files(data: Path) -> None:
    """git and SQLite find nothing wrong."""
    command = ["git", "--git-dir", str(repository(data)), "fsck", "--full", "--strict", "--no-dangling"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
    database = sqlite3.connect(data / "local-hub.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
