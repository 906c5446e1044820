"""Many at once, and a sudden end: nothing acknowledged is lost, and nothing is there that the log does not know.

No test here depends on how fast anything goes: a kill comes after a number of acknowledgements, not after a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import struct
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import JOB, Clients, good, token_for, trust
from tests.local_hub_process import LocalHub, local_hub

EXCHANGES, UPLOADS = 200, 50
# After how many acknowledgements a kill comes; with an odd number, it also hits what Local Hub had started.
KILLS = (0, 1, 2, 3, 4, 5, 6, 8, 9, 11)
MODEL = "acme/busy"


def upload(hub: LocalHub, token: str, name: str) -> str:
    """Commit a small file and two large ones, as huggingface_hub's requests do; the commit's name."""
    large = {f"{name}.{ending}": large_content(name, ending) for ending in ("bin", "onnx")}
    file = {"path": f"{name}.txt", "content": "eA==", "encoding": "base64"}
    lines: list[tuple[str, dict[str, Any]]] = [("header", {"summary": name}), ("file", file)]
    for path, content in large.items():
        described = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        lines.append(("lfsFile", {"path": path, "algo": "sha256", **described}))
    body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
    headers = {"Authorization": f"Bearer {token}"}
    # Without TLS, certificates are not used. Loading them takes longer than an upload does.
    with httpx.Client(verify=False, trust_env=False, timeout=240, headers=headers) as client:
        by_lfs(client, hub.hub, large[f"{name}.bin"])
        by_xet(client, hub.hub, large[f"{name}.onnx"])
        headers = {"Content-Type": "application/x-ndjson"}
        answer = client.post(f"{hub.hub}/api/models/{MODEL}/commit/main", content=body, headers=headers)
        return str(answer.raise_for_status().json()["commitOid"])


def large_content(name: str, ending: str) -> bytes:
    """What is in a large file."""
    return f"{name}.{ending}\0".encode()


def by_lfs(client: httpx.Client, hub: str, content: bytes) -> None:
    """Upload a large file to LFS."""
    wanted = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    body = json.dumps({"operation": "upload", "objects": [wanted]})
    headers = {"Content-Type": "application/vnd.git-lfs+json"}
    answer = client.post(f"{hub}/{MODEL}.git/info/lfs/objects/batch", content=body, headers=headers)
    (found,) = answer.raise_for_status().json()["objects"]
    client.put(found["actions"]["upload"]["href"], content=content).raise_for_status()


def by_xet(client: httpx.Client, hub: str, content: bytes) -> None:
    """Upload a large file to Xet: a xorb of one chunk, and a shard of one file."""
    cas = client.get(f"{hub}/api/models/{MODEL}/xet-write-token/main").raise_for_status().json()["casUrl"]
    size, digest = len(content).to_bytes(3, "little"), hashlib.sha256(content).digest()
    client.post(
        f"{cas}/v1/xorbs/default/{in_text(digest)}", content=b"\0" + size + b"\0" + size + content
    ).raise_for_status()
    header = struct.pack("<32sIIQ", digest, 1 << 30, 1, 0)
    segment = struct.pack("<32sIIII", digest, 0, len(content), 0, 1)
    metadata = bytes.fromhex(in_text(digest)) + bytes(16)
    shard = b"HFRepoMetaData\0".ljust(48, b"\0") + header + segment + metadata + b"\xff" * 32 + bytes(16)
    client.post(f"{cas}/v1/shards", content=shard).raise_for_status()


def in_text(digest: bytes) -> str:
    """A hash as Xet writes it in a URL: each eight bytes are a number, in little-endian order."""
    return "".join(digest[at : at + 8][::-1].hex() for at in range(0, 32, 8))


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
        assert {f"file-{number}.{ending}" for number in range(UPLOADS) for ending in ("txt", "bin", "onnx")} <= names(
            hub, token
        )
        assert {entry["after"] for entry in hub.get("/local-hub/commits")} >= oids
        history = {commit["id"] for commit in hub.get(f"/api/models/{MODEL}/commits/main?limit=1000")}
        assert oids < history
        assert len(oids) == UPLOADS == len(history) - 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, that is killed again and again."""
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("number", KILLS)
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
        assert {f"{name}.{ending}" for name in acknowledged for ending in ("txt", "bin", "onnx")} <= present
        for name in acknowledged:
            for ending in ("bin", "onnx"):
                answer = hub.request("GET", f"/{MODEL}/resolve/main/{name}.{ending}")
                assert answer.content == large_content(name, ending)
        history = {commit["id"] for commit in hub.get(f"/api/models/{MODEL}/commits/main?limit=1000")}
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
        # The kill comes in the midst of at least a dozen.
        running = [pool.submit(one, f"{number}-{at}") for at in range(number + 12)]
        others = [pool.submit(exchange, at) for at in range(12)]
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
