"""Whatever comes in, a value or an error of our tree comes out: of resources, claims, responses and headers."""

import base64
import json
import string
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_oidc.errors import ExchangeError, IdentityError, InvalidResource, UsageError
from hf_oidc.http.message import Response
from hf_oidc.http.url import base_url, host_of, require_secure, shown_url
from hf_oidc.hub.exchange import read_response
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.id_token import IdToken
from hf_oidc.sanitize import MAX_CHARACTERS, sanitize, sanitize_line
from hf_oidc.secret import Secret
from hf_oidc.settings import AUDIENCE
from hf_oidc.token_request import from_lines
from tests.commands import COMMANDS, commands_in

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
RESOURCE = Resource.parse("acme/model")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
GRANTLIKE = st.fixed_dictionaries(
    {},
    optional={
        "access_token": st.text() | ANYTHING,
        "token_type": st.sampled_from(["bearer", "Bearer", "mac"]) | ANYTHING,
        "expires_in": st.integers() | ANYTHING,
        "issued_token_type": ANYTHING,
        "error": st.sampled_from(["invalid_grant", "invalid_request"]) | ANYTHING,
        "error_description": st.text() | ANYTHING,
    },
)
CLAIMLIKE = st.dictionaries(st.sampled_from(["exp", "aud", "iss", "sub", "ref"]) | st.text(), ANYTHING, max_size=6)


def part(document: Any) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(document).encode("utf-8", "replace")).rstrip(b"=").decode()


@pytest.mark.slow
@given(st.text() | st.text(alphabet=string.ascii_lowercase + "/.-_@: \n", max_size=40))
def test_a_resource_is_read_or_refused(text: str) -> None:
    """What is read is written again as it was; what is refused stays on one line."""
    try:
        resource = Resource.parse(text)
    except InvalidResource as error:
        assert "\n" not in error.what
    else:
        assert str(resource) == text.strip()
        assert Resource.parse(str(resource)) == resource


@pytest.mark.slow
@given(CLAIMLIKE, ANYTHING)
def test_claims_are_read_or_refused(claims: dict[str, Any], header: Any) -> None:
    """Any JSON as claims, any JSON as header."""
    token = Secret(f"{part(header if isinstance(header, dict) else {'alg': 'RS256', 'x': header})}.{part(claims)}.c2ln")
    try:
        IdToken.read(token).check("https://huggingface.co", NOW)
    except IdentityError as error:
        assert len(error.what) < 1000


@given(st.text() | st.text(alphabet=string.ascii_letters + string.digits + "-_.="))
def test_a_text_is_an_id_token_or_is_not(text: str) -> None:
    """Any text at all."""
    try:
        IdToken.read(Secret(text))
    except IdentityError as error:
        assert error.__context__ is None


@given(
    st.integers(min_value=100, max_value=999),
    st.none()
    | st.binary()
    | ANYTHING.map(lambda value: json.dumps(value).encode())
    | GRANTLIKE.map(lambda v: json.dumps(v).encode()),
    st.dictionaries(st.sampled_from(["x-request-id", "retry-after", "date", "ratelimit"]), st.text(), max_size=4),
)
def test_a_response_is_a_token_or_an_error(status: int, body: bytes | None, headers: dict[str, str]) -> None:
    """Any status, bytes, JSON and headers; an error is bounded and on one line, and so is its request id."""
    try:
        token = read_response(Response("exchange", "hub.example", status, headers, body), RESOURCE, NOW)
    except ExchangeError as error:
        assert len(error.what) < 500
        assert "\n" not in error.what
        assert error.where is not None
        assert (error.where.request_id or "x").isprintable()
    else:
        assert isinstance(token, HubToken)
        assert token.expires_at > "2026"


@given(st.text(), st.text(), st.text(), st.integers(min_value=200, max_value=599))
def test_a_wait_is_a_number_of_seconds_or_nothing(after: str, date: str, limit: str, status: int) -> None:
    """Any headers: never negative, never not a number."""
    headers = {"retry-after": after, "date": date, "ratelimit": limit}
    wait = Response("exchange", "hub.example", status, headers, b"").retry_after
    assert wait is None or 0 <= wait < float("inf")


@given(st.text())
def test_shown_text_is_harmless(text: str) -> None:
    """One line, bounded, printable, and no workflow command in it, however often it is shown."""
    line = sanitize_line(text)
    assert len(line) <= MAX_CHARACTERS
    assert line == "" or line.isprintable()
    assert commands_in(line) == []
    assert "::" not in line
    assert sanitize_line(line) == line


HASHES = st.text(alphabet="#[]: \tvso\u200b\u0301\ufe0f", max_size=20)


@given(HASHES, st.sampled_from(COMMANDS), HASHES)
def test_no_text_starts_a_command(before: str, command: str, after: str) -> None:
    """Whatever it is put together from, on one line and on several."""
    text = f"{before}{command}{after}"
    assert commands_in(sanitize_line(text)) == []
    assert commands_in(f"x {sanitize(text)}") == []


# None of these is in what we say ourselves.
PASSWORD = st.text(alphabet="XYZ0/?#@:%[]\\&=;, \t\n\u00fc\u200b", max_size=12).map(lambda rest: f"QQ{rest}QQ")
TAIL = st.text(alphabet="abc/?#:.[]\\% 1", max_size=12)


# How a URL begins, with a user's name or not; a bare word before an `@` is a user's name itself.
BEFORE = [
    f"{scheme}{user}"
    for scheme in ("https://", "http://", "HTTPS://", "https:", "https:/", "//", "", "socks5://", "\thttps://")
    for user in ("svc:", "", "svc%40corp:", "a:b:", ":", "svc/x:")
    if scheme or user
]
HOSTS = ("@mirror.corp", "@mirror.corp:3128", "@[::1]", "@127.0.0.1", "@", "@mirror corp", "%40mirror.corp")


@pytest.mark.slow
@settings(max_examples=500)
@given(st.sampled_from(BEFORE), PASSWORD, st.sampled_from(HOSTS), TAIL)
def test_a_password_in_a_url_is_never_shown(before: str, password: str, host: str, tail: str) -> None:
    """Not a part of it, wherever it is shown: as a URL, a host, an audience, a resource, an error."""
    url = f"{before}{password}{host}{tail}"
    said = [shown_url(url), host_of(url)]
    for refusing in (
        lambda: base_url("hub-url", url),
        lambda: AUDIENCE.read(url),
        lambda: from_lines(url, "resource"),
    ):
        with pytest.raises(UsageError) as caught:
            refusing()
        said += [caught.value.what, str(vars(caught.value))]
    # `https://host/x:word%40more` is a URL with a path: of one that a CI gives, every reader finds the same host.
    try:
        require_secure(url, "mint-url")
    except UsageError as error:
        said += [error.what, str(vars(error))]
    assert not [line for line in said if "QQ" in line or "XY" in line]


@given(
    st.text(alphabet="abc (\"'", max_size=5),
    st.sampled_from(("https://", "HTTP://", "https:", "ssh://", "socks5h://")),
    PASSWORD.filter(lambda password: len(password.split()) == 1),
    st.text(alphabet="abc (\"')/", max_size=5),
)
def test_a_password_in_a_url_in_a_text_is_never_shown(before: str, scheme: str, password: str, after: str) -> None:
    """In a server's text, a claim, an input: a scheme tells that there is a URL."""
    text = f"{before} {scheme}svc:{password}@mirror.corp{after}"
    assert "QQ" not in sanitize_line(text)
    assert "QQ" not in sanitize(text)


@given(st.text() | st.text(alphabet="htps:/.@\\[]%?#0123456789abc-", max_size=30).map(lambda rest: f"https://{rest}"))
def test_a_url_is_taken_or_refused(url: str) -> None:
    """What is taken has one reading: no user information, no backslash, no query."""
    try:
        taken = base_url("hub-url", url)
    except UsageError as error:
        assert "\n" not in error.what
    else:
        assert not set(taken) & set("@\\?# \n") or "@" in taken.partition("://")[2].partition("/")[2]
    assert "\n" not in host_of(url)
