"""The signature is checked with a published key that is of the algorithm's own kind, and meant for signatures."""

import base64
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local_hub.hub.id_token import is_signed_by, parse
from tests.factories import id_token, signing_key


def published(key: rsa.RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    """The key as an issuer publishes it."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": "test", "alg": "RS256", "use": "sig", **changes}


def test_a_token_is_signed_by_its_key() -> None:
    """With `alg` or without it, which is optional (RFC 7517 § 4.4)."""
    token = parse(id_token())
    assert is_signed_by(token, published(signing_key()))
    without = {name: value for name, value in published(signing_key()).items() if name != "alg"}
    assert is_signed_by(token, without)


@pytest.mark.parametrize("algorithm", ["RS512", "ES256", "HS256", "none"])
def test_a_key_for_another_algorithm_is_none(algorithm: str) -> None:
    """RFC 7517 § 4.4: `alg` says what the key is for."""
    assert not is_signed_by(parse(id_token()), published(signing_key(), alg=algorithm))


def test_another_kind_of_key_is_none() -> None:
    """An RSA key does not verify a token that says ES256."""
    token = jwt.encode({"exp": int(time.time()) + 60}, signing_key(), algorithm="RS256")
    header = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"test"}').rstrip(b"=").decode()
    forged = parse(".".join([header, *token.split(".")[1:]]))
    key = {name: value for name, value in published(signing_key()).items() if name != "alg"}
    assert not is_signed_by(forged, key)
