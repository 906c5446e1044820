"""The fault layer: which request is struck, and that each fault looks on the wire as its name says."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local_hub.config import load
from local_hub.faults.answers import FAULTS
from tests.local_hub_process import LocalHub, ServedHub, local_hub_here

DOCUMENT = Path(__file__).parents[3] / "docs" / "local-hub.md"
JWKS = "/oidc/github/.well-known/jwks"
DISCOVERY = "/oidc/github/.well-known/openid-configuration"
STATUS_FAULTS = {
    "400-invalid-request": 400,
    "400-invalid-grant": 400,
    "400-aborted": 400,
    "401": 401,
    "403": 403,
    "403-pending": 403,
    "403-delayed": 403,
    "404": 404,
    "408": 408,
    "425": 425,
    "429": 429,
    "500": 500,
    "502-html": 502,
    "503": 503,
    "504": 504,
    "599": 599,
    "redirect-301": 301,
    "redirect-308": 308,
    "204": 204,
    "html-200": 200,
    "empty-200": 200,
}


@pytest.fixture
def clean(hub: LocalHub) -> Iterator[LocalHub]:
    """The shared Local Hub, without faults before and after."""
    hub.request("DELETE", "/local-hub/faults")
    yield hub
    hub.request("DELETE", "/local-hub/faults")


def strike(hub: ServedHub, path: str, *names: str) -> None:
    """Script the faults of a path."""
    hub.post("/local-hub/faults", {"path": path, "faults": list(names)})


def wire(hub: LocalHub, path: str, seconds: float = 60, after: bytes = b"") -> tuple[bytes, str]:
    """All that comes back, and how it ended: `closed`, `reset` or `silent`.

    Silent is what does not end so many seconds after these bytes came.
    """
    host, port = address(hub.hub)
    received = b""
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        give_up = None
        try:
            while True:
                if give_up is None and after in received:
                    give_up = time.monotonic() + seconds
                connection.settimeout(60 if give_up is None else max(0.01, give_up - time.monotonic()))
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "silent"
    return received, "closed"


def address(url: str) -> tuple[str, int]:
    """Host and port."""
    found = urlsplit(url)
    assert found.hostname is not None
    assert found.port is not None
    return found.hostname, found.port


def parts(answer: bytes) -> tuple[bytes, bytes]:
    """Head and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def test_faults_are_taken_in_order_and_then_the_real_answer_comes(clean: LocalHub) -> None:
    """One a request; other paths are not struck; every request is counted, with its time."""
    strike(clean, JWKS, "503", "404")
    before = time.time()
    assert [clean.request("GET", JWKS).status_code for _ in range(3)] == [503, 404, 200]
    assert clean.request("GET", DISCOVERY).status_code == 200
    listed = clean.get("/local-hub/faults")
    assert {path: (entry["left"], entry["requests"]) for path, entry in listed.items()} == {
        JWKS: ([], 3),
        DISCOVERY: ([], 1),
    }
    assert before <= listed[JWKS]["seen"][0] <= listed[JWKS]["seen"][2] <= time.time()


def test_what_is_left_is_listed_replaced_and_cleared(clean: LocalHub) -> None:
    """A second list replaces the first; DELETE forgets faults and counts."""
    strike(clean, JWKS, "503", "503")
    strike(clean, JWKS, "404")
    assert clean.get("/local-hub/faults")[JWKS] == {"left": ["404"], "requests": 0, "seen": []}
    assert clean.request("DELETE", "/local-hub/faults").status_code == 204
    assert clean.get("/local-hub/faults") == {}
    assert clean.request("GET", JWKS).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"path": JWKS, "faults": ["of-its-own"]}, "faults: unknown fault of-its-own; known faults: "),
        ({"path": JWKS, "faults": "503"}, "faults: must be a list"),
        ({"path": JWKS, "faults": [503]}, "faults[0]: must be a non-empty string"),
        ({"path": "oauth/token", "faults": []}, "path: must be a path"),
        ({"path": "/local-hub/faults", "faults": ["503"]}, "path: must be a path"),
        ({"paths": {}}, "body: unknown field paths"),
    ],
)
def test_a_wrong_script_is_refused_by_its_field(clean: LocalHub, body: object, field: str) -> None:
    """And nothing is scripted."""
    answer = clean.request("POST", "/local-hub/faults", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(field)
    assert clean.get("/local-hub/faults") == {}


@pytest.mark.process
def test_the_configuration_scripts_faults_too(tmp_path: Path) -> None:
    """By path, as over HTTP."""
    config = tmp_path / "hub.yaml"
    config.write_text(f'faults:\n  {JWKS}: ["503", hang]\n')
    with local_hub_here(config=load(config)) as hub:
        assert hub.get("/local-hub/faults")[JWKS]["left"] == ["503", "hang"]
        assert hub.request("GET", JWKS).status_code == 503


@pytest.mark.parametrize("name", STATUS_FAULTS)
def test_an_answer_has_the_status_of_its_name(clean: LocalHub, name: str) -> None:
    """And a request id, as every answer of Local Hub has."""
    strike(clean, JWKS, name)
    answer = clean.request("GET", JWKS)
    assert answer.status_code == STATUS_FAULTS[name]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("429-retry-after-seconds", {"retry-after": "1"}),
        ("429-retry-after-date", {"retry-after": "Wed, 21 Oct 2026 07:28:01 GMT"}),
        ("429-retry-after-huge", {"retry-after": "999999999"}),
        ("429-retry-after-negative", {"retry-after": "-5"}),
        ("429-ratelimit", {"ratelimit": '"api";r=0;t=2'}),
        ("wrong-content-type", {"content-type": "text/html; charset=utf-8"}),
        ("gzip-bomb", {"content-encoding": "gzip"}),
        ("redirect-302", {"location": "/elsewhere"}),
    ],
)
def test_an_answer_has_the_headers_of_its_name(clean: LocalHub, name: str, headers: dict[str, str]) -> None:
    """Read without an HTTP library, which might mend them."""
    strike(clean, JWKS, name)
    head, _ = parts(wire(clean, JWKS)[0])
    found = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert {key: found[key] for key in headers} == {key: value.lower() for key, value in headers.items()}


def altered(hub: LocalHub, name: str) -> tuple[bytes, bytes]:
    """The body under this fault, and the real one."""
    real = parts(wire_closing(hub, JWKS))[1]
    strike(hub, JWKS, name)
    return parts(wire(hub, JWKS)[0])[1], real


def wire_closing(hub: LocalHub, path: str) -> bytes:
    """A whole answer of a server that keeps the connection open."""
    answer = hub.request("GET", path)
    return b"\r\n\r\n" + answer.content


def test_the_real_answer_is_altered_as_the_name_says(clean: LocalHub) -> None:
    """So that a client which is too forgiving finds in it what it looks for."""
    body, real = altered(clean, "bom")
    assert body == b"\xef\xbb\xbf" + real
    assert altered(clean, "utf-16")[0].decode("utf-16") == real.decode()
    assert altered(clean, "truncated-json")[0] == real[: len(real) // 2]
    assert altered(clean, "short-body")[0] == real
    assert altered(clean, "json-array")[0] == b"[" + real + b"]"
    assert json.loads(altered(clean, "wrong-types")[0]) == {"keys": [json.loads(real)["keys"]]}
    assert altered(clean, "duplicate-keys")[0].count(b'"keys"') == 2
    assert altered(clean, "nan")[0].endswith(b'"count":NaN}')
    assert len(altered(clean, "5-mib-json")[0]) == len(real) + 5 * 1024 * 1024
    assert altered(clean, "deep-json")[0].count(b"[") > 100_000
    bomb = altered(clean, "gzip-bomb")[0]
    assert len(gzip.decompress(bomb)) > 500 * len(bomb)


def test_headers_can_be_too_long_and_too_many(clean: LocalHub) -> None:
    """100 KiB in one, and a thousand."""
    strike(clean, JWKS, "huge-header", "1000-headers")
    assert b"x" * 100 * 1024 in parts(wire(clean, JWKS)[0])[0]
    assert parts(wire(clean, JWKS)[0])[0].count(b"\r\n") > 1000


@pytest.mark.parametrize(
    ("name", "ending", "begins", "has_head"),
    [
        ("close-before-headers", "closed", b"", False),
        ("reset-before-headers", "reset", b"", False),
        ("lost-answer", "reset", b"", False),
        ("reset-within-headers", "reset", b"HTTP/1.1 200 OK\r\n", False),
        ("reset-within-body", "reset", b"HTTP/1.1 200 OK\r\n", True),
        ("not-http", "closed", b"SSH-2.0", False),
        ("hang", "silent", b"", False),
        ("slow-headers", "silent", b"H", False),
        ("slow-body", "silent", b"HTTP/1.1 200 OK\r\n", True),
    ],
)
def test_a_connection_breaks_as_the_name_says(
    clean: LocalHub, name: str, ending: str, begins: bytes, *, has_head: bool
) -> None:
    """Reset, closed or silent, after so much of the answer."""
    strike(clean, JWKS, name)
    received, ended = wire(clean, JWKS, 0.7 if ending == "silent" else 60, after=b"\r\n\r\n" if has_head else begins)
    assert ended == ending
    assert received.startswith(begins)
    assert (b"\r\n\r\n" in received) == has_head
    assert bool(received) == bool(begins)


def test_a_slow_answer_gets_there_in_the_end_a_byte_a_second(clean: LocalHub) -> None:
    """Two seconds pass before the third one comes."""
    strike(clean, JWKS, "slow-headers")
    began = time.monotonic()
    received, ended = wire(clean, JWKS, seconds=0.01, after=b"HTT")
    assert received.startswith(b"HTT")
    assert ended == "silent"
    assert time.monotonic() - began >= 2


def test_a_lost_answer_was_given(clean: LocalHub) -> None:
    """The exchange is in the log, though its answer never came."""
    strike(clean, "/oauth/token", "lost-answer")
    with pytest.raises(httpx.TransportError):
        clean.exchange("not a token", "acme/lost")
    assert clean.get("/local-hub/exchanges")[0]["resource"] == "acme/lost"


def test_a_body_is_read_before_the_fault_strikes(clean: LocalHub) -> None:
    """Else the close would be a reset, and the answer lost."""
    strike(clean, "/oauth/token", "503")
    assert clean.exchange("x" * 900_000, "acme/model").status_code == 503


def test_every_fault_has_a_plain_name() -> None:
    """It can be written in YAML and JSON, and on a command line."""
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in FAULTS)
    assert len(FAULTS) >= 45


def test_every_fault_is_documented() -> None:
    """The tables of docs/local-hub.md name them all, and no others."""
    section = DOCUMENT.read_text().partition("## Faults")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith(("| the ", "| 429 "))]
    assert set(re.findall(r"`([^`]+)`", "\n".join(rows))) == set(FAULTS)


def handshake(url: str, context: ssl.SSLContext) -> Any:
    """The version of TLS that was agreed on."""
    host, port = address(url)
    with (
        socket.create_connection((host, port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname=host) as encrypted,
    ):
        return encrypted.version()


@pytest.mark.process
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("expired", "certificate has expired"),
        ("wrong-host", "IP address mismatch"),
        ("unknown-ca", "CERTIFICATE_VERIFY_FAILED"),
        ("tls-1.1", "(?i)protocol.version"),
    ],
)
def test_a_tls_fault_is_what_it_says(fault: str, said: str) -> None:
    """A client that trusts the announced authority refuses for that reason, and for no other."""
    with local_hub_here(tls=True, tls_fault=fault) as hub:
        context = ssl.create_default_context(cafile=hub.ca)
        with pytest.raises(ssl.SSLError, match=said):
            handshake(hub.hub, context)


@pytest.mark.process
def test_faults_strike_over_tls_as_well() -> None:
    """A reset is a reset there too."""
    with local_hub_here(tls=True) as hub:
        strike(hub, JWKS, "reset-within-body", "503")
        with pytest.raises(httpx.TransportError):
            hub.request("GET", JWKS)
        assert [hub.request("GET", JWKS).status_code for _ in range(2)] == [503, 200]
