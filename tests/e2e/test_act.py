"""The example workflow on a real workflow engine: the action is built, run, and its token used by later steps."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.runner import Runner, WorkflowRun
from tests.e2e.story import EXAMPLE, MODEL, REQUEST_TOKEN, job_identity, recorded_minting, trust
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

RESOURCE = f"          resource: {MODEL}\n"
UPLOAD = re.compile(r"hf upload .*")
LOGIN_STEP, UPLOAD_STEP, READ_STEP = (
    "Log in to the Hugging Face Hub",
    "Upload the model",
    "Read back what was published",
)
# Any ID token, also one that the test has not seen: both segments of a JWT begin as `{"` does in base64.
JWT = re.compile(r"eyJ[\w-]+\.eyJ")


def with_input(line: str) -> str:
    """The example with one more input of the action."""
    assert EXAMPLE.count(RESOURCE) == 1
    return EXAMPLE.replace(RESOURCE, f"{RESOURCE}          {line}\n")


def assert_nothing_leaked(run: WorkflowRun, *secrets: str) -> None:
    """Search the log for the tokens that the later steps saw, for `secrets`, and for any JWT."""
    assert not leaks({*run.tokens.values(), *secrets}, {"the log": run.log.encode()})
    assert not JWT.search(run.log)


def uses(hub: LocalHub) -> list[tuple[str, bool]]:
    """For each time that the Hub was shown a token: what it is for, and whether it is active."""
    return [(seen["resource"], seen["active"]) for seen in hub.get("/local-hub/introspections")]


def outcomes(hub: LocalHub) -> list[str]:
    """How each exchange ended."""
    return [exchange["outcome"] for exchange in hub.get("/local-hub/exchanges")]


def assert_published(run: WorkflowRun, hub: LocalHub, minted: Sequence[str], job: Mapping[str, str]) -> None:
    """One ID token and one exchange gave both later steps the same token, which works, and no log shows any."""
    assert run.exit_code == 0, run.log
    assert outcomes(hub) == ["granted"]
    assert uses(hub) == [(MODEL, True), (MODEL, True)]
    assert run.tokens["upload"] == run.tokens["download"]
    assert len(minted) == 1
    assert_nothing_leaked(run, *minted, job[REQUEST_TOKEN])


def test_the_example_publishes_as_it_is_written(runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """One exchange gives later steps a token that works, by environment and by output, and that no log shows."""
    job = job_identity(hub)
    with recorded_minting(job) as (env, minted):
        run = runner.run(tmp_path, EXAMPLE, env)
    assert_published(run, hub, minted, job)
    for step in (UPLOAD_STEP, READ_STEP):
        assert "the token is ***\n" in run.log_of(step)


def test_the_token_can_be_kept_out_of_the_environment(runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """With `export-env: false` later steps have no HF_TOKEN, and the output works."""
    workflow, changed = UPLOAD.subn('echo "HF_TOKEN is ${HF_TOKEN-absent}"', with_input("export-env: false"))
    assert changed == 1
    env = job_identity(hub)
    run = runner.run(tmp_path, workflow, env)
    assert run.exit_code == 0, run.log
    assert "HF_TOKEN is absent\n" in run.log_of(UPLOAD_STEP)
    assert uses(hub) == [(MODEL, True)]
    assert_nothing_leaked(run, env[REQUEST_TOKEN])


def test_a_refused_login_ends_the_job(runner: Runner, tmp_path: Path) -> None:
    """Where the Hub trusts another branch, the log says what and which request, and no later step runs."""
    with local_hub() as hub:
        trust(hub, branch="release")
        job = job_identity(hub)
        with recorded_minting(job) as (env, minted):
            run = runner.run(tmp_path, EXAMPLE, env)
        (refused,) = hub.get("/local-hub/exchanges")
        assert uses(hub) == []
    assert run.exit_code != 0
    assert refused["outcome"] == "refused"
    assert "exchange-rejected" in run.log_of(LOGIN_STEP)
    assert refused["request_id"] in run.log_of(LOGIN_STEP)
    assert not run.ran(UPLOAD_STEP)
    assert not run.ran(READ_STEP)
    assert_nothing_leaked(run, *minted, job[REQUEST_TOKEN])
