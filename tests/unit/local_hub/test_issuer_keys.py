"""How an issuer's keys are had: from where, how often, and when not."""

import ssl
from collections.abc import Iterator

import pytest

from local_hub.hub.issuer_keys import BODY_LIMIT, CACHE_SECONDS, IssuerKeys, KeysUnavailable, _may_follow, fetch_keys
from tests.local_hub_process import LocalHub, local_hub_here
from tests.scripted_server import Answer
from tests.unit.local_hub.foreign_issuer import (
    DISCOVERY,
    JWKS,
    ForeignIssuer,
    foreign_issuer,
    reason,
    rsa_key,
    trust,
)


@pytest.fixture
def issuer() -> Iterator[ForeignIssuer]:
    """A fresh foreign issuer."""
    with foreign_issuer() as running:
        yield running


def test_keys_come_from_the_jwks_uri_that_discovery_names(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """Its path is unusual, and is honoured; both documents are then kept."""
    trust(hub, issuer, "acme/keys")
    assert [hub.exchange(issuer.token(hub.hub), "acme/keys").status_code for _ in range(3)] == [200] * 3
    assert (issuer.fetched(DISCOVERY), issuer.fetched(JWKS)) == (1, 1)


def test_an_unknown_key_is_looked_for_once_more(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """A rotated key is found by one more fetch; a key that nobody has costs one, too."""
    trust(hub, issuer, "acme/rotating")
    hub.exchange(issuer.token(hub.hub), "acme/rotating")
    issuer.keys["two"] = rsa_key()
    assert hub.exchange(issuer.token(hub.hub, "two"), "acme/rotating").status_code == 200
    assert issuer.fetched(JWKS) == 2
    stranger = issuer.token(hub.hub, "two")
    del issuer.keys["two"]
    issuer.keys["three"] = rsa_key()
    hub.exchange(issuer.token(hub.hub, "three"), "acme/rotating")
    assert issuer.fetched(JWKS) == 3
    assert hub.exchange(stranger, "acme/rotating").status_code == 400
    assert issuer.fetched(JWKS) == 4
    assert "publishes no key with the id 'two'" in reason(hub)


def test_keys_grow_old(issuer: ForeignIssuer) -> None:
    """After a while, known keys are fetched again."""
    now = [0.0]
    keys = IssuerKeys(ssl.create_default_context, lambda: now[0])
    for now[0] in (0.0, CACHE_SECONDS - 1, CACHE_SECONDS):
        assert keys.find(issuer.url, "one") is not None
    assert issuer.fetched(JWKS) == 2


def test_a_token_without_kid_fits_a_single_key_only(issuer: ForeignIssuer) -> None:
    """With two keys, `kid` has to say which."""
    keys = IssuerKeys(ssl.create_default_context)
    assert keys.find(issuer.url, None) is not None
    issuer.keys["two"] = rsa_key()
    assert IssuerKeys(ssl.create_default_context).find(issuer.url, None) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer("", 302, {"Location": "/elsewhere"}), "answered 302"),
        (Answer("gone", 500), "answered 500"),
        (Answer("<html>"), "is not JSON"),
        (Answer([]), "is not a JSON object"),
        (Answer("[" * 100_000), "is not JSON"),
        (Answer(b" " * (BODY_LIMIT + 1)), "answered more than"),
        (Answer({"issuer": "https://else.example", "jwks_uri": "https://else.example/k"}), "to another issuer"),
        (Answer({"issuer": "{url}"}), "the jwks_uri of the discovery"),
        (Answer({"issuer": "{url}", "jwks_uri": "http://else.example/k"}), "the jwks_uri of the discovery"),
        (Answer({"issuer": "{url}", "jwks_uri": "file:///etc/passwd"}), "the jwks_uri of the discovery"),
        (Answer({"issuer": "{url}", "jwks_uri": "{url}/absent"}), "answered 404"),
        (Answer({"issuer": "{url}", "jwks_uri": "{url}" + DISCOVERY}), "has no list of keys"),
    ],
)
def test_documents_that_are_wrong_give_no_keys(issuer: ForeignIssuer, answer: Answer, why: str) -> None:
    """Each is an error that says which document and what about it; no redirect is followed."""

    def discovery(url: str) -> Answer:
        if not isinstance(answer.body, dict):
            return answer
        return Answer({name: value.replace("{url}", url) for name, value in answer.body.items()})

    issuer.discovery = discovery
    with pytest.raises(KeysUnavailable, match=why):
        fetch_keys(issuer.url, ssl.create_default_context)
    assert issuer.fetched("/elsewhere") == 0


def test_an_issuer_that_is_not_there_is_a_refusal(hub: LocalHub) -> None:
    """The exchange is refused with the reason in the log, and does not break."""
    with foreign_issuer() as issuer:
        trust(hub, issuer, "acme/gone")
        token = issuer.token(hub.hub)
    assert hub.exchange(token, "acme/gone").status_code == 400
    assert "cannot be fetched: ConnectError" in reason(hub)


def test_only_issuers_of_that_resource_are_asked(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """A token of an issuer that is trusted elsewhere causes no fetch."""
    trust(hub, issuer, "acme/trusts-it")
    hub.post(
        "/local-hub/publishers",
        {"resource": "acme/does-not", "issuerUrl": hub.issuer, "claims": {"sub": {"kind": "eq", "value": "x"}}},
    )
    assert hub.exchange(issuer.token(hub.hub), "acme/does-not").status_code == 400
    assert issuer.server.requests == []


@pytest.mark.parametrize(
    ("issuer_url", "jwks_uri", "followed"),
    [
        ("https://issuer.example", "https://keys.example/jwks?x=1", True),
        ("http://127.0.0.1:1", "http://127.0.0.1:2/jwks", True),
        ("http://127.0.0.1:1", "https://keys.example/jwks", True),
        ("https://issuer.example", "http://127.0.0.1:2/jwks", False),
        ("https://issuer.example", "https://localhost/jwks", False),
        ("https://issuer.example", "http://keys.example/jwks", False),
        ("https://issuer.example", "https://keys.example/x?\0", False),
        ("https://issuer.example", "https://keys.example/x? y", False),
        ("https://issuer.example", "https://keys.example/x?" + "y" * 70_000, False),
    ],
)
def test_a_discovery_document_cannot_send_us_anywhere(issuer_url: str, jwks_uri: str, followed: bool) -> None:
    """Only where a token's keys may be; nobody elsewhere makes this machine ask itself."""
    assert _may_follow(issuer_url, jwks_uri) is followed


@pytest.mark.process
def test_a_certificate_is_verified_however_https_is_spelled() -> None:
    """A scheme has no case (RFC 3986, section 3.1), so capitals are no way around TLS."""
    with local_hub_here(tls=True) as hub:
        for url in (hub.issuer, hub.issuer.replace("https", "HTTPS")):
            with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
                fetch_keys(url, ssl.create_default_context)


def test_an_issuer_whose_url_cannot_be_asked_is_a_reason() -> None:
    """Not a crash."""
    with pytest.raises(KeysUnavailable):
        fetch_keys("https://[v1.a]", ssl.create_default_context)


def test_certificates_that_are_gone_are_told() -> None:
    """They are read at the first fetch, when the file of Local Hub's own authority may have been deleted."""

    def gone() -> ssl.SSLContext:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(KeysUnavailable, match="cannot be verified: No such file or directory"):
        fetch_keys("https://issuer.example", gone)
