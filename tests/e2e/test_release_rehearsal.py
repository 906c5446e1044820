"""Three releases, made with the commands of release.yml and releasing.md in repositories of this machine.

Images are not built, signed or pushed here, and GitHub is not asked: a `gh` of these tests records its arguments.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from release import dist
from tests.e2e.engines import ROOT, commit, export

VERSIONS = ("1.0.0", "1.0.1", "1.1.0")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
DOCUMENT = (ROOT / "docs/development/releasing.md").read_text(encoding="utf-8")
ORIGIN, LISTED = "https://github.com/org/hf-oidc-action", "https://github.com/org/hf-oidc"
COLORS = {"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}


class Rehearsal(NamedTuple):
    """What the releases left: the repository, the one that the Marketplace lists, and where `v1` was after each."""

    origin: Path
    listed: Path
    moving: list[str]
    called: list[str]


def git(repository: Path, *arguments: str) -> str:
    """What git prints."""
    return subprocess.run(
        ["git", *arguments], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()


def is_ancestor(repository: Path, old: str, new: str) -> bool:
    """What GitHub asks of a locked commit and the tag that was locked: whether one can be reached from the other."""
    command = ["git", "merge-base", "--is-ancestor", old, new]
    done = subprocess.run(command, cwd=repository, check=False, capture_output=True, text=True)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0


def steps(job: str, *names: str) -> str:
    """The shell of these steps of release.yml, without the line that reads the image from Docker."""
    runs: dict[str, str] = {step["name"]: step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step}
    return "\n".join(line for name in names for line in runs[name].splitlines() if not line.startswith("docker "))


def list_commands() -> str:
    """The commands of releasing.md that bring a release to the listed repository."""
    found = re.search(r"^```\n(VERSION=1\.2\.3\n.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found
    return found[1].partition("\n")[2]


def set_version(source: Path, text: str) -> None:
    """Make the source one of this version, as a maintainer would, and push it."""
    code, changes = source / "src/hf_oidc/version.py", source / "CHANGELOG.md"
    code.write_text(re.sub('^VERSION = ".*"$', f'VERSION = "{text}"', code.read_text(), flags=re.MULTILINE))
    section = f"## [Unreleased]\n\n## [{text}] - 2026-11-26\n\n- A change.\n"
    changes.write_text(changes.read_text().replace("## [Unreleased]\n", section, 1))
    commit(source, {})
    git(source, "push", "--quiet", "origin", "HEAD:main")


def environment(folder: Path, text: str) -> dict[str, str]:
    """What the steps of a release find: a `gh` that notes its arguments, and GitHub's addresses on this machine."""
    gh = folder / "bin/gh"
    gh.parent.mkdir(exist_ok=True)
    gh.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/called"\n')
    gh.chmod(0o755)
    addresses = [(ORIGIN, folder / "origin.git"), (LISTED, folder / "listed.git")]
    moved = {
        **{f"GIT_CONFIG_KEY_{number}": f"url.{path}.insteadOf" for number, (_, path) in enumerate(addresses)},
        **{f"GIT_CONFIG_VALUE_{number}": url for number, (url, _) in enumerate(addresses)},
    }
    return {
        **os.environ,
        **moved,
        "GIT_CONFIG_COUNT": "2",
        "PATH": os.pathsep.join((str(gh.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
        "VERSION": text,
        "GITHUB_REF": "refs/heads/main",
        "IMAGE": dist.IMAGE,
        "DIGEST": "sha256:" + "0123456789abcdef" * 4,
        "PYTHONS": sys.executable,
        "FILES": str(folder / "fetched"),
        "PRERELEASE": "false",
    }


def rehearse(folder: Path, source: Path, text: str) -> None:
    """Release one version."""
    set_version(source, text)
    env = environment(folder, text)

    def run(script: str, cwd: Path) -> None:
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    # Each job has a new checkout, without the tags of earlier releases.
    for job in ("check", "files", "tag"):
        shutil.rmtree(folder / job, ignore_errors=True)
        git(folder, "clone", "--quiet", "--no-tags", "origin.git", job)
    run(
        steps("check", *(step["name"] for step in WORKFLOW["jobs"]["check"]["steps"] if "run" in step)),
        folder / "check",
    )
    run(steps("files", "Make the tree, the release's notes, and the bills of materials"), folder / "files")
    shutil.rmtree(folder / "fetched", ignore_errors=True)
    # An artifact keeps no modes.
    shutil.copytree(folder / "files/release-files", folder / "fetched", copy_function=shutil.copyfile)
    run(steps("tag", "Commit the tree, tag the commit, and push the tags", "Publish the release"), folder / "tag")
    run(list_commands(), source)


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """The releases, one after the other."""
    folder = tmp_path_factory.mktemp("rehearsal")
    for name in ("origin.git", "listed.git"):
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", name)
    source = export(folder / "source")
    commit(source, {})
    git(source, "remote", "add", "origin", str(folder / "origin.git"))
    moving = []
    for text in VERSIONS:
        rehearse(folder, source, text)
        moving.append(git(folder / "origin.git", "rev-parse", "refs/tags/v1"))
    called = (folder / "called").read_text().splitlines()
    return Rehearsal(folder / "origin.git", folder / "listed.git", moving, called)


def test_the_releases_are_a_chain(rehearsal: Rehearsal) -> None:
    """Each is an ancestor of each later one, and none of an earlier one."""
    for old, new in combinations(VERSIONS, 2):
        assert is_ancestor(rehearsal.origin, f"v{old}", f"v{new}")
        assert not is_ancestor(rehearsal.origin, f"v{new}", f"v{old}")


def test_the_moving_tag_followed_the_chain(rehearsal: Rehearsal) -> None:
    """After each release it was at that release, and each move was to a descendant."""
    assert rehearsal.moving == [git(rehearsal.origin, "rev-parse", f"v{text}") for text in VERSIONS]
    assert all(is_ancestor(rehearsal.origin, old, new) for old, new in combinations(rehearsal.moving, 2))


def test_the_first_parent_is_the_source(rehearsal: Rehearsal) -> None:
    """The second is the release before; the first release has none."""
    sources = git(rehearsal.origin, "rev-list", "--reverse", "main").split()[1:]
    parents = [git(rehearsal.origin, "rev-parse", f"{release}^@").split() for release in rehearsal.moving]
    before = [[], *([release] for release in rehearsal.moving[:-1])]
    assert parents == [[source, *release] for source, release in zip(sources, before, strict=True)]


def test_a_locked_commit_stays_valid(rehearsal: Rehearsal) -> None:
    """The commit that `v1` had after each release can be reached from where `v1` is now."""
    assert all(is_ancestor(rehearsal.origin, locked, "refs/tags/v1") for locked in rehearsal.moving)


def test_the_lock_rule_can_fail(rehearsal: Rehearsal) -> None:
    """A release without its second parent would make the locks of all earlier releases invalid."""
    source = git(rehearsal.origin, "rev-parse", f"{rehearsal.moving[-1]}^1")
    who = ("-c", "user.name=octocat", "-c", "user.email=octocat@example.invalid")
    alone = git(rehearsal.origin, *who, "commit-tree", f"{rehearsal.moving[-1]}^{{tree}}", "-p", source, "-m", "Alone")
    assert not any(is_ancestor(rehearsal.origin, locked, alone) for locked in rehearsal.moving)


def test_each_tag_has_its_own_version(rehearsal: Rehearsal) -> None:
    """It is in the zipapp, which is executable, and in the release that `gh` makes, with its files."""
    for text in VERSIONS:
        assert git(rehearsal.origin, "ls-tree", f"v{text}", "native/hf-oidc.pyz").startswith("100755 blob ")
        show = ["git", "show", f"v{text}:native/hf-oidc.pyz"]
        pyz = subprocess.run(show, cwd=rehearsal.origin, check=True, capture_output=True).stdout
        code = zipfile.ZipFile(io.BytesIO(pyz)).read("hf_oidc/version.py").decode()
        assert f'VERSION = "{text}"' in code
    created = [line for line in rehearsal.called if line.startswith("release create ")]
    assert [line.split()[2] for line in created] == [f"v{text}" for text in VERSIONS]
    assert all(line.endswith("hf-oidc.pyz.cdx.json") and "hf-oidc.pyz " in line for line in created)


def test_no_release_is_made_for_the_moving_tag(rehearsal: Rehearsal) -> None:
    """An immutable release would fix its tag for good."""
    assert not [line for line in rehearsal.called if re.search(r"\bv\d+(?![\d.])", line)]


def test_the_listed_repository_has_the_same_commits(rehearsal: Rehearsal) -> None:
    """Its tags are the same, and its main branch is the newest release."""
    tags = git(rehearsal.origin, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    assert git(rehearsal.listed, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags") == tags
    assert git(rehearsal.listed, "rev-parse", "main") == rehearsal.moving[-1]


def test_the_listed_branch_does_not_go_back(rehearsal: Rehearsal) -> None:
    """The same commands for an older version are rejected, and move nothing."""
    before = git(rehearsal.listed, "for-each-ref")
    source = rehearsal.origin.parent / "source"
    command = ["bash", "-e", "-c", list_commands()]
    env = environment(rehearsal.origin.parent, VERSIONS[0])
    done = subprocess.run(command, cwd=source, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "non-fast-forward" in done.stderr
    assert git(rehearsal.listed, "for-each-ref") == before


def files_of_main(repository: Path) -> list[str]:
    """What the Marketplace sees of a repository."""
    return git(repository, "ls-tree", "-r", "--name-only", "main").splitlines()


def test_the_listed_repository_has_no_workflow_files(rehearsal: Rehearsal) -> None:
    """Unlike the repository of the sources. It has a README, and one action file in the root folder."""
    files = files_of_main(rehearsal.listed)
    workflows = re.compile(r"\.github/workflows/.*")
    assert not any(map(workflows.match, files))
    assert any(map(workflows.match, files_of_main(rehearsal.origin)))
    assert [name for name in files if re.fullmatch(r"action\.ya?ml", name, re.IGNORECASE)] == ["action.yml"]
    assert "README.md" in files


def test_the_listed_action_has_what_the_marketplace_shows(rehearsal: Rehearsal) -> None:
    """A short description, an icon and a color; a name with a blank, which no user or organization can have."""
    action: dict[str, Any] = yaml.safe_load(git(rehearsal.listed, "show", "main:action.yml"))
    assert 0 < len(action["description"]) < 125
    assert action["branding"]["color"] in COLORS
    assert re.fullmatch(r"[a-z-]+", action["branding"]["icon"])
    assert " " in action["name"]
