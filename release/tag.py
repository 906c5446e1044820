"""Commits the tree of a release and tags the commit. No branch is moved: the commit's parent is the source's.

The commit has the source commit's time, so that the same source, digest and version give the same commit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from release.version import Version

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
    tags = _git(repository, "tag", "--list", "v*").split()
    if remote:
        listed = _git(repository, "ls-remote", "--tags", "--refs", remote, "v*").split()
        tags += [name.removeprefix("refs/tags/") for name in listed[1::2]]
    if version.tag in tags:
        raise ValueError(f"{version.tag} is released already; a tag that users have pinned is not moved")
    commit = committed(repository, version, tree)
    _git(repository, "tag", version.tag, commit)
    pushed = [f"refs/tags/{version.tag}"]
    if moves(version, tags):
        _git(repository, "tag", "--force", version.moving_tag, commit)
        pushed.append(f"+refs/tags/{version.moving_tag}")
    if remote:
        _git(repository, "push", "--quiet", "--atomic", remote, *pushed)
    return commit


def moves(version: Version, tags: list[str]) -> bool:
    """Whether the moving tag is to name `version`: not a pre-release, nor a fix of an older line of releases."""
    released = []
    for tag in tags:
        try:
            released.append(Version.parse(tag.removeprefix("v")))
        except ValueError:
            continue
    of_this_major = [other.order for other in released if other.final and other.moving_tag == version.moving_tag]
    return version.final and all(version.order > order for order in of_this_major)


def committed(repository: Path, version: Version, tree: Path) -> str:
    """A commit that holds exactly the files of `tree`, on top of the checked-out commit."""
    time = _git(repository, "show", "--no-patch", "--format=%cI", "HEAD")
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", IDENTITY["name"]), ("EMAIL", IDENTITY["email"]), ("DATE", time))
    }
    with tempfile.TemporaryDirectory() as folder:
        # An index of its own: neither the checkout nor what is staged in it is touched.
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index"), **who}
        _git(repository, f"--work-tree={tree.resolve()}", "add", "--all", "--force", ".", env=env, cwd=tree)
        written = _git(repository, "write-tree", env=env)
    return _git(repository, "commit-tree", written, "-p", "HEAD", "-m", f"Release {version.text}", env=who)


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
