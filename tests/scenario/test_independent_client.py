"""An independent client agrees: huggingface_hub does its own exchange, and gets the verdict that the action gets.

What Local Hub says is so only proved where somebody else's client, which was not written for it, is told the same.
Each row is a job, a resource and a publisher; both clients present the same ID token, which no honest CI would mint in
some rows. So huggingface_hub is handed it in `HF_OIDC_ID_TOKEN`. At the end it mints and publishes by itself.

One Local Hub serves all rows but those about keys that it has not seen yet: each has a namespace of its own.
huggingface_hub is imported by one process, which forks for each row, so that nothing of one row is known to the next.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.action_process import run_action
from tests.clients import Clients, good, trust
from tests.factories import signing_key
from tests.local_hub_process import ServedHub, local_hub_here

# For each line, an environment as JSON: a child with that environment asks for a token, and says what came of it.
HUGGINGFACE_HUB = """
import json, os, sys, traceback
import huggingface_hub
import huggingface_hub._oidc
huggingface_hub.utils.get_session()  # what it imports late, each child would import anew
assert huggingface_hub.__version__ == "2.4.0"
for line in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    os.environ.update(json.loads(line))
    try:
        said = {"token": huggingface_hub.get_token()}
    except Exception:
        said = {"error": traceback.format_exc()}
    print(json.dumps(said), flush=True)
    os._exit(0)
"""
GITHUB = {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"}
JOB = {"repository": "acme/trainer", "ref": "refs/heads/main"}
# Makes the ID token that a row presents, of a Local Hub and of the job's description.
Forge = Callable[[ServedHub, Mapping[str, Any]], str]


def honest(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """The ID token that the CI mints."""
    return hub.id_token(**job)


def for_audience(audience: str) -> Forge:
    """The ID token that the CI mints for another service."""
    return lambda hub, job: hub.id_token(audience, **job)


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def encoded(document: Any) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """`alg: none`, RFC 7519 § 6.1."""
    header, claims = parts_of(honest(hub, job))
    return f"{encoded(header | {'alg': 'none'})}.{encoded(claims)}."


def without_signature(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """The honest token with its signature cut off."""
    return honest(hub, job).rpartition(".")[0] + "."


def signed_with_public_key(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """HS256, with the issuer's public key as the shared secret: what a careless verifier accepts."""
    header, claims = parts_of(honest(hub, job))
    keys = hub.get("/oidc/github/.well-known/jwks")["keys"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == header["kid"])).key
    secret = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded(header | {'alg': 'HS256'})}.{encoded(claims)}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_with_foreign_key(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """Somebody else's key under the issuer's `kid`."""
    header, claims = parts_of(honest(hub, job))
    return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": header["kid"]})


def signed_with_unknown_kid(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """Somebody else's key under its own `kid`."""
    return jwt.encode(parts_of(honest(hub, job))[1], signing_key(), algorithm="RS256", headers={"kid": "mine"})


def tampered(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """Another repository in the claims, under the honest signature."""
    header, claims, signature = honest(hub, {**job, "repository": "evil/fork"}).split(".")
    document = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{encoded(document | {'repository': 'acme/trainer'})}.{signature}"


def after_rotation(*, retire: bool) -> Forge:
    """A token that was signed before the issuer changed its key."""

    def forge(hub: ServedHub, job: Mapping[str, Any]) -> str:
        token = honest(hub, job)
        hub.post("/local-hub/keys/rotate", {"retire": retire})
        return token

    return forge


def with_the_new_key(hub: ServedHub, job: Mapping[str, Any]) -> str:
    """A token that is signed with a key which Local Hub has not seen yet."""
    hub.exchange(honest(hub, job), "acme/model")
    hub.post("/local-hub/keys/rotate", {})
    return honest(hub, job)


@dataclass(frozen=True)
class Row:
    """`reason` is what Local Hub's log must say of the refusal; none means that the exchange is granted.

    `alone`: whether it needs a Local Hub that has seen no key of the issuer yet.
    """

    reason: str | None = None
    resource: str = "acme/model"
    job: Mapping[str, Any] = field(default_factory=lambda: JOB)
    token: Forge = honest
    claims: Mapping[str, str] = field(default_factory=lambda: GITHUB)
    publisher_of: str | None = "the resource"
    issuer: str | None = None
    locked: str | None = None
    alone: bool = False


def claims(**changes: Any) -> dict[str, Any]:
    """A job whose raw claims are changed."""
    return {**JOB, "claims": changes}


NOW = int(time.time())
TABLE = {
    "a model": Row(),
    "a dataset": Row(resource="datasets/acme/d"),
    "a Space": Row(resource="spaces/acme/s"),
    "a kernel": Row(resource="kernels/acme/k"),
    "a bucket": Row(resource="buckets/acme/b"),
    "a user": Row(resource="acme"),
    "the repository alone": Row(claims={"repository": "acme/trainer"}),
    "a raw claim": Row(claims={"ref": "refs/heads/main", "event_name": "push"}),
    "an environment": Row(job={**JOB, "environment": "release"}, claims={**GITHUB, "environment": "release"}),
    "a branch with slashes": Row(job={**JOB, "ref": "refs/heads/a/b"}, claims={**GITHUB, "branch": "a/b"}),
    "a tag, by its ref": Row(job={**JOB, "ref": "refs/tags/v1"}, claims={"ref": "refs/tags/v1"}),
    "an audience in a list": Row(job=claims(aud=["x", "{hub}"])),
    "a key that is published still": Row(token=after_rotation(retire=False), alone=True),
    "a key that is new": Row(token=with_the_new_key, alone=True),
    "another repository": Row("repository", job={**JOB, "repository": "acme/other"}),
    "another case of the repository": Row("repository", claims={**GITHUB, "repository": "Acme/Trainer"}),
    "another branch": Row("branch", job={**JOB, "ref": "refs/heads/dev"}),
    "a branch that begins the same": Row("branch", job={**JOB, "ref": "refs/heads/main-backup"}),
    "a tag named like the branch": Row("branch", job={**JOB, "ref": "refs/tags/main"}),
    "a pull request": Row("branch", job={**JOB, "ref": "refs/pull/7/merge", "event_name": "pull_request"}),
    "another workflow": Row(
        "workflow", job={**JOB, "workflow_ref": "acme/trainer/.github/workflows/ci.yml@refs/heads/main"}
    ),
    "the workflow's display name": Row("workflow", claims={**GITHUB, "workflow": "Publish"}),
    "an environment that the job has not": Row("environment", claims={**GITHUB, "environment": "release"}),
    "another issuer": Row("issuer", issuer="https://token.actions.githubusercontent.com"),
    "an issuer that the token claims to be": Row("issuer", job=claims(iss="https://evil.example")),
    "another audience": Row("aud", token=for_audience("https://huggingface.co")),
    "an audience with a slash at its end": Row("aud", job=claims(aud="{hub}/")),
    "expired": Row("exp", job=claims(iat=NOW - 7200, nbf=NOW - 7200, exp=NOW - 3600)),
    "not valid yet": Row("nbf", job=claims(nbf=NOW + 3600, exp=NOW + 7200)),
    "issued in the future": Row("iat", job=claims(iat=NOW + 3600, exp=NOW + 7200)),
    "alg none": Row("alg", token=unsigned),
    "no signature": Row("signature", token=without_signature),
    "HS256 with the public key": Row("alg", token=signed_with_public_key),
    "a foreign key": Row("signature", token=signed_with_foreign_key),
    "an unknown kid": Row("kid", token=signed_with_unknown_kid),
    "tampered claims": Row("signature", token=tampered),
    "a key that is withdrawn": Row("kid", token=after_rotation(retire=True), alone=True),
    "an unknown resource": Row("resource", publisher_of=None),
    "a resource without a publisher": Row("publishers", publisher_of=""),
    "a publisher of the dataset of that name": Row("resource", publisher_of="datasets/acme/model"),
    "a kernel of the name of a model": Row("resource", resource="kernels/acme/model", publisher_of="acme/model"),
    "another case of the resource": Row("resource", resource="acme/Model", publisher_of="acme/model"),
    "a malformed resource": Row("resource", resource="models/acme/model", publisher_of=None),
    "not a JWT": Row("subject_token", token=lambda _hub, _job: "not-a-jwt"),
    "a locked account": Row("locked", locked="acme"),
}


@dataclass(frozen=True)
class HuggingfaceHub:
    """huggingface_hub in a process of its own, whose endpoint is this Local Hub."""

    process: subprocess.Popen[str]

    def exchange(self, env: Mapping[str, str]) -> dict[str, str]:
        """Ask it for its token, as every program built on it does: the token, or the traceback."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(env) + "\n")
        self.process.stdin.flush()
        said: dict[str, str] = json.loads(self.process.stdout.readline())
        return said


@contextmanager
def hub_and_client(home: Path) -> Iterator[tuple[ServedHub, HuggingfaceHub]]:
    """A Local Hub, and huggingface_hub for it."""
    command, pipe = [sys.executable, "-I", "-c", HUGGINGFACE_HUB], subprocess.PIPE
    with local_hub_here() as hub:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_ENDPOINT": hub.hub}
        with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as process:
            yield hub, HuggingfaceHub(process)
            process.communicate()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServedHub, HuggingfaceHub]]:
    """One of each for all rows that need none alone."""
    with hub_and_client(tmp_path_factory.mktemp("home")) as both:
        yield both


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row.alone])
def test_same_verdict(tmp_path: Path, shared: tuple[ServedHub, HuggingfaceHub], name: str) -> None:
    """Granted to both with the same rights, or refused to both, and for the reason of the row."""
    check_verdict(in_its_own_namespace(TABLE[name], f"acme-{list(TABLE).index(name)}"), *shared, tmp_path)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.alone])
def test_same_verdict_on_keys(tmp_path: Path, name: str) -> None:
    """Of a Local Hub that has seen none of the issuer's keys before."""
    with hub_and_client(tmp_path) as both:
        check_verdict(TABLE[name], *both, tmp_path)


def check_verdict(row: Row, hub: ServedHub, huggingface_hub: HuggingfaceHub, tmp_path: Path) -> None:
    """Both clients are told the same, which is what the row expects."""
    token = prepare(hub, row)
    theirs = huggingface_hub.exchange({"HF_OIDC_RESOURCE": row.resource, "HF_OIDC_ID_TOKEN": token})
    logged = hub.get("/local-hub/exchanges")[0]
    ours = by_action(hub, row, token, tmp_path)
    assert (rights(hub, ours), rights(hub, theirs.get("token"))) == (expected(row), expected(row))
    assert "400" in theirs.get("error", "400")
    assert row.reason is None or re.search(row.reason, logged["reason"]), logged


def in_its_own_namespace(row: Row, namespace: str) -> Row:
    """The row, for a resource that no other row knows of."""

    def renamed(resource: str | None) -> str | None:
        return resource and re.sub(r"\bacme\b", namespace, resource)

    return replace(
        row,
        resource=renamed(row.resource) or "",
        publisher_of=renamed(row.publisher_of),
        locked=renamed(row.locked),
    )


def prepare(hub: ServedHub, row: Row) -> str:
    """Configure the row's publisher, and make its ID token."""
    of = row.resource if row.publisher_of == "the resource" else row.publisher_of
    if of:
        wire = {name: {"kind": "eq", "value": value} for name, value in row.claims.items()}
        publisher = {"resource": of, "issuerUrl": row.issuer or hub.issuer, "claims": wire}
        hub.post("/local-hub/publishers", publisher)
    if of == "":
        hub.post("/local-hub/resources", {"resource": row.resource})
    if row.locked:
        hub.post(f"/local-hub/accounts/{row.locked}", {"locked": True})
    return row.token(hub, json.loads(json.dumps(row.job).replace("{hub}", hub.hub)))


def by_action(hub: ServedHub, row: Row, token: str, tmp_path: Path) -> str | None:
    """The token that the action gets."""
    run = run_action(tmp_path, {}, {"resource": row.resource, "hub-url": hub.hub, "id-token": token})
    assert (run.exit_code == 0) == ("HF_TOKEN" in run.exported)
    return run.exported.get("HF_TOKEN")


def rights(hub: ServedHub, token: str | None) -> tuple[str, str] | None:
    """What Local Hub lets a token do."""
    if token is None:
        return None
    allowed = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})
    return allowed["resource"], ",".join(allowed["can"])


def expected(row: Row) -> tuple[str, str] | None:
    """The rights of the row."""
    if row.reason is not None:
        return None
    return row.resource, "read,write" if "/" in row.resource else "read-gated"


def test_the_table_is_long_enough() -> None:
    """At least 25 cases, of which neither kind is rare."""
    granted = [row for row in TABLE.values() if row.reason is None]
    assert len(TABLE) >= 25
    assert min(len(granted), len(TABLE) - len(granted)) >= 10


def test_huggingface_hub_mints_here_by_itself(shared: tuple[ServedHub, HuggingfaceHub]) -> None:
    """It replaces the query of GitHub's URL, so `api-version=2.0` is lost; GitHub does without, so Local Hub does."""
    hub, huggingface_hub = shared
    row = in_its_own_namespace(TABLE["a model"], "minting")
    prepare(hub, row)
    said = huggingface_hub.exchange({"HF_OIDC_RESOURCE": row.resource, **hub.job(**JOB)})
    assert rights(hub, said.get("token")) == expected(row), said
    assert hub.get("/local-hub/refused-mints") == []


def test_hf_upload_publishes_without_any_token(shared: tuple[ServedHub, HuggingfaceHub], tmp_path: Path) -> None:
    """With a job's environment and `HF_OIDC_RESOURCE` alone: the file is in a clone, and its commit is by [OIDC]."""
    hub, _ = shared
    trust(hub, "acme/awesome-model")
    clients = Clients(hub, tmp_path, env={**hub.job(**JOB), "HF_OIDC_RESOURCE": "acme/awesome-model"})
    (tmp_path / "config.json").write_text("{}")
    good(clients.hf("upload", "acme/awesome-model", "config.json"))
    good(clients.git("clone", "--quiet", clients.url("acme/awesome-model"), "cloned"))
    assert (tmp_path / "cloned" / "config.json").read_text() == "{}"
    logged = good(clients.git("-C", "cloned", "log", "-1", "--format=%an|%(trailers:key=OIDC-Issuer,valueonly)"))
    assert logged.strip() == f"[OIDC]|{hub.issuer}"


def test_huggingface_hub_hears_of_a_job_that_is_not_trusted(
    shared: tuple[ServedHub, HuggingfaceHub], tmp_path: Path
) -> None:
    """It mints for the hub's own URL, and the exchange is refused for the claim that differs."""
    hub, _ = shared
    trust(hub, "acme/others-model")
    env = {**hub.job(repository="acme/another"), "HF_OIDC_RESOURCE": "acme/others-model"}
    (tmp_path / "file").touch()
    run = Clients(hub, tmp_path, env=env).hf("upload", "acme/others-model", "file")
    assert run.returncode == 1
    assert hub.get("/local-hub/exchanges")[0]["reason"] == "repository: expected acme/trainer, token has acme/another"
