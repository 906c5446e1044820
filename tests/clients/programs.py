"""The programs that people use with the Hub, run as processes against Local Hub: the hf command, git, and git-lfs.

Each run has a new environment and home, so this machine's configuration has no effect.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines import has, missing
from tests.local_hub_process import ServedHub

Run = subprocess.CompletedProcess[str]
CLAIMS = {"repository": {"kind": "eq", "value": "acme/trainer"}}
JOB = {"repository": "acme/trainer"}
SECONDS = 240


def trust(hub: ServedHub, resource: str, **changes: object) -> None:
    """Let the job of these tests have tokens for a resource."""
    hub.post("/local-hub/publishers", {"resource": resource, "issuerUrl": hub.issuer, "claims": CLAIMS, **changes})


def token_for(hub: ServedHub, resource: str) -> str:
    """A token for a resource that trusts the job of these tests."""
    token: str = hub.exchange(hub.id_token(**JOB), resource).raise_for_status().json()["access_token"]
    return token


@dataclass(frozen=True)
class Clients:
    """The programs, with a token or without."""

    hub: ServedHub
    home: Path
    token: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def hf(self, *arguments: str | Path, **env: str) -> Run:
        """Run the hf command."""
        return self._run([str(Path(sys.executable).with_name("hf")), *map(str, arguments)], env)

    def git(self, *arguments: str | Path, **env: str) -> Run:
        """Run git; the token is the password in its answer to the server."""
        return self._run(["git", *map(str, arguments)], env)

    def install_lfs(self) -> None:
        """Switch git-lfs on, in the home of these programs."""
        if not has("git-lfs"):
            missing("git-lfs is needed")
        good(self.git("lfs", "install"))

    def url(self, resource: str) -> str:
        """Where a repository is for git, with the token as the password of any user name."""
        place = f"//any-name:{self.token}@" if self.token else "//"
        return f"{self.hub.hub.replace('//', place, 1)}/{resource}"

    def extra_header(self) -> dict[str, str]:
        """The token for git as the environment gives it, and not the URL: `http.extraHeader`, Basic."""
        encoded = base64.b64encode(f"hf_user:{self.token}".encode()).decode()
        header = {"KEY_0": f"http.{self.hub.hub}/.extraHeader", "VALUE_0": f"Authorization: Basic {encoded}"}
        return {"GIT_CONFIG_COUNT": "1", **{f"GIT_CONFIG_{name}": value for name, value in header.items()}}

    def _run(self, command: list[str], env: Mapping[str, str]) -> Run:
        world = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C",
            "HF_ENDPOINT": self.hub.hub,
            "NO_COLOR": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            **({"HF_TOKEN": self.token} if self.token else {}),
        }
        return subprocess.run(
            command,
            env={**world, **self.env, **env},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


def good(run: Run) -> str:
    """What a run that went well has printed."""
    assert run.returncode == 0, run.stderr + run.stdout
    return run.stdout
