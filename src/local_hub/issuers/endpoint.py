"""The endpoint that mints ID tokens: it takes each CI's own form of a request, and no other.

What is refused is written down, for the operator to see. It must not know what a job is, nor where the log is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_hub.issuers.base import Endpoint
from local_hub.request_body import NO_STORE, bearer_token

# A route takes all of them: the router would refuse a wrong method too, but without an entry in the log.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
Job = TypeVar("Job")
Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """No ID token: the status, and why. The reason repeats nothing of the request, which may hold a token anywhere."""

    def __init__(self, status: int, reason: str, allow: str = "") -> None:
        """Refuse with this status, for this reason; `allow` is the method that would be right."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.allow = allow


# Writes down that the issuer of this URL refused a request.
Record = Callable[[str, Request, Refused], None]


def mint_route(
    issuer: str,
    endpoint: Endpoint,
    find: Callable[[str], Job | None],
    mint: Callable[[Job, str | None], str | None],
    record: Record,
) -> Route:
    """Give the route of an issuer's endpoint.

    `find` gives the job that a request token belongs to. `mint` gets None for the audience where the request names
    none, and gives None where it has to name one.
    """

    async def id_token(request: Request) -> Response:
        check_method(request, "GET")
        job = find(_request_token(request, endpoint))
        if job is None:
            raise Refused(401, "Authorization: the request token is of no job of this CI")
        token = mint(job, _audience(request, endpoint))
        if token is None:
            raise Refused(400, "audience: is missing from the query")
        return JSONResponse(endpoint.answer(token), headers=NO_STORE)

    path = urlsplit(issuer).path
    return Route(f"{path}/idtoken", recorded(issuer, id_token, record, _message), methods=METHODS)


def nothing_else(issuer: str, record: Record) -> Route:
    """Give the route of whatever an issuer does not have; it comes after all that it has."""

    async def not_found(_: Request) -> Response:
        raise Refused(404, "the issuer has nothing at this path")

    path = urlsplit(issuer).path
    return Route(f"{path}/{{rest:path}}", recorded(issuer, not_found, record, _message), methods=METHODS)


def recorded(issuer: str, handler: Handler, record: Record, answer: Callable[[Refused], Response]) -> Handler:
    """Wrap a handler, so that what it refuses is answered and written down."""

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
        # RFC 9110 § 15.5.6: a 405 says which methods there are.
        raise Refused(405, f"the method must be {method}", allow=method)


def _message(refused: Refused) -> Response:
    return JSONResponse({"message": refused.reason}, refused.status, headers=NO_STORE)


def _request_token(request: Request, endpoint: Endpoint) -> str:
    given = request.headers.get("authorization", "").strip()
    if not given:
        raise Refused(401, "Authorization: is missing")
    token = bearer_token(request) if endpoint.bearer else given
    if not token or " " in token:
        form = "Bearer and the request token" if endpoint.bearer else "the request token alone, without Bearer"
        raise Refused(401, f"Authorization: must be {form}")
    return token


def _audience(request: Request, endpoint: Endpoint) -> str | None:
    versions = request.query_params.getlist("api-version")
    if endpoint.api_version and versions != [endpoint.api_version] and (versions or endpoint.needs_api_version):
        raise Refused(400, f"api-version: must be {endpoint.api_version}")
    audiences = request.query_params.getlist("audience")
    if audiences and (len(audiences) > 1 or not audiences[0]):
        raise Refused(400, "audience: must be named once, and not be empty")
    return audiences[0] if audiences else None
