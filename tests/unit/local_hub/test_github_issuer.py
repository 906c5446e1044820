"""The GitHub issuer answers as GitHub's own."""

import jwt
import pytest

from tests.local_hub_process import LocalHub

JOB = {"repository": "o/r", "environment": "prod"}


@pytest.mark.process
def test_a_token_verifies_through_discovery_alone(hub: LocalHub) -> None:
    """PyJWT's own client verifies it with the discovery document."""
    discovery = hub.get("/oidc/github/.well-known/openid-configuration")
    token = hub.id_token("https://a.example", **JOB)
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience="https://a.example", issuer=discovery["issuer"])
    assert discovery["issuer"] == hub.issuer
    assert set(claims) <= set(discovery["claims_supported"])
    assert claims["exp"] - claims["iat"] == 300
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": key.key_id}


def test_the_published_keys_are_public(hub: LocalHub) -> None:
    """The JWKS contains no private key."""
    for key in hub.get("/oidc/github/.well-known/jwks")["keys"]:
        assert set(key) == {"kty", "n", "e", "use", "alg", "kid"}


def test_each_token_has_its_own_id(hub: LocalHub) -> None:
    """Each ID token of a job has a new `jti`."""
    env = hub.job(**JOB)
    url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=a"
    headers = {"Authorization": f"Bearer {env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    answers = [hub.get(url, headers=headers) for _ in range(2)]
    ids = {jwt.decode(answer["value"], options={"verify_signature": False})["jti"] for answer in answers}
    assert len(ids) == 2
    assert all(answer["count"] == len(answer["value"]) for answer in answers)
