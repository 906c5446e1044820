"""The issuers of one running Local Hub: their keys, their registered jobs, and minting.

It knows no HTTP, and nothing of the Hub: neither publishers nor the exchange.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local_hub.issuers.base import Handout, Issuer, Job
from local_hub.issuers.commands import install
from local_hub.issuers.signing_keys import KeyRing, new_ring, rotated, sign


@dataclass(frozen=True)
class Registered:
    """A registered job: the environment of its steps, and the files that the CI writes before it begins."""

    number: str
    environment: dict[str, str]
    files: dict[str, str]


class RunningIssuers:
    """Keys and jobs in memory."""

    def __init__(self, base_url: str, commands: Path) -> None:
        """Serve the issuers under this URL; install the CIs' commands into this folder."""
        self.base_url = base_url
        self._path = os.pathsep.join([str(commands.absolute()), os.environ.get("PATH", os.defpath)])
        self._rings: dict[str, KeyRing] = {}
        self._jobs: dict[str, Job] = {}
        self._latest: dict[str, Job] = {}
        install(commands)

    def url(self, issuer: Issuer) -> str:
        """Return the issuer's URL."""
        return f"{self.base_url}/oidc/{issuer.issuer_path}"

    def urls(self, issuers: Iterable[Issuer]) -> dict[str, str]:
        """Return the issuers' URLs by name."""
        return {issuer.name: self.url(issuer) for issuer in issuers}

    def ring(self, issuer: Issuer) -> KeyRing:
        """Return the issuer's keys; they are generated at the first use."""
        if issuer.name not in self._rings:
            self._rings[issuer.name] = new_ring()
        return self._rings[issuer.name]

    def rotate(self, issuer: Issuer, *, retire: bool) -> str:
        """Sign with a new key from now on; return its id."""
        self._rings[issuer.name] = rotated(self.ring(issuer), retire=retire)
        return self.ring(issuer).current.kid

    def register(self, job: Job) -> Registered:
        """Register a job."""
        secret = secrets.token_urlsafe(32)
        self._jobs[secret] = self._latest[job.issuer.name] = job
        handout = Handout(
            token=self.mint(job, job.audience or job.default_audience or self.base_url),
            url=job.issuer.endpoint.url(self.url(job.issuer)) if job.issuer.endpoint else "",
            secret=secret,
            authority=urlsplit(self.base_url).netloc,
            path=self._path,
        )
        return Registered(uuid.uuid4().hex, dict(job.environment(handout)), dict(job.issuer.files(handout)))

    def mint(self, job: Job, audience: str, without: tuple[str, ...] = ()) -> str:
        """Mint an ID token."""
        now, jti = int(time.time()), str(uuid.uuid4())
        return sign(
            self.ring(job.issuer).current,
            job.id_token_claims(self.url(job.issuer), audience, jti, now, without),
        )

    def job_of(self, issuer: Issuer, secret: str) -> Job | None:
        """Return the job of this issuer that has this request token."""
        job = self._jobs.get(secret)
        return job if job and job.issuer is issuer else None

    def latest_job(self, issuer: Issuer) -> Job | None:
        """Return the job that was registered last: a metadata server serves the machine that it runs on."""
        return self._latest.get(issuer.name)
