"""An issuer that is not Local Hub's own: keys made here, tokens signed here, each fetch of its documents recorded."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.local_hub_process import LocalHub
from tests.scripted_server import Answer, Recorded, ScriptedServer, scripted_server

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/somewhere/else/keys.json"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class ForeignIssuer:
    """Its documents can be changed by a test while it runs."""

    server: ScriptedServer
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    discovery: Callable[[str], Answer] = field(default=lambda url: Answer({"issuer": url, "jwks_uri": url + JWKS}))

    @property
    def url(self) -> str:
        """The issuer URL."""
        return self.server.url

    def fetched(self, path: str) -> int:
        """How often a document was fetched."""
        return sum(request.path == path for request in self.server.requests)

    def token(self, audience: object, kid: str = "one", algorithm: str = "RS256", **claims: Any) -> str:
        """A token of this issuer; a claim of None is left out."""
        now = int(time.time())
        payload = {
            "iss": self.url,
            "aud": audience,
            "sub": "job",
            "iat": now,
            "exp": now + 300,
            "team": "blue",
        } | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, self.keys[kid], algorithm, headers={"kid": kid})


@contextmanager
def foreign_issuer() -> Iterator[ForeignIssuer]:
    """Serve an issuer with one RSA key, named `one`."""
    issuers: list[ForeignIssuer] = []

    def discovery(_: Recorded) -> Answer:
        return issuers[0].discovery(issuers[0].url)

    def jwks(_: Recorded) -> Answer:
        return Answer({"keys": [jwk(kid, key) for kid, key in issuers[0].keys.items()]})

    with scripted_server({DISCOVERY: discovery, JWKS: jwks}) as server:
        issuers.append(ForeignIssuer(server, {"one": rsa_key()}))
        yield issuers[0]


def trust(hub: LocalHub, issuer: ForeignIssuer, resource: str, **claims: str) -> int:
    """Add a publisher for a foreign issuer; give its id."""
    wire = {name: {"kind": "eq", "value": value} for name, value in (claims or {"team": "blue"}).items()}
    number: int = hub.post("/local-hub/publishers", {"resource": resource, "issuerUrl": issuer.url, "claims": wire})[
        "id"
    ]
    return number


def reason(hub: LocalHub) -> str:
    """The true reason of the latest exchange."""
    text: str = hub.get("/local-hub/exchanges")[0]["reason"]
    return text


def rsa_key() -> rsa.RSAPrivateKey:
    """A fresh RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(kid: str, key: PrivateKey) -> dict[str, Any]:
    """The public half as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig"}
