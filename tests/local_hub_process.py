"""Local Hub as a process, for any test that needs one.

`local_hub()` starts the command line on a free port, waits for its ready line and stops it again. `local_hub_here()`
serves from a thread of the test process, which takes a tenth of the time. What both hand out speaks plain HTTP and
JSON, and knows nothing of Local Hub's insides.
"""

import json
import os
import queue
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import httpx

from local_hub.config import Config
from local_hub.server import Around, ServeOptions, serve
from tests import evidence

STOP_SECONDS = 10


@dataclass(frozen=True)
class ServedHub:
    """A running Local Hub: what its ready line said."""

    hub: str
    issuer: str
    ca: str | None
    jobs: dict[str, dict[str, str]]

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send any request, and get any answer."""
        verify = ssl.create_default_context(cafile=self.ca) if self.ca else False
        with httpx.Client(base_url=self.hub, verify=verify, trust_env=False, timeout=240) as client:
            return client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> Any:
        """GET a JSON document; an answer that is not a success is an error."""
        return self.request("GET", path, **options).raise_for_status().json()

    def post(self, path: str, document: Any = None) -> Any:
        """POST a JSON document, and return the JSON that is answered; any other answer is an error."""
        return self.request("POST", path, json={} if document is None else document).raise_for_status().json()

    def job(self, **description: Any) -> dict[str, str]:
        """Register a job, and return the environment that its steps run in."""
        env: dict[str, str] = self.post("/local-hub/jobs", description)["env"]
        return env

    def id_token(self, audience: str | None = None, **description: Any) -> str:
        """Register a job, and mint its ID token, for this hub unless told otherwise."""
        env = self.job(**description)
        answer = self.request(
            "GET",
            env["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=" + (audience or self.hub),
            headers={"Authorization": "Bearer " + env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]},
        )
        value: str = answer.raise_for_status().json()["value"]
        return value

    def exchange(self, subject_token: Any, resource: Any, **changes: Any) -> httpx.Response:
        """Ask for a token; a change of None leaves the parameter out."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "subject_token": subject_token,
            "resource": resource,
        } | changes
        body = {name: value for name, value in form.items() if value is not None}
        return self.request("POST", "/oauth/token", json=body)


@dataclass(frozen=True)
class LocalHub(ServedHub):
    """A Local Hub that is a process."""

    process: "subprocess.Popen[str]"


@contextmanager
def local_hub_here(
    around: Around = lambda app: app, config: Config | None = None, **options: Any
) -> Iterator[ServedHub]:
    """Serve a Local Hub for the length of a `with` block: for tests of what it answers.

    `around` sees each request before it does. Without a `config` it knows nothing. `options`: those of `ServeOptions`.
    """
    started: queue.Queue[tuple[Mapping[str, Any], Callable[[], None]]] = queue.Queue()
    arguments = (ServeOptions(config or Config(), **options), lambda *ready: started.put(ready), around)
    serving = threading.Thread(target=serve, args=arguments)
    serving.start()
    ready, stop = started.get(timeout=60)
    try:
        yield ServedHub(ready["hub"], ready["issuer"], ready["ca"], ready["jobs"])
    finally:
        stop()
        serving.join()


@contextmanager
def local_hub(*arguments: str, own_session: bool = False, **env: str) -> Iterator[LocalHub]:
    """Run `local-hub serve` with these arguments for the length of a `with` block.

    `own_session`: so that it can be killed together with what it has started. `env`: what its environment has besides.
    """
    with tempfile.TemporaryFile("w+") as log, evidence.following("What Local Hub said", lambda: _said(log)):
        process = subprocess.Popen(
            [sys.executable, "-m", "local_hub.cli", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=own_session,
            env={**os.environ, **env},
        )
        try:
            yield _ready(process, log)
        finally:
            _stop(process)


def _ready(process: "subprocess.Popen[str]", log: IO[str]) -> LocalHub:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(STOP_SECONDS)
        log.seek(0)
        raise AssertionError(f"Local Hub did not start (exit {process.returncode}): {log.read()}")
    said = json.loads(line)
    return LocalHub(said["hub"], said["issuer"], said["ca"], said["jobs"], process)


def _said(log: IO[str]) -> str:
    # Without moving the place at which Local Hub writes.
    return os.pread(log.fileno(), 1_000_000, 0).decode(errors="replace")


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
