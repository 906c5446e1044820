"""The release's programs: what they refuse, and what they make, without a network."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from release import dist, lock, pyz, sbom, tag, version
from release.version import Version
from tests import in_process

ROOT = Path(__file__).parents[3]
ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
NATIVE: dict[str, Any] = yaml.safe_load((ROOT / "native/action.yml").read_text(encoding="utf-8"))
DIGEST = "sha256:" + "0123456789abcdef" * 4
LOCK = """\
first==1.0 \\
    --hash=sha256:{0} \\
    --hash=sha256:{1}
    # via -r runtime.in
second-name==2.0.1 ; python_full_version < '3.11' \\
    --hash=sha256:{0}
    # via
    #   first
""".format("a" * 64, "b" * 64)
CHANGELOG = """\
# Changelog

## [Unreleased]

- Not yet.

## [1.1.0] - 2026-11-23

### Added

- A thing.

## [1.0.0] - 2026-11-01

"""


def git(repository: Path, *arguments: str) -> str:
    """What git prints."""
    identity = ("-c", "user.name=octocat", "-c", "user.email=octocat@example.invalid", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()


def code(text: str) -> str:
    """src/hf_oidc/version.py of a version."""
    return f'"""The version."""\n\nVERSION = "{text}"\n'


def commit_source(clone: Path, text: str) -> None:
    """Commit the source of a version on main, and push it."""
    (clone / "src/hf_oidc/version.py").write_text(code(text))
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", f"--message=Source of {text}")
    git(clone, "push", "--quiet", "origin", "HEAD:main")


@pytest.fixture(scope="module")
def origin_and_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository that has the source of 1.0.0 on main, and a clone of it."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "--quiet", "origin.git", "clone")
    clone = folder / "clone"
    git(clone, "remote", "set-url", "origin", "../origin.git")  # so that copies of the folder have their own
    (clone / "src/hf_oidc").mkdir(parents=True)
    (clone / "Dockerfile").write_text("FROM scratch\n")
    (clone / ".gitignore").write_text("*.pyz\n")
    commit_source(clone, "1.0.0")
    return folder


@pytest.fixture
def repository(origin_and_clone: Path, tmp_path: Path) -> Path:
    """A clone of a repository with the source of 1.0.0 on main."""
    shutil.copytree(origin_and_clone, tmp_path, dirs_exist_ok=True)
    return tmp_path / "clone"


def build_tree(folder: Path, text: str) -> Path:
    """What `make dist` would make of a version, in small."""
    (folder / "native").mkdir(parents=True, exist_ok=True)
    (folder / "action.yml").write_text(dist.pinned(ACTION, dist.IMAGE, DIGEST))
    with zipfile.ZipFile(folder / "native/hf-oidc.pyz", "w") as pyz_file:
        pyz_file.writestr(zipfile.ZipInfo("hf_oidc/version.py"), code(text))
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The tree of 1.0.0."""
    return build_tree(tmp_path / "dist", "1.0.0")


def release(repository: Path, tree: Path, text: str) -> str:
    """Release a version, from its source and its tree."""
    commit_source(repository, text)
    return tag.release(repository, Version.parse(text), build_tree(tree, text), "origin")


def run_tag(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `python -m release.tag` calls, as release.yml runs it."""

    def main() -> int:
        before, sys.argv = sys.argv, ["release.tag", *arguments]
        try:
            tag.main()
        except SystemExit as end:
            sys.stderr.write(f"{end.code}\n")
            return 1
        finally:
            sys.argv = before
        return 0

    run = in_process.call(main, {"PATH": os.environ["PATH"]}, repository)
    return subprocess.CompletedProcess([], run.returncode, run.stdout.decode(), run.stderr.decode())


def tags_everywhere(repository: Path) -> list[str]:
    """The tags that the clone and the remote have."""
    return [*git(repository, "tag", "--list").split(), *git(repository, "ls-remote", "--tags", "origin").split()]


def test_the_digest_is_written_and_nothing_else_is_changed() -> None:
    """One line differs, comments are kept, and the document says the image."""
    pinned = dist.pinned(ACTION, dist.IMAGE, DIGEST)
    changed = [(old, new) for old, new in zip(ACTION.splitlines(), pinned.splitlines(), strict=True) if old != new]
    assert changed == [("  image: Dockerfile", f"  image: docker://{dist.IMAGE}@{DIGEST}")]
    before, after = yaml.safe_load(ACTION)["runs"], yaml.safe_load(pinned)["runs"]
    assert after == {**before, "image": f"docker://{dist.IMAGE}@{DIGEST}"}


@pytest.mark.parametrize(
    "digest", ["", "sha256:", DIGEST[:-1], DIGEST + "0", DIGEST.upper(), DIGEST[7:], DIGEST + "\n", " " + DIGEST]
)
def test_what_is_no_digest_is_refused(digest: str) -> None:
    """`sha256:` and 64 hexadecimal digits, and no more."""
    with pytest.raises(ValueError, match="not a digest"):
        dist.pinned(ACTION, dist.IMAGE, digest)


@pytest.mark.parametrize("image", ["", "hf", "ghcr.io/Org/hf", "ghcr.io/org/hf:v1", "ghcr.io/org/hf\n#", "/org/hf"])
def test_what_is_no_image_is_refused(image: str) -> None:
    """Registry and path, in lower case, without a tag."""
    with pytest.raises(ValueError, match="not an image"):
        dist.pinned(ACTION, image, DIGEST)


@pytest.mark.parametrize("action", ["runs:\n", ACTION + "\n  image: Dockerfile\n"])
def test_an_action_that_is_not_built_is_refused(action: str) -> None:
    """What cannot be pinned in one place is not pinned at all."""
    with pytest.raises(ValueError, match="one place"):
        dist.pinned(action, dist.IMAGE, DIGEST)


def test_the_readme_of_a_release_leads_to_the_sources() -> None:
    """Its links to files that the tree does not hold lead to where they are, and other links are as they were."""
    text = dist.with_links_to_sources("[a](docs/a.md) [b](https://b.example) [c](#c) [d](LICENSE)")
    assert text == f"[a]({dist.SOURCES}docs/a.md) [b](https://b.example) [c](#c) [d](LICENSE)"


def test_the_lock_is_read_for_all_systems() -> None:
    """Each package with all its hashes, whatever its marker says."""
    assert lock.locked(LOCK) == [
        lock.Locked("first", "1.0", ("a" * 64, "b" * 64)),
        lock.Locked("second-name", "2.0.1", ("a" * 64,)),
    ]


@pytest.mark.parametrize("text", [LOCK + LOCK, "first==1.0\n", "first>=1.0\n" + LOCK])
def test_a_lock_that_is_not_one_of_each_is_refused(text: str) -> None:
    """Twice the same package, one without a hash, one without a version."""
    with pytest.raises(ValueError, match="hash-locked"):
        lock.locked(text)


def test_the_real_lock_is_read_whole() -> None:
    """As many packages as names, among them those that the program imports."""
    names = {package.name for package in lock.locked(lock.LOCK.read_text())}
    assert {"actions-toolkit", "click", "pyjwt", "requests"} <= names
    assert not names & {"pygithub", "cryptography"}


def test_the_zipapp_starts_what_the_installed_command_starts() -> None:
    """The script in pyproject.toml is the one that is imported."""
    entry = pyz.entry('[project.scripts]\nhf-oidc = "a.b:start"\n')
    assert "from a.b import start" in entry
    assert "sys.exit(start())" in entry
    with pytest.raises(ValueError, match="no script"):
        pyz.entry('other = "a:b"\n')


def test_the_archive_is_the_same_each_time(tmp_path: Path) -> None:
    """Whatever the files' times and modes and the order in which they were made, and without an installer's notes."""
    names = ["b.py", "a/c.py", "a.py", "x.dist-info/RECORD", "x.dist-info/METADATA"]
    archives = []
    for number, order in enumerate((names, names[::-1])):
        folder = tmp_path / str(number)
        for name in order:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
            (folder / name).chmod(0o600 + number)
        archives.append(pyz.archive(folder))
    assert archives[0] == archives[1]
    assert archives[0].startswith(b"#!/usr/bin/env python3\nPK")
    listed = zipfile.ZipFile(io.BytesIO(archives[0])).namelist()
    assert listed == ["a.py", "a/c.py", "b.py", "x.dist-info/METADATA"]


@pytest.mark.parametrize(
    ("text", "moving", "final"), [("1.2.3", "v1", True), ("0.1.0", "v0", True), ("10.0.0-rc.2", "v10", False)]
)
def test_a_version_is_parsed(text: str, moving: str, final: bool) -> None:
    """Its own tag, the tag that moves, and whether it is a pre-release."""
    parsed = Version.parse(text)
    assert (parsed.tag, parsed.moving_tag, parsed.final) == (f"v{text}", moving, final)


@pytest.mark.parametrize("text", ["", "v1.2.3", "1.2", "01.2.3", "1.2.3-beta", "1.2.3\n", "1.2.3;id", "1.2.3-rc.0"])
def test_what_is_no_version_is_refused(text: str) -> None:
    """Three numbers, and at most `-rc.N`."""
    with pytest.raises(ValueError, match="not a version"):
        Version.parse(text)


def test_the_notes_are_the_changelogs() -> None:
    """The version's section and no more; one that is missing or empty is refused."""
    assert version.notes_of(CHANGELOG, Version.parse("1.1.0")) == "### Added\n\n- A thing.\n"
    for text in ("1.0.0", "1.0.1"):
        with pytest.raises(ValueError, match="no section"):
            version.notes_of(CHANGELOG, Version.parse(text))


def test_the_code_must_be_of_the_version() -> None:
    """What is tagged and what the program says of itself agree."""
    version.require_code('VERSION = "1.1.0"\n', Version.parse("1.1.0"))
    with pytest.raises(ValueError, match=r"says 1\.1\.0, not 1\.2\.0"):
        version.require_code('VERSION = "1.1.0"\n', Version.parse("1.2.0"))


@pytest.mark.process
def test_the_tag_is_on_a_commit_of_the_tree(repository: Path, tree: Path) -> None:
    """It holds exactly the tree, ignored files too; its parent is the source; main and the checkout are not touched."""
    source = git(repository, "rev-parse", "HEAD")
    commit = tag.release(repository, Version.parse("1.0.0"), tree, "origin")
    assert git(repository, "rev-parse", "v1.0.0", "v1", f"{commit}^").split() == [commit, commit, source]
    assert git(repository, "ls-tree", "-r", "--name-only", commit).split() == ["action.yml", "native/hf-oidc.pyz"]
    assert DIGEST in git(repository, "show", "v1.0.0:action.yml")
    assert git(repository, "rev-parse", "HEAD", "origin/main").split() == [source, source]
    assert git(repository, "status", "--porcelain") == ""
    remote = dict(line.split()[::-1] for line in git(repository, "ls-remote", "origin").splitlines())
    assert remote == {
        "HEAD": source,
        "refs/heads/main": source,
        "refs/tags/v1": commit,
        "refs/tags/v1.0.0": commit,
    }


@pytest.mark.process
def test_the_same_release_is_the_same_commit(repository: Path, tree: Path) -> None:
    """Nothing but source, tree, version and earlier release goes into it."""
    first, parents = Version.parse("1.0.0"), [git(repository, "rev-parse", "HEAD")]
    assert tag.committed(repository, first, tree, parents) == tag.committed(repository, first, tree, parents)


@pytest.mark.process
def test_a_version_is_released_once(repository: Path, tree: Path) -> None:
    """A tag that is here, or only at the remote, is not moved."""
    done = tag.release(repository, Version.parse("1.0.0"), tree, "origin")
    for forget in (False, True):
        if forget:
            git(repository, "tag", "--delete", "v1.0.0", "v1")
        with pytest.raises(ValueError, match="released already"):
            tag.release(repository, Version.parse("1.0.0"), tree, "origin")
    assert done in git(repository, "ls-remote", "origin", "v1.0.0")


@pytest.mark.process
def test_a_push_that_fails_is_told(repository: Path, tree: Path) -> None:
    """What git said, and no traceback."""
    run = subprocess.run(
        [sys.executable, "-m", "release.tag", "1.0.0", tree, "--push", "nowhere"],
        cwd=repository,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("release.tag: git ls-remote: ")


@pytest.mark.process
@pytest.mark.parametrize(
    ("versions", "message"),
    [
        (
            ("1.2.3", "0.1.0", "0.1.0"),
            "src/hf_oidc/version.py says 0.1.0, not 1.2.3: release 0.1.0, or change it there",
        ),
        (("0.1.0", "0.1.0", "0.0.9"), "hf_oidc/version.py in native/hf-oidc.pyz says 0.0.9, not 0.1.0: make the tree"),
        (("0.1.0", "0.2.0", "0.1.0"), "src/hf_oidc/version.py says 0.2.0, not 0.1.0"),
        (("1.0.0-rc.1", "1.0.0", "1.0.0"), "says 1.0.0, not 1.0.0-rc.1"),
        (("1.0.0", "1.0.0-rc.1", "1.0.0"), "says 1.0.0-rc.1, not 1.0.0"),
        (("v1.0.0", "1.0.0", "1.0.0"), "not a version (such as 1.2.3 or 1.2.3-rc.1): 'v1.0.0'; without the v: 1.0.0"),
        (("V1.0.0", "1.0.0", "1.0.0"), "not a version (such as 1.2.3 or 1.2.3-rc.1): 'V1.0.0'"),
        (("1.0", "1.0.0", "1.0.0"), "not a version (such as 1.2.3 or 1.2.3-rc.1): '1.0'"),
        (("refs/tags/v1.0.0", "1.0.0", "1.0.0"), "not a version"),
    ],
)
def test_what_is_tagged_is_of_the_version(
    repository: Path, tmp_path: Path, versions: tuple[str, str, str], message: str
) -> None:
    """A version that the source or the tree does not have gets no tag, and the message names both."""
    asked, source, built = versions
    commit_source(repository, source)
    folder = build_tree(tmp_path / "dist", built)
    for more in ([], ["--push", "origin"]):
        run = run_tag(repository, asked, str(folder), *more)
        assert run.returncode == 1
        assert message in run.stderr
        assert tags_everywhere(repository) == []


@pytest.mark.process
def test_the_source_is_what_is_committed(repository: Path, tree: Path) -> None:
    """The version in an uncommitted version.py is not that of the commit that is released."""
    (repository / "src/hf_oidc/version.py").write_text(code("1.2.3"))
    run = run_tag(repository, "1.2.3", str(build_tree(tree, "1.2.3")))
    assert "commit or undo these changes first: src/hf_oidc/version.py" in run.stderr
    assert tags_everywhere(repository) == []


@pytest.mark.process
@pytest.mark.parametrize("change", ["changed", "staged", "new", "removed"])
def test_a_checkout_with_changes_is_refused(repository: Path, tree: Path, change: str) -> None:
    """The tree may hold what no commit has; the message names the file."""
    name = "new.py" if change == "new" else "Dockerfile"
    if change == "removed":
        (repository / name).unlink()
    else:
        (repository / name).write_text("FROM busybox\n")
    if change == "staged":
        git(repository, "add", name)
    run = run_tag(repository, "1.0.0", str(tree))
    assert (run.returncode, run.stdout) == (1, "")
    assert f"release.tag: commit or undo these changes first: {name}" in run.stderr
    assert tags_everywhere(repository) == []


@pytest.mark.process
@pytest.mark.parametrize("content", [None, b"PK", {"other.py": ""}, {"hf_oidc/version.py": "nothing"}])
def test_a_tree_without_a_version_is_refused(
    repository: Path, tree: Path, content: bytes | dict[str, str] | None
) -> None:
    """No zipapp, one that is not an archive, or one that does not say its version."""
    pyz_path = tree / "native/hf-oidc.pyz"
    if content is None:
        pyz_path.unlink()
    elif isinstance(content, bytes):
        pyz_path.write_bytes(content)
    else:
        with zipfile.ZipFile(pyz_path, "w") as pyz_file:
            for name, text in content.items():
                pyz_file.writestr(name, text)
    run = run_tag(repository, "1.0.0", str(tree))
    assert run.returncode == 1
    assert "native/hf-oidc.pyz says nothing, not 1.0.0" in run.stderr
    assert tags_everywhere(repository) == []


def test_other_tags_are_no_releases() -> None:
    """Only `v` and a version names one."""
    tags = ["v1.0.0", "1.0.1", "v1", "vv1.0.2", "v1.1", "v1.1.0-beta", "nightly", "x/v1.2.0", "v1.1.0-rc.1"]
    assert [found.text for found in tag.versions(tags)] == ["1.0.0", "1.1.0-rc.1"]


@pytest.fixture(scope="module")
def history(origin_and_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """Releases of two major versions, in the order of their making, with fixes of older ones and pre-releases.

    Of each: the versions that its commit's parents have, the tags that moved to a descendant, and those that are on it.
    """
    folder = tmp_path_factory.mktemp("history")
    shutil.copytree(origin_and_clone, folder, dirs_exist_ok=True)
    repository, at = folder / "clone", {"v1": "", "v2": ""}
    names: dict[str, str] = {}
    made: dict[str, dict[str, list[str]]] = {}
    for text in VERSIONS:
        commit = release(repository, folder / "dist", text)
        names[commit], source = text, git(repository, "rev-parse", "HEAD")
        parents = git(repository, "rev-parse", f"{commit}^@").split()
        listed = git(repository, "ls-remote", "origin", "refs/tags/v1", "refs/tags/v2").splitlines()
        now = {"v1": "", "v2": "", **{line.split("/")[-1]: line.split()[0] for line in listed}}
        moved = [name for name, before in at.items() if now[name] != before]
        for name in moved:
            git(repository, "merge-base", "--is-ancestor", at[name] or now[name], now[name])
        local = git(repository, "tag", "--points-at", commit).split()
        assert [name for name in now if now[name] == commit] == [name for name in local if name in now]
        named = ["source" if parent == source else names[parent] for parent in parents]
        made[text], at = {"parents": named, "moved": moved, "tags": local}, now
    return made


VERSIONS = ["1.0.0", "1.1.0-rc.1", "1.0.1", "1.1.0", "1.0.2", "2.0.0-rc.1", "2.0.0", "1.1.1", "1.2.0", "2.0.1"]


@pytest.mark.process
def test_a_release_has_the_one_before_it_as_second_parent(history: dict[str, dict[str, list[str]]]) -> None:
    """The newest with a lower version, but no pre-release. The first parent is always the source."""
    assert {text: made["parents"] for text, made in history.items()} == {
        "1.0.0": ["source"],
        "1.1.0-rc.1": ["source", "1.0.0"],
        "1.0.1": ["source", "1.0.0"],
        "1.1.0": ["source", "1.0.1"],
        "1.0.2": ["source", "1.0.1"],
        "2.0.0-rc.1": ["source", "1.1.0"],
        "2.0.0": ["source", "1.1.0"],
        "1.1.1": ["source", "1.1.0"],
        "1.2.0": ["source", "1.1.1"],
        "2.0.1": ["source", "2.0.0"],
    }


@pytest.mark.process
def test_a_moving_tag_moves_to_a_descendant(history: dict[str, dict[str, list[str]]]) -> None:
    """Each along its own releases: a fix of 1.x after 2.0.0 moves only `v1`."""
    assert [(text, name) for text, made in history.items() for name in made["moved"]] == [
        *(("1.0.0", "v1"), ("1.0.1", "v1"), ("1.1.0", "v1")),
        *(("2.0.0", "v2"), ("1.1.1", "v1"), ("1.2.0", "v1"), ("2.0.1", "v2")),
    ]


@pytest.mark.process
def test_the_moving_tag_follows_the_newest(history: dict[str, dict[str, list[str]]]) -> None:
    """Not a pre-release, not a fix of an older line, not another major version; here and at the remote."""
    without = {"1.1.0-rc.1", "1.0.2", "2.0.0-rc.1"}
    assert {text: made["tags"] for text, made in history.items()} == {
        text: [*([] if text in without else [f"v{text[0]}"]), f"v{text}"] for text in VERSIONS
    }


@pytest.mark.process
def test_a_clone_without_the_tags_makes_the_same_release(repository: Path, tree: Path, tmp_path: Path) -> None:
    """What is released is asked of the remote: a fresh, shallow checkout has neither the tags nor their commits."""
    first = release(repository, tree, "1.0.0")
    commit_source(repository, "1.1.0")
    origin = (tmp_path / "origin.git").as_uri()
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", origin, "fresh")
    fresh = tmp_path / "fresh"
    second = tag.release(fresh, Version.parse("1.1.0"), build_tree(tree, "1.1.0"), "origin")
    assert git(repository, "ls-remote", "origin", "refs/tags/v1").split()[0] == second
    assert git(fresh, "rev-parse", f"{second}^1", f"{second}^2").split() == [git(fresh, "rev-parse", "HEAD"), first]


def set_moving_tag_by_hand(repository: Path) -> str:
    """Put `v1`, as an annotated tag, on a commit that no release has, and return the commit."""
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    by_hand = git(repository, "commit-tree", tree, "-m", "By hand")
    git(repository, "tag", "--force", "--message=By hand", "v1", by_hand)
    git(repository, "push", "--quiet", "--force", "origin", "refs/tags/v1")
    return by_hand


@pytest.mark.process
@pytest.mark.parametrize("earlier", [(), ("1.0.0",)])
def test_a_moving_tag_that_was_set_by_hand_is_not_moved(repository: Path, tree: Path, earlier: tuple[str, ...]) -> None:
    """The message has the commit that `v1` is at, and nothing is tagged."""
    for text in earlier:
        release(repository, tree, text)
    by_hand = set_moving_tag_by_hand(repository)
    before = tags_everywhere(repository)
    with pytest.raises(ValueError, match=f"v1 is at {by_hand}, which 1.1.0 would not descend from"):
        release(repository, tree, "1.1.0")
    assert tags_everywhere(repository) == before


@pytest.mark.process
def test_a_moving_tag_that_names_another_major_version_is_not_moved(repository: Path, tree: Path) -> None:
    """A fix of 1.x does not descend from 2.0.0."""
    release(repository, tree, "1.0.0")
    wrong = release(repository, tree, "2.0.0")
    git(repository, "push", "--quiet", "--force", "origin", "v2.0.0:refs/tags/v1")
    with pytest.raises(ValueError, match=f"v1 is at {wrong}, which 1.0.1 would not descend from"):
        release(repository, tree, "1.0.1")


@pytest.mark.process
def test_the_first_right_way_is_to_move_it_back(repository: Path, tree: Path) -> None:
    """To the newest release."""
    first = release(repository, tree, "1.0.0")
    set_moving_tag_by_hand(repository)
    git(repository, "push", "--quiet", "--force", "origin", f"{first}:refs/tags/v1")
    assert git(repository, "rev-parse", f"{release(repository, tree, '1.1.0')}^2") == first


@pytest.mark.process
def test_the_second_right_way_is_to_keep_the_commit(repository: Path, tree: Path) -> None:
    """With the command of the message, after which `v1` moves forward, even from another history."""
    release(repository, tree, "1.0.0")
    by_hand = set_moving_tag_by_hand(repository)
    with pytest.raises(ValueError, match="git merge ") as refused:
        release(repository, tree, "1.1.0")
    _, _, command = str(refused.value).partition("Else keep it: git ")
    git(repository, *command.split())
    commit = release(repository, tree, "1.1.0")
    git(repository, "merge-base", "--is-ancestor", by_hand, commit)
    assert git(repository, "ls-remote", "origin", "refs/tags/v1").startswith(commit)


@pytest.mark.process
def test_a_moving_tag_that_went_back_goes_forward_again(repository: Path, tree: Path) -> None:
    """`v1` was moved back to an older release, from which all later ones descend."""
    first = release(repository, tree, "1.0.0")
    release(repository, tree, "1.1.0")
    git(repository, "push", "--quiet", "--force", "origin", f"{first}:refs/tags/v1")
    commit = release(repository, tree, "1.2.0")
    assert git(repository, "ls-remote", "origin", "refs/tags/v1").startswith(commit)


@pytest.mark.process
def test_a_moving_tag_that_moves_meanwhile_is_left_there(repository: Path, tree: Path, tmp_path: Path) -> None:
    """It is not where it was checked when it is pushed: all tags stay as they are."""
    release(repository, tree, "1.0.0")
    commit_source(repository, "1.1.0")
    build_tree(tree, "1.1.0")
    moved = git(repository, "rev-parse", "HEAD")
    # git runs it when the new tag exists here: after the check, and before the push asks the remote where its tags are.
    hook = repository / ".git/hooks/reference-transaction"
    move = f"git --git-dir={tmp_path}/origin.git update-ref refs/tags/v1 {moved}"
    hook.write_text(f'#!/bin/sh\n[ "$1" = committed ] && grep -q refs/tags/v1.1.0 && {move}\nexit 0\n')
    hook.chmod(0o755)
    with pytest.raises(tag.GitError, match="git push: "):
        tag.release(repository, Version.parse("1.1.0"), tree, "origin")
    remote = git(repository, "ls-remote", "--tags", "origin")
    assert f"{moved}\trefs/tags/v1\n" in remote
    assert "v1.1.0" not in remote


@pytest.mark.process
def test_a_tag_that_is_only_here_is_no_release(repository: Path, tree: Path) -> None:
    """One that was never pushed does not become a parent. One of the version itself is refused, with a command."""
    first = release(repository, tree, "1.0.0")
    for text in ("1.0.1", "1.1.0"):
        git(repository, "tag", f"v{text}", "HEAD")
    with pytest.raises(ValueError, match=r"v1\.1\.0 is a tag here, and not at origin: .*git tag --delete v1\.1\.0"):
        release(repository, tree, "1.1.0")
    git(repository, "tag", "--delete", "v1.1.0")
    assert git(repository, "rev-parse", f"{release(repository, tree, '1.1.0')}^2") == first


@pytest.mark.parametrize(
    ("ref", "text", "message"),
    [
        ("refs/heads/main", "1.2.3", ""),
        ("refs/heads/1.x", "1.2.4", ""),
        ("refs/heads/2.x", "1.2.4", "1.2.4 is released from the branch main or 1.x, not from 'refs/heads/2.x'"),
        ("refs/heads/1.xy", "1.2.4", "released from"),
        ("refs/tags/main", "1.2.3", "released from"),
        ("main", "1.2.3", "released from"),
        ("", "1.2.3", "released from"),
    ],
)
def test_a_version_is_released_from_its_branch(ref: str, text: str, message: str) -> None:
    """From main, or from the branch for fixes of its major version; not from a tag of that name."""
    if not message:
        version.require_branch(ref, Version.parse(text))
        return
    with pytest.raises(ValueError, match=re.escape(message)):
        version.require_branch(ref, Version.parse(text))


def test_the_bill_of_materials_names_what_is_locked() -> None:
    """Each package by its purl, and the zipapp by its hash; the same zipapp gives the same document."""
    packages = lock.locked(LOCK)
    document = sbom.bill("1.0.0", b"zip", packages)
    assert [part["purl"] for part in document["components"]] == ["pkg:pypi/first@1.0", "pkg:pypi/second-name@2.0.1"]
    assert document == sbom.bill("1.0.0", b"zip", packages)
    assert document["serialNumber"] != sbom.bill("1.0.0", b"another", packages)["serialNumber"]


@pytest.mark.slow
def test_the_bill_of_materials_is_valid() -> None:
    """Against the published schema of CycloneDX 1.6, as its own library has it."""
    # Loading the validator takes two seconds, in each process that collects the tests.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    document = sbom.bill("1.0.0", b"zip", lock.locked(lock.LOCK.read_text()))
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(document)) is None


def test_the_twins_have_the_same_inputs_and_outputs() -> None:
    """Names, order, defaults, descriptions and what is required."""
    action = yaml.safe_load(ACTION)
    outputs = {name: {"description": spec["description"]} for name, spec in NATIVE["outputs"].items()}
    assert list(NATIVE["inputs"].items()) == list(action["inputs"].items())
    assert list(outputs.items()) == list(action["outputs"].items())


def test_the_container_starts_an_isolated_interpreter() -> None:
    """By its absolute path, and with -I: neither is looked for in the checkout."""
    runs = yaml.safe_load(ACTION)["runs"]
    assert PurePosixPath(runs["entrypoint"]).is_absolute()
    assert runs["args"] == ["-I", "-m", "hf_oidc.action"]


@pytest.mark.parametrize("path", ["Dockerfile", "release/pyz.py"])
def test_only_locked_wheels_are_installed(path: str) -> None:
    """Each with its hash, nothing besides the list, and nothing that would be built here."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert (text.count("pip install") if path == "Dockerfile" else text.count('"install",')) == 1
    assert [option for option in ("--require-hashes", "--no-deps", "--only-binary=:all:") if option not in text] == []


def test_the_native_steps_pass_everything_on() -> None:
    """Every input as the runner would name it for a container action, nothing in the script, every output back."""
    posix, windows = (step for step in NATIVE["runs"]["steps"] if "env" in step)
    assert posix["env"] == {f"INPUT_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in NATIVE["inputs"]}
    assert (windows["env"], windows["run"]) == (posix["env"], posix["run"])
    assert (posix["shell"], windows["shell"]) == ("python3 -I -S {0}", "python -I -S {0}")
    for name, spec in NATIVE["outputs"].items():
        assert spec["value"] == f"${{{{ steps.posix.outputs.{name} || steps.windows.outputs.{name} }}}}"
    assert not [step["run"] for step in NATIVE["runs"]["steps"] if "${{" in step["run"]]
