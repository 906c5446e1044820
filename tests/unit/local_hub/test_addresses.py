"""What URLs name, and the names that lead nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_hub.repositories.addresses import InvalidName, checked_path, checked_revision, full_names, read_address

READ = {
    "/api/models/a/b": ("a/b", "api/", ()),
    "/api/datasets/a/b/tree/main/x%2Fy": ("datasets/a/b", "api/tree", ("main", "x/y")),
    "/api/models/a/b/revision/feature%2Fx": ("a/b", "api/revision", ("feature/x",)),
    "/a/b/resolve/main/c/d.txt": ("a/b", "resolve", ("main", "c", "d.txt")),
    "/spaces/a/b/raw/refs%2Fpr%2F1/x": ("spaces/a/b", "raw", ("refs/pr/1", "x")),
    "/a/b/resolve/refs/pr/1/x": ("a/b", "resolve", ("refs/pr/1", "x")),
    "/api/datasets/a/b/tree/refs/convert/parquet/x": ("datasets/a/b", "api/tree", ("refs/convert/parquet", "x")),
    "/api/models/a/b/tree/refs/heads/main": ("a/b", "api/tree", ("refs", "heads", "main")),
    "/a/b": ("a/b", "", ()),
    "/datasets/a/b/commit/0123": ("datasets/a/b", "commit", ("0123",)),
    "/a/b/blob/refs/pr/1/x": ("a/b", "blob", ("refs/pr/1", "x")),
    "/a/b/info/refs": ("a/b", "info/refs", ()),
    "/a/b.git/git-upload-pack": ("a/b", "git-upload-pack", ()),
    "/kernels/a/b.git/git-receive-pack": ("kernels/a/b", "git-receive-pack", ()),
    "/a/b.git/info/lfs/objects/batch": ("a/b", "info/lfs/objects/batch", ()),
    "/a/b.git/info/lfs/objects/00/verify": ("a/b", "info/lfs/objects", ("00", "verify")),
}
NOWHERE = (
    *("", "*", "example.com:443", "a/acme/model"),
    *("/", "/a", "/a/b/settings", "/api", "/api/models", "/api/models/a", "/api/users/a/b"),
    *("/../b/info/refs", "/a/../info/refs", "/%2e%2e/b/info/refs", "/a/%2e%2e/info/refs", "/a%2Fb/c/d/info/refs"),
    *("/a/b%00/info/refs", "/a/b%2F..%2F..%2Fc/info/refs", "/a/b%5Cc/info/refs", "/a/%FF/info/refs"),
    *(f"/a/{'b' * 97}/info/refs", "/a/b.git.git/info/refs", "/a/b..c/info/refs", "/datasets/b/info/refs"),
    *("/a/b/info/refs/more", "/a/b/objects/info/packs", "/a/b/HEAD", "/a/b.git/config", "//a/b/info/refs"),
)
PATHS = ("a", "a/b/c.txt", ".gitattributes", ".github/workflows/a.yml", "a b/é漢.txt", "...", "git", "-a", "a:b", "*?[")
NO_PATHS = (
    *("", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/..", ".", "./a", "a/./b", "a\0b", "a\nb", "a\\b"),
    *(".git", ".git/config", "a/.git/hooks/x", ".GIT/x", ".Git", "git~1", "GIT~2/x", ".git ", ".git.", ".git. . /x"),
    *(".git::$INDEX_ALLOCATION/x", "a/" * 3000, "x" * 256, "é" * 128, "\ud800", "\x7f", "\x1b[0m"),
)
REVISIONS = ("main", "v1.0", "feature/x", "refs/pr/1", "0" * 40, "a+b", "A_b-c")
NO_REVISIONS = (
    *("", "-a", "--upload-pack=x", "a..b", "a@{1}", "a^", "a~1", "a:b", "a b", "/a", "a/", "a//b", "a/.b", ".a", "a."),
    *("a.lock", "a.lock/b", "a\0", "é", "a*", "a?", "a[", "a\\b", "HEAD^{commit}", "x" * 300, "@"),
)


@pytest.mark.parametrize("url", READ)
def test_what_a_url_names(url: str) -> None:
    """The resource, the action, and the rest, unquoted segment by segment."""
    address = read_address(url.encode())
    assert address is not None
    assert (str(address.resource), address.action, address.tail) == READ[url]


@pytest.mark.parametrize("url", NOWHERE)
def test_what_names_nothing(url: str) -> None:
    """It is not read as something else."""
    assert read_address(url.encode()) is None


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_can_be(path: str) -> None:
    """Whatever a file may be called."""
    assert checked_path(path) == path


@pytest.mark.parametrize("path", NO_PATHS)
def test_paths_that_cannot_be(path: str) -> None:
    """What leads out, what git lives in on some machine, and what no line can hold."""
    with pytest.raises(InvalidName):
        checked_path(path)


@pytest.mark.parametrize("revision", REVISIONS)
def test_revisions_that_can_be(revision: str) -> None:
    """Branches, tags, the Hub's own refs, commits."""
    assert checked_revision(revision) == revision
    assert all(name == revision or name.startswith("refs/") for name in full_names(revision))


@pytest.mark.parametrize("revision", NO_REVISIONS)
def test_revisions_that_cannot_be(revision: str) -> None:
    """Options, expressions, and names that git itself has no use for."""
    with pytest.raises(InvalidName):
        checked_revision(revision)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw_path: bytes) -> None:
    """Anything is an address or none."""
    address = read_address(b"/" + raw_path)
    assert address is None or "/" in str(address.resource)


@given(st.text(max_size=60))
def test_a_checked_path_stays_within(path: str) -> None:
    """However it is written."""
    try:
        segments = checked_path(path).split("/")
    except InvalidName:
        return
    assert all(segment not in ("", ".", "..") and segment.lower() != ".git" for segment in segments)
