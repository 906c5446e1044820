"""git over HTTP against Local Hub: clone, push, force-push, tags, git-lfs, and what no one should obey.

The token is a password under any user name, or stands in `http.extraHeader`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_oidc.output.git import configuration, credentials, in_variable
from hf_oidc.token_request import from_lines
from tests.clients import Clients, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the repositories are."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def hub(data: Path) -> Iterator[ServedHub]:
    """A Local Hub for all stories here; each has a repository of its own."""
    with local_hub_here(data=data) as running:
        yield running


@pytest.fixture
def clients(hub: ServedHub, tmp_path: Path, request: pytest.FixtureRequest) -> Clients:
    """The programs, with the token of a repository that is the test's own, and a clone of it."""
    resource = f"acme/{request.node.name.split('[')[0]}"[:90]
    trust(hub, resource)
    ready = Clients(hub, tmp_path, token_for(hub, resource))
    good(ready.git("clone", "--quiet", ready.url(resource), "work"))
    return ready


def commit(clients: Clients, path: str, content: bytes) -> str:
    """Commit a file in the clone; the commit's name."""
    file = clients.home / "work" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    good(clients.git("-C", "work", "add", "--all"))
    good(clients.git("-C", "work", "commit", "--quiet", "--message", f"Change {path}"))
    return good(clients.git("-C", "work", "rev-parse", "HEAD")).strip()


def push(clients: Clients, *arguments: str) -> None:
    """Push from the clone."""
    good(clients.git("-C", "work", "push", "--quiet", "origin", *arguments))


def remote(clients: Clients) -> dict[str, str]:
    """Each ref of the remote, and where it stands."""
    lines = good(clients.git("-C", "work", "ls-remote", "origin")).splitlines()
    return {ref: oid for oid, ref in (line.split("\t") for line in lines)}


def path_of(clients: Clients) -> str:
    """The path of the test's own repository."""
    origin = good(clients.git("-C", "work", "remote", "get-url", "origin")).strip()
    return "/".join(origin.split("/")[-2:])


def test_a_push_and_a_fetch(clients: Clients) -> None:
    """The pushed commit keeps its author; the log says that [OIDC] pushed it, with issuer and subject."""
    oid = commit(clients, "a.txt", b"a")
    push(clients, "main")
    good(clients.git("clone", "--quiet", clients.url(path_of(clients)), "again"))
    assert good(clients.git("-C", "again", "log", "-1", "--format=%H %an")).split() == [oid, "Ada"]
    entry = clients.hub.get("/local-hub/commits")[0]
    assert (entry["by"], entry["via"], entry["ref"], entry["after"]) == ("[OIDC]", "git", "refs/heads/main", oid)
    assert entry["issuer"] == clients.hub.issuer
    assert entry["subject"].startswith("repo:acme@")
    second = commit(clients, "a.txt", b"b")
    push(clients, "main")
    good(clients.git("-C", "again", "pull", "--quiet"))
    assert good(clients.git("-C", "again", "rev-parse", "HEAD")).strip() == second


def test_the_reflog_says_who_pushed(clients: Clients, data: Path) -> None:
    """[OIDC], whoever the authors are; the repository's folder says what it is."""
    oid = commit(clients, "a.txt", b"a")
    push(clients, "main")
    name = path_of(clients)
    (path,) = (p for p in (data / "repositories").iterdir() if (p / "description").read_text() == f"{name}\n")
    latest = (path / "logs/refs/heads/main").read_text().splitlines()[-1]
    assert latest.split()[1:3] == [oid, "[OIDC]"]
    assert latest.endswith("\tpush")


def test_what_git_pushes_the_api_shows(clients: Clients) -> None:
    """And the other way round, which test_repositories shows."""
    commit(clients, "folder/a.txt", b"pushed")
    push(clients, "main")
    assert clients.hub.request("GET", f"/{path_of(clients)}/resolve/main/folder/a.txt").content == b"pushed"


def test_the_token_in_a_header(clients: Clients) -> None:
    """`http.extraHeader` with Basic, from the environment, for a URL that names nobody."""
    oid = commit(clients, "a.txt", b"a")
    url, header = f"{clients.hub.hub}/{path_of(clients)}", clients.extra_header()
    good(clients.git("-C", "work", "push", "--quiet", url, "main", **header))
    assert remote(clients)["refs/heads/main"] == oid


@pytest.mark.parametrize(("again", "stored"), [(True, False), (False, True)])
def test_a_push_tells_no_store_named_between_two_logins(clients: Clients, again: bool, stored: bool) -> None:
    """A store that is named after the last login is told: whoever names it there can read the token anyway."""
    path = path_of(clients)
    asked = from_lines(path, "resource")
    env = configuration(clients.hub.hub, credentials(asked, in_variable), {})
    count = int(env["GIT_CONFIG_COUNT"])
    env |= {f"GIT_CONFIG_KEY_{count}": "credential.helper", f"GIT_CONFIG_VALUE_{count}": "store"}
    env["GIT_CONFIG_COUNT"] = str(count + 1)
    if again:
        env |= configuration(clients.hub.hub, credentials(asked, in_variable), env)
    oid = commit(clients, f"{again}.txt", b"a")
    good(clients.git("-C", "work", "push", "--quiet", f"{clients.hub.hub}/{path}", "main", **env))
    assert remote(clients)["refs/heads/main"] == oid
    assert (clients.home / ".git-credentials").exists() == stored


@pytest.mark.parametrize(("use_path", "said"), [("false", "403"), ("true", "terminal prompts disabled")])
def test_a_repository_that_no_step_logged_in_for(clients: Clients, use_path: str, said: str) -> None:
    """git names only the host, so the first token goes to the Hub, which refuses it; with a path there is no token."""
    clients.hub.post("/local-hub/resources", {"resource": f"acme/not-logged-in-{use_path}"})
    env = configuration(clients.hub.hub, credentials(from_lines(path_of(clients), "resource"), in_variable), {})
    good(clients.git("config", "--global", "credential.useHttpPath", use_path))
    commit(clients, f"{use_path}.txt", b"a")
    url = f"{clients.hub.hub}/acme/not-logged-in-{use_path}"
    run = clients.git("-C", "work", "push", "--quiet", url, "main", **env)
    assert run.returncode != 0
    assert said in run.stderr


def test_a_name_that_ends_in_git(clients: Clients) -> None:
    """As git's users write it."""
    assert "refs/heads/main" in good(clients.git("ls-remote", clients.url(path_of(clients) + ".git")))


def test_a_force_push(clients: Clients) -> None:
    """What is not a descendant is refused, unless it is forced."""
    commit(clients, "a.txt", b"a")
    push(clients, "main")
    good(clients.git("-C", "work", "commit", "--quiet", "--amend", "--message", "Another"))
    assert clients.git("-C", "work", "push", "origin", "main").returncode != 0
    push(clients, "--force", "main")
    assert remote(clients)["refs/heads/main"] == good(clients.git("-C", "work", "rev-parse", "HEAD")).strip()


def test_tags_and_branches_come_and_go(clients: Clients) -> None:
    """Plain tags, annotated ones, branches; a tag is a revision."""
    oid = commit(clients, "a.txt", b"a")
    good(clients.git("-C", "work", "tag", "v1"))
    good(clients.git("-C", "work", "tag", "--annotate", "v2", "--message", "two"))
    push(clients, "HEAD:refs/heads/next", "v1", "v2")
    assert {"refs/heads/next", "refs/tags/v1", "refs/tags/v2"} <= set(remote(clients))
    assert clients.hub.get(f"/api/models/{path_of(clients)}/revision/v2")["sha"] == oid
    push(clients, "--delete", "next", "v1")
    assert not {"refs/heads/next", "refs/tags/v1"} & set(remote(clients))


def test_a_shallow_and_a_partial_clone(clients: Clients) -> None:
    """Protocol version 2, with its filters."""
    commit(clients, "a.txt", b"a")
    push(clients, "main")
    good(clients.git("clone", "--quiet", "--depth=1", "--filter=blob:none", clients.url(path_of(clients)), "thin"))
    assert (clients.home / "thin/a.txt").read_bytes() == b"a"


def test_a_push_from_a_shallow_clone(clients: Clients) -> None:
    """The Hub's own history may be cut, but a checkout of other commits with `fetch-depth: 1` is refused."""
    commit(clients, "a.txt", b"a")
    push(clients, "main")
    url = clients.url(path_of(clients))
    good(clients.git("clone", "--quiet", "--depth=1", url, "thin"))
    good(clients.git("-C", "thin", "commit", "--quiet", "--allow-empty", "--message", "next"))
    good(clients.git("-C", "thin", "push", "--quiet", "origin", "main"))
    good(clients.git("init", "--quiet", "project"))
    for message in ("one", "two"):
        good(clients.git("-C", "project", "commit", "--quiet", "--allow-empty", "--message", message))
    good(clients.git("clone", "--quiet", "--depth=1", (clients.home / "project").as_uri(), "checkout"))
    run = clients.git("-C", "checkout", "push", "--force", url, "HEAD:main")
    assert run.returncode != 0
    assert "shallow update not allowed" in run.stderr


def test_a_push_of_many_megabytes(clients: Clients) -> None:
    """Which git sends in chunks, after a probe."""
    # Hexadecimal digits, because the Hub rejects binary files.
    contents = {name: os.urandom(2 * MIB).hex().encode() for name in ("a.txt", "b.txt")}
    for name, content in contents.items():
        commit(clients, name, content)
    push(clients, "main")
    for name, content in contents.items():
        assert clients.hub.request("GET", f"/{path_of(clients)}/resolve/main/{name}").content == content


def test_a_push_to_another_repository_is_refused(clients: Clients) -> None:
    """And changes nothing there."""
    clients.hub.post("/local-hub/resources", {"resource": "acme/not-yours"})
    before = clients.hub.get("/api/models/acme/not-yours")["sha"]
    commit(clients, "a.txt", b"a")
    run = clients.git("-C", "work", "push", "--force", clients.url("acme/not-yours"), "main")
    assert run.returncode != 0
    assert "403" in run.stderr
    assert clients.hub.get("/api/models/acme/not-yours")["sha"] == before


def test_git_lfs_pushes_and_fetches(clients: Clients) -> None:
    """A file of a large type: a pointer in git, the bytes in LFS, the file itself in a clone."""
    clients.install_lfs()
    content = os.urandom(2 * MIB)
    commit(clients, "model.safetensors", content)
    push(clients, "main")
    path = path_of(clients)
    assert clients.hub.request("GET", f"/{path}/raw/main/model.safetensors").text.startswith("version https://git-lfs")
    assert clients.hub.request("GET", f"/{path}/resolve/main/model.safetensors").content == content
    good(clients.git("clone", "--quiet", clients.url(path), "again"))
    assert (clients.home / "again/model.safetensors").read_bytes() == content


def test_git_lfs_with_the_token_in_a_header(clients: Clients) -> None:
    """It honours what git honours."""
    clients.install_lfs()
    commit(clients, "model.bin", b"0" * MIB)
    url = f"{clients.hub.hub}/{path_of(clients)}"
    good(clients.git("-C", "work", "push", "--quiet", url, "main", **clients.extra_header()))
    assert clients.hub.request("GET", f"/{path_of(clients)}/resolve/main/model.bin").content == b"0" * MIB


def test_git_lfs_does_not_upload_elsewhere(clients: Clients, data: Path) -> None:
    """Another repository's LFS takes nothing, although anyone may read there, and whatever git itself is told."""
    clients.install_lfs()
    clients.hub.post("/local-hub/resources", {"resource": "acme/lfs-elsewhere"})
    clients.hub.get("/api/models/acme/lfs-elsewhere")
    commit(clients, "model.bin", b"1" * MIB)
    run = clients.git("-C", "work", "lfs", "push", clients.url("acme/lfs-elsewhere"), "main")
    assert run.returncode != 0
    assert "may not write to this repository" in run.stderr
    names = {(path / "description").read_text().strip(): path for path in (data / "repositories").iterdir()}
    assert not (names["acme/lfs-elsewhere"] / "lfs").exists()


def test_a_link_in_a_push_is_a_text(clients: Clients) -> None:
    """A symbolic link to a file of this machine's: what is served is where it points to, not what is there."""
    (clients.home / "work/link").symlink_to("/etc/passwd")
    commit(clients, "beside", b"")
    push(clients, "main")
    assert clients.hub.request("GET", f"/{path_of(clients)}/resolve/main/link").content == b"/etc/passwd"


def test_a_submodule_in_a_push_is_nothing(clients: Clients) -> None:
    """It is neither fetched nor served, and the rest is."""
    oid = commit(clients, "a.txt", b"a")
    good(clients.git("-C", "work", "update-index", "--add", "--cacheinfo", f"160000,{oid},module"))
    good(clients.git("-C", "work", "commit", "--quiet", "--message", "module"))
    push(clients, "main")
    path = path_of(clients)
    assert clients.hub.request("GET", f"/{path}/resolve/main/module").status_code == 404
    assert {entry["path"] for entry in clients.hub.get(f"/api/models/{path}/tree/main")} == {".gitattributes", "a.txt"}


def test_a_tree_that_would_leave_the_checkout_is_refused(clients: Clients) -> None:
    """git looks through each object that is pushed."""
    blob = good(clients.git("-C", "work", "hash-object", "-w", ".gitattributes")).strip()
    for number, name in enumerate((b"..", b".git", b".GIT", b".")):
        entry = b"100644 " + name + b"\0" + bytes.fromhex(blob)
        command = ["git", "-C", "work", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
        made = subprocess.run(command, cwd=clients.home, input=entry, capture_output=True, check=True).stdout
        crooked = good(clients.git("-C", "work", "commit-tree", made.decode().strip(), "-m", "x")).strip()
        run = clients.git("-C", "work", "push", "origin", f"{crooked}:refs/heads/crooked-{number}")
        assert run.returncode != 0, name
    assert not [ref for ref in remote(clients) if "crooked" in ref]
