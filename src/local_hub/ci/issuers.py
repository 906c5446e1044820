"""The issuers of all CIs besides GitHub at work: keys, registered jobs, and the ways to an ID token.

The CIs' side of the house. It must not know the Hub's side: neither publishers nor the exchange.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_hub.ci import google
from local_hub.ci._base import Ci, Handout
from local_hub.ci.commands import install
from local_hub.ci.registry import BY_NAME, CIS
from local_hub.fields import FieldError, flag, mapping, text
from local_hub.jobs import RegisteredJob, read_job, with_claims
from local_hub.json_http import NO_STORE, bearer_token, read_json
from local_hub.keys import ALGORITHM, KeyRing, jwks, new_ring, sign

ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
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
            url=f"{self.url(job.ci)}/idtoken?api-version=2.0",
            secret=secret,
            authority=urlsplit(self.base_url).netloc,
            path=self._path,
        )
        return uuid.uuid4().hex, dict(job.ci.environment(handout)), dict(job.ci.files(handout))

    def mint(self, job: CiJob, audience: str) -> str:
        """An ID token of this job."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + job.ci.lifetime, "jti": str(uuid.uuid4())}
        aud = [audience] if job.ci.audience_is_a_list else audience
        claims = {**job.ci.claims(self.url(job.ci)), **times, "aud": aud}
        return sign(self.ring(job.ci).current, with_claims(claims, job.claims))

    def job_of(self, ci: Ci, secret: str) -> CiJob | None:
        """The job of this CI that holds this secret."""
        job = self._jobs.get(secret)
        return job if job and job.ci is ci else None


def routes(issuers: CiIssuers) -> list[Route]:
    """Give the issuers' routes, and the metadata server's."""
    return [route for ci in CIS for route in _issuer_routes(issuers, ci)] + _metadata_routes(issuers)


def _issuer_routes(issuers: CiIssuers, ci: Ci) -> list[Route]:
    async def discovery(_: Request) -> JSONResponse:
        url = issuers.url(ci)
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

    async def id_token(request: Request) -> JSONResponse:
        audience = request.query_params.get("audience")
        job = issuers.job_of(ci, bearer_token(request) or request.headers.get("authorization", ""))
        if job is None or not audience:
            return JSONResponse({"message": "the audience or the request token is missing or unknown"}, 401)
        token = issuers.mint(job, audience)
        return JSONResponse({"value": token, "id_token": token}, headers=NO_STORE)

    path = f"/oidc/{ci.issuer_path}"
    return [
        Route(f"{path}/.well-known/openid-configuration", discovery),
        Route(f"{path}/.well-known/jwks", keys),
        Route(f"{path}/idtoken", id_token),
    ]


def _metadata_routes(issuers: CiIssuers) -> list[Route]:
    async def metadata(request: Request) -> Response:
        if request.headers.get("metadata-flavor") != "Google":
            return PlainTextResponse("Missing Metadata-Flavor:Google header.", 403)
        job, what = issuers.metadata, request.path_params["what"]
        audience = request.query_params.get("audience")
        if job is None or (what == "identity" and (not audience or job.cloud_build)):
            return PlainTextResponse("Not Found", 404, headers=FLAVOR)
        if what == "token":
            return JSONResponse(
                {"access_token": "ya29.local", "expires_in": 3599, "token_type": "Bearer"}, headers=FLAVOR
            )
        body = google.EMAIL if what == "email" else issuers.mint(job, audience or "")
        return PlainTextResponse(body, headers={**FLAVOR, **NO_STORE})

    async def generate(request: Request) -> JSONResponse:
        asked = mapping(await read_json(request) or {}, "body")
        job = issuers.metadata
        if job is None or bearer_token(request) != "ya29.local" or request.path_params["email"] != google.EMAIL:
            return JSONResponse({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, 403)
        return JSONResponse({"token": issuers.mint(job, text(asked.get("audience"), "audience"))}, headers=NO_STORE)

    return [
        Route(f"{ACCOUNT}/{{what:str}}", metadata),
        Route("/v1/projects/-/serviceAccounts/{email:str}:generateIdToken", generate, methods=["POST"]),
    ]
