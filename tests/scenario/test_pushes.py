"""Pushes by git and git-lfs that the Hub rejects or takes: what people see in their terminal.

The words are those of public threads: huggingface_hub#91 and #937, qdonnars/ohmywind#289, huggingface/diffusers#6285.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import Clients, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here
from tests.own_repository import Own, file

MIB = 1024 * 1024
RULE = "-" * 73
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
TOO_LARGE = f"""{RULE}
Your push was rejected because it contains files larger than 10 MiB.
Please use https://git-lfs.github.com/ to store large files.
See also: https://hf.co/docs/hub/repositories-getting-started#terminal

Offending files:
  - x (ref: refs/heads/main)
{RULE}"""
BINARY = f"""{RULE}
Your push was rejected because it contains binary files.
Please use https://huggingface.co/docs/hub/xet to store binary files.
See also: https://huggingface.co/docs/hub/xet/using-xet-storage#git

Offending files:
  - x (ref: refs/heads/main)
{RULE}"""
DANGLING = f"""{RULE}
Your push was rejected because an LFS pointer pointed to a file that does not exist.
For instance, this can happen if you used git push --no-verify to push your changes.

Offending file:
  - x
{RULE}"""
REJECTED = {"too large": (b"a" * (10 * MIB + 1), TOO_LARGE), "binary": (PNG, BINARY), "dangling": (POINTER, DANGLING)}


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub for all tests here; each test creates its repository."""
    with local_hub_here() as running:
        yield running


@pytest.fixture
def uncloned(hub: ServedHub, tmp_path: Path) -> Own:
    """A new repository."""
    return Own(hub, tmp_path, f"acme/{uuid.uuid4()}")


@pytest.fixture
def own(uncloned: Own) -> Own:
    """A new repository, and a clone of it in the folder `work`."""
    uncloned.clone()
    return uncloned


def commit(own: Own, files: dict[str, bytes]) -> None:
    """Commit files in the clone, without the filters of LFS."""
    for name, content in files.items():
        (own.clients.home / "work" / name).write_bytes(content)
    own.work("add", "--all", "--force")
    own.work("commit", "--quiet", "--message", "x")


def push(own: Own, *refs: str) -> tuple[int, str]:
    """Push; return the exit code, and what git printed, with the lines of the server as the server wrote them."""
    run = own.clients.git("-C", "work", "push", "origin", *(refs or ("main",)))
    lines = [line.removeprefix("remote:").removeprefix(" ").rstrip() for line in run.stderr.splitlines()]
    return run.returncode, "\n".join(lines)


@pytest.mark.parametrize("kind", REJECTED)
def test_a_push_that_the_hub_rejects(own: Own, kind: str) -> None:
    """git prints the Hub's words, and that the hook declined; nothing has moved."""
    content, words = REJECTED[kind]
    before = own.head()
    commit(own, {"x": content})
    code, said = push(own)
    assert code == 1
    assert words in said
    assert "! [remote rejected] main -> main (pre-receive hook declined)" in said
    assert own.head() == before


@pytest.mark.parametrize("kind", REJECTED)
def test_a_commit_that_the_hub_rejects(uncloned: Own, kind: str) -> None:
    """The same words over the API, in the answer and in the header that huggingface_hub shows."""
    content, words = REJECTED[kind]
    before = uncloned.head()
    answer = uncloned.commit(file("x", content))
    expected = [line.removesuffix(" (ref: refs/heads/main)") for line in words.splitlines() if line not in ("", RULE)]
    assert (answer.status_code, answer.json()["error"].splitlines()) == (400, expected)
    assert expected[0] in answer.headers["x-error-message"]
    assert uncloned.head() == before


def test_a_long_rejection_over_the_api(uncloned: Own) -> None:
    """The answer has each path; the header stays within what clients take."""
    paths = [f"{'folder/' * 50}{number}" for number in range(100)]
    answer = uncloned.commit(*(file(path, PNG) for path in paths))
    assert all(f"- {path}\n" in answer.json()["error"] + "\n" for path in paths)
    assert len(answer.headers["x-error-message"]) <= 2000


def test_a_line_of_the_api_that_is_too_long_names_its_number(uncloned: Own) -> None:
    """Local Hub does not read it to its end, so it cannot name the path."""
    answer = uncloned.commit(file("a"), file("x", b"a" * (12 * MIB)))
    assert (answer.status_code, "files larger than 10 MiB" in answer.text, "line 3" in answer.text) == (400, True, True)


def test_a_file_of_exactly_10_mib(own: Own) -> None:
    """It is taken, by git and over the API."""
    commit(own, {"x": b"a" * (10 * MIB)})
    assert push(own)[0] == 0
    own.commit(file("y", b"b" * (10 * MIB))).raise_for_status()


def test_every_commit_of_a_push_counts(own: Own) -> None:
    """A binary file that the next commit deletes is in the history all the same."""
    commit(own, {"x": PNG})
    (own.clients.home / "work/x").unlink()
    commit(own, {})
    assert (push(own)[0], "contains binary files" in push(own)[1]) == (1, True)


def test_only_what_is_new_counts(own: Own) -> None:
    """A branch that repeats what the repository has is taken, and so is a deletion."""
    (path,) = [own.large_file("a.bin", b"\0 large")]
    own.commit(path).raise_for_status()
    own.work("pull", "--quiet")
    commit(own, {"b.txt": b"b"})
    assert push(own, "main", "HEAD:refs/heads/next", "HEAD:refs/tags/v1")[0] == 0
    assert push(own, ":refs/heads/next")[0] == 0


def test_several_refs_in_a_rejection(own: Own) -> None:
    """They are all named, up to three."""
    commit(own, {"x": PNG})
    _, said = push(own, *(f"HEAD:refs/heads/b{number}" for number in range(5)))
    assert "- x (ref: refs/heads/b0, refs/heads/b1, refs/heads/b2, …)" in said
    assert said.count("(pre-receive hook declined)") == 5


def test_a_name_that_is_not_for_a_terminal(own: Own) -> None:
    """Its control characters are not printed."""
    commit(own, {"a\x1b[31m": PNG})
    assert "  - a?[31m (ref" in push(own)[1]


def test_a_ref_that_is_no_branch_and_no_tag(own: Own) -> None:
    """git reports it by itself, and moves the others."""
    commit(own, {"a": b"a"})
    code, said = push(own, "main", "HEAD:refs/pr/1")
    assert (code, "Everything up-to-date" in said) == (1, False)
    assert "! [remote rejected] HEAD -> refs/pr/1 (deny updating a hidden ref)" in said
    assert own.head() == own.work("rev-parse", "HEAD")


def test_a_branch_with_a_space_that_git_allows(own: Own) -> None:
    """The hook reads its name to the end; git forbids only the space of ASCII."""
    spaces = ("\u3000", "\u0085", "\u2028")
    commit(own, {"a": b"a"})
    for space in spaces:
        assert push(own, f"HEAD:refs/heads/a{space}b")[0] == 0, ascii(space)
    commit(own, {"x": PNG})
    for space in spaces:
        assert "contains binary files" in push(own, f"HEAD:refs/heads/a{space}c")[1], ascii(space)


def test_a_token_in_the_name_of_a_branch(own: Own) -> None:
    """It does not stay in the log."""
    assert push(own, f"HEAD:refs/heads/{own.clients.token}")[0] == 0
    logged = [entry["ref"] for entry in own.hub.get("/local-hub/commits") if entry["resource"] == own.name]
    assert logged == ["refs/heads/(token removed)"]


def test_git_shows_why_it_may_not_write(own: Own, hub: ServedHub, tmp_path: Path) -> None:
    """The answer is text/plain, which git prints; JSON it would not."""
    trust(hub, "acme/another")
    other = Clients(hub, tmp_path, token_for(hub, "acme/another"))
    run = other.git("-C", "work", "push", other.url(own.name), "HEAD:main")
    assert "remote: You are not authorized to push to this repo." in run.stderr
    assert "remote: Forbidden: this token may not write to this repository" in run.stderr
    assert "403" in run.stderr


def test_a_push_option_is_not_taken(own: Own) -> None:
    """git itself says so, before it sends anything: Local Hub does not offer them."""
    commit(own, {"a": b"a"})
    run = own.clients.git("-C", "work", "push", "-o", "ci.skip", "origin", "main")
    assert "the receiving end does not support push options" in run.stderr


def test_git_lfs_goes_on_without_locks(own: Own) -> None:
    """Whatever its setting of `locksverify`; an object that the server has already is not sent again."""
    own.clients.install_lfs()
    content = os.urandom(100)
    for verify, name in (("true", "a.bin"), ("false", "b.bin")):
        own.work("config", f"lfs.{own.clients.hub.hub}/{own.name}.git/info/lfs.locksverify", verify)
        commit(own, {name: content})
        code, said = push(own)
        assert code == 0, said
    assert own.hub.request("GET", f"/{own.name}/resolve/main/b.bin").content == content


@pytest.mark.parametrize(
    ("algorithm", "status"), [("sha256", 200), ("sha_256", 200), ("sha512", 409), (None, 409), (7, 409)]
)
def test_the_hash_of_a_batch(uncloned: Own, algorithm: object, status: int) -> None:
    """SHA-256, in the spelling of huggingface.js too; for others git-lfs has 409 (docs/api/batch.md)."""
    wanted = {"oid": hashlib.sha256(b"x").hexdigest(), "size": 1}
    asked = {"operation": "upload", "objects": [wanted], "hash_algo": algorithm}
    headers = {"Authorization": f"Bearer {uncloned.clients.token}", "Content-Type": "application/vnd.git-lfs+json"}
    answer = uncloned.hub.request("POST", f"/{uncloned.name}.git/info/lfs/objects/batch", json=asked, headers=headers)
    assert answer.status_code == status


def test_a_push_of_five_thousand_files(own: Own) -> None:
    """Two processes look through them all. They come as one stream, so that the test writes no file."""
    stream = b"commit refs/heads/main\nmark :1\ncommitter a <a@b.example> 1 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
    names = [f"d{number % 50}/f{number}" for number in range(5000)]
    stream += b"".join(
        b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(name), name.encode()) for name in names
    )
    subprocess.run(
        ["git", "-C", own.clients.home / "work", "fast-import", "--quiet"], input=stream, check=True, timeout=120
    )
    assert push(own)[0] == 0
    assert len(own.request("GET", "").json()["siblings"]) == 5001


def test_a_history_of_two_pages(uncloned: Own) -> None:
    """`limit` and `p`, the number of all commits, and a link to the next page."""
    for number in range(4):
        uncloned.commit(file(f"f{number}")).raise_for_status()
    page = uncloned.request("GET", "/commits/main?limit=3")
    assert (len(page.json()), page.headers["x-total-count"]) == (3, "5")
    rest = uncloned.request("GET", "/commits/main?limit=3&p=1")
    assert page.links["next"]["url"] == str(rest.url)
    assert (len(rest.json()), rest.json()[-1]["title"], "link" in rest.headers) == (2, "initial commit", False)
    assert uncloned.request("GET", "/commits/main?limit=3&p=999999999").json() == []


def test_objects_that_a_push_brings_besides(own: Own) -> None:
    """A pack can hold commits that no ref of its push reaches. No hook sees them, and no branch can be made of them."""
    commit(own, {"x": PNG})
    hidden, base = own.work("rev-parse", "HEAD"), own.work("rev-parse", "origin/main")
    pack = subprocess.run(
        ["git", "-C", own.clients.home / "work", "pack-objects", "--revs", "--stdout", "--quiet"],
        input=f"{hidden}\n".encode(),
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    update = f"{'0' * 40} {base} refs/heads/next\0report-status".encode()
    body = b"%04x%s0000" % (len(update) + 4, update) + pack
    headers = {"Content-Type": "application/x-git-receive-pack-request"}
    pushed = own.hub.request(
        "POST", f"/{own.name}.git/git-receive-pack", content=body, headers=headers, auth=("x", own.clients.token)
    )
    assert b"ok refs/heads/next" in pushed.content
    made = own.request("POST", "/branch/other", json={"startingPoint": hidden})
    assert (made.status_code, "contains binary files" in made.json()["error"]) == (400, True)
    assert own.request("POST", "/branch/other", json={"startingPoint": base}).status_code == 201


def test_the_history_of_one_path(uncloned: Own) -> None:
    """Of a file, and of a folder with a slash or without; what git would take for a pattern is a name."""
    for path in ("a.txt", "deep/b.txt", "deep/c.txt"):
        uncloned.commit(file(path), summary=path).raise_for_status()

    def titles(path: str) -> list[str]:
        return [one["title"] for one in uncloned.request("GET", f"/commits/main/{path}").raise_for_status().json()]

    assert (titles("a.txt"), titles("deep"), titles("deep/")) == (["a.txt"], *[["deep/c.txt", "deep/b.txt"]] * 2)
    assert (titles("*"), titles(":%2Fa.txt"), titles("missing")) == ([], [], [])
    assert uncloned.request("GET", "/commits/main/deep?limit=1").headers["x-total-count"] == "2"
    assert "deep/c.txt" not in uncloned.hub.request("GET", f"/{uncloned.name}/commits/main/a.txt").text


def test_a_folder_that_ends_with_a_slash(uncloned: Own) -> None:
    """It is the same folder; the root has none."""
    uncloned.commit(file("deep/b.txt")).raise_for_status()
    for path in ("", "/deep"):
        listed = uncloned.request("GET", f"/tree/main{path}").json()
        assert listed == uncloned.request("GET", f"/tree/main{path}/").raise_for_status().json() != []
