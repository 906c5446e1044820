"""How an answer goes wrong on its way: reset, cut short, a byte a second, or never sent at all.

HTTP servers do not let an application misbehave below HTTP, so a protocol class hands it the connection. This module
must not know what an answer says, nor when a fault is due.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTION = "local_hub.connection"
_ARRIVAL_SECONDS = 0.05  # what was sent has been read by the other side before the reset overtakes it

# The connection, then the head and the body of an answer.
Manner = Callable[[asyncio.Transport, bytes, bytes], Awaitable[None]]


class OpenHandedProtocol(H11Protocol):
    """uvicorn's own protocol; each request's scope also holds the connection that it came on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Put the connection into every scope that the application is given."""
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, _CONNECTION: self.transport}, receive, send)

        self.app: ASGIApp = app


def connection_of(scope: Scope) -> asyncio.Transport:
    """Give the connection that the request came on."""
    connection: asyncio.Transport = scope[_CONNECTION]
    return connection


async def whole(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send everything, and close."""
    connection.write(head + body)
    connection.close()


async def only_body(connection: asyncio.Transport, _: bytes, body: bytes) -> None:
    """Send the body alone: what comes is not HTTP."""
    connection.write(body)
    connection.close()


async def closed_before_headers(connection: asyncio.Transport, _: bytes, __: bytes) -> None:
    """Hang up without a word."""
    connection.close()


async def reset_before_headers(connection: asyncio.Transport, _: bytes, __: bytes) -> None:
    """Reset the connection instead of an answer."""
    _reset(connection)


async def reset_within_headers(connection: asyncio.Transport, head: bytes, _: bytes) -> None:
    """Reset the connection when half of the head is sent."""
    await _half_then_reset(connection, b"", head)


async def reset_within_body(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Reset the connection when half of the body is sent."""
    await _half_then_reset(connection, head, body)


async def slow_headers(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send the answer a byte a second from its first byte on."""
    await _drip(connection, head + body)


async def slow_body(connection: asyncio.Transport, head: bytes, body: bytes) -> None:
    """Send the head at once, and the body a byte a second."""
    connection.write(head)
    await _drip(connection, body)


async def hang(_: asyncio.Transport, __: bytes, ___: bytes) -> None:
    """Send nothing, and wait for the other side to give up."""


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
    # With a linger time of zero, closing sends RST in place of FIN.
    sock = connection.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
