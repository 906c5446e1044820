"""GitHub's examples with the real libraries that they publish with, on act: datasets, @huggingface/hub, the hf command.

huggingface/hub-sync itself cannot run here, because it first fetches uv. A stand-in with its inputs runs the same two
commands, and a test holds the example against these inputs.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.clients import Clients, good
from tests.e2e.engines import ROOT, built_image
from tests.e2e.runner import STAND_INS, Runner, WorkflowRun
from tests.e2e.story import EXAMPLES, REQUEST_TOKEN, job_identity, trust
from tests.e2e.test_act import assert_nothing_leaked, outcomes
from tests.e2e.test_github_examples import STORIES, job, text
from tests.local_hub_process import LocalHub, local_hub

SPACE_FILES = {"space/app.py": "print('new')\n", "space/README.md": "---\nsdk: gradio\n---\n"}
FILES = {
    "hub-sync.yml": SPACE_FILES,
    "push-dataset.yml": {"push_dataset.py": (EXAMPLES / "push_dataset.py").read_text()},
    "publish-with-javascript.yml": {"publish.mjs": (EXAMPLES / "publish.mjs").read_text()},
}
PUBLISHED = {
    "hub-sync.yml": {"README.md", "app.py"},
    "push-dataset.yml": {"README.md", "data"},
    "publish-with-javascript.yml": {"weights"},
}


@pytest.fixture(scope="module")
def with_libraries(runner: Runner) -> Runner:
    """The engine, with jobs that have the libraries."""
    return Runner(runner.act, built_image("job-libraries", ROOT / "tests/e2e/job-image-libraries"), runner.action)


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts nobody yet."""
    with local_hub() as running:
        yield running


def run(runner: Runner, hub: LocalHub, name: str, folder: Path) -> WorkflowRun:
    """Run the example; whatever it says, no token may be in its log."""
    env = job_identity(hub, job(name))
    done = runner.run(folder, text(name), env, FILES[name], name=name)
    assert_nothing_leaked(done, env[REQUEST_TOKEN])
    assert "hf_jwt_" not in done.log
    return done


@pytest.mark.parametrize("name", FILES)
def test_it_publishes_as_it_is_written(name: str, with_libraries: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """One login, whose token is all that the library needs; and the repository has the files."""
    trust(hub, text(name))
    (resource,) = STORIES[name].granted
    done = run(with_libraries, hub, name, tmp_path)
    assert done.exit_code == 0, done.log[-3000:]
    assert outcomes(hub) == ["granted"]
    good(Clients(hub, tmp_path).git("clone", "--quiet", f"{hub.hub}/{resource}", "clone"))
    names = {path.name for path in (tmp_path / "clone").iterdir()} - {".git", ".gitattributes"}
    assert names == PUBLISHED[name]


def test_hub_sync_is_given_what_it_takes() -> None:
    """All of its required inputs, and none that it does not have."""
    inputs = yaml.safe_load((STAND_INS / "hub-sync/action.yml").read_text())["inputs"]
    (step,) = [
        step
        for step in yaml.safe_load(text("hub-sync.yml"))["jobs"]["sync"]["steps"]
        if step.get("uses", "").startswith("huggingface/hub-sync@")
    ]
    assert {name for name, spec in inputs.items() if spec.get("required")} <= set(step["with"]) <= set(inputs)
    assert step["with"]["hf_token"] == "${{ steps.hf.outputs.token }}"
