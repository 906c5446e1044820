"""How the Hub answers: its errors with the headers that its client reads, and files that no browser takes for pages.

It must not know any route.
"""

from collections.abc import Mapping
from pathlib import Path

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from local_hub.repositories.access import Denied

NO_REVISION = Denied(404, "RevisionNotFound", "Invalid rev id")
_BYTES = "application/octet-stream"
NO_FILE = Denied(404, "EntryNotFound", "A file with this name doesn't exist")
NO_ENTRY = Denied(404, "EntryNotFound", "Entry not found")
# What somebody uploaded must not act as a page of this origin, where the operator's own pages are.
INERT = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
}


class Refusal(Exception):
    """A request is refused, and how."""

    def __init__(self, denied: Denied) -> None:
        """Refuse in this way."""
        super().__init__(denied.message)
        self.denied = denied


def refused(denied: Denied, *, basic: bool = False) -> JSONResponse:
    """Answer a refusal; `basic` asks git, and who else can, for a user name and a password."""
    headers = {"X-Error-Message": _header(denied.message)}
    if denied.code:
        headers["X-Error-Code"] = denied.code
    if basic and denied.status == 401:
        headers |= dict.fromkeys(("WWW-Authenticate", "LFS-Authenticate"), 'Basic realm="Local Hub"')
    return JSONResponse({"error": denied.message, "message": denied.message}, denied.status, headers=headers)


def bad_request(message: str, status: int = 400) -> Denied:
    """Refuse what is wrong in itself, and say what."""
    return Denied(status, "", message)


def file_answer(path: Path, headers: Mapping[str, str]) -> FileResponse:
    """Answer with a file, whole or in the part that is asked for."""
    return FileResponse(path, headers={**headers, **INERT}, media_type=_BYTES)


def passing_file_answer(path: Path, headers: Mapping[str, str]) -> FileResponse:
    """Answer with a file that is gone afterwards, however the answer ends."""
    return _Passing(path, headers={**headers, **INERT}, media_type=_BYTES)


def head_answer(size: int, headers: Mapping[str, str]) -> Response:
    """Answer as for a file of this size, without the file."""
    told = {**headers, **INERT, "Accept-Ranges": "bytes", "Content-Length": str(size)}
    return Response(headers=told, media_type=_BYTES)


class _Passing(FileResponse):
    # Not a background task: none is run after a Range that cannot be, nor where the caller has left.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._remove()

    def _remove(self) -> None:
        Path(self.path).unlink()


def _header(text: str) -> str:
    return text.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")
