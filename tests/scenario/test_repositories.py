"""A published model: what the hf command uploads is there for hf, for git, and for nobody else's changes of mind.

The client is huggingface_hub's own, run as a process, with all that it brings (hf_xet too) and nothing switched off.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from tests.clients import JOB, Clients, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

MIB = 1024 * 1024
PUBLISHED = "acme/awesome-model"
Preupload = Callable[[str, int, bytes], str]


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub for all stories here; each has a repository of its own."""
    with local_hub_here() as running:
        yield running


def publisher_of(hub: ServedHub, home: Path, resource: str) -> Clients:
    """The programs of a job that may publish a repository."""
    trust(hub, resource)
    return Clients(hub, home, token_for(hub, resource))


def api_of(clients: Clients) -> HfApi:
    """huggingface_hub as a library."""
    return HfApi(endpoint=clients.hub.hub, token=clients.token)


def checkpoint(home: Path) -> dict[str, bytes]:
    """A folder to upload, and what is in it."""
    files = {
        "config.json": b"{}",
        "model.safetensors": os.urandom(3 * MIB),
        "sub folder/notes é.txt": b"notes\r\n",
        "empty": b"",
    }
    for path, content in files.items():
        file = home / "checkpoint" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return files


def content_of(folder: Path) -> dict[str, bytes]:
    """The files of a download or a clone, but for what programs keep beside them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {
        name: content
        for name, content in named.items()
        if not name.startswith((".cache/", ".git/")) and name != ".gitattributes"
    }


@dataclass(frozen=True)
class Published:
    """The model that a job has published with the hf command, and what is in it."""

    clients: Clients
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def published(hub: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """One upload, for all who look at what it has left."""
    home = tmp_path_factory.mktemp("home")
    clients, files = publisher_of(hub, home, PUBLISHED), checkpoint(home)
    good(clients.hf("upload", PUBLISHED, "./checkpoint", ".", "--commit-message", "Trained at 1234"))
    return Published(clients, files)


def test_what_hf_uploads_hf_downloads_and_git_clones(hub: ServedHub, published: Published) -> None:
    """A folder, byte for byte; the commit is by [OIDC], and says whose token it was."""
    clients = published.clients
    good(clients.hf("download", PUBLISHED, "--local-dir", "downloaded"))
    clients.install_lfs()
    good(clients.git("clone", "--quiet", clients.url(PUBLISHED), "cloned"))
    assert content_of(clients.home / "downloaded") == content_of(clients.home / "cloned") == published.files
    logged = good(clients.git("-C", "cloned", "log", "-1", "--format=%an|%s|%(trailers:key=OIDC-Issuer,valueonly)"))
    assert logged.strip() == f"[OIDC]|Trained at 1234|{hub.issuer}"
    subject = good(clients.git("-C", "cloned", "log", "-1", "--format=%(trailers:key=OIDC-Subject,valueonly)"))
    entry = next(entry for entry in hub.get("/local-hub/commits") if entry["resource"] == PUBLISHED)
    assert subject.strip() == entry["subject"] != ""
    assert entry["after"] == good(clients.git("-C", "cloned", "rev-parse", "HEAD")).strip()


@pytest.mark.parametrize("kind", ["model", "dataset", "space", "kernel"])
def test_each_kind_of_repository(hub: ServedHub, tmp_path: Path, kind: str) -> None:
    """One file up, the same file down."""
    resource = ("" if kind == "model" else f"{kind}s/") + "acme/each"
    clients = publisher_of(hub, tmp_path, resource)
    content = kind.encode()
    api = api_of(clients)
    api.upload_file(path_or_fileobj=content, path_in_repo="a.txt", repo_id="acme/each", repo_type=kind)
    downloaded = api.hf_hub_download("acme/each", "a.txt", repo_type=kind, local_dir=tmp_path)
    assert Path(downloaded).read_bytes() == content
    assert api.repo_info("acme/each", repo_type=kind).sha == hub.get("/local-hub/commits")[0]["after"]


def test_huggingface_hub_publishes_with_its_own_exchange(hub: ServedHub, tmp_path: Path) -> None:
    """`HF_OIDC_RESOURCE` and an ID token, and no part of ours: Local Hub is not tuned to the action."""
    trust(hub, "acme/own-exchange")
    checkpoint(tmp_path)
    own = {"HF_OIDC_RESOURCE": "acme/own-exchange", "HF_OIDC_ID_TOKEN": hub.id_token(**JOB)}
    good(Clients(hub, tmp_path, env=own).hf("upload", "acme/own-exchange", "./checkpoint", "."))
    listed = hub.get("/api/models/acme/own-exchange")["siblings"]
    assert {"rfilename": "model.safetensors"} in listed


@pytest.mark.parametrize(
    ("path", "size", "sample", "mode"),
    [
        ("data/train-00000-of-00001.parquet", 1000, b"", "lfs"),
        ("deep/in/it/model.safetensors", 1, b"x", "lfs"),
        ("saved_model/variables/x", 1, b"x", "lfs"),
        ("events.out.tfevents.1", 1, b"x", "lfs"),
        ("README.md", 1000, b"# Title", "regular"),
        ("large.json", 10 * MIB, b"{", "regular"),
        ("large.json", 10 * MIB + 1, b"{", "lfs"),
        ("figure", 9, b"\x89PNG\r\n\x1a\n\0", "lfs"),
        ("paper", 20, b"%PDF-1.7\n", "lfs"),
        ("notes.txt", 6, "é\r\n".encode() + b"\xe9", "regular"),
        ("empty.bin", 0, b"", "regular"),
        ("below/own.bin", 1, b"x", "regular"),
        ("below/deeper/a.txt", 1, b"x", "lfs"),
    ],
)
def test_which_files_go_to_lfs(preupload: Preupload, path: str, size: int, sample: bytes, mode: str) -> None:
    """What .gitattributes names, as git reads it; what is over 10 MiB; and what is binary."""
    assert preupload(path, size, sample) == mode


@pytest.fixture(scope="module")
def preupload(hub: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> Preupload:
    """Ask how to send a file to a repository that has rules in a folder too."""
    clients = publisher_of(hub, tmp_path_factory.mktemp("home"), "datasets/acme/rules")
    rules = b"*.bin !filter\ndeeper/** filter=lfs\n"
    add = [CommitOperationAdd("below/.gitattributes", rules)]
    api_of(clients).create_commit("acme/rules", add, commit_message="x", repo_type="dataset")

    def ask(path: str, size: int, sample: bytes) -> str:
        asked = {"files": [{"path": path, "size": size, "sample": base64.b64encode(sample).decode()}]}
        headers = {"Authorization": f"Bearer {clients.token}"}
        answer = hub.request("POST", "/api/datasets/acme/rules/preupload/main", json=asked, headers=headers)
        return str(answer.raise_for_status().json()["files"][0]["uploadMode"])

    return ask


def test_a_dataset_has_rules_for_media(hub: ServedHub, tmp_path: Path) -> None:
    """The Hub begins a dataset with more patterns than a model."""
    for resource, expected in (("datasets/acme/media", True), ("acme/media", False)):
        publisher_of(hub, tmp_path, resource)
        rules = hub.request("GET", f"/{resource}/raw/main/.gitattributes").text
        assert ("*.png filter=lfs" in rules, "*.parquet filter=lfs" in rules) == (expected, True)


@pytest.mark.parametrize(("size", "env"), [(12 * MIB, {}), (11 * MIB, {"HF_HUB_DISABLE_XET": "1"})])
def test_a_large_file(hub: ServedHub, tmp_path: Path, size: int, env: dict[str, str]) -> None:
    """By Xet and by LFS: a pointer is in git, and what comes back has the digest of what went."""
    resource = f"acme/large-{size}"
    clients = publisher_of(hub, tmp_path, resource)
    # Of each kind of chunk that hf_xet sends: as it is, compressed, and with its bytes grouped by fours.
    numbers = b"".join(struct.pack("<f", number / 7) for number in range(200_000))
    content = (os.urandom(3 * MIB) + b"".join(b"line %d\n" % number for number in range(100_000)) + numbers)[:size]
    with (tmp_path / "weights.dat").open("wb") as file:
        file.write(content)
        file.truncate(size)
    digest = hashlib.sha256((tmp_path / "weights.dat").read_bytes()).hexdigest()
    good(clients.hf("upload", resource, "weights.dat", **env))
    listed = {entry["path"]: entry for entry in hub.get(f"/api/models/{resource}/tree/main")}
    assert (listed["weights.dat"]["lfs"]["oid"], listed["weights.dat"]["size"]) == (digest, size)
    pointer = hub.request("GET", f"/{resource}/raw/main/weights.dat").text
    assert f"oid sha256:{digest}\nsize {size}\n" in pointer
    # No pattern of the first commit's names it, so the commit added one.
    assert "weights.dat filter=lfs" in hub.request("GET", f"/{resource}/raw/main/.gitattributes").text
    downloaded = hub.request("GET", f"/{resource}/resolve/main/weights.dat").content
    assert hashlib.sha256(downloaded).hexdigest() == digest


def test_a_part_that_xet_has_already_is_sent_once(hub: ServedHub, tmp_path: Path) -> None:
    """A second file with the bytes of the first and more: hf_xet names the chunks of the first upload."""
    clients = publisher_of(hub, tmp_path, "acme/deduplicated")
    first = os.urandom(2 * MIB)
    for content in (first, first + os.urandom(MIB)):
        (tmp_path / "weights.bin").write_bytes(content)
        good(clients.hf("upload", "acme/deduplicated", "weights.bin"))
        answer = hub.request("GET", "/acme/deduplicated/resolve/main/weights.bin")
        assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()


def test_files_that_match_are_deleted(hub: ServedHub, tmp_path: Path) -> None:
    """`--delete`, in the commit that adds the others."""
    clients = publisher_of(hub, tmp_path, "acme/delete")
    checkpoint(tmp_path)
    first = [CommitOperationAdd(path, b"{}") for path in ("config.json", "sub folder/notes é.txt")]
    api_of(clients).create_commit("acme/delete", first, commit_message="first")
    (tmp_path / "checkpoint/config.json").write_text('{"new": 1}')
    good(clients.hf("upload", "acme/delete", "./checkpoint", ".", "--delete", "sub*", "--exclude", "sub*"))
    names = {sibling["rfilename"] for sibling in hub.get("/api/models/acme/delete")["siblings"]}
    assert names == {".gitattributes", "config.json", "empty", "model.safetensors"}


def test_what_gitignore_names_stays_behind(hub: ServedHub, tmp_path: Path) -> None:
    """The .gitignore of the upload, and later the one that is in the repository."""
    clients = publisher_of(hub, tmp_path, "acme/ignored")
    for name, content in {".gitignore": "*.log\n/cache/\n", "a.log": "1", "cache/b": "2", "c": "3"}.items():
        (tmp_path / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / name).write_text(content)
    api = api_of(clients)
    api.upload_folder(repo_id="acme/ignored", folder_path=tmp_path / "work")
    api.upload_folder(repo_id="acme/ignored", folder_path=tmp_path / "work", path_in_repo="below")
    assert set(api.list_repo_files("acme/ignored")) == {
        *(".gitattributes", ".gitignore", "c", "below/.gitignore", "below/c", "below/cache/b"),
    }


def test_a_branch_is_made_for_a_revision(hub: ServedHub, tmp_path: Path) -> None:
    """`--revision` of a name that is not there, with a slash in it; main stays as it was."""
    clients = publisher_of(hub, tmp_path, "acme/branches")
    (tmp_path / "a.txt").write_text("a")
    good(clients.hf("upload", "acme/branches", "a.txt", "--revision", "feature/x"))
    api = api_of(clients)
    assert sorted(ref.name for ref in api.list_repo_refs("acme/branches").branches) == ["feature/x", "main"]
    assert api.file_exists("acme/branches", "a.txt", revision="feature/x")
    assert not api.file_exists("acme/branches", "a.txt")
    api.delete_branch("acme/branches", branch="feature/x")
    with pytest.raises(RevisionNotFoundError):
        api.repo_info("acme/branches", revision="feature/x")


def test_one_commit_of_every_operation(hub: ServedHub, tmp_path: Path) -> None:
    """Add, copy, delete a file, delete a folder; a file where a folder was."""
    clients = publisher_of(hub, tmp_path, "acme/operations")
    api = api_of(clients)
    first = [CommitOperationAdd(path, path.encode()) for path in ("a", "b", "c/d", "c/e", "f/g", "h.bin")]
    api.create_commit("acme/operations", first, commit_message="first")
    second: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
        CommitOperationDelete("c/"),
        CommitOperationDelete("f/g"),
        CommitOperationCopy("h.bin", "copied.bin"),
        CommitOperationCopy("a", "copied"),
        CommitOperationAdd("f", b"a file now"),
    ]
    made = api.create_commit("acme/operations", second, commit_message="second", commit_description="why\n\nand how")
    assert set(api.list_repo_files("acme/operations")) == {
        ".gitattributes",
        "a",
        "b",
        "f",
        "h.bin",
        "copied",
        "copied.bin",
    }
    latest = api.list_repo_commits("acme/operations")[0]
    assert (latest.commit_id, latest.title, latest.authors) == (made.oid, "second", ["[OIDC]"])
    assert latest.message.startswith("why\n\nand how")
    folders = api.get_paths_info("acme/operations", ["a", "h.bin", "nowhere"])
    assert [entry.path for entry in folders] == ["a", "h.bin"]


def test_a_commit_on_what_is_no_longer_the_head_is_refused(hub: ServedHub, tmp_path: Path) -> None:
    """`parent_commit` is compared and swapped."""
    clients = publisher_of(hub, tmp_path, "acme/parent")
    api = api_of(clients)
    head = str(api.repo_info("acme/parent").sha)
    add = [CommitOperationAdd("a", b"1")]
    api.create_commit("acme/parent", add, commit_message="1", parent_commit=head)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since"):
        api.create_commit("acme/parent", [CommitOperationAdd("b", b"2")], commit_message="2", parent_commit=head)


def test_the_same_once_more_is_no_commit(hub: ServedHub, published: Published) -> None:
    """A large file too, which the client sends again because it cannot know."""
    good(published.clients.hf("upload", PUBLISHED, "./checkpoint", "."))
    assert len(hub.get(f"/api/models/{PUBLISHED}/commits/main")) == 2


def test_what_is_not_there(hub: ServedHub, tmp_path: Path) -> None:
    """Files, folders and revisions, each with the client's own exception."""
    clients = publisher_of(hub, tmp_path, "acme/absent")
    api = api_of(clients)
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("acme/absent", "nothing", local_dir=tmp_path)
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree("acme/absent", "nothing"))
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download("acme/absent", "README.md", revision="nothing", local_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        api.create_commit("acme/absent", [CommitOperationAdd("a", b"")], commit_message="x", revision="nothing")


def test_a_part_of_a_file(hub: ServedHub, published: Published) -> None:
    """What a download that was broken off asks for; a small file and a large one, and HEAD."""
    for name in ("config.json", "model.safetensors"):
        content = published.files[name]
        url = f"/{PUBLISHED}/resolve/main/{name}"
        part = hub.request("GET", url, headers={"Range": "bytes=1-"})
        head = hub.request("HEAD", url)
        assert (part.status_code, part.content) == (206, content[1:])
        assert (head.headers["content-length"], head.content) == (str(len(content)), b"")
        assert head.headers["x-repo-commit"] == hub.get(f"/api/models/{PUBLISHED}")["sha"]
        assert "sandbox" in head.headers["content-security-policy"]


def test_a_gated_model_for_whom_the_gate_lets_through(hub: ServedHub, tmp_path: Path) -> None:
    """The Hub's guide: a user's token, `hf download acme/gated-model`."""
    trust(hub, "bob")
    clients = publisher_of(hub, tmp_path, "acme/gated-model")
    api_of(clients).upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="acme/gated-model")
    hub.post("/local-hub/resources", {"resource": "acme/gated-model", "gated": True, "readers": ["bob"]})
    user = Clients(hub, tmp_path, token_for(hub, "bob"))
    good(user.hf("download", "acme/gated-model", "--local-dir", "downloaded"))
    assert (tmp_path / "downloaded/config.json").read_bytes() == b"{}"


def test_a_bucket_is_there_and_takes_nothing(hub: ServedHub, tmp_path: Path) -> None:
    """Local Hub stores nothing in a bucket, and says so."""
    clients = publisher_of(hub, tmp_path, "buckets/acme/b")
    api = api_of(clients)
    assert api.bucket_info("acme/b").id == "acme/b"
    assert list(api.list_bucket_tree("acme/b")) == []
    token = {"Authorization": f"Bearer {clients.token}"}
    answer = hub.request("GET", "/api/buckets/acme/b/xet-write-token", headers=token)
    assert (answer.status_code, "Xet" in answer.json()["error"]) == (501, True)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """Repositories, who may see them, and what was committed."""
    data = tmp_path / "data"
    with local_hub_here(data=data) as hub:
        clients = publisher_of(hub, tmp_path, "acme/kept")
        api_of(clients).upload_file(path_or_fileobj=b"1", path_in_repo="a.bin", repo_id="acme/kept")
        hub.post("/local-hub/resources", {"resource": "acme/kept", "private": True})
    with local_hub_here(data=data) as hub:
        again = Clients(hub, tmp_path, clients.token)
        assert Path(api_of(again).hf_hub_download("acme/kept", "a.bin", local_dir=tmp_path)).read_bytes() == b"1"
        assert hub.request("GET", "/api/models/acme/kept").status_code == 401
    modes = {path.stat().st_mode & 0o077 for path in data.iterdir() if path.is_dir()}
    assert modes == {0}


def test_resources_are_listed_as_they_were_declared(hub: ServedHub) -> None:
    """For the operator; to declare again is to replace."""
    hub.post("/local-hub/resources", {"resource": "acme/declared", "private": True, "readers": ["bob"]})
    hub.post("/local-hub/resources", {"resource": "acme/declared", "gated": True})
    listed = {entry["resource"]: entry for entry in hub.get("/local-hub/resources")}
    assert json.loads(json.dumps(listed["acme/declared"])) == {
        "resource": "acme/declared",
        "kind": "model",
        "private": False,
        "gated": True,
        "readers": [],
    }
