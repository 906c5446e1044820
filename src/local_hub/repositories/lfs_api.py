"""The Git LFS API, which git-lfs and huggingface_hub use: batch, upload, download, verify.

See git-lfs, docs/api/batch.md and docs/api/basic-transfers.md. Batch checks the permission and returns signed links.
A link works without a token.
"""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local_hub.fields import FieldError, byte_count, items, mapping, text
from local_hub.hub.tokens import IssuedToken
from local_hub.repositories.access import Denied, Verb
from local_hub.repositories.addresses import LFS_OBJECT, Address
from local_hub.repositories.context import RepositoryStore, RequestContext
from local_hub.repositories.lfs import OBJECT_LIMIT, Digesting, Link, Objects, Pointer, is_oid
from local_hub.repositories.responses import NO_ENTRY, Refusal, bad_request, file_answer
from local_hub.request_body import parsed_json

MEDIA_TYPE = "application/vnd.git-lfs+json"
LINK_SECONDS = 3600
BAD_LINK = Denied(403, "", "this link is invalid or has expired")
_VERBS = {"upload": Verb.WRITE, "download": Verb.READ}


def batch(context: RequestContext) -> Response:
    """`POST …/info/lfs/objects/batch`."""
    body = mapping(parsed_json(context.body.read_bytes()), "body")
    operation = text(body.get("operation"), "operation")
    if operation not in _VERBS:
        raise FieldError("operation", "must be upload or download")
    context.require(_VERBS[operation])
    # huggingface.js writes the name with an underscore.
    if body.get("hash_algo", "sha256") not in ("sha256", "sha_256"):
        raise Refusal(bad_request("hash_algo must be sha256", 409))
    objects = [_object(context, operation, pointer(value)) for value in items(body.get("objects"), "objects")]
    return JSONResponse({"transfer": "basic", "objects": objects, "hash_algo": "sha256"}, media_type=MEDIA_TYPE)


def no_locks(_: RequestContext) -> Response:
    """`…/info/lfs/locks` and below: as a server without locks, so git-lfs pushes without them (docs/api/locking.md)."""
    raise Refusal(Denied(404, "", "Local Hub has no LFS locks"))


def verify(context: RequestContext) -> Response:
    """`POST …/info/lfs/objects/{oid}/verify`."""
    known = pointer(mapping(parsed_json(context.body.read_bytes()), "body"))
    if not Objects(context.repository.path).has(known):
        raise Refusal(NO_ENTRY)
    return JSONResponse({}, media_type=MEDIA_TYPE)


async def receive(request: Request, address: Address, store: RepositoryStore) -> Response:
    """`PUT` to a link: store the object if it matches its announced size and digest."""
    pointed = _linked(request, address, store)
    scratch = store.git.scratch_file()
    scratch.unlink()
    received = Digesting(scratch)
    try:
        async for chunk in request.stream():
            received.write(chunk)
            if received.size > pointed.size:
                break
        if received.finish() != pointed:
            raise Refusal(bad_request("the size or SHA-256 of these bytes differs from the announced one"))
        _linked(request, address, store)  # the link may have expired during the upload
        Objects(store.git.open(address.resource).path).take(scratch, pointed)
    finally:
        received.close()
        scratch.unlink(missing_ok=True)
    return Response(status_code=200)


def send(request: Request, address: Address, store: RepositoryStore) -> Response:
    """`GET` of a link: send the object."""
    pointed = _linked(request, address, store)
    objects = Objects(store.git.open(address.resource).path)
    if not objects.has(pointed):
        raise Refusal(NO_ENTRY)
    return file_answer(objects.path(pointed.oid), {"ETag": f'"{pointed.oid}"'})


def pointer(value: Any) -> Pointer:
    """Read the digest and the size of an object."""
    given: Mapping[str, Any] = mapping(value, "objects")
    oid = given.get("oid")
    if not is_oid(oid):
        raise FieldError("oid", "must be a SHA-256 in hexadecimal")
    return Pointer(str(oid), byte_count(given.get("size"), "size", most=OBJECT_LIMIT))


def _object(context: RequestContext, operation: str, pointed: Pointer) -> dict[str, Any]:
    result = {"oid": pointed.oid, "size": pointed.size, "authenticated": True}
    there = Objects(context.repository.path).has(pointed)
    if operation == "download":
        if not there:
            return {**result, "error": {"code": 404, "message": "no such object"}}
        return {**result, "actions": {"download": {"href": _link(context, "GET", pointed)}}}
    if there:
        return result
    verifying = {"href": f"{_object_url(context, pointed)}/verify"}
    if authorization := context.request.headers.get("authorization"):
        verifying["header"] = {"Authorization": authorization}  # type: ignore[assignment] # as batch.md has it
    return {**result, "actions": {"upload": {"href": _link(context, "PUT", pointed)}, "verify": verifying}}


def _object_url(context: RequestContext, pointed: Pointer) -> str:
    return f"{context.store.base_url}/{context.address.resource}.git/{LFS_OBJECT}/{pointed.oid}"


def _link(context: RequestContext, method: str, pointed: Pointer) -> str:
    ends = time.time() + LINK_SECONDS
    # A link never outlives the token that requested it.
    expires = int(min(ends, context.principal.expires_at) if isinstance(context.principal, IssuedToken) else ends)
    signature = Link(method, str(context.address.resource), pointed, expires).signature(context.store.link_key)
    return f"{_object_url(context, pointed)}?size={pointed.size}&expires={expires}&signature={signature}"


def _linked(request: Request, address: Address, store: RepositoryStore) -> Pointer:
    """Verify a link and return the object that it is for."""
    oid, query = address.tail[0], request.query_params
    size, expires = query.get("size", ""), query.get("expires", "")
    if not is_oid(oid) or not all(text.isascii() and text.isdigit() and len(text) < 16 for text in (size, expires)):
        raise Refusal(BAD_LINK)
    pointed, method = Pointer(oid, int(size)), "PUT" if request.method == "PUT" else "GET"
    link = Link(method, str(address.resource), pointed, int(expires))
    if not link.is_valid(query.get("signature", ""), store.link_key, time.time()):
        raise Refusal(BAD_LINK)
    return pointed
