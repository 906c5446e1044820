"""The engines, made ready once for all end-to-end tests; without them these tests are skipped, or fail on demand."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release import dist
from tests.cli_process import CLI
from tests.e2e.engines import ROOT, built_image, export, require_act, require_docker
from tests.e2e.runner import Runner
from tests.e2e.story import trust
from tests.local_hub_process import LocalHub, local_hub


@pytest.fixture(scope="session")
def action_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as a checkout would have it."""
    return export(tmp_path_factory.mktemp("action"))


@pytest.fixture(scope="session")
def action_image(action_checkout: Path) -> str:
    """The action's image, from the Dockerfile as it is; or the one named in ACTION_IMAGE, as `.ci/arm64` does."""
    require_docker()
    if ready := os.environ.get("ACTION_IMAGE"):
        return ready
    return built_image("action", action_checkout)


@pytest.fixture(scope="session")
def runner(action_checkout: Path) -> Runner:
    """The engine for workflows."""
    require_docker()
    act = require_act()
    return Runner(act, built_image("job", ROOT / "tests/e2e/job-image"), action_checkout)


@pytest.fixture(scope="session")
def real_runner(runner: Runner) -> Runner:
    """The engine, with jobs that have the real hf command, git and git-lfs."""
    image = built_image("job-hf", ROOT / "tests/e2e/job-image-hf")
    return Runner(runner.act, image, runner.action)


@pytest.fixture(scope="session")
def dist_tree(tmp_path_factory: pytest.TempPathFactory, action_image: str) -> Path:
    """The tree of a release, with the image that was built here in place of the one that a registry would hold."""
    tree = tmp_path_factory.mktemp("release") / "dist"
    dist.make(tree, dist.IMAGE, "sha256:" + "0" * 64)
    action = tree / "action.yml"
    # No registry gave this image a digest, and act asks Docker for what is named here.
    action.write_text(action.read_text().replace(f"{dist.IMAGE}@sha256:{'0' * 64}", action_image))
    return tree


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts the example's workflow."""
    with local_hub() as started:
        trust(started)
        yield started


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with `pip` and `hf` as stand-ins, the real `hf-oidc`, and a Python: what an example finds installed."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in ("hf", "pip"):
        shutil.copy(ROOT / "tests/e2e/job-image" / name, folder / name)
    (folder / "hf-oidc").write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n')
    (folder / "hf-oidc").chmod(0o755)
    for name in ("python", "python3"):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder
