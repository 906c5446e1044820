"""Responses in the Hub's form: errors with the headers that huggingface_hub reads, and inert files.

It knows no route.
"""

from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from local_hub.repositories.access import NOT_YOURS, READ_ONLY, Denied
from local_hub.repositories.conditions import failed_precondition, requested_ranges

NO_REVISION = Denied(404, "RevisionNotFound", "Invalid rev id")
# Of a message in a header. Clients limit their headers: Node.js all together to 16 KiB.
_MESSAGE_LIMIT = 2000
_BYTES = "application/octet-stream"
NO_FILE = Denied(404, "EntryNotFound", "A file with this name doesn't exist")
NO_ENTRY = Denied(404, "EntryNotFound", "Entry not found")
# An uploaded file must not run as a page of this origin: the operator's pages have the same origin.
INERT = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
}


class Refusal(Exception):
    """Refuses the request with this status, code and message."""

    def __init__(self, denied: Denied) -> None:
        """Keep the refusal for the response."""
        super().__init__(denied.message)
        self.denied = denied


class NoRoute(Refusal):
    """Local Hub has no route for this request, or not for its method."""


def refused(denied: Denied, *, basic: bool = False, plain: bool = False) -> Response:
    """Respond with a refusal.

    `basic` asks the client for Basic authentication, which git and git-lfs use. `plain` is for git, which shows
    nothing but text/plain (git, remote-curl.c).
    """
    one_line = denied.message.replace("\r", " ").replace("\n", " ")
    headers = {"X-Error-Message": one_line[:_MESSAGE_LIMIT].encode("ascii", "replace").decode()}
    if denied.code:
        headers["X-Error-Code"] = denied.code
    if basic and denied.status == 401:
        headers |= dict.fromkeys(("WWW-Authenticate", "LFS-Authenticate"), 'Basic realm="Local Hub"')
    if plain:
        # The message of the Hub's hook if the token of a push may not write.
        hub = "You are not authorized to push to this repo.\n" if denied in (NOT_YOURS, READ_ONLY) else ""
        return PlainTextResponse(f"{hub}{denied.message}\n", denied.status, headers=headers)
    return JSONResponse({"error": denied.message, "message": denied.message}, denied.status, headers=headers)


def bad_request(message: str, status: int = 400) -> Denied:
    """Return the refusal of an invalid request."""
    return Denied(status, "", message)


def file_answer(path: Path, headers: Mapping[str, str]) -> FileResponse:
    """Respond with a file, or with the requested range of it."""
    return _StoredFile(path, headers)


def temporary_file_answer(path: Path, headers: Mapping[str, str]) -> FileResponse:
    """Respond with a file, then delete it, even if the client disconnects."""
    return _TemporaryFile(path, headers)


def head_answer(size: int, headers: Mapping[str, str]) -> Response:
    """Respond to HEAD for a file of this size."""
    described = {**headers, **INERT, "Accept-Ranges": "bytes", "Content-Length": str(size)}
    return Response(headers=described, media_type=_BYTES)


def unchanged_answer(status: int, headers: Mapping[str, str]) -> Response:
    """Respond without the file: 304, 412 or 416."""
    return Response(status_code=status, headers={**headers, **INERT})


class _StoredFile(FileResponse):
    """Starlette's response, which sends a file or parts of it, with the conditions of RFC 9110.

    Starlette has no preconditions, and takes ranges of HEAD. It answers 400 to what § 14.2 tells a server to ignore,
    and 416 if only one of several ranges is outside the file.
    """

    def __init__(self, path: Path, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers={**headers, **INERT}, media_type=_BYTES, stat_result=path.stat())
        # git keeps no modification time, and that of the file on this disk is not the content's.
        del self.headers["last-modified"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given, tag, size = Headers(scope=scope), self.headers["etag"], int(self.headers["content-length"])
        own = {name: value for name, value in self.headers.items() if name not in ("content-length", "content-type")}
        if status := failed_precondition(scope["method"], given, tag):
            await unchanged_answer(status, own)(scope, receive, send)
            return
        ranges = requested_ranges(scope["method"], given, tag, size)
        if ranges == []:
            await unchanged_answer(416, own | {"content-range": f"bytes */{size}"})(scope, receive, send)
            return
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"range", b"if-range")]
        if ranges:
            kept.append((b"range", ("bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)).encode()))
        await super().__call__({**scope, "headers": kept}, receive, send)


class _TemporaryFile(_StoredFile):
    # Not a background task: Starlette skips those after a disconnect.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(Path(self.path).unlink)
