"""A server as a process, whose answers never end: it prints a port for each of `KINDS` and serves until killed.

Apart from the test process, so that its threads and sockets are not counted with those of the client. With an argument,
a PEM file with a key and its certificates, it speaks TLS.
"""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
# What is sent first, what is sent again and again, and the pause after each, in seconds.
KINDS = {
    "endless 100 Continue": (b"", CONTINUE * 100, 0.0),
    "headers drip": (b"HTTP/1.1 200 OK\r\n", b"X", 0.005),
    "body drips": (HEAD, b"x", 0.005),
    "says nothing": (b"", b"", 0.05),
}


@contextlib.contextmanager
def tiresome_server(pem: str = "") -> Iterator[dict[str, int]]:
    """Run it for the length of a `with` block; gives the port of each kind."""
    command = [sys.executable, "-m", "tests.tiresome_server", pem]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield {kind: int(process.stdout.readline()) for kind in KINDS}
        finally:
            process.kill()


def main(pem: str) -> None:
    """Listen on a free port for each kind until killed."""
    context = None
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    for kind in KINDS:
        listener = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        threading.Thread(target=accept, args=(listener, kind, context)).start()
    sys.stdout.flush()


def accept(listener: socket.socket, kind: str, context: ssl.SSLContext | None) -> None:
    """Serve whoever comes."""
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, kind, context), daemon=True).start()


def serve(client: socket.socket, kind: str, context: ssl.SSLContext | None) -> None:
    """One client, until it has gone."""
    first, again, pause = KINDS[kind]
    with contextlib.suppress(OSError), client:
        connection = context.wrap_socket(client, server_side=True) if context else client
        connection.recv(65_536)
        connection.sendall(first)
        while again:
            connection.sendall(again)
            time.sleep(pause)
        while connection.recv(65_536):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
