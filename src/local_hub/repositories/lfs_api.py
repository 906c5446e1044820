"""Large files over HTTP, as git-lfs and huggingface_hub want it: batch, upload, download, verify.

docs/api/batch.md and docs/api/basic-transfers.md of git-lfs are the source. Batch decides and hands out links; who has
a link needs no token.
"""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local_hub.fields import FieldError, items, mapping
from local_hub.hub.records import IssuedToken
from local_hub.repositories.access import Denied, Verb
from local_hub.repositories.addresses import LFS_OBJECT, Address
from local_hub.repositories.context import Call, Shelf
from local_hub.repositories.lfs import Digesting, Link, Objects, Pointer, is_oid
from local_hub.repositories.responses import NO_ENTRY, Refusal, bad_request, file_answer
from local_hub.request_body import parsed_json

MEDIA_TYPE = "application/vnd.git-lfs+json"
OBJECT_LIMIT = 5 * 1024**3
LINK_SECONDS = 3600
BAD_LINK = Denied(403, "", "this link is not one of Local Hub's, or has expired")
_VERBS = {"upload": Verb.WRITE, "download": Verb.READ}


def batch(call: Call) -> Response:
    """`POST …/info/lfs/objects/batch`."""
    asked = mapping(parsed_json(call.body.read_bytes()), "body")
    operation = asked.get("operation")
    if operation not in _VERBS:
        raise FieldError("operation", "must be upload or download")
    call.require(_VERBS[operation])
    if asked.get("hash_algo", "sha256") != "sha256":
        raise Refusal(bad_request("hash_algo must be sha256", 409))
    objects = [_object(call, operation, pointer(value)) for value in items(asked.get("objects"), "objects")]
    return JSONResponse({"transfer": "basic", "objects": objects, "hash_algo": "sha256"}, media_type=MEDIA_TYPE)


def verify(call: Call) -> Response:
    """`POST …/info/lfs/objects/{oid}/verify`."""
    known = pointer(mapping(parsed_json(call.body.read_bytes()), "body"))
    if not Objects(call.repository.path).has(known):
        raise Refusal(NO_ENTRY)
    return JSONResponse({}, media_type=MEDIA_TYPE)


async def receive(request: Request, address: Address, shelf: Shelf) -> Response:
    """`PUT` to a link: take an object, if it is what it was announced as."""
    wanted = _of_link(request, address, shelf)
    scratch = shelf.repositories.scratch_file()
    scratch.unlink()
    received = Digesting(scratch)
    try:
        async for chunk in request.stream():
            received.write(chunk)
            if received.size > wanted.size:
                break
        if received.finish() != wanted:
            raise Refusal(bad_request("these bytes have another size or SHA-256 than they were announced with"))
        _of_link(request, address, shelf)  # the token may have expired meanwhile
        Objects(shelf.repositories.open(address.resource).path).take(scratch, wanted)
    finally:
        received.abandon()
        scratch.unlink(missing_ok=True)
    return Response(status_code=200)


def send(request: Request, address: Address, shelf: Shelf) -> Response:
    """`GET` of a link."""
    wanted = _of_link(request, address, shelf)
    objects = Objects(shelf.repositories.open(address.resource).path)
    if not objects.has(wanted):
        raise Refusal(NO_ENTRY)
    return file_answer(objects.path(wanted.oid), {"ETag": f'"{wanted.oid}"'})


def pointer(value: Any) -> Pointer:
    """Read an object's digest and size."""
    given: Mapping[str, Any] = mapping(value, "objects")
    oid, size = given.get("oid"), given.get("size")
    if not is_oid(oid):
        raise FieldError("oid", "must be a SHA-256 in hexadecimal")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= OBJECT_LIMIT:
        raise FieldError("size", f"must be a number of bytes, at most {OBJECT_LIMIT}")
    return Pointer(str(oid), size)


def _object(call: Call, operation: str, wanted: Pointer) -> dict[str, Any]:
    told = {"oid": wanted.oid, "size": wanted.size, "authenticated": True}
    there = Objects(call.repository.path).has(wanted)
    if operation == "download":
        if not there:
            return {**told, "error": {"code": 404, "message": "there is no such object"}}
        return {**told, "actions": {"download": {"href": _link(call, "GET", wanted)}}}
    if there:
        return told
    verifying = {"href": f"{_place(call, wanted)}/verify"}
    if authorization := call.request.headers.get("authorization"):
        verifying["header"] = {"Authorization": authorization}  # type: ignore[assignment] # as batch.md has it
    return {**told, "actions": {"upload": {"href": _link(call, "PUT", wanted)}, "verify": verifying}}


def _place(call: Call, wanted: Pointer) -> str:
    return f"{call.base_url}/{call.address.resource}.git/{LFS_OBJECT}/{wanted.oid}"


def _link(call: Call, method: str, wanted: Pointer) -> str:
    ends = time.time() + LINK_SECONDS
    # No link outlives the token that it was had with.
    expires = int(min(ends, call.holder.expires_at) if isinstance(call.holder, IssuedToken) else ends)
    signature = Link(method, str(call.address.resource), wanted, expires).signature(call.shelf.link_key)
    return f"{_place(call, wanted)}?size={wanted.size}&expires={expires}&signature={signature}"


def _of_link(request: Request, address: Address, shelf: Shelf) -> Pointer:
    """Read what a link is for, and make sure that it is good."""
    oid, query = address.tail[0], request.query_params
    size, expires = query.get("size", ""), query.get("expires", "")
    if not is_oid(oid) or not all(text.isascii() and text.isdigit() and len(text) < 16 for text in (size, expires)):
        raise Refusal(BAD_LINK)
    wanted, method = Pointer(oid, int(size)), "PUT" if request.method == "PUT" else "GET"
    link = Link(method, str(address.resource), wanted, int(expires))
    if not link.is_good(query.get("signature", ""), shelf.link_key, time.time()):
        raise Refusal(BAD_LINK)
    return wanted
