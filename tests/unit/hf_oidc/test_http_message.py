"""Requests and responses as values."""

import pytest

from hf_oidc.http.message import Request, Response


def response(body: bytes | None = b"", **headers: str) -> Response:
    """A response of the Hub."""
    return Response(
        "exchange", "hub.example", 200, {name.replace("_", "-"): text for name, text in headers.items()}, body
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b"{",
        b"{} {}",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_plain_json_object_is_none(body: bytes | None) -> None:
    """Other documents, other encodings, duplicate names and numbers that JSON does not have."""
    assert response(body).json_object() is None


def test_an_object_is_read() -> None:
    """UTF-8, as RFC 8259 has it."""
    assert response('{"a": "ü", "b": {"c": [1]}}'.encode()).json_object() == {"a": "ü", "b": {"c": [1]}}


@pytest.mark.parametrize(
    ("header", "request_id"),
    [
        ("Root=1-6740f0a1-0123456789abcdef01234567;8f3a2b10-0000-4000-8000-0123456789ab", "same"),
        ("85ee819c-f733-4683-a7f4-ae16bc5a2ade", "same"),
        ("85ee819cf7334683a7f4ae16bc5a2ade", "same"),
        ("a" * 33, None),
        ("-".join(["a" * 32] * 3), "same"),
        ("-".join(["a" * 32] * 4), None),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln", None),
        ("hf_abcdefghijkl", None),
        ("", None),
        ("with space", None),
        ("::error::x", None),
        ("\x1b[31m", None),
        ("ümlaut", None),
    ],
)
def test_a_request_id_is_shown_if_it_looks_like_one(header: str, request_id: str | None) -> None:
    """The Hub's support asks for it; anything that is not an id is left out."""
    assert response(x_request_id=header).where.request_id == (header if request_id == "same" else request_id)


def test_neither_prints_what_it_holds() -> None:
    """Headers and bodies hold tokens."""
    request = Request(
        "exchange", "POST", "https://hub.example/", "hub-url", {"Authorization": "Bearer hf_secret"}, b"hf_secret"
    )
    assert "hf_secret" not in f"{request!r}{response(b'hf_secret', set_cookie='hf_secret')!r}"
