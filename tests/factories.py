"""Things that tests need many of, each made with what matters to the test and likely values for the rest."""

import functools
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from hf_oidc import command
from hf_oidc.http.client import READ_TIMEOUT, Deadline, Transport, trusting
from hf_oidc.login_context import LoginContext
from tests.fake_clock import FakeClock

HUB = "https://huggingface.co"
TLS = trusting("")


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """One RSA key for the whole run: making one takes longer than a test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def id_token(audience: object = HUB, **claims: Any) -> str:
    """A signed ID token of a job; a claim that is None is left out."""
    now = int(time.time())
    payload = {
        "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:acme@1/trainer@2:ref:refs/heads/main",
        "aud": audience,
        "iat": now,
        "exp": now + 300,
        "repository": "acme/trainer",
    } | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, signing_key(), algorithm="RS256", headers={"kid": "test"})


def github_claims(**claims: Any) -> dict[str, Any]:
    """The claims of a job on GitHub that publishes from `main`."""
    ref = claims.get("ref", "refs/heads/main")
    workflow_ref = f"acme/trainer/.github/workflows/publish.yml@{ref}"
    return {
        "iss": "https://token.actions.githubusercontent.com",
        "sub": f"repo:acme@1/trainer@2:ref:{ref}",
        "aud": HUB,
        "repository": "acme/trainer",
        "repository_owner": "acme",
        "ref": ref,
        "ref_type": "branch",
        "workflow": "publish.yml",
        "workflow_ref": workflow_ref,
        "job_workflow_ref": workflow_ref,
        "event_name": "push",
    } | claims


def login_context(
    env: Mapping[str, str] | None = None,
    read_file: Callable[[str], str] = str,
    *,
    seconds: float = 60,
    clock: FakeClock | None = None,
    jitter: float = 0.0,
    read_timeout: float = READ_TIMEOUT,
) -> LoginContext:
    """What a login is given. Commands are those on the PATH of `env`. Without a `clock` nobody sleeps."""
    deadline = Deadline.after(seconds, clock.monotonic if clock else time.monotonic)
    return LoginContext(
        transport=Transport(env={}, tls=TLS, user_agent="test", deadline=deadline, read_timeout=read_timeout),
        deadline=deadline,
        run=lambda argv: command.run(argv, env or {}, deadline.remaining),
        read_file=read_file,
        now=clock.now if clock else lambda: datetime.now(timezone.utc),
        sleep=clock.sleep if clock else lambda _seconds: None,
        random=lambda: jitter,
    )
