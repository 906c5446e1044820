"""Commits the tree of a release and tags the commit. No branch is moved.

The commit's first parent is the source's commit, its second the release before it: so `v1` moves to a descendant only.
A workflow lockfile records `v1` with a commit, and GitHub rejects a run if that commit cannot be reached from `v1`
(docs.github.com, "Workflow dependency lockfiles"). The commit has the source commit's time, so that the same source,
tree, version and earlier release give the same commit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from release.version import CODE_FILE, Version, code_version, require_code

ZIPAPP = "native/hf-oidc.pyz"
IDENTITY = {"name": "hf-oidc-action release", "email": "noreply@github.com"}


class GitError(Exception):
    """git refused; what it said."""


def main() -> None:
    """Commit a tree on top of the checked-out commit, and tag it as a version."""
    parser = argparse.ArgumentParser(prog="python -m release.tag", description=main.__doc__)
    parser.add_argument("version")
    parser.add_argument("tree", type=Path, help="the folder that `make dist` made")
    parser.add_argument("--push", metavar="REMOTE", help="push the tags there, all or none")
    arguments = parser.parse_args()
    try:
        print(release(Path.cwd(), Version.parse(arguments.version), arguments.tree, arguments.push))
    except (GitError, ValueError) as error:
        sys.exit(f"release.tag: {error}")


def release(repository: Path, version: Version, tree: Path, remote: str | None) -> str:
    """The commit that now has the tag of `version`, and the moving tag if no newer version has it."""
    _require_committed(repository)
    require_code(_git(repository, "show", f"HEAD:{CODE_FILE}"), version)
    _require_tree(tree, version)
    tags = _tags(repository, remote)
    if version.tag in tags:
        raise ValueError(f"{version.tag} is released already; a tag that users have pinned is not moved")
    if remote and _git(repository, "tag", "--list", version.tag):
        hint = f"git tag --delete {version.tag}"
        raise ValueError(f"{version.tag} is a tag here, and not at {remote}: delete it ({hint})")
    released = versions(tags)
    moving = version.moving_tag if moves(version, released) else ""
    ancestors = ["HEAD", *(tags[before.tag] for before in previous(version, released))]
    parents = [_git(repository, "rev-parse", f"{ancestor}^{{commit}}") for ancestor in ancestors]
    if moving in tags:
        _require_forward(repository, version, tags[moving], parents)
    commit = committed(repository, version, tree, parents)
    _git(repository, "tag", version.tag, commit)
    if moving:
        _git(repository, "tag", "--force", moving, commit)
    if remote:
        # The moving tag moves only from where it was checked: another release may have moved it meanwhile.
        lease = [f"--force-with-lease=refs/tags/{moving}:{tags.get(moving, '')}"] if moving else []
        pushed = [f"refs/tags/{name}" for name in (version.tag, moving) if name]
        _git(repository, "push", "--quiet", "--atomic", *lease, remote, *pushed)
    return commit


def _require_committed(repository: Path) -> None:
    changed = _git(repository, "diff", "--name-only", "HEAD").splitlines()
    new = _git(repository, "ls-files", "--others", "--exclude-standard").splitlines()
    if changed or new:
        raise ValueError(f"commit or undo these changes first: {', '.join(changed + new)}")


def _require_tree(tree: Path, version: Version) -> None:
    """The tree may be an older one: `make dist` does not know for which version it is made."""
    try:
        with zipfile.ZipFile(tree / ZIPAPP) as zipapp:
            found = code_version(zipapp.read("hf_oidc/version.py").decode())
    except (OSError, zipfile.BadZipFile, KeyError):
        found = "nothing"
    if found != version.text:
        raise ValueError(f"hf_oidc/version.py in {ZIPAPP} says {found}, not {version.text}: make the tree again")


def _tags(repository: Path, remote: str | None) -> dict[str, str]:
    """Each tag, and the object that it names; the remote's if there is one, because those are released."""
    if not remote:
        listed = _git(repository, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    else:
        listed = _git(repository, "ls-remote", "--refs", "--tags", remote)
        _git(repository, "fetch", "--quiet", "--no-tags", remote, "+refs/tags/v*:refs/tags/v*")
    return {name.removeprefix("refs/tags/"): value for value, name in map(str.split, listed.splitlines())}


def versions(tags: Iterable[str]) -> list[Version]:
    """The versions that tags name; other tags are left out."""
    found = []
    for tag in tags:
        try:
            version = Version.parse(tag.removeprefix("v"))
        except ValueError:
            continue
        if version.tag == tag:
            found.append(version)
    return found


def previous(version: Version, released: Iterable[Version]) -> list[Version]:
    """The newest release with a lower version, or none. Nothing follows a pre-release: its tag never moves."""
    older = [other for other in released if other.final and other.order < version.order]
    return sorted(older, key=lambda other: other.order)[-1:]


def moves(version: Version, released: Iterable[Version]) -> bool:
    """Whether the moving tag is to name `version`: not a pre-release, nor a fix of an older line of releases."""
    newer = [
        other
        for other in released
        if other.final and other.moving_tag == version.moving_tag and other.order > version.order
    ]
    return version.final and not newer


def _require_forward(repository: Path, version: Version, moving: str, parents: Sequence[str]) -> None:
    """Raises `ValueError` if the moving tag, which names the object `moving`, would not move to a descendant."""
    if _git(repository, "rev-list", "--count", moving, "--not", *parents) != "0":
        name, commit = version.moving_tag, _git(repository, "rev-parse", f"{moving}^{{commit}}")
        raise ValueError(
            f"{name} is at {commit}, which {version.text} would not descend from: GitHub would reject workflows that"
            f" locked it. If no user can have locked it, move {name} back to the newest release, or delete it."
            f" Else keep it: git merge --strategy=ours --allow-unrelated-histories {commit}"
        )


def committed(repository: Path, version: Version, tree: Path, parents: Sequence[str]) -> str:
    """A commit that holds exactly the files of `tree`, with these parents."""
    time = _git(repository, "show", "--no-patch", "--format=%cI", "HEAD")
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", IDENTITY["name"]), ("EMAIL", IDENTITY["email"]), ("DATE", time))
    }
    with tempfile.TemporaryDirectory() as folder:
        # A separate index, so that the checkout and what is staged in it stay as they are.
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index"), **who}
        _git(repository, f"--work-tree={tree.resolve()}", "add", "--all", "--force", ".", env=env, cwd=tree)
        written = _git(repository, "write-tree", env=env)
    descent = [word for parent in parents for word in ("-p", parent)]
    return _git(repository, "commit-tree", written, *descent, "-m", f"Release {version.text}", env=who)


def _git(repository: Path, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    git_dir = ("--git-dir", str(_git_dir(repository)))
    done = subprocess.run(
        ["git", *git_dir, *arguments],
        cwd=cwd or repository,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GitError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _git_dir(repository: Path) -> Path:
    found = subprocess.run(
        ["git", "rev-parse", "--absolute-git-dir"], cwd=repository, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise GitError(found.stderr.strip())
    return Path(found.stdout.strip())


if __name__ == "__main__":
    main()
