"""The examples with `hf-oidc agent`, as they are written, for several lifetimes of a token.

GitLab's runs on its engine. act knows no background steps: of GitHub's example, the scripts of the steps run here, one
after the other, and those in the background beside them, as GitHub describes it. The pod is two containers that share a
volume in memory. huggingface_hub, hf and git are the real ones.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action_process import MASK_LINE, scrubbed
from tests.e2e.engines import ROOT, built_image, commit, docker, docker_client, require_docker, require_gitlab_ci_local
from tests.e2e.example import assert_valid, claims
from tests.e2e.story import EXAMPLES, MODEL, REPOSITORY, configure, publishers
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

LIFETIME = 8
GITHUB, GITLAB, POD = (
    EXAMPLES / "long-job-agent.yml",
    ROOT / "examples/gitlab/long-job.gitlab-ci.yml",
    ROOT / "examples/kubernetes/job-with-agent.yaml",
)
# Publishes a checkpoint now and then, for three lifetimes of a token. A busy machine needs seconds for one upload.
TRAINING = f"""
import os, sys, time
from huggingface_hub import HfApi
assert not {{"HF_TOKEN", "HF_OIDC_RESOURCE"}} & set(os.environ)
for step in range(9):
    HfApi().upload_file(path_or_fileobj=b"%d" % step, path_in_repo="checkpoint", repo_id=sys.argv[2])
    print("published checkpoint", step, flush=True)
    time.sleep({LIFETIME / 3})
open("results.json", "w").write("[]")
"""
EVALUATION = 'open("results.json", "w").write("[]")'


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub with tokens of eight seconds."""
    with local_hub("--token-lifetime", str(LIFETIME)) as running:
        yield running


@pytest.fixture
def world(commands: Path, tmp_path: Path, hub: LocalHub) -> dict[str, str]:
    """What a job finds installed: the real hf, and huggingface.co as a name for Local Hub in git."""
    (commands / "hf").write_text(f'#!/bin/sh\nexec {shlex.quote(str(Path(sys.executable).with_name("hf")))} "$@"\n')
    (tmp_path / ".gitconfig").write_text(f'[url "{hub.hub}/"]\n\tinsteadOf = https://huggingface.co/\n')
    env = scrubbed() | {"HOME": str(tmp_path), "HF_ENDPOINT": hub.hub, "GIT_TERMINAL_PROMPT": "0"}
    return env | {"PATH": f"{commands}:{env['PATH']}", "HF_HUB_DISABLE_TELEMETRY": "1"}


def content(hub: LocalHub, tmp_path: Path, name: str) -> str:
    """What the model's repository has under this name."""
    clone = tmp_path / "published"
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", f"{hub.hub}/{MODEL}", str(clone)], check=True)
    return (clone / name).read_text()


def assert_renewed(hub: LocalHub, log: str, logins: int = 3) -> None:
    """Several tokens were granted, all checkpoints are there, and the log shows no token."""
    granted = [each for each in hub.get("/local-hub/exchanges") if each["outcome"] == "granted"]
    assert len(granted) >= logins
    assert log.count("published checkpoint") == 9
    assert not re.search(r"hf_jwt_[\w-]{40}", log)


def test_each_example_begins_with_the_publisher_of_its_neighbour() -> None:
    """The same job, so the same publisher. GitHub's has the name of the workflow file."""
    assert claims(GITLAB.read_text()) == claims((ROOT / "examples/gitlab/.gitlab-ci.yml").read_text())
    assert claims(POD.read_text()) == claims((ROOT / "examples/kubernetes/job.yaml").read_text())
    (publisher,) = publishers(GITHUB.read_text())
    assert (publisher.resource, publisher.claims["workflow"]) == (MODEL, GITHUB.name)


def test_gitlabs_is_right_by_its_schema() -> None:
    """check-jsonschema has GitLab's."""
    assert_valid("gitlab-ci", GITLAB)


@contextmanager
def in_background(script: str, env: Mapping[str, str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A step in the background. GitHub's runner reads what it prints, line by line, from a pipe."""
    with log.open("wb") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as runner:
        with subprocess.Popen(["bash", "-e", script], env=env, cwd=folder, stderr=runner.stdin) as step:
            try:
                yield step
            finally:
                step.kill()
        assert runner.stdin is not None
        runner.stdin.close()


def test_github_runs_three_steps_with_one_agent(hub: LocalHub, world: dict[str, str], tmp_path: Path) -> None:
    """A step trains for several lifetimes, one uploads, one pushes with git; then `cancel:` removes the files."""
    (publisher,) = publishers(GITHUB.read_text())
    configure(hub, publisher)
    (job,) = yaml.safe_load(GITHUB.read_text())["jobs"].values()
    steps: list[dict[str, Any]] = [each for each in job["steps"] if "uses" not in each]
    checkout, temporary = tmp_path / "checkout", tmp_path / "temp"
    commit(checkout, {"train.py": TRAINING, "evaluate.py": EVALUATION, "README.md": "# A model\n"})
    temporary.mkdir()
    ref = "refs/heads/main"
    env = world | hub.job(
        repository=REPOSITORY, ref=ref, workflow_ref=f"{REPOSITORY}/.github/workflows/{GITHUB.name}@{ref}"
    )
    env |= {"RUNNER_TEMP": str(temporary), "HF_ENDPOINT": hub.hub}
    scripts = {step["name"]: tmp_path / f"step-{number}" for number, step in enumerate(steps)}
    for step in steps:
        scripts[step["name"]].write_text(step.get("run", ""))
    (background,) = (step for step in steps if step.get("background"))
    log, said = tmp_path / "log", ""
    with in_background(str(scripts[background["name"]]), env, checkout, log) as agent:
        for step in steps:
            if "cancel" in step:
                assert (step["if"], step["cancel"]) == ("always()", background["id"])
                agent.send_signal(signal.SIGINT)  # to the step's process alone
                assert agent.wait(7.5) == 0
            elif step is not background:
                command = ["bash", "-e", str(scripts[step["name"]])]
                done = subprocess.run(command, env=env, cwd=checkout, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr + log.read_text()
                said += done.stdout + done.stderr
    assert_renewed(hub, said + MASK_LINE.sub(b"", log.read_bytes()).decode())
    assert [path.name for path in temporary.iterdir()] == ["model"]
    assert [content(hub, tmp_path, name) for name in ("checkpoint", "results.json")] == ["8", "[]"]
    assert content(hub, tmp_path, "README.md") == "# A model\n"


def test_gitlab_runs_an_agent_beside_its_script(hub: LocalHub, world: dict[str, str], tmp_path: Path) -> None:
    """Its engine runs the job. The agent ends with the script, and leaves nothing."""
    program = require_gitlab_ci_local()
    text = GITLAB.read_text()
    wanted = {name: {"kind": "eq", "value": value} for name, value in claims(text).items()}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": f"{hub.hub}/oidc/gitlab", "claims": wanted})
    checkout = tmp_path / "checkout"
    commit(checkout, {".gitlab-ci.yml": text, "train.py": TRAINING})
    job = hub.job(ci="gitlab")
    variables = {"GITLAB_CI": "true", "HF_ID_TOKEN": job["HF_ID_TOKEN"], "HF_ENDPOINT": hub.hub}
    (tmp_path / "variables.yml").write_text(json.dumps(variables))
    done = subprocess.run(
        [program, "--force-shell-executor", "--no-color", "--variables-file=../variables.yml"],
        cwd=checkout,
        env=world,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert_renewed(hub, done.stdout)
    assert leaks([job["HF_ID_TOKEN"]], {"log": done.stdout.encode()}) == []
    assert content(hub, tmp_path, "results.json") == "[]"
    (file,) = re.findall(r"export HF_TOKEN_PATH=(/dev/shm/hf-\w+/token)$", done.stdout, re.MULTILINE)
    assert not Path(file).parent.exists()


def test_a_pod_shares_the_token_through_memory(hub: LocalHub, action_image: str, tmp_path: Path) -> None:
    """The sidecar has the image of the action; the other container has neither hf-oidc nor an ID token."""
    require_docker()
    pod = yaml.safe_load(POD.read_text())["spec"]["template"]["spec"]
    (sidecar,), (main,) = pod["initContainers"], pod["containers"]
    assert sidecar["restartPolicy"] == "Always"
    described = hub.post("/local-hub/jobs", {"ci": "kubernetes"})
    (path, id_token), *_ = described["files"].items()
    trust = {"sub": {"kind": "eq", "value": claims(POD.read_text())["sub"]}}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": f"{hub.hub}/oidc/kubernetes", "claims": trust})
    (tmp_path / "token").write_text(id_token)
    (tmp_path / "token").chmod(0o644)
    (tmp_path / "work").mkdir()
    (tmp_path / "work").chmod(0o777)
    (tmp_path / "work/train.py").write_text(TRAINING)
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    names = [f"hf-oidc-e2e-{uuid.uuid4().hex}" for _ in range(3)]
    volume, agent, trainer = names
    common = ["--network=host", f"--user={user}", f"--env=HF_ENDPOINT={hub.hub}"]
    docker("volume", "create", "--opt=type=tmpfs", "--opt=device=tmpfs", "--opt=o=size=1m,mode=1777", volume)
    try:
        folder = sidecar["volumeMounts"][0]["mountPath"]
        started = ["run", "--detach", f"--name={agent}", *common, f"--volume={volume}:{folder}"]
        # What the kubelet mounts there, and how the provider is found.
        identity = [
            f"--volume={tmp_path / 'token'}:{path}:ro",
            *(f"--env={name}={value}" for name, value in described["env"].items()),
        ]
        docker(*started, *identity, action_image, *sidecar["command"], *sidecar["args"])
        probe = sidecar["startupProbe"]["exec"]["command"]
        wait = f"for _ in $(seq 300); do docker exec {agent} {shlex.join(probe)} && exit; sleep 0.1; done; exit 1"
        assert subprocess.run(["sh", "-c", wait], check=False).returncode == 0, docker("logs", agent)
        image = built_image("job-hf", ROOT / "tests/e2e/job-image-hf")
        mounts = [f"--volume={volume}:{folder}:ro", f"--volume={tmp_path / 'work'}:/work", "--workdir=/work"]
        job = ["run", "--rm", f"--name={trainer}", *common, *mounts, "--env=HOME=/tmp", image]
        said = docker(*job, *main["command"], *main["args"])
        assert leaks([id_token], {"log": said.encode()}) == []
        docker("stop", agent)  # SIGTERM to the sidecar, after the other container has ended
        assert docker("inspect", "--format={{.State.ExitCode}}", agent) == "0"
        left = docker("run", "--rm", f"--volume={volume}:{folder}", "--entrypoint=ls", action_image, "-A", folder)
        log = subprocess.run(
            ["docker", "logs", agent], capture_output=True, text=True, check=True, env={**os.environ, **docker_client()}
        )
        assert_renewed(hub, said + log.stdout + log.stderr)
        assert left == ""
    finally:
        docker("rm", "--force", agent)
        docker("volume", "rm", "--force", volume)
    assert content(hub, tmp_path, "checkpoint") == "8"
