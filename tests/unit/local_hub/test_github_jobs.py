"""Job descriptions, and the claims and variables that GitHub gives such jobs."""

from typing import Any

import pytest

from local_hub.fields import FieldError
from local_hub.issuers.base import Handout
from local_hub.issuers.registry import read_job

GITHUB_CLAIMS = {
    "aud",
    "iss",
    "sub",
    "exp",
    "iat",
    "nbf",
    "jti",
    "actor",
    "actor_id",
    "base_ref",
    "check_run_id",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref",
    "ref_type",
    "ref_protected",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_id",
    "run_number",
    "run_attempt",
    "runner_environment",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
}


def claims(**description: Any) -> dict[str, Any]:
    """The claims of a job."""
    return read_job({"repository": "o/r", **description}).id_token_claims("https://i", "https://a", "id", 1000)


def test_the_claims_are_those_of_github() -> None:
    """Optional claims are left out, not left empty."""
    assert set(claims()) == GITHUB_CLAIMS
    assert set(claims(environment="prod", enterprise="corp")) == GITHUB_CLAIMS | {"environment", "enterprise"}


def test_all_but_times_are_strings() -> None:
    """IDs and booleans are strings, as in GitHub's tokens."""
    times = {"exp", "iat", "nbf"}
    made = claims(run_id=7, ref_protected=True)
    assert {name for name, value in made.items() if not isinstance(value, str)} == times
    assert (made["run_id"], made["ref_protected"]) == ("7", "true")
    assert (made["nbf"], made["iat"], made["exp"]) == (1000, 1000, 1300)


@pytest.mark.parametrize(
    ("description", "ending"),
    [
        ({}, ":ref:refs/heads/main"),
        ({"ref": "refs/tags/v1"}, ":ref:refs/tags/v1"),
        ({"event_name": "pull_request"}, ":pull_request"),
        ({"environment": "a:b", "event_name": "pull_request"}, ":environment:a%3Ab"),
    ],
)
def test_the_subject_has_immutable_ids(description: dict[str, str], ending: str) -> None:
    """`sub` has the form of new repositories."""
    ids = {"repository_id": "2", "repository_owner_id": "1"}
    assert claims(**ids, **description)["sub"] == f"repo:o@1/r@2{ending}"


def test_workflow_refs_follow_the_job() -> None:
    """`job_workflow_ref` differs from `workflow_ref` only if the description sets it."""
    assert (
        claims()["job_workflow_ref"] == claims()["workflow_ref"] == "o/r/.github/workflows/publish.yml@refs/heads/main"
    )
    called = claims(job_workflow_ref="x/y/.github/workflows/z.yml@refs/tags/v1")
    assert called["workflow_ref"] != called["job_workflow_ref"] == "x/y/.github/workflows/z.yml@refs/tags/v1"


def test_given_claims_are_merged_last() -> None:
    """A description can replace any claim, and None removes one."""
    changed = claims(claims={"actor": 7, "sha": None, "d": False})
    assert changed == {name: value for name, value in claims().items() if name != "sha"} | {"actor": 7, "d": False}


@pytest.mark.parametrize(
    ("ref", "name", "kind"),
    [
        ("refs/heads/a/b", "a/b", "branch"),
        ("refs/tags/v1", "v1", "tag"),
        ("refs/pull/1/merge", "1/merge", "branch"),
    ],
)
def test_the_environment_is_the_runners(ref: str, name: str, kind: str) -> None:
    """Ref names have GitHub's short form."""
    handout = Handout("", "https://i/idtoken", "secret", "", "")
    env = read_job({"repository": "o/r", "ref": ref}).environment(handout)
    assert (env["GITHUB_REF"], env["GITHUB_REF_NAME"], env["GITHUB_REF_TYPE"]) == (ref, name, kind)
    assert (env["GITHUB_ACTIONS"], env["GITHUB_REPOSITORY"], env["GITHUB_WORKFLOW"]) == ("true", "o/r", "Publish")


@pytest.mark.parametrize(
    ("description", "named"),
    [
        (None, "job"),
        ([], "job"),
        ({}, "job.repository"),
        ({"repository": "r"}, "job.repository"),
        ({"repository": "o/r", "refs": "x", "branch": "y"}, "branch, refs"),
        ({"repository": "o/r", "ref": ["x"]}, "job.ref"),
        ({"repository": "o/r", "ref": ""}, "job.ref"),
        ({"repository": "o/r", "claims": []}, "job.claims"),
    ],
)
def test_a_wrong_description_is_refused_by_name(description: object, named: str) -> None:
    """The message names the field."""
    with pytest.raises(FieldError) as caught:
        read_job(description)
    assert named in str(caught.value)
