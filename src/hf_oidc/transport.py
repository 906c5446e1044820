"""The only module that opens HTTP connections. It knows nothing of what flows: requests in, responses out.

No redirect is followed, TLS is always verified, one deadline stands over all calls, and an answer is bounded. A call
that is given up is closed: no thread and no socket outlives it for long.
"""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from hf_oidc import lean
from hf_oidc.errors import InvalidInput, LoginError, Redirected, TlsFailed, TlsFault
from hf_oidc.http_message import NoResponse, Request, Response
from hf_oidc.proxy import Proxy, proxy_for
from hf_oidc.untrusted_text import shown
from hf_oidc.url import host_of, require_secure

with lean.imports():
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 15.0  # seconds; the Hub reports an outage of its own after about 10
CALL_TIMEOUT = 20.0  # seconds
MAX_BODY = 1_048_576  # bytes
REDIRECTS = {301, 302, 303, 307, 308}
# OpenSSL's word for it would send its reader looking for a version.
PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
# OpenSSL's X509_V_ERR_…: CERT_NOT_YET_VALID and CERT_HAS_EXPIRED; HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH. Nearly all
# of the others say that the certificate leads to nobody who is trusted.
CERTIFICATE_FAULTS: Mapping[int, TlsFault] = {9: "date", 10: "date", 62: "host", 64: "host"}
# http.client's words for a proxy's answer to CONNECT.
REFUSED_BY_PROXY = r"Tunnel connection failed: (\d{3})\b"
OUT_OF_TIME = "the time-out of the login has passed"
CERTIFICATE = r"-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----"


# Gives the one TLS context of a process.
Tls = Callable[[], ssl.SSLContext]


def trusting(ca_bundle: str, name: str = "ca-bundle") -> Tls:
    """The TLS context that trusts the system's certificates, and those of `ca_bundle` unless it is empty.

    It is made when it is first asked for: to read the system's certificates takes longer than a call. `ca_bundle` is a
    PEM file's path or PEM text, which the user calls `name`. Raises `InvalidInput` if there is no certificate in
    it, at once.
    """
    tls = functools.cache(lambda: _context(ca_bundle, name))
    if ca_bundle:
        tls()
    return tls


def _context(ca_bundle: str, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle:
        _trust_too(_certificates(ca_bundle, name), context, name)
    return context


class Transport:
    """Sends requests until `deadline`, a time of `clock` (seconds).

    `read_timeout`: seconds that a server may be silent in the midst of a call. `call_timeout`: seconds for the whole of
    a call, after which another can be tried.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        tls: Tls,
        user_agent: str,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        read_timeout: float = READ_TIMEOUT,
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._env = env
        self._tls = tls
        self._user_agent = user_agent
        self._deadline = deadline
        self._clock = clock
        self._read_timeout = read_timeout
        self._call_timeout = call_timeout

    def send(self, request: Request) -> Response | NoResponse:
        """The answer to `request`, or why there was none before the deadline.

        Raises `InsecureUrl`, `Redirected` and `TlsFailed`: what no second try would mend.
        """
        require_secure(request.url, request.url_name, link_local=request.link_local)
        proxy = proxy_for(request.url, self._env)
        if proxy and proxy.problem:
            return NoResponse(request.where._replace(proxy_variable=proxy.variable), proxy.problem, passing=False)
        seconds = min(self.remaining, self._call_timeout)
        if seconds <= 0:
            return NoResponse(request.where, OUT_OF_TIME)
        call = _Call()
        outcome: list[Response | NoResponse | LoginError] = []
        # In a thread, because neither the resolver nor a server that sends one byte a second can be stopped by a
        # socket's time-out. A daemon, because the resolver's part cannot be closed and must not keep the process.
        thread = threading.Thread(target=lambda: outcome.append(self._outcome(request, proxy, call)), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread to spare at this moment
            return NoResponse(request.where, "no thread could be started")
        try:
            thread.join(seconds)
            in_time = outcome[:]  # what comes now is but that the call was given up
        finally:
            call.give_up()  # of no effect on one that has ended
        if not in_time:
            return NoResponse(request.where, OUT_OF_TIME if self.remaining <= 0 else "timed out")
        if isinstance(in_time[0], LoginError):
            raise in_time[0]
        return in_time[0]

    def _outcome(self, request: Request, proxy: Proxy | None, call: _Call) -> Response | NoResponse | LoginError:
        try:
            with call, self._session() as session, self._open(session, request, proxy) as response:
                return _read(request, response)
        except Exception as error:  # noqa: BLE001 - whichever it is, it holds the request, tokens and all: it ends here
            return _failure(request, error, proxy)

    def _session(self) -> requests.Session:
        """One for each call: the two calls are two services, and what one sets, the other is not sent."""
        session = _Session()
        # Else requests would take passwords from ~/.netrc, which replace the Authorization header, and certificates
        # and proxies from the process's environment rather than from `env`.
        session.trust_env = False
        for scheme in POOLS:
            session.mount(f"{scheme}://", _Adapter(self._tls))
        # `identity`: an answer that decompresses to more than it seems is not asked for, and not decompressed.
        session.headers.update({"User-Agent": self._user_agent, "Accept-Encoding": "identity"})
        return session

    def _open(self, session: requests.Session, request: Request, proxy: Proxy | None) -> requests.Response:
        remaining = max(0.001, self.remaining)
        return session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=(min(CONNECT_TIMEOUT, remaining), min(self._read_timeout, remaining)),
            proxies={"https": proxy.url} if proxy else {},  # plain HTTP goes to no other machine
            allow_redirects=False,
            stream=True,
        )

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self._deadline - self._clock()


class _Session(requests.Session):
    """Does not look where a redirect leads.

    requests does even if it is not to follow: it reads the answer's body for it, whole and decompressed, and fails on a
    `Location` that it cannot parse.
    """

    def resolve_redirects(self, *_args: Any, **_kwargs: Any) -> Iterator[Any]:
        return iter(())


class _Call:
    """A call's socket, which another thread can shut: to give up waiting for a thread does not end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._given_up = False

    def __enter__(self) -> None:
        CURRENT.call = self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def opened(self, connection: socket.socket) -> socket.socket:
        """`connection`, if it is still wanted: where the resolver took too long, nothing is sent any more."""
        with self._lock:
            if self._given_up:
                connection.close()
                raise TimeoutError
            # A second handle on the same connection: TLS takes the first one over, and leaves its object empty.
            self._sockets.append(connection.dup())
        return connection

    def give_up(self) -> None:
        """Ends the connection, which wakes whoever reads from it or writes to it."""
        with self._lock:
            self._given_up = True
            for each in self._sockets:
                with contextlib.suppress(OSError):  # the server has ended it
                    each.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    call: _Call  # that of the thread which asks


CURRENT = _Current()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return CURRENT.call.opened(super()._new_conn())


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return CURRENT.call.opened(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """Trusts what its TLS context trusts, a proxy too. requests would add the certificates that certifi ships."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs, proxy_ssl_context=self._tls())
        manager.pool_classes_by_scheme = POOLS
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "http":
            return host, pool
        return host, {**pool, "ssl_context": self._tls()}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        conn.cert_reqs = "CERT_REQUIRED"


def _read(request: Request, response: requests.Response) -> Response | LoginError:
    if response.status_code in REDIRECTS:
        return _redirected(request, response)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(request.phase, host_of(request.url), response.status_code, headers, _body(response))


def _redirected(request: Request, response: requests.Response) -> Redirected:
    location = response.headers.get("location", "")
    with contextlib.suppress(ValueError):  # it is no URL
        # Of the same host it may be a path alone (RFC 9110 § 10.2.2).
        location = location and urljoin(request.url, location)
    where = request.where._replace(status=response.status_code)
    return Redirected(f"The answer is a redirect to {host_of(location)}, which was not followed", where)


def _body(response: requests.Response) -> bytes | None:
    body = b""
    # To the very end: that an answer was cut short shows only in the read after its last byte.
    while piece := response.raw.read(MAX_BODY + 1 - len(body), decode_content=False):
        body += piece
        if len(body) > MAX_BODY:
            return None
    return body


def _failure(request: Request, error: Exception, proxy: Proxy | None) -> NoResponse | LoginError:
    causes = list(_causes(error))
    proxy_named = f"the proxy {host_of(proxy.url)} (`{proxy.variable}`)" if proxy else ""
    # requests has an error of its own for what went wrong before the proxy was reached: the certificate is its then.
    at_proxy = proxy is not None and isinstance(error, requests.exceptions.ProxyError)
    host = proxy_named if at_proxy else host_of(request.url)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = shown(cause.verify_message.removesuffix("."))  # some of Python's have a full stop
            fault = CERTIFICATE_FAULTS.get(cause.verify_code, "authority")
            return TlsFailed(f"The certificate of {host} was not accepted: {reason}", request.where, fault)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            # An SSLError that OpenSSL did not raise has no such attribute.
            name = getattr(cause, "reason", None) or "for an unknown reason"
            reason = "the port does not speak TLS" if name in PLAIN else shown(name)
            at_fault = proxy.variable if proxy and at_proxy else ""
            where = request.where._replace(proxy_variable=at_fault)
            fault = "plain" if name in PLAIN else "handshake"
            return TlsFailed(f"The TLS handshake with {host} failed: {reason}", where, fault)
    unresolved = any(isinstance(cause, socket.gaierror) for cause in causes)
    where = request.where._replace(unresolved=unresolved)
    if proxy is None:
        return NoResponse(where, _reason(causes))
    where = where._replace(proxy=host_of(proxy.url), proxy_variable=proxy.variable)
    if refusal := next(filter(None, (re.match(REFUSED_BY_PROXY, str(cause)) for cause in causes)), None):
        # What it does not allow, it will not allow at the next try.
        return NoResponse(where, f"{proxy_named} answered HTTP {refusal[1]}", passing=not refusal[1].startswith("4"))
    if unresolved:  # the proxy's, for it is the proxy that looks up the host
        return NoResponse(where, f"the name of {proxy_named} could not be resolved")
    return NoResponse(where, f"{_reason(causes)}, through {proxy_named}")


def _reason(causes: list[BaseException]) -> str:
    if any(isinstance(cause, (TimeoutError, requests.Timeout)) for cause in causes):
        return "timed out"
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its name could not be resolved"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return f"the connection broke off ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was made from: requests and urllib3 also hand a cause on as an argument."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        cause = pending.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [*cause.args, cause.__cause__, cause.__context__]


def _certificates(ca_bundle: str, name: str) -> str:
    text = ca_bundle if "-----BEGIN" in ca_bundle else _file(ca_bundle, name)
    return "\n".join(re.findall(CERTIFICATE, text))


def _trust_too(certificates: str, context: ssl.SSLContext, name: str) -> None:
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        raise _no_certificate(name, "holds no certificate that can be read") from None


def _file(path: str, name: str) -> str:
    problem = "cannot be read"
    with contextlib.suppress(OSError):
        file = Path(path)
        if not file.is_file():
            problem = "is not a file" if file.exists() else "does not exist here"
        else:
            # Latin-1 reads every byte: what is not a certificate is comment, in whatever encoding.
            with file.open(encoding="latin-1") as opened:
                text = opened.read(MAX_BODY + 1)
            if len(text) <= MAX_BODY:
                return text
            problem = "is larger than 1 MiB"
    raise _no_certificate(name, f"{problem}: {shown(path)!r}")


def _no_certificate(name: str, problem: str) -> InvalidInput:
    return InvalidInput(name, f"`{name}` {problem}", "the path of a PEM file, or the PEM text itself")
