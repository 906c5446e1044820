"""Bodies that are made to take memory: each single request stays far below 200 MB, whatever it is answered.

Measured in the server's process by the kernel's own high-water mark, which a test can reset.
"""

from __future__ import annotations

import gzip
import json
import struct
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local_hub_process import LocalHub, local_hub
from tests.own_repository import Own

MIB = 1024 * 1024
LIMIT = 200 * MIB
NDJSON, LFS, ANY = "application/x-ndjson", "application/vnd.git-lfs+json", "application/octet-stream"
FETCH = "application/x-git-upload-pack-request"
HEADER = b'{"key": "header", "value": {"summary": "x"}}\n'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")


def deep(size: int) -> bytes:
    """JSON that takes thirty times its size when it is parsed."""
    return b"[" + b"[]," * (size // 3) + b"[]]"


def packed(content: bytes) -> bytes:
    """A body in gzip, made quickly."""
    return gzip.compress(content, compresslevel=1)


def xorb() -> bytes:
    """8,192 chunks of 128 KiB, of which each is a few bytes."""
    block = b"\x1f\0\x01\0" + b"\xff" * 513 + b"\xf4\x10\0" + b"a"
    frame = b"\x04\x22\x4d\x18\x60\x40\x82" + len(block).to_bytes(4, "little") + block + bytes(4)
    chunk = b"\0" + len(frame).to_bytes(3, "little") + b"\x01" + (128 * 1024).to_bytes(3, "little") + frame
    return chunk * 8192


def shard(segments: int) -> bytes:
    """One file of so many segments, all of them of one xorb that is not there."""
    header = struct.pack("<32sIIQ", b"f" * 32, 1 << 30, segments, 0)
    segment = struct.pack("<32sIIII", b"x" * 32, 0, 1, 0, 1)
    return b"HFRepoMetaData\0".ljust(48, b"\0") + header + segment * segments + bytes(48) + b"\xff" * 48


# The path (`{repo}`, `{api}` and `{xet}` stand for places), the media type, the body, further headers, and the answer.
BODIES: dict[str, tuple[str, str, Callable[[], bytes], dict[str, str], int]] = {
    "a header of 40 MB": ("{api}/commit/main", NDJSON, lambda: deep(40 * MIB), {}, 400),
    "an operation that is deep": ("{api}/commit/main", NDJSON, lambda: HEADER + deep(14 * MIB), {}, 400),
    "an operation of 40 MB": (
        *("{api}/commit/main", NDJSON),
        lambda: HEADER + b'{"key": "file", "value": {"path": "x", "content": "' + b"YWFh" * 10 * MIB + b'"}}',
        *({}, 400),
    ),
    "a file of 10 MiB": (
        *("{api}/commit/main", NDJSON),
        lambda: HEADER + b'{"key": "file", "value": {"path": "x", "content": "' + b"YWFh" * (10 * MIB // 3) + b'"}}',
        *({}, 200),
    ),
    "much beside a file": (
        *("{api}/commit/main", NDJSON),
        lambda: HEADER + b'{"key": "file", "value": {"content": "YWFh", "path": ' + deep(14 * MIB) + b"}}",
        *({}, 400),
    ),
    "24,999 deletions": (
        *("{api}/commit/main", NDJSON),
        lambda: (
            HEADER
            + b"".join(b'{"key": "deletedFile", "value": {"path": "%d/%s"}}\n' % (n, b"x" * 200) for n in range(24_999))
        ),
        *({}, 404),
    ),
    "preupload": (
        "{api}/preupload/main",
        "application/json",
        lambda: b'{"files": ' + deep(2 * MIB - 99) + b"}",
        {},
        400,
    ),
    "preupload, too long": ("{api}/preupload/main", "application/json", lambda: deep(9 * MIB), {}, 413),
    "paths": ("{api}/paths-info/main", "application/json", lambda: b'{"paths": ' + deep(MIB - 99) + b"}", {}, 400),
    "a batch": ("{repo}.git/info/lfs/objects/batch", LFS, lambda: b'{"operation": ' + deep(MIB - 99) + b"}", {}, 400),
    "a fetch that unpacks": (
        *("{repo}/git-upload-pack", FETCH),
        lambda: packed(b"0032want " + b"0" * 40 + b"\n" + bytes(64 * MIB)),
        *({"Content-Encoding": "gzip"}, 413),
    ),
    "a fetch that unpacks twice": (
        *("{repo}/git-upload-pack", FETCH),
        lambda: packed(packed(bytes(20 * MIB))),
        *({"Content-Encoding": "gzip, gzip"}, 415),
    ),
    "a fetch that claims gzip": ("{repo}/git-upload-pack", FETCH, lambda: b"0000", {"Content-Encoding": "gzip"}, 400),
    "a fetch with more behind its gzip": (
        *("{repo}/git-upload-pack", FETCH),
        lambda: packed(b"0000") + b"x",
        *({"Content-Encoding": "gzip"}, 400),
    ),
    "a packed push": (
        *("{repo}/git-receive-pack", "application/x-git-receive-pack-request"),
        lambda: packed(bytes(20 * MIB)),
        *({"Content-Encoding": "gzip"}, 415),
    ),
    "a commit in gzip": (
        *("{api}/commit/main", NDJSON),
        lambda: packed(HEADER + bytes(20 * MIB)),
        *({"Content-Encoding": "gzip"}, 400),
    ),
    "a push of commands alone": (
        *("{repo}/git-receive-pack", "application/x-git-receive-pack-request"),
        lambda: b"".join(b"0069%s %s refs/heads/%08d" % (b"0" * 40, b"1" * 40, n) for n in range(100_000)),
        *({}, 413),
    ),
    "a xorb that unpacks to 1 GiB": ("{xet}/v1/xorbs/default/" + "0" * 64, ANY, xorb, {}, 200),
    "a xorb that is none": ("{xet}/v1/xorbs/default/" + "0" * 64, ANY, lambda: b"a" * 20 * MIB, {}, 400),
    "a shard": ("{xet}/v1/shards", ANY, lambda: shard(170_000), {}, 400),
    "a shard, too long": ("{xet}/v1/shards", ANY, lambda: shard(1_000_000), {}, 413),
    "a shard that promises": (
        *("{xet}/v1/shards", ANY),
        lambda: shard(1)[:48] + struct.pack("<32sIIQ", b"f" * 32, 0, 2**32 - 1, 0),
        *({}, 400),
    ),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub for these tests alone: a process, whose memory is measured."""
    with local_hub() as running:
        yield running


@pytest.fixture(scope="module")
def own(hub: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A repository of it."""
    return Own(hub, tmp_path_factory.mktemp("home"), f"acme/{uuid.uuid4()}")


def resident(hub: LocalHub, name: str) -> int:
    """The server's memory now (`VmRSS`), or the most since the last reset (`VmHWM`)."""
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) * 1024


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_would_take_memory(hub: LocalHub, own: Own, name: str) -> None:
    """It is answered at all, and with little memory."""
    path, media_type, body, more, status = BODIES[name]
    token = {"Authorization": f"Bearer {own.clients.token}"}
    cas = own.request("GET", "/xet-write-token/main").raise_for_status().json()["casUrl"].removeprefix(own.hub.hub)
    places = {"{repo}": f"/{own.name}", "{api}": f"/api/models/{own.name}", "{xet}": cas}
    for place, meant in places.items():
        path = path.replace(place, meant)
    before = resident(hub, "VmRSS")
    Path(f"/proc/{hub.process.pid}/clear_refs").write_text("5")  # proc(5): resets the high-water mark
    answer = own.hub.request(
        "POST", path, content=body(), headers={**token, "Content-Type": media_type, **more}, timeout=120
    )
    assert answer.status_code == status, answer.text
    assert resident(hub, "VmHWM") - before < LIMIT


def test_a_history_of_long_messages(own: Own) -> None:
    """A page of it would be too long, and is refused."""
    for number in range(2):
        own.commit(
            ("file", {"path": str(number), "content": "", "encoding": "base64"}), description="a" * 60_000
        ).raise_for_status()
    own.clone()
    (own.clients.home / "message").write_bytes(b"x\n\n" + b"a" * (17 * MIB))
    own.work("commit", "--quiet", "--allow-empty", "--file", "../message")
    own.work("push", "--quiet", "origin", "HEAD:refs/heads/long")
    assert own.request("GET", "/commits/long").status_code == 413
    assert len(json.loads(own.request("GET", "/commits/main").text)) > 2
