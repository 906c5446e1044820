"""Stands in for this machine's Python: starts the one in a container, with the same arguments, folder and streams.

`serve SOCKET PYTHON` runs in the container, and starts the processes. `start SOCKET` sends it the arguments, the
environment, the folder and the three streams themselves: a `docker exec` for each process would cost more than the
process. The container sees the folders of the tests under the same names. This module imports the standard library
alone, because the image has nothing else.
"""

import json
import os
import socket
import subprocess
import sys
import threading


def start(path: str) -> int:
    """Ask for a process, and wait for its exit code."""
    # In Python, because a shell drops variables whose names have a hyphen, such as INPUT_HUB-URL.
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [b"\0"], [0, 1, 2])
        server.sendall(json.dumps([sys.argv[3:], dict(os.environ), os.getcwd()]).encode())  # noqa: PTH109
        server.shutdown(socket.SHUT_WR)
        return server.recv(1)[0]


def serve(path: str, python: str) -> None:
    """Start what is asked for, each call in a thread of its own, until killed."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)  # noqa: T201 - to be waited for
        while True:
            caller, _ = server.accept()
            threading.Thread(target=run, args=(caller, python)).start()


def run(caller: socket.socket, python: str) -> None:
    """One process, from the caller's descriptors to its exit code, which for a signal is as a shell would give it."""
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    with caller, caller.makefile("rb") as request:
        arguments, env, folder = json.loads(request.read())
        process = subprocess.Popen(
            [python, *arguments],
            env={**os.environ, **env},
            cwd=folder,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )
        for stream in streams:
            os.close(stream)
        code = process.wait()
        caller.sendall(bytes([code if code >= 0 else 128 - code]))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3])
    else:
        sys.exit(start(sys.argv[2]))
