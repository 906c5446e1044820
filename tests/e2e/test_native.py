"""The composite door on a real workflow engine: with this machine's own Python, in job containers, and without one."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.engines import ROOT
from tests.e2e.runner import Runner
from tests.e2e.story import EXAMPLE, job_identity, recorded_minting
from tests.e2e.test_act import UPLOAD_STEP, assert_published, outcomes
from tests.local_hub_process import LocalHub

USES = "uses: org/hf-oidc-action@v1"
NATIVE = EXAMPLE.replace(USES, "uses: org/hf-oidc-action/native@v1")
COMMANDS = ROOT / "tests/e2e/job-image"
TRAP = "import posix\nposix.close(posix.open('{mark}', posix.O_CREAT | posix.O_WRONLY))\nraise SystemExit(9)\n"
TRAPS = ("json.py", "runpy.py", "sitecustomize.py", "hf_oidc/__init__.py", "launch.py", "requests/__init__.py")
LOGIN_ONLY = """\
on: push
permissions: {}
jobs:
  publish:
    runs-on: ubuntu-latest
    permissions:
      id-token: write
    steps:
      - uses: actions/checkout@v4
      - id: hf
        name: Log in to the Hugging Face Hub
        uses: org/hf-oidc-action/native@v1
        with:
          resource: acme/awesome-model
"""


@pytest.fixture
def released(runner: Runner, dist_tree: Path) -> Runner:
    """The engine, with the tree of a release as the action."""
    return replace(runner, action=dist_tree)


@pytest.fixture
def on_host(released: Runner) -> Runner:
    """The same, with jobs that run on this machine as on a self-hosted runner without Docker."""
    return replace(released, host=COMMANDS)


@pytest.mark.parametrize("host", [COMMANDS, None], ids=["host", "container"])
def test_the_example_publishes(released: Runner, hub: LocalHub, tmp_path: Path, host: Path | None) -> None:
    """With `native/` in place of the container action, the example's later steps have the same working token."""
    job = job_identity(hub)
    with recorded_minting(job) as (env, minted):
        run = replace(released, host=host).run(tmp_path, NATIVE, env)
    assert_published(run, hub, minted, job)


def test_a_hostile_checkout_is_not_run(on_host: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Neither its modules, nor a python3 in it, nor its place in PYTHONPATH changes the login."""
    mark = tmp_path / "sprung"
    files = {name: TRAP.format(mark=mark) for name in TRAPS} | {"python3": f"#!/bin/sh\ntouch {mark}\n"}
    hostile = LOGIN_ONLY.replace("          resource", "          export-env: false\n          resource")
    hostile = hostile.replace("    steps:", "    env:\n      PYTHONPATH: .\n      PYTHONSTARTUP: json.py\n    steps:")
    run = on_host.run(tmp_path, hostile, job_identity(hub), files)
    assert run.exit_code == 0, run.log
    assert outcomes(hub) == ["granted"]
    assert not mark.exists()


def test_the_traps_work(tmp_path: Path) -> None:
    """Without -I they are sprung: else the test above would show nothing."""
    (tmp_path / "json.py").write_text(TRAP.format(mark=tmp_path / "sprung"))
    assert subprocess.run(["python3", "-c", "import json"], cwd=tmp_path, check=False).returncode == 9
    assert (tmp_path / "sprung").exists()


def test_inputs_outputs_and_the_command(on_host: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Inputs with a hyphen in their name arrive; later steps can use outputs.

    They have `hf-oidc` on their PATH, which gets its arguments as they were given.
    """
    inputs = "\n          ".join(("resource: acme/awesome-model", "export-env: false", f"hub-url: {hub.hub}"))
    workflow = LOGIN_ONLY.replace("resource: acme/awesome-model", inputs) + (
        "      - name: Show\n"
        """        run: echo "[${HF_TOKEN-absent}] [$LOGGED_IN] [$SECONDS_LEFT] [${#OUTPUT}]"\n"""
        "        env:\n"
        "          LOGGED_IN: ${{ steps.hf.outputs.authenticated }}\n"
        "          SECONDS_LEFT: ${{ steps.hf.outputs.expires-in }}\n"
        "          OUTPUT: ${{ steps.hf.outputs.token }}\n"
        "      - name: Ask\n"
        "        run: |\n"
        "          hf-oidc --version\n"
        """          hf-oidc doctor --workflow 'no such "file" $HOME.yml' || echo "exit code $?"\n"""
    )
    env = {name: value for name, value in job_identity(hub).items() if name != "HF_ENDPOINT"}
    run = on_host.run(tmp_path, workflow, env)
    assert run.exit_code == 0, run.log
    assert outcomes(hub) == ["granted"]
    shown = re.search(r"\[absent\] \[true\] \[3600\] \[(\d+)\]", run.log)
    assert shown
    assert int(shown[1]) > 0
    assert "hf-oidc, version" in run.log
    assert """no such "file" $HOME.yml""" in run.log.split("Run Main Ask")[1].split("exit code 2")[0]


def test_a_refusal_is_told(on_host: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """The step fails with the same annotation as the container's, and nothing is said of Python."""
    refused = NATIVE.replace("resource: acme/awesome-model", "resource: acme/another-model")
    run = on_host.run(tmp_path, refused, job_identity(hub))
    assert run.exit_code != 0
    assert "exchange-rejected" in run.log
    assert "no Python" not in run.log
    assert not run.ran(UPLOAD_STEP)


def test_a_runner_without_python_says_so(released: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """What is missing, and the two ways out."""
    run = replace(released, job_image="debian:trixie-slim").run(tmp_path, LOGIN_ONLY, job_identity(hub))
    assert run.exit_code != 0
    assert "No Python 3.10 or newer could be started. Have actions/setup-python" in run.log
    assert outcomes(hub) == []


def test_a_branch_holds_no_zipapp(on_host: Runner, action_checkout: Path, hub: LocalHub, tmp_path: Path) -> None:
    """`@main` is not a release: the step says to use one."""
    run = replace(on_host, action=action_checkout).run(tmp_path, LOGIN_ONLY, job_identity(hub))
    assert run.exit_code != 0
    assert "Use a release of the action" in run.log
