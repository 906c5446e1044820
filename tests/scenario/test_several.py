"""Several resources in one step: each has its own token, and all are handed over, or none.

The action runs inside the test process: what matters here is which tokens end up in which file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action_process import run_action, tokens_of
from tests.factories import id_token
from tests.local_hub_process import LocalHub, local_hub
from tests.scripted_server import Answer, Recorded, scripted_server

CLAIMS = {"repository": {"kind": "eq", "value": "acme/trainer"}}
GRANTED = {"MODEL_TOKEN": "acme/model", "DATA_TOKEN": "datasets/acme/corpus", "READER": "acme"}


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub with a publisher for each of the resources."""
    with local_hub() as running:
        for resource in GRANTED.values():
            running.post("/local-hub/publishers", {"resource": resource, "issuerUrl": running.issuer, "claims": CLAIMS})
        yield running


def lines(resources: dict[str, str]) -> str:
    """The input."""
    return "".join(f"{name}={resource}\n" for name, resource in resources.items())


def job(hub: LocalHub) -> dict[str, str]:
    """The environment of a job that the publishers trust."""
    return hub.job(repository="acme/trainer", ref="refs/heads/main")


def test_each_resource_has_its_own_token(tmp_path: Path, hub: LocalHub) -> None:
    """In its own variable and in `tokens`; `token` would be anybody's guess."""
    run = run_action(tmp_path, job(hub), {"resource": lines(GRANTED), "hub-url": hub.hub})
    assert run.exit_code == 0, run.stdout
    assert tokens_of(run) == run.exported
    assert "token" not in run.outputs
    for name, resource in GRANTED.items():
        seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {run.exported[name]}"})
        assert (seen["active"], seen["resource"]) == (True, resource)


def test_each_has_an_id_token_of_its_own(tmp_path: Path, hub: LocalHub) -> None:
    """The Hub need not accept one twice."""
    run_action(tmp_path, job(hub), {"resource": lines(GRANTED), "hub-url": hub.hub})
    assert len({entry["jti"] for entry in hub.get("/local-hub/exchanges")[:3]}) == 3


def test_every_token_is_masked_before_any_is_written(tmp_path: Path, hub: LocalHub) -> None:
    """Three ID tokens and three of the Hub's, and only then the line that says it has worked."""
    run = run_action(tmp_path, job(hub), {"resource": lines(GRANTED), "hub-url": hub.hub})
    assert set(run.exported.values()) <= set(run.masks)
    assert len(run.masks) == 6
    assert run.stdout.rindex("::add-mask::") < run.stdout.index("Logged in")


def test_one_that_has_a_name_is_a_single_one(tmp_path: Path, hub: LocalHub) -> None:
    """Its name is the variable, and `token` is set."""
    run = run_action(tmp_path, job(hub), {"resource": "MODEL_TOKEN=acme/model", "hub-url": hub.hub})
    assert run.exported == {"MODEL_TOKEN": run.outputs["token"]}


def test_if_one_is_refused_none_is_handed_over(tmp_path: Path, hub: LocalHub) -> None:
    """The error says which, and why; the other ones are fine, and say nothing."""
    wanted = GRANTED | {"OTHER": "acme/other", "MORE": "spaces/acme/more"}
    run = run_action(tmp_path, job(hub), {"resource": lines(wanted), "hub-url": hub.hub})
    assert (run.exit_code, run.exported, run.outputs) == (1, {}, {"authenticated": "false"})
    assert re.findall(r"^::error title=hf-oidc%3A exchange-rejected::(\w+) \(([^)]*)\)", run.stdout, re.MULTILINE) == [
        ("OTHER", "acme/other"),
        ("MORE", "spaces/acme/more"),
    ]
    assert "No token is delivered: 2 of 5 logins failed." in run.stdout
    assert run.summary.count("exchange-rejected") >= 2


def test_a_refusal_may_be_softened(tmp_path: Path, hub: LocalHub) -> None:
    """With `on-error: warn` the step goes on, without a token."""
    inputs = {"resource": lines(GRANTED | {"OTHER": "acme/other"}), "hub-url": hub.hub, "on-error": "warn"}
    run = run_action(tmp_path, job(hub), inputs)
    assert (run.exit_code, run.exported, run.outputs) == (0, {}, {"authenticated": "false"})
    assert run.error_code == "exchange-rejected"


def test_what_fails_for_all_is_told_once(tmp_path: Path, hub: LocalHub) -> None:
    """No permission to ask for ID tokens: one annotation, and no login was tried."""
    run = run_action(tmp_path, {"GITHUB_ACTIONS": "true"}, {"resource": lines(GRANTED), "hub-url": hub.hub})
    assert run.exit_code == 1
    assert run.stdout.count("::error") == 1
    assert run.stdout.endswith("\nNo login was tried.\n")


def test_a_wrong_line_asks_nobody(tmp_path: Path, hub: LocalHub) -> None:
    """Exit code 2, and no request."""
    before = len(hub.get("/local-hub/exchanges"))
    run = run_action(tmp_path, job(hub), {"resource": "A=acme/model\nPATH=acme/model", "hub-url": hub.hub})
    assert (run.exit_code, run.error_code) == (2, "invalid-input")
    assert len(hub.get("/local-hub/exchanges")) == before


def test_the_earliest_expiry_is_told(tmp_path: Path) -> None:
    """Later steps plan with the token that ends first."""
    lifetimes = iter([3600, 60, 1800])

    def exchange(_: Recorded) -> Answer:
        lifetime = next(lifetimes)
        return Answer({"access_token": f"hf_jwt_0123456789_{lifetime}", "token_type": "bearer", "expires_in": lifetime})

    with scripted_server({"/idtoken": Answer({"value": id_token()}), "/oauth/token": exchange}) as server:
        env = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
        }
        inputs = {"resource": lines(GRANTED), "hub-url": server.url, "audience": "https://huggingface.co"}
        run = run_action(tmp_path, env, inputs)
    assert run.outputs["expires-in"] == "60"


def test_git_is_configured_along(tmp_path: Path, hub: LocalHub) -> None:
    """Added to what the job has; the token itself is in its own variable alone."""
    env = job(hub) | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "alice"}
    run = run_action(tmp_path, env, {"resource": "acme/model", "hub-url": hub.hub, "git-credentials": "true"})
    exported = run.exported
    token = exported.pop("HF_TOKEN")
    assert int(run.exported["GIT_CONFIG_COUNT"]) > 1
    assert "GIT_CONFIG_KEY_0" not in run.exported
    assert f"credential.{hub.hub}/acme/model.helper" in run.exported.values()
    assert not any(token in value for value in exported.values())


def test_a_configuration_that_cannot_be_added_to(tmp_path: Path, hub: LocalHub) -> None:
    """Found before a token is asked for: nothing is handed over, and nothing was made in vain."""
    with scripted_server({}) as server:
        env = job(hub) | {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/mint?api-version=2.0"}
        run = run_action(
            tmp_path,
            env | {"GIT_CONFIG_COUNT": "many"},
            {"resource": "acme/model", "hub-url": server.url, "git-credentials": "true"},
        )
    assert (run.exit_code, run.error_code, run.exported) == (1, "delivery-failed", {})
    assert server.requests == []
