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

from local_hub.issuers.base import Endpoint
from local_hub.issuers.endpoint import Record, mint_route, nothing_else
from local_hub.issuers.signing_keys import ALGORITHM, jwks, new_ring, rotated, sign
from local_hub.jobs import SERVER_URL, Job, RegisteredJob, claims_of, environment_of, with_claims

PATH = "/oidc/github"
# A URL with `api-version` is what GitHub hands out, and a request without it is answered: huggingface_hub drops it.
ENDPOINT = Endpoint(bearer=True, answer=lambda token: {"count": len(token), "value": token}, api_version="2.0")
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
            "ACTIONS_ID_TOKEN_REQUEST_URL": ENDPOINT.url(self.url),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request_token,
        }
        return uuid.uuid4().hex, {**environment_of(registered.job), **request}

    def job_of(self, request_token: str) -> RegisteredJob | None:
        """The job that holds this request token, if one does."""
        return self._jobs.get(request_token)

    def mint(self, registered: RegisteredJob, audience: str | None) -> str:
        """Mint an ID token for a job; it is for the repository's owner unless it is asked for somebody else."""
        aud = audience or f"{SERVER_URL}/{registered.job.owner}"
        claims = claims_of(registered.job, self.url, aud, str(uuid.uuid4()), int(time.time()))
        return sign(self.ring.current, with_claims(claims, registered.claims))

    def rotate(self, *, retire: bool) -> str:
        """Sign with a fresh key from now on; give its name."""
        self.ring = rotated(self.ring, retire=retire)
        return self.ring.current.kid


def routes(issuer: Issuer, record: Record) -> list[Route]:
    """Give the issuer's routes; what it refuses is recorded."""

    async def discovery(_: Request) -> JSONResponse:
        return JSONResponse(discovery_document(issuer.url))

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse(jwks(issuer.ring))

    return [
        Route(f"{PATH}/.well-known/openid-configuration", discovery),
        Route(f"{PATH}/.well-known/jwks", keys),
        mint_route(issuer.url, ENDPOINT, issuer.job_of, issuer.mint, record),
        nothing_else(issuer.url, record),
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
