"""An issuer's signing keys: generate, publish as a JWKS, rotate, sign.

A key ring is a value: rotation returns a new one. This module does not know what the tokens are for.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# Both libraries together take a tenth of the start, and only a job or a request for keys needs them.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

ALGORITHM = "RS256"


@dataclass(frozen=True)
class SigningKey:
    """A private RSA key and its key id."""

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
    """Generate a key with a new id."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - see above

    return SigningKey(secrets.token_hex(8), rsa.generate_private_key(public_exponent=65537, key_size=2048))


def new_ring() -> KeyRing:
    """Return a ring with one new key."""
    return KeyRing((new_key(),))


def rotated(ring: KeyRing, *, retire: bool) -> KeyRing:
    """Add a new key; with `retire`, remove the others."""
    kept = () if retire else ring.keys
    return KeyRing((*kept, new_key()))


def jwks(ring: KeyRing) -> dict[str, Any]:
    """Return the public keys as a JWK Set (RFC 7517 § 5)."""
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - see above

    published = []
    for key in ring.keys:
        public = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
        material = {name: public[name] for name in ("kty", "n", "e")}
        published.append({**material, "use": "sig", "alg": ALGORITHM, "kid": key.kid})
    return {"keys": published}


def sign(key: SigningKey, claims: Mapping[str, Any]) -> str:
    """Sign any claims, even wrong ones: tests need invalid tokens."""
    from jwt import PyJWS  # noqa: PLC0415 - see above

    payload = json.dumps(claims, separators=(",", ":")).encode()
    return PyJWS().encode(payload, key.private, ALGORITHM, headers={"kid": key.kid})
