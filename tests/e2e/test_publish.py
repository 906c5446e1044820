"""From checkout to a published model: the real action, the real hf command, and git, on a real workflow engine.

In these jobs nothing is a stand-in: pip and hf are PyPI's, and Local Hub holds the repositories.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.clients import Clients, good
from tests.e2e.engines import ROOT, alone, commit, docker_client
from tests.e2e.runner import RUN_SECONDS, Runner, WorkflowRun
from tests.e2e.story import EXAMPLE, MODEL, REQUEST_TOKEN, job_identity
from tests.leaks import leaks
from tests.local_hub_process import LocalHub

# The Hub's own guide, from its login to its upload; and its gated download, with a username.
GUIDE = """
name: Publish
on: push
permissions: {}
jobs:
  publish:
    runs-on: ubuntu-latest
    permissions: {contents: read, id-token: write}
    steps:
      - run: |
          mkdir checkpoint
          echo '{}' > checkpoint/config.json
          head -c 3000000 /dev/urandom > checkpoint/model.bin
      - uses: org/hf-oidc-action@v1
        with:
          resource: acme/awesome-model
      - run: hf upload acme/awesome-model ./checkpoint . --commit-message "Update from $GITHUB_REF_NAME"
"""
GATED = """
name: Read
on: push
permissions: {}
jobs:
  read:
    runs-on: ubuntu-latest
    permissions: {id-token: write}
    steps:
      - uses: org/hf-oidc-action@v1
        with:
          resource: bob
      - run: hf download acme/gated-model --local-dir gated && cat gated/.gitattributes
"""


# What the page calls the image that stands for GitHub's machine.
PUBLIC_IMAGE = "catthehacker/ubuntu:act-latest"


def cloned(hub: LocalHub, folder: Path) -> Clients:
    """A stranger's clone of the model, in `clone`."""
    clients = Clients(hub, folder)
    good(clients.git("clone", "--quiet", f"{hub.hub}/{MODEL}", "clone", GIT_LFS_SKIP_SMUDGE="1"))
    return clients


def assert_nothing_leaked(run: WorkflowRun, hub: LocalHub, env: Mapping[str, str]) -> None:
    """Neither the request token, nor any token of the Hub's, nor any ID token is in the log."""
    assert "hf_jwt_" not in run.log
    assert "hf_oauth_" not in run.log
    assert not leaks({env[REQUEST_TOKEN]}, {"the log": run.log.encode()})
    assert hub.get("/local-hub/exchanges")[0]["outcome"] == "granted"


def test_the_example_publishes_a_model(real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """As it is written: the model is in a clone, by [OIDC], at the commit that the workflow names."""
    env = job_identity(hub)
    run = real_runner.run(tmp_path, EXAMPLE, env)
    assert run.exit_code == 0, run.log
    clients = cloned(hub, tmp_path)
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path / "checkout", capture_output=True, text=True, check=True
    ).stdout.strip()
    author = good(clients.git("-C", "clone", "log", "-1", "--format=%an|%s"))
    assert author == f"[OIDC]|Trained at {sha}\n"
    assert (tmp_path / "clone/weights").read_text() == "42"
    assert_nothing_leaked(run, hub, env)


def published(temporary: Path) -> bytes:
    """The large file, from the Local Hub that the page has started."""
    (ready,) = temporary.glob("*/ready.json")
    url = f"{json.loads(ready.read_text())['hub']}/{MODEL}/resolve/main/model.bin"
    return httpx.get(url, trust_env=False, follow_redirects=True).raise_for_status().content


def test_the_page_leads_to_a_published_model(real_runner: Runner, tmp_path: Path) -> None:
    """docs/local-hub.md, "Your own workflow on your laptop": its commands, as a new user has act, and asked by nobody.

    The workflow is the Hub's guide: the action, then `hf upload … ./checkpoint . --commit-message …`. The large file is
    a pointer in git. The image alone is another one, because no registry can be asked for the page's here; and act is
    told not to look for it.
    """
    document = (ROOT / "docs/local-hub.md").read_text(encoding="utf-8")
    section = document.split("## Your own workflow on your laptop")[1]
    commands = section.split("```sh\n")[1].split("```")[0]
    assert PUBLIC_IMAGE in commands
    checkout, home, temporary = tmp_path / "checkout", tmp_path / "home", tmp_path / "temporary"
    for folder in (checkout, home, temporary):
        folder.mkdir()
    commit(checkout, {".github/workflows/publish.yml": GUIDE})
    (checkout / "hub.yaml").write_text(document.split("```yaml\n")[1].split("```")[0])
    (home / ".actrc").write_text("--pull=false\n")
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "ACTION": str(real_runner.action),
        "GIT_LFS_SKIP_SMUDGE": "1",  # whatever the git of this machine is configured to do
        **docker_client(),
    }
    # A process group of its own, so that the Local Hub that the page leaves running ends with the test.
    with alone("act"):
        shell = subprocess.Popen(
            ["sh", "-e", "-c", commands.replace(PUBLIC_IMAGE, real_runner.job_image)],
            cwd=checkout,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            status = shell.wait(RUN_SECONDS)
            large = published(temporary) if status == 0 else b""
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            said, _ = shell.communicate(timeout=240)
    assert status == 0, said
    assert len(large) == 3_000_000
    (clone,) = temporary.glob("*/model")
    assert (clone / "config.json").read_text() == "{}\n"
    assert (clone / "model.bin").read_text().endswith("\nsize 3000000\n")
    written = ["git", "log", "-1", "--format=%an|%s|%(trailers:key=OIDC-Issuer,valueonly)"]
    author = subprocess.run(written, cwd=clone, capture_output=True, text=True, check=True).stdout
    ready = json.loads((clone.parent / "ready.json").read_text())
    assert author.strip() == f"[OIDC]|Update from main|{ready['issuer']}"
    assert not leaks({ready["jobs"]["publish"][REQUEST_TOKEN]}, {"the log": said.encode()})
    assert not re.search("hf_(jwt|oauth)_", said)
    left = subprocess.run(["git", "status", "--short"], cwd=checkout, capture_output=True, text=True, check=True)
    assert left.stdout == "?? hub.yaml\n", "a second run would come across what the first has left"


def test_the_hubs_guide_reads_a_gated_model(real_runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """A username as the resource, and `hf download acme/gated-model`."""
    claims = {"repository": {"kind": "eq", "value": "acme/awesome-model-training"}}
    hub.post("/local-hub/publishers", {"resource": "bob", "issuerUrl": hub.issuer, "claims": claims})
    hub.post("/local-hub/resources", {"resource": "acme/gated-model", "gated": True, "readers": ["bob"]})
    env = job_identity(hub)
    run = real_runner.run(tmp_path, GATED, env)
    assert run.exit_code == 0, run.log
    assert "*.safetensors filter=lfs" in run.log
    assert_nothing_leaked(run, hub, env)
