"""The operator API under /local-hub: jobs, publishers, accounts, faults and the logs.

The Hub has no such API. It needs no password, because the application accepts connections from this machine only.
"""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_hub.faults.script import OPERATOR, Script, read_faults, read_path
from local_hub.fields import flag, mapping
from local_hub.hub.publishers import from_wire, to_wire
from local_hub.hub.resources import Declared, read_declared
from local_hub.hub.service import Hub, introspect
from local_hub.issuers import github
from local_hub.issuers.registry import read_job
from local_hub.issuers.running import RunningIssuers
from local_hub.request_body import NO_STORE, bearer_token, read_json
from local_hub.unknown_requests import UnknownRequests

PATH = OPERATOR
LOGS = ("audit", "commits", "exchanges", "introspections", "refused-mints")


def routes(hub: Hub, running: RunningIssuers, script: Script, unknown: UnknownRequests) -> list[Route]:
    """Return the routes of the operator API."""

    async def read_log(request: Request) -> JSONResponse:
        return JSONResponse(hub.store.log(request.scope["path"].rpartition("/")[2]))

    async def list_unknown(_: Request) -> JSONResponse:
        return JSONResponse(unknown.listed())

    return [
        *_issuer_routes(running),
        *_publisher_routes(hub),
        *_account_routes(hub),
        *_fault_routes(script),
        *[Route(f"{PATH}/{kind}", read_log) for kind in LOGS],
        Route(f"{PATH}/unknown-requests", list_unknown, methods=["GET"]),
    ]


def _issuer_routes(running: RunningIssuers) -> list[Route]:
    async def register_job(request: Request) -> JSONResponse:
        job = running.register(read_job(await read_json(request)))
        answer = {"id": job.number, "env": job.environment, "files": job.files}
        return JSONResponse(answer, 201, headers=NO_STORE)

    async def rotate_keys(request: Request) -> JSONResponse:
        given = mapping(await read_json(request) or {}, "rotation", ("retire",))
        retire = flag(given.get("retire", False), "retire")
        return JSONResponse({"kid": running.rotate(github.ISSUER, retire=retire)})

    return [
        Route(f"{PATH}/jobs", register_job, methods=["POST"]),
        Route(f"{PATH}/keys/rotate", rotate_keys, methods=["POST"]),
    ]


def _publisher_routes(hub: Hub) -> list[Route]:
    async def list_publishers(request: Request) -> JSONResponse:
        return JSONResponse(hub.store.listed_publishers(request.query_params.get("resource")))

    async def add_publisher(request: Request) -> JSONResponse:
        publisher = from_wire(await read_json(request))
        return JSONResponse({"id": hub.store.add_publisher(publisher, time.time()), **to_wire(publisher)}, 201)

    async def remove_publisher(request: Request) -> Response:
        number = request.path_params["number"]
        # SQLite has no larger integers, so no publisher has a larger number.
        if number < 2**63 and hub.store.remove_publisher(number, time.time()):
            return Response(status_code=204)
        return JSONResponse({"message": "no such publisher"}, 404)

    return [
        Route(f"{PATH}/publishers", list_publishers, methods=["GET"]),
        Route(f"{PATH}/publishers", add_publisher, methods=["POST"]),
        Route(f"{PATH}/publishers/{{number:int}}", remove_publisher, methods=["DELETE"]),
    ]


def _account_routes(hub: Hub) -> list[Route]:
    async def declare_resource(request: Request) -> JSONResponse:
        declared = read_declared(await read_json(request), "body")
        hub.store.declare(declared)
        return JSONResponse(_declared_json(declared), 201)

    async def list_resources(_: Request) -> JSONResponse:
        return JSONResponse([_declared_json(declared) for declared in hub.store.all_declared()])

    async def set_account(request: Request) -> JSONResponse:
        given = mapping(await read_json(request), "account", ("locked",))
        name, locked = request.path_params["name"], flag(given.get("locked"), "locked")
        hub.store.lock_account(name, locked=locked, now=time.time())
        return JSONResponse({"account": name, "locked": locked})

    async def introspect_token(request: Request) -> JSONResponse:
        token = introspect(hub, bearer_token(request), time.time())
        return JSONResponse(token, 200 if token["active"] else 401, headers=NO_STORE)

    return [
        Route(f"{PATH}/resources", declare_resource, methods=["POST"]),
        Route(f"{PATH}/resources", list_resources, methods=["GET"]),
        Route(f"{PATH}/accounts/{{name}}", set_account, methods=["POST"]),
        Route(f"{PATH}/introspect", introspect_token),
    ]


def _fault_routes(script: Script) -> list[Route]:
    async def list_faults(_: Request) -> JSONResponse:
        return JSONResponse(script.listed())

    async def set_faults(request: Request) -> JSONResponse:
        given = mapping(await read_json(request), "body", ("path", "faults"))
        path = read_path(given.get("path"), "path")
        script.left[path] = read_faults(given.get("faults"), "faults")
        return JSONResponse({"path": path, "faults": script.left[path]}, 201)

    async def clear_faults(_: Request) -> Response:
        script.clear()
        return Response(status_code=204)

    return [
        Route(f"{PATH}/faults", list_faults, methods=["GET"]),
        Route(f"{PATH}/faults", set_faults, methods=["POST"]),
        Route(f"{PATH}/faults", clear_faults, methods=["DELETE"]),
    ]


def _declared_json(declared: Declared) -> dict[str, Any]:
    return {
        "resource": str(declared.resource),
        "kind": declared.resource.kind,
        "private": declared.private,
        "gated": declared.gated,
        "readers": sorted(declared.readers),
    }
