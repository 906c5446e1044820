"""A training that lasts longer than its token, on a real workflow engine: the example, as it is written.

The composite door is there, with `hf-oidc` on the PATH of later steps, and the real huggingface_hub reads the file.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients import Clients, good
from tests.e2e.runner import Event, Runner
from tests.e2e.story import EXAMPLES, MODEL, REPOSITORY, REQUEST_TOKEN, configure, publishers
from tests.local_hub_process import LocalHub, local_hub

NAME = "train-for-hours.yml"
LIFETIME = 8
BY_HAND = Event("workflow_dispatch")
# Publishes a checkpoint now and then, for several lifetimes of a token. A busy machine needs seconds for one upload.
TRAINING = f"""
import os, sys, time
from huggingface_hub import HfApi
assert "HF_TOKEN" not in os.environ
for step in range(10):
    HfApi().upload_file(path_or_fileobj=b"%d" % step, path_in_repo="checkpoint", repo_id=sys.argv[2])
    print("published checkpoint", step, flush=True)
    time.sleep({LIFETIME / 4})
"""


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub with tokens of eight seconds, which trusts as the example's header says."""
    with local_hub("--token-lifetime", str(LIFETIME)) as running:
        for publisher in publishers((EXAMPLES / NAME).read_text()):
            configure(running, publisher)
        yield running


def test_the_example_trains_for_longer_than_a_token_lives(
    real_runner: Runner, dist_tree: Path, hub: LocalHub, tmp_path: Path
) -> None:
    """Each checkpoint is published, and no token is in the log or left on the machine."""
    ref = "refs/heads/main"
    env = hub.job(repository=REPOSITORY, ref=ref, workflow_ref=f"{REPOSITORY}/.github/workflows/{NAME}@{ref}")
    env |= {"HF_ENDPOINT": hub.hub}
    there = replace(real_runner, action=dist_tree)
    run = there.run(tmp_path, (EXAMPLES / NAME).read_text(), env, {"train.py": TRAINING}, name=NAME, event=BY_HAND)
    assert run.exit_code == 0, run.log[-3000:]
    assert run.log.count("published checkpoint") == 10
    granted = [entry for entry in hub.get("/local-hub/exchanges") if entry["outcome"] == "granted"]
    assert len(granted) >= 4  # the step's own, and the command's
    clients = Clients(hub, tmp_path)
    good(clients.git("clone", "--quiet", f"{hub.hub}/{MODEL}", "clone"))
    assert (tmp_path / "clone" / "checkpoint").read_text() == "9"
    told = re.sub(r"::add-mask::.*", "", run.log)
    assert not re.search(r"hf_jwt_[\w-]{40}", told), json.dumps(told[-2000:])
    assert env[REQUEST_TOKEN] not in told
