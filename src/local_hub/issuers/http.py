"""The issuers of all CIs besides GitHub at work: keys, registered jobs, and the ways to an ID token.

The CIs' side of the house. It must not know the Hub's side: neither publishers nor the exchange.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_hub.fields import FieldError, flag, mapping, text
from local_hub.issuers import google
from local_hub.issuers.base import Ci, Handout
from local_hub.issuers.commands import install
from local_hub.issuers.endpoint import METHODS, Record, Refused, check_method, mint_route, nothing_else, recorded
from local_hub.issuers.registry import BY_NAME, CIS
from local_hub.issuers.signing_keys import ALGORITHM, KeyRing, jwks, new_ring, sign
from local_hub.jobs import RegisteredJob, read_job, with_claims
from local_hub.request_body import NO_STORE, BadBody, bearer_token, read_json

METADATA = "/computeMetadata"
ACCOUNT = f"{METADATA}/v1/instance/service-accounts/default"
IAM = f"/v1/projects/-/serviceAccounts/{google.EMAIL}:generateIdToken"
ACCESS_TOKEN = "ya29.local"
FLAVOR = {"Metadata-Flavor": "Google"}


@dataclass(frozen=True)
class CiJob:
    """A job of a CI, and the claims that were asked for over its own; a claim of None is taken away.

    `audience`: of a token that is issued before the job begins; the CI's default, or else the hub's own URL, if empty.
    `cloud_build`: Google's metadata server has no ID tokens for it, as in Cloud Build.
    """

    ci: Ci
    audience: str
    cloud_build: bool
    claims: Mapping[str, Any]


def read_any_job(description: object, where: str = "job") -> RegisteredJob | CiJob:
    """Read the description of a job: its `ci` says whose it is, and GitHub's unless it does."""
    given = mapping(description, where)
    if given.get("ci", "github") != "github":
        return _read_ci_job(given, where)
    return read_job({name: value for name, value in given.items() if name != "ci"}, where)


def _read_ci_job(description: Mapping[str, Any], where: str) -> CiJob:
    given = mapping(description, where, ("ci", "audience", "claims", "cloud-build"))
    name = text(given["ci"], f"{where}.ci")
    if name not in BY_NAME:
        raise FieldError(f"{where}.ci", f"must be github, {', '.join(BY_NAME)}")
    audience = text(given["audience"], f"{where}.audience") if "audience" in given else ""
    cloud_build = flag(given.get("cloud-build", False), f"{where}.cloud-build")
    return CiJob(BY_NAME[name], audience, cloud_build, mapping(given.get("claims", {}), f"{where}.claims"))


class CiIssuers:
    """The issuers' keys and jobs, which live as long as the process."""

    def __init__(self, base_url: str, commands: Path) -> None:
        """Play all of them below this URL; the commands are written into that folder."""
        self.base_url = base_url
        self._path = os.pathsep.join([str(commands.absolute()), os.environ.get("PATH", os.defpath)])
        self._rings: dict[str, KeyRing] = {}
        self._jobs: dict[str, CiJob] = {}
        self.metadata: CiJob | None = None
        install(commands)

    def url(self, ci: Ci) -> str:
        """The issuer's URL."""
        return f"{self.base_url}/oidc/{ci.issuer_path}"

    def ring(self, ci: Ci) -> KeyRing:
        """Its keys, made when they are first asked for."""
        if ci.name not in self._rings:
            self._rings[ci.name] = new_ring()
        return self._rings[ci.name]

    def register(self, job: CiJob) -> tuple[str, dict[str, str], dict[str, str]]:
        """Register a job; give its id, the environment of its steps, and its files by their paths."""
        secret = secrets.token_urlsafe(32)
        self._jobs[secret] = job
        if job.ci is google.CI:
            self.metadata = job
        handout = Handout(
            token=self.mint(job, job.audience or job.ci.default_audience or self.base_url),
            url=job.ci.endpoint.url(self.url(job.ci)) if job.ci.endpoint else "",
            secret=secret,
            authority=urlsplit(self.base_url).netloc,
            path=self._path,
        )
        return uuid.uuid4().hex, dict(job.ci.environment(handout)), dict(job.ci.files(handout))

    def mint(self, job: CiJob, audience: str, without: Sequence[str] = ()) -> str:
        """An ID token of this job, without some of the claims that its CI would give it."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + job.ci.lifetime, "jti": str(uuid.uuid4())}
        aud = [audience] if job.ci.audience_is_a_list else audience
        claims = {**job.ci.claims(self.url(job.ci)), **times, "aud": aud}
        given = {name: value for name, value in claims.items() if name not in without}
        return sign(self.ring(job.ci).current, with_claims(given, job.claims))

    def job_of(self, ci: Ci, secret: str) -> CiJob | None:
        """The job of this CI that holds this secret."""
        job = self._jobs.get(secret)
        return job if job and job.ci is ci else None


def routes(issuers: CiIssuers, record: Record) -> list[Route]:
    """Give the issuers' routes, and those of Google's metadata server and IAM; what they refuse is recorded."""
    return [route for ci in CIS for route in _issuer_routes(issuers, ci, record)] + _google_routes(issuers, record)


def _issuer_routes(issuers: CiIssuers, ci: Ci, record: Record) -> list[Route]:
    url = issuers.url(ci)

    async def discovery(_: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": url,
                "jwks_uri": f"{url}/.well-known/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse(jwks(issuers.ring(ci)))

    def find(request_token: str) -> CiJob | None:
        return issuers.job_of(ci, request_token)

    def mint(job: CiJob, audience: str | None) -> str | None:
        return issuers.mint(job, audience) if audience else None

    path = f"/oidc/{ci.issuer_path}"
    return [
        Route(f"{path}/.well-known/openid-configuration", discovery),
        Route(f"{path}/.well-known/jwks", keys),
        *([mint_route(url, ci.endpoint, find, mint, record)] if ci.endpoint else []),
        nothing_else(url, record),
    ]


def _google_routes(issuers: CiIssuers, record: Record) -> list[Route]:
    async def metadata(request: Request) -> Response:
        # Before anything else: not even what is missing is said to whoever leaves this out.
        if request.headers.get("metadata-flavor") != "Google":
            raise Refused(403, "Missing Metadata-Flavor:Google header.")
        check_method(request, "GET")
        if issuers.metadata is None:
            raise Refused(404, "no job of Google's is registered")
        return _metadata(issuers, issuers.metadata, request)

    async def generate(request: Request) -> Response:
        check_method(request, "POST")
        if bearer_token(request) != ACCESS_TOKEN:
            raise Refused(401, "Authorization: must be Bearer and the metadata server's access token")
        job = issuers.metadata
        if job is None or request.scope["path"] != IAM:
            raise Refused(403, "the access token is of another service account")
        try:
            asked = mapping(await read_json(request) or {}, "body")
            audience = text(asked.get("audience"), "audience")
        except (FieldError, BadBody) as error:
            raise Refused(400, str(error)) from None
        without = () if asked.get("includeEmail") is True else google.EMAIL_CLAIMS
        return JSONResponse({"token": issuers.mint(job, audience, without)}, headers=NO_STORE)

    issuer, any_account = issuers.url(google.CI), "/v1/projects/-/serviceAccounts/{account:str}"
    return [
        Route(f"{METADATA}/{{rest:path}}", recorded(issuer, metadata, record, _metadata_refusal), methods=METHODS),
        Route(any_account, recorded(issuer, generate, record, _iam_refusal), methods=METHODS),
    ]


def _metadata(issuers: CiIssuers, job: CiJob, request: Request) -> Response:
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
    return PlainTextResponse(issuers.mint(job, audiences[0], without), headers={**FLAVOR, **NO_STORE})


def _metadata_refusal(refused: Refused) -> Response:
    body = "Not Found" if refused.status == 404 else refused.reason
    return PlainTextResponse(body, refused.status, headers=FLAVOR)


def _iam_refusal(refused: Refused) -> Response:
    status = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 405: "UNIMPLEMENTED"}
    error = {"code": refused.status, "message": refused.reason, "status": status[refused.status]}
    return JSONResponse({"error": error}, refused.status)
