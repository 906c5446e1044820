"""git over HTTP: `git http-backend` behind a request, both ways as a stream.

gitprotocol-http(5) and git-http-backend(1) are the source. What a push asks for is written down before git sees it.
It must not decide who may come in.
"""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from local_hub.repositories.context import Call, record_change, require_unexpired
from local_hub.repositories.git_commands import environment
from local_hub.repositories.responses import Refusal, bad_request, refused

PUSH_LIMIT = 2 * 1024**3
COMMANDS_LIMIT = 1024 * 1024
HEAD_LIMIT = 64 * 1024
RECEIVE_PACK = "git-receive-pack"
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\0\n]+)")
_PROTOCOL = re.compile(r"version=[0-9](:[a-z0-9=-]{1,64}){0,8}")


class Backend:
    """The answer to a request of git's."""

    def __init__(self, call: Call) -> None:
        """Answer this call, which was let in."""
        self._call = call

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Run git, with the request on its input and the answer from its output."""
        try:
            body = self._checked_body()
            first = await anext(body, b"")
        except Refusal as refusal:
            await refused(refusal.denied)(scope, _, send)
            return
        except ClientDisconnect:
            return
        environ = await run_in_threadpool(_cgi_environment, self._call)
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=HEAD_LIMIT,
        )
        feeding = asyncio.create_task(_feed(process, first, body))
        try:
            await _relay(process, send)
            await feeding
        finally:
            feeding.cancel()
            _kill(process)
            await process.wait()

    async def _checked_body(self) -> AsyncIterator[bytes]:
        """Give the body, a push's commands as one piece at its beginning, after they are written down."""
        pushing = self._call.address.action == RECEIVE_PACK
        if pushing and self._call.request.headers.get("content-encoding", "identity") != "identity":
            raise Refusal(bad_request("a push is not compressed as a whole", 415))
        held, told, received = b"", not pushing, 0
        async for chunk in self._call.request.stream():
            received += len(chunk)
            if received > PUSH_LIMIT:
                raise Refusal(bad_request(f"a push has at most {PUSH_LIMIT} bytes", 413))
            held += chunk
            if not told and len(held) > COMMANDS_LIMIT:
                raise Refusal(bad_request("a push moves not that many refs", 413))
            if not told and (commands := read_commands(held)) is not None:
                _check_refs(commands)
                await run_in_threadpool(_record, self._call, commands)
                told = True
            if told and held:
                # The last of a push is what makes it count.
                require_unexpired(self._call)
                yield held
                held = b""
        if held:
            raise Refusal(bad_request("this is no push"))


def read_commands(held: bytes) -> list[tuple[str, str, str]] | None:
    """Read what a push asks for: ref, old and new. None: there is more to come."""
    at = 0
    commands: list[tuple[str, str, str]] = []
    while True:
        head = held[at : at + 4]
        size = _size(head) if len(head) == 4 else COMMANDS_LIMIT
        if size == 0:
            return commands
        if len(held) < at + size:
            return None
        found = _COMMAND.match(held[at + 4 : at + size])
        if found:
            commands.append((found[3].decode("utf-8", "replace"), found[1].decode(), found[2].decode()))
        elif not held[at + 4 :].startswith(b"shallow "):
            raise Refusal(bad_request("this is no push"))
        at += size


def _check_refs(commands: list[tuple[str, str, str]]) -> None:
    """Take branches and tags alone: the other refs are git's own business, or the Hub's."""
    for ref, _, _ in commands:
        if not ref.startswith(("refs/heads/", "refs/tags/")):
            raise Refusal(bad_request("a push moves branches and tags, and no other refs", 403))


def _size(head: bytes) -> int:
    if not re.fullmatch(rb"[0-9a-f]{4}", head) or 0 < int(head, 16) < 5:
        raise Refusal(bad_request("this is no push"))
    return int(head, 16)


def _record(call: Call, commands: list[tuple[str, str, str]]) -> None:
    for ref, before, after in commands:
        record_change(call, "git", ref, before, after)


def _cgi_environment(call: Call) -> dict[str, str]:
    path: Path = call.repository.path
    headers, protocol = call.request.headers, call.request.headers.get("git-protocol", "")
    return {
        **environment(),
        "GIT_PROJECT_ROOT": str(path.parent),
        "PATH_INFO": f"/{path.name}/{call.address.action}",
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": protocol if _PROTOCOL.fullmatch(protocol) else "",
        # For the reflog.
        "GIT_COMMITTER_NAME": call.person.name,
        "GIT_COMMITTER_EMAIL": call.person.email,
        "REMOTE_USER": call.person.name,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": call.request.method,
        "QUERY_STRING": str(call.request.url.query),
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": headers.get("content-length", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
    }


async def _feed(process: asyncio.subprocess.Process, first: bytes, body: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        # git has its answer ready before it has read all, where it refuses.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(first)
            async for chunk in body:
                process.stdin.write(chunk)
                await process.stdin.drain()
            process.stdin.close()
    except (Refusal, ClientDisconnect):
        # Half a pack is no pack: git must not take the end of this for the end of that.
        _kill(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    # By its number: `process.kill()` asks first whether it has ended, and who is told so is then not asyncio, which
    # complains.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _relay(process: asyncio.subprocess.Process, send: Send) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        head = await process.stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = b"Status: 500 git failed\r\n\r\n"
    lines = [line.partition(b":") for line in head.split(b"\r\n") if line]
    headers = [(name.lower(), value.strip()) for name, _, value in lines]
    status = next((int(value[:3]) for name, value in headers if name == b"status"), 200)
    kept = [pair for pair in headers if pair[0] != b"status"]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    while chunk := await process.stdout.read(HEAD_LIMIT):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
