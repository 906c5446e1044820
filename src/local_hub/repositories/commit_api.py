"""The Hub API calls that change a repository: preupload, commit, branches.

The responses have the form that huggingface_hub reads. The router has already authorized the caller.
"""

import base64

from starlette.responses import JSONResponse, Response

from local_hub.fields import FieldError, byte_count, items, mapping, text
from local_hub.repositories.addresses import checked_path, checked_revision, is_ambiguous
from local_hub.repositories.api import commit_of, json_name
from local_hub.repositories.commit_body import read_commit
from local_hub.repositories.commit_plan import InvalidCommit, Planner, read_rules
from local_hub.repositories.commit_rules import REGULAR_LIMIT, Rejected, is_binary, rejection
from local_hub.repositories.context import RequestContext
from local_hub.repositories.git_store import NO_OBJECT, Moved, NotTaken, NotThere, Unknown
from local_hub.repositories.responses import NO_FILE, NO_REVISION, Refusal, bad_request
from local_hub.request_body import parsed_json


def preupload(context: RequestContext) -> Response:
    """`POST …/preupload/{revision}`: whether each file belongs in git, or in LFS or Xet."""
    commit = commit_of(context)
    body = mapping(parsed_json(context.body.read_bytes()), "body")
    files = [mapping(file, f"files[{number}]") for number, file in enumerate(items(body.get("files"), "files"))]
    paths = [checked_path(text(file.get("path"), "files.path")) for file in files]
    known = {entry.path: entry.oid for entry in context.repository.entries(commit, recursive=True)} if paths else {}
    tracked = context.repository.large(commit, paths)
    # The client may send the .gitignore of the folder that it uploads.
    sent = body.get("gitIgnore")
    gitignore = sent.encode("utf-8", "replace") if isinstance(sent, str) else None
    if gitignore is None:
        gitignore = read_rules(context.repository, commit, ".gitignore") or b""
    ignored = context.repository.ignored(gitignore, paths)
    described = []
    for file, path in zip(files, paths, strict=True):
        size = byte_count(file.get("size"), "files.size")
        try:
            # Without a sample, the commit call finds a binary file.
            start = base64.b64decode(str(file.get("sample") or ""), validate=True)
        except ValueError:
            raise FieldError("files.sample", "must be a base64 string") from None
        # LFS has no pointer for an empty file (git-lfs, docs/spec.md).
        large = size > 0 and (path in tracked or size > REGULAR_LIMIT or is_binary(start))
        # For a large file, git has only the id of the pointer.
        oid = {"oid": known[path]} if path in known and not large else {}
        mode = "lfs" if large else "regular"
        described.append({"path": path, "uploadMode": mode, "shouldIgnore": path in ignored, **oid})
    return JSONResponse({"files": described})


def make_commit(context: RequestContext) -> Response:
    """`POST …/commit/{revision}`: one operation per line."""
    if context.request.query_params.get("create_pr"):
        raise Refusal(bad_request("Local Hub has no pull requests"))
    branch, commit, repository = context.address.revision, commit_of(context), context.repository
    with context.store.git.scratch() as scratch, context.body.open("rb") as body:
        try:
            requested = read_commit(body, scratch)
            parts = [requested.summary.strip(), requested.description.strip(), context.trailers]
            message = "\n\n".join(part for part in parts if part) + "\n"
            change = Planner(repository, commit, requested, message, context.person, scratch).plan()
            oid = repository.commit(branch, change, context.before_move(branch), requested.parent)
        except (InvalidCommit, Rejected) as error:
            raise Refusal(bad_request(str(error))) from None
        except Moved:
            raise Refusal(bad_request("A commit has happened since. Please refresh and try again.", 412)) from None
        except Unknown:
            raise Refusal(NO_REVISION) from None
        except NotThere:
            raise Refusal(NO_FILE) from None
        except NotTaken as error:
            raise Refusal(bad_request(f"git rejects this commit: {error}")) from None
    url = f"{context.store.base_url}/{context.address.resource}/commit/{oid}"
    return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})


def create_branch(context: RequestContext) -> Response:
    """`POST …/branch/{branch}`."""
    name = context.address.revision
    ref, known = f"refs/heads/{name}", context.repository.refs()
    given = mapping(parsed_json(context.body.read_bytes() or b"{}"), "body")
    start = commit_of(context, checked_revision(text(given.get("startingPoint") or "main", "startingPoint")))
    if is_ambiguous(name):
        raise Refusal(bad_request("a branch must not be named HEAD, refs/… or like a commit (40 hexadecimal digits)"))
    # A ref is a file in git, so no ref can be inside another one.
    clashes = (other for other in known if f"{ref}/".startswith(f"{other}/") or other.startswith(f"{ref}/"))
    if clash := next(clashes, None):
        exists = f"the name conflicts with {json_name(clash)}"
        raise Refusal(bad_request("Reference already exists" if clash == ref else exists, 409))
    try:
        lines = rejection(context.repository.new_faults(start), ref)
    except ValueError as error:
        lines = [str(error)]
    if lines:
        raise Refusal(bad_request(str(Rejected(lines))))
    context.before_move(name)(NO_OBJECT, start)
    if not context.repository.move(ref, NO_OBJECT, start, context.person):
        raise Refusal(bad_request("Reference already exists", 409))
    return Response(status_code=201)


def delete_branch(context: RequestContext) -> Response:
    """`DELETE …/branch/{branch}`."""
    name = context.address.revision
    ref, known = f"refs/heads/{name}", context.repository.refs()
    if name == "main":
        raise Refusal(bad_request("the branch main cannot be deleted"))
    if ref not in known:
        raise Refusal(NO_REVISION)
    context.before_move(name)(known[ref], NO_OBJECT)
    if not context.repository.move(ref, known[ref], NO_OBJECT, context.person):
        raise Refusal(bad_request("The branch has moved since", 409))
    return Response(status_code=204)
