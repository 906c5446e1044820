"""The application: every route together, and what holds for each answer.

Each answer, an error too, carries a fresh `x-request-id`, and is JSON but for the pages; a Host that is not loopback is
turned away.
"""

import contextlib
import time
import uuid

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_hub import control, issuer, pages
from local_hub.faults.script import Script, with_faults
from local_hub.fields import FieldError
from local_hub.hub import endpoint as token_endpoint
from local_hub.hub.service import Hub
from local_hub.hub.store import rfc3339
from local_hub.issuers import http as issuers
from local_hub.issuers.endpoint import Refused
from local_hub.loopback import is_loopback_authority
from local_hub.repositories.router import RepositoryRouter
from local_hub.request_body import BadBody


def make_app(
    hub: Hub, own_issuer: issuer.Issuer, others: issuers.CiIssuers, script: Script, router: RepositoryRouter
) -> ASGIApp:
    """Put the routes of both sides and of the operator together, and the faults before them."""

    def record(issuer_url: str, request: Request, refused: Refused) -> None:
        told = {"issuer": issuer_url, "status": refused.status, "reason": refused.reason}
        entry = {"at": rfc3339(time.time()), "request_id": request.scope["request_id"], **told}
        hub.store.append("refused-mints", entry)

    routes = [
        *issuer.routes(own_issuer, record),
        *issuers.routes(others, record),
        *token_endpoint.routes(hub),
        *router.routes(),
        *control.routes(hub, own_issuer, others, script),
        *pages.routes(hub, own_issuer, others),
    ]
    handlers = {
        FieldError: _bad_request,
        BadBody: _bad_request,
        HTTPException: _http_error,
        Exception: _server_error,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    # A repository may have any name, so its routes have no pattern: they are what is left.
    app.router.default = router
    return _outermost(with_faults(app, script))


def _outermost(inner: ASGIApp) -> ASGIApp:
    """Wrap even the answer to an error that nobody foresaw."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        request_id = str(uuid.uuid4())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        known_host = is_loopback_authority(Headers(scope=scope).get("host", ""))
        handler = inner if known_host else JSONResponse({"message": "the Host header must name loopback"}, 400)
        # Whoever has left hears no answer, and the operator no story of it.
        with contextlib.suppress(ClientDisconnect):
            await handler({**scope, "request_id": request_id}, receive, send_with_id)

    return app


async def _bad_request(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"message": str(error)}, 400)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, HTTPException) else HTTPException(500)
    return JSONResponse({"message": known.detail}, known.status_code, headers=known.headers)


async def _server_error(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"message": "internal error"}, 500)
