"""Routes each request for a repository to its handler, after authorization.

For each request: parse the URL, look up the token, decide, receive the body within its limit, then call the handler.
Only this module calls the handlers.
"""

import base64
import binascii
import contextlib
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local_hub.hub.resources import Declared
from local_hub.hub.store import Store
from local_hub.hub.tokens import IssuedToken
from local_hub.repositories import api, commit_api, git_http, lfs_api, lists, xet_api
from local_hub.repositories.access import (
    INVALID_TOKEN,
    Denied,
    Principal,
    Unauthenticated,
    Verb,
    decide,
    decide_creation,
    decide_identity,
)
from local_hub.repositories.addresses import (
    LFS_BATCH,
    LFS_LOCKS,
    LFS_OBJECT,
    PAGE_ACTIONS,
    XET,
    Address,
    InvalidName,
    read_address,
)
from local_hub.repositories.context import RepositoryStore, RequestContext, is_true, media_type
from local_hub.repositories.git_commands import GitFailed, TooMuch
from local_hub.repositories.git_store import GitStore, Stuck
from local_hub.repositories.responses import NoRoute, Refusal, bad_request, refused
from local_hub.request_body import DRAIN_LIMIT, NO_STORE, bearer_token
from local_hub.unknown_requests import UnknownRequests

_LOG = logging.getLogger(__name__)
_SMALL = 1024 * 1024
_COMMIT = 512 * 1024 * 1024
_JSON = ("application/json",)
_LINES = ("application/x-ndjson",)
_UNTYPED = ("", "application/octet-stream", "application/json")  # hf_xet sends most bodies without a type
_SERVICES = {"git-upload-pack": Verb.READ, "git-receive-pack": Verb.WRITE}
# The calls that open a pull request if they have `create_pr`.
_PROPOSALS = ("api/preupload", "api/commit")
_GIT = ("info/refs", *_SERVICES)
# git and git-lfs send the token as the password of Basic authentication.
_BASIC = (LFS_BATCH, LFS_LOCKS, LFS_OBJECT, *_GIT)

# A page gets a request's context; the page "refused" gets the request and the refusal.
Page = Callable[..., Response]


@dataclass(frozen=True)
class _Endpoint:
    """A handler, the permission it needs, the size limit of the body, and the media types of a POST."""

    verb: Verb
    handler: Callable[[RequestContext], Response]
    limit: int = _SMALL
    types: tuple[str, ...] = _JSON


ENDPOINTS = {
    ("GET", "api/"): _Endpoint(Verb.SEE, api.info),
    ("GET", "api/revision"): _Endpoint(Verb.SEE, api.info),
    ("GET", "api/tree"): _Endpoint(Verb.SEE, api.tree),
    ("POST", "api/paths-info"): _Endpoint(
        Verb.SEE, api.paths_info, types=("application/json", "application/x-www-form-urlencoded")
    ),
    ("GET", "api/refs"): _Endpoint(Verb.SEE, api.refs),
    ("GET", "api/commits"): _Endpoint(Verb.SEE, api.commits),
    ("GET", "api/discussions"): _Endpoint(Verb.SEE, lists.discussions),
    ("POST", "api/discussions"): _Endpoint(Verb.PROPOSE, api.allowed),
    ("GET", "api/likers"): _Endpoint(Verb.SEE, lists.likers),
    ("GET", "resolve"): _Endpoint(Verb.READ, api.resolve),
    ("GET", "raw"): _Endpoint(Verb.READ, api.raw),
    ("POST", "api/preupload"): _Endpoint(Verb.WRITE, commit_api.preupload, 2 * _SMALL),
    ("POST", "api/commit"): _Endpoint(Verb.WRITE, commit_api.make_commit, _COMMIT, _LINES),
    ("POST", "api/branch"): _Endpoint(Verb.WRITE, commit_api.create_branch),
    ("DELETE", "api/branch"): _Endpoint(Verb.WRITE, commit_api.delete_branch),
    ("GET", "api/auth-check"): _Endpoint(Verb.READ, api.allowed),
    ("GET", "api/auth-check/write"): _Endpoint(Verb.CHECK_WRITE, api.allowed),
    ("POST", "api/tag"): _Endpoint(Verb.ADMINISTER, api.allowed),
    ("DELETE", "api/tag"): _Endpoint(Verb.ADMINISTER, api.allowed),
    ("PUT", "api/settings"): _Endpoint(Verb.ADMINISTER, api.allowed),
    ("GET", "api/xet-read-token"): _Endpoint(Verb.READ, api.no_xet),
    ("GET", "api/xet-write-token"): _Endpoint(Verb.WRITE, xet_api.write_token),
    ("GET", XET): _Endpoint(Verb.WRITE, xet_api.look_up),
    ("POST", XET): _Endpoint(Verb.WRITE, xet_api.receive, xet_api.XORB_LIMIT, _UNTYPED),
    ("GET", LFS_LOCKS): _Endpoint(Verb.SEE, lfs_api.no_locks),
    ("POST", LFS_LOCKS): _Endpoint(Verb.SEE, lfs_api.no_locks, types=(lfs_api.MEDIA_TYPE,)),
    ("POST", LFS_BATCH): _Endpoint(Verb.SEE, lfs_api.batch, types=(lfs_api.MEDIA_TYPE,)),
    ("POST", LFS_OBJECT): _Endpoint(Verb.WRITE, lfs_api.verify, types=(lfs_api.MEDIA_TYPE, "application/json")),
}
# A bucket has no git repository. It takes uploads through Xet only, which Local Hub does not have.
BUCKET_ENDPOINTS = {
    ("GET", "api/"): _Endpoint(Verb.SEE, api.bucket_info),
    ("GET", "api/tree"): _Endpoint(Verb.SEE, api.bucket_tree),
    ("POST", "api/"): _Endpoint(Verb.ADMINISTER, api.allowed),
    ("DELETE", "api/"): _Endpoint(Verb.ADMINISTER, api.allowed),
    ("POST", "api/batch"): _Endpoint(Verb.WRITE, api.no_xet, _COMMIT, _LINES),
    ("GET", "api/xet-read-token"): _Endpoint(Verb.READ, api.no_xet),
    ("GET", "api/xet-write-token"): _Endpoint(Verb.WRITE, api.no_xet),
}


class RepositoryRouter:
    """The application that answers every request which no other route matches."""

    def __init__(self, database: Store, directory: Path, base_url: str, *, whoami: bool = False) -> None:
        """Keep the repositories of this database in this folder. `whoami`: answer it to repositories' tokens too."""
        self._store = RepositoryStore(database, GitStore(directory), secrets.token_bytes(32), base_url)
        self._whoami_for_repositories = whoami
        self.unknown = UnknownRequests()
        # The application adds the pages of repositories. They import this module, not the reverse.
        self.pages: Mapping[str, Page] = {}

    def routes(self) -> list[Route]:
        """Return the API routes that do not name a repository in their path."""
        return [
            Route("/api/whoami-v2", self._whoami, methods=["GET"]),
            Route("/api/repos/{what}", self._create, methods=["POST", "DELETE"]),
            Route("/api/validate-yaml", self._validate, methods=["POST"]),
            # hf_xet reports each transfer, and ignores the answer.
            Route("/v1/telemetry", self._validate, methods=["POST"]),
            *[Route(f"/api/{kind}", self._list, methods=["GET"]) for kind in lists.KINDS],
            *lists.empty_routes(),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a repository."""
        request = Request(scope, receive)
        address = read_address(scope.get("raw_path", b""))
        if scope["type"] != "http":
            raise HTTPException(404)
        if address is None:
            self._record(request, scope["raw_path"].decode("ascii", "replace"))
            raise HTTPException(404)
        try:
            answer = await self._answer(request, address)
        except NoRoute as refusal:
            self._record(request, address.template)
            answer = refused(refusal.denied)
        except Refusal as refusal:
            answer = refused(refusal.denied, basic=address.action in _BASIC, plain=address.action in _GIT)
        except InvalidName as error:
            answer = refused(bad_request(str(error)))
        except Stuck as stuck:
            _LOG.warning("local-hub: %s", stuck)
            answer = refused(bad_request("the branch cannot be updated now; try again", 503))
        except TooMuch:
            answer = refused(
                bad_request("this revision has more files than Local Hub can list, or longer messages", 413)
            )
        except GitFailed as error:
            # git's message can name folders of this machine, so only the operator sees it.
            _LOG.warning("local-hub: git failed: %s", error)
            answer = refused(bad_request("git failed", 500))
        await answer(scope, receive, send)

    def _record(self, request: Request, path: str) -> None:
        self.unknown.record(request.method, path, request.headers.get("user-agent", ""), time.time())

    async def _answer(self, request: Request, address: Address) -> ASGIApp:
        if address.action == LFS_OBJECT and request.method == "PUT":
            return await lfs_api.receive(request, address, self._store)
        if address.action == LFS_OBJECT and request.method in ("GET", "HEAD"):
            return await run_in_threadpool(lfs_api.send, request, address, self._store)
        if address.action in _GIT:
            authorized = await self._authorize(request, address, _git_verb(request, address))
            # git reads the body from the stream itself.
            return git_http.Backend(RequestContext(request, address, *authorized, self._store, Path(os.devnull)))
        if address.action in PAGE_ACTIONS and request.method in ("GET", "HEAD"):
            return await self._page(request, address)
        endpoint = _endpoint(request, address)
        authorized = await self._authorize(request, address, endpoint.verb)
        if request.method == "POST" and media_type(request) not in endpoint.types:
            raise Refusal(bad_request(f"Content-Type must be {' or '.join(endpoint.types)}", 415))
        async with self._received(request, endpoint.limit) as body:
            context = RequestContext(request, address, *authorized, self._store, body)
            return await run_in_threadpool(endpoint.handler, context)

    async def _page(self, request: Request, address: Address) -> Response:
        show = self.pages.get(address.action)
        if show is None or address.resource.kind == "bucket":
            raise NoRoute(Denied(404, "", "Not Found"))
        try:
            authorized = await self._authorize(request, address, Verb.READ if address.action == "blob" else Verb.SEE)
            context = RequestContext(request, address, *authorized, self._store, Path(os.devnull))
            return await run_in_threadpool(show, context)
        except (InvalidName, Refusal) as error:
            if not address.action:
                # Two names need not be a repository: /oauth/authorize is not one.
                self._record(request, address.template)
            denied = error.denied if isinstance(error, Refusal) else bad_request(str(error))
            return await run_in_threadpool(self.pages["refused"], request, denied)

    async def _authorize(self, request: Request, address: Address, verb: Verb) -> tuple[Principal, Declared]:
        principal = await run_in_threadpool(self._principal, request, basic=address.action in _BASIC)
        declared = await run_in_threadpool(self._store.database.declared, str(address.resource))
        denied = decide(principal, declared, verb)
        if denied or declared is None:
            raise Refusal(denied or bad_request("unknown", 404))
        return principal, declared

    def _principal(self, request: Request, *, basic: bool) -> Principal:
        if "authorization" not in request.headers:
            return Unauthenticated.ANONYMOUS
        token = bearer_token(request)
        scheme, _, encoded = request.headers["authorization"].partition(" ")
        if not token and basic and scheme.lower() == "basic":
            # RFC 7617 § 2: a user name, a colon and a password. The password is the token; any user name is accepted.
            with contextlib.suppress(binascii.Error, ValueError):
                token = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
        return self._store.database.find_token(token or "", time.time()) or Unauthenticated.REJECTED

    @contextlib.asynccontextmanager
    async def _received(self, request: Request, limit: int) -> AsyncIterator[Path]:
        path = self._store.git.scratch_file()
        try:
            with path.open("wb") as file:
                received = 0
                async for chunk in request.stream():
                    received += len(chunk)
                    if received <= limit:
                        file.write(chunk)
                    elif received > limit + DRAIN_LIMIT:
                        break
            if received > limit:
                raise Refusal(bad_request(f"the request body is larger than {limit} bytes", 413))
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _whoami(self, request: Request) -> Response:
        principal = await run_in_threadpool(self._principal, request, basic=False)
        denied = decide_identity(principal, repositories=self._whoami_for_repositories)
        if denied or not isinstance(principal, IssuedToken):
            return refused(denied or bad_request("unknown"))
        name = principal.resource.owner
        user = {"type": "user", "id": name, "name": name, "fullname": name, "orgs": [], "auth": {"type": "oauth"}}
        return JSONResponse(user, headers=NO_STORE)

    async def _create(self, request: Request) -> Response:
        return refused(decide_creation(await run_in_threadpool(self._principal, request, basic=False)))

    async def _list(self, request: Request) -> Response:
        principal = await run_in_threadpool(self._principal, request, basic=False)
        if principal is Unauthenticated.REJECTED:
            return refused(INVALID_TOKEN)
        declared = await run_in_threadpool(self._store.database.all_declared)
        kind = request.url.path.rpartition("/")[2]
        return JSONResponse(lists.repositories(declared, principal, kind, request.query_params))

    async def _validate(self, _: Request) -> Response:
        return JSONResponse({"errors": [], "warnings": []})


def _endpoint(request: Request, address: Address) -> _Endpoint:
    method = "GET" if request.method == "HEAD" else request.method
    action = address.action
    if action == "api/auth-check" and address.tail:
        action = "api/auth-check/write"
    endpoints = BUCKET_ENDPOINTS if address.resource.kind == "bucket" else ENDPOINTS
    endpoint = endpoints.get((method, action))
    if endpoint and action in _PROPOSALS and is_true(request.query_params.get("create_pr", "")):
        return replace(endpoint, verb=Verb.PROPOSE)
    if endpoint is None:
        known = {name for _, name in endpoints}
        raise NoRoute(Denied(405, "", "Method Not Allowed") if action in known else Denied(404, "", "Not Found"))
    return endpoint


def _git_verb(request: Request, address: Address) -> Verb:
    asking = address.action == "info/refs"
    service = request.query_params.get("service", "") if asking else address.action
    if address.resource.kind == "bucket" or service not in _SERVICES or request.method != ("GET" if asking else "POST"):
        raise NoRoute(Denied(404, "", "Not Found"))
    return _SERVICES[service]
