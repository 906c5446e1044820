"""What is said first of the failures that a new user meets: the next step fits this job, this URL, this machine.

The action and `hf-oidc` run inside the test process: what they say is the subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action_process import run_action
from tests.cli_process import CliRun, run_cli
from tests.factories import id_token
from tests.local_hub_process import LocalHub, local_hub

MODEL = "acme/model"
NOWHERE = "https://hub.nosuch.invalid"
# A port on which nothing listens.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub whose publisher names `main`, on GitHub and on GitLab."""
    with local_hub() as running:
        for issuer, claims in (
            (running.issuer, {"repository": "acme/trainer", "branch": "main"}),
            (f"{running.hub}/oidc/gitlab", {"project_path": "acme/training", "ref": "main", "ref_protected": "true"}),
        ):
            wire = {name: {"kind": "eq", "value": value} for name, value in claims.items()}
            running.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": issuer, "claims": wire})
        yield running


def following(run: CliRun) -> str:
    """The next step."""
    return run.stderr.partition("\nNext: ")[2].partition("\n")[0]


def test_a_side_branch_is_told_to_look_at_the_branch(hub: LocalHub, tmp_path: Path) -> None:
    """In the action's annotation and summary; a publisher for the side branch is nobody's first step."""
    job = hub.job(repository="acme/trainer", ref="refs/heads/feature-x")
    run = run_action(tmp_path, job, {"resource": MODEL, "hub-url": hub.hub})
    assert run.error_code == "exchange-rejected"
    first = next(line for line in run.stdout.splitlines() if line.startswith("::error"))
    assert "Likely cause: This job runs for the branch `feature-x`." in first
    assert "Next: The Hub does not say what differs, so check the branch first." in first
    assert "add a publisher" not in first
    assert "It is only for the branch `feature-x`." in run.summary


def test_the_same_on_another_ci_and_by_the_doctor(hub: LocalHub, tmp_path: Path) -> None:
    """Before the login, too: what the doctor suggests says which branch it is for."""
    env = hub.post("/local-hub/jobs", {"ci": "gitlab", "claims": {"ref": "feature-x", "ref_protected": "false"}})["env"]
    run = run_cli(tmp_path, "token", MODEL, "--hub-url", hub.hub, env=env, secrets=[env["HF_ID_TOKEN"]])
    assert "Likely cause: This job runs for the branch `feature-x`." in run.stderr
    assert following(run).startswith("The Hub does not say what differs, so check the branch first.")
    run = run_cli(tmp_path, "doctor", "--hub-url", hub.hub, env=env, secrets=[env["HF_ID_TOKEN"]])
    assert run.exit_code == 0
    assert "CAREFUL  This job runs for the branch feature-x." in run.stdout
    assert "It is only for the branch feature-x." in " ".join(run.stdout.split())


@pytest.mark.parametrize("name", ["option", "endpoint"])
@pytest.mark.parametrize("url", [NOWHERE, NOBODY])
def test_a_url_where_nobody_answers_is_what_to_check(url: str, name: str, tmp_path: Path) -> None:
    """With where it comes from; nobody is told that nothing is to be changed."""
    token = id_token(url)
    arguments, source = (["--hub-url", url], "`--hub-url`") if name == "option" else ([], "`$HF_ENDPOINT`")
    env = {"HF_OIDC_ID_TOKEN": token} | ({"HF_ENDPOINT": url} if name == "endpoint" else {})
    run = run_cli(tmp_path, "token", MODEL, "--timeout", "1", *arguments, env=env, secrets=[token])
    assert run.exit_code == 1
    assert following(run).startswith(f"Check the Hub's URL first: `{url}` comes from {source}.")
    assert "do not change" not in run.stderr.lower()


def test_the_action_names_its_own_input(tmp_path: Path) -> None:
    """Or the variable, where the input is empty."""
    for inputs, env, source in (
        ({"hub-url": NOBODY}, {}, "`hub-url`"),
        ({"hub-url": ""}, {"HF_ENDPOINT": NOBODY}, "`$HF_ENDPOINT`"),
    ):
        given = {"resource": MODEL, "timeout": "1", "id-token": id_token(NOBODY), **inputs}
        run = run_action(tmp_path, {"GITHUB_ACTIONS": "true", **env}, given)
        assert f"Next: Check the Hub's URL first: `{NOBODY}` comes from {source}." in run.stdout.replace("%3A", ":")


def test_attempts_are_not_said_to_be_what_the_job_is(tmp_path: Path) -> None:
    """The group in the log is called by what is in it."""
    given = {"resource": MODEL, "timeout": "2", "id-token": id_token(NOBODY), "hub-url": NOBODY}
    run = run_action(tmp_path, {"GITHUB_ACTIONS": "true"}, given)
    assert "::group::hf-oidc: the attempts\nAttempts:\n" in run.stdout
    assert "what this job is" not in run.stdout


def test_a_proxy_that_cannot_be_reached_is_what_to_check(tmp_path: Path) -> None:
    """Before the URL: nothing else was reached."""
    token = id_token()
    env = {"HF_OIDC_ID_TOKEN": token, "HTTPS_PROXY": NOBODY}
    run = run_cli(tmp_path, "token", MODEL, "--timeout", "1", env=env, secrets=[token])
    assert following(run).startswith(
        "Check the proxy first: this machine reaches `huggingface.co` through `127.0.0.1:9`"
    )


@pytest.mark.parametrize("command", [["token", MODEL], ["env", MODEL], ["run", MODEL, "--", "true"], ["doctor"]])
def test_on_a_laptop_a_person_is_told_what_a_person_wants(command: list[str], tmp_path: Path) -> None:
    """Their own login, a check before a push, Local Hub to try; and the way on, if it is a CI after all."""
    run = run_cli(tmp_path, *command, env={}, secrets=[])
    assert run.exit_code == 1
    said = " ".join((run.stdout + run.stderr).split())
    for expected in (
        "this looks like your own machine",
        "hf auth login",
        "hf-oidc doctor --workflow .github/workflows/publish.yml",
        "docs/local-hub.md",
        "`--provider`",
        "`--id-token-file`",
    ):
        assert expected in said


def test_in_a_ci_that_is_not_known_nobody_is_told_of_a_laptop(tmp_path: Path) -> None:
    """Nearly every CI sets CI: there the provider is named, or an ID token handed over."""
    run = run_cli(tmp_path, "token", MODEL, env={"CI": "true"}, secrets=[])
    assert "hf auth login" not in run.stderr
    assert following(run).startswith("Name the CI or the cloud of this job with `--provider`, or pass an ID token")
