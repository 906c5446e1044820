"""Where a request goes: the Hub's URLs taken apart into a repository, an action, a revision and a path.

Pure text, and the only place where text from outside becomes a name. Nothing here says whether any of it exists.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local_hub.hub.resources import PREFIX_KINDS, InvalidResource, Resource, parse_resource

API_KINDS = {"models": "", **{prefix: f"{prefix}/" for prefix in PREFIX_KINDS}}
FILE_ACTIONS = ("resolve", "raw")
GIT_ACTIONS = ("info/refs", "git-upload-pack", "git-receive-pack")
LFS_BATCH = "info/lfs/objects/batch"
LFS_OBJECT = "info/lfs/objects"
PATH_BYTES = 4096
SEGMENT_BYTES = 255
_REVISION = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,254}[A-Za-z0-9_+-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OWN_REFS = ("refs/pr/", "refs/convert/")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
# What Windows and macOS take for .git, among others of the kind; git refuses what is left.
_DOT_GIT = re.compile(r"\.git|git~[0-9]+", re.IGNORECASE)


class InvalidName(ValueError):
    """A path or a revision is not one that can be; the message says why."""


@dataclass(frozen=True)
class Address:
    """What a URL names: `action` begins with `api/` for the API's; `tail` is what follows it, unquoted."""

    resource: Resource
    action: str
    tail: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """The revision that the URL names, checked; `main` where it names none."""
        return checked_revision(self.tail[0]) if self.tail else "main"

    @property
    def path(self) -> str:
        """The path within the repository that the URL names, checked."""
        return checked_path("/".join(self.tail[1:]))


def read_address(raw_path: bytes) -> Address | None:
    """Read a URL's path as it was sent; None for what is no repository's."""
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/")[1:]]
        return _of_the_api(segments[1:]) if segments[:1] == ["api"] else _of_a_repository(segments)
    except (UnicodeDecodeError, InvalidResource):
        return None


def checked_path(path: str) -> str:
    """Refuse what could lead out of a repository, or into the machinery of a checkout of it."""
    if _FORBIDDEN.search(path) or len(path.encode()) > PATH_BYTES:
        raise InvalidName(f"a path has at most {PATH_BYTES} bytes, and neither control characters nor backslashes")
    for segment in path.split("/"):
        if segment in ("", ".", "..") or len(segment.encode()) > SEGMENT_BYTES:
            raise InvalidName(f"a path is names of 1 to {SEGMENT_BYTES} bytes between slashes, none of them . or ..")
        if _DOT_GIT.fullmatch(segment.partition(":")[0].rstrip(" .")):
            raise InvalidName("no part of a path is .git, or what some machine takes for it")
    return path


def checked_revision(revision: str) -> str:
    """Refuse what could be an option, an expression or a path."""
    if not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision or "/." in revision:
        raise InvalidName("a revision is a branch, a tag or a commit's 40 hexadecimal digits")
    if any(part.endswith(".lock") for part in revision.split("/")):
        raise InvalidName("no part of a revision ends in .lock")
    return revision


def is_ambiguous(branch: str) -> bool:
    """Say whether a branch of this name would be taken for something else by those who read it."""
    return branch == "HEAD" or branch.startswith("refs/") or bool(_COMMIT.fullmatch(branch))


def full_names(revision: str) -> list[str]:
    """Give what a revision may stand for, the likeliest first, in names that leave nothing to guess."""
    own = [revision] if revision.startswith(_OWN_REFS) else []
    commit = [revision] if _COMMIT.fullmatch(revision) else []
    return [*commit, *own, f"refs/heads/{revision}", f"refs/tags/{revision}"]


def _of_the_api(segments: list[str]) -> Address | None:
    if len(segments) < 3 or segments[0] not in API_KINDS:
        return None
    kind, owner, name, *rest = segments
    action, tail = (rest[0], rest[1:]) if rest else ("", [])
    return Address(_repository(f"{API_KINDS[kind]}{owner}/{name}"), f"api/{action}", tuple(tail))


def _of_a_repository(segments: list[str]) -> Address | None:
    parts = 3 if segments[0] in PREFIX_KINDS else 2
    rest = segments[parts:]
    if not rest:
        return None
    name = "/".join(segments[:parts])
    if rest[0] in FILE_ACTIONS:
        return Address(_repository(name), rest[0], tuple(rest[1:]))
    action, resource = "/".join(rest), _repository(name.removesuffix(".git"))
    if action in (*GIT_ACTIONS, LFS_BATCH):
        return Address(resource, action)
    if "/".join(rest[:3]) == LFS_OBJECT and len(rest) in (4, 5):
        return Address(resource, LFS_OBJECT, tuple(rest[3:]))
    return None


def _repository(name: str) -> Resource:
    resource = parse_resource(name)
    if resource.kind == "user":
        raise InvalidResource("a user is no repository")
    return resource
