"""Google's metadata server, and the IAM call that replaces it in Cloud Build.

https://cloud.google.com/compute/docs/instances/verifying-instance-identity
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_hub.fields import FieldError, mapping, text
from local_hub.issuers import google
from local_hub.issuers.base import Job
from local_hub.issuers.endpoint import METHODS, Record, Refused, check_method, recorded
from local_hub.issuers.running import RunningIssuers
from local_hub.request_body import NO_STORE, BadBody, bearer_token, read_json

METADATA = "/computeMetadata"
ACCOUNT = f"{METADATA}/v1/instance/service-accounts/default"
IAM = f"/v1/projects/-/serviceAccounts/{google.EMAIL}:generateIdToken"
ACCESS_TOKEN = "ya29.local"
FLAVOR = {"Metadata-Flavor": "Google"}
_IAM_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 405: "UNIMPLEMENTED"}


def routes(running: RunningIssuers, record: Record) -> list[Route]:
    """Return the routes of the metadata server and of IAM; both serve the Google job that was registered last."""

    async def metadata(request: Request) -> Response:
        # Checked first, as Google does: without this header, the server reveals nothing else.
        if request.headers.get("metadata-flavor") != "Google":
            raise Refused(403, "Missing Metadata-Flavor:Google header.")
        check_method(request, "GET")
        job = running.latest_job(google.ISSUER)
        if job is None:
            raise Refused(404, "no Google job is registered")
        return _metadata(running, job, request)

    async def generate(request: Request) -> Response:
        check_method(request, "POST")
        if bearer_token(request) != ACCESS_TOKEN:
            raise Refused(401, "Authorization: must be Bearer and the metadata server's access token")
        job = running.latest_job(google.ISSUER)
        if job is None or request.scope["path"] != IAM:
            raise Refused(403, "the access token belongs to another service account")
        try:
            body = mapping(await read_json(request) or {}, "body")
            audience = text(body.get("audience"), "audience")
        except (FieldError, BadBody) as error:
            raise Refused(400, str(error)) from None
        without = () if body.get("includeEmail") is True else google.EMAIL_CLAIMS
        return JSONResponse({"token": running.mint(job, audience, without)}, headers=NO_STORE)

    issuer, any_account = running.url(google.ISSUER), "/v1/projects/-/serviceAccounts/{account:str}"
    return [
        Route(f"{METADATA}/{{rest:path}}", recorded(issuer, metadata, record, _metadata_refusal), methods=METHODS),
        Route(any_account, recorded(issuer, generate, record, _iam_refusal), methods=METHODS),
    ]


def _metadata(running: RunningIssuers, job: Job, request: Request) -> Response:
    if request.scope["path"] == f"{ACCOUNT}/email":
        return PlainTextResponse(google.EMAIL, headers=FLAVOR)
    if request.scope["path"] == f"{ACCOUNT}/token":
        token = {"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"}
        return JSONResponse(token, headers={**FLAVOR, **NO_STORE})
    if request.scope["path"] != f"{ACCOUNT}/identity":
        raise Refused(404, "the metadata server has nothing at this path")
    if job.cloud_build:
        raise Refused(404, "the metadata server of Cloud Build has no ID tokens")
    audiences = request.query_params.getlist("audience")
    if len(audiences) != 1 or not audiences[0]:
        raise Refused(400, "non-empty audience parameter required")
    forms = request.query_params.getlist("format") or ["standard"]
    if forms not in (["standard"], ["full"]):
        raise Refused(400, "format: must be standard or full")
    without = () if forms == ["full"] else google.EMAIL_CLAIMS
    return PlainTextResponse(running.mint(job, audiences[0], without), headers={**FLAVOR, **NO_STORE})


def _metadata_refusal(refused: Refused) -> Response:
    body = "Not Found" if refused.status == 404 else refused.reason
    return PlainTextResponse(body, refused.status, headers=FLAVOR)


def _iam_refusal(refused: Refused) -> Response:
    error = {"code": refused.status, "message": refused.reason, "status": _IAM_STATUS[refused.status]}
    return JSONResponse({"error": error}, refused.status)
