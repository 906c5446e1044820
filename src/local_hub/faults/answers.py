"""All faults by name: what Local Hub answers, and how it sends the answer.

Some answers are fixed. Others alter the real answer, so a client that is too tolerant would find a token in them.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from local_hub.faults import connection
from local_hub.faults.connection import Send

_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
_ONE_SECOND_LATER = "Wed, 21 Oct 2026 07:28:01 GMT"
_PAGE = b"<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>Something went wrong</h1></body></html>"
_MEBIBYTE = 1024 * 1024
_DEPTH = 100_000


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `Content-Length` is the length of the body, unless `headers` has another one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reason: str | None = None

    def head(self, request_id: str) -> bytes:
        """Return the status line and the headers as bytes."""
        reason = self.reason
        if reason is None:
            reason = next((known.phrase for known in HTTPStatus if known == self.status), "Unknown")
        fixed = {"Content-Length": str(len(self.body)), "Connection": "close", "x-request-id": request_id}
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in {**fixed, **self.headers}.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Fault:
    """`answer`: a fixed answer, or a function of the real answer. `send`: how to send it."""

    answer: Answer | Callable[[Answer], Answer]
    send: Send = connection.whole


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Fault:
    """An error with the members of GitHub's endpoint (`message`) and of the Hub's API (`error`)."""
    body = json.dumps({"message": message, "error": message}).encode()
    return Fault(Answer(status, {**_JSON, **(headers or {})}, body))


def _refusal(error: str, description: str, headers: Mapping[str, str] | None = None) -> Fault:
    """An OAuth error (RFC 6749 § 5.2), with `message` for clients of GitHub's endpoint."""
    document = {"error": error, "error_description": description, "message": description}
    return Fault(Answer(400, {**_JSON, **(headers or {})}, json.dumps(document).encode()))


def _limited(**headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _error(429, "Too many requests, please try again later.", named)


def _body(alter: Callable[[bytes], bytes]) -> Fault:
    return Fault(lambda real: replace(real, body=alter(real.body)))


def _headers(added: Mapping[str, str]) -> Fault:
    return Fault(lambda real: replace(real, headers={**real.headers, **added}))


def _real(real: Answer) -> Answer:
    return real


def _with_member(member: bytes) -> Fault:
    """The real object with one more member at its end."""
    return _body(lambda body: body.rstrip()[:-1] + b"," + member + b"}")


def _with_wrong_types(body: bytes) -> bytes:
    return json.dumps({name: [value] for name, value in json.loads(body).items()}).encode()


def _with_every_name_twice(body: bytes) -> bytes:
    return body.rstrip()[:-1] + b"," + body.lstrip()[1:]


def _short(real: Answer) -> Answer:
    return replace(real, headers={**real.headers, "Content-Length": str(len(real.body) + 100)})


def _bomb(real: Answer) -> Answer:
    bomb = gzip.compress(real.body + b" " * 64 * _MEBIBYTE)
    return replace(real, headers={**real.headers, "Content-Encoding": "gzip"}, body=bomb)


_CONNECTION = {
    "close-before-headers": Fault(Answer(200), connection.closed_before_headers),
    "reset-before-headers": Fault(Answer(200), connection.reset_before_headers),
    "reset-within-headers": Fault(_real, connection.reset_within_headers),
    "reset-within-body": Fault(_real, connection.reset_within_body),
    "lost-answer": Fault(_real, connection.reset_before_headers),
    "slow-headers": Fault(_real, connection.slow_headers),
    "slow-body": Fault(_real, connection.slow_body),
    "hang": Fault(Answer(200), connection.hang),
    "not-http": Fault(Answer(200, body=b"SSH-2.0-OpenSSH_9.2\r\n\x00\xff::error::not HTTP\r\n"), connection.only_body),
}

_STATUS = {
    "400-invalid-request": _refusal("invalid_request", "resource: must be a repository or a user"),
    "400-invalid-grant": _refusal("invalid_grant", "No trusted publisher configured on acme/model"),
    "400-aborted": _refusal("invalid_grant", "This operation was aborted"),
    "401": _error(401, "Invalid credentials"),
    "403": _error(403, "Resource not accessible by integration"),
    "403-pending": _error(403, "Can't issue ID_TOKEN for job in 'Pending' state"),
    "403-delayed": _error(403, "Can't issue ID_TOKEN for job in 'Delayed' state"),
    "404": _error(404, "Not Found"),
    "408": _error(408, "Request Timeout"),
    "425": _error(425, "Too Early"),
    "429": _limited(),
    "429-retry-after-seconds": _limited(Retry_After="1"),
    "429-retry-after-date": _limited(Date=_DATE, Retry_After=_ONE_SECOND_LATER),
    "429-retry-after-huge": _limited(Retry_After="999999999"),
    "429-retry-after-endless": _limited(Retry_After="9" * 400),
    "429-retry-after-negative": _limited(Retry_After="-5"),
    "429-retry-after-garbage": _limited(Retry_After="soon; ::error::soon"),
    "429-ratelimit": _limited(RateLimit='"api";r=0;t=2', RateLimit_Policy='"fixed window";"api";q=500;w=300'),
    "500": _error(500, "Internal Server Error"),
    "502-html": Fault(Answer(502, _HTML, _PAGE)),
    "503": _error(503, "Service Unavailable"),
    "504": _error(504, "Gateway Timeout"),
    "599": _error(599, "Network connect timeout error"),
    **{f"redirect-{status}": Fault(Answer(status, {"Location": "/elsewhere"})) for status in (301, 302, 303, 307, 308)},
}

_CONTENT = {
    "204": Fault(Answer(204)),
    "html-200": Fault(Answer(200, _HTML, _PAGE)),
    "empty-200": Fault(Answer(200, _JSON)),
    "truncated-json": _body(lambda body: body[: len(body) // 2]),
    "short-body": Fault(_short),
    "5-mib-json": _body(lambda body: body + b" " * 5 * _MEBIBYTE),
    "deep-json": _with_member(b'"deep":' + b"[" * _DEPTH + b"]" * _DEPTH),
    "json-array": _body(lambda body: b"[" + body + b"]"),
    "wrong-types": _body(_with_wrong_types),
    "nan": _with_member(b'"count":NaN'),
    "duplicate-keys": _body(_with_every_name_twice),
    "bom": _body(lambda body: b"\xef\xbb\xbf" + body),
    "utf-16": _body(lambda body: body.decode().encode("utf-16")),
    "wrong-content-type": _headers(_HTML),
    "gzip-bomb": Fault(_bomb),
    "huge-header": _headers({"x-filler": "x" * 100 * 1024}),
    "1000-headers": _headers({f"x-filler-{number}": "x" for number in range(1000)}),
}

_TEXT = {
    "text-newlines": _refusal("invalid_grant", "one\ntwo\r\nthree\rfour\u2028five\x0bsix\x85seven"),
    "text-commands": _refusal(
        "invalid_grant",
        "::error::a\n::warning title=b::b\n  ::add-mask::c\r::set-output name=d::d ##[error]e ##[add-mask]f %0A::g::h",
    ),
    "text-ansi": _refusal("invalid_grant", "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J"),
    "text-bidi": _refusal("invalid_grant", "abc\u202edef\u2066ghi\u2069 \u200bjkl\ufeff"),
    "text-long": _refusal("invalid_grant", "far too much " * 20_000),
    "text-error-code": _refusal("::error::a\n##[error]b", "the code itself is hostile"),
    "text-headers": Fault(
        Answer(
            400,
            {"x-request-id": "::error::a##[error]b", "Content-Type": "##[error]c"},
            b'{"error": "invalid_grant"}',
            reason="::error::d ##[error]e",
        )
    ),
}

FAULTS: Mapping[str, Fault] = {**_CONNECTION, **_STATUS, **_CONTENT, **_TEXT}
