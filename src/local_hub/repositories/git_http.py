"""git over HTTP: streams a request to `git http-backend`, and its output back to the client.

See gitprotocol-http(5) and git-http-backend(1). It logs the ref updates of a push before git sees them. The router
has already authorized the caller.
"""

import asyncio
import contextlib
import os
import re
import signal
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from local_hub.repositories.context import RequestContext
from local_hub.repositories.git_commands import environment
from local_hub.repositories.responses import Refusal, bad_request, refused

PUSH_LIMIT = 2 * 1024**3
COMMANDS_LIMIT = 1024 * 1024
FETCH_LIMIT = 10 * 1024 * 1024  # git's own (http.maxRequestBuffer), but git counts compressed bytes
HEAD_LIMIT = 64 * 1024
RECEIVE_PACK = "git-receive-pack"
_PUSHED = ("refs/heads/", "refs/tags/")
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\0\n]+)")
_PROTOCOL = re.compile(r"version=[0-9](:[a-z0-9=-]{1,64}){0,8}")


class Backend:
    """The response to a git request."""

    def __init__(self, context: RequestContext) -> None:
        """Answer an authorized request."""
        self._context = context

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Run git with the request as its input, and send its output."""
        try:
            body = self._checked_body()
            first = await anext(body, b"")
        except Refusal as refusal:
            await refused(refusal.denied, plain=True)(scope, _, send)
            return
        except ClientDisconnect:
            return
        environ = await run_in_threadpool(_cgi_environment, self._context)
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=HEAD_LIMIT,
        )
        sending = asyncio.create_task(_send_body(process, first, body))
        try:
            await _send_response(process, send)
            await sending
        finally:
            sending.cancel()
            _kill(process)
            await process.wait()

    async def _checked_body(self) -> AsyncIterator[bytes]:
        """Yield the body. For a push, first collect and log its commands, then yield them as one piece."""
        pushing = self._context.address.action == RECEIVE_PACK
        if not pushing:
            async for chunk in _decompressed(self._context.request):
                yield chunk
            return
        if self._context.request.headers.get("content-encoding", "identity") != "identity":
            raise Refusal(bad_request("a push must not have a Content-Encoding", 415))
        commands, complete, received = _Commands(), False, 0
        async for chunk in self._context.request.stream():
            received += len(chunk)
            if received > PUSH_LIMIT:
                raise Refusal(bad_request(f"a push may have at most {PUSH_LIMIT} bytes", 413))
            piece = chunk
            if not complete:
                complete = commands.add(chunk)
                if not complete:
                    continue
                await run_in_threadpool(_record, self._context, commands.found)
                piece = bytes(commands.held)
            # git applies a push only after its last byte, so check the expiry with each piece.
            self._context.require_unexpired()
            yield piece
        if commands.held and not complete:
            raise Refusal(bad_request("the body is not a push"))


@dataclass
class _Commands:
    """The commands of a push, as (ref, old, new), read once however small the pieces of the body are."""

    held: bytearray = field(default_factory=bytearray)
    found: list[tuple[str, str, str]] = field(default_factory=list)
    _at: int = 0

    def add(self, chunk: bytes) -> bool:
        """Read what can be read. Return whether the flush packet has come, which ends the commands."""
        self.held += chunk
        while len(head := self.held[self._at : self._at + 4]) == 4:
            # gitprotocol-common(5): the length has four hexadecimal digits and counts them; 0000 is a flush packet.
            if not re.fullmatch(rb"[0-9a-f]{4}", head) or 0 < int(head, 16) < 5:
                raise Refusal(bad_request("the body is not a push"))
            size = int(head, 16)
            if size == 0:
                return True
            line = self.held[self._at + 4 : self._at + size]
            if len(line) < size - 4:
                break
            if found := _COMMAND.match(line):
                self.found.append((found[3].decode("utf-8", "replace"), found[1].decode(), found[2].decode()))
            elif not line.startswith(b"shallow "):
                raise Refusal(bad_request("the body is not a push"))
            self._at += size
        if len(self.held) > COMMANDS_LIMIT:
            raise Refusal(bad_request("this push updates too many refs", 413))
        return False


def _record(context: RequestContext, commands: list[tuple[str, str, str]]) -> None:
    """Log the commands of a push; git rejects those for refs that are neither branches nor tags."""
    for ref, before, after in commands:
        if ref.startswith(_PUSHED):
            context.record_change("git", ref, before, after)


def _cgi_environment(context: RequestContext) -> dict[str, str]:
    path: Path = context.repository.path
    headers, protocol = context.request.headers, context.request.headers.get("git-protocol", "")
    return {
        **environment(
            ("core.hooksPath", str(context.store.git.hooks)),
            # Other refs belong to git or to the Hub. git reports each that a push tries to update.
            ("receive.hideRefs", "refs/"),
            *(("receive.hideRefs", f"!{prefix}") for prefix in _PUSHED),
        ),
        "GIT_PROJECT_ROOT": str(path.parent),
        "PATH_INFO": f"/{path.name}/{context.address.action}",
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": protocol if _PROTOCOL.fullmatch(protocol) else "",
        # git writes them into the reflog.
        "GIT_COMMITTER_NAME": context.person.name,
        "GIT_COMMITTER_EMAIL": context.person.email,
        "REMOTE_USER": context.person.name,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": context.request.method,
        "QUERY_STRING": str(context.request.url.query),
        "CONTENT_TYPE": headers.get("content-type", ""),
        # Not that of the request: git would take it for the size of the decompressed body.
        "CONTENT_LENGTH": headers.get("content-length", "") if "content-encoding" not in headers else "",
    }


async def _decompressed(request: Request) -> AsyncIterator[bytes]:
    """Yield the body of a fetch, which git compresses if it is long. Counts the bytes that git would have to read."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise Refusal(bad_request("a fetch may have the Content-Encoding gzip, once", 415))
    unpacking = None if encoding == "identity" else zlib.decompressobj(wbits=31)
    received = 0
    async for chunk in request.stream():
        try:
            content = unpacking.decompress(chunk, FETCH_LIMIT + 1) if unpacking else chunk
        except zlib.error:
            raise Refusal(bad_request("the body is not gzip")) from None
        # zlib would keep all that comes after the end.
        if unpacking and unpacking.unused_data:
            raise Refusal(bad_request("the body goes on after its gzip"))
        received += len(content)
        if received > FETCH_LIMIT:
            raise Refusal(bad_request(f"a fetch may have at most {FETCH_LIMIT} bytes", 413))
        yield content


async def _send_body(process: asyncio.subprocess.Process, first: bytes, body: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - created with a pipe
    try:
        # A git that rejects the request answers and exits before it has read the whole body.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(first)
            async for chunk in body:
                process.stdin.write(chunk)
                await process.stdin.drain()
            process.stdin.close()
    except (Refusal, ClientDisconnect):
        # git must not mistake an interrupted body for a complete pack.
        _kill(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    # Not `process.kill()`: it polls first and can reap the child, and then asyncio logs an unknown child process.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _send_response(process: asyncio.subprocess.Process, send: Send) -> None:
    assert process.stdout is not None  # noqa: S101 - created with a pipe
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
