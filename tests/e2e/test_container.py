"""The action's image, started as GitHub's runner starts a container action (its `ContainerActionHandler.cs`)."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from tests.action_process import DEFAULTS, ActionRun, file_commands, run_action
from tests.connect_proxy import connect_proxy
from tests.e2e.engines import ROOT, docker, docker_client
from tests.e2e.story import JOB, MODEL, job_environment
from tests.factories import id_token
from tests.local_hub_process import LocalHub
from tests.scripted_server import Answer, scripted_server

RUNS = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]
COMMAND_FILES = {
    name: f"/github/file_commands/{name.lower()}" for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
}
# A module that leaves a trace of being imported, and goes no further. `posix` is there before any other module.
TRAP = """\
import posix
posix.close(posix.open("/github/workspace/trapped", posix.O_CREAT | posix.O_WRONLY))
raise SystemExit(9)
"""
TRAPS = (
    "json.py",
    "sitecustomize.py",
    "usercustomize.py",
    "requests/__init__.py",
    "hf_oidc/__init__.py",
    "actions_toolkit/__init__.py",
    "encodings/__init__.py",
)
HUB_NAME = "hub.test"
HOSTILE = {"PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/json.py"}


@dataclass(frozen=True)
class Container:
    """How the runner starts the image; a test changes what it is about."""

    image: str
    command_files: Mapping[str, str]
    volumes: Sequence[str] = ()
    options: Sequence[str] = ()

    def run(self, folder: Path, env: Mapping[str, str], inputs: Mapping[str, str] | None = None) -> ActionRun:
        """Log in, and fail on any leak. Values go through the client's environment, not its arguments."""
        inputs = {"resource": MODEL, **(inputs or {})}
        passed = [*env, *(f"INPUT_{name.upper()}" for name in {**DEFAULTS, **inputs})]
        folders = ("workspace:/github/workspace", "home:/github/home", "file_commands:/github/file_commands")
        command = [
            *("docker", "run", "--rm", "--network=host", "--workdir=/github/workspace", "--env=HOME=/github/home"),
            *(f"--env={name}={path}" for name, path in self.command_files.items()),
            *(f"--env={name}" for name in passed),
            *(f"--volume={folder / volume}" for volume in (*folders, *self.volumes)),
            *self.options,
            *(f"--entrypoint={RUNS['entrypoint']}", self.image, *RUNS["args"]),
        ]
        return run_action(folder, {**docker_client(), **env}, inputs, command=command)


@pytest.fixture
def container(action_image: str) -> Container:
    """The image as the runner starts it."""
    return Container(action_image, COMMAND_FILES)


def exchanges(hub: LocalHub) -> list[dict[str, str]]:
    """Local Hub's log of exchanges."""
    found: list[dict[str, str]] = hub.get("/local-hub/exchanges")
    return found


def set_traps(folder: Path) -> None:
    """Lay out the modules that a hostile checkout would like to see imported."""
    for name in TRAPS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TRAP)


def in_image(image: str, program: str, *arguments: str) -> str:
    """Run a program of the image; what it prints."""
    return docker("run", "--rm", f"--entrypoint={program}", image, *arguments)


def test_the_container_logs_in(container: Container, hub: LocalHub, tmp_path: Path) -> None:
    """The token that it hands over by output and by environment is active for the resource."""
    run = container.run(tmp_path, job_environment(hub))
    assert run.exit_code == 0, run.stdout
    token = run.outputs["token"]
    assert run.exported == {"HF_TOKEN": token}
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})
    assert (seen["active"], seen["resource"]) == (True, MODEL)
    assert [exchange["outcome"] for exchange in exchanges(hub)] == ["granted"]
    assert run.stderr == ""


def test_an_id_token_minted_elsewhere_is_exchanged(container: Container, hub: LocalHub, tmp_path: Path) -> None:
    """The `id-token` input, whose name has a hyphen, reaches the process in the container."""
    id_token = hub.id_token(**JOB)
    run = container.run(tmp_path, {"HF_ENDPOINT": hub.hub}, {"id-token": id_token})
    assert run.exit_code == 0, run.stdout
    assert run.masks == [id_token, run.outputs["token"]]


@pytest.mark.parametrize("variables", [HOSTILE, {**HOSTILE, "PYTHONHOME": "/github/workspace"}], ids=["path", "home"])
def test_a_hostile_checkout_changes_nothing(
    container: Container, hub: LocalHub, tmp_path: Path, variables: dict[str, str]
) -> None:
    """No module of the checkout or of the home directory is imported, whatever PYTHON… variables the job sets."""
    set_traps(tmp_path / "workspace")
    for minor in range(10, 20):
        set_traps(tmp_path / f"home/.local/lib/python3.{minor}/site-packages")
    run = container.run(tmp_path, {**job_environment(hub), **variables})
    assert not (tmp_path / "workspace/trapped").exists()
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.outputs["authenticated"] == "true"


def test_the_traps_would_be_sprung(action_image: str, tmp_path: Path) -> None:
    """The same checkout takes over the same interpreter when it is started without -I."""
    set_traps(tmp_path)
    volume = f"--volume={tmp_path}:/github/workspace"
    program = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import json']).returncode)"
    variables = [f"--env={name}={value}" for name, value in HOSTILE.items()]
    code = docker("run", "--rm", volume, *variables, f"--entrypoint={RUNS['entrypoint']}", action_image, "-Ic", program)
    assert code != "0"
    assert (tmp_path / "trapped").exists()


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_ENV"])
@pytest.mark.parametrize(
    "place",
    [
        pytest.param("", id="unset"),
        pytest.param("/github/file_commands/none", id="missing"),
        pytest.param("/github/file_commands", id="directory"),
        pytest.param("/github/read-only", id="read-only"),
    ],
)
def test_nothing_is_exchanged_that_cannot_be_delivered(
    container: Container, hub: LocalHub, tmp_path: Path, variable: str, place: str
) -> None:
    """A command file that takes no token is found out before there is a token."""
    files = {name: path for name, path in {**COMMAND_FILES, variable: place}.items() if path}
    read_only = "file_commands/github_step_summary:/github/read-only:ro"
    run = Container(container.image, files, [read_only]).run(tmp_path, job_environment(hub))
    assert (run.exit_code, run.error_code) == (1, "delivery-failed")
    assert variable in run.stdout
    assert (run.output_file, run.env_file) == ("", "")
    assert exchanges(hub) == []


@pytest.mark.parametrize(
    ("variables", "tunnels"),
    [
        (("HTTPS_PROXY",), [HUB_NAME]),
        (("https_proxy",), [HUB_NAME]),
        (("HTTPS_PROXY", "NO_PROXY"), []),
        (("https_proxy", "no_proxy"), []),
        ((), []),
    ],
    ids="-".join,
)
def test_a_proxy_and_a_private_certificate_authority(
    container: Container, tmp_path: Path, variables: Sequence[str], tunnels: list[str]
) -> None:
    """The exchange goes through the proxy that the job names, over TLS that `ca-bundle` vouches for, or round it."""
    ca = trustme.CA()
    (tmp_path / "workspace").mkdir()
    ca.cert_pem.write_to_path(str(tmp_path / "workspace" / "ca.pem"))
    grant = Answer({"access_token": "hf_jwt_0123456789", "token_type": "bearer", "expires_in": 3600})
    with connect_proxy() as proxy, scripted_server({"/oauth/token": grant}, tls=ca, name=HUB_NAME) as server:
        values = {name: proxy.url if name.lower() == "https_proxy" else HUB_NAME for name in variables}
        inputs = {"hub-url": server.url, "id-token": id_token(server.url), "ca-bundle": "ca.pem"}
        # Without a proxy the name is looked up in the container.
        there = Container(container.image, COMMAND_FILES, options=[f"--add-host={HUB_NAME}:127.0.0.1"])
        run = there.run(tmp_path, values, inputs)
    assert run.exit_code == 0, run.stdout
    assert run.exported == {"HF_TOKEN": "hf_jwt_0123456789"}
    assert proxy.tunnels == tunnels
    assert len(server.requests) == 1


def test_a_refusal_is_told(container: Container, hub: LocalHub, tmp_path: Path) -> None:
    """What Local Hub refuses is an annotation with the request id, and exit code 1."""
    run = container.run(tmp_path, job_environment(hub), {"resource": "acme/another-model"})
    (refused,) = exchanges(hub)
    assert (run.exit_code, run.error_code) == (1, "exchange-rejected")
    assert refused["request_id"] in run.stdout
    assert (run.outputs, run.exported) == ({"authenticated": "false"}, {})


def test_the_image_leaves_the_start_to_who_starts_it(action_image: str) -> None:
    """As root. action.yml names the action's command; another CI's script may not become that one's arguments."""
    config = json.loads(docker("inspect", "--format={{json .Config}}", action_image))
    assert not config.get("Entrypoint")  # Docker leaves out what is empty, or not
    assert config["Cmd"] == ["hf-oidc", "--help"]
    assert config.get("User", "") in ("", "root", "0")
    assert in_image(action_image, "/usr/bin/id", "-u") == "0"


@pytest.mark.parametrize(
    "command",
    [
        ["IMAGE", "hf-oidc", "token", MODEL],
        # GitLab and Bitbucket hand their script to a shell in the image.
        ["IMAGE", "sh", "-c", f"hf-oidc token {MODEL}"],
        ["--entrypoint=sh", "IMAGE", "-c", f"hf-oidc run {MODEL} -- sh -c 'echo $HF_TOKEN'"],
    ],
    ids=["by itself", "in a shell", "run"],
)
def test_the_image_has_the_command(action_image: str, hub: LocalHub, command: list[str]) -> None:
    """`hf-oidc`, as other CIs would call it: its token is alone on standard output, and good for the resource."""
    env = {"HF_ENDPOINT": hub.hub, "HF_OIDC_ID_TOKEN": hub.id_token(**JOB)}
    given = [f"--env={name}" for name in env]
    run = subprocess.run(
        ["docker", "run", "--rm", "--network=host", *given, *(action_image if x == "IMAGE" else x for x in command)],
        env={"PATH": os.environ["PATH"], **docker_client(), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {run.stdout.strip()}"})
    assert (seen["active"], seen["resource"]) == (True, MODEL)


def entry_script(runs: dict[str, Any], env: Mapping[str, str]) -> str:
    """What a runner in Kubernetes mode writes for a step (actions/runner-container-hooks, `writeContainerStepScript`).

    The shell would drop INPUT_HUB-URL and its like: `env` sets them.
    """
    escaped = (re.sub(r'([\\\\"$`])', r"\\\1", f"{name}={value}") for name, value in env.items())
    return f"""#!/bin/sh -l
rm "$0"
mv /__w/_temp/_github_home /github/home && \\
mv /__w/_temp/_github_workflow /github/workflow && \\
mv /__w/_temp/_runner_file_commands /github/file_commands || true && \\
mv /__w/repo/repo/ /github/workspace && \\
cd /github/workspace && \\
exec env {" ".join(f'"{setting}"' for setting in escaped)} {runs["entrypoint"]} {" ".join(runs["args"])}
"""


def test_a_runner_in_kubernetes_mode(dist_tree: Path, hub: LocalHub, tmp_path: Path) -> None:
    """By the released action.yml: the image is started idle, filled, listed, and run by `sh`; all inputs arrive."""
    runs = yaml.safe_load((dist_tree / "action.yml").read_text())["runs"]
    image = runs["image"].removeprefix("docker://")
    work = tmp_path / "work"
    for folder in ("_temp/_github_home", "_temp/_github_workflow", "_temp/_runner_file_commands", "repo/repo"):
        (work / folder).mkdir(parents=True)
    for name in COMMAND_FILES:
        (work / "_temp/_runner_file_commands" / name.lower()).touch()
    id_token = hub.id_token(**JOB)
    inputs = {
        **DEFAULTS,
        "resource": MODEL,
        "id-token": id_token,
        "hub-url": f"{hub.hub}/",
        "ca-bundle": "",
        "timeout": "30",
    }
    env = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
    quoted = {"ODD": 'a "quoted" $HOME `id` \\ value\nof two lines'}
    (work / "_temp/step.sh").write_text(entry_script(runs, {**COMMAND_FILES, **quoted, **env}))
    volumes = ("--volume=/__w", "--volume=/github")
    name = docker(
        "run", "--detach", "--network=host", *volumes, "--workdir=/__w", "--entrypoint=tail", image, "-f", "/dev/null"
    )
    try:
        subprocess.run(f"tar c -C {work} . | docker exec -i {name} tar xf - -C /__w", shell=True, check=True)
        listed = docker("exec", name, "sh", "-c", r"cd /__w && find . -type f -exec stat -c '%s %n' {} \;")
        assert len(listed.splitlines()) == len(COMMAND_FILES) + 1
        step = subprocess.run(
            ["docker", "exec", name, "sh", "-e", "/__w/_temp/step.sh"], capture_output=True, text=True, check=False
        )
        assert step.returncode == 0, step.stdout + step.stderr
        outputs = file_commands(docker("exec", name, "cat", COMMAND_FILES["GITHUB_OUTPUT"]) + "\n")
    finally:
        docker("rm", "--force", "--volumes", name)
    assert step.stdout.startswith(f"::add-mask::{id_token}\n")
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {outputs['token']}"})
    assert (seen["active"], seen["resource"]) == (True, MODEL)
