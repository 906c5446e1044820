"""Reads requests for all routes: a bounded JSON body, and a bearer token.

It knows no route, and not what a body means.
"""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_LIMIT = 1024 * 1024
# Read an oversized body to its end, up to this limit: otherwise the sender gets a reset instead of the 413.
DRAIN_LIMIT = 16 * BODY_LIMIT
NO_STORE = {"Cache-Control": "no-store"}


class BadBody(ValueError):
    """The body is not JSON; the message says how."""


async def read_json(request: Request) -> Any:
    """Read a JSON body. An empty body is None, but its Content-Type must be JSON too."""
    body = await read_body(request)
    # A web page cannot send this type to another origin without a preflight (Fetch standard, CORS).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadBody("Content-Type must be application/json")
    return parsed_json(body) if body else None


def parsed_json(body: bytes) -> Any:
    """Parse a JSON body."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody("the request body is not JSON") from None


def bearer_token(request: Request) -> str | None:
    """Return the bearer token, or None. The scheme is case-insensitive (RFC 9110 § 11.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def read_body(request: Request) -> bytes:
    """Read a body of at most `BODY_LIMIT` bytes; for a longer one, answer 413."""
    body, received = bytearray(), 0
    async for chunk in request.stream():
        received += len(chunk)
        if received <= BODY_LIMIT:
            body += chunk
        if received > DRAIN_LIMIT:
            break
    if received > BODY_LIMIT:
        raise HTTPException(413, f"the request body is larger than {BODY_LIMIT} bytes")
    return bytes(body)
