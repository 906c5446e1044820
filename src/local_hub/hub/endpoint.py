"""`POST /oauth/token` over HTTP: answers as in RFC 8693 § 2.2.1, and errors as in RFC 6749 § 5.2.

The client gets only the description of a refusal; the true reason stays in the log.
"""

import time

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_hub.hub.exchange import ACCESS_TOKEN_TYPE, Refused
from local_hub.hub.service import Hub, Issued, exchange, refuse_malformed
from local_hub.request_body import NO_STORE, BadBody, read_json

PATH = "/oauth/token"


def routes(hub: Hub) -> list[Route]:
    """Return the route of the exchange."""

    async def token(request: Request) -> JSONResponse:
        request_id = request.scope["request_id"]
        try:
            body = await read_json(request)
        except BadBody as error:
            return _answer(await run_in_threadpool(refuse_malformed, hub, str(error), request_id, time.time()))
        except HTTPException as error:
            refused = await run_in_threadpool(refuse_malformed, hub, error.detail, request_id, time.time())
            return _answer(refused, error.status_code)
        # In a thread: the exchange may fetch keys, possibly from this same process.
        return _answer(await run_in_threadpool(exchange, hub, body, request_id, time.time()))

    return [Route(PATH, token, methods=["POST"])]


def _answer(outcome: Issued | Refused, status: int = 400) -> JSONResponse:
    if isinstance(outcome, Refused):
        body = {"error": outcome.error, "error_description": outcome.description}
        return JSONResponse(body, status, headers=NO_STORE)
    return JSONResponse(
        {
            "access_token": outcome.token,
            "token_type": "bearer",
            "expires_in": outcome.expires_in,
            "issued_token_type": ACCESS_TOKEN_TYPE,
        },
        headers=NO_STORE,
    )
