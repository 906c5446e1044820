"""Commits the tree of a release and tags the commit. No branch is moved.

The commit's first parent is the source's commit. The others are the releases before it: a moving tag must move to a
descendant only, or GitHub rejects the runs of users whose lockfile recorded the tag and its old commit.
The commit has the source commit's time, so that the same source, digest, version and earlier releases give the same
commit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
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
    if remote:
        # Where they differ, the remote's tags are the released ones.
        _git(repository, "fetch", "--quiet", "--no-tags", remote, "+refs/tags/v*:refs/tags/v*")
    tags = _git(repository, "tag", "--list", "v*").split()
    if version.tag in tags:
        raise ValueError(f"{version.tag} is released already; a tag that users have pinned is not moved")
    moving = moves(version, tags)
    earlier = [tag for tag, other in _versions(tags) if other.order < version.order]
    if moving and version.moving_tag in tags:
        earlier.append(version.moving_tag)  # a release's, unless somebody set it by hand
    commit = committed(repository, version, tree, earlier)
    _git(repository, "tag", version.tag, commit)
    pushed = [f"refs/tags/{version.tag}"]
    if moving:
        _git(repository, "tag", "--force", version.moving_tag, commit)
        pushed.append(f"+refs/tags/{version.moving_tag}")
    if remote:
        _git(repository, "push", "--quiet", "--atomic", remote, *pushed)
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
        raise ValueError(f"hf_oidc/version.py in {ZIPAPP} says {found}, not {version.text}: make the tree anew")


def _versions(tags: list[str]) -> list[tuple[str, Version]]:
    """The tags that name a version, each with it."""
    found = []
    for tag in tags:
        try:
            found.append((tag, Version.parse(tag.removeprefix("v"))))
        except ValueError:
            continue
    return found


def moves(version: Version, tags: list[str]) -> bool:
    """Whether the moving tag is to name `version`: not a pre-release, nor a fix of an older line of releases."""
    of_this_major = [
        other.order for _, other in _versions(tags) if other.final and other.moving_tag == version.moving_tag
    ]
    return version.final and all(version.order > order for order in of_this_major)


def committed(repository: Path, version: Version, tree: Path, earlier: list[str]) -> str:
    """A commit that holds exactly the files of `tree`, on top of the checked-out commit and of `earlier` releases."""
    source = _git(repository, "rev-parse", "HEAD")
    # Those that descend from each other come down to the last one.
    parents = _git(repository, "merge-base", "--independent", source, *earlier).split()
    parents = [source, *(parent for parent in parents if parent != source)]
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
