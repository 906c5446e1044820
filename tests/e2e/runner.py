"""Runs a workflow on act, an engine for GitHub Actions: the workflow's `uses:` stay as they are written."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import evidence
from tests.e2e.engines import ROOT, alone, commit, docker_client
from tests.e2e.story import WORKFLOW

# What the example's training stands for: it leaves a model behind.
TRAINING = 'from pathlib import Path\n\nPath("model").mkdir()\nPath("model/weights").write_text("42")\n'
RUN_SECONDS = 600
# What takes the place of actions that cannot be fetched.
STAND_INS = ROOT / "tests/e2e/stand-ins"


@dataclass(frozen=True)
class Event:
    """What a run is started by. `payload`: what the webhook tells of it, where more than the name is needed."""

    name: str = "push"
    payload: Mapping[str, Any] = field(default_factory=dict)


A_PUSH = Event()


@dataclass(frozen=True)
class WorkflowRun:
    """What is left of a run: the engine's log, and the token that each hf command saw."""

    exit_code: int
    log: str
    tokens: dict[str, str] = field(repr=False)

    def ran(self, step: str) -> bool:
        """Say whether the step of this name was begun."""
        return f"Run Main {step}\n" in self.log

    def log_of(self, step: str) -> str:
        """What the log has between the beginning of this step and of the next."""
        return self.log.partition(f"Run Main {step}\n")[2].partition(" Run ")[0]


@dataclass(frozen=True)
class Runner:
    """act, the image that its jobs run in, and this project as `uses: org/hf-oidc-action@v1` finds it.

    `host`: the folder of commands that jobs find first when they run on this machine, and not in the image.
    """

    act: str
    job_image: str
    action: Path
    host: Path | None = None

    def run(
        self,
        folder: Path,
        workflow: str,
        env: Mapping[str, str],
        files: Mapping[str, str] | None = None,
        *,
        name: str = WORKFLOW,
        event: Event = A_PUSH,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> WorkflowRun:
        """Push `workflow`, as the file `name`, and `files` to a new repository's main branch; or start another `event`.

        `env` is what the engine adds to each job's, whatever the job is permitted; `variables` and
        `secrets` are the repository's.
        """
        checkout, home, seen, artifacts = (_made(folder / each) for each in ("checkout", "home", "seen", "artifacts"))
        commit(checkout, {f".github/workflows/{name}": workflow, "train.py": TRAINING, **(files or {})})
        env_file, payload, secret_file = (folder / name for name in ("job.env", "event.json", "secrets.env"))
        job = {**env, "HF_STAND_IN_SEEN": str(seen)} if self.host else env
        env_file.write_text("".join(f"{variable}={value}\n" for variable, value in job.items()))
        secret_file.write_text("".join(f"{secret}={value}\n" for secret, value in (secrets or {}).items()))
        payload.write_text(json.dumps(event.payload))
        # act names containers after the workflow and the job, and images after the action: two runs would share them.
        with alone("act"):
            done = subprocess.run(
                [
                    self.act,
                    event.name,
                    *self.options("\n".join([workflow, *(files or {}).values()])),
                    f"--eventpath={payload}",
                    f"--env-file={env_file}",
                    f"--secret-file={secret_file}",
                    f"--container-options=-v {seen}:/seen -v {artifacts}:/artifacts",
                    *(f"--var={variable}={value}" for variable, value in (variables or {}).items()),
                ],
                cwd=checkout,
                env={
                    "PATH": f"{self.host}:{os.environ['PATH']}" if self.host else os.environ["PATH"],
                    "HOME": str(home),
                    "XDG_CACHE_HOME": str(home / "cache"),
                    **docker_client(),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                timeout=RUN_SECONDS,
                check=False,
            )
        evidence.note(f"act, exit code {done.returncode}", done.stdout)
        return WorkflowRun(done.returncode, done.stdout, {path.name: path.read_text() for path in seen.iterdir()})

    def options(self, workflows: str) -> list[str]:
        """What act must be told here: nothing is pulled, and what cannot be fetched is taken from this project."""
        stood_in = {
            f"{action}={STAND_INS / name}"
            for action, name in re.findall(r"\b([\w-]+/([\w-]+)@\w+)", workflows)
            if (STAND_INS / name).is_dir()
        }
        return [
            "--rm",
            "--pull=false",
            "--network=host",
            "--no-cache-server",
            f"--platform=ubuntu-latest={'-self-hosted' if self.host else self.job_image}",
            f"--local-repository=org/hf-oidc-action@v1={self.action}",
            *(f"--local-repository={each}" for each in sorted(stood_in)),
        ]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
