"""Notes what a client sends to Local Hub: methods, templates of routes, and the names of parameters.

Values, and so tokens, are not kept. The templates are those of the Hub's URLs, whether Local Hub has the route or not.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_READ = 1024 * 1024
_TEMPLATES = (
    (r"^(/(?:api/(?:models|datasets|spaces)|datasets))?/acme/[^/]+?(?=\.git/|/|$)", r"\1/{repo}"),
    (r"/(resolve|raw|tree|revision|commits|commit|preupload|paths-info|branch|tag|compare)/[^/]+", r"/\1/{revision}"),
    (r"/(xet-(?:read|write)-token)/[^/]+", r"/\1/{revision}"),
    (r"/(resolve|raw|tree)/\{revision\}/.+", r"/\1/{revision}/{path}"),
    (r"/info/lfs/objects/[0-9a-f]{64}", "/info/lfs/objects/{oid}"),
    (r"/info/xet/[^/]+", "/info/xet/{session}"),
    (r"/[0-9a-f]{64}(?=/|$)", "/{hash}"),
)


class Recorder:
    """Sees each request before Local Hub does."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._seen: dict[tuple[str, str], set[str]] = defaultdict(set)

    def taken(self) -> str:
        """What was sent since the last call, a line for each route, and forget it."""
        lines = [" ".join([method, route, *sorted(names)]) for (method, route), names in self._seen.items()]
        self._seen.clear()
        return "".join(f"{line}\n" for line in sorted(lines))

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, with its requests noted."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith("/local-hub"):
                await app(scope, receive, send)
                return
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            names = self._seen[scope["method"], template(scope["raw_path"].decode("latin-1"))]
            names |= {f"?{name}" for name, _ in query}
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            messages: list[Message] = []
            # Before the application has it, which refuses some requests without a look at their body.
            if 0 < int(headers.get(b"content-length", 0)) <= MOST_READ:
                while not messages or messages[-1].get("more_body"):
                    messages.append(await receive())
                body = b"".join(message.get("body", b"") for message in messages)
                names |= body_names(headers.get(b"content-type", ""), body)

            async def replay() -> Message:
                return messages.pop(0) if messages else await receive()

            await app(scope, replay, send)

        return recording


def template(path: str) -> str:
    """The path with `{repo}`, `{revision}`, `{path}` and `{oid}` for what differs between requests."""
    for pattern, replacement in _TEMPLATES:
        path = re.sub(pattern, replacement, path)
    return path


def body_names(media_type: str, body: bytes) -> set[str]:
    """The names of the parameters in a form, in JSON, or in lines of JSON."""
    if "x-www-form-urlencoded" in media_type:
        return {name for name, _ in parse_qsl(body.decode("latin-1"), keep_blank_values=True)}
    if "json" not in media_type:
        return set()
    names: set[str] = set()
    for line in body.split(b"\n") if "ndjson" in media_type else [body]:
        try:
            document = json.loads(line)
        except ValueError:
            continue  # empty, or longer than what is read
        if "ndjson" in media_type:
            document = {document["key"]: document["value"]}
        names |= set(_names(document))
    return names - {""}


def _names(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        inner = [name for key, each in value.items() for name in _names(each, f"{path}.{key}" if path else key)]
        return inner or [path]
    if isinstance(value, list):
        return [name for each in value for name in _names(each, path)] or [path]
    return [path]
