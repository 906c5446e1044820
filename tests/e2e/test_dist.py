"""The tree of a release: made twice, and its container action on a real workflow engine."""

import filecmp
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from release import dist
from tests.e2e.engines import ROOT
from tests.e2e.runner import Runner
from tests.e2e.story import EXAMPLE, MODEL, REQUEST_TOKEN, job_identity, recorded_minting
from tests.e2e.test_act import assert_nothing_leaked, outcomes, uses
from tests.local_hub_process import LocalHub

DIGEST = "sha256:" + "0123456789abcdef" * 4
FILES = [
    "LICENSE",
    "README.md",
    "action.yml",
    "native/action.yml",
    "native/find_python.py",
    "native/hf-oidc.pyz",
    "native/launch.py",
]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two trees of the same release, the second in place of something else."""
    trees = [tmp_path_factory.mktemp("twice") / name for name in ("first", "second")]
    trees[1].mkdir()
    (trees[1] / "left-over").touch()
    for tree in trees:
        dist.make(tree, dist.IMAGE, DIGEST)
    return trees


def test_it_holds_what_a_user_needs(twice: list[Path]) -> None:
    """And nothing else, whatever was in the folder before."""
    for tree in twice:
        assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()) == FILES


def test_it_is_the_same_each_time(twice: list[Path]) -> None:
    """Byte for byte."""
    assert filecmp.cmpfiles(twice[0], twice[1], FILES, shallow=False) == (FILES, [], [])


def test_its_native_action_is_that_of_a_checkout(twice: list[Path]) -> None:
    """What test_native shows of a release holds after `make pyz`, too, which builds the same zipapp."""
    names = ["action.yml", "find_python.py", "launch.py"]
    assert filecmp.cmpfiles(ROOT / "native", twice[0] / "native", names, shallow=False) == (names, [], [])


def test_its_action_names_the_image(twice: list[Path]) -> None:
    """By digest, with the entry point that runners in Kubernetes mode need."""
    runs = yaml.safe_load((twice[0] / "action.yml").read_text())["runs"]
    assert runs["image"] == f"docker://{dist.IMAGE}@{DIGEST}"
    assert runs["entrypoint"]


def test_its_readme_leads_somewhere(twice: list[Path]) -> None:
    """Every link is absolute, to a place in the page, or to a file of the tree."""
    links = re.findall(r"\]\((?!https://|#)([^)]+)\)", (twice[0] / "README.md").read_text())
    assert all((twice[0] / link).is_file() for link in links)


def test_its_zipapp_can_be_started(twice: list[Path]) -> None:
    """It is executable, as git will keep it."""
    assert os.access(twice[0] / "native/hf-oidc.pyz", os.X_OK)


def test_the_example_publishes(runner: Runner, dist_tree: Path, hub: LocalHub, tmp_path: Path) -> None:
    """`image: docker://…`: nothing is built, and the example works as it is written."""
    job = job_identity(hub)
    with recorded_minting(job) as (env, minted):
        run = replace(runner, action=dist_tree).run(tmp_path, EXAMPLE, env)
    assert run.exit_code == 0, run.log
    assert "docker build" not in run.log
    assert outcomes(hub) == ["granted"]
    assert uses(hub) == [(MODEL, True), (MODEL, True)]
    assert len(minted) == 1
    assert_nothing_leaked(run, *minted, job[REQUEST_TOKEN])
