"""The minimum that can answer an exchange: a bare route that verifies one signature. It stores and decides nothing.

`python -m benchmarks.bare_route` prints its URL and serves until it is stopped. POST a key set to `/keys` first.
"""

from __future__ import annotations

import socket

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.server import EXCHANGE, HUB_TOKEN

KEYS: dict[str, jwt.PyJWK] = {}


async def learn(request: Request) -> JSONResponse:
    """Takes a key set (RFC 7517)."""
    KEYS.update({key["kid"]: jwt.PyJWK(key) for key in (await request.json())["keys"]})
    return JSONResponse({})


async def exchange(request: Request) -> JSONResponse:
    """Grants a token to whatever is signed by one of the keys."""
    id_token = (await request.json())["subject_token"]
    key = KEYS[jwt.get_unverified_header(id_token)["kid"]]
    jwt.decode(id_token, key, algorithms=["RS256"], options={"verify_aud": False})
    return JSONResponse({"access_token": HUB_TOKEN, "token_type": "bearer", "expires_in": 3600})


def main() -> None:
    """Serve."""
    app = Starlette(routes=[Route("/keys", learn, methods=["POST"]), Route(EXCHANGE, exchange, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, http="h11", log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
