"""`hf-oidc doctor --try`: a release is rehearsed. The Hub is asked, and the token goes nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli_stage import PLAIN, Stage
from tests.local_hub_process import LocalHub, local_hub
from tests.scenario.test_doctor import PUSH, Told, doctor

PUBLISHER = {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"}


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub on which acme/model trusts one job."""
    with local_hub() as running:
        claims = {name: {"kind": "eq", "value": value} for name, value in PUBLISHER.items()}
        running.post("/local-hub/publishers", {"resource": "acme/model", "issuerUrl": running.issuer, "claims": claims})
        yield running


def tried(hub: LocalHub, *arguments: str, env: Mapping[str, str] | None = None, **job: Any) -> Told:
    """The doctor tries in a job of Local Hub."""
    return doctor("--hub-url", hub.hub, "--try", *arguments, env={**hub.job(**{**PUSH, **job}), **(env or {})})


def test_the_hub_accepts_this_job(hub: LocalHub) -> None:
    """The report says so, of which resource and for how long; the Hub's token is masked, and each ID token."""
    told = tried(hub, "--resource", "acme/model")
    said = " ".join(told.stdout.split())
    assert told.exit_code == 0
    assert (
        "The Hub accepts this job for acme/model, and gave a token that is valid for 3600 seconds, which was discarded."
        in said
    )
    assert "sent the ID token to the Hub, discarded the token that it got, and does not print the ID token" in said
    assert len(set(told.masks)) == 3
    assert tried(hub, "--resource", "acme/model", "--json").json["accepted"] is True


def test_the_resource_may_be_a_variable(hub: LocalHub) -> None:
    """As for any login."""
    assert tried(hub, env={"HF_OIDC_RESOURCE": "acme/model"}).exit_code == 0


def test_the_hub_refuses_this_job(hub: LocalHub) -> None:
    """The code, the cause and the publisher that would fit, as after a failed login; exit code 1."""
    told = tried(hub, "--resource", "acme/model", ref="refs/heads/feature")
    said = " ".join(told.stdout.split())
    assert told.exit_code == 1
    for expected in (
        "(exchange-rejected)",
        "To trust exactly this job",
        "This command sent the ID token to the Hub, and",
    ):
        assert expected in said
    found = tried(hub, "--resource", "acme/model", "--json", ref="refs/heads/feature").json
    assert (found["accepted"], found["ok"], found["problem"]["code"]) == (False, False, "exchange-rejected")
    assert found["publisher"]["fields"]["branch"] == "feature"


def test_no_publisher_is_there(hub: LocalHub) -> None:
    """The page on which to add one is told."""
    told = tried(hub, "--resource", "datasets/acme/none")
    assert (told.exit_code, f"{hub.hub}/datasets/acme/none/settings" in told.stdout) == (1, True)


def test_what_is_expected_counts_even_if_the_hub_accepts(hub: LocalHub) -> None:
    """A publisher may accept more than its owner meant."""
    told = tried(hub, "--resource", "acme/model", "--expect", "environment=release")
    assert (told.exit_code, "refuses this job" in told.stdout) == (1, True)


def test_without_an_id_token_nothing_is_tried() -> None:
    """The report says why there is none, and that the Hub was not asked."""
    told = doctor("--try", "--resource", "acme/model", "--json", env={"GITHUB_ACTIONS": "true"})
    assert (told.exit_code, told.json["accepted"]) == (1, None)
    assert told.json["problem"]["code"] == "id-token-permission-missing"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--try needs --resource, or HF_OIDC_RESOURCE"),
        (("--resource", "acme/a,acme/b"), "several resources"),
        (("--resource", "models/acme/a"), "Did you mean `acme/a`?"),
    ],
)
def test_a_resource_is_needed(hub: LocalHub, arguments: tuple[str, ...], said: str) -> None:
    """One, in the form that the Hub has; nothing is requested else."""
    told = tried(hub, *arguments)
    assert (told.exit_code, told.stdout, told.masks) == (2, "", [])
    assert said in told.stderr


def test_a_fault_that_passes_is_met_as_a_login_meets_it(hub: LocalHub) -> None:
    """With another attempt, of which nothing is said."""
    hub.post("/local-hub/faults", {"path": "/oauth/token", "faults": ["503"]})
    assert tried(hub, "--resource", "acme/model").exit_code == 0


def test_the_token_is_nowhere(stage: Stage, tmp_path: Path) -> None:
    """Not in the report, not in a file, and no variable is set for later steps."""
    later = tmp_path / "github_env"
    later.touch()
    job = {"GITHUB_ACTIONS": "true", "GITHUB_ENV": str(later), "HF_OIDC_ID_TOKEN": stage.id_token}
    run = stage.run("doctor", "--try", "--resource", "acme/model", "--json", env=job)
    assert (run.exit_code, json.loads(run.stdout)["accepted"]) == (0, True)
    assert (later.read_text(), PLAIN in run.stdout + run.stderr) == ("", False)
