"""Scripted faults: each path has a list of faults; each request uses up one, then the real answers return.

The middleware covers every route except the operator's. `answers` defines the faults.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_hub.faults.answers import FAULTS, Answer, Fault
from local_hub.faults.connection import connection_of
from local_hub.fields import FieldError, items, mapping, text

OPERATOR = "/local-hub"


@dataclass
class Script:
    """The remaining faults, and the times of the requests (Unix time), by path."""

    left: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def take(self, path: str, now: float) -> Fault | None:
        """Record a request and return its fault, if it has one."""
        if path == OPERATOR or path.startswith(f"{OPERATOR}/"):
            return None
        self.seen.setdefault(path, []).append(now)
        left = self.left.get(path)
        return FAULTS[left.pop(0)] if left else None

    def clear(self) -> None:
        """Delete the faults and the recorded requests."""
        self.left.clear()
        self.seen.clear()

    def listed(self) -> dict[str, Any]:
        """Return, by path, the remaining faults, and the number and times of the requests."""
        return {
            path: {"left": self.left.get(path, []), "requests": len(seen), "seen": seen}
            for path, seen in ((path, self.seen.get(path, [])) for path in sorted({*self.left, *self.seen}))
        }


def read_faults(value: object, where: str) -> list[str]:
    """Read a list of fault names."""
    names = [text(name, f"{where}[{number}]") for number, name in enumerate(items(value, where))]
    unknown = sorted({*names} - {*FAULTS})
    if unknown:
        raise FieldError(where, f"unknown fault {', '.join(unknown)}; known faults: {', '.join(FAULTS)}")
    return names


def read_path(value: object, where: str) -> str:
    """Read a path that can have faults."""
    path = text(value, where)
    if not path.startswith("/") or path.startswith(OPERATOR):
        raise FieldError(where, f"must be a path that begins with / and is not under {OPERATOR}")
    return path


def read_script(value: object, where: str) -> Mapping[str, Sequence[str]]:
    """Read the faults of several paths."""
    return {
        read_path(path, where): read_faults(names, f"{where}.{path}") for path, names in mapping(value, where).items()
    }


def with_faults(inner: ASGIApp, script: Script, clock: Callable[[], float] = time.time) -> ASGIApp:
    """Wrap an application so that a request with a scripted fault gets the fault instead of its answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fault = script.take(scope["path"], clock()) if scope["type"] == "http" else None
        if fault is None:
            await inner(scope, receive, send)
            return
        if isinstance(fault.answer, Answer):
            # Read the whole request: closing a socket with unread bytes sends a reset.
            while (await receive()).get("more_body", False):
                pass
            answer = fault.answer
        else:
            answer = fault.answer(await _real_answer(inner, scope, receive))
        await fault.send(connection_of(scope), answer.head(scope["request_id"]), answer.body)
        # If the application returned now, uvicorn would send another answer: wait for the disconnect.
        while (await receive())["type"] != "http.disconnect":
            pass

    return app


async def _real_answer(inner: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await inner(scope, receive, keep)
    headers = {name.decode("latin-1").title(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    headers.pop("Content-Length", None)
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
