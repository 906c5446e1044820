"""What clients read of a repository: last commits, revisions in every form, parts of files, and pages of lists.

The clients are huggingface_hub in this process, and plain HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.clients import Clients, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

MODEL = "acme/history"
FILES = {"a.txt": b"0123456789", "weights.bin": b"weights", "d/e/f.txt": b"f", "d/g.txt": b"g"}


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub with one model, `MODEL`, which has three commits."""
    with local_hub_here() as running:
        trust(running, MODEL)
        api = HfApi(endpoint=running.hub, token=token_for(running, MODEL))
        first = [CommitOperationAdd(path, content) for path, content in FILES.items()]
        api.create_commit(MODEL, first, commit_message="first")
        api.create_commit(MODEL, [CommitOperationAdd("d/e/f.txt", b"new")], commit_message="second")
        yield running


@pytest.fixture
def api(hub: ServedHub) -> HfApi:
    """huggingface_hub, with a token for the model."""
    return HfApi(endpoint=hub.hub, token=token_for(hub, MODEL))


def titles(entries: list[RepoFile | RepoFolder]) -> dict[str, str]:
    """The title of each entry's last commit."""
    return {entry.path: entry.last_commit["title"] for entry in entries if entry.last_commit}


def test_last_commits_of_a_tree(api: HfApi) -> None:
    """Each file's, and of a folder the last of all below it; also where the list begins in a folder."""
    listed = titles([*api.list_repo_tree(MODEL, recursive=True, expand=True)])
    below = {"d": "second", "d/e": "second", "d/e/f.txt": "second", "d/g.txt": "first"}
    assert listed == {".gitattributes": "initial commit", "a.txt": "first", "weights.bin": "first", **below}
    assert titles([*api.list_repo_tree(MODEL, "d", expand=True)]) == {"d/e": "second", "d/g.txt": "first"}


def test_last_commits_of_paths(api: HfApi) -> None:
    """Only on request, with the state of a scan for files."""
    asked = ["d", "d/e/f.txt", "a.txt"]
    assert titles(api.get_paths_info(MODEL, asked, expand=True)) == {
        "d": "second",
        "d/e/f.txt": "second",
        "a.txt": "first",
    }
    file = api.get_paths_info(MODEL, "a.txt", expand=True)[0]
    assert isinstance(file, RepoFile)
    assert file.security is not None
    assert (file.security["status"], file.security["safe"]) == ("unscanned", False)
    assert api.get_paths_info(MODEL, "a.txt")[0].last_commit is None


def test_modified(hub: ServedHub, api: HfApi) -> None:
    """HfFileSystem says when a file and a folder changed."""
    files = HfFileSystem(endpoint=hub.hub, token=str(api.token))
    now = datetime.now(timezone.utc)
    for path in ("a.txt", "d", "d/e/f.txt"):
        assert 0 <= (now - files.modified(f"{MODEL}/{path}")).total_seconds() < 3600


def test_a_merge_is_the_last_commit_of_what_it_brought(hub: ServedHub, tmp_path: Path) -> None:
    """And of nothing else; names can have any characters."""
    trust(hub, "acme/merged")
    clients = Clients(hub, tmp_path, token_for(hub, "acme/merged"))
    good(clients.git("clone", "--quiet", clients.url("acme/merged"), "work"))
    work = tmp_path / "work"

    def git(commands: str) -> None:
        for command in commands.split(" / "):
            good(clients.git("-C", "work", *command.split(" ")))

    (work / ":odd\nname").write_text("1")
    git("add . / commit -qm odd / checkout -qb side HEAD~1 / commit -q --allow-empty --allow-empty-message -m ")
    (work / "side.txt").write_text("2")
    git("add . / commit -qm :side / checkout -q main / merge -qm merge side / push -q origin main")
    listed = hub.get("/api/models/acme/merged/tree/main?expand=true")
    named = {entry["path"]: entry["lastCommit"]["title"] for entry in listed}
    assert named == {".gitattributes": "initial commit", ":odd\nname": "odd", "side.txt": "merge"}


@pytest.mark.parametrize("form", ["HEAD", "main", "{sha}", "{sha:.7}", "{sha:.12}"])
def test_a_revision_in_each_form(hub: ServedHub, api: HfApi, form: str) -> None:
    """The default branch as HEAD, and the start of a commit id, wherever a revision is taken."""
    sha = str(api.repo_info(MODEL).sha)
    revision = form.format(sha=sha)
    assert api.repo_info(MODEL, revision=revision).sha == sha
    assert api.list_repo_commits(MODEL, revision=revision)[0].commit_id == sha
    assert hub.request("GET", f"/{MODEL}/resolve/{revision}/a.txt").content == FILES["a.txt"]


@pytest.mark.parametrize("revision", ["refs/pr/1", "pr/1", "0" * 40, "0" * 7, "abcdef", "nothing"])
def test_a_revision_that_is_not_there(api: HfApi, revision: str) -> None:
    """Local Hub has no pull requests, and a commit needs seven digits."""
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(MODEL, revision=revision)


@pytest.mark.parametrize("path", ["refs/pr/1", "refs%2Fpr%2F1", "pr%2F1"])
def test_a_pull_request_is_a_revision_however_it_is_written(hub: ServedHub, path: str) -> None:
    """Its slashes can be encoded or not; the answer names the revision, not the file."""
    for url in (f"/api/models/{MODEL}/revision/{path}", f"/{MODEL}/resolve/{path}/a.txt"):
        answer = hub.request("GET", url)
        assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RevisionNotFound")


def test_a_branch_with_a_slash(hub: ServedHub, api: HfApi) -> None:
    """Encoded, as every client sends it."""
    api.create_branch(MODEL, branch="feature/x", exist_ok=True)
    assert hub.request("GET", f"/{MODEL}/resolve/feature%2Fx/a.txt").content == FILES["a.txt"]


def test_a_branch_goes_before_the_start_of_a_commit(api: HfApi) -> None:
    """A name is never ambiguous."""
    head, before, *_ = [commit.commit_id for commit in api.list_repo_commits(MODEL)]
    api.create_branch(MODEL, branch=head[:7], revision=before)
    assert api.repo_info(MODEL, revision=head[:7]).sha == before
    api.delete_branch(MODEL, branch=head[:7])


def test_a_tree_in_pages(hub: ServedHub) -> None:
    """The Hub's clients follow the link to the next page until the last."""
    path, seen = f"/api/models/{MODEL}/tree/HEAD?recursive=true&limit=3", list[str]()
    while path:
        answer = hub.request("GET", path)
        seen += [entry["path"] for entry in answer.json()]
        path = answer.links.get("next", {}).get("url", "").removeprefix(hub.hub)
    assert seen == [".gitattributes", "a.txt", "d", "d/e", "d/e/f.txt", "d/g.txt", "weights.bin"]


@pytest.mark.parametrize("name", ["a.txt", "weights.bin"])
@pytest.mark.parametrize("route", ["resolve", "raw"])
def test_a_file_that_is_known_is_not_sent_again(hub: ServedHub, route: str, name: str) -> None:
    """304 to GET and HEAD with its tag, weak or in a list; 412 if it had to be another."""
    url = f"/{MODEL}/{route}/main/{name}"
    tag = hub.request("GET", url).headers["etag"]
    for method in ("GET", "HEAD"):
        same = hub.request(method, url, headers={"If-None-Match": f'"other", W/{tag}'})
        other = hub.request(method, url, headers={"If-Match": '"other"'})
        assert (same.status_code, same.headers["etag"], same.content) == (304, tag, b"")
        assert (other.status_code, other.content) == (412, b"")
    assert "last-modified" not in hub.request("GET", url).headers


@pytest.mark.parametrize("name", ["a.txt", "weights.bin"])
def test_parts_of_a_file(hub: ServedHub, name: str) -> None:
    """One part, several, the end, none, and no part for HEAD."""
    url, content = f"/{MODEL}/resolve/main/{name}", FILES[name]
    part = hub.request("GET", url, headers={"Range": "bytes=-3"})
    several = hub.request("GET", url, headers={"Range": "bytes=0-0,3-4,999-"})
    outside = hub.request("GET", url, headers={"Range": f"bytes={len(content)}-"})
    unit = hub.request("GET", url, headers={"Range": "lines=0-1"})
    head = hub.request("HEAD", url, headers={"Range": "bytes=0-0"})
    assert (part.status_code, part.content) == (206, content[-3:])
    assert several.status_code == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(content)}")
    assert (unit.status_code, unit.content) == (200, content)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
