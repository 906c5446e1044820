"""An OIDC issuer in GitHub's shape: discovery, keys, and ID tokens for jobs that were registered.

The CI's side of the house. It must not know the Hub's side: neither publishers nor the exchange.
"""

import secrets
import time
import uuid
from dataclasses import fields

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_hub.jobs import Job, RegisteredJob, claims_of, environment_of, with_claims
from local_hub.json_http import NO_STORE, bearer_token
from local_hub.keys import ALGORITHM, jwks, new_ring, rotated, sign

PATH = "/oidc/github"
API_VERSION = "2.0"
_OWN_CLAIMS = ("aud", "exp", "iat", "iss", "jti", "nbf", "ref_type", "repository_owner", "sub")


class Issuer:
    """The issuer's keys and jobs, which live as long as the process."""

    def __init__(self, base_url: str) -> None:
        """Make a first key, for an issuer below this URL."""
        self.url = base_url + PATH
        self.ring = new_ring()
        self._jobs: dict[str, RegisteredJob] = {}

    def register(self, registered: RegisteredJob) -> tuple[str, dict[str, str]]:
        """Register a job; give its id, and the environment of its steps."""
        request_token = secrets.token_urlsafe(32)
        self._jobs[request_token] = registered
        request = {
            # GitHub's URL always has a query; the client appends to it.
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/idtoken?api-version={API_VERSION}",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request_token,
        }
        return uuid.uuid4().hex, {**environment_of(registered.job), **request}

    def mint(self, request_token: str | None, audience: str, now: int) -> str | None:
        """Mint an ID token for the job that holds this request token, if one does."""
        registered = self._jobs.get(request_token or "")
        if registered is None:
            return None
        claims = claims_of(registered.job, self.url, audience, str(uuid.uuid4()), now)
        return sign(self.ring.current, with_claims(claims, registered.claims))

    def rotate(self, *, retire: bool) -> str:
        """Sign with a fresh key from now on; give its name."""
        self.ring = rotated(self.ring, retire=retire)
        return self.ring.current.kid


def routes(issuer: Issuer) -> list[Route]:
    """Give the issuer's routes."""

    async def discovery(_: Request) -> JSONResponse:
        return JSONResponse(discovery_document(issuer.url))

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse(jwks(issuer.ring))

    async def id_token(request: Request) -> JSONResponse:
        return _id_token(issuer, request)

    return [
        Route(f"{PATH}/.well-known/openid-configuration", discovery),
        Route(f"{PATH}/.well-known/jwks", keys),
        Route(f"{PATH}/idtoken", id_token),
    ]


def discovery_document(url: str) -> dict[str, object]:
    """Give the metadata of OpenID Connect Discovery 1.0 § 3 that GitHub gives."""
    return {
        "issuer": url,
        "jwks_uri": f"{url}/.well-known/jwks",
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": sorted({*_OWN_CLAIMS, *(field.name for field in fields(Job))}),
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
    }


def _id_token(issuer: Issuer, request: Request) -> JSONResponse:
    audience = request.query_params.get("audience")
    if request.query_params.get("api-version") != API_VERSION:
        return _refused(400, f"api-version={API_VERSION} is missing from the query")
    if not audience:
        return _refused(400, "audience is missing from the query")
    value = issuer.mint(bearer_token(request), audience, int(time.time()))
    if value is None:
        return _refused(401, "the request token is missing or unknown")
    return JSONResponse({"count": len(value), "value": value}, headers=NO_STORE)


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status, headers=NO_STORE)
