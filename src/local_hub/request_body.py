"""What every route shares: reading a bounded JSON body, reading a bearer token, answering in JSON.

It must not know any route, nor what a body means.
"""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_LIMIT = 1024 * 1024
# What is too long is read to its end, within reason, so that the sender is there to hear that it was.
DRAIN_LIMIT = 16 * BODY_LIMIT
NO_STORE = {"Cache-Control": "no-store"}


class BadBody(ValueError):
    """The body is not JSON; the message says how."""


async def read_json(request: Request) -> Any:
    """Read a JSON body; an empty one is None, but it too must say that it is JSON."""
    body = await read_body(request)
    # A web page cannot send this type elsewhere without asking first (Fetch standard, CORS-safelisted headers).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadBody("Content-Type must be application/json")
    return parsed_json(body) if body else None


def parsed_json(body: bytes) -> Any:
    """Read JSON that has arrived already."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody("the request body is not JSON") from None


def bearer_token(request: Request) -> str | None:
    """Read the token of an Authorization header; the scheme's case does not matter (RFC 9110 § 11.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def read_body(request: Request) -> bytes:
    """Read a body of at most `BODY_LIMIT` bytes; a longer one is answered with 413."""
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
