"""The issuer, as GitHub's would answer."""

import httpx
import jwt
import pytest

from tests.local_hub_process import LocalHub

JOB = {"repository": "o/r", "environment": "prod"}


def request_token(hub: LocalHub, url: str, authorization: str) -> httpx.Response:
    """Ask for an ID token in any way."""
    return hub.request("GET", url, headers={"Authorization": authorization} if authorization else {})


@pytest.mark.process
def test_a_token_verifies_through_discovery_alone(hub: LocalHub) -> None:
    """PyJWT's own client, given the discovery document, accepts it."""
    discovery = hub.get("/oidc/github/.well-known/openid-configuration")
    token = hub.id_token("https://a.example", **JOB)
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience="https://a.example", issuer=discovery["issuer"])
    assert discovery["issuer"] == hub.issuer
    assert set(claims) <= set(discovery["claims_supported"])
    assert claims["exp"] - claims["iat"] == 300
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": key.key_id}


def test_the_published_keys_are_public(hub: LocalHub) -> None:
    """No private part of a key is published."""
    for key in hub.get("/oidc/github/.well-known/jwks")["keys"]:
        assert set(key) == {"kty", "n", "e", "use", "alg", "kid"}


def test_each_token_has_its_own_id(hub: LocalHub) -> None:
    """`jti` is fresh for each mint of one job, and the scheme's case does not matter."""
    env = hub.job(**JOB)
    url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=a"
    answers = [
        request_token(hub, url, f"{scheme} {env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}").json()
        for scheme in ("Bearer", "bearer")
    ]
    ids = {jwt.decode(answer["value"], options={"verify_signature": False})["jti"] for answer in answers}
    assert len(ids) == 2
    assert all(answer["count"] == len(answer["value"]) for answer in answers)


@pytest.mark.parametrize(
    ("query", "authorization", "status"),
    [
        ("?api-version=2.0&audience=a", "", 401),
        ("?api-version=2.0&audience=a", "Bearer nobody", 401),
        ("?api-version=2.0&audience=a", "Bearer", 401),
        ("?api-version=2.0&audience=a", "Basic {token}", 401),
        ("?api-version=2.0", "Bearer {token}", 400),
        ("?api-version=2.0&audience=", "Bearer {token}", 400),
        ("?audience=a", "Bearer {token}", 400),
        ("?api-version=1.0&audience=a", "Bearer {token}", 400),
    ],
)
def test_a_wrong_request_gets_no_token(hub: LocalHub, query: str, authorization: str, status: int) -> None:
    """Each is refused with a message, and without a value."""
    known = hub.job(**JOB)["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    answer = request_token(hub, "/oidc/github/idtoken" + query, authorization.format(token=known))
    assert answer.status_code == status
    assert set(answer.json()) == {"message"}
