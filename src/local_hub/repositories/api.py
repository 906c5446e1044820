"""What the Hub's API tells of a repository, and how it changes one: info, lists, refs, files, commits, branches.

Each answer is that which huggingface_hub reads. It is told who asks, and that they may; it must not decide that.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from local_hub.fields import FieldError, items, mapping, text
from local_hub.repositories.addresses import checked_path, checked_revision, is_ambiguous
from local_hub.repositories.commit_body import INLINE_LIMIT, Requested, Upload, read_commit
from local_hub.repositories.context import Call
from local_hub.repositories.git_store import LINK, NOBODY, SUBMODULE, Change, Entry, Moved, NotTaken, NotThere, Unknown
from local_hub.repositories.lfs import POINTER_LIMIT, Objects, Pointer, read_pointer
from local_hub.repositories.responses import (
    NO_ENTRY,
    NO_FILE,
    NO_REVISION,
    Refusal,
    bad_request,
    file_answer,
    head_answer,
    passing_file_answer,
)
from local_hub.request_body import parsed_json

_LOG = logging.getLogger(__name__)
REGULAR_LIMIT = 10 * 1024 * 1024  # the Hub takes no larger file into git itself
RULES_LIMIT = 1024 * 1024
ATTRIBUTES_FILE = ".gitattributes"
HISTORY = 1000
NO_XET = (
    "Local Hub has no Xet storage. Files of up to 100 MB need none; set HF_HUB_DISABLE_XET=1 for larger ones. "
    "Buckets take uploads through Xet alone."
)


@dataclass(frozen=True)
class _Listed:
    """An entry, and the large file that it stands for, if it is a pointer."""

    entry: Entry
    pointer: Pointer | None


def info(call: Call) -> Response:
    """`GET /api/models/{repository}[/revision/{revision}]`."""
    commit = _commit(call)
    last = call.repository.log(commit, 1)[0]
    first = call.repository.log(commit, HISTORY)[-1]
    with_sizes = call.request.query_params.get("blobs") in ("true", "True", "1")
    listed = _listed(call, call.repository.entries(commit, recursive=True))
    name = str(call.address.resource).split("/", 1)[-1] if call.declared.resource.kind != "model" else None
    return JSONResponse(
        {
            "_id": commit[:24],
            "id": name or str(call.address.resource),
            **({} if name else {"modelId": str(call.address.resource)}),
            "author": call.address.resource.owner,
            "sha": commit,
            "lastModified": last.at,
            "createdAt": first.at,
            "private": call.declared.private,
            "gated": "manual" if call.declared.gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": [_sibling(one, with_sizes=with_sizes) for one in listed if one.entry.kind == "blob"],
        }
    )


def tree(call: Call) -> Response:
    """`GET /api/models/{repository}/tree/{revision}[/{path}]`."""
    commit, path = _commit(call), call.address.path if len(call.address.tail) > 1 else ""
    recursive = call.request.query_params.get("recursive", "").lower() in ("true", "1")
    entries = call.repository.entries(commit, path, recursive=recursive)
    if path and not entries:
        raise Refusal(NO_ENTRY)
    return JSONResponse([_told(one) for one in _listed(call, entries) if one.entry.mode != SUBMODULE])


def paths_info(call: Call) -> Response:
    """`POST /api/models/{repository}/paths-info/{revision}`, a form or JSON."""
    commit = _commit(call)
    content = call.body.read_bytes()
    if call.content_type == "application/json":
        paths = items(mapping(parsed_json(content), "body").get("paths"), "paths")
    else:
        paths = parse_qs(content.decode("utf-8", "replace")).get("paths", [])
    asked = [checked_path(text(path, "paths").rstrip("/")) for path in paths]
    # All at one stroke: a command for each path would take a caller's thousand paths a minute.
    known = {entry.path: entry for entry in call.repository.entries(commit, recursive=True)} if asked else {}
    found = [known[path] for path in dict.fromkeys(asked) if path in known]
    return JSONResponse([_told(one) for one in _listed(call, found)])


def refs(call: Call) -> Response:
    """`GET /api/models/{repository}/refs`."""
    known = call.repository.refs()
    return JSONResponse(
        {
            "branches": _refs_below(known, "refs/heads/"),
            "tags": _refs_below(known, "refs/tags/"),
            "converts": _refs_below(known, "refs/convert/"),
            "pullRequests": _refs_below(known, "refs/pr/"),
        }
    )


def commits(call: Call) -> Response:
    """`GET /api/models/{repository}/commits/{revision}`."""
    told = [
        {"id": one.oid, "title": one.title, "message": one.message, "date": one.at, "authors": [{"user": one.author}]}
        for one in call.repository.log(_commit(call), HISTORY)
    ]
    return JSONResponse(told, headers={"X-Total-Count": str(len(told))})


def resolve(call: Call) -> Response:
    """`GET /{repository}/resolve/{revision}/{path}`: the file, the large one in its pointer's stead."""
    commit, found = _file(call)
    headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
    if found.pointer:
        objects = Objects(call.repository.path)
        if not objects.has(found.pointer):
            raise Refusal(NO_ENTRY)
        tag = f'"{found.pointer.oid}"'
        linked = {"ETag": tag, "X-Linked-ETag": tag, "X-Linked-Size": str(found.pointer.size)}
        return file_answer(objects.path(found.pointer.oid), {**headers, **linked})
    return _blob_answer(call, found.entry, headers)


def raw(call: Call) -> Response:
    """`GET /{repository}/raw/{revision}/{path}`: what is in git, pointers too."""
    commit, found = _file(call)
    return _blob_answer(call, found.entry, {"X-Repo-Commit": commit})


def preupload(call: Call) -> Response:
    """`POST …/preupload/{revision}`: how each file is to be sent.

    A client that has hf_xet sends what is not "regular" through Xet and nothing else, and does not say whether it has
    it. So whatever can be sent within the commit is to be, and it is made a large file here.
    """
    commit = _commit(call)
    body = mapping(parsed_json(call.body.read_bytes()), "body")
    files = [mapping(file, f"files[{number}]") for number, file in enumerate(items(body.get("files"), "files"))]
    paths = [checked_path(text(file.get("path"), "files.path")) for file in files]
    known = {entry.path: entry.oid for entry in call.repository.entries(commit, recursive=True)} if paths else {}
    large = call.repository.large(commit, paths)
    ignored = call.repository.ignored(_gitignore(call, commit, body.get("gitIgnore")), paths)
    return JSONResponse(
        {
            "files": [
                {
                    "path": path,
                    "uploadMode": "regular" if _size(file) <= INLINE_LIMIT else "lfs",
                    "shouldIgnore": path in ignored,
                    # Of a large file, git knows the pointer's name only.
                    **({"oid": known[path]} if path in known and path not in large else {}),
                }
                for file, path in zip(files, paths, strict=True)
            ]
        }
    )


def make_commit(call: Call) -> Response:
    """`POST …/commit/{revision}`: operations, a line each."""
    if call.request.query_params.get("create_pr"):
        raise Refusal(bad_request("Local Hub has no pull requests"))
    branch = call.address.revision
    _commit(call)
    with call.store.scratch() as scratch, call.body.open("rb") as body:
        requested = read_commit(body, scratch)
        change = _change(call, branch, requested, scratch)
        try:
            oid = call.repository.commit(branch, change, call.before_move(branch), requested.parent)
        except Moved:
            raise Refusal(bad_request("A commit has happened since. Please refresh and try again.", 412)) from None
        except Unknown:
            raise Refusal(NO_REVISION) from None
        except NotThere:
            raise Refusal(NO_FILE) from None
        except NotTaken as error:
            raise Refusal(bad_request(f"git does not take this: {error}")) from None
    url = f"{call.base_url}/{call.address.resource}/commit/{oid}"
    return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})


def change_branch(call: Call) -> Response:
    """`POST`, `DELETE …/branch/{branch}`."""
    name = call.address.revision
    ref, known = f"refs/heads/{name}", call.repository.refs()
    if call.request.method == "DELETE":
        if name == "main" or ref not in known:
            raise Refusal(bad_request("main stays") if name == "main" else NO_REVISION)
        call.before_move(name)(known[ref], NOBODY)
        if not call.repository.move(ref, known[ref], NOBODY, call.person):
            raise Refusal(bad_request("The branch has moved since", 409))
        return Response(status_code=204)
    given = mapping(parsed_json(call.body.read_bytes() or b"{}"), "body")
    start = _commit(call, checked_revision(text(given.get("startingPoint") or "main", "startingPoint")))
    if is_ambiguous(name):
        raise Refusal(bad_request("a branch is not HEAD, not refs/…, and not 40 hexadecimal digits"))
    if clash := next((other for other in known if _clash(ref, other)), None):
        raise Refusal(bad_request("Reference already exists" if clash == ref else f"there is {_shown(clash)}", 409))
    call.before_move(name)(NOBODY, start)
    if not call.repository.move(ref, NOBODY, start, call.person):
        raise Refusal(bad_request("Reference already exists", 409))
    return Response(status_code=201)


def bucket_info(call: Call) -> Response:
    """`GET /api/buckets/{bucket}`."""
    name = str(call.address.resource).removeprefix("buckets/")
    told = {"id": name, "private": call.declared.private, "createdAt": "1970-01-01T00:00:00.000Z"}
    return JSONResponse({**told, "size": 0, "totalFiles": 0})


def bucket_tree(_: Call) -> Response:
    """`GET /api/buckets/{bucket}/tree`: nothing can have been put there."""
    return JSONResponse([])


def allowed(_: Call) -> Response:
    """`GET …/auth-check`: whoever comes here may."""
    return JSONResponse({})


def no_xet(_: Call) -> Response:
    """`GET …/xet-write-token/{revision}`; hf_xet shows its user the status alone, so the operator is told more."""
    _LOG.warning("local-hub: %s", NO_XET)
    raise Refusal(bad_request(NO_XET, 501))


def _commit(call: Call, revision: str | None = None) -> str:
    try:
        return call.repository.resolve(revision or call.address.revision)
    except Unknown:
        raise Refusal(NO_REVISION) from None


def _file(call: Call) -> tuple[str, _Listed]:
    commit = _commit(call)
    entry = call.repository.entry(commit, call.address.path)
    if entry is None or entry.kind != "blob":
        raise Refusal(NO_ENTRY)
    return commit, _listed(call, [entry])[0]


def _blob_answer(call: Call, entry: Entry, headers: dict[str, str]) -> Response:
    told = {**headers, "ETag": f'"{entry.oid}"'}
    if call.request.method == "HEAD":
        return head_answer(entry.size, told)
    # To a file first: an answer can then be a part of it, and memory holds nothing.
    scratch = call.store.scratch_file()
    try:
        call.repository.write_blob(entry.oid, scratch)
    except BaseException:
        scratch.unlink()
        raise
    return passing_file_answer(scratch, told)


def _listed(call: Call, entries: Sequence[Entry]) -> list[_Listed]:
    small = [one for one in entries if one.kind == "blob" and one.mode != LINK and one.size < POINTER_LIMIT]
    contents = call.repository.small_blobs([one.oid for one in small])
    pointers = {oid: pointer for oid, content in contents.items() if (pointer := read_pointer(content))}
    return [_Listed(one, pointers.get(one.oid)) for one in entries]


def _told(one: _Listed) -> dict[str, Any]:
    entry = one.entry
    if entry.kind == "tree":
        return {"type": "directory", "oid": entry.oid, "size": 0, "path": _shown(entry.path)}
    told = {"type": "file", "oid": entry.oid, "size": entry.size, "path": _shown(entry.path)}
    return {**told, **_large(one, "oid")}


def _sibling(one: _Listed, *, with_sizes: bool) -> dict[str, Any]:
    if not with_sizes:
        return {"rfilename": _shown(one.entry.path)}
    told = {"rfilename": _shown(one.entry.path), "blobId": one.entry.oid, "size": one.entry.size}
    return {**told, **_large(one, "sha256")}


def _large(one: _Listed, digest: str) -> dict[str, Any]:
    if one.pointer is None:
        return {}
    lfs = {digest: one.pointer.oid, "size": one.pointer.size, "pointerSize": one.entry.size}
    return {"size": one.pointer.size, "lfs": lfs}


def _gitignore(call: Call, commit: str, given: object) -> bytes:
    """Give the .gitignore that counts: the one that comes with the upload, else the one that is there."""
    if isinstance(given, str):
        return given.encode("utf-8", "replace")
    return _rules(call, commit, ".gitignore") or b""


def _rules(call: Call, commit: str, name: str) -> bytes | None:
    """Give a .gitignore or .gitattributes; None for what git would not read as one: a folder, a link, a huge file."""
    entry = call.repository.entry(commit, name)
    if entry is None:
        return b""
    readable = entry.kind == "blob" and entry.mode != LINK and entry.size <= RULES_LIMIT
    return call.repository.blob(entry.oid) if readable else None


def _clash(ref: str, other: str) -> bool:
    # A ref is a file: below another there is none.
    return f"{ref}/".startswith(f"{other}/") or other.startswith(f"{ref}/")


def _refs_below(known: dict[str, str], prefix: str) -> list[dict[str, str]]:
    return [
        {"name": _shown(ref.removeprefix(prefix)), "ref": _shown(ref), "targetCommit": oid}
        for ref, oid in known.items()
        if ref.startswith(prefix)
    ]


def _shown(name: str) -> str:
    """Give a name as JSON can have it; what is no UTF-8 in it cannot be asked for over the API."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _size(file: Any) -> int:
    size = file.get("size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise FieldError("files.size", "must be a number of bytes")
    return size


def _change(call: Call, branch: str, requested: Requested, scratch: Path) -> Change:
    """Put the large files to their place, and pointers where they were."""
    objects, commit = Objects(call.repository.path), _commit(call, branch)
    rules = [upload for upload in requested.uploads if upload.path.rpartition("/")[2] == ATTRIBUTES_FILE]
    changed = _changed(call, requested, [(upload.path, upload.content) for upload in rules])
    unruled = not (rules or requested.deleted or requested.deleted_folders)
    named = [*(upload.path for upload in requested.uploads), *(path for path, _, _ in requested.large)]
    tracked = call.repository.large(commit, named, None if unruled else changed)
    files: dict[str, Path] = {}
    large: list[str] = []
    for upload in requested.uploads:
        if upload in rules or not _is_large(upload, tracked):
            files[upload.path] = upload.content
        else:
            objects.take(upload.content, upload.pointer)
            files[upload.path] = _pointer_file(upload.pointer, scratch)
            large.append(upload.path)
    for path, oid, size in requested.large:
        files[path] = _pointer_file(_present(objects, oid, size), scratch)
        large.append(path)
    if untracked := [path for path in large if path not in tracked]:
        files[ATTRIBUTES_FILE] = _with_attributes(_attributes(call, commit, requested), untracked, scratch)
    return _changed(call, requested, list(files.items()))


def _changed(call: Call, requested: Requested, files: Sequence[tuple[str, Path]]) -> Change:
    return Change(_message(call, requested), call.person, files, requested.deleted, requested.deleted_folders)


def _is_large(upload: Upload, tracked: set[str]) -> bool:
    # An empty file is its own pointer.
    return upload.pointer.size > (0 if upload.path in tracked else REGULAR_LIMIT)


def _attributes(call: Call, commit: str, requested: Requested) -> bytes:
    """Give the .gitattributes that the commit would have."""
    uploaded = [upload.content for upload in requested.uploads if upload.path == ATTRIBUTES_FILE]
    if uploaded:
        known = uploaded[-1].read_bytes() if uploaded[-1].stat().st_size <= RULES_LIMIT else None
    else:
        known = b"" if ATTRIBUTES_FILE in requested.deleted else _rules(call, commit, ATTRIBUTES_FILE)
    if known is None:
        raise Refusal(bad_request(f"{ATTRIBUTES_FILE} must be a file of at most {RULES_LIMIT} bytes"))
    return known


def _present(objects: Objects, oid: str, size: int | None) -> Pointer:
    path = objects.path(oid)
    if not path.is_file() or size not in (None, path.stat().st_size):
        raise Refusal(bad_request(f"the large file {oid} was not uploaded"))
    return Pointer(oid, path.stat().st_size)


def _pointer_file(pointer: Pointer, scratch: Path) -> Path:
    file = scratch / f"pointer-{pointer.oid}"
    file.write_bytes(bytes(pointer))
    return file


def _with_attributes(known: bytes, paths: Sequence[str], scratch: Path) -> Path:
    """Tell git which files are large, as the Hub does for those that no pattern names."""
    lines = "".join(f"{_pattern(path)} filter=lfs diff=lfs merge=lfs -text\n" for path in paths)
    file = scratch / "attributes"
    file.write_bytes((known if not known or known.endswith(b"\n") else known + b"\n") + lines.encode())
    return file


def _pattern(path: str) -> str:
    # gitattributes(5): a pattern that begins with a double quote is quoted in C style; the rest are wildcards.
    escaped = "".join(f"\\{character}" if character in "*?[!#" else character for character in path)
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(path) & set(' "') else escaped


def _message(call: Call, requested: Requested) -> str:
    parts = [requested.summary.strip(), requested.description.strip(), call.trailers]
    return "\n\n".join(part for part in parts if part) + "\n"
