"""TLS faults by name: certificates and handshakes that every client must reject.

It creates the server side of TLS, valid or faulty.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

TLS_1_1 = "tls-1.1"
TLS_FAULTS = ("expired", "wrong-host", "unknown-ca", TLS_1_1)
_SERVED_NAMES = ("127.0.0.1", "::1", "localhost")


def server_context(authority: trustme.CA, fault: str | None) -> ssl.SSLContext:
    """Return the TLS context of the server; `authority` issues its certificate, unless the fault is `unknown-ca`."""
    import trustme  # noqa: PLC0415 - takes longer to load than most of Local Hub, which needs it for TLS alone

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = trustme.CA() if fault == "unknown-ca" else authority
    names = ("elsewhere.example",) if fault == "wrong-host" else _SERVED_NAMES
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    issuer.issue_cert(*names, not_after=yesterday if fault == "expired" else None).configure_cert(context)
    if fault == TLS_1_1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the outdated version is the fault
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def handshake_only(context: ssl.SSLContext) -> type[asyncio.Protocol]:
    """Return a protocol that performs the TLS handshake and serves nothing.

    asyncio does not send the alert when OpenSSL and the client agree on no version; this protocol does.
    """

    class HandshakeOnly(asyncio.Protocol):
        def __init__(self, **_: object) -> None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = transport

        def data_received(self, data: bytes) -> None:
            assert isinstance(self._transport, asyncio.WriteTransport)  # noqa: S101 - always true for TCP
            self._incoming.write(data)
            over = True
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                over = False
            except ssl.SSLError:
                pass  # OpenSSL has written the alert
            self._transport.write(self._outgoing.read())
            if over:
                self._transport.close()

    return HandshakeOnly
