"""A server whose every answer is written down in the test, on a real socket; it records what it is asked.

It also looks at the command lines of this run's processes while it is asked: at that moment a client holds its tokens.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.processes import command_lines


@dataclass(frozen=True)
class Answer:
    """What the server says. `body`: bytes as they are, text, or anything else as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body as it travels."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Recorded:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


Script = Mapping[str, "Answer | Callable[[Recorded], Answer]"]


@dataclass
class ScriptedServer:
    """`url` is where it listens; `requests` and `command_lines` grow with every call."""

    url: str
    requests: list[Recorded] = field(default_factory=list)
    command_lines: list[bytes] = field(default_factory=list)


@contextmanager
def scripted_server(
    script: Script, *, tls: trustme.CA | None = None, host: str = "127.0.0.1", name: str = ""
) -> Iterator[ScriptedServer]:
    """Serve `script`, which maps a path to its answer; any other path is a 404.

    `name`: what the certificate and the URL call the server, where that is not its address.
    """
    seen = ScriptedServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            request = self._record()
            seen.command_lines.append(command_lines())
            answer = script.get(request.path, Answer({"error": "not found"}, 404))
            answer = answer(request) if callable(answer) else answer
            body = answer.encoded()
            self.send_response(answer.status)
            for header, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def _record(self) -> Recorded:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorded = Recorded(self.command, url.path, parse_qs(url.query), headers, body)
            seen.requests.append(recorded)
            return recorded

        def log_message(self, *_: object) -> None:
            """Stay silent: requests are recorded, not printed."""

    with _listening(Handler, host, tls, name or host) as server:
        seen.url = f"{'https' if tls else 'http'}://{name or host}:{server.server_port}"
        yield seen


@contextmanager
def _listening(
    handler: type[BaseHTTPRequestHandler], host: str, tls: trustme.CA | None, name: str
) -> Iterator[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes away in the midst of an answer is a thing to be tested, not reported."""

    server = Server((host, 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.issue_cert(name).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
