"""The Hub API calls that read a repository: info, lists, refs, commits, files.

The responses have the form that huggingface_hub reads. The router has already authorized the caller.
"""

import logging
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from local_hub.fields import items, mapping, text
from local_hub.repositories.addresses import checked_path
from local_hub.repositories.conditions import failed_precondition
from local_hub.repositories.context import RequestContext, is_true, media_type, next_page, number
from local_hub.repositories.git_store import LINK, SUBMODULE, Commit, Entry, Unknown
from local_hub.repositories.lfs import POINTER_LIMIT, Objects, Pointer, read_pointer
from local_hub.repositories.responses import (
    NO_ENTRY,
    NO_REVISION,
    Refusal,
    bad_request,
    file_answer,
    head_answer,
    temporary_file_answer,
    unchanged_answer,
)
from local_hub.request_body import parsed_json

_LOG = logging.getLogger(__name__)
HISTORY, COMMITS = 1000, 50  # the most commits of an answer (huggingface.js, `listCommits`), and the default
# The most entries of a tree that the Hub lists in one answer (huggingface_hub, `HfFileSystem`).
PAGE, EXPANDED_PAGE = 1000, 50
_AT_ONCE = 10_000  # small files, which together take 10 MB of memory
NO_XET = "Local Hub accepts Xet uploads to repositories, but not to buckets. Downloads do not use Xet."


@dataclass(frozen=True, slots=True)
class Listed:
    """A tree entry, and its pointer if the entry is a large file. `last`: its last commit, if the client wants it."""

    entry: Entry
    pointer: Pointer | None
    last: Commit | None = None


def info(context: RequestContext) -> Response:
    """`GET /api/models/{repository}[/revision/{revision}]`."""
    commit = commit_of(context)
    last = context.repository.log(commit, 1)[0]
    first = context.repository.log(commit, 1, context.repository.history_size(commit) - 1)[0]
    with_sizes = context.request.query_params.get("blobs") in ("true", "True", "1")
    entries = [entry for entry in context.repository.entries(commit, recursive=True) if entry.kind == "blob"]
    listed = with_pointers(context, entries) if with_sizes else [Listed(entry, None) for entry in entries]
    name = str(context.address.resource).split("/", 1)[-1] if context.declared.resource.kind != "model" else None
    return JSONResponse(
        {
            "_id": commit[:24],
            "id": name or str(context.address.resource),
            **({} if name else {"modelId": str(context.address.resource)}),
            "author": context.address.resource.owner,
            "sha": commit,
            "lastModified": last.at,
            "createdAt": first.at,
            "private": context.declared.private,
            "gated": "manual" if context.declared.gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": [
                {
                    "rfilename": json_name(one.entry.path),
                    **({"blobId": one.entry.oid, "size": one.entry.size, **_lfs(one, "sha256")} if with_sizes else {}),
                }
                for one in listed
            ],
        }
    )


def tree(context: RequestContext) -> Response:
    """`GET /api/models/{repository}/tree/{revision}[/{path}]`."""
    commit, path, query = commit_of(context), context.address.folder, context.request.query_params
    expanded = is_true(query.get("expand", ""))
    entries = context.repository.entries(commit, path, recursive=is_true(query.get("recursive", "")))
    if path and not entries:
        raise Refusal(NO_ENTRY)
    entries = [entry for entry in entries if entry.mode != SUBMODULE]
    largest = EXPANDED_PAGE if expanded else PAGE
    most, first = max(1, min(largest, number(query, "limit", largest))), number(query, "cursor", 0)
    page = entries[first : first + most]
    headers = next_page(context, cursor=first + most) if first + most < len(entries) else {}
    return JSONResponse(_entries_json(context, page, commit, path, expanded=expanded), headers=headers)


def paths_info(context: RequestContext) -> Response:
    """`POST /api/models/{repository}/paths-info/{revision}`, a form or JSON."""
    commit = commit_of(context)
    content = context.body.read_bytes()
    if media_type(context.request) == "application/json":
        body = mapping(parsed_json(content), "body")
        paths, expanded = items(body.get("paths"), "paths"), body.get("expand") is True
    else:
        form = parse_qs(content.decode("utf-8", "replace"))
        paths, expanded = form.get("paths", []), is_true(form.get("expand", [""])[0])
    asked = [checked_path(text(path, "paths").rstrip("/")) for path in paths]
    # One command for all paths: a command per path takes a minute for a thousand paths.
    known = {entry.path: entry for entry in context.repository.entries(commit, recursive=True)} if asked else {}
    found = [known[path] for path in dict.fromkeys(asked) if path in known]
    folder = posixpath.commonpath([posixpath.dirname(entry.path) for entry in found]) if found else ""
    return JSONResponse(_entries_json(context, found, commit, folder, expanded=expanded))


def refs(context: RequestContext) -> Response:
    """`GET /api/models/{repository}/refs`."""
    known = context.repository.refs()
    return JSONResponse(
        {
            "branches": _refs_below(known, "refs/heads/"),
            "tags": _refs_below(known, "refs/tags/"),
            "converts": _refs_below(known, "refs/convert/"),
            "pullRequests": _refs_below(known, "refs/pr/"),
        }
    )


def commits(context: RequestContext) -> Response:
    """`GET /api/models/{repository}/commits/{revision}[/{path}]`: a page of the history, newest first."""
    commit, path, query = commit_of(context), context.address.folder, context.request.query_params
    most, page_number = max(1, min(HISTORY, number(query, "limit", COMMITS))), number(query, "p", 0)
    first, total = page_number * most, context.repository.history_size(commit, path)
    described = [
        {"id": one.oid, "title": one.title, "message": one.message, "date": one.at, "authors": [{"user": one.author}]}
        for one in (context.repository.log(commit, most, first, path) if first < total else [])
    ]
    headers = next_page(context, p=page_number + 1) if first + most < total else {}
    return JSONResponse(described, headers={"X-Total-Count": str(total), **headers})


def resolve(context: RequestContext) -> Response:
    """`GET /{repository}/resolve/{revision}/{path}`: the file; for a pointer, the large file."""
    commit, found = file_of(context)
    headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
    if found.pointer:
        objects = Objects(context.repository.path)
        if not objects.has(found.pointer):
            raise Refusal(NO_ENTRY)
        tag = f'"{found.pointer.oid}"'
        linked = {"ETag": tag, "X-Linked-ETag": tag, "X-Linked-Size": str(found.pointer.size)}
        return file_answer(objects.path(found.pointer.oid), {**headers, **linked})
    return _blob_answer(context, found.entry, headers)


def raw(context: RequestContext) -> Response:
    """`GET /{repository}/raw/{revision}/{path}`: the content in git, which can be a pointer."""
    commit, found = file_of(context)
    return _blob_answer(context, found.entry, {"X-Repo-Commit": commit})


def bucket_info(context: RequestContext) -> Response:
    """`GET /api/buckets/{bucket}`."""
    name = str(context.address.resource).removeprefix("buckets/")
    described = {"id": name, "private": context.declared.private, "createdAt": "1970-01-01T00:00:00.000Z"}
    return JSONResponse({**described, "size": 0, "totalFiles": 0})


def bucket_tree(_: RequestContext) -> Response:
    """`GET /api/buckets/{bucket}/tree`: always empty, because uploads need Xet."""
    return JSONResponse([])


def allowed(_: RequestContext) -> Response:
    """`GET …/auth-check`: the router has already checked the permission."""
    return JSONResponse({})


def no_xet(_: RequestContext) -> Response:
    """`GET …/xet-write-token/{revision}`: hf_xet shows only the status, so also log the reason."""
    _LOG.warning("local-hub: %s", NO_XET)
    raise Refusal(bad_request(NO_XET, 501))


def commit_of(context: RequestContext, revision: str | None = None) -> str:
    """Return the commit of a revision; by default, of the revision in the URL."""
    try:
        return context.repository.resolve(revision or context.address.revision)
    except Unknown:
        raise Refusal(NO_REVISION) from None


def file_of(context: RequestContext) -> tuple[str, Listed]:
    """Return the commit and the file that the URL names."""
    commit = commit_of(context)
    entry = context.repository.entry(commit, context.address.path)
    if entry is None or entry.kind != "blob":
        raise Refusal(NO_ENTRY)
    return commit, with_pointers(context, [entry])[0]


def _blob_answer(context: RequestContext, entry: Entry, headers: dict[str, str]) -> Response:
    described = {**headers, "ETag": f'"{entry.oid}"'}
    # Before the file is read: it can be large.
    if status := failed_precondition(context.request.method, context.request.headers, described["ETag"]):
        return unchanged_answer(status, described)
    if context.request.method == "HEAD":
        return head_answer(entry.size, described)
    # Through a file: the response can then serve a range, and memory use stays low.
    scratch = context.store.git.scratch_file()
    try:
        context.repository.write_blob(entry.oid, scratch)
    except BaseException:
        scratch.unlink()
        raise
    return temporary_file_answer(scratch, described)


def with_pointers(context: RequestContext, entries: Sequence[Entry]) -> list[Listed]:
    """Return the entries, and the pointer of each large file."""
    small = [one for one in entries if one.kind == "blob" and one.mode != LINK and one.size < POINTER_LIMIT]
    pointers: dict[str, Pointer] = {}
    for first in range(0, len(small), _AT_ONCE):
        contents = context.repository.small_blobs([one.oid for one in small[first : first + _AT_ONCE]])
        pointers |= {oid: pointer for oid, content in contents.items() if (pointer := read_pointer(content))}
    return [Listed(one, pointers.get(one.oid)) for one in entries]


def _entries_json(
    context: RequestContext, entries: Sequence[Entry], commit: str, folder: str, *, expanded: bool
) -> list[dict[str, Any]]:
    """Describe entries that are in `folder`; `expanded`: each with its last commit, and a file with its scan."""
    listed = with_pointers(context, entries)
    if not expanded:
        return [_entry_json(one) for one in listed]
    last = context.repository.last_commits(commit, [entry.path for entry in entries], folder)
    # Local Hub scans nothing, and says so: huggingface_hub reads these three names.
    scan = {"securityFileStatus": {"status": "unscanned", "avScan": None, "pickleImportScan": None}}
    return [
        _entry_json(replace(one, last=last.get(one.entry.path))) | ({} if one.entry.kind == "tree" else scan)
        for one in listed
    ]


def _entry_json(one: Listed) -> dict[str, Any]:
    entry = one.entry
    described = {"oid": entry.oid, "size": entry.size, "path": json_name(entry.path)}
    if one.last:
        described["lastCommit"] = {"id": one.last.oid, "title": one.last.title, "date": one.last.at}
    if entry.kind == "tree":
        return {"type": "directory", **described}
    return {"type": "file", **described, **_lfs(one, "oid")}


def _lfs(one: Listed, digest: str) -> dict[str, Any]:
    if one.pointer is None:
        return {}
    lfs = {digest: one.pointer.oid, "size": one.pointer.size, "pointerSize": one.entry.size}
    return {"size": one.pointer.size, "lfs": lfs}


def _refs_below(known: dict[str, str], prefix: str) -> list[dict[str, str]]:
    return [
        {"name": json_name(ref.removeprefix(prefix)), "ref": json_name(ref), "targetCommit": oid}
        for ref, oid in known.items()
        if ref.startswith(prefix)
    ]


def json_name(name: str) -> str:
    """Return a name as valid JSON text. A name that is not UTF-8 cannot be requested over the API."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
