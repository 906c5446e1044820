"""The exchange over HTTP: what is granted, what is refused, what the client hears, and what the log says."""

import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local_hub.exchange import NOT_ACCEPTED
from local_hub.id_token import NotAToken, parse
from tests.local_hub_process import LocalHub
from tests.unit.local_hub.foreign_issuer import ForeignIssuer, foreign_issuer, reason, rsa_key, trust

RESOURCE = "acme/exchange"
JOB = {"repository": "o/r"}
KINDS = {
    "acme/k": ("model", "hf_jwt_"),
    "datasets/acme/k": ("dataset", "hf_jwt_"),
    "spaces/acme/k": ("space", "hf_jwt_"),
    "kernels/acme/k": ("kernel", "hf_jwt_"),
    "buckets/acme/k": ("bucket", "hf_jwt_"),
    "acme": ("user", "hf_oauth_"),
}


@pytest.fixture(scope="module")
def issuer(hub: LocalHub) -> Iterator[ForeignIssuer]:
    """A foreign issuer that `RESOURCE` trusts."""
    with foreign_issuer() as running:
        trust(hub, running, RESOURCE)
        yield running


def publish(hub: LocalHub, resource: str, claims: dict[str, str], **more: Any) -> None:
    """Trust Local Hub's own issuer."""
    wire = {name: {"kind": "eq", "value": value} for name, value in claims.items()}
    hub.post("/local-hub/publishers", {"resource": resource, "issuerUrl": hub.issuer, "claims": wire, **more})


def assert_not_accepted(hub: LocalHub, token: str, why: str, resource: str = RESOURCE) -> None:
    """The client hears the general sentence; the log has the reason."""
    answer = hub.exchange(token, resource)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": NOT_ACCEPTED}
    assert why in reason(hub)


@pytest.mark.parametrize("resource", KINDS)
def test_each_kind_of_resource_is_granted(hub: LocalHub, resource: str) -> None:
    """The answer is RFC 8693's, and the token is good for that resource."""
    publish(hub, resource, {"repository": "o/r", "branch": "main", "workflow": "publish.yml"})
    answer = hub.exchange(hub.id_token(**JOB), resource)
    body = answer.json()
    kind, prefix = KINDS[resource]
    seen = hub.get("/local-hub/introspect", headers={"Authorization": "Bearer " + body["access_token"]})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert body["access_token"].startswith(prefix)
    assert {name: body[name] for name in body if name != "access_token"} == {
        "token_type": "bearer",
        "expires_in": 3600,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    assert (seen["resource"], seen["kind"]) == (resource, kind)


def test_a_grant_is_logged_with_its_publisher(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """The log says who was granted what, by the id that the client was told."""
    answer = hub.exchange(issuer.token(hub.hub, jti="j"), RESOURCE)
    entry = hub.get("/local-hub/exchanges")[0]
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert (entry["outcome"], entry["resource"], entry["subject"], entry["jti"]) == ("granted", RESOURCE, "job", "j")
    assert entry["publisher_id"] is not None


def test_a_read_only_publisher_gives_a_token_that_reads(hub: LocalHub) -> None:
    """`readOnly` takes writing away."""
    publish(hub, "acme/read-only", {"repository": "o/r"}, readOnly=True)
    token = hub.exchange(hub.id_token(**JOB), "acme/read-only").json()["access_token"]
    seen = hub.get("/local-hub/introspect", headers={"Authorization": "Bearer " + token})
    assert seen["can"] == ["read"]


def test_a_malformed_request_is_told_what_is_wrong(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """The client is told what the log has; test_exchange_decision.py has each way to go wrong."""
    answer = hub.exchange(issuer.token(hub.hub), "models/acme/m")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["error_description"].startswith("resource: ")
    assert reason(hub) == answer.json()["error_description"]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "text/plain"),
        (b"{}", ""),
        (b"grant_type=x", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_a_body_that_is_no_json_object_is_an_invalid_request(hub: LocalHub, content: bytes, content_type: str) -> None:
    """Nothing else is read as one, and nothing breaks."""
    answer = hub.request("POST", "/oauth/token", content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_body_over_the_limit_is_refused(hub: LocalHub) -> None:
    """One MiB is the most."""
    answer = hub.request("POST", "/oauth/token", json={"resource": "x" * 1024 * 1024})
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("resource", ["datasets/acme/unknown", "datasets/acme/declared"])
def test_a_resource_without_publisher_gets_the_hubs_own_words(
    hub: LocalHub, issuer: ForeignIssuer, resource: str
) -> None:
    """Unknown or without publisher: the client hears the same; the log tells them apart."""
    hub.post("/local-hub/resources", {"resource": "datasets/acme/declared"})
    answer = hub.exchange(issuer.token(hub.hub), resource)
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": f"No trusted publisher configured on {resource}",
    }
    assert reason(hub).startswith("resource:" if resource.endswith("unknown") else "publishers:")


def test_names_are_matched_in_their_own_case(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """Another case is another resource."""
    answer = hub.exchange(issuer.token(hub.hub), RESOURCE.upper())
    assert answer.json()["error_description"] == f"No trusted publisher configured on {RESOURCE.upper()}"


def test_a_locked_account_is_refused(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """Its repositories have no tokens until it is opened again."""
    trust(hub, issuer, "mallory/m")
    hub.post("/local-hub/accounts/mallory", {"locked": True})
    assert_not_accepted(hub, issuer.token(hub.hub), "the account mallory is locked", "mallory/m")
    hub.post("/local-hub/accounts/mallory", {"locked": False})
    assert hub.exchange(issuer.token(hub.hub), "mallory/m").status_code == 200


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://else.example"}, "iss: no publisher"),
        ({"exp": int(time.time()) - 1}, "exp: "),
        ({"team": "red"}, "team: expected blue, token has red"),
    ],
)
def test_claims_that_are_wrong_are_refused_alike(
    hub: LocalHub, issuer: ForeignIssuer, claims: dict[str, Any], why: str
) -> None:
    """One sentence for all of them; the reason is the operator's. test_exchange_decision.py has each claim."""
    assert_not_accepted(hub, issuer.token(hub.hub, **claims), why)


def test_an_audience_list_that_holds_the_hub_is_accepted(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """`aud` may be a list."""
    assert hub.exchange(issuer.token(["https://else.example", hub.hub]), RESOURCE).status_code == 200


def test_an_unsigned_token_is_refused(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """`alg: none` is no algorithm, in any spelling."""
    payload = jwt.decode(issuer.token(hub.hub), options={"verify_signature": False})
    unsigned = jwt.encode(payload, "", "none", headers={"kid": "one"})
    assert_not_accepted(hub, unsigned, "alg: must be one of")
    body = unsigned.split(".")[1]
    spelled = jwt.utils.base64url_encode(json.dumps({"alg": "nOnE", "kid": "one"}).encode()).decode()
    assert_not_accepted(hub, f"{spelled}.{body}.", "alg: must be one of")


def test_the_public_key_is_not_a_shared_secret(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """HS256 with the published key as its secret is refused."""
    # By hand: PyJWT knows better than to sign so.
    public = issuer.keys["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"one"}').decode()
    signed = f"{header}.{issuer.token(hub.hub).split('.')[1]}"
    mac = jwt.utils.base64url_encode(hmac.digest(public, signed.encode(), "sha256")).decode()
    assert_not_accepted(hub, f"{signed}.{mac}", "alg: must be one of")


@pytest.mark.parametrize("header", [{"jwk": {"kty": "RSA"}}, {"jku": "{url}/mine"}, {"x5u": "{url}/mine"}])
def test_a_key_that_the_token_brings_along_is_not_used(
    hub: LocalHub, issuer: ForeignIssuer, header: dict[str, Any]
) -> None:
    """Another key under a known name does not verify, and no URL in the header is asked."""
    payload = jwt.decode(issuer.token(hub.hub), options={"verify_signature": False})
    filled = {name: value.format(url=issuer.url) if isinstance(value, str) else value for name, value in header.items()}
    forged = jwt.encode(payload, rsa_key(), "RS256", headers={"kid": "one", **filled})
    assert_not_accepted(hub, forged, "signature: does not verify")
    assert issuer.fetched("/mine") == 0


def test_critical_extensions_are_refused(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """`crit` asks for what is not understood here."""
    payload = jwt.decode(issuer.token(hub.hub), options={"verify_signature": False})
    token = jwt.encode(payload, issuer.keys["one"], "RS256", headers={"kid": "one", "crit": ["x"], "x": 1})
    assert_not_accepted(hub, token, "crit: ")


@pytest.mark.parametrize(("curve", "algorithm"), [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384")])
def test_elliptic_curves_are_accepted(
    hub: LocalHub, issuer: ForeignIssuer, curve: ec.EllipticCurve, algorithm: str
) -> None:
    """ES256 and ES384 verify with keys of their own kind."""
    issuer.keys[algorithm] = ec.generate_private_key(curve)
    assert hub.exchange(issuer.token(hub.hub, algorithm, algorithm), RESOURCE).status_code == 200


def test_a_key_of_another_kind_does_not_verify(hub: LocalHub, issuer: ForeignIssuer) -> None:
    """An RSA key named by an ES256 header is a refusal, not a crash."""
    payload = jwt.decode(issuer.token(hub.hub), options={"verify_signature": False})
    token = jwt.encode(payload, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "one"})
    assert_not_accepted(hub, token, "signature: does not verify")


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ({"ref": "refs/tags/v1"}, "branch: expected main, token has refs/tags/v1"),
        ({"ref": "refs/heads/dev"}, "branch: expected main, token has dev"),
        ({"event_name": "pull_request"}, "branch: expected main, token has refs/pull/1/merge"),
        (
            {"workflow_ref": "o/r/.github/workflows/x.yml@refs/heads/main"},
            "workflow: expected publish.yml, token has x.yml",
        ),
        ({"claims": {"branch": "main", "ref": None}}, "branch: expected main, token has none"),
    ],
)
def test_github_fields_are_read_out_of_other_claims(hub: LocalHub, job: dict[str, Any], why: str) -> None:
    """`branch` and `workflow` are not raw claims on GitHub-shaped issuers."""
    publish(hub, "acme/preset", {"branch": "main", "workflow": "publish.yml"})
    for entry in hub.get("/local-hub/publishers?resource=acme/preset")[1:]:
        hub.request("DELETE", f"/local-hub/publishers/{entry['id']}")
    assert_not_accepted(hub, hub.id_token(**(JOB | job)), why, "acme/preset")


def test_any_one_publisher_is_enough(hub: LocalHub) -> None:
    """Two publishers are alternatives; when neither fits, the log tells both reasons."""
    publish(hub, "acme/two", {"branch": "main"})
    publish(hub, "acme/two", {"ref": "refs/tags/v1"})
    assert hub.exchange(hub.id_token(**JOB), "acme/two").status_code == 200
    assert hub.exchange(hub.id_token(**JOB, ref="refs/tags/v1"), "acme/two").status_code == 200
    assert_not_accepted(hub, hub.id_token(**JOB, ref="refs/tags/v2"), " | publisher ", "acme/two")


@pytest.mark.parametrize("part", [b"[]", b'"x"', b'{"exp":NaN}', b"{", b"\xff", b"[" * 100_000])
def test_a_part_that_is_no_json_object_is_no_token(part: bytes) -> None:
    """NaN is refused too: an `exp` of NaN would never be over."""
    encoded = jwt.utils.base64url_encode(part).decode()
    with pytest.raises(NotAToken):
        parse(f"e30.{encoded}.e30")
