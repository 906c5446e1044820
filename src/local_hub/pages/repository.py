"""The pages of a repository: files, a file, a commit, the history. Clients print links to them.

The addresses are those of the Hub. The router has authorized the caller as for the API, so a browser sees what is
public.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from local_hub.pages.routes import Site
from local_hub.repositories.access import Denied
from local_hub.repositories.api import commit_of, file_of, with_pointers
from local_hub.repositories.context import RequestContext
from local_hub.repositories.git_store import SUBMODULE
from local_hub.repositories.responses import NO_ENTRY, Refusal
from local_hub.repositories.router import Page

MOST_ENTRIES = 1000
MOST_COMMITS = 100
MOST_LINES = 1000
# Longer files are not shown, only linked.
LONGEST_FILE = 256 * 1024


def repository_pages(site: Site) -> Mapping[str, Page]:
    """Return the pages by the action of their address, and the page "refused"."""
    shown = {"": _tree, "tree": _tree, "blob": _blob, "commit": _commit, "commits": _commits}
    return {**{action: partial(show, site) for action, show in shown.items()}, "refused": partial(_refused, site)}


def _tree(site: Site, context: RequestContext) -> Response:
    commit, path = commit_of(context), context.address.folder
    entries = [entry for entry in context.repository.entries(commit, path) if entry.mode != SUBMODULE]
    if path and not entries:
        raise Refusal(NO_ENTRY)
    entries.sort(key=lambda entry: (entry.kind != "tree", entry.path))
    shown = []
    for one in with_pointers(context, entries[:MOST_ENTRIES]):
        folder = one.entry.kind == "tree"
        size = None if folder else one.pointer.size if one.pointer else one.entry.size
        address = _link(context, "tree" if folder else "blob", one.entry.path)
        shown.append((PurePosixPath(one.entry.path).name, address, size))
    last = context.repository.log(commit, 1)[0]
    return _page(site, context, "tree.html", path, entries=shown, more=len(entries) - len(shown), last=last)


def _blob(site: Site, context: RequestContext) -> Response:
    _, found = file_of(context)
    size = found.pointer.size if found.pointer else found.entry.size
    content = context.repository.blob(found.entry.oid) if not found.pointer and size <= LONGEST_FILE else b"\0"
    lines = None
    if b"\0" not in content:
        lines = content.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n").split("\n")
    path = context.address.path
    return _page(
        site,
        context,
        "blob.html",
        path,
        size=size,
        lines=lines and lines[:MOST_LINES],
        more=max(0, len(lines or ()) - MOST_LINES),
        download=_link(context, "resolve", path),
    )


def _commit(site: Site, context: RequestContext) -> Response:
    commit = context.repository.log(commit_of(context), 1)[0]
    changes, more = context.repository.changes(commit.oid, MOST_ENTRIES)
    message = commit.message[:LONGEST_FILE].strip().split("\n")[:MOST_LINES]
    return _page(site, context, "commit.html", "", commit=commit, message=message, changes=changes, more=more)


def _commits(site: Site, context: RequestContext) -> Response:
    found = context.repository.log(commit_of(context), MOST_COMMITS + 1, path=context.address.folder)
    return _page(site, context, "commits.html", "", commits=found[:MOST_COMMITS], more=len(found) > MOST_COMMITS)


def _refused(site: Site, request: Request, denied: Denied) -> Response:
    # The Hub's pages say that a private repository is not there; its API says 401 to those without a token.
    status = 404 if denied.code == "RepoNotFound" else denied.status
    heading = {400: "Invalid address", 404: "Page not found"}.get(status, "Access denied")
    message = denied.message.removesuffix(".")
    if denied.code == "RepoNotFound":
        message = "Local Hub has no such repository, or it is private. Pages show public repositories only"
    return site.page(request, "failed.html", status, heading=heading, message=f"{message}.")


def _page(site: Site, context: RequestContext, template: str, path: str, **shown: Any) -> Response:
    names = path.split("/") if path else []
    return site.page(
        context.request,
        template,
        resource=context.address.resource,
        revision=context.address.revision,
        # Each folder above the path, and the path itself.
        parts=[(name, _link(context, "tree", "/".join(names[: number + 1]))) for number, name in enumerate(names)],
        link=partial(_link, context),
        **shown,
    )


def _link(context: RequestContext, action: str, path: str = "", revision: str = "") -> str:
    """Return the address of a page. A name that is not UTF-8 has no page."""
    begin = f"/{context.address.resource}/{action}/{quote(revision or context.address.revision, safe='')}"
    return f"{begin}/{quote(path.encode('utf-8', 'surrogateescape'))}" if path else begin
