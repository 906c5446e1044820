"""What the stories of the command line share: a Hub that grants, and an ID token that it takes."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.action_process import scrubbed
from tests.cli_process import CLI, CliRun, run_cli
from tests.scripted_server import ScriptedServer

PLAIN = f"hf_jwt_eyJhbGciOiJFUzI1NiJ9.e30.{'c2lnbmF0dXJl-_' * 6}AA"
# One word of printable ASCII may hold all of this (RFC 6749, appendix A.12).
HOSTILE = [
    "hf_0123456789_it's",
    "'hf_0123456789_quoted'",
    '"hf_0123456789_quoted"',
    "hf_0123456789_$HOME",
    "hf_0123456789_${HOME}",
    "hf_0123456789_$(id)",
    "hf_0123456789_`id`",
    "hf_0123456789_a\\b\\n\\\\c",
    "hf_0123456789_back\\",
    "-hf_0123456789_n",
    "#hf_0123456789_comment",
    "hf_0123456789_a#b",
    "hf_0123456789_!history!",
    "hf_0123456789_%PATH%",
    "hf_0123456789_*?[a]{b,c}~",
    "hf_0123456789_a;b&c|d<e>f",
    "~hf_0123456789_home",
    "hf_0123456789_\\'\"\\",
    "hf_" + "x" * 16_000,
]


@dataclass
class Stage:
    """A Hub that grants `tokens` by resource, and an ID token that it takes."""

    tmp_path: Path
    server: ScriptedServer
    id_token: str
    tokens: dict[str, str]

    def run(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> CliRun:
        """Run `hf-oidc` where the ID token was supplied."""
        job = {"HF_OIDC_ID_TOKEN": self.id_token} if env is None else env
        return run_cli(
            self.tmp_path,
            *arguments,
            env={"HF_ENDPOINT": self.server.url, **job},
            secrets=[self.id_token, *self.tokens.values()],
            **options,
        )

    def world(self) -> dict[str, str]:
        """The environment of a process that calls `hf-oidc` by itself."""
        folder = self.tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "hf-oidc").write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n')
        (folder / "hf-oidc").chmod(0o755)
        env = scrubbed() | {"HF_ENDPOINT": self.server.url, "HF_OIDC_ID_TOKEN": self.id_token}
        return env | {"PATH": f"{folder}:{env['PATH']}", "HOME": str(self.tmp_path)}
