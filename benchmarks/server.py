"""A CI's token endpoint and a Hub's exchange that always grant: what every contestant asks, in a separate process.

It verifies nothing and computes nothing, so that the time between two requests is the contestant's.
`python -m benchmarks.server SECONDS LIFETIME ADDRESS [CERTIFICATE]` waits so many seconds before each answer, grants
tokens of that lifetime, and prints its URL; when its standard input ends, it prints how many calls of each kind it
answered.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

MINT = "/mint?api-version=2.0"
EXCHANGE = "/oauth/token"
COUNTS = "/counts"
ID_TOKEN_LIFETIME = 86_400  # seconds; longer than any benchmark takes
HUB_TOKEN = "hf_jwt_" + "x" * 600


class Granting(BaseHTTPRequestHandler):
    """Answers a GET with an ID token and a POST with a Hub token, and counts."""

    protocol_version = "HTTP/1.1"
    # Head and body in one segment: between two, Nagle's algorithm waits for the client's delayed acknowledgement.
    wbufsize = -1
    id_token: ClassVar[str]
    latency: ClassVar[float]
    lifetime: ClassVar[int]
    answered: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        """The CI's token endpoint, and the number of calls of each kind that were answered."""
        if self.path == COUNTS:
            self._answer(dict(self.answered))
        else:
            self.answered["GET"] += 1
            self._answer({"value": self.id_token})

    def do_POST(self) -> None:
        """The exchange. It reads the whole request and does not look at it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answered["POST"] += 1
        self._answer({"access_token": HUB_TOKEN, "token_type": "bearer", "expires_in": self.lifetime})

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        time.sleep(self.latency)
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def id_token(audience: str, expiry: float) -> str:
    """A JWT of about the size that GitHub's have, not signed."""
    claims = {"aud": audience, "exp": int(expiry), **{f"claim_{number}": "x" * 32 for number in range(20)}}
    header = {"alg": "RS256", "typ": "JWT"}
    return ".".join(map(_segment, [json.dumps(header).encode(), json.dumps(claims).encode(), bytes(256)]))


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def main() -> None:
    """Serve until standard input ends."""
    Granting.latency, Granting.lifetime = float(sys.argv[1]), int(sys.argv[2])
    address, *certificate = sys.argv[3:]
    server = ThreadingHTTPServer((address, 0), Granting)
    url = f"{'https' if certificate else 'http'}://{address}:{server.server_port}"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Granting.id_token = id_token(url, time.time() + ID_TOKEN_LIFETIME)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(url, flush=True)
    sys.stdin.read()
    print(Granting.answered["GET"], Granting.answered["POST"], flush=True)


if __name__ == "__main__":
    main()
