"""Somebody reads what a command told the runner to hide, knows all that is public, and rebuilds the token.

Header and claims of a JWT are public facts. The issuers are Local Hub's own, in this process or as a process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hf_oidc.output.masking import worthless_part
from hf_oidc.secret import Secret
from local_hub.issuers.registry import BY_NAME, read_job
from local_hub.issuers.running import RunningIssuers
from tests.local_hub_process import LocalHub, local_hub

HUB = "http://127.0.0.1:9"
JOB = {"repository": "acme/trainer"}
CLAIMS = {"iss": "https://huggingface.co", "sub": "acme/model", "exp": 4_000_000_000}
# A token of the Hub's that is shaped like a JWT: by which algorithm it is signed, and with what.
KEYS: dict[str, Callable[[], Any]] = {
    "HS256": lambda: "k" * 32,
    "HS512": lambda: "k" * 64,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
}


def of_the_whole(token: str) -> str:
    """The half that was once told, which is too much."""
    return token[len(token) // 2 :]


def of_the_rule(token: str) -> str:
    """What commands tell now."""
    return worthless_part(Secret(token)).reveal()


def rebuilt(token: str, told: str) -> tuple[str, int]:
    """The token as far as it can be rebuilt from public facts and what was told, and how much of its signature is not.

    `told` is its end, and what is missing before it is filled in with a guess.
    """
    public, _, signature = token.rpartition(".")
    known = told.rpartition(".")[2]
    missing = len(signature) - len(known)
    return f"{public}.{'A' * missing}{known}", missing


def verifies(token: str, key: Any, algorithm: str) -> bool:
    """Whether the key's owner has signed it."""
    try:
        jwt.decode(
            token,
            key,
            [algorithm],
            options={"verify_aud": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidSignatureError:
        return False
    return True


def issued(name: str, folder: Path) -> tuple[str, Any]:
    """An ID token of a job on that CI, and the key that verifies it."""
    running = RunningIssuers(HUB, folder)
    job = read_job(JOB if name == "github" else {"ci": name})
    return running.mint(job, HUB), running.ring(BY_NAME[name]).current.private.public_key()


def check(token: str, key: Any, algorithm: str) -> None:
    """Whoever has the signature has the token; what is told lacks half of it, and the token is then none."""
    assert rebuilt(token, token.rpartition(".")[2]) == (token, 0)
    candidate, missing = rebuilt(token, of_the_rule(token))
    assert missing >= len(token.rpartition(".")[2]) / 2
    assert (verifies(token, key, algorithm), verifies(candidate, key, algorithm)) == (True, False)


@pytest.mark.parametrize("name", BY_NAME)
def test_an_id_token_cannot_be_rebuilt(name: str, tmp_path: Path) -> None:
    """Of every issuer that Local Hub plays."""
    token, key = issued(name, tmp_path)
    check(token, key, "RS256")


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_the_hub_cannot_be_rebuilt(algorithm: str) -> None:
    """`hf_jwt_` and a JWT, by any algorithm: of the smallest signatures, too, half is too much to guess."""
    key = KEYS[algorithm]()
    token = jwt.encode(CLAIMS, key, algorithm)
    told = of_the_rule(f"hf_jwt_{token}")
    assert told == of_the_rule(token)
    check(token, key.public_key() if hasattr(key, "public_key") else key, algorithm)
    assert 6 * (len(token.rpartition(".")[2]) - len(told)) >= 128  # bits


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A Local Hub that trusts any job of either CI."""
    config = tmp_path_factory.mktemp("hub") / "hub.yaml"
    publishers = [
        {"resource": f"acme/{name}", "issuer": name, "claims": {"repository": repository}}
        for name, repository in (("github", "acme/trainer"), ("forgejo", "acme/training"))
    ]
    config.write_text(json.dumps({"publishers": publishers}))
    with local_hub("--config", str(config)) as running:
        yield running


@pytest.mark.parametrize(("name", "job"), [("github", JOB), ("forgejo", {"ci": "forgejo"})])
def test_the_hub_refuses_what_was_rebuilt(name: str, job: dict[str, str], hub: LocalHub) -> None:
    """On the CIs whose runners are told: with the half that was once told, the exchange gives a token."""
    token = hub.id_token(**job)
    for told, status in ((of_the_rule(token), 400), (of_the_whole(token), 200)):
        assert hub.exchange(rebuilt(token, told)[0], f"acme/{name}").status_code == status
