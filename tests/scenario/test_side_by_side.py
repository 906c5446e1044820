"""`hf` with `HF_OIDC_RESOURCE` and this project, side by side in the same job: the rows of docs/compared-with-hf.md.

Both log in to one Local Hub with the same publisher. `hf` comes from huggingface_hub, as users install it. Each
test has the name of its section in the document, and shows what both do: also where plain `hf` is enough. At the end,
the commands of the document are run as they stand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.action_process import ActionRun, run_action
from tests.clients import Clients, Run, good
from tests.engines import has, missing
from tests.local_hub_process import LocalHub, ServedHub, local_hub, local_hub_here

MODEL, DATASET = "acme/model", "datasets/acme/corpus"
JOB = {"repository": "acme/trainer", "ref": "refs/heads/main"}
CLAIMS = {"repository": "acme/trainer", "branch": "main"}
# A claim of the job that Local Hub plays there.
OTHER_CIS = {
    "circleci": {"oidc.circleci.com/project-id": "efde35d3-cebd-4ca5-8e5c-4bc5dc1dd1f3"},
    "buildkite": {"pipeline_slug": "training"},
}
DOCUMENT = (Path(__file__).parents[2] / "docs" / "compared-with-hf.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))
# Each once: two sections begin with the same.
COMMANDS = list(
    dict.fromkeys(
        line
        for section, text in SECTIONS.items()
        if section != "Try it"
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    )
)
HF_OIDC = str(Path(sys.executable).with_name("hf-oidc"))
HF = str(Path(sys.executable).with_name("hf"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A Local Hub that trusts the branch `main` of `acme/trainer` and the example jobs of other CIs."""
    publishers = [{"resource": resource, "issuer": "github", "claims": CLAIMS} for resource in (MODEL, DATASET)]
    publishers += [{"resource": f"acme/{ci}", "issuer": ci, "claims": OTHER_CIS[ci]} for ci in OTHER_CIS]
    config = tmp_path_factory.mktemp("hub") / "hub.yaml"
    config.write_text(json.dumps({"publishers": publishers, "resources": [{"resource": MODEL, "private": True}]}))
    with local_hub("--config", str(config)) as running:
        yield running


@pytest.fixture
def brief() -> Iterator[ServedHub]:
    """A Local Hub with tokens that are valid for three seconds."""
    with local_hub_here(token_lifetime=3) as running:
        claims = {name: {"kind": "eq", "value": value} for name, value in CLAIMS.items()}
        running.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": running.issuer, "claims": claims})
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home with a file to publish, which no other test publishes."""
    home = tmp_path / "home-of-the-clients"
    home.mkdir()
    (home / "weights.txt").write_text(str(tmp_path))
    return home


def with_plain_hf(hub: ServedHub, folder: Path, resource: str = MODEL, **job: Any) -> Clients:
    """The programs in a job that sets `HF_OIDC_RESOURCE`, and has no token."""
    return Clients(hub, folder, env={**hub.job(**{**JOB, **job}), "HF_OIDC_RESOURCE": resource})


def log_in(hub: LocalHub, tmp_path: Path, inputs: Mapping[str, str] | None = None, **job: Any) -> ActionRun:
    """The step of the action in such a job."""
    env = hub.job(**{**JOB, **job})
    return run_action(tmp_path, env, {"resource": MODEL, "hub-url": hub.hub, **(inputs or {})})


def after_the_action(hub: LocalHub, folder: Path, run: ActionRun) -> Clients:
    """The programs in a later step."""
    assert run.exit_code == 0, run.stdout
    return Clients(hub, folder, env=run.exported)


def shell(clients: Clients, script: str, **env: str) -> Run:
    """A script of the job, with the environment of these programs."""
    return subprocess.run(
        ["sh", "-ec", script],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(clients.home),
            "HF_ENDPOINT": clients.hub.hub,
            **clients.env,
            **env,
        },
        cwd=clients.home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def upload(clients: Clients, resource: str = MODEL) -> Run:
    """Publish the file."""
    kind = ["--repo-type", "dataset"] if resource == DATASET else []
    return clients.hf("upload", resource.removeprefix("datasets/"), "weights.txt", *kind)


def test_one_python_job_on_github(hub: LocalHub, tmp_path: Path, folder: Path) -> None:
    """Both publish: plain `hf` needs no step."""
    good(upload(with_plain_hf(hub, folder)))
    good(upload(after_the_action(hub, folder, log_in(hub, tmp_path))))


def test_a_long_python_program(brief: ServedHub, folder: Path) -> None:
    """Plain `hf` logs in again before the token expires; here, `hf-oidc run --keep-fresh` does."""
    waits = "import time, huggingface_hub as h; first = h.get_token()\nwhile h.get_token() == first: time.sleep(0.1)"
    program = shlex.join([sys.executable, "-c", waits])
    good(shell(with_plain_hf(brief, folder), program))
    in_a_job = Clients(brief, folder, env=brief.job(**JOB))
    good(shell(in_a_job, f"{HF_OIDC} run --keep-fresh {MODEL} -- {program}"))


def test_git(hub: LocalHub, tmp_path: Path, folder: Path) -> None:
    """git does not know `HF_OIDC_RESOURCE`; after a step with `git-credentials`, it has the token."""
    url = f"{hub.hub}/{MODEL}"
    plain = with_plain_hf(hub, folder).git("clone", "--quiet", url, "plain")
    assert plain.returncode != 0
    assert "could not read Username" in plain.stderr
    ours = after_the_action(hub, folder, log_in(hub, tmp_path, inputs={"git-credentials": "true"}))
    good(ours.git("clone", "--quiet", url, "ours"))
    good(ours.git("-C", "ours", "commit", "--quiet", "--allow-empty", "--message", "x"))
    good(ours.git("-C", "ours", "push", "--quiet"))


READ_BY = {
    "curl": 'curl -sf -H "Authorization: Bearer $HF_TOKEN" "$HF_ENDPOINT/acme/model/raw/main/.gitattributes"',
    "node": (
        'node --eval \'fetch(process.env.HF_ENDPOINT + "/acme/model/raw/main/.gitattributes", '
        '{headers: {Authorization: "Bearer " + process.env.HF_TOKEN}}).then((a) => process.exit(a.ok ? 0 : 1))\''
    ),
    # As every huggingface_hub before 1.19 does, which finds its token in the environment.
    "python3": f"{sys.executable} -c 'import os; os.environ[\"HF_TOKEN\"]'",
}


@pytest.mark.parametrize("program", READ_BY)
def test_programs_that_read_hf_token(hub: LocalHub, tmp_path: Path, folder: Path, program: str) -> None:
    """curl, JavaScript and older libraries find no token with plain `hf`, and one after the action."""
    if not has(program):
        missing(f"{program} is needed")
    plain = shell(with_plain_hf(hub, folder), READ_BY[program])
    assert plain.returncode != 0
    good(shell(after_the_action(hub, folder, log_in(hub, tmp_path)), READ_BY[program]))


def test_several_repositories_in_one_step(hub: LocalHub, tmp_path: Path, folder: Path) -> None:
    """`HF_OIDC_RESOURCE` names one, and the other is refused with 403. After one step of the action, both work."""
    plain = upload(with_plain_hf(hub, folder), DATASET)
    assert plain.returncode != 0
    assert "403" in plain.stderr
    good(upload(with_plain_hf(hub, folder, DATASET), DATASET))
    run = log_in(hub, tmp_path, inputs={"resource": f"MODEL_TOKEN={MODEL}\nDATA_TOKEN={DATASET}"})
    assert run.exit_code == 0, run.stdout
    good(upload(Clients(hub, folder, run.exported["MODEL_TOKEN"])))
    good(upload(Clients(hub, folder, run.exported["DATA_TOKEN"]), DATASET))


@pytest.mark.parametrize("fault", ["reset-before-headers", "400-aborted"])
def test_an_outage_at_the_exchange(hub: LocalHub, tmp_path: Path, folder: Path, fault: str) -> None:
    """Plain `hf` fails at the first one; the action tries again. `400-aborted`: an outage that looks like a refusal.

    A command of the document has 503.
    """
    hub.post("/local-hub/faults", {"path": "/oauth/token", "faults": [fault]})
    plain = upload(with_plain_hf(hub, folder))
    assert plain.returncode == 1
    hub.post("/local-hub/faults", {"path": "/oauth/token", "faults": [fault]})
    run = log_in(hub, tmp_path)
    assert (run.exit_code, "retrying in" in run.stdout) == (0, True), run.stdout


def test_a_refusal(hub: LocalHub, tmp_path: Path, folder: Path) -> None:
    """Plain `hf` shows the Hub's answer, which names no cause; the action shows this job's values and a publisher."""
    plain = upload(with_plain_hf(hub, folder, ref="refs/heads/side"))
    said = plain.stdout + plain.stderr
    assert (plain.returncode, "invalid_grant" in said, "side" in said) == (1, True, False), said
    run = log_in(hub, tmp_path, ref="refs/heads/side")
    assert run.error_code == "exchange-rejected"
    assert re.search(r"^  branch +side$", run.stdout, re.MULTILINE)
    assert "A publisher for exactly this job:" in run.stdout
    assert f"{hub.hub}/{MODEL}/settings" in run.stdout


def test_the_token_in_the_log(hub: LocalHub, tmp_path: Path, folder: Path) -> None:
    """The Hub's tip for other tools masks nothing, so later steps show the token in the log; the action masks it."""
    environment = folder / "github_env"
    tip = 'echo "HF_TOKEN=$(hf auth token)" >> "$GITHUB_ENV"'.replace("hf auth", f"{HF} auth")
    plain = shell(with_plain_hf(hub, folder), tip, GITHUB_ENV=str(environment))
    good(plain)
    assert environment.read_text().startswith("HF_TOKEN=hf_jwt_")
    assert "::add-mask::" not in plain.stdout + plain.stderr
    run = log_in(hub, tmp_path)
    assert run.exported["HF_TOKEN"] in run.masks


@pytest.mark.parametrize("ci", OTHER_CIS)
def test_another_ci(hub: LocalHub, folder: Path, ci: str) -> None:
    """Plain `hf` asks only GitHub for an ID token; `hf-oidc run` is one line in each CI. Of GitLab, see below."""
    name, env = f"acme/{ci}", hub.job(ci=ci)
    plain = Clients(hub, folder, env={**env, "HF_OIDC_RESOURCE": name}).hf("upload", name, "weights.txt")
    assert plain.returncode == 1
    assert "HF_OIDC_ID_TOKEN is not set" in plain.stderr
    good(shell(Clients(hub, folder, env=env), f"{HF_OIDC} run {name} -- {HF} upload {name} weights.txt"))


WORKFLOW = """
on:
  push:
    branches: [main]
permissions: {contents: read}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - run: hf upload acme/model ./model .
        env:
          HF_OIDC_RESOURCE: acme/model
"""


def test_checked_before_the_push(hub: LocalHub, folder: Path) -> None:
    """A missing permission stops plain `hf` when the job runs; the doctor finds it in the file, for plain `hf` too."""
    job = {name: value for name, value in hub.job(**JOB).items() if not name.startswith("ACTIONS_ID_TOKEN")}
    plain = upload(Clients(hub, folder, env={**job, "HF_OIDC_RESOURCE": MODEL}))
    assert plain.returncode == 1
    assert "id-token: write" in plain.stderr
    (folder / "publish.yml").write_text(WORKFLOW)
    command = f"{HF_OIDC} doctor publish.yml --repository acme/trainer --json"
    found = shell(Clients(hub, folder), command)
    assert found.returncode == 1
    codes = [each["code"] for job in json.loads(found.stdout)["jobs"] for each in job["findings"]]
    assert "id-token-permission-missing" in codes


@contextmanager
def prepared(folder: Path) -> Iterator[LocalHub]:
    """Put the files of the document's first section into a folder, and serve the Local Hub that they configure."""
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", DOCUMENT, re.DOTALL):
        (folder / name).write_text(text)
    with local_hub("--config", str(folder / "hub.yaml")) as running:
        (folder / "ready.json").write_text(json.dumps({"hub": running.hub, "jobs": running.jobs}))
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalHub, Path]]:
    """A Local Hub for all commands, and its folder."""
    folder = tmp_path_factory.mktemp("document")
    with prepared(folder) as hub:
        yield hub, folder


@pytest.mark.parametrize("command", [command for command in COMMANDS if "job gitlab" not in command])
def test_the_commands_of_the_document(shared: tuple[LocalHub, Path], command: str) -> None:
    """Each fails with the text in its comment, or succeeds if it has none."""
    check(command, *shared)


def test_the_commands_for_gitlab(tmp_path: Path) -> None:
    """The same, with a new ID token, which Local Hub issues at its start, for five minutes.

    `hf-oidc run` is enough; plain `hf` needs the ID token in `HF_OIDC_ID_TOKEN`.
    """
    commands = [command for command in COMMANDS if "job gitlab" in command]
    with prepared(tmp_path) as hub:
        for command in commands:
            check(command, hub, tmp_path)
    assert ["# fails" in command for command in commands] == [True, False, False]


def check(command: str, hub: LocalHub, folder: Path) -> None:
    """Run a command of the document, and compare its end with what its comment says."""
    (entering,) = re.findall(r"^job\(\) .*(?=```)", SECTIONS["Try it"], re.DOTALL | re.MULTILINE)
    run = shell(Clients(hub, folder, env={"PATH": f"{Path(HF).parent}:{os.environ['PATH']}"}), f"{entering}\n{command}")
    failure = re.search(r" # fails[^:]*: (.+)", command)
    said = run.stdout + run.stderr
    assert (run.returncode != 0, failure is None or failure[1] in said) == (failure is not None, True), said
