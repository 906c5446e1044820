"""The HTTP routes of all issuers: discovery, keys, the endpoint that mints.

It knows nothing of the Hub: neither publishers nor the exchange.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_hub.issuers import google_http
from local_hub.issuers.base import Issuer
from local_hub.issuers.endpoint import Record, mint_route, not_found_route
from local_hub.issuers.running import RunningIssuers
from local_hub.issuers.signing_keys import ALGORITHM, jwks


def routes(running: RunningIssuers, issuers: Iterable[Issuer], record: Record) -> list[Route]:
    """Return the routes of the issuers; `record` gets each refused request."""
    own = [route for issuer in issuers for route in _issuer_routes(running, issuer, record)]
    return own + google_http.routes(running, record)


def _issuer_routes(running: RunningIssuers, issuer: Issuer, record: Record) -> list[Route]:
    url = running.url(issuer)

    async def discovery(_: Request) -> JSONResponse:
        # OpenID Connect Discovery 1.0 § 3.
        return JSONResponse(
            {
                "issuer": url,
                "jwks_uri": f"{url}/.well-known/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                **issuer.discovery,
            }
        )

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse(jwks(running.ring(issuer)))

    path = f"/oidc/{issuer.issuer_path}"
    return [
        Route(f"{path}/.well-known/openid-configuration", discovery),
        Route(f"{path}/.well-known/jwks", keys),
        *([mint_route(running, issuer, issuer.endpoint, record)] if issuer.endpoint else []),
        not_found_route(url, record),
    ]
