"""Bitbucket's example on pipeline-runner, an engine with an issuer of its own: its ID tokens are no code of ours.

Two things are not as Bitbucket has them. The engine knows `oidc: true` and not the form with audiences, so that line
alone is another one here, and the audience is in its settings. And its claims bear other names than Bitbucket's
(`branch_name` for `branchName`), so the publisher asks for those.

What the example installs is mounted into its container: `hf-oidc` as its zipapp, `pip` and `hf` as stand-ins. A step
has a network of its own, in which Local Hub's loopback is elsewhere. `forwarding` brings it there once the step that
publishes has begun: a container joins its network, as a service of the pipeline would, and listens on the same port.
"""

import json
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import RSAAlgorithm

from release import pyz
from tests.action_process import scrubbed
from tests.e2e.engines import ROOT, commit, docker, docker_client, require_pipeline_runner
from tests.e2e.example import issuer, plain_oidc
from tests.e2e.runner import TRAINING
from tests.e2e.story import MODEL
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

EXAMPLE = (ROOT / "examples/bitbucket/bitbucket-pipelines.yml").read_text(encoding="utf-8")
ISSUER = issuer(EXAMPLE)
IMAGE = yaml.safe_load(EXAMPLE)["image"]
PUBLIC_KEY = re.compile(r"Public Key: (-----BEGIN.+-----END PUBLIC KEY-----)")
# Both segments of a JWT begin as `{"` does in base64.
JWT = re.compile(r"eyJ[\w-]+\.eyJ")
FORWARD = ROOT / "tests/e2e/forward.py"
RUN_SECONDS = 600
SUCCESSFUL, FAILED = "Pipeline 'branches.main': Successful", "Pipeline 'branches.main': Failed"
# It installs for as long as Local Hub is out of reach: `forwarding` can begin no sooner than the step.
INSTALLING = "installing"
PIP = f"""\
#!/usr/bin/env python3
import os, pathlib, socket, time

pathlib.Path("/seen/{INSTALLING}").touch()
while socket.socket().connect_ex(("127.0.0.1", int(os.environ["PORT"]))):
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Engine:
    """pipeline-runner with its issuer switched on, the home in which it keeps its keys, and a repository.

    Its containers bear the repository's name, so that is one of a kind.
    """

    program: str
    home: Path
    checkout: Path

    def start(self, *arguments: str, audience: str) -> "subprocess.Popen[str]":
        """Start it, to issue ID tokens for `audience`."""
        settings = {"ENABLED": "true", "ISSUER": ISSUER, "AUDIENCE": audience}
        return subprocess.Popen(
            [self.program, *arguments],
            cwd=self.checkout,
            env={
                **scrubbed(),
                **docker_client(),
                **{f"PIPELINE_RUNNER_OIDC_{name}": value for name, value in settings.items()},
                "HOME": str(self.home),
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def key_set(self) -> dict[str, Any]:
        """The public key that it prints for an administrator, as a key set; named as its tokens name it."""
        said = self.start("oidc-config", audience="any").communicate(timeout=RUN_SECONDS)[0]
        pem = PUBLIC_KEY.findall(said)[0].replace("\\n", "\n") + "\n"
        public = load_pem_public_key(pem.encode())
        assert isinstance(public, RSAPublicKey)
        key = RSAAlgorithm.to_jwk(public, as_dict=True)
        return {"keys": [{**key, "kid": str(uuid.uuid5(uuid.NAMESPACE_OID, pem))}]}

    def repository(self) -> str:
        """The identifier that it has given to the repository."""
        (notes,) = self.home.rglob("meta.json")
        return f"{{{json.loads(notes.read_text())['repo_uuid']}}}"

    def pause_container(self) -> str:
        """The container whose network is that of the step."""
        return f"{self.checkout.name}_system_pause"


@dataclass(frozen=True)
class Step:
    """What is left of a run: the step's log, and the token that each hf command saw.

    The engine's exit code is no part of it, being 0 for a step that failed too: its log says how the pipeline ended.
    """

    log: str
    tokens: dict[str, str] = field(repr=False)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """The engine, and the example on its main branch."""
    program = require_pipeline_runner(IMAGE)
    checkout = tmp_path / f"training-{uuid.uuid4().hex[:12]}"
    commit(checkout, {"bitbucket-pipelines.yml": plain_oidc(EXAMPLE), "train.py": TRAINING})
    (tmp_path / "home").mkdir()
    return Engine(program, tmp_path / "home", checkout)


@pytest.fixture
def hub(engine: Engine, tmp_path: Path) -> Iterator[LocalHub]:
    """A Local Hub that knows the engine's keys, and trusts nobody yet."""
    config = tmp_path / "hub.yaml"
    config.write_text(json.dumps({"issuers": [{"url": ISSUER, "jwks": engine.key_set()}]}))
    with local_hub("--config", str(config)) as running:
        yield running


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the example's `pip install` stands for, as volumes of the step's container."""
    folder = tmp_path_factory.mktemp("installed")
    zipapp, pip = folder / "hf-oidc", folder / "pip"
    pyz.build(zipapp)
    pip.write_text(PIP)
    for program in (zipapp, pip):
        program.chmod(0o755)
    return [f"{path}:/usr/local/bin/{path.name}:ro" for path in (zipapp, pip, ROOT / "tests/e2e/job-image/hf")]


def trust(hub: LocalHub, claims: Mapping[str, str]) -> None:
    """Configure a publisher for what the engine's ID tokens claim."""
    wanted = {name: {"kind": "eq", "value": value} for name, value in claims.items()}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": ISSUER, "claims": wanted})


def run_step(engine: Engine, hub: LocalHub, installed: Sequence[str], tmp_path: Path) -> Step:
    """Run the branch's pipeline; its variables say where the Hub is, and its port for the installation to wait for."""
    seen = tmp_path / "seen"
    seen.mkdir()
    port = urlsplit(hub.hub).port
    assert port
    variables = tmp_path / "variables.env"
    variables.write_text(f"HF_ENDPOINT={hub.hub}\nPORT={port}\n")
    volumes = [f"--volume={volume}" for volume in (*installed, f"{seen}:/seen")]
    process = engine.start("run", f"--env-file={variables}", *volumes, "branches.main", audience=hub.hub)
    with ended(process), forwarding(port, engine.pause_container(), process, tmp_path):
        log = process.communicate(timeout=RUN_SECONDS)[0]
    (seen / INSTALLING).unlink(missing_ok=True)
    return Step(log, {path.name: path.read_text() for path in seen.iterdir()})


@contextmanager
def forwarding(port: int, pause: str, engine: "subprocess.Popen[str]", folder: Path) -> Iterator[None]:
    """Bring this machine's loopback port into the network of the step that installs, as soon as it does."""
    command = [sys.executable, str(FORWARD), "outside", str(port), str(folder / "hub.sock")]
    outside = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    joined = f"{pause}_forward"
    try:
        while engine.poll() is None and not (folder / "seen" / INSTALLING).exists():
            time.sleep(0.1)
        if engine.poll() is None:
            options = [f"--name={joined}", f"--network=container:{pause}", f"--volume={folder}:/forward"]
            inside = ["python", "/forward.py", "inside", str(port), "/forward/hub.sock"]
            docker("run", "--detach", *options, f"--volume={FORWARD}:/forward.py:ro", IMAGE, *inside)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", joined, pause], capture_output=True, check=False)
        with ended(outside):
            outside.terminate()


@contextmanager
def ended(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Leave no process behind: an engine that is interrupted removes its containers."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)


def test_the_example_publishes(engine: Engine, hub: LocalHub, installed: list[str], tmp_path: Path) -> None:
    """An ID token that the engine minted is exchanged, by keys known beforehand, and the upload has a token that works.

    The log, where the stand-in shows its token as no real tool would, has it there alone, and no ID token.
    """
    trust(hub, {"repository_uuid": engine.repository(), "branch_name": "main"})
    step = run_step(engine, hub, installed, tmp_path)
    assert SUCCESSFUL in step.log, step.log
    (exchange,) = hub.get("/local-hub/exchanges")
    assert exchange["outcome"] == "granted"
    (use,) = hub.get("/local-hub/introspections")
    assert (use["resource"], use["active"]) == (MODEL, True)
    said = step.log.replace(f"the token is {step.tokens['upload']}", "")
    assert leaks(step.tokens.values(), {"the log": said.encode()}) == []
    assert not JWT.search(said)


def test_a_refused_login_ends_the_step(engine: Engine, hub: LocalHub, installed: list[str], tmp_path: Path) -> None:
    """Where the Hub trusts another branch, the log says which request was refused, and nothing is uploaded."""
    trust(hub, {"repository_uuid": engine.repository(), "branch_name": "release"})
    step = run_step(engine, hub, installed, tmp_path)
    (refused,) = hub.get("/local-hub/exchanges")
    assert FAILED in step.log, step.log
    assert step.tokens == {}
    assert "exchange-rejected" in step.log
    assert refused["request_id"] in step.log
    assert not JWT.search(step.log)
