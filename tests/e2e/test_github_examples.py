"""The further examples for GitHub, as they are written, on a real workflow engine and against Local Hub.

Local Hub's issuer describes each job as GitHub would. act does not: it hands the means to ask for an ID token to every
job, whatever its `permissions` say, gives all jobs of a run the same identity, and knows no environments with rules. So
what these tests cannot show is that GitHub grants what `permissions` and `environment` ask for. A pull request from a
fork has no such means here, as on GitHub; but act says so of itself (`ACT=true`), and the log then gives that as the
reason. Of a matrix with one job that fails, act calls every job failed, though the others' steps have run to their end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.runner import Event, Runner, WorkflowRun
from tests.e2e.story import (
    EXAMPLES,
    GITHUB_ISSUER,
    REPOSITORY,
    REQUEST_TOKEN,
    Publisher,
    configure,
    job_identity,
    publishers,
    trust,
)
from tests.e2e.test_act import assert_nothing_leaked, outcomes, uses
from tests.local_hub_process import LocalHub, ServedHub, local_hub, local_hub_here

MAIN, TAG, PULL_REQUEST = "refs/heads/main", "refs/tags/v1.2.0", "refs/pull/7/merge"
GHES = "https://github.example.com/_services/token"
HUGGING_FACE = "https://huggingface.co"
CALLED = ".github/workflows/reusable-publish.yml"


def pull_request_of(head: str) -> Event:
    """A pull request that merges a branch of the repository `head`."""
    base = {"ref": "main", "repo": {"full_name": REPOSITORY}}
    branch = {"ref": "patch-1", "repo": {"full_name": head}}
    return Event("pull_request", {"number": 7, "pull_request": {"number": 7, "head": branch, "base": base}})


@dataclass(frozen=True)
class Story:
    """How GitHub would run an example: what starts it, what its ID tokens say, and what it is given tokens for.

    `job`: besides the repository and the workflow. `files`: the checkout's, besides the example and train.py. `told`:
    what its log has, where more than the tokens is to be seen.
    """

    granted: tuple[str, ...]
    ref: str = MAIN
    event: Event = field(default_factory=Event)
    job: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    told: str = ""


SIZES = tuple(f"acme/awesome-model-{size}" for size in ("base", "large", "small"))
STORIES = {
    "download-gated.yml": Story(("alice",)),
    "publish-dataset-and-space.yml": Story(("datasets/acme/corpus", "spaces/acme/corpus-viewer")),
    "publish-with-git.yml": Story(("acme/awesome-model",)),
    "matrix.yml": Story(SIZES),
    "call-reusable.yml": Story(
        ("acme/awesome-model",), job={"job_workflow_ref": f"{REPOSITORY}/{CALLED}@{MAIN}"}, files=(CALLED,)
    ),
    "release-tag.yml": Story(
        ("acme/awesome-model",),
        TAG,
        Event("push", {"ref": TAG}),
        {"environment": "release"},
        told="--commit-message Release v1.2.0\n",
    ),
    "pull-requests.yml": Story(
        ("alice",),
        PULL_REQUEST,
        pull_request_of(REPOSITORY),
        {"event_name": "pull_request", "head_ref": "patch-1", "base_ref": "main"},
        told="tested\n",
    ),
    "enterprise.yml": Story(("acme/awesome-model",)),
    "migrate-with-fallback.yml": Story(("acme/awesome-model",), told="HF_TOKEN is from the login\n"),
    "deploy-space.yml": Story(("spaces/acme/corpus-viewer",)),
    "review-before-publishing.yml": Story(("acme/awesome-model",), job={"environment": "publish"}),
    "hub-sync.yml": Story(("spaces/acme/corpus-viewer",)),
    "push-dataset.yml": Story(("datasets/acme/corpus",)),
    "publish-with-javascript.yml": Story(("acme/awesome-model",)),
}
ON_GITHUB = [name for name in STORIES if name != "enterprise.yml"]
# What they publish with has no stand-in: test_several_and_git and test_library_examples run them.
WITH_OTHERS = {"publish-with-git.yml", "hub-sync.yml", "push-dataset.yml", "publish-with-javascript.yml"}
WITH_HF = [name for name in ON_GITHUB if name not in WITH_OTHERS]


def text(name: str) -> str:
    """The example's file."""
    return (EXAMPLES / name).read_text(encoding="utf-8")


def job(name: str) -> dict[str, Any]:
    """The job that the example's publisher is to trust, as GitHub would describe it."""
    story = STORIES[name]
    where = {"ref": story.ref, "workflow_ref": f"{REPOSITORY}/.github/workflows/{name}@{story.ref}"}
    return {"repository": REPOSITORY, "workflow": yaml.safe_load(text(name))["name"], **where, **story.job}


def run(runner: Runner, folder: Path, name: str, env: Mapping[str, str], **options: Any) -> WorkflowRun:
    """Start the example by its story's event, unless told otherwise."""
    files = {path: text(Path(path).name) for path in STORIES[name].files} | options.pop("files", {})
    files["test.py"] = "print('tested')\n"
    return runner.run(folder, text(name), env, files, name=name, **{"event": STORIES[name].event, **options})


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts nobody yet."""
    with local_hub() as running:
        yield running


@pytest.fixture
def hub_here() -> Iterator[ServedHub]:
    """The same, inside this process: for what no engine asks."""
    with local_hub_here() as running:
        yield running


def test_every_example_is_told_here() -> None:
    """But for those that other tests tell, and the workflow that another one calls."""
    elsewhere = {"publish-model.yml", "train-for-hours.yml", "long-job-agent.yml", "reusable-publish.yml"}
    assert {path.name for path in EXAMPLES.glob("*.yml")} == {*STORIES, *elsewhere}


@pytest.mark.parametrize("name", STORIES)
def test_it_begins_with_the_publishers_to_configure(name: str) -> None:
    """One for each resource that it logs in to."""
    assert sorted(publisher.resource for publisher in publishers(text(name))) == sorted(STORIES[name].granted)
    assert all(publisher.claims for publisher in publishers(text(name)))


def test_a_called_workflow_asks_for_the_publisher_of_its_caller() -> None:
    """Both files say the same, and neither names a workflow: it is not known which of them the Hub would look at."""
    called, caller = (publishers(text(name)) for name in ("reusable-publish.yml", "call-reusable.yml"))
    assert called == caller
    assert "workflow" not in caller[0].claims


@pytest.mark.parametrize("name", STORIES)
def test_least_rights(name: str) -> None:
    """Nothing for the workflow. A job may read what it checks out, and ask for an ID token if it logs in."""
    for file in (name, *(Path(path).name for path in STORIES[name].files)):
        workflow = yaml.safe_load(text(file))
        assert workflow["permissions"] == {}
        for each in workflow["jobs"].values():
            used = [step.get("uses", "") for step in each.get("steps", [])]
            calls = "uses" in each
            needed = {"contents": "read"} if calls or any("actions/checkout@" in use for use in used) else {}
            logs_in = calls or any("hf-oidc-action" in use for use in used)
            assert each["permissions"] == needed | ({"id-token": "write"} if logs_in else {})


# The others are to go on: with a stored token, or without what only a member of the repository may read.
ENDS_WITHOUT_A_LOGIN = [name for name in STORIES if name not in {"migrate-with-fallback.yml", "pull-requests.yml"}]


@pytest.mark.parametrize("name", ENDS_WITHOUT_A_LOGIN)
def test_a_refused_login_publishes_nothing(name: str) -> None:
    """No step runs in spite of the login's failure. test_act shows that such a job then ends at the login."""
    for file in (name, *(Path(path).name for path in STORIES[name].files)):
        for each in yaml.safe_load(text(file))["jobs"].values():
            assert "continue-on-error" not in each
            for step in each.get("steps", []):
                assert not {"if", "continue-on-error"} & step.keys()
                assert "on-error" not in step.get("with", {})


CLAIMS = [(name, claim) for name in ON_GITHUB for claim in publishers(text(name))[0].claims]


@pytest.mark.parametrize(("name", "claim"), CLAIMS)
def test_every_claim_of_the_publisher_counts(name: str, claim: str, hub_here: ServedHub) -> None:
    """The job is trusted with the publisher as it is written, and not with one that has another value there."""
    trust(hub_here, text(name), **{claim: "another"})
    for resource in STORIES[name].granted:
        assert hub_here.exchange(hub_here.id_token(**job(name)), resource).status_code == 400
    trust(hub_here, text(name))
    for resource in STORIES[name].granted:
        assert hub_here.exchange(hub_here.id_token(**job(name)), resource).status_code == 200


@pytest.mark.parametrize("name", WITH_HF)
def test_it_runs_as_it_is_written(name: str, runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """Each login is granted, each token is used for what it is good for, and no log shows any."""
    trust(hub, text(name))
    env = job_identity(hub, job(name))
    done = run(runner, tmp_path, name, env)
    assert done.exit_code == 0, done.log
    assert outcomes(hub) == ["granted"] * len(STORIES[name].granted)
    assert sorted(uses(hub)) == [(resource, True) for resource in STORIES[name].granted]
    assert len(set(done.tokens.values())) == len(STORIES[name].granted)
    assert STORIES[name].told in done.log
    assert_nothing_leaked(done, env[REQUEST_TOKEN])


def test_the_stored_token_is_used_while_the_login_fails(runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """The example of a migration says so in a warning, and publishes; the stored token is in no log either."""
    name = "migrate-with-fallback.yml"
    (publisher,) = publishers(text(name))
    configure(hub, publisher)
    stored = hub.exchange(hub.id_token(**job(name)), publisher.resource).raise_for_status().json()["access_token"]
    env = job_identity(hub, {**job(name), "ref": "refs/heads/another"})
    done = run(runner, tmp_path, name, env, secrets={"HF_TOKEN": stored})
    assert done.exit_code == 0, done.log
    assert outcomes(hub) == ["refused", "granted"]
    assert "HF_TOKEN is the stored secret, because the login failed" in done.log_of("Say which token is used")
    assert done.tokens["upload"] == stored
    assert_nothing_leaked(done, stored, env[REQUEST_TOKEN])


def test_what_was_not_reviewed_is_not_published(hub_here: ServedHub) -> None:
    """A job outside of the environment gets no token, on the same branch and from the same file."""
    name = "review-before-publishing.yml"
    trust(hub_here, text(name))
    elsewhere = {key: value for key, value in job(name).items() if key != "environment"}
    assert hub_here.exchange(hub_here.id_token(**elsewhere), "acme/awesome-model").status_code == 400
    assert hub_here.exchange(hub_here.id_token(**job(name)), "acme/awesome-model").status_code == 200


def test_a_branch_keeps_a_tag_and_a_pull_request_out(hub_here: ServedHub) -> None:
    """As their examples say: neither is on a branch, so no publisher that names one fits."""
    for name in ("release-tag.yml", "pull-requests.yml"):
        (publisher,) = publishers(text(name))
        for branch in ("main", "v1.2.0", "patch-1", STORIES[name].ref):
            configure(hub_here, publisher, branch=branch)
        assert hub_here.exchange(hub_here.id_token(**job(name)), publisher.resource).status_code == 400


def test_a_tag_fits_a_publisher_without_a_branch(hub_here: ServedHub) -> None:
    """As its example says, with the drawback that any branch does, too."""
    publisher = Publisher(
        "acme/awesome-model", GITHUB_ISSUER, {"repository": REPOSITORY, "workflow": "release-tag.yml"}
    )
    configure(hub_here, publisher)
    tag = job("release-tag.yml")
    branch = {name: value.replace(TAG, "refs/heads/mine") for name, value in tag.items()}
    for each in (tag, branch):
        assert hub_here.exchange(hub_here.id_token(**each), publisher.resource).status_code == 200


def test_a_called_workflow_can_be_trusted_by_its_own_name(hub_here: ServedHub) -> None:
    """As its comment says: with the raw claim; a job of another workflow of that branch is refused."""
    called = job("call-reusable.yml")
    claims = {"repository": REPOSITORY, "job_workflow_ref": called["job_workflow_ref"]}
    configure(hub_here, Publisher("acme/awesome-model", GITHUB_ISSUER, claims))
    assert hub_here.exchange(hub_here.id_token(**called), "acme/awesome-model").status_code == 200
    assert hub_here.exchange(hub_here.id_token(**job("matrix.yml")), "acme/awesome-model").status_code == 400


def test_a_refused_model_stops_no_other(runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """One of the matrix's models trusts another branch: the two others are published, and the run has failed."""
    for publisher in publishers(text("matrix.yml")):
        configure(hub, publisher, **{"branch": "release"} if "base" in publisher.resource else {})
    done = run(runner, tmp_path, "matrix.yml", job_identity(hub, job("matrix.yml")))
    assert done.exit_code != 0
    assert sorted(outcomes(hub)) == ["granted", "granted", "refused"]
    assert sorted(uses(hub)) == [(size, True) for size in SIZES if "base" not in size]
    assert_nothing_leaked(done)


def test_a_pull_request_from_a_fork_goes_on_without_a_login(runner: Runner, hub: LocalHub, tmp_path: Path) -> None:
    """It has no means to ask for an ID token: a warning, the public model, and the tests."""
    trust(hub, text("pull-requests.yml"))
    fork = pull_request_of("mallory/awesome-model-training")
    done = run(runner, tmp_path, "pull-requests.yml", {"HF_ENDPOINT": hub.hub}, event=fork)
    assert done.exit_code == 0, done.log
    assert outcomes(hub) == []
    assert done.ran("Download the public model")
    assert not done.ran("Download the gated model")
    assert "tested\n" in done.log_of("Test")


def test_github_enterprise_server_and_a_mirror(runner: Runner, tmp_path: Path) -> None:
    """Its issuer, both certificates from the company's authorities, and the audience of the Hub behind the mirror.

    A second Local Hub stands for GitHub Enterprise Server. The Hub has its keys in its configuration, for this machine
    cannot reach an issuer of that name.
    """
    name = "enterprise.yml"
    with local_hub("--tls") as ghes:
        config = tmp_path / "hub.yaml"
        jwks = ghes.get("/oidc/github/.well-known/jwks")
        config.write_text(yaml.safe_dump({"issuers": [{"url": GHES, "jwks": jwks}]}))
        with local_hub("--tls", "--config", str(config), "--audience", HUGGING_FACE) as hub:
            env = job_identity(ghes, {**job(name), "claims": {"iss": GHES}})
            del env["HF_ENDPOINT"]
            id_token = ghes.id_token(HUGGING_FACE, **job(name), claims={"iss": GHES})
            assert hub.exchange(id_token, "acme/awesome-model").status_code == 400
            trust(hub, text(name))
            authorities = "".join(Path(each.ca or "").read_text() for each in (ghes, hub))
            files = {"certs/company-ca.pem": authorities}
            done = run(runner, tmp_path, name, env, files=files, variables={"HF_ENDPOINT": hub.hub})
            assert outcomes(hub) == ["granted", "refused"]
            assert uses(hub) == [("acme/awesome-model", True)]
    assert done.exit_code == 0, done.log
    assert_nothing_leaked(done, env[REQUEST_TOKEN])
