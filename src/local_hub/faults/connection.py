"""Sends an answer in a faulty way: reset, cut off, one byte per second, or not at all.

An ASGI server does not let an application misbehave below HTTP, so a protocol class exposes the connection to it.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope
from starlette.types import Send as AsgiSend
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTION = "local_hub.connection"
_ARRIVAL_SECONDS = 0.05  # time for the client to read what was sent, because a reset discards unread bytes

# The connection, then the head and the body of an answer.
Send = Callable[[asyncio.Transport, bytes, bytes], Awaitable[None]]


class ConnectionProtocol(H11Protocol):
    """uvicorn's protocol; it also puts the connection into the scope of each request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Wrap the application."""
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: AsgiSend) -> None:
            await inner({**scope, _CONNECTION: self.transport}, receive, send)

        self.app: ASGIApp = app


def connection_of(scope: Scope) -> asyncio.Transport:
    """Return the connection of a request."""
    connection: asyncio.Transport = scope[_CONNECTION]
    return connection


async def whole(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send everything and close."""
    connection.write(head + body)
    connection.close()


async def only_body(connection: asyncio.Transport, _: bytes, body: bytes) -> None:
    """Send only the body, so the answer is not HTTP."""
    connection.write(body)
    connection.close()


async def closed_before_headers(connection: asyncio.Transport, _: bytes, __: bytes) -> None:
    """Close the connection without an answer."""
    connection.close()


async def reset_before_headers(connection: asyncio.Transport, _: bytes, __: bytes) -> None:
    """Reset the connection instead of an answer."""
    _reset(connection)


async def reset_within_headers(connection: asyncio.Transport, head: bytes, _: bytes) -> None:
    """Reset the connection after half of the head."""
    await _half_then_reset(connection, b"", head)


async def reset_within_body(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Reset the connection after half of the body."""
    await _half_then_reset(connection, head, body)


async def slow_headers(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send the whole answer at one byte per second."""
    await _drip(connection, head + body)


async def slow_body(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send the head at once, and the body at one byte per second."""
    connection.write(head)
    await _drip(connection, body)


async def hang(_: asyncio.Transport, __: bytes, ___: bytes) -> None:
    """Send nothing, until the client gives up."""


async def _half_then_reset(connection: asyncio.Transport, before: bytes, halved: bytes) -> None:
    connection.write(before + halved[: len(halved) // 2])
    await asyncio.sleep(_ARRIVAL_SECONDS)
    _reset(connection)


async def _drip(connection: asyncio.Transport, text: bytes) -> None:
    for byte in text:
        if connection.is_closing():
            return
        connection.write(bytes([byte]))
        await asyncio.sleep(1)
    connection.close()


def _reset(connection: asyncio.Transport) -> None:
    # With a linger time of zero, closing sends RST instead of FIN.
    sock = connection.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
