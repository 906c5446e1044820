"""A CI job as the contestants see it: the server they ask, the variables that tell them, the files they write to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.server import MINT

LOOPBACK = "127.0.0.1"
REQUEST_TOKEN = "x" * 1000
COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")
DEFAULTS = {
    "EXPORT-ENV": "true",
    "GIT-CREDENTIALS": "false",
    "ON-ERROR": "fail",
    "AUDIENCE": "",
    "ID-TOKEN": "",
    "TIMEOUT": "60",
}


class Job(NamedTuple):
    """`hub`: the server's URL. `folder`: where the command files are. `ca_bundle`: the server's authority, or none."""

    hub: str
    folder: Path
    ca_bundle: str = ""

    @property
    def env(self) -> Mapping[str, str]:
        """What a runner passes to a step that logs in, and what huggingface_hub reads."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.hub + MINT,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
            "HF_ENDPOINT": self.hub,
            "HF_OIDC_RESOURCE": "acme/model",
            "INPUT_RESOURCE": "acme/model",
            "INPUT_HUB-URL": self.hub,
            **{f"INPUT_{name}": value for name, value in DEFAULTS.items()},
            "INPUT_CA-BUNDLE": self.ca_bundle,
            **{name: str(self.folder / name.lower()) for name in COMMAND_FILES},
        }

    def renew(self) -> None:
        """Empty command files, as each step has."""
        for name in COMMAND_FILES:
            (self.folder / name.lower()).write_bytes(b"")

    def require_token(self) -> None:
        """Raises `ValueError` unless the last step left a token."""
        if b"hf_jwt_" not in (self.folder / "github_output").read_bytes():
            raise ValueError("the step ended well, and left no token")


@contextmanager
def job(
    folder: Path, latency: float = 0.0, lifetime: int = 3600, *, to_the_end: bool = True, address: str = LOOPBACK
) -> Iterator[Job]:
    """A job with a server that takes `latency` seconds for each answer, and grants tokens of `lifetime` seconds.

    `address`: this machine's, at which the server listens: with TLS, unless it is the one for loopback. Raises
    `ValueError` at the end unless it was asked for as many ID tokens as for the Hub's, if each login was `to_the_end`.
    """
    command = [sys.executable, "-m", "benchmarks.server", str(latency), str(lifetime), address]
    ca_bundle = ""
    if address != LOOPBACK:
        import trustme  # noqa: PLC0415 - the second Python has no packages, and measures on loopback alone

        certificate, ca_bundle = str(folder / "server.pem"), str(folder / "ca.pem")
        authority = trustme.CA()
        authority.issue_cert(address).private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(ca_bundle)
        command.append(certificate)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if not server.stdin or not server.stdout:
            raise ValueError("the server has no pipes")
        yield Job(server.stdout.readline().strip(), folder, ca_bundle)
        server.stdin.close()
        minted, exchanged = server.stdout.read().split()
        if to_the_end and minted != exchanged:
            raise ValueError(f"{minted} calls for an ID token, and {exchanged} exchanges")
