"""The main job against Local Hub, which verifies what it is sent: a later step's token works, and only for its repo.

The action runs inside the test process: what matters here is what Local Hub answers and says of the token.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.action_process import ActionRun, run_action
from tests.local_hub_process import LocalHub, local_hub

REPOSITORY = {"repository": {"kind": "eq", "value": "acme/trainer"}}
CLAIMS = REPOSITORY | {"branch": {"kind": "eq", "value": "main"}, "workflow": {"kind": "eq", "value": "publish.yml"}}
RESOURCES = {
    "acme/model": ("model", ["read", "write"]),
    "datasets/acme/d": ("dataset", ["read", "write"]),
    "spaces/acme/s": ("space", ["read", "write"]),
    "kernels/acme/k": ("kernel", ["read", "write"]),
    "buckets/acme/b": ("bucket", ["read", "write"]),
    "acme": ("user", ["read-gated"]),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub with a publisher for each kind of resource."""
    with local_hub() as running:
        for resource in RESOURCES:
            trust(running, resource)
        yield running


def trust(hub: LocalHub, resource: str) -> None:
    """Configure the trusted publisher of these tests."""
    hub.post("/local-hub/publishers", {"resource": resource, "issuerUrl": hub.issuer, "claims": CLAIMS})


def job(hub: LocalHub) -> dict[str, str]:
    """The environment of a job that the publisher trusts."""
    return hub.job(repository="acme/trainer", ref="refs/heads/main")


def introspect(hub: LocalHub, run: ActionRun) -> Any:
    """What Local Hub says of the token that later steps have."""
    token = run.exported["HF_TOKEN"]
    assert token == run.outputs["token"]
    return hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_later_step_has_a_token_for_that_resource(tmp_path: Path, hub: LocalHub, resource: str) -> None:
    """Each kind of resource is granted, with the rights of its kind; the expiry is not later than the Hub's own."""
    run = run_action(tmp_path, job(hub), {"resource": resource, "hub-url": hub.hub})
    assert (run.exit_code, run.stderr) == (0, "")
    allowed = introspect(hub, run)
    kind, can = RESOURCES[resource]
    assert (allowed["active"], allowed["resource"], allowed["kind"], allowed["can"]) == (True, resource, kind, can)
    assert run.outputs["expires-at"] <= allowed["expires_at"]
    assert run.outputs["expires-in"] == "3600"


def test_over_tls_with_a_ca_bundle(tmp_path: Path) -> None:
    """As a file in the workspace, and as text; without it the Hub is not trusted."""
    with local_hub("--tls") as hub:
        trust(hub, "acme/model")
        assert hub.ca is not None
        pem = Path(hub.ca).read_text()
        (tmp_path / "workspace").mkdir()
        (tmp_path / "workspace" / "ca.pem").write_text(pem)
        inputs = {"resource": "acme/model", "hub-url": hub.hub}
        for bundle in ("ca.pem", pem):
            run = run_action(tmp_path, job(hub), inputs | {"ca-bundle": bundle})
            assert introspect(hub, run)["active"]
        refused = run_action(tmp_path, job(hub), inputs)
    assert (refused.exit_code, refused.error_code) == (1, "tls-failed")
    assert refused.masks == []


def test_a_refusal_names_the_request_that_the_hub_logged(tmp_path: Path, hub: LocalHub) -> None:
    """The request id in the annotation is the one of the Hub's log, which knows the true reason."""
    env = hub.job(repository="acme/trainer", ref="refs/tags/v1")
    run = run_action(tmp_path, env, {"resource": "acme/model", "hub-url": hub.hub})
    logged = hub.get("/local-hub/exchanges")[0]
    assert (run.exit_code, run.error_code) == (1, "exchange-rejected")
    assert f"request id {logged['request_id']}" in run.stdout
    assert "branch" in logged["reason"]
    assert run.exported == {}


def test_each_run_has_an_id_token_of_its_own(tmp_path: Path, hub: LocalHub) -> None:
    """Nothing is kept from one run to the next."""
    env = job(hub)
    for _ in range(2):
        run_action(tmp_path, env, {"resource": "acme/model", "hub-url": hub.hub})
    first, second = hub.get("/local-hub/exchanges")[:2]
    assert first["jti"] != second["jti"]
