"""Parses the Hub's URLs into a repository, an action, a revision and a path.

Pure. Only this module turns foreign text into names. It does not know whether they exist.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local_hub.hub.resources import PREFIX_KINDS, InvalidResource, Resource, parse_resource

API_KINDS = {"models": "", **{prefix: f"{prefix}/" for prefix in PREFIX_KINDS}}
FILE_ACTIONS = ("resolve", "raw")
PAGE_ACTIONS = ("", "tree", "blob", "commit", "commits")
GIT_ACTIONS = ("info/refs", "git-upload-pack", "git-receive-pack")
LFS_BATCH = "info/lfs/objects/batch"
LFS_OBJECT = "info/lfs/objects"
LFS_LOCKS = "info/lfs/locks"
XET = "info/xet"
# How many segments may follow each.
_LONGER_ACTIONS = {LFS_OBJECT: (1, 2), LFS_LOCKS: (0, 1, 2), XET: (3, 4, 5)}
PATH_BYTES = 4096
SEGMENT_BYTES = 255
_REVISION = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,254}[A-Za-z0-9_+-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")
_HUB_REFS = ("refs/pr/", "refs/convert/")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
# Names that Windows or macOS treat as .git. git itself rejects further variants.
_DOT_GIT = re.compile(r"\.git|git~[0-9]+", re.IGNORECASE)


class InvalidName(ValueError):
    """The path or the revision is invalid; the message says why."""


@dataclass(frozen=True)
class Address:
    """What a URL names. API actions begin with `api/`; `tail` has the decoded segments after the action."""

    resource: Resource
    action: str
    tail: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The path with `{repo}` for the name, and without what follows the action."""
        if not self.action:
            return f"/{self.resource}"
        if not self.action.startswith("api/"):
            return f"/{{repo}}/{self.action}"
        return f"/api/{self.resource.kind}s/{{repo}}/{self.action.removeprefix('api/')}"

    @property
    def revision(self) -> str:
        """The validated revision of the URL; `main` if the URL has none."""
        return checked_revision(self.tail[0]) if self.tail else "main"

    @property
    def path(self) -> str:
        """The validated path within the repository."""
        return checked_path("/".join(self.tail[1:]))

    @property
    def folder(self) -> str:
        """Like `path`, but it may end with a slash, and is empty for the whole repository."""
        path = "/".join(self.tail[1:]).rstrip("/")
        return checked_path(path) if path else ""


def read_address(raw_path: bytes) -> Address | None:
    """Parse the raw path of a URL; None if it names no repository."""
    if not raw_path.startswith(b"/"):
        return None  # the request-target can be another form than a path (RFC 9112 § 3.2)
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/")[1:]]
        if segments[:1] != ["api"]:
            return _repository_address(segments)
        if len(segments) < 4 or segments[1] not in API_KINDS:
            return None
        _, kind, owner, name, *rest = segments
        action, tail = (rest[0], rest[1:]) if rest else ("", [])
        return Address(_repository(f"{API_KINDS[kind]}{owner}/{name}"), f"api/{action}", _tail(tail))
    except (UnicodeDecodeError, InvalidResource):
        return None


def checked_path(path: str) -> str:
    """Reject a path that could leave the repository, or reach .git in a checkout."""
    if _FORBIDDEN.search(path) or len(path.encode()) > PATH_BYTES:
        raise InvalidName(f"a path has at most {PATH_BYTES} bytes, no control characters and no backslashes")
    for segment in path.split("/"):
        if segment in ("", ".", "..") or len(segment.encode()) > SEGMENT_BYTES:
            raise InvalidName(f"each part of a path has 1 to {SEGMENT_BYTES} bytes and is not . or ..")
        if _DOT_GIT.fullmatch(segment.partition(":")[0].rstrip(" .")):
            raise InvalidName("no part of a path may be .git, or a name that some file systems treat as .git")
    return path


def checked_revision(revision: str) -> str:
    """Reject a revision that git could read as an option, an expression or a path."""
    if not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision or "/." in revision:
        raise InvalidName("a revision is a branch, a tag or the 40 hexadecimal digits of a commit")
    if any(part.endswith(".lock") for part in revision.split("/")):
        raise InvalidName("no part of a revision ends in .lock")
    return revision


def is_ambiguous(branch: str) -> bool:
    """Return whether a branch of this name could be mistaken for another kind of revision."""
    return branch == "HEAD" or branch.startswith("refs/") or bool(_COMMIT.fullmatch(branch))


def full_names(revision: str) -> list[str]:
    """Return the full names that a revision can stand for, in order of precedence."""
    # HEAD is the default branch, which huggingface.js asks for.
    own = [revision] if revision.startswith(_HUB_REFS) or revision == "HEAD" else []
    commit = [revision] if _COMMIT.fullmatch(revision) else []
    # The start of a commit id comes last: the Hub has accepted it since 2023 (huggingface_hub#197).
    others = [f"refs/{revision}"] if revision.startswith("pr/") else []
    others += [revision] if _SHORT_COMMIT.fullmatch(revision) else []
    return [*commit, *own, f"refs/heads/{revision}", f"refs/tags/{revision}", *others]


def _repository_address(segments: list[str]) -> Address | None:
    parts = 3 if segments[0] in PREFIX_KINDS else 2
    rest = segments[parts:] or [""]
    name = "/".join(segments[:parts])
    if rest[0] in (*FILE_ACTIONS, *PAGE_ACTIONS):
        return Address(_repository(name), rest[0], _tail(rest[1:]))
    action, resource = "/".join(rest), _repository(name.removesuffix(".git"))
    if action in (*GIT_ACTIONS, LFS_BATCH):
        return Address(resource, action)
    for known, lengths in _LONGER_ACTIONS.items():
        size = known.count("/") + 1
        if "/".join(rest[:size]) == known and len(rest) - size in lengths:
            return Address(resource, known, tuple(rest[size:]))
    return None


def _tail(segments: list[str]) -> tuple[str, ...]:
    # The Hub takes refs/pr/1 and refs/convert/parquet with their slashes encoded, or as they are.
    if len(segments) > 2 and "/".join([*segments[:2], ""]) in _HUB_REFS:
        return ("/".join(segments[:3]), *segments[3:])
    return tuple(segments)


def _repository(name: str) -> Resource:
    resource = parse_resource(name)
    if resource.kind == "user":
        raise InvalidResource("a user is not a repository")
    return resource
