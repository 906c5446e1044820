"""What a good token may write, and what comes of it: no write makes a repository unreadable, or leaves what none reads.

Each test has a repository of its own; commits are written as lines, where a client would tidy them up first.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here
from tests.own_repository import Own, file

MIB = 1024 * 1024
LINE = "filter=lfs diff=lfs merge=lfs -text"
SUBMODULE = b'[submodule "../../x"]\n\tpath = x\n\turl = -u./evil\n'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the repositories are."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def hub(data: Path) -> Iterator[ServedHub]:
    """A Local Hub for all stories here."""
    with local_hub_here(data=data) as running:
        yield running


@pytest.fixture
def own(hub: ServedHub, tmp_path: Path) -> Own:
    """A repository that nobody else uses."""
    return Own(hub, tmp_path, f"acme/{uuid.uuid4()}")


@pytest.fixture(scope="module")
def shared(hub: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A repository for rows of tables that do not disturb each other."""
    return Own(hub, tmp_path_factory.mktemp("home"), f"acme/{uuid.uuid4()}")


def test_a_push_replaces_no_object(own: Own) -> None:
    """`refs/replace/…` would put other contents under a commit's name; no ref but branches and tags is taken."""
    own.clone()
    own.push_file(b"a.txt", b"good")
    pinned, blob = own.head(), own.work("rev-parse", "HEAD:a.txt")
    (own.clients.home / "evil").write_bytes(b"evil")
    evil = own.work("hash-object", "-w", "../evil")
    for ref in (f"refs/replace/{blob}", "refs/pr/1", "refs/x"):
        source = evil if "replace" in ref else "HEAD"
        said = own.clients.git("-C", "work", "push", "origin", f"{source}:{ref}").stderr
        assert f"-> {ref} (deny updating a hidden ref)" in said, said
        assert "Everything up-to-date" not in said
    assert set(own.request("GET", "/refs").json()["branches"][0]) == {"name", "ref", "targetCommit"}
    assert own.hub.request("GET", f"/{own.name}/resolve/{pinned}/a.txt").content == b"good"


def test_a_replaced_object_is_served_as_it_was(own: Own, data: Path) -> None:
    """Even where such a ref has come into the folder by another way."""
    oid = own.commit(file("a.txt", b"good")).json()["commitOid"]
    (path,) = (p for p in (data / "repositories").iterdir() if (p / "description").read_text() == f"{own.name}\n")

    def git(*arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", *arguments], cwd=path, input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    evil = git("hash-object", "-w", "--stdin", stdin=b"evil")
    git("replace", git("rev-parse", f"{oid}:a.txt"), evil)
    assert own.hub.request("GET", f"/{own.name}/resolve/{oid}/a.txt").content == b"good"


@pytest.mark.parametrize("summary", ["\x01boom", "\x01", "a\x1e\x1fb", "\u2028"])
def test_a_summary_of_any_characters(shared: Own, summary: str) -> None:
    """The history can be read afterwards."""
    history = "/commits/main?limit=1000"
    before = shared.request("GET", history).raise_for_status().json()
    shared.commit(file(f"{uuid.uuid4()}"), summary=summary).raise_for_status()
    shared.request("GET", "").raise_for_status()
    assert shared.request("GET", history).raise_for_status().json()[1:] == before


def test_a_pushed_name_that_is_no_utf_8(own: Own) -> None:
    """It is listed with what JSON can say of it; commits over the API go on, and leave it as it is."""
    own.clone()
    own.push_file(b"caf\xe9.txt", b"x")
    own.commit(file("a"), ("deletedFolder", {"path": "nowhere"})).raise_for_status()
    listed = own.request("GET", "").raise_for_status().json()["siblings"]
    assert {sibling["rfilename"] for sibling in listed} == {".gitattributes", "a", "caf\ufffd.txt"}
    own.work("pull", "--quiet")
    assert (own.clients.home / "work" / os.fsdecode(b"caf\xe9.txt")).is_file()


def test_a_pushed_branch_that_is_no_utf_8(own: Own) -> None:
    """The refs can still be read, and branches be made."""
    own.clone()
    name = os.fsdecode(b"caf\xe9")
    own.work("push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
    assert {ref["name"] for ref in own.request("GET", "/refs").json()["branches"]} == {"main", "caf\ufffd"}
    assert own.request("POST", "/branch/next", json={}).status_code == 201


def test_a_folder_where_rules_are_looked_for(own: Own) -> None:
    """`.gitignore/x`: there are no rules, and uploads go on."""
    own.commit(file(".gitignore/x")).raise_for_status()
    told = own.request("POST", "/preupload/main", json={"files": [{"path": "q", "size": 1}]})
    assert (told.status_code, told.json()["files"][0]["shouldIgnore"]) == (200, False)


def test_attributes_that_are_a_link(own: Own) -> None:
    """git does not read them, so a large file cannot be named in them: the commit is refused, and says why."""
    own.clone()
    (own.clients.home / "work/.gitattributes").unlink()
    (own.clients.home / "work/.gitattributes").symlink_to("elsewhere")
    own.push_file(b"elsewhere", b"")
    answer = own.commit(own.large_file("a.foo"))
    assert (answer.status_code, ".gitattributes must be a file" in answer.text) == (400, True)
    own.commit(file("a.foo")).raise_for_status()


def test_rules_that_are_huge_are_no_rules(own: Own) -> None:
    """A .gitignore that unpacks to many megabytes is not read into memory."""
    own.clone()
    own.push_file(b".gitignore", b"q\n" + b"#" * (2 * MIB))
    told = own.request("POST", "/preupload/main", json={"files": [{"path": "q", "size": 1}]})
    assert (told.status_code, told.json()["files"][0]["shouldIgnore"]) == (200, False)


@pytest.mark.parametrize("path", [":!x", ":(top)x", ":/x", ":x", "-x", "#x", "!x", "~", "*"])
def test_a_path_that_git_could_take_for_a_pattern(shared: Own, path: str) -> None:
    """It is a path: whether it is ignored, how it is written, how it is read."""
    asked = {"files": [{"path": name, "size": 1} for name in (path, "q.log")], "gitIgnore": "*.log"}
    told = shared.request("POST", "/preupload/main", json=asked).raise_for_status().json()["files"]
    assert [file["shouldIgnore"] for file in told] == [False, True]
    shared.commit(file(path)).raise_for_status()
    found = shared.request("POST", "/paths-info/main", json={"paths": [path]}).raise_for_status().json()
    assert [entry["path"] for entry in found] == [path]


@pytest.mark.parametrize("range_", ["bytes=999999999-", "bytes=5-1", "x=1-2", "bytes=a-b", "bytes=0-0"])
def test_no_answer_leaves_a_file_behind(shared: Own, data: Path, range_: str) -> None:
    """Whatever part of a file is asked for, by whomever."""
    shared.commit(file("a.txt", b"0123456789")).raise_for_status()
    shared.hub.request("GET", f"/{shared.name}/resolve/main/a.txt", headers={"Range": range_})
    shared.hub.request("HEAD", f"/{shared.name}/resolve/main/a.txt", headers={"Range": range_})
    # The caller has the last of the answer a moment before the file goes.
    deadline = time.monotonic() + 60
    while left := list((data / "incoming").iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_a_commits_own_attributes_name_its_large_file(own: Own) -> None:
    """Its .gitattributes is kept, with a line for what it does not name. What came with the commit is in git itself."""
    attributes = file(".gitattributes", f"*.weights {LINE}".encode())
    large = [own.large_file("a.foo"), own.large_file("b.weights")]
    own.commit(attributes, *large, file("c.weights")).raise_for_status()
    written = own.hub.request("GET", f"/{own.name}/raw/main/.gitattributes").text.splitlines()
    assert written == [f"*.weights {LINE}", f"a.foo {LINE}"]
    listed = own.request("GET", "/tree/main").json()
    assert {entry["path"]: "lfs" in entry for entry in listed} == {
        ".gitattributes": False,
        "a.foo": True,
        "b.weights": True,
        "c.weights": False,
    }


def test_a_commit_that_deletes_the_attributes(own: Own) -> None:
    """They begin anew, with what is large."""
    own.commit(("deletedFile", {"path": ".gitattributes"}), own.large_file("a.bin")).raise_for_status()
    written = own.hub.request("GET", f"/{own.name}/raw/main/.gitattributes").text
    assert written == f"a.bin {LINE}\n"


@pytest.mark.parametrize("name", ["feature/x", "feature"])
def test_a_branch_below_a_branch_is_refused(own: Own, name: str) -> None:
    """Whichever comes first; 409, and no branch is said to be there that is not."""
    first = "feature" if name == "feature/x" else "feature/x"
    own.request("POST", f"/branch/{first.replace('/', '%2F')}", json={})
    answer = own.request("POST", f"/branch/{name.replace('/', '%2F')}", json={})
    assert answer.status_code == 409
    assert first in {ref["name"] for ref in own.request("GET", "/refs").json()["branches"]}


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "0" * 40])
def test_a_branch_that_others_would_take_for_something_else(own: Own, name: str) -> None:
    """It is not made."""
    assert own.request("POST", f"/branch/{name.replace('/', '%2F')}", json={}).status_code == 400
    assert [ref["name"] for ref in own.request("GET", "/refs").json()["branches"]] == ["main"]


def test_a_branch_that_git_would_take_for_a_described_commit(own: Own) -> None:
    """`git describe` writes a commit as `name-g1234567`. It is a branch if there is one, and else nothing."""
    name = f"v1-g{own.head()[:9]}"
    assert own.request("GET", f"/revision/{name}").status_code == 404
    assert own.commit(file("a"), branch=name).status_code == 404
    own.request("POST", f"/branch/{name}", json={}).raise_for_status()
    own.commit(file("a"), branch=name).raise_for_status()
    assert own.request("GET", f"/revision/{name}").json()["sha"] != own.head()


def test_the_beginning_of_a_parents_name(own: Own) -> None:
    """Seven digits do, as huggingface_hub says; fewer, and others, do not."""
    head = own.head()
    assert own.commit(file("a"), parentCommit=head[:6]).status_code == 412
    assert own.commit(file("a"), parentCommit=head[1:9]).status_code == 412
    assert own.commit(file("a"), parentCommit=head[:7]).status_code == 200


def test_what_is_not_there_cannot_be_deleted(own: Own) -> None:
    """404, as huggingface_hub expects it; the rest of the commit is not made either."""
    answer = own.commit(file("a"), ("deletedFile", {"path": "nothing"}))
    assert (answer.status_code, answer.headers["x-error-code"]) == (404, "EntryNotFound")
    assert "A file with this name doesn't exist" in answer.headers["x-error-message"]
    assert len(own.request("GET", "").json()["siblings"]) == 1


@pytest.mark.parametrize("path", [".gitmodules", "sub/.gitmodules"])
def test_a_commit_is_looked_through_as_a_push_is(own: Own, path: str) -> None:
    """A .gitmodules that git would refuse in a push is refused over the API, so that pushes go on."""
    before = own.head()
    answer = own.commit(file(path, SUBMODULE))
    assert (answer.status_code, "submodule" in answer.text) == (400, True)
    assert own.head() == before
    own.clone()
    own.push_file(b"a.txt", b"x")


def test_a_branch_that_is_held(own: Own, data: Path) -> None:
    """503, and not that somebody was quicker: nobody was."""
    own.commit(file("a")).raise_for_status()
    (path,) = (p for p in (data / "repositories").iterdir() if (p / "description").read_text() == f"{own.name}\n")
    lock = path / "refs/heads/main.lock"
    lock.touch()
    try:
        assert own.commit(file("b")).status_code == 503
    finally:
        lock.unlink()
    assert own.commit(file("b")).status_code == 200


def test_a_thousand_paths_at_once(own: Own) -> None:
    """Each is found once, however often it is asked for, and what is not there is left out."""
    names = [f"f{number}/a" for number in range(1000)]
    own.commit(*(file(name) for name in names)).raise_for_status()
    asked = {"paths": [*names, *names, "nothing", "f1"]}
    found = own.request("POST", "/paths-info/main", json=asked).raise_for_status().json()
    assert [entry["path"] for entry in found] == [*names, "f1"]


def test_a_commit_of_the_year_33658(own: Own) -> None:
    """Its time is the last that clients can read."""
    own.clone()
    far = "@999999999999 +0000"
    own.push_file(b"a", b"x", GIT_AUTHOR_DATE=far, GIT_COMMITTER_DATE=far)
    assert own.request("GET", "").json()["lastModified"] == "9999-12-31T23:59:59.000Z"


def test_what_a_killed_process_left_is_gone_after_a_start(tmp_path: Path) -> None:
    """git's locks, half a push and half an upload; the repository takes commits again, and nothing else is missing."""
    data = tmp_path / "data"
    with local_hub_here(data=data) as hub:
        Own(hub, tmp_path, "acme/kept").commit(file("a")).raise_for_status()
    (path,) = (data / "repositories").iterdir()
    kept = {name for name in path.rglob("*") if name.is_file()}
    left = ["refs/heads/main.lock", "packed-refs.lock", "objects/tmp_objdir-incoming-x/pack/tmp_pack_y"]
    left += ["objects/pack/tmp_pack_x", "objects/00/tmp_obj_x", "../../incoming/x/y"]
    for name in left:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    with local_hub_here(data=data) as hub:
        assert {name for name in path.rglob("*") if name.is_file()} == kept
        assert list((data / "incoming").iterdir()) == []
        Own(hub, tmp_path, "acme/kept").commit(file("b")).raise_for_status()


def test_a_few_trees_that_stand_for_a_hundred_million_files(own: Own) -> None:
    """git keeps each of them once, so they are pushed; what would list all of them is refused, and the rest goes on."""
    own.clone()
    entry = f"100644 blob {own.work('hash-object', '-w', '/dev/null')}"
    names = [f"{number:02}" for number in range(10)]
    for _ in range(8):
        tree = subprocess.run(
            ["git", "-C", own.clients.home / "work", "mktree"],
            input="".join(f"{entry}\t{name}\n" for name in names).encode(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        entry = f"040000 tree {tree.strip()}"
    commit = own.work("-c", "user.name=a", "-c", "user.email=a@b.example", "commit-tree", "-m", "bomb", tree.strip())
    own.work("push", "--quiet", "origin", f"{commit}:refs/heads/bomb")
    for path in ("/revision/bomb", "/tree/bomb?recursive=true"):
        answer = own.request("GET", path)
        assert (answer.status_code, "more files than Local Hub can list" in answer.text) == (413, True)
    assert len(own.request("GET", "/tree/bomb").json()) == 10
    assert own.request("GET", "/revision/main").status_code == 200


def test_an_object_that_comes_after_its_token_has_expired() -> None:
    """The upload began in time, and did not end in time."""
    content = b"late"
    wanted = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    asked = {"operation": "upload", "transfers": ["basic"], "objects": [wanted]}
    with local_hub_here(token_lifetime=2) as hub:
        trust(hub, "acme/late")
        for _ in range(20):  # on a busy machine, a token may expire before the upload begins
            token = token_for(hub, "acme/late")
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/vnd.git-lfs+json"}
            answer = hub.request("POST", "/acme/late.git/info/lfs/objects/batch", json=asked, headers=headers)
            if answer.status_code != 401:
                break
        link = answer.raise_for_status().json()["objects"][0]["actions"]["upload"]["href"]

        def slowly() -> Iterator[bytes]:
            yield content[:2]
            while hub.request("GET", "/api/models/acme/late", headers=headers).status_code == 200:
                time.sleep(0.1)
            yield content[2:]

        assert hub.request("PUT", link.removeprefix(hub.hub), content=slowly()).status_code == 403


def test_a_data_folder_that_is_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git is started elsewhere, and finds it all the same."""
    monkeypatch.chdir(tmp_path)
    with local_hub_here(data=Path("data")) as hub:
        hub.post("/local-hub/resources", {"resource": "acme/here"})
        assert hub.get("/api/models/acme/here")["id"] == "acme/here"
