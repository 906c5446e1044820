"""GitLab's example as it is written, on gitlab-ci-local: `rules:`, variables and the shell are the engine's.

The engine issues no ID tokens. What `id_tokens:` asks for is minted by Local Hub, in GitLab's shape, and handed over as
the variable that it names, in a file: the engine's `--variable` would show it in the list of processes.
"""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.action_process import scrubbed
from tests.e2e.engines import ROOT, commit, require_gitlab_ci_local
from tests.e2e.example import claims
from tests.e2e.runner import TRAINING
from tests.e2e.story import MODEL
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

EXAMPLE = (ROOT / "examples/gitlab/.gitlab-ci.yml").read_text(encoding="utf-8")
ID_TOKEN = "HF_ID_TOKEN"
RUN_SECONDS = 120


@dataclass(frozen=True)
class Pipeline:
    """What is left of a run: the job's log, the tokens that `hf` saw, and those that it was given to begin with."""

    exit_code: int
    log: str
    tokens: dict[str, str] = field(repr=False)
    id_token: str = field(repr=False)


def trust(hub: LocalHub, **changes: str) -> None:
    """Configure the publisher that the example's comment asks for, but for `changes`."""
    wanted = {name: {"kind": "eq", "value": value} for name, value in {**claims(EXAMPLE), **changes}.items()}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": f"{hub.hub}/oidc/gitlab", "claims": wanted})


def run_pipeline(hub: LocalHub, commands: Path, tmp_path: Path, branch: str = "main") -> Pipeline:
    """Push the example to a new project's branch. Its variables are those of Local Hub's GitLab job."""
    program = require_gitlab_ci_local()
    checkout, seen = tmp_path / "checkout", tmp_path / "seen"
    seen.mkdir()
    commit(checkout, {".gitlab-ci.yml": EXAMPLE, "train.py": TRAINING})
    subprocess.run(["git", "branch", "--move", branch], cwd=checkout, check=True)
    job = hub.job(ci="gitlab")
    # The engine says "false" of itself.
    variables = {"GITLAB_CI": "true", ID_TOKEN: job[ID_TOKEN], "HF_ENDPOINT": hub.hub}
    (tmp_path / "variables.yml").write_text(json.dumps(variables))
    env = scrubbed()
    done = subprocess.run(
        [program, "--force-shell-executor", "--no-color", "--variables-file=../variables.yml"],
        cwd=checkout,
        env={**env, "PATH": f"{commands}:{env['PATH']}", "HOME": str(tmp_path), "HF_STAND_IN_SEEN": str(seen)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=RUN_SECONDS,
        check=False,
    )
    tokens = {path.name: path.read_text() for path in seen.iterdir()}
    return Pipeline(done.returncode, done.stdout, tokens, job[ID_TOKEN])


def test_the_example_publishes_as_it_is_written(commands: Path, tmp_path: Path) -> None:
    """The publisher of its comment trusts the job, and the upload has a token that works. No log shows the ID token."""
    with local_hub() as hub:
        trust(hub)
        run = run_pipeline(hub, commands, tmp_path)
        assert run.exit_code == 0, run.log
        (exchange,) = hub.get("/local-hub/exchanges")
        (use,) = hub.get("/local-hub/introspections")
    assert exchange["outcome"] == "granted"
    assert (use["resource"], use["active"]) == (MODEL, True)
    # The stand-in shows its token, as no real tool would; hf-oidc shows none.
    said = run.log.replace(f"the token is {run.tokens['upload']}", "")
    assert leaks([run.id_token, run.tokens["upload"]], {"the log": said.encode()}) == []


def test_a_refused_login_ends_the_job(commands: Path, tmp_path: Path) -> None:
    """Where the Hub trusts another branch, the log says which request was refused and why, and nothing is uploaded."""
    with local_hub() as hub:
        trust(hub, ref="release")
        run = run_pipeline(hub, commands, tmp_path)
        (refused,) = hub.get("/local-hub/exchanges")
    assert run.exit_code != 0
    assert run.tokens == {}
    assert "exchange-rejected" in run.log
    assert refused["request_id"] in run.log
    assert leaks([run.id_token], {"the log": run.log.encode()}) == []


def test_another_branch_runs_no_job(commands: Path, tmp_path: Path) -> None:
    """The example's `rules:` let main alone publish."""
    with local_hub() as hub:
        trust(hub)
        run = run_pipeline(hub, commands, tmp_path, branch="feature")
        assert hub.get("/local-hub/exchanges") == []
    assert run.exit_code == 0, run.log
    assert "hf-oidc" not in run.log
