"""The transport, against real sockets: what it sends, what it bounds, what it refuses to do."""

import contextlib
import gzip
import itertools
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from requests.adapters import HTTPAdapter

from hf_oidc.errors import InsecureUrl, InvalidInput, LoginError, Redirected, TlsFailed, Where
from hf_oidc.http.client import Deadline, Transport, _Call, _causes, _failure, trusting
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.sanitize import sanitize_line
from tests.connect_proxy import tunnel
from tests.leaks import PASSWORDS, URL_FORMS, shows_password
from tests.scripted_server import Answer, Recorded, scripted_server
from tests.tiresome_server import tiresome_server

SECRET = "secret-of-the-request"
UNKNOWN = "an unknown host"
MAX_BODY = 1_048_576  # bytes; messages say "1 MiB"


def request(url: str) -> Request:
    """A call that carries a credential."""
    return Request("mint", "GET", url, "hub-url", {"Authorization": f"Bearer {SECRET}"})


def within(seconds: float) -> Deadline:
    """So many seconds from now."""
    return Deadline.after(seconds, time.monotonic)


def transport(*, ca: trustme.CA | None = None, timeout: float = 30, env: Mapping[str, str] | None = None) -> Transport:
    """A transport that trusts `ca` and gives up after `timeout` seconds."""
    bundle = ca.cert_pem.bytes().decode() if ca else ""
    return Transport(
        env=env or {},
        tls=trusting(bundle),
        user_agent="hf-oidc-action/test",
        deadline=within(timeout),
    )


def get(url: str, **options: object) -> Response:
    """The answer of a server that gives one."""
    answer = transport(**options).send(request(url))  # type: ignore[arg-type]  # handed through by name
    assert isinstance(answer, Response)
    return answer


@contextlib.contextmanager
def raw_server(*chunks: bytes, pause: float = 0.0, seen: list[bytes] | None = None) -> Iterator[str]:
    """A server that sends these bytes to whoever connects, with a pause after each, and then closes.

    `seen`: where to note what it has received.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                received = connection.recv(65_536)
                if seen is not None:
                    seen.append(received)
                for chunk in chunks:
                    connection.sendall(chunk)
                    if stop.wait(pause):
                        return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_sends_what_it_is_given_and_who_it_is() -> None:
    """Method, headers, body and User-Agent; an answer that is not compressed is asked for."""
    with scripted_server({"/x": Answer({"ok": True}, headers={"X-Request-Id": "id-1"})}) as server:
        sent = Request(
            "exchange", "POST", f"{server.url}/x?a=b%2Fc", "hub-url", {"Content-Type": "text/plain"}, b"body"
        )
        answer = transport().send(sent)
    assert isinstance(answer, Response)
    assert answer.json_object() == {"ok": True}
    assert answer.where == Where("exchange", server.url.removeprefix("http://"), 200, "id-1")
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/x", {"a": ["b/c"]}, b"body")
    assert seen.headers["user-agent"] == "hf-oidc-action/test"
    assert seen.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("target", ["/", "/a/../b", "/x?a=%7E&b=c%2Fd"])
def test_the_url_is_sent_as_it_is(target: str) -> None:
    """A server may sign what it has given, or compare it to the letter."""
    seen: list[bytes] = []
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", seen=seen) as server:
        assert get(f"{server}{target}").status == 200
    assert seen[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("status", [200, 204, 304, 400, 404, 500, 599])
def test_every_status_that_is_no_redirect_is_an_answer(status: int) -> None:
    """What a status means is for others to say."""
    with scripted_server({"/x": Answer(status=status)}) as server:
        assert get(f"{server.url}/x").status == status


@pytest.mark.parametrize("location", ["http://[::1", "\xff\xfe", "//", "http://x:99999999/", "x" * 5000, None])
def test_a_redirect_to_nowhere_is_a_redirect(location: str | None) -> None:
    """A `Location` that cannot be parsed, or is not there, is followed as little as any other, and shown bounded."""
    answer = Answer(status=302, headers={"Location": location} if location else {})
    with scripted_server({"/x": answer}) as server, pytest.raises(Redirected) as caught:
        transport().send(request(f"{server.url}/x"))
    assert len(caught.value.what) < 300
    assert caught.value.where == request(f"{server.url}/x").where._replace(status=302)


@pytest.mark.parametrize(
    ("headers", "target"), [({"Location": "/sign-in"}, "{host}"), ({"Location": "mailto:x"}, UNKNOWN), ({}, UNKNOWN)]
)
def test_a_redirect_without_a_host(headers: dict[str, str], target: str) -> None:
    """A path alone leads to the same host; what leads nowhere is said to be unknown."""
    with scripted_server({"/x": Answer(status=302, headers=headers)}) as server, pytest.raises(Redirected) as caught:
        transport().send(request(f"{server.url}/x"))
    host = server.url.removeprefix("http://")
    assert caught.value.what == f"The answer is a redirect to {target.format(host=host)}, which was not followed"


@pytest.mark.parametrize(
    "headers",
    [b"Content-Encoding: gzip\r\nContent-Length: 999999999\r\n", b"Transfer-Encoding: chunked\r\n", b""],
    ids=["a gzip bomb", "chunks without end", "no end"],
)
def test_the_body_of_a_redirect_is_not_read(headers: bytes) -> None:
    """requests would read it to its end, and decompress it, although the redirect is not followed."""
    head = b"HTTP/1.1 302 Found\r\nLocation: https://x.example/\r\n" + headers + b"\r\n"
    bomb = gzip.compress(b"x" * 5_000_000)
    with raw_server(head, *[bomb] * 100, pause=0.05) as url, pytest.raises(Redirected):
        transport().send(request(url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_follows_no_redirect(status: int) -> None:
    """The other host is named in the error and receives nothing."""
    with scripted_server({}) as other:
        location = {"Location": f"{other.url}/y?{SECRET}"}
        with (
            scripted_server({"/x": Answer(status=status, headers=location)}) as server,
            pytest.raises(Redirected) as caught,
        ):
            transport().send(request(f"{server.url}/x"))
    assert other.requests == []
    assert other.url.removeprefix("http://") in caught.value.what
    assert SECRET not in caught.value.what


def test_refuses_plain_http_to_another_machine() -> None:
    """The last check before a socket is opened, and it says whose URL it was."""
    with pytest.raises(InsecureUrl) as caught:
        transport().send(request("http://hub.example/x"))
    assert caught.value.input_name == "hub-url"


def test_a_metadata_server_is_reached_where_it_is_meant_and_nowhere_else() -> None:
    """Over plain HTTP; the time has passed here, so that no machine's own is asked."""
    asked = request("http://metadata.google.internal/x")
    said = transport(timeout=-1).send(asked._replace(link_local=True))
    assert said == NoResponse(asked.where, "the time-out of the login has passed")
    with pytest.raises(InsecureUrl):
        transport(timeout=-1).send(asked)


def test_trusts_an_extra_certificate_authority() -> None:
    """`ca-bundle` is trusted."""
    ca = trustme.CA()
    with scripted_server({"/x": Answer("ok")}, tls=ca) as server:
        assert get(f"{server.url}/x", ca=ca).body == b"ok"


def test_refuses_an_unknown_certificate_authority_before_it_sends_anything() -> None:
    """No request reaches a server that nobody vouches for; the reason is OpenSSL's."""
    with scripted_server({"/x": Answer("ok")}, tls=trustme.CA()) as server, pytest.raises(TlsFailed) as caught:
        transport(ca=trustme.CA()).send(request(f"{server.url}/x"))
    assert server.requests == []
    host = server.url.removeprefix("https://")
    assert caught.value.what == f"The certificate of {host} was not accepted: unable to get local issuer certificate"
    assert caught.value.where == request(server.url).where
    assert caught.value.fault == "authority"


def test_refuses_a_certificate_of_another_host() -> None:
    """The name in the certificate counts."""
    ca = trustme.CA()
    with scripted_server({"/x": Answer("ok")}, tls=ca) as server, pytest.raises(TlsFailed, match="localhost") as caught:
        transport(ca=ca).send(request(f"{server.url.replace('127.0.0.1', 'localhost')}/x"))
    assert caught.value.fault == "host"
    assert not caught.value.what.endswith(".")


def test_refuses_a_server_that_speaks_an_old_tls() -> None:
    """TLS 1.2 is the least."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    assert trusting("")().minimum_version == ssl.TLSVersion.TLSv1_2
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as url, pytest.raises(TlsFailed, match="handshake") as caught:
        transport().send(request(url.replace("http:", "https:")))
    assert caught.value.fault == "plain"


def test_bounds_the_body() -> None:
    """A body of exactly 1 MiB is kept, a byte more is none; the rest of that response is."""
    with scripted_server({"/a": Answer(b"x" * MAX_BODY), "/b": Answer(b"x" * (MAX_BODY + 1), status=400)}) as server:
        assert len(get(f"{server.url}/a").body or b"") == MAX_BODY
        longer = get(f"{server.url}/b")
    host = server.url.removeprefix("http://")
    assert longer == Response("mint", host, 400, longer.headers, None)
    assert longer.headers["content-length"] == str(MAX_BODY + 1)


def test_what_is_sent_beyond_the_bound_is_not_waited_for() -> None:
    """A server that sends without end fills no memory: after a byte too many nothing more is read."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with raw_server(head + b"x" * (MAX_BODY + 1), b"", pause=60) as url:
        assert get(url).body is None


def test_does_not_decompress() -> None:
    """A compressed answer was not asked for, and stays what it is."""
    bomb = gzip.compress(b"x" * 10_000_000)
    with scripted_server({"/x": Answer(bomb, headers={"Content-Encoding": "gzip"})}) as server:
        assert get(f"{server.url}/x").body == bomb


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ((), "connection broke off"),
        ((b"\r\n\r\n",), "connection broke off"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",), "connection broke off"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), "connection broke off"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "connection broke off"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",), "connection broke off"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",), "connection broke off"),
    ],
)
def test_a_broken_answer_is_none(chunks: tuple[bytes, ...], reason: str) -> None:
    """A server that breaks off or speaks something else ends in a reason, in words."""
    with raw_server(*chunks) as url:
        answer = transport().send(request(url))
    assert isinstance(answer, NoResponse)
    assert reason in answer.reason


def test_a_closed_port_is_said_to_be_one() -> None:
    """The operating system's own words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = transport().send(request(f"http://127.0.0.1:{port}"))
    assert isinstance(answer, NoResponse)
    assert answer.reason == "connection refused"


def test_a_name_that_cannot_be_resolved_is_said_to_be_one() -> None:
    """RFC 6761 § 6.4: `.invalid` has no addresses."""
    answer = transport().send(request("https://hub.invalid"))
    assert isinstance(answer, NoResponse)
    assert answer.reason == "its name could not be resolved"
    assert (answer.where.unresolved, answer.where.proxy) == (True, "")


def test_a_proxy_whose_name_cannot_be_resolved_is_said_to_be_one() -> None:
    """It is the proxy's name that was looked up, and not the Hub's."""
    answer = transport(env={"HTTPS_PROXY": "http://proxy.invalid:3128"}).send(request("https://hub.example"))
    assert isinstance(answer, NoResponse)
    assert answer.reason == "the name of the proxy proxy.invalid:3128 (`HTTPS_PROXY`) could not be resolved"
    assert (answer.where.unresolved, answer.where.proxy) == (True, "proxy.invalid:3128")


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"")],
    ids=["before its answer", "in the midst of it"],
)
def test_a_server_that_falls_silent_is_given_up_before_the_deadline(before: bytes, after: bytes) -> None:
    """What it says after a silence is not waited for: another try may be answered at once."""
    patient = Transport(env={}, tls=trusting(""), user_agent="test", deadline=within(600), read_timeout=0.1)
    with raw_server(before, *[b""] * 10, after + b"x" * 9, pause=0.5) as url:
        answer = patient.send(request(url))
    assert isinstance(answer, NoResponse)
    assert answer.reason == "timed out"


def test_a_server_that_drips_is_given_up_before_the_deadline() -> None:
    """So that there is time for another try; a byte now and then keeps the read time-out from striking."""
    hurried = Transport(env={}, tls=trusting(""), user_agent="test", deadline=within(600), call_timeout=0.3)
    with raw_server(b"HTTP/1.1 200 OK\r\n", *[b"X-Slow: 1\r\n"] * 1000, pause=0.05) as url:
        answer = hurried.send(request(url))
    assert isinstance(answer, NoResponse)
    assert answer.reason == "timed out"


@pytest.mark.slow
@pytest.mark.parametrize(
    "chunks",
    [
        [b""] * 1000,
        [b"HTTP/1.1 200 OK\r\n", *[b"X-Slow: 1\r\n"] * 1000],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 1000],
    ],
    ids=["says nothing", "headers drip", "body drips"],
)
def test_the_deadline_holds_however_slowly_a_server_answers(chunks: list[bytes]) -> None:
    """A byte now and then keeps a socket's time-out from striking; the deadline strikes all the same."""
    began = time.monotonic()
    with raw_server(*chunks, pause=0.2) as url:
        answer = transport(timeout=1).send(request(url))
        took = time.monotonic() - began
    assert isinstance(answer, NoResponse)
    # Either the socket's time-out or the deadline, whichever a thread is told of first.
    assert answer.reason in {"timed out", "the time-out of the login has passed"}
    assert took < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("passes", "reason"), [(10.0, "the time-out of the login has passed"), (9.5, "timed out")], ids=["all", "not all"]
)
def test_a_call_that_is_given_up_says_whether_time_is_left(passes: float, reason: str) -> None:
    """Only then does another try make sense."""
    now = [0.0]
    over = threading.Event()

    def answer(_: Recorded) -> Answer:
        now[0] = passes
        over.wait(60)
        return Answer()

    with scripted_server({"/x": answer}) as server:
        deadline = Deadline(10.0, lambda: now[0])
        client = Transport(env={}, tls=trusting(""), user_agent="test", deadline=deadline, call_timeout=2)
        said = client.send(request(f"{server.url}/x"))
        over.set()
    assert said == NoResponse(request(server.url).where, reason)


def test_no_call_keeps_the_process_from_ending() -> None:
    """A resolver that is silent cannot be closed, and the process must not wait for it."""
    daemons: list[bool] = []

    def answer(_: Recorded) -> Answer:
        daemons.extend(each.daemon for each in threading.enumerate() if each is not threading.main_thread())
        return Answer()

    with scripted_server({"/x": answer}) as server:
        get(f"{server.url}/x")
    assert daemons
    assert all(daemons)


def given_up(kind: str, url: str, *, ca: trustme.CA | None, times: int) -> None:
    """Calls that are given up, one after the other."""
    bundle = ca.cert_pem.bytes().decode() if ca else ""
    client = Transport(
        env={},
        tls=trusting(bundle),
        user_agent="test",
        deadline=within(600),
        call_timeout=0.015,
    )
    for _ in range(times):
        answer = client.send(request(url))
        assert (kind, answer) == (kind, NoResponse(request(url).where, "timed out"))


def held() -> tuple[int, int]:
    """How many threads and file descriptors this process has."""
    return len(threading.enumerate()), len(list(Path("/proc/self/fd").iterdir()))


def settles(within: tuple[int, int], seconds: float = 5.0) -> bool:
    """Whether there are soon no more threads and descriptors than `within`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(now <= most for now, most in zip(held(), within, strict=True)):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="counts the descriptors in /proc")
# If a connection ends while it becomes one of TLS, `ssl` may forget to close it. Python does so at once, and warns. The
# test counts descriptors itself.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_calls_that_are_given_up_leave_nothing_behind(secure: bool, tmp_path: Path) -> None:
    """Neither threads nor descriptors grow, and nothing is computed afterwards.

    `run --keep-fresh` makes some 300 calls in a day of an outage. What each leaves would be seen after a few.
    """
    ca = trustme.CA() if secure else None
    if ca:
        ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    with tiresome_server(str(tmp_path / "server.pem") if secure else "") as ports:
        urls = {kind: f"http{'s' if secure else ''}://127.0.0.1:{port}/x" for kind, port in ports.items()}
        before = held()
        for _ in range(3):
            for kind, url in urls.items():
                given_up(kind, url, ca=ca, times=10)
            # The last few may be on their way to their end.
            assert settles(within=(before[0] + 2, before[1] + 4)), held()
        assert settles(within=before), held()
        began = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - began < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_the_server_sees_the_end_of_a_call_that_is_given_up(secure: bool) -> None:
    """At once, and not when its silence has lasted too long: no credential stays on its way."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(60)
        with context.wrap_socket(connection, server_side=True) if secure else connection as client:
            while seen[-1:] != [b""]:
                seen.append(client.recv(65_536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        url = f"http{'s' if secure else ''}://127.0.0.1:{listener.getsockname()[1]}"
        bundle = ca.cert_pem.bytes().decode()
        hurried = Transport(
            env={},
            tls=trusting(bundle),
            user_agent="test",
            deadline=within(600),
            read_timeout=600,
            call_timeout=1,
        )
        assert hurried.send(request(url)) == NoResponse(request(url).where, "timed out")
        thread.join(30)
    assert seen[-1:] == [b""]


def test_a_call_that_was_given_up_sends_nothing_any_more() -> None:
    """Not even if the resolver, which cannot be closed, answers in the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = _Call()
        call.give_up()
        connection = socket.create_connection(listener.getsockname())
        with call, pytest.raises(TimeoutError):
            call.opened(connection)
        assert connection.fileno() == -1


def test_to_give_up_a_call_that_has_ended_does_nothing() -> None:
    """Its socket may belong to somebody else by then."""
    ours, peer = socket.socketpair()
    with ours, peer:
        call = _Call()
        with call:
            call.opened(ours)
        call.give_up()
        ours.sendall(b"x")
        assert peer.recv(1) == b"x"


def test_to_give_up_a_call_that_the_server_has_ended_does_nothing() -> None:
    """The operating system says then that it is not connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = _Call()
        with call, socket.create_connection(listener.getsockname()) as connection:
            call.opened(connection)
            peer, _ = listener.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()  # by a reset
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            call.give_up()


def test_nothing_is_sent_after_the_deadline() -> None:
    """A second call does not begin when the first has used up the time."""
    with scripted_server({"/x": Answer("ok")}) as server:
        late = transport(timeout=-1)
        answers = [late.send(request(f"{server.url}/x")) for _ in range(20)]
    assert [getattr(each, "reason", each) for each in answers] == ["the time-out of the login has passed"] * 20
    assert server.requests == []


def test_an_error_holds_no_credential() -> None:
    """Neither the error nor what stands behind it knows the request."""
    with scripted_server({"/x": Answer()}, tls=trustme.CA()) as server, pytest.raises(LoginError) as caught:
        transport().send(request(f"{server.url}/x"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert SECRET not in repr(vars(caught.value))


def test_a_header_that_cannot_be_sent_is_not_repeated() -> None:
    """requests puts the header's text into its error; ours does not."""
    broken = Request("mint", "GET", "http://127.0.0.1:9/", "hub-url", {"Authorization": f"Bearer {SECRET}\nX: y"})
    answer = transport().send(broken)
    assert isinstance(answer, NoResponse)
    assert SECRET not in repr(answer)


def test_goes_through_a_proxy() -> None:
    """The proxy is asked to connect to the host, and is not shown the credential."""
    with raw_server(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as proxy:
        answer = transport(env={"HTTPS_PROXY": proxy}).send(request("https://hub.invalid/x"))
    assert isinstance(answer, NoResponse)
    assert answer.reason == f"the proxy {proxy.removeprefix('http://')} (`HTTPS_PROXY`) answered HTTP 502"
    assert answer.retryable
    assert (answer.where.unresolved, answer.where.proxy) == (False, proxy.removeprefix("http://"))


@pytest.mark.parametrize("form", URL_FORMS)
def test_no_error_shows_a_proxys_password(form: str) -> None:
    """However the proxy's URL is malformed."""
    for password in PASSWORDS:
        try:
            said = repr(transport(env={"HTTPS_PROXY": form.format(password)}).send(request("https://hub.invalid/x")))
        except LoginError as error:
            said = error.what
        assert said
        assert not shows_password(said)


@contextlib.contextmanager
def tunnelling(ca: trustme.CA | None) -> Iterator[str]:
    """A proxy that tunnels one connection, itself reached over TLS if it has a `ca`; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (ca or trustme.CA()).issue_cert("127.0.0.1").configure_cert(context)

    def serve() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            tunnel(context.wrap_socket(client, server_side=True) if ca else client)

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"{'https' if ca else 'http'}://127.0.0.1:{listener.getsockname()[1]}"


# Whose certificates are trusted, and what the proxy speaks -> whose fault it is, if it is one's.
CERTIFICATES = [
    ({"hub", "proxy"}, "http", ""),
    ({"hub", "proxy"}, "https", ""),
    ({"hub"}, "http", ""),
    ({"hub"}, "https", "The certificate of {proxy} was not accepted"),
    (set(), "https", "The certificate of {proxy} was not accepted"),
    ({"proxy"}, "http", "The certificate of {hub} was not accepted"),
    ({"proxy"}, "https", "The certificate of {hub} was not accepted"),
    (set(), "http", "The certificate of {hub} was not accepted"),
]


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(("trusted", "scheme", "told"), CERTIFICATES)
def test_says_whose_certificate_it_is(trusted: set[str], scheme: str, told: str, *, variable: str) -> None:
    """The Hub's or the proxy's, and where the proxy's URL is; `ca-bundle` is trusted of both."""
    authorities = {"hub": trustme.CA(), "proxy": trustme.CA()}
    bundle = "".join(authorities[each].cert_pem.bytes().decode() for each in sorted(trusted))
    with (
        scripted_server({"/x": Answer("ok")}, tls=authorities["hub"], name="hub.example") as server,
        tunnelling(authorities["proxy"] if scheme == "https" else None) as proxy,
    ):
        client = Transport(env={variable: proxy}, tls=trusting(bundle), user_agent="test", deadline=within(30))
        try:
            said = client.send(request(f"{server.url}/x"))
        except TlsFailed as error:
            named = f"the proxy {proxy.partition('//')[2]} (`{variable}`)"
            assert error.what.startswith(told.format(proxy=named, hub=server.url.removeprefix("https://")))
            assert error.proxy_variable == ""
        else:
            assert isinstance(said, Response)
            assert told == ""
    assert bool(server.requests) is not bool(told)


def test_a_proxy_that_does_not_speak_tls_is_named() -> None:
    """Not the Hub, and its URL is what has to be corrected."""
    with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, pytest.raises(TlsFailed) as caught:
        transport(env={"HTTPS_PROXY": url.replace("http:", "https:")}).send(request("https://hub.example/x"))
    assert f"with the proxy {url.removeprefix('http://')} (`HTTPS_PROXY`) failed" in caught.value.what
    assert "does not speak TLS" in caught.value.what
    assert caught.value.proxy_variable == "HTTPS_PROXY"


@pytest.mark.parametrize(
    ("answer", "reason", "retryable"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "{proxy} answered HTTP 407", False),
        (b"HTTP/1.0 403 Forbidden by ::error::\r\n\r\n", "{proxy} answered HTTP 403", False),
        (b"HTTP/1.1 405 No\r\n\r\n", "{proxy} answered HTTP 405", False),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "{proxy} answered HTTP 502", True),
        (b"HTTP/1.1 503 Try later\r\n\r\n", "{proxy} answered HTTP 503", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the connection broke off (BadStatusLine), through {proxy}", True),
        (b"", "the connection broke off (RemoteDisconnected), through {proxy}", True),
        (None, "connection refused, through {proxy}", True),
    ],
)
def test_says_what_the_proxy_answered(answer: bytes | None, reason: str, retryable: bool) -> None:
    """Its status and nothing of its words; a refusal is no fault that passes, and whose it is is said."""
    with raw_server(*([answer] if answer else [])) as url:
        if answer is not None:
            said = transport(env={"ALL_PROXY": url}).send(request("https://hub.example/x"))
    if answer is None:
        said = transport(env={"ALL_PROXY": url}).send(request("https://hub.example/x"))
    proxy = f"the proxy {url.removeprefix('http://')} (`ALL_PROXY`)"
    assert isinstance(said, NoResponse)
    assert (said.reason, said.retryable) == (reason.format(proxy=proxy), retryable)
    assert (said.where.proxy, said.where.proxy_variable) == (url.removeprefix("http://"), "ALL_PROXY")


@pytest.mark.parametrize(
    ("env", "variable", "reason"),
    [
        ({"ALL_PROXY": "socks5://127.0.0.1:1080"}, "ALL_PROXY", "SOCKS"),
        ({"all_proxy": "socks5h://127.0.0.1:1080"}, "all_proxy", "SOCKS"),
        ({"HTTPS_PROXY": "socks4a://127.0.0.1:1080"}, "HTTPS_PROXY", "SOCKS"),
        ({"https_proxy": "ftp://127.0.0.1:21"}, "https_proxy", "is not the URL of"),
        ({"HTTPS_PROXY": "http://svc:Winter2026#x@127.0.0.1:9"}, "HTTPS_PROXY", "is not the URL of"),
        ({"HTTPS_PROXY": "http://127.0.0.1:port"}, "HTTPS_PROXY", "is not the URL of"),
        ({"HTTPS_PROXY": "http://"}, "HTTPS_PROXY", "is not the URL of"),
        ({"ALL_PROXY": "://127.0.0.1"}, "ALL_PROXY", "is not the URL of"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(env: dict[str, str], variable: str, reason: str) -> None:
    """By the variable that holds it; nothing is tried, for it would not pass."""
    said = transport(env=env).send(request("https://hub.invalid/x"))
    assert isinstance(said, NoResponse)
    assert (said.where.proxy_variable, said.retryable) == (variable, False)
    assert said.reason.startswith(f"`{variable}` ")
    assert reason in said.reason
    assert "Winter2026" not in said.reason


def test_a_port_that_does_not_speak_tls_is_said_to_be_one() -> None:
    """OpenSSL calls it a wrong version number."""
    with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, pytest.raises(TlsFailed) as caught:
        transport().send(request(url.replace("http:", "https:")))
    host = url.removeprefix("http://")
    assert caught.value.what == f"The TLS handshake with {host} failed: the port does not speak TLS"
    assert caught.value.where == request(url).where


def test_a_handshake_that_the_server_ends_has_openssls_reason() -> None:
    """An alert of its own (RFC 8446 § 6.2); versions of OpenSSL name it differently."""
    alert = b"\x15\x03\x03\x00\x02\x02\x28"
    with raw_server(alert) as url, pytest.raises(TlsFailed, match=r"failed: .*ALERT_HANDSHAKE_FAILURE\Z") as caught:
        transport().send(request(url.replace("http:", "https:")))
    assert caught.value.fault == "handshake"


@pytest.mark.parametrize(
    ("verify_code", "fault"),
    [(9, "date"), (10, "date"), (62, "host"), (64, "host"), (18, "authority"), (20, "authority")],
)
def test_what_is_wrong_with_a_certificate_is_openssls_code(verify_code: int, fault: str) -> None:
    """Its codes are stable, its texts are not (X509_V_ERR_… of x509_vfy.h). Each kind has its advice."""
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = verify_code, "as OpenSSL says."
    failed = _failure(request("https://hub.example"), error, None)
    assert isinstance(failed, TlsFailed)
    assert (failed.fault, failed.what) == (fault, "The certificate of hub.example was not accepted: as OpenSSL says")


@pytest.mark.parametrize(
    ("reason", "fault"), [("WRONG_VERSION_NUMBER", "plain"), ("HTTP_REQUEST", "plain"), ("NO_CIPHERS", "handshake")]
)
def test_what_is_wrong_with_a_handshake_is_openssls_reason(reason: str, fault: str) -> None:
    """Two of them mean that the other side speaks no TLS, whichever version of OpenSSL is here."""
    error = ssl.SSLError("handshake")
    error.reason = reason
    failed = _failure(request("https://hub.example"), error, None)
    assert isinstance(failed, TlsFailed)
    assert failed.fault == fault


def test_a_handshake_without_a_reason_has_none() -> None:
    """Python itself raises such errors, and an attribute that they lack must not replace them."""
    failed = _failure(request("https://hub.example"), ssl.SSLError("Underlying socket has been closed."), None)
    assert isinstance(failed, TlsFailed)
    assert failed.what == "The TLS handshake with hub.example failed: for an unknown reason"


def test_a_handshake_that_fails_behind_a_proxy_is_not_the_proxys() -> None:
    """Its URL need not be corrected."""
    with raw_server(b"no TLS") as hub, tunnelling(None) as proxy, pytest.raises(TlsFailed) as caught:
        transport(env={"HTTPS_PROXY": proxy}).send(request(hub.replace("http://127.0.0.1", "https://hub.example")))
    assert "handshake with hub.example" in caught.value.what
    assert caught.value.proxy_variable == ""


def test_a_cause_is_found_wherever_it_was_handed_on() -> None:
    """As an argument, as what an error was raised from, or as what was being handled; and beside other causes."""
    argument, raised_from, handled, below = OSError("a"), OSError("b"), OSError("c"), OSError("d")
    error = Exception("words", argument)
    error.__cause__, error.__context__ = raised_from, handled
    argument.__context__ = below
    assert list(_causes(error)) == [error, argument, raised_from, handled, below]


def test_a_cause_is_told_once() -> None:
    """An error may be its own cause, in a circle."""
    first, second = OSError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first
    assert list(itertools.islice(_causes(first), 9)) == [first, second]


def test_knows_nothing_of_netrc_and_of_requests_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own environment: a password in ~/.netrc would replace the Authorization header, a proxy take it."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    for name, value in {
        "HOME": str(tmp_path),
        "NETRC": str(netrc),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "REQUESTS_CA_BUNDLE": "/nowhere",
        "CURL_CA_BUNDLE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    ca = trustme.CA()
    with scripted_server({"/x": Answer("ok")}) as plain, scripted_server({"/x": Answer("ok")}, tls=ca) as server:
        get(f"{plain.url}/x")
        get(f"{server.url}/x", ca=ca)
    for seen in (*plain.requests, *server.requests):
        assert seen.headers["authorization"] == f"Bearer {SECRET}"


def test_trusts_no_certificates_of_requests_own() -> None:
    """requests hands each connection the bundle of certifi, unless the adapter keeps it from doing so."""
    adapter = transport()._session().get_adapter("https://hub.example")
    connection = SimpleNamespace()
    assert isinstance(adapter, HTTPAdapter)
    adapter.cert_verify(connection, "https://hub.example", verify=True, cert=None)  # type: ignore[no-untyped-call]
    assert vars(connection) == {"cert_reqs": "CERT_REQUIRED"}


def test_plain_http_reads_no_certificates() -> None:
    """To read the system's takes longer than a call."""
    read: list[ssl.SSLContext] = []

    def tls() -> ssl.SSLContext:
        read.append(ssl.create_default_context())
        return read[-1]

    with scripted_server({"/x": Answer("ok")}) as server:
        client = Transport(env={}, tls=tls, user_agent="test", deadline=within(30))
        assert isinstance(client.send(request(f"{server.url}/x")), Response)
    assert read == []


def test_one_service_does_not_set_cookies_for_the_other() -> None:
    """Two ports of one host are one host to cookies."""
    cookie = {"Set-Cookie": "a=evil; Path=/"}
    with scripted_server({"/x": Answer("ok", headers=cookie)}) as first, scripted_server({"/x": Answer()}) as second:
        client = transport()
        for url in (first.url, first.url, second.url):
            client.send(request(f"{url}/x"))
    assert all("cookie" not in seen.headers for seen in (*first.requests, *second.requests))


def test_reads_a_bundle_from_a_file_with_comments_in_any_encoding(tmp_path: Path) -> None:
    """Bundles of distributions have comments; only the certificates count."""
    ca = trustme.CA()
    path = tmp_path / "ca.pem"
    path.write_bytes("# Főtanúsítvány\n".encode() + b"# \xff\xfe\n" + ca.cert_pem.bytes())
    with scripted_server({"/x": Answer("ok")}, tls=ca) as server:
        tls = trusting(str(path))
        client = Transport(env={}, tls=tls, user_agent="test", deadline=within(30))
        assert isinstance(client.send(request(f"{server.url}/x")), Response)


def test_keeps_the_systems_certificates() -> None:
    """`ca-bundle` adds to them."""
    extra = trusting(trustme.CA().cert_pem.bytes().decode())().cert_store_stats()["x509_ca"]
    assert extra == trusting("")().cert_store_stats()["x509_ca"] + 1


NO_PEM = "`ca-bundle` holds no certificate that can be read"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n" + b"=" * 50 + b"\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"x" * MAX_BODY,
    ],
)
def test_a_bundle_without_a_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    """As a file and as text, without repeating what was given."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    for given in [str(path), *([content.decode()] if b"BEGIN" in content else [])]:
        with pytest.raises(InvalidInput) as caught:
            trusting(given)
        assert caught.value.what == NO_PEM


def test_a_bundle_is_read_up_to_its_bound(tmp_path: Path) -> None:
    """A certificate at the end of 1 MiB counts; what is longer is refused, and no memory is filled with it."""
    path = tmp_path / "ca.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes().strip().rjust(MAX_BODY))
    assert trusting(str(path))().cert_store_stats()["x509_ca"] > trusting("")().cert_store_stats()["x509_ca"]
    for size in (MAX_BODY + 1, 1 << 40):
        os.truncate(path, size)  # without taking up its room on the disk
        with pytest.raises(InvalidInput) as caught:
            trusting(str(path))
        assert caught.value.what == f"`ca-bundle` is larger than 1 MiB: {str(path)!r}"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("missing.pem", "does not exist here"),
        (".", "is not a file"),
        ("/dev/zero", "is not a file"),
        ("x" * 5000, "cannot be read|does not exist here"),
        ("nul\0byte", "does not exist here"),
        pytest.param(
            "/proc/self/mem",
            "cannot be read",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="it has no memory at its first address"),
        ),
    ],
)
def test_a_bundle_that_is_no_file_is_refused(path: str, problem: str) -> None:
    """Folders, devices, and names that no file can have; Pythons differ in what they say of a long one."""
    with pytest.raises(InvalidInput) as caught:
        trusting(path)
    assert re.fullmatch(rf"`ca-bundle` ({problem}): {re.escape(repr(sanitize_line(path)))}", caught.value.what)


def test_a_wrong_bundle_is_said_to_be_that_input_and_what_it_should_be() -> None:
    """What else to know about the action's container, its advice says."""
    with pytest.raises(InvalidInput) as caught:
        trusting("/etc/ssl/of-the-runner.pem")
    assert caught.value.input_name == "ca-bundle"
    assert caught.value.expected == "the path of a PEM file, or the PEM text itself"


@pytest.mark.parametrize("content", ["", "x" * (MAX_BODY + 1), None])
def test_a_wrong_bundle_goes_by_the_users_name_for_it(content: str | None, tmp_path: Path) -> None:
    """An option of the command line is not an input of the action; what it should be is the same."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput, match="`--ca-bundle` ") as caught:
        trusting(str(path), "--ca-bundle")
    assert caught.value.input_name == "--ca-bundle"
    assert caught.value.expected == "the path of a PEM file, or the PEM text itself"


def test_a_machine_without_a_thread_to_spare() -> None:
    """No answer, for this time: another try may have one."""
    with scripted_server({"/": Answer({})}) as server:
        client = transport()
        # A stack that is larger than all addresses there are.
        threading.stack_size(1 << 48)
        try:
            answer = client.send(Request("mint", "GET", server.url + "/", "the URL", {}))
        finally:
            threading.stack_size(0)
    assert answer == NoResponse(request(server.url).where, "no thread could be started")
