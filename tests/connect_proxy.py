"""A forward proxy as a process: it tunnels CONNECT (RFC 9110 § 9.3.6), to this machine whatever the name.

It prints its port, and then a line for each tunnel; a test reads there who went through it. Nothing else is proxied.
"""

import contextlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CONNECT = re.compile(rb"CONNECT ([^ :]+):(\d+) HTTP/1\.[01]\r\n(.*?\r\n)?\r\n", re.DOTALL)


@dataclass
class ConnectProxy:
    """A running proxy; `tunnels` are the hosts that were asked for, complete once the proxy has ended."""

    url: str
    tunnels: list[str] = field(default_factory=list)


@contextlib.contextmanager
def connect_proxy() -> Iterator[ConnectProxy]:
    """Run the proxy for the length of a `with` block."""
    process = subprocess.Popen([sys.executable, "-m", "tests.connect_proxy"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    proxy = ConnectProxy(f"http://127.0.0.1:{process.stdout.readline().strip()}")
    try:
        yield proxy
    finally:
        process.terminate()
        proxy.tunnels += process.communicate(timeout=240)[0].split()


def main() -> None:
    """Listen on a free port until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    say(str(listener.getsockname()[1]))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=tunnel, args=(client,), daemon=True).start()


def tunnel(client: socket.socket) -> None:
    """Answer one CONNECT, then pass bytes both ways."""
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(4096)):
                return
            head += piece
        asked = CONNECT.match(head)
        if asked is None:
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        say(asked[1].decode())
        with socket.create_connection(("127.0.0.1", int(asked[2]))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until one side ends."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
