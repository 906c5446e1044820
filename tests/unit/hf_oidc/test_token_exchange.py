"""RFC 8693 as the Hub speaks it: one table for what is read, Local Hub as the judge of what is written."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from hf_oidc.errors import ExchangeError, HubUnavailable, UnexpectedResponse, Where
from hf_oidc.http.message import NoResponse, Response
from hf_oidc.hub.exchange import build_request, read_response
from hf_oidc.hub.resource import Resource
from hf_oidc.secret import Secret
from local_hub.hub.exchange import Refused, read_request
from tests.factories import id_token
from tests.vectors import load

VECTORS = load("responses")
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=timezone.utc)
RESOURCE = Resource.parse("acme/model")
GRANTED = {
    "access_token": "hf_jwt_0123456789abc",
    "token_type": "bearer",
    "expires_in": 3600,
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
}


def response(vector: dict[str, Any]) -> Response:
    """The response of a row of the table."""
    return Response("exchange", "hub.example", vector["status"], vector["headers"], vector["body"].encode())


def named(rows: list[dict[str, Any]]) -> pytest.MarkDecorator:
    """The rows of the table, each a test by its name."""
    return pytest.mark.parametrize("vector", rows, ids=[row["name"] for row in rows])


def test_the_request_is_the_documented_one() -> None:
    """Method, URL, content type and the four parameters; no client authentication."""
    request = build_request("https://hub.example/hf", Secret("eyJ.x.y"), Resource.parse("datasets/acme/d"))
    assert (request.method, request.url) == ("POST", "https://hub.example/hf/oauth/token")
    assert request.headers == {"Content-Type": "application/json", "Accept": "application/json"}
    assert json.loads(request.body or b"") == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": "eyJ.x.y",
        "resource": "datasets/acme/d",
    }


@pytest.mark.parametrize(("text", "_kind"), load("resources")["accepted"])
def test_local_hub_understands_the_request(text: str, _kind: str) -> None:
    """Local Hub, which shares no code with the client, reads what the client writes, for each form of resource."""
    token = id_token()
    request = build_request("https://hub.example", Secret(token), Resource.parse(text))
    understood = read_request(json.loads(request.body or b""))
    assert not isinstance(understood, Refused)
    assert str(understood.resource) == text
    assert understood.token.raw == token


@named(VECTORS["granted"])
def test_reads_a_grant(vector: dict[str, Any]) -> None:
    """The token, and how long it lives."""
    token = read_response(response(vector), RESOURCE, NOW)
    assert {"token": token.secret.reveal(), "expires_in": token.expires_in} == vector["expect"]
    assert token.resource == RESOURCE


@named(VECTORS["refused"])
def test_names_a_refusal(vector: dict[str, Any]) -> None:
    """Anything that is not a grant is the error of its kind, with the status of the call."""
    with pytest.raises(ExchangeError) as caught:
        read_response(response(vector), RESOURCE, NOW)
    assert caught.value.code == vector["expect"]
    assert caught.value.where == Where("exchange", "hub.example", vector["status"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("x" * 40, "exchange-rejected"),
        ("x" * 41, "unexpected-response"),
        ("_x", "unexpected-response"),
        ("Invalid_grant", "unexpected-response"),
        ("error2", "unexpected-response"),
        ("a b", "unexpected-response"),
    ],
)
def test_an_error_is_a_short_word(error: str, code: str) -> None:
    """Anything else is not a code of RFC 6749 § 5.2, and is not repeated."""
    with pytest.raises(ExchangeError) as caught:
        read_response(
            Response("exchange", "hub.example", 400, {}, json.dumps({"error": error}).encode()), RESOURCE, NOW
        )
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("ABORTED", "hub-unavailable"),
        ("Gateway time-out", "hub-unavailable"),
        ("Time out.", "hub-unavailable"),
        ("a timeout (10 s)", "hub-unavailable"),
        ("unaborted", "exchange-rejected"),
        ("nothing on acme/timeout", "exchange-rejected"),
        ("nothing on acme.aborted", "exchange-rejected"),
        ("nothing on x-aborted", "exchange-rejected"),
        ("nothing on timeout/model", "exchange-rejected"),
        ("nothing on aborted-model", "exchange-rejected"),
        ("no timeouts", "exchange-rejected"),
    ],
)
def test_an_outage_is_told_from_a_name(said: str, code: str) -> None:
    """The Hub says of some outages `invalid_grant`. A repository may have these words in its name."""
    body = json.dumps({"error": "invalid_grant", "error_description": said}).encode()
    with pytest.raises(ExchangeError) as caught:
        read_response(Response("exchange", "hub.example", 400, {}, body), RESOURCE, NOW)
    assert caught.value.code == code


@pytest.mark.parametrize(("length", "accepted"), [(15, False), (16, True), (16_384, True), (16_385, False)])
def test_bounds_the_token(length: int, accepted: bool) -> None:
    """From 16 characters, for a shorter one would be a mask of words, to 16 KiB."""
    body = json.dumps({**GRANTED, "access_token": "x" * length}).encode()
    answer = Response("exchange", "hub.example", 200, {}, body)
    if accepted:
        assert read_response(answer, RESOURCE, NOW).secret.reveal() == "x" * length
        return
    with pytest.raises(UnexpectedResponse):
        read_response(answer, RESOURCE, NOW)


@pytest.mark.parametrize(
    ("retryable", "what"),
    [(True, "The Hub did not respond: it broke"), (False, "The Hub could not be reached: it broke")],
)
def test_no_answer_is_an_unavailable_hub(retryable: bool, what: str) -> None:
    """The reason of the transport is in the error, and so is whether another attempt may help."""
    where = Where("exchange", "hub.example")
    with pytest.raises(HubUnavailable) as caught:
        read_response(NoResponse(where, "it broke", retryable=retryable), RESOURCE, NOW)
    assert (caught.value.what, caught.value.where, caught.value.retryable) == (what, where, retryable)


def test_the_request_id_is_kept() -> None:
    """The Hub's support asks for it."""
    answer = Response("exchange", "hub.example", 400, {"x-request-id": "abc-123"}, b'{"error": "invalid_grant"}')
    with pytest.raises(ExchangeError) as caught:
        read_response(answer, RESOURCE, NOW)
    assert caught.value.where is not None
    assert caught.value.where.request_id == "abc-123"


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_an_answer_that_echoes_a_token_does_not_show_it(status: int) -> None:
    """A server may repeat what it was sent; the error does not."""
    token = id_token()
    body = json.dumps(
        {"error": "invalid_grant", "error_description": f"bad token {token}", "access_token": f"a {token}"}
    )
    answer = Response("exchange", "hub.example", status, {"x-request-id": token}, body.encode())
    with pytest.raises(ExchangeError) as caught:
        read_response(answer, RESOURCE, NOW)
    assert token not in f"{caught.value!r} {vars(caught.value)}"
    assert token.rpartition(".")[2] not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("repeated", ["{token}", "signature {signature}", "({signature})", "x{token}y"])
@pytest.mark.parametrize("signature", ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGH01234567", "a-b_c-d_e-f_g-h_i"])
def test_what_was_sent_is_not_shown_when_it_is_repeated(signature: str, repeated: str) -> None:
    """Not even a signature that looks like a word: this run knows it."""
    token = f"eyJhbGciOiJub25lIn0.e30.{signature}"
    said = repeated.format(token=token, signature=signature)
    body = json.dumps({"error": "invalid_grant", "error_description": said})
    with pytest.raises(ExchangeError, match=r"\*\*\*") as caught:
        read_response(Response("exchange", "hub.example", 400, {}, body.encode()), RESOURCE, NOW, sent=Secret(token))
    assert signature not in caught.value.what


def test_the_request_is_named_for_errors() -> None:
    """Which call it is, and whose URL: what a failed transport tells."""
    request = build_request("https://hub.example", Secret("x"), RESOURCE)
    assert (request.phase, request.url_name) == ("exchange", "hub-url")


def test_a_grant_counts_from_when_it_was_requested() -> None:
    """The time of the request is the token's."""
    answer = Response("exchange", "hub.example", 200, {}, json.dumps(GRANTED).encode())
    assert read_response(answer, RESOURCE, NOW).requested_at == NOW


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (200, [], "The Hub's response is not a JSON object"),
        (200, {**GRANTED, "token_type": "mac"}, "The Hub's response has no `token_type` bearer"),
        (
            200,
            {**GRANTED, "issued_token_type": "x"},
            "The Hub's response has an `issued_token_type` other than access_token",
        ),
        (
            200,
            {**GRANTED, "access_token": ""},
            "The Hub's `access_token` is not one word of printable ASCII, of 16 characters or more",
        ),
        (200, {**GRANTED, "expires_in": 0}, "The Hub's `expires_in` is not a number of seconds up to 30 days"),
        (429, {}, "The Hub has received too many requests from this address"),
        (500, {"error": "invalid_grant"}, "The Hub reports a server error"),
        (404, {}, "The response is not one that the exchange defines"),
        (399, {"error": "invalid_grant"}, "The response is not one that the exchange defines"),
        (
            400,
            {"error": "invalid_grant", "error_description": "Request aborted"},
            'The Hub aborted the exchange, which is not a refusal: invalid_grant, "Request aborted"',
        ),
        (
            400,
            {"error": "invalid_request", "error_description": "bad resource"},
            'The Hub did not understand the exchange: invalid_request, "bad resource"',
        ),
        (400, {"error": "invalid_grant"}, "The Hub refused the exchange: invalid_grant"),
        (400, {"error": "invalid_grant", "error_description": " "}, "The Hub refused the exchange: invalid_grant"),
        (
            400,
            {"error": "invalid_grant", "error_description": "no"},
            'The Hub refused the exchange: invalid_grant, "no"',
        ),
    ],
)
def test_says_in_one_sentence_what_was_wrong(status: int, body: object, what: str) -> None:
    """The Hub's own words are quoted where it refuses, and nowhere else."""
    answer = Response("exchange", "hub.example", status, {}, json.dumps(body).encode())
    with pytest.raises(ExchangeError) as caught:
        read_response(answer, RESOURCE, NOW)
    assert caught.value.what == what
