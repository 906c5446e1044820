"""The only module that opens HTTP connections. It knows nothing of what flows: requests in, responses out.

No redirect is followed, TLS is always verified, one deadline stands over all calls, and an answer is bounded.
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
from urllib.parse import urlsplit

from hf_oidc import lean
from hf_oidc.errors import InvalidInput, LoginError, Redirected, TlsFailed
from hf_oidc.http_message import NoResponse, Request, Response
from hf_oidc.untrusted_text import shown
from hf_oidc.url import METADATA_SERVERS, host_of, is_loopback, require_secure, shown_url

with lean.imports():
    import urllib.request
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 15.0  # seconds; the Hub reports an outage of its own after about 10
CALL_TIMEOUT = 20.0  # seconds
MAX_BODY = 1_048_576  # bytes
REDIRECTS = {301, 302, 303, 307, 308}
# OpenSSL's word for it would send its reader looking for a version.
HANDSHAKE = {"WRONG_VERSION_NUMBER": "the port does not speak TLS"}
CERTIFICATE = r"-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----"


# Gives the one TLS context of a process.
Tls = Callable[[], ssl.SSLContext]


def trusting(ca_bundle: str) -> Tls:
    """The TLS context that trusts the system's certificates, and those of `ca_bundle` unless it is empty.

    It is made when it is first asked for: to read the system's certificates takes longer than a call. `ca_bundle` is a
    PEM file's path or PEM text. Raises `InvalidInput` if there is no certificate in it, at once.
    """
    tls = functools.cache(lambda: _context(ca_bundle))
    if ca_bundle:
        tls()
    return tls


def _context(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle:
        _trust_too(_certificates(ca_bundle), context)
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
        self._deadline = deadline
        self._clock = clock
        self._read_timeout = read_timeout
        self._call_timeout = call_timeout
        self._session = _Session()
        # The two calls are two services: what one sets, the other is not sent (cookies know hosts, but not ports).
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Else requests would take passwords from ~/.netrc, which replace the Authorization header, and certificates
        # and proxies from the process's environment rather than from `env`.
        self._session.trust_env = False
        self._session.mount("https://", _Adapter(tls))
        # `identity`: an answer that decompresses to more than it seems is not asked for, and not decompressed.
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "identity"})

    def send(self, request: Request) -> Response | NoResponse:
        """The answer to `request`, or why there was none before the deadline.

        Raises `InsecureUrl`, `Redirected` and `TlsFailed`: what no second try would mend.
        """
        require_secure(request.url, request.url_name, link_local=request.link_local)
        outcome: list[Response | NoResponse | LoginError] = []
        # In a thread, because neither the resolver nor a server that sends one byte a second can be stopped by a
        # socket's time-out. A daemon, because a call that was given up must not keep the process.
        call = threading.Thread(target=lambda: outcome.append(self._outcome(request)), daemon=True)
        try:
            call.start()
        except RuntimeError:  # the machine has no thread to spare at this moment
            return NoResponse(request.where, "no thread could be started")
        call.join(max(0.0, min(self.remaining, self._call_timeout)))
        if not outcome:
            in_time = self.remaining > 0
            return NoResponse(request.where, "timed out" if in_time else "the time-out of the login has passed")
        if isinstance(outcome[0], LoginError):
            raise outcome[0]
        return outcome[0]

    def _outcome(self, request: Request) -> Response | NoResponse | LoginError:
        try:
            with self._open(request) as response:
                return _read(request, response)
        except Exception as error:  # noqa: BLE001 - whichever it is, it holds the request, tokens and all: it ends here
            return _failure(request, error, "".join(proxies_for(request.url, self._env).values()))

    def _open(self, request: Request) -> requests.Response:
        remaining = max(0.001, self.remaining)
        return self._session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=(min(CONNECT_TIMEOUT, remaining), min(self._read_timeout, remaining)),
            proxies=proxies_for(request.url, self._env),
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


class _Adapter(HTTPAdapter):
    """Trusts what its TLS context trusts. requests would add the certificates that certifi ships."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        super().__init__()

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(*args, **kwargs, ssl_context=self._tls())

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._tls(), "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        conn.cert_reqs = "CERT_REQUIRED"


def proxies_for(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """The proxy that `env` names for `url`, by scheme, as requests takes it; none if it is to be reached directly.

    Lower-case names win, as in curl. This machine and a metadata server are never reached through a proxy: plain HTTP
    to them is allowed, and a proxy would carry that plain HTTP over the network.
    """
    parts = urlsplit(url)
    proxy = _setting(env, f"{parts.scheme}_proxy") or _setting(env, "all_proxy")
    # The two-argument form, which type stubs do not know, judges by the given list and not by os.environ.
    bypass: Callable[[str, dict[str, str]], bool] = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    host = parts.hostname or ""
    near = is_loopback(host) or host in METADATA_SERVERS
    if not proxy or near or bypass(parts.netloc, {"no": _setting(env, "no_proxy")}):
        return {}
    return {parts.scheme: proxy}


def _setting(env: Mapping[str, str], name: str) -> str:
    return env.get(name) or env.get(name.upper()) or ""


def _read(request: Request, response: requests.Response) -> Response | LoginError:
    if response.status_code in REDIRECTS:
        target = host_of(response.headers.get("location", ""))
        return Redirected(f"The answer is a redirect to {target}, which was not followed", request.where)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(request.phase, host_of(request.url), response.status_code, headers, _body(response))


def _body(response: requests.Response) -> bytes | None:
    body = b""
    # To the very end: that an answer was cut short shows only in the read after its last byte.
    while piece := response.raw.read(MAX_BODY + 1 - len(body), decode_content=False):
        body += piece
        if len(body) > MAX_BODY:
            return None
    return body


def _failure(request: Request, error: Exception, proxy: str) -> NoResponse | LoginError:
    causes = list(_causes(error))
    if proxy and isinstance(error, requests.exceptions.InvalidSchema):
        return InvalidInput("HTTPS_PROXY", "The proxy is of a kind that is not supported", "a proxy's http:// URL")
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = shown(cause.verify_message)
            return TlsFailed(f"The certificate of {host_of(request.url)} was not accepted: {reason}", request.where)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            # An SSLError that OpenSSL did not raise has no such attribute.
            name = getattr(cause, "reason", None) or "for an unknown reason"
            reason = HANDSHAKE.get(name, shown(name))
            return TlsFailed(f"The TLS handshake with {host_of(request.url)} failed: {reason}", request.where)
    through = f", through the proxy {shown_url(proxy)}" if proxy else ""
    return NoResponse(request.where, _reason(causes) + through)


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
    """`error` and what it was made from: requests and urllib3 hand the cause on as `reason` or as an argument."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        cause = pending.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]


def _certificates(ca_bundle: str) -> str:
    text = ca_bundle if "-----BEGIN" in ca_bundle else _file(ca_bundle)
    return "\n".join(re.findall(CERTIFICATE, text))


def _trust_too(certificates: str, context: ssl.SSLContext) -> None:
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        raise _no_certificate("holds no certificate that can be read") from None


def _file(path: str) -> str:
    problem = "cannot be read"
    with contextlib.suppress(OSError, ValueError):  # ValueError: a NUL in the name
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
    raise _no_certificate(f"{problem}: {shown(path)!r}")


def _no_certificate(problem: str) -> InvalidInput:
    expected = (
        "the path of a PEM file, or the PEM text itself; for the action it is a file of the checkout, whose container "
        "sees no other files of the runner"
    )
    return InvalidInput("ca-bundle", f"`ca-bundle` {problem}", expected)
