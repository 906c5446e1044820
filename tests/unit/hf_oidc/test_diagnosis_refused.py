"""A refusal without a reason: what most often causes it in this very job comes first, and is not asserted.

The order is branch, workflow file, repository. One row a kind of job, in each CI's own claims.
"""

from __future__ import annotations

from typing import Any

import pytest

from hf_oidc.errors import ExchangeRejected
from hf_oidc.explain import markdown, text
from hf_oidc.explain.entry_point import COMMAND
from hf_oidc.explain.publisher import NoSuggestion, Suggestion
from hf_oidc.explain.report import Diagnosis, diagnose
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.facts import all_facts
from tests import example_jobs
from tests.example_jobs import PLAYED
from tests.factories import HUB, github_claims

MODEL = Resource.parse("acme/model")
REFUSED = "The Hub refused the exchange: invalid_grant"
NO_PUBLISHER = 'The Hub refused the exchange: invalid_grant, "No trusted publisher configured on acme/model"'
CALLED = "acme/workflows/.github/workflows/release.yml@refs/tags/v3"
ENTERPRISE = "https://token.actions.githubusercontent.com/acme-corp"
SIDE = "refs/heads/feature-x"
QUEUE = "refs/heads/gh-readonly-queue/main/pr-7-0123abc"


def job(name: str, **claims: Any) -> dict[str, Any]:
    """The claims of a job of that CI, for the Hub, on `main` unless `claims` say otherwise."""
    if name == "github":
        return github_claims(**claims)
    return {**example_jobs.claims(name), "aud": HUB, **claims}


def refused(claims: dict[str, Any], said: str = REFUSED) -> Diagnosis:
    """The diagnosis of a job whose login the Hub refused."""
    error = ExchangeRejected(said)
    error.provider, error.unverified_claims = "supplied", claims
    return diagnose(error, MODEL, HUB, entry_point=COMMAND)


# The claim that a publisher names first.
FIRST = {name: next(iter(facts.claims)) for name, facts in all_facts().items()}
VCS_REF = "oidc.circleci.com/vcs-ref"
JOBS: list[tuple[dict[str, Any], list[str]]] = [
    # The branch may be the cause.
    (job("github", ref=SIDE), ["other-branch", "workflow-file", "repository"]),
    (job("github", ref="refs/heads/master"), ["other-branch", "workflow-file", "repository"]),
    (job("github", ref=SIDE, event_name="workflow_dispatch"), ["other-branch", "workflow-file", "repository"]),
    (job("github", ref=SIDE, workflow="Publish"), ["other-branch", "display-name", "repository"]),
    (job("github", ref=SIDE, job_workflow_ref=CALLED), ["other-branch", "reusable-workflow", "repository"]),
    (job("github", ref=SIDE, repository_owner="Acme"), ["other-branch", "letter-case", "workflow-file"]),
    (job("github", ref="refs/heads/trunk", event_name="schedule"), ["default-branch", "workflow-file", "repository"]),
    (job("github", ref=QUEUE, event_name="merge_group"), ["merge-queue"]),
    (job("github", ref="refs/tags/v1"), ["tag"]),
    (job("github", ref="refs/pull/7/merge", event_name="pull_request"), ["pull-request"]),
    (
        job("github", ref=SIDE, event_name="pull_request_target"),
        ["other-branch", "pull-request-target", "workflow-file", "repository"],
    ),
    (job("github", iss=ENTERPRISE, ref=SIDE), ["other-branch", "enterprise-issuer", "repository"]),
    (job("github", iss=ENTERPRISE, ref="refs/tags/v1"), ["other-tag", "enterprise-issuer"]),
    (job("forgejo", ref=SIDE), ["other-branch", "repository"]),
    (job("forgejo", ref="refs/pull/7/head", event_name="pull_request"), ["merge-request"]),
    (job("gitlab", ref="feature-x"), ["other-branch", "repository"]),
    (job("gitlab", ref="feature-x", ref_protected="false"), ["other-branch", "repository"]),
    (job("gitlab", ref_protected="false"), ["unprotected-branch", "repository"]),
    (job("gitlab", ref="v1", ref_type="tag"), ["other-tag"]),
    (job("gitlab", ref="feature-x", pipeline_source="merge_request_event"), ["merge-request"]),
    (job("circleci", **{VCS_REF: SIDE}), ["other-branch", "claim"]),
    (job("circleci", **{VCS_REF: "refs/heads/pull/7"}), ["other-branch", "claim"]),
    (job("circleci", **{VCS_REF: "refs/tags/v1"}), ["other-tag"]),
    (job("bitbucket", branchName="feature-x"), ["other-branch", "claim"]),
    (job("buildkite", build_branch="feature-x"), ["other-branch", "claim"]),
    (job("buildkite", build_tag="v1"), ["other-tag"]),
    (job("codefresh", scm_ref="feature-x"), ["other-branch", "claim"]),
    (job("codefresh", scm_pull_request_target_branch="main"), ["merge-request"]),
    # It cannot: the workflow file, then the repository.
    (job("github"), ["workflow-file", "repository"]),
    (job("github", event_name="schedule"), ["workflow-file", "repository"]),
    (job("github", workflow="Publish"), ["display-name", "repository"]),
    (job("github", workflow=".github/workflows/publish.yml"), ["workflow-file", "repository"]),
    (job("github", job_workflow_ref=CALLED), ["reusable-workflow", "repository"]),
    (job("github", repository_owner="Acme"), ["letter-case", "workflow-file"]),
    (job("github", event_name="pull_request_target"), ["pull-request-target", "workflow-file", "repository"]),
    (job("github", workflow_ref=None), ["repository"]),
    (job("github", iss=ENTERPRISE), ["enterprise-issuer", "repository"]),
    *[(job(name), ["repository" if FIRST[name] in {"repository", "project_path"} else "claim"]) for name in PLAYED],
    # Nothing is known of such a job.
    ({"iss": "https://ci.example", "sub": "job-7", "aud": HUB}, []),
    ({"iss": "https://ci.example", "sub": "job-7", "aud": HUB, "ref": "feature-x"}, []),
    ({"iss": "https://ci.example", "sub": "job-7", "aud": HUB, "ref": SIDE}, ["other-branch"]),
]


@pytest.mark.parametrize(("claims", "names"), JOBS)
def test_the_most_common_cause_that_fits_the_job_comes_first(claims: dict[str, Any], names: list[str]) -> None:
    """Branch, workflow file, repository; what cannot be the cause in this job is not there."""
    assert [finding.name for finding in refused(claims).findings] == names


@pytest.mark.parametrize("claims", [claims for claims, names in JOBS if names[:1] == ["other-branch"]])
def test_nobody_is_led_to_trust_a_side_branch(claims: dict[str, Any]) -> None:
    """The branch is compared first; the publisher for exactly this job says which branch it is for."""
    diagnosis = refused(claims)
    _, message = text.annotation(diagnosis)
    assert "usually names only the default branch, such as `main`" in message
    assert "Next: The Hub does not say what differs, so check the branch first." in message
    assert "add a publisher" not in message
    if isinstance(diagnosis.publisher, Suggestion):
        branch = diagnosis.publisher.side_branch
        assert branch
        for told in ("\n".join(text.details(diagnosis)), markdown.summary(diagnosis)):
            assert f"It is only for the branch `{branch}`. To publish from another branch" in told


@pytest.mark.parametrize("claims", [claims for claims, names in JOBS if names[:1] == ["other-branch"]])
def test_without_any_publisher_the_branch_is_left_to_the_reader(claims: dict[str, Any]) -> None:
    """Where the Hub has none for the repository, that comes first, and the one to add is not for a side branch."""
    diagnosis = refused(claims, NO_PUBLISHER)
    assert diagnosis.findings[0].name == "no-publisher"
    following = text.annotation(diagnosis)[1].partition("\nNext: ")[2].partition("\n")[0]
    assert "feature-x" not in following.partition("This job runs for")[0]
    if isinstance(diagnosis.publisher, Suggestion):
        assert "for the branch that you publish from, usually the default branch, such as `main`" in following


@pytest.mark.parametrize(
    ("claims", "others"),
    [
        (job("github", ref=SIDE), ["repository", "workflow"]),
        (job("github", iss=ENTERPRISE, ref=SIDE), ["issuer", "repository"]),
        (job("forgejo", ref=SIDE, workflow_ref=f"acme/t/.forgejo/workflows/x.yml@{SIDE}"), ["issuer", "repository"]),
        (job("gitlab", ref="feature-x"), ["issuer", "project_path", "ref_type", "ref_protected"]),
        (job("bitbucket", branchName="feature-x"), ["issuer", "repositoryUuid"]),
        (
            job("circleci", **{VCS_REF: SIDE}),
            ["issuer", "oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin"],
        ),
    ],
)
def test_the_other_fields_are_those_that_name_no_branch(claims: dict[str, Any], others: list[str]) -> None:
    """Whatever the branch is called, and in whichever form a claim has it."""
    publisher = refused(claims).publisher
    assert isinstance(publisher, Suggestion)
    assert list(publisher.entries_of_any_branch) == others


def test_the_default_branch_is_a_publishers_branch() -> None:
    """A scheduled run on `trunk` tells that `trunk` is the default branch: a publisher for it is right."""
    diagnosis = refused(job("github", ref="refs/heads/trunk", event_name="schedule"))
    assert isinstance(diagnosis.publisher, Suggestion)
    assert diagnosis.publisher.side_branch == ""
    message = text.annotation(diagnosis)[1]
    assert "This job runs for `trunk`, the default branch of its repository" in message
    assert "branch `trunk`" in message.partition("Next:")[2]


def test_no_publisher_is_suggested_for_a_merge_queue() -> None:
    """Its branch is gone before anybody can enter it."""
    assert refused(job("github", ref=QUEUE, event_name="merge_group")).publisher == NoSuggestion("merge-queue")
