"""The Xet calls with which hf_xet uploads large files: huggingface_hub 2 uses nothing else if hf_xet is installed.

A shard completes its files: each becomes an LFS object, if its content has the announced SHA-256. So a file is the same
however it was sent, and clients download it without Xet. The router has already authorized the caller.
"""

import hashlib
from functools import lru_cache

from starlette.responses import JSONResponse, Response

from local_hub.hub.tokens import IssuedToken
from local_hub.repositories.access import INVALID_TOKEN
from local_hub.repositories.addresses import XET
from local_hub.repositories.api import commit_of
from local_hub.repositories.context import RequestContext
from local_hub.repositories.lfs import OBJECT_LIMIT, Digesting, Objects, Pointer
from local_hub.repositories.responses import NO_ENTRY, Refusal, bad_request
from local_hub.repositories.xet import InvalidXet, SharedFile, chunk_places, is_hash, read_chunks, read_shard
from local_hub.request_body import NO_STORE, bearer_token

XORB_LIMIT = 80 * 1024 * 1024  # 64 MiB of chunks, their headers, and a footer
SHARD_LIMIT = 8 * 1024 * 1024  # describes more than OBJECT_LIMIT


def write_token(context: RequestContext) -> Response:
    """`GET …/xet-write-token/{revision}`: where to upload. The caller's own token is valid there too."""
    commit_of(context)
    token = bearer_token(context.request)
    if token is None or not isinstance(context.principal, IssuedToken):
        raise Refusal(INVALID_TOKEN)
    base = f"{context.store.base_url}/{context.address.resource}.git/{XET}/{_session(context)}"
    expires = str(int(context.principal.expires_at))
    headers = {"X-Xet-Cas-Url": base, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": expires, **NO_STORE}
    return JSONResponse({"casUrl": base, "accessToken": token, "exp": int(expires)}, headers=headers)


def receive(context: RequestContext) -> Response:
    """`POST …/v1/xorbs/default/{hash}` and `…/v1/shards`."""
    session, *call = context.address.tail
    if session != _session(context):
        raise Refusal(NO_ENTRY)
    try:
        match call:
            case ["v1", "xorbs", "default", xorb] if is_hash(xorb):
                with context.body.open("rb") as file:
                    chunk_places(file)
                context.require_unexpired()
                place = context.repository.xorbs / xorb
                place.parent.mkdir(exist_ok=True)
                context.body.replace(place)
                return JSONResponse({"was_inserted": True})
            case ["v1", "shards"]:
                return _receive_shard(context)
    except InvalidXet as error:
        raise Refusal(bad_request(str(error))) from None
    # hf_xet tries newer calls first, such as `v2/shards` and `v1/xorb-grants`. After 404 it uses these.
    raise Refusal(NO_ENTRY)


def look_up(_: RequestContext) -> Response:
    """`GET …/v1/chunks/{prefix}/{hash}`: never known, so the client uploads the chunk."""
    raise Refusal(NO_ENTRY)


def _session(context: RequestContext) -> str:
    # hf_xet remembers for each URL which chunks it has uploaded there. Local Hub keeps xorbs only until it stops.
    return hashlib.sha256(b"xet" + context.store.link_key).hexdigest()[:16]


def _receive_shard(context: RequestContext) -> Response:
    if context.body.stat().st_size > SHARD_LIMIT:
        raise Refusal(bad_request(f"a shard has at most {SHARD_LIMIT} bytes", 413))
    files = read_shard(context.body.read_bytes())
    if sum(file.size for file in files) > OBJECT_LIMIT:
        raise Refusal(bad_request(f"the files of a shard have at most {OBJECT_LIMIT} bytes"))
    for file in files:
        _complete(context, file)
    return JSONResponse({"result": 1})


def _complete(context: RequestContext, file: SharedFile) -> None:
    """Write a file of a shard from its xorbs, and store it as an LFS object."""
    objects, pointed = Objects(context.repository.path), Pointer(file.sha256, file.size)
    if objects.has(pointed):
        return
    # A shard can name a xorb 100,000 times, so read the places of its chunks once.
    places = lru_cache(maxsize=64)(lambda xorb: _places(context, xorb))
    with context.store.git.scratch() as scratch:
        received = Digesting(scratch / "file")
        try:
            for segment in file.segments:
                context.require_unexpired()
                known = places(segment.xorb)
                if not segment.start <= segment.end < len(known):
                    raise InvalidXet("a shard names a chunk that its xorb does not have")
                with (context.repository.xorbs / segment.xorb).open("rb") as xorb:
                    xorb.seek(known[segment.start])
                    for chunk in read_chunks(xorb, segment.end - segment.start):
                        received.write(chunk)
                if received.size > file.size:
                    break
            if received.finish() != pointed:
                raise InvalidXet("the size or SHA-256 of a file differs from the announced one")
            context.require_unexpired()
            objects.take(scratch / "file", pointed)
        finally:
            received.close()


def _places(context: RequestContext, xorb: str) -> list[int]:
    try:
        with (context.repository.xorbs / xorb).open("rb") as file:
            return chunk_places(file)
    except FileNotFoundError:
        raise InvalidXet(f"the xorb {xorb} was not uploaded") from None
