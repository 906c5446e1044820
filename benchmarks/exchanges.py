"""Local Hub under load: many exchanges at once, beside the minimum that can answer them.

That minimum is `benchmarks.bare_route`. One client asks both, in turn.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from benchmarks.server import EXCHANGE
from benchmarks.table import table, times

AT_ONCE = 500
RESOURCE, REPOSITORY = "acme/model", "acme/training"
CONFIG = f"""
publishers:
  - {{resource: {RESOURCE}, issuer: github, claims: {{repository: {REPOSITORY}}}}}
jobs:
  job: {{repository: {REPOSITORY}}}
"""
TIMEOUT = 60  # seconds


def measure(folder: Path, rounds: int, at_once: int = AT_ONCE) -> str:
    """The table, as Markdown. Raises `ValueError` if an exchange fails."""
    folder.mkdir()
    (folder / "config.yml").write_text(CONFIG)
    serve = ["-m", "local_hub.cli", "serve", "--config", str(folder / "config.yml")]
    with served(serve) as line, served(["-m", "benchmarks.bare_route"]) as bare:
        ready = json.loads(line)
        body = _request_body(ready)
        keys = requests.get(f"{ready['issuer']}/.well-known/jwks", timeout=TIMEOUT).json()
        requests.post(f"{bare}/keys", json=keys, timeout=TIMEOUT).raise_for_status()
        # In turn, and one round to warm up, as the stopwatch does with processes.
        taken = [(time_round(bare, body, at_once), time_round(ready["hub"], body, at_once)) for _ in range(rounds + 1)][
            1:
        ]
    return report(taken)


def report(taken: list[tuple[float, float]]) -> str:
    """Seconds of each round: of the bare route, and of Local Hub."""
    ratio = statistics.median(ours / least for least, ours in taken)
    rows = [("a bare route that verifies one signature", times(1.0)), ("Local Hub", times(ratio))]
    return table((f"{AT_ONCE} exchanges at once", "÷ the bare route"), rows)


@contextmanager
def served(arguments: list[str]) -> Iterator[str]:
    """Run a Python program until the end of the `with` block. Yields the first line that it prints."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if not server.stdout:
            raise ValueError("the server has no pipe")
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def time_round(hub: str, body: bytes, at_once: int) -> float:
    """From the first request to the last answer. Raises `ValueError` unless all are granted."""
    began = time.perf_counter()
    granted = asyncio.run(_all_at_once(hub, body, at_once))
    taken = time.perf_counter() - began
    if granted != at_once:
        raise ValueError(f"{granted} of {at_once} exchanges were granted")
    return taken


async def _all_at_once(hub: str, body: bytes, at_once: int) -> int:
    url = urlsplit(hub)
    head = f"POST {EXCHANGE} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def send() -> bool:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer.startswith(b"HTTP/1.1 200 ") and b"access_token" in answer

    return sum(await asyncio.gather(*(send() for _ in range(at_once))))


def _request_body(ready: dict[str, Any]) -> bytes:
    env = ready["jobs"]["job"]
    headers = {"Authorization": f"Bearer {env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    url = f"{env['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={ready['hub']}"
    id_token = requests.get(url, headers=headers, timeout=TIMEOUT).json()["value"]
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": id_token,
        "resource": RESOURCE,
    }
    return json.dumps(body).encode()
