"""The doors to the repositories: which request is answered by what, and what the caller must be allowed for it.

Each request is taken apart, its token looked up, the decision asked for, its body put on the disk within limits, and
only then answered. Nothing but this module calls the answers.
"""

import base64
import binascii
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local_hub.hub.records import IssuedToken
from local_hub.hub.store import Store
from local_hub.repositories import api, git_http, lfs_api
from local_hub.repositories.access import Denied, Holder, Stranger, Verb, decide, decide_creation, decide_identity
from local_hub.repositories.addresses import LFS_BATCH, LFS_OBJECT, Address, InvalidName, read_address
from local_hub.repositories.context import Call, Shelf
from local_hub.repositories.git_commands import GitFailed, TooMuch
from local_hub.repositories.git_store import GitStore, Stuck
from local_hub.repositories.responses import Refusal, bad_request, refused
from local_hub.request_body import DRAIN_LIMIT, NO_STORE, bearer_token

_LOG = logging.getLogger(__name__)
_SMALL = 1024 * 1024
_COMMIT = 512 * 1024 * 1024
_GIT = (LFS_BATCH, LFS_OBJECT, "info/refs", "git-upload-pack", "git-receive-pack")
_SERVICES = {"git-upload-pack": Verb.READ, "git-receive-pack": Verb.WRITE}


@dataclass(frozen=True)
class _Door:
    """What a request is answered by, what it takes, and how long its body may be."""

    verb: Verb
    answer: Callable[[Call], Response]
    limit: int = _SMALL
    types: tuple[str, ...] = ("application/json",)


DOORS = {
    ("GET", "api/"): _Door(Verb.SEE, api.info),
    ("GET", "api/revision"): _Door(Verb.SEE, api.info),
    ("GET", "api/tree"): _Door(Verb.SEE, api.tree),
    ("POST", "api/paths-info"): _Door(
        Verb.SEE, api.paths_info, types=("application/json", "application/x-www-form-urlencoded")
    ),
    ("GET", "api/refs"): _Door(Verb.SEE, api.refs),
    ("GET", "api/commits"): _Door(Verb.SEE, api.commits),
    ("GET", "resolve"): _Door(Verb.READ, api.resolve),
    ("GET", "raw"): _Door(Verb.READ, api.raw),
    ("POST", "api/preupload"): _Door(Verb.WRITE, api.preupload, 16 * _SMALL),
    ("POST", "api/commit"): _Door(Verb.WRITE, api.make_commit, _COMMIT, ("application/x-ndjson",)),
    ("POST", "api/branch"): _Door(Verb.WRITE, api.change_branch),
    ("DELETE", "api/branch"): _Door(Verb.WRITE, api.change_branch),
    ("GET", "api/auth-check"): _Door(Verb.READ, api.allowed),
    ("GET", "api/auth-check/write"): _Door(Verb.ADMINISTER, api.allowed),
    ("POST", "api/tag"): _Door(Verb.ADMINISTER, api.allowed),
    ("DELETE", "api/tag"): _Door(Verb.ADMINISTER, api.allowed),
    ("PUT", "api/settings"): _Door(Verb.ADMINISTER, api.allowed),
    ("GET", "api/xet-read-token"): _Door(Verb.READ, api.no_xet),
    ("GET", "api/xet-write-token"): _Door(Verb.WRITE, api.no_xet),
    ("POST", LFS_BATCH): _Door(Verb.SEE, lfs_api.batch, types=(lfs_api.MEDIA_TYPE,)),
    ("POST", LFS_OBJECT): _Door(Verb.WRITE, lfs_api.verify, types=(lfs_api.MEDIA_TYPE, "application/json")),
}
# A bucket has no git behind it, and takes what it holds through Xet, which is not here.
BUCKET_DOORS = {
    ("GET", "api/"): _Door(Verb.SEE, api.bucket_info),
    ("GET", "api/tree"): _Door(Verb.SEE, api.bucket_tree),
    ("POST", "api/"): _Door(Verb.ADMINISTER, api.allowed),
    ("DELETE", "api/"): _Door(Verb.ADMINISTER, api.allowed),
    ("POST", "api/batch"): _Door(Verb.WRITE, api.no_xet, _COMMIT, ("application/x-ndjson",)),
    ("GET", "api/xet-read-token"): _Door(Verb.READ, api.no_xet),
    ("GET", "api/xet-write-token"): _Door(Verb.WRITE, api.no_xet),
}


class Doors:
    """The application that answers whatever no other route has answered."""

    def __init__(self, records: Store, directory: Path, base_url: str) -> None:
        """Hold the repositories of these records below this folder."""
        self._shelf = Shelf(records, GitStore(directory), secrets.token_bytes(32), base_url)

    def routes(self) -> list[Route]:
        """Give the routes of the API that are no repository's."""
        return [
            Route("/api/whoami-v2", self._who, methods=["GET"]),
            Route("/api/repos/{what}", self._create, methods=["POST", "DELETE"]),
            Route("/api/validate-yaml", self._validate, methods=["POST"]),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to a repository."""
        request = Request(scope, receive)
        address = read_address(scope.get("raw_path", b""))
        if scope["type"] != "http" or address is None:
            raise HTTPException(404)
        try:
            answer = await self._answer(request, address)
        except Refusal as refusal:
            answer = refused(refusal.denied, basic=address.action in _GIT)
        except InvalidName as error:
            answer = refused(bad_request(str(error)))
        except Stuck as stuck:
            _LOG.warning("local-hub: %s", stuck)
            answer = refused(bad_request("the branch cannot be moved now; try again", 503))
        except TooMuch:
            answer = refused(bad_request("Local Hub does not list as many files as this revision has", 413))
        except GitFailed as error:
            # What git says may name this machine's folders: it is for the operator.
            _LOG.warning("local-hub: git failed: %s", error)
            answer = refused(bad_request("git could not do this", 500))
        await answer(scope, receive, send)

    async def _answer(self, request: Request, address: Address) -> ASGIApp:
        if address.action == LFS_OBJECT and request.method in ("PUT", "GET", "HEAD"):
            return await self._by_link(request, address)
        if address.action in _GIT and address.action not in (LFS_BATCH, LFS_OBJECT):
            call = await self._let_in(request, address, _git_verb(request, address), Path())
            return git_http.Backend(call)
        door = _door(request, address)
        call = await self._let_in(request, address, door.verb, Path())
        if request.method == "POST" and call.content_type not in door.types:
            raise Refusal(bad_request(f"Content-Type must be {' or '.join(door.types)}", 415))
        async with self._received(request, door.limit) as body:
            return await run_in_threadpool(door.answer, _with_body(call, body))

    async def _by_link(self, request: Request, address: Address) -> Response:
        if request.method == "PUT":
            return await lfs_api.receive(request, address, self._shelf)
        return await run_in_threadpool(lfs_api.send, request, address, self._shelf)

    async def _let_in(self, request: Request, address: Address, verb: Verb, body: Path) -> Call:
        holder = await run_in_threadpool(self._holder, request, basic=address.action in _GIT)
        declared = await run_in_threadpool(self._shelf.records.declared, str(address.resource))
        denied = decide(holder, declared, verb)
        if denied or declared is None:
            raise Refusal(denied or bad_request("unknown", 404))
        return Call(request, address, holder, declared, self._shelf, body)

    def _holder(self, request: Request, *, basic: bool) -> Holder:
        if "authorization" not in request.headers:
            return Stranger.ANONYMOUS
        token = bearer_token(request) or (_password(request) if basic else None)
        return self._shelf.records.find_token(token or "", time.time()) or Stranger.REJECTED

    @asynccontextmanager
    async def _received(self, request: Request, limit: int) -> AsyncIterator[Path]:
        path = self._shelf.repositories.scratch_file()
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
            path.unlink()

    async def _who(self, request: Request) -> Response:
        holder = await run_in_threadpool(self._holder, request, basic=False)
        if (denied := decide_identity(holder)) or not isinstance(holder, IssuedToken):
            return refused(denied or bad_request("unknown"))
        name = str(holder.resource)
        told = {"type": "user", "id": name, "name": name, "fullname": name, "orgs": [], "auth": {"type": "oauth"}}
        return JSONResponse(told, headers=NO_STORE)

    async def _create(self, request: Request) -> Response:
        return refused(decide_creation(await run_in_threadpool(self._holder, request, basic=False)))

    async def _validate(self, _: Request) -> Response:
        return JSONResponse({"errors": [], "warnings": []})


def _door(request: Request, address: Address) -> _Door:
    method = "GET" if request.method == "HEAD" else request.method
    action = address.action
    if action == "api/auth-check" and address.tail:
        action = "api/auth-check/write"
    doors = BUCKET_DOORS if address.resource.kind == "bucket" else DOORS
    door = doors.get((method, action))
    if door is None:
        known = {name for _, name in doors}
        raise Refusal(Denied(405, "", "Method Not Allowed") if action in known else Denied(404, "", "Not Found"))
    return door


def _git_verb(request: Request, address: Address) -> Verb:
    asking = address.action == "info/refs"
    service = request.query_params.get("service", "") if asking else address.action
    if address.resource.kind == "bucket" or service not in _SERVICES or request.method != ("GET" if asking else "POST"):
        raise Refusal(Denied(404, "", "Not Found"))
    return _SERVICES[service]


def _with_body(call: Call, body: Path) -> Call:
    return Call(call.request, call.address, call.holder, call.declared, call.shelf, body)


def _password(request: Request) -> str | None:
    """Read the password of a Basic authorization, which is the token; any user name does (RFC 7617 § 2)."""
    scheme, _, encoded = request.headers["authorization"].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
