"""The ASGI application: all routes, error answers, and what applies to every response.

Every response, an error too, has a fresh `x-request-id`. Everything except the pages is JSON. Requests with a
Host other than loopback are rejected.
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

from local_hub import control, pages
from local_hub.faults.script import Script, with_faults
from local_hub.fields import FieldError
from local_hub.hub import endpoint as token_endpoint
from local_hub.hub.log import rfc3339
from local_hub.hub.service import Hub
from local_hub.issuers import http as issuer_routes
from local_hub.issuers.endpoint import Refused
from local_hub.issuers.registry import ISSUERS
from local_hub.issuers.running import RunningIssuers
from local_hub.loopback import is_loopback_authority
from local_hub.repositories.router import RepositoryRouter
from local_hub.request_body import BadBody


def make_app(hub: Hub, running: RunningIssuers, script: Script, router: RepositoryRouter) -> ASGIApp:
    """Combine the routes of the issuers, the Hub, the operator and the pages; faults come first."""

    def record(issuer_url: str, request: Request, refused: Refused) -> None:
        entry = {
            "at": rfc3339(time.time()),
            "request_id": request.scope["request_id"],
            "issuer": issuer_url,
            "status": refused.status,
            "reason": refused.reason,
        }
        hub.store.append("refused-mints", entry)

    site = pages.Site(hub, running.urls(ISSUERS), router.unknown)
    routes = [
        *issuer_routes.routes(running, ISSUERS, record),
        *token_endpoint.routes(hub),
        *router.routes(),
        *control.routes(hub, running, script, router.unknown),
        *pages.routes(site),
    ]
    router.pages = pages.repository_pages(site)
    handlers = {
        FieldError: _bad_request,
        BadBody: _bad_request,
        HTTPException: _http_error,
        Exception: _server_error,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    # A repository can have almost any name, so its routes have no pattern: the router gets what is left.
    app.router.default = router
    return _outermost(with_faults(app, script))


def _outermost(inner: ASGIApp) -> ASGIApp:
    """Add the request id and check the Host, even for the answer to an unexpected error."""

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
        # A disconnected client is not an error, so the operator's terminal shows no traceback.
        with contextlib.suppress(ClientDisconnect):
            await handler({**scope, "request_id": request_id}, receive, send_with_id)

    return app


async def _bad_request(_: Request, error: Exception) -> JSONResponse:
    # The name of an unknown field can contain half a surrogate pair.
    return JSONResponse({"message": str(error).encode("utf-8", "replace").decode()}, 400)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, HTTPException) else HTTPException(500)
    return JSONResponse({"message": known.detail}, known.status_code, headers=known.headers)


async def _server_error(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"message": "internal error"}, 500)
