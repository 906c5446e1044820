"""Lists that clients request during normal work: repositories, and what Local Hub never has, such as discussions.

The responses have the form that huggingface_hub and huggingface.js read. The router has already authorized the caller.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_hub.hub.resources import Declared
from local_hub.repositories.access import Principal, Verb, decide
from local_hub.repositories.context import RequestContext, number
from local_hub.repositories.responses import Refusal, bad_request

KINDS = ("models", "datasets", "spaces", "kernels")
# Without these lists, clients fail with 404.
EMPTY: Mapping[str, list[Any] | dict[str, Any]] = {
    "/api/agent-harnesses": {"standardEnvVars": [], "harnesses": {}},
    "/api/collections": [],
    "/api/daily_papers": [],
    "/api/datasets-tags-by-type": {},
    "/api/models-tags-by-type": {},
    "/api/telemetry/{topic:path}": {},
    "/api/users/{name}/likes": [],
}


def empty_routes() -> list[Route]:
    """Return the routes of the lists that name no repository and are always empty."""

    def answer(request: Request) -> Response:
        return JSONResponse(EMPTY[request.scope["route"].path])

    return [Route(path, answer, methods=["GET"]) for path in EMPTY]


def repositories(
    declared: Sequence[Declared], principal: Principal, kind: str, query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the repositories of a kind that the caller sees, by `author`, `search` and `limit`."""
    author, search = query.get("author"), query.get("search", "").lower()
    found: list[dict[str, Any]] = []
    for one in declared:
        resource, name = one.resource, str(one.resource).removeprefix(f"{kind}/")
        named = author in (None, resource.owner) and search in name.lower()
        if f"{resource.kind}s" == kind and named and decide(principal, one, Verb.SEE) is None:
            described = {"id": name, **({"modelId": name} if kind == "models" else {}), "author": resource.owner}
            gated = "manual" if one.gated else False
            found.append({**described, "private": one.private, "gated": gated, "downloads": 0, "likes": 0, "tags": []})
    return found[: number(query, "limit", len(found))]


def discussions(context: RequestContext) -> Response:
    """`GET …/discussions[/{number}]`: there are none, and so no pull requests."""
    if context.address.tail:
        raise Refusal(bad_request("Discussion not found", 404))
    return JSONResponse({"discussions": [], "count": 0, "start": 0, "numClosedDiscussions": 0})


def likers(_: RequestContext) -> Response:
    """`GET …/likers`."""
    return JSONResponse([])
