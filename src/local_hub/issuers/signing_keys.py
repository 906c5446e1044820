"""The issuer's signing keys: made, published as a JWKS, rotated, used.

A key ring is a value; rotating gives a new one. This module must not know what the tokens that it signs are for.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWS
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"


@dataclass(frozen=True)
class SigningKey:
    """A private RSA key and the name it is published under."""

    kid: str
    private: rsa.RSAPrivateKey


@dataclass(frozen=True)
class KeyRing:
    """The published keys; the last one signs."""

    keys: tuple[SigningKey, ...]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self.keys[-1]


def new_key() -> SigningKey:
    """Make a key under a name that was never used before."""
    return SigningKey(secrets.token_hex(8), rsa.generate_private_key(public_exponent=65537, key_size=2048))


def new_ring() -> KeyRing:
    """Make a ring of one fresh key."""
    return KeyRing((new_key(),))


def rotated(ring: KeyRing, *, retire: bool) -> KeyRing:
    """Add a fresh key; with `retire`, the older ones are withdrawn."""
    kept = () if retire else ring.keys
    return KeyRing((*kept, new_key()))


def jwks(ring: KeyRing) -> dict[str, Any]:
    """Give the public halves as a JWK Set (RFC 7517 § 5)."""
    return {"keys": [_public_jwk(key) for key in ring.keys]}


def sign(key: SigningKey, claims: Mapping[str, Any]) -> str:
    """Sign any claims, wrong ones too: judging them is the verifier's part."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return PyJWS().encode(payload, key.private, ALGORITHM, headers={"kid": key.kid})


def _public_jwk(key: SigningKey) -> dict[str, Any]:
    public = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    material = {name: public[name] for name in ("kty", "n", "e")}
    return {**material, "use": "sig", "alg": ALGORITHM, "kid": key.kid}
