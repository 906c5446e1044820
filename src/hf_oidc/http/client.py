"""The only module that opens HTTP connections. It does not know what the requests are for.

It follows no redirect, always verifies TLS, and limits the size of a response. One deadline holds for all calls. An
abandoned call is closed, so its thread and its socket end soon after it.
"""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from hf_oidc import deferred_imports
from hf_oidc.errors import InvalidInput, LoginError, Redirected, TlsFailed, TlsFault
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.http.proxy import Proxy, proxy_for
from hf_oidc.http.url import host_of, require_secure
from hf_oidc.sanitize import sanitize_line

with deferred_imports.imports():
    import encodings.idna  # noqa: F401 - urllib3 needs it for each host; imported here, its pattern stays lazy

    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 15.0  # seconds; the Hub reports some outages after about 10
CALL_TIMEOUT = 20.0  # seconds
MAX_BODY = 1_048_576  # bytes
REDIRECTS = {301, 302, 303, 307, 308}
# OpenSSL's text suggests a wrong version of TLS, which is misleading.
PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
# OpenSSL's X509_V_ERR_…: CERT_NOT_YET_VALID and CERT_HAS_EXPIRED; HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH. Nearly all
# others say that the certificate chain does not end at a trusted authority.
CERTIFICATE_FAULTS: Mapping[int, TlsFault] = {9: "date", 10: "date", 62: "host", 64: "host"}
# The text of http.client if a proxy refuses CONNECT.
REFUSED_BY_PROXY = r"Tunnel connection failed: (\d{3})"
OUT_OF_TIME = "the time-out of the login has passed"
CERTIFICATE = r"-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----"


# Returns the one TLS context of the process.
Tls = Callable[[], ssl.SSLContext]


def trusting(ca_bundle: str, name: str = "ca-bundle") -> Tls:
    """The TLS context that trusts the system's certificates and those of `ca_bundle`, which may be empty.

    The context is created on first use, because reading the system's certificates takes longer than a call. `ca_bundle`
    is PEM text or the path of a PEM file; `name` is the user's name for this input. Raises `InvalidInput` at once if
    it contains no certificate.
    """
    tls = functools.cache(lambda: _context(ca_bundle, name))
    if ca_bundle:
        tls()
    return tls


def _context(ca_bundle: str, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle:
        text = ca_bundle if "-----BEGIN" in ca_bundle else _file(ca_bundle, name)
        try:
            context.load_verify_locations(cadata="\n".join(re.findall(CERTIFICATE, text)))
        except (ssl.SSLError, ValueError):
            raise _no_certificate(name, "holds no certificate that can be read") from None
    return context


class Deadline(NamedTuple):
    """`end` is a time of `clock`, in seconds. The clock must be monotonic: the wall clock can change."""

    end: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        """The deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.end - self.clock()


class Transport:
    """Sends requests until `deadline`.

    `read_timeout`: how many seconds a server may be silent during a call. `call_timeout`: how many seconds a whole call
    may take, so that there is time for another attempt.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        tls: Tls,
        user_agent: str,
        deadline: Deadline,
        read_timeout: float = READ_TIMEOUT,
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._env = env
        self._tls = tls
        self._user_agent = user_agent
        self._deadline = deadline
        self._read_timeout = read_timeout
        self._call_timeout = call_timeout

    def send(self, request: Request) -> Response | NoResponse:
        """The response, or the reason why there was none before the deadline.

        Raises `InsecureUrl`, `Redirected` and `TlsFailed`, which are not retryable.
        """
        require_secure(request.url, request.url_name, link_local=request.link_local)
        proxy = proxy_for(request.url, self._env)
        if proxy and proxy.problem:
            return NoResponse(request.where._replace(proxy_variable=proxy.variable), proxy.problem, retryable=False)
        seconds = min(self._deadline.remaining, self._call_timeout)
        if seconds <= 0:
            return NoResponse(request.where, OUT_OF_TIME)
        call = _Call()
        outcome: list[Response | NoResponse | LoginError] = []
        # In a thread, because a socket's timeout stops neither the resolver nor a server that sends a byte per second.
        # A daemon thread, because the resolver cannot be interrupted and must not keep the process alive.
        thread = threading.Thread(target=lambda: outcome.append(self._outcome(request, proxy, call)), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads now
            return NoResponse(request.where, "no thread could be started")
        try:
            thread.join(seconds)
            in_time = outcome[:]  # a later outcome only says that the call was abandoned
        finally:
            call.give_up()  # no effect after its end
        if not in_time:
            return NoResponse(request.where, OUT_OF_TIME if self._deadline.remaining <= 0 else "timed out")
        if isinstance(in_time[0], LoginError):
            raise in_time[0]
        return in_time[0]

    def _outcome(self, request: Request, proxy: Proxy | None, call: _Call) -> Response | NoResponse | LoginError:
        remaining = max(0.001, self._deadline.remaining)
        try:
            with (
                call,
                self._session() as session,
                session.send(
                    _prepared(request, session.headers),
                    timeout=(min(CONNECT_TIMEOUT, remaining), min(self._read_timeout, remaining)),
                    proxies={"https": proxy.url} if proxy else {},  # plain HTTP goes to no other machine
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                return _read(request, response)
        except Exception as error:  # noqa: BLE001 - any exception may hold the request and its token, so it must not leave this thread
            return _failure(request, error, proxy)

    def _session(self) -> requests.Session:
        """A new session for each call, so that cookies of one service are not sent to the other."""
        session = _Session()
        # Otherwise requests would replace the Authorization header by a password of ~/.netrc, and take certificates
        # and proxies from the environment of the process instead of `env`.
        session.trust_env = False
        for scheme in POOLS:
            session.mount(f"{scheme}://", _Adapter(self._tls))
        # `identity`: a compressed response could be much larger than it seems.
        session.headers.update({"User-Agent": self._user_agent, "Accept-Encoding": "identity"})
        return session


def _prepared(request: Request, defaults: Mapping[str, str | bytes]) -> requests.PreparedRequest:
    prepared = _VerbatimRequest()
    prepared.prepare(request.method, request.url, {**defaults, **request.headers}, data=request.body)
    return prepared


class _VerbatimRequest(requests.PreparedRequest):
    """Sends its URL unchanged. The caller has checked it with `require_secure`.

    requests would parse it with urllib3; compiling that regular expression takes 3 % of a login.
    """

    def prepare_url(self, url: Any, params: Any) -> None:  # noqa: ARG002 - requests' signature
        self.url = url


class _Session(requests.Session):
    """Does not evaluate redirects.

    requests does so even with `allow_redirects=False`: it reads and decompresses the whole body, and fails if it cannot
    parse `Location`.
    """

    def resolve_redirects(self, *_args: Any, **_kwargs: Any) -> Iterator[Any]:
        return iter(())


class _Call:
    """The sockets of a call. Another thread can shut them down, which ends the call."""

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
        """`connection`, unless the call was abandoned while the resolver worked. Nothing is sent then."""
        with self._lock:
            if self._given_up:
                connection.close()
                raise TimeoutError
            # A duplicate, because the TLS layer detaches the first object from the connection.
            self._sockets.append(connection.dup())
        return connection

    def give_up(self) -> None:
        """Shuts the connections down, which wakes the thread that uses them."""
        with self._lock:
            self._given_up = True
            for each in self._sockets:
                with contextlib.suppress(OSError):  # the server has closed it
                    each.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    call: _Call  # the call of the current thread


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
    """Uses our TLS context, also for a proxy. requests would add the certificates of certifi."""

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
    status, host = response.status_code, host_of(request.url)
    if status in REDIRECTS:
        location = response.headers.get("location", "")
        with contextlib.suppress(ValueError):  # it is not a URL
            # Of the same host it may be a path alone (RFC 9110 § 10.2.2).
            location = location and urljoin(request.url, location)
        what = f"The answer is a redirect to {host_of(location)}, which was not followed"
        return Redirected(what, request.where._replace(status=status))
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = b""
    # Read to the end: only the read after the last byte shows whether the response was cut short.
    while piece := response.raw.read(MAX_BODY + 1 - len(body), decode_content=False):
        body += piece
        if len(body) > MAX_BODY:
            return Response(request.phase, host, status, headers, None)
    return Response(request.phase, host, status, headers, body)


def _failure(request: Request, error: Exception, proxy: Proxy | None) -> NoResponse | LoginError:
    causes = list(_causes(error))
    proxy_named = f"the proxy {host_of(proxy.url)} (`{proxy.variable}`)" if proxy else ""
    # requests raises ProxyError if the proxy was not reached, so the certificate is then the proxy's.
    at_proxy = proxy is not None and isinstance(error, requests.exceptions.ProxyError)
    host = proxy_named if at_proxy else host_of(request.url)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = sanitize_line(cause.verify_message.removesuffix("."))  # some texts of Python have a full stop
            fault = CERTIFICATE_FAULTS.get(cause.verify_code, "authority")
            return TlsFailed(f"The certificate of {host} was not accepted: {reason}", request.where, fault)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            # Only an SSLError from OpenSSL has this attribute.
            name = getattr(cause, "reason", None) or "for an unknown reason"
            reason = "the port does not speak TLS" if name in PLAIN else sanitize_line(name)
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
        # A 4xx means that the proxy does not allow this request, so another attempt would fail too.
        return NoResponse(where, f"{proxy_named} answered HTTP {refusal[1]}", retryable=not refusal[1].startswith("4"))
    if unresolved:  # the name of the proxy, because the proxy resolves the name of the host
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
    """`error` and its causes. requests and urllib3 also keep a cause as an argument."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        cause = pending.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [*cause.args, cause.__cause__, cause.__context__]


def _file(path: str, name: str) -> str:
    problem = "cannot be read"
    with contextlib.suppress(OSError):
        file = Path(path)
        if not file.is_file():
            problem = "is not a file" if file.exists() else "does not exist here"
        else:
            # Latin-1 can decode every byte: comments around the certificates may have any encoding.
            with file.open(encoding="latin-1") as opened:
                text = opened.read(MAX_BODY + 1)
            if len(text) <= MAX_BODY:
                return text
            problem = "is larger than 1 MiB"
    raise _no_certificate(name, f"{problem}: {sanitize_line(path)!r}")


def _no_certificate(name: str, problem: str) -> InvalidInput:
    return InvalidInput(name, f"`{name}` {problem}", "the path of a PEM file, or the PEM text itself")
