"""The endpoint that mints ID tokens: it accepts requests only in the form that the issuer documents.

It records each refused request, so that the operator can see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_hub.issuers.base import Endpoint, Issuer
from local_hub.issuers.running import RunningIssuers
from local_hub.request_body import NO_STORE, bearer_token

# Routes accept every method, because Starlette's own 405 would not be recorded.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """No ID token. The reason never repeats the request, which could contain a token anywhere."""

    def __init__(self, status: int, reason: str, allow: str = "") -> None:
        """Refuse with this status and reason; `allow` is the correct method."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.allow = allow


# Records that the issuer with this URL refused a request.
Record = Callable[[str, Request, Refused], None]


def mint_route(running: RunningIssuers, issuer: Issuer, endpoint: Endpoint, record: Record) -> Route:
    """Return the route of an issuer's endpoint."""

    async def id_token(request: Request) -> Response:
        check_method(request, "GET")
        job = running.job_of(issuer, _request_token(request, endpoint))
        if job is None:
            raise Refused(401, "Authorization: no job of this CI has this request token")
        audience = _audience(request, endpoint) or job.default_audience
        return JSONResponse(endpoint.answer(running.mint(job, audience)), headers=NO_STORE)

    url = running.url(issuer)
    return Route(f"{urlsplit(url).path}/idtoken", recorded(url, id_token, record, _message), methods=METHODS)


def not_found_route(issuer: str, record: Record) -> Route:
    """Return the route for all other paths of an issuer; it must come last."""

    async def not_found(_: Request) -> Response:
        raise Refused(404, "the issuer has nothing at this path")

    path = urlsplit(issuer).path
    return Route(f"{path}/{{rest:path}}", recorded(issuer, not_found, record, _message), methods=METHODS)


def recorded(issuer: str, handler: Handler, record: Record, answer: Callable[[Refused], Response]) -> Handler:
    """Wrap a handler: record each refusal, and answer it."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            record(issuer, request, refused)
            response = answer(refused)
            if refused.allow:
                response.headers["Allow"] = refused.allow
            return response

    return handle


def check_method(request: Request, method: str) -> None:
    """Refuse any other method."""
    if request.method != method:
        # RFC 9110 § 15.5.6: a 405 must name the allowed methods.
        raise Refused(405, f"the method must be {method}", allow=method)


def _message(refused: Refused) -> Response:
    return JSONResponse({"message": refused.reason}, refused.status, headers=NO_STORE)


def _request_token(request: Request, endpoint: Endpoint) -> str:
    given = request.headers.get("authorization", "").strip()
    if not given:
        raise Refused(401, "Authorization: is missing")
    token = bearer_token(request) if endpoint.bearer else given
    if not token or " " in token:
        form = "Bearer and the request token" if endpoint.bearer else "only the request token, without Bearer"
        raise Refused(401, f"Authorization: must be {form}")
    return token


def _audience(request: Request, endpoint: Endpoint) -> str:
    versions = request.query_params.getlist("api-version")
    if endpoint.api_version and versions != [endpoint.api_version] and (versions or endpoint.needs_api_version):
        raise Refused(400, f"api-version: must be {endpoint.api_version}")
    audiences = request.query_params.getlist("audience")
    if audiences and (len(audiences) > 1 or not audiences[0]):
        raise Refused(400, "audience: must be given once and must not be empty")
    if not audiences and endpoint.needs_audience:
        raise Refused(400, "audience: is missing from the query")
    return audiences[0] if audiences else ""
