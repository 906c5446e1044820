"""A job's claims as a publisher's fields; the publisher to enter; what stands out."""

from __future__ import annotations

from typing import Any

import pytest

from hf_oidc.explain.claims import is_enterprise, publisher_fields, raw_claims
from hf_oidc.explain.findings import NAMES, findings
from hf_oidc.explain.publisher import NoSuggestion, Suggestion, suggest
from hf_oidc.hub.publisher import (
    GITHUB_ISSUER,
    Absence,
    Field,
    branch_of,
    differences,
    field,
    fits_preset,
    settings_page,
    text_of,
    workflow_of,
)
from hf_oidc.hub.resource import Resource
from tests.factories import HUB, github_claims
from tests.vectors import load

MODEL = Resource.parse("acme/model")
UNKNOWN = "No trusted publisher configured on {}"


@pytest.mark.parametrize(
    ("ref", "branch"),
    [
        *load("publisher_fields")["branch"],
        ("refs/heads/", None),
    ],
)
def test_only_a_branch_is_a_branch(ref: object, branch: str | None) -> None:
    """`refs/heads/` is taken off, once."""
    assert branch_of(ref) == branch


@pytest.mark.parametrize(
    ("workflow_ref", "workflow"),
    [
        *load("publisher_fields")["workflow"],
        ("o/r/.github/workflows/@refs/heads/main", None),
        ("o/r/.github/workflows/publish.yml@0123abcd", None),
        ("o/r/.github/workflows/publish.yml@main/x", None),
    ],
)
def test_a_workflow_is_the_file_name_in_workflow_ref(workflow_ref: object, workflow: str | None) -> None:
    """No name of a branch or a file makes one workflow look like another."""
    assert workflow_of(workflow_ref) == workflow


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (2**1024, None),
        (None, None),
        (["x"], None),
        ({}, None),
    ],
)
def test_a_claim_is_compared_as_text(value: object, text: str | None) -> None:
    """Booleans and numbers have one text each; lists and objects have none."""
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("issuer", "preset", "enterprise"),
    [
        (GITHUB_ISSUER, True, False),
        (f"{GITHUB_ISSUER}/acme-corp", False, True),
        ("https://token.actions.acme.ghe.com", False, True),
        ("https://github.acme.example/_services/token", False, True),
        ("https://gitlab.com", False, False),
        ("http://github.acme.example/_services/token", False, False),
        (f"{GITHUB_ISSUER}.example", False, False),
        (None, False, False),
        ([GITHUB_ISSUER], False, False),
    ],
)
def test_the_preset_is_for_one_issuer(issuer: object, preset: bool, enterprise: bool) -> None:
    """Enterprises and servers of their own are GitHub, and do not fit."""
    assert fits_preset({"iss": issuer}, HUB) == preset
    assert is_enterprise({"iss": issuer}) == enterprise


@pytest.mark.parametrize(
    ("name", "claims", "absence"),
    [
        ("branch", {}, "missing"),
        ("branch", {"ref": ""}, "missing"),
        ("branch", {"ref": 7}, "not-text"),
        ("branch", {"ref": "refs/tags/v1"}, "tag"),
        ("branch", {"ref": "refs/pull/1/merge"}, "pull-request"),
        ("branch", {"ref": "refs/notes/x"}, "no-branch"),
        ("workflow", {"workflow_ref": "publish.yml"}, "no-file"),
        ("repository", {"repository": ["o/r"]}, "not-text"),
    ],
)
def test_an_absent_field_says_why(name: str, claims: dict[str, Any], absence: Absence) -> None:
    """A tag has no branch, and so on."""
    found = field(name, claims, preset=True)
    assert (found.value, found.absence) == (None, absence)


def test_the_preset_has_three_fields() -> None:
    """Read by the table."""
    fields = publisher_fields(github_claims(), preset=True)
    assert [(each.name, each.value) for each in fields] == [
        ("repository", "acme/trainer"),
        ("branch", "main"),
        ("workflow", "publish.yml"),
    ]


@pytest.mark.parametrize(
    ("claims", "names"),
    [
        (github_claims(), ["repository", "ref", "workflow_ref"]),
        ({"iss": "https://gitlab.com"}, ["project_path", "ref_type", "ref"]),
        ({"iss": "https://agent.buildkite.com"}, ["organization_slug", "pipeline_slug", "build_branch"]),
        ({"iss": "https://accounts.google.com", "repository": "o/r"}, ["sub"]),
        ({"iss": "https://identity.depot.dev", "repository": "o/r"}, ["repository", "ref", "workflow_ref"]),
        ({"project_path": "g/p", "ref": "main"}, []),
        ({"sub": "x"}, []),
        ({"repository": ["o/r"]}, []),
    ],
)
def test_other_issuers_have_raw_claims(claims: dict[str, Any], names: list[str]) -> None:
    """Those that say whose job it is and from where."""
    assert [each.name for each in publisher_fields(claims, preset=False)] == names


def test_raw_claims_are_those_that_matter() -> None:
    """In a fixed order, lists joined, what is empty or personal left out."""
    claims = {"aud": ["a", 7, None, {}], "iss": "i", "sub": "", "user_email": "someone@example.com", "exp": 1}
    assert raw_claims(claims) == (Field("iss", "i"), Field("aud", "a, 7"))


@pytest.mark.parametrize(
    ("claims", "entries"),
    [
        (github_claims(), {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"}),
        (
            github_claims(iss="https://github.acme.example/_services/token"),
            {
                "issuer": "https://github.acme.example/_services/token",
                "repository": "acme/trainer",
                "ref": "refs/heads/main",
                "workflow_ref": "acme/trainer/.github/workflows/publish.yml@refs/heads/main",
            },
        ),
    ],
)
def test_suggests_the_publisher_that_the_job_meets(claims: dict[str, Any], entries: dict[str, str]) -> None:
    """Entered as it is suggested, it matches."""
    preset = fits_preset(claims, HUB)
    suggestion = suggest(claims, preset=preset)
    assert isinstance(suggestion, Suggestion)
    assert suggestion.entries == entries
    listed = {name: value for name, value in entries.items() if name != "issuer"}
    assert differences(listed, claims, preset=preset) == []


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (github_claims(event_name="pull_request", ref="refs/pull/1/merge"), "pull-request"),
        (github_claims(event_name="pull_request_target"), "pull-request"),
        (github_claims(ref="refs/pull/1/merge"), "pull-request"),
        (
            {"iss": "https://gitlab.com", "project_path": "g/p", "pipeline_source": "merge_request_event"},
            "pull-request",
        ),
        (github_claims(ref="refs/tags/v1"), "tag"),
        ({"iss": "https://gitlab.com", "project_path": "g/p", "ref_type": "tag", "ref": "v1"}, "tag"),
        (github_claims(workflow_ref=None), "incomplete"),
        (github_claims(iss=None), "incomplete"),
        ({"iss": "https://ci.example", "sub": "job"}, "incomplete"),
        (github_claims(ref="refs/heads/" + "x" * 301), "not-showable"),
        (github_claims(ref="refs/heads/hf_jwt_abcdefgh"), "not-showable"),
        (github_claims(ref="refs/heads/##vso[x]"), "not-showable"),
        (github_claims(ref="refs/heads/a\u202eb"), "not-showable"),
    ],
)
def test_suggests_nothing_that_is_unsafe_or_unclear(claims: dict[str, Any], reason: str) -> None:
    """Nobody's pull request is trusted on our word, and no field is left out or misspelt."""
    assert suggest(claims, preset=fits_preset(claims, HUB)) == NoSuggestion(reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resource", "section", "url"),
    [
        ("acme/m", "Trusted Publishers", f"{HUB}/acme/m/settings"),
        ("datasets/acme/m", "Trusted Publishers", f"{HUB}/datasets/acme/m/settings"),
        ("spaces/acme/m", "Trusted Publishers", f"{HUB}/spaces/acme/m/settings"),
        ("kernels/acme/m", "Trusted Publishers", f"{HUB}/kernels/acme/m/settings"),
        ("buckets/acme/m", "Trusted Publishers", f"{HUB}/buckets/acme/m/settings"),
        ("acme", "CI/CD Access", f"{HUB}/settings/authentication#ci-cd-access"),
    ],
)
def test_each_kind_of_resource_has_its_page(resource: str, section: str, url: str) -> None:
    """Where publishers are managed."""
    page = settings_page(Resource.parse(resource), f"{HUB}/")
    assert (page.section, page.url) == (section, url)


def test_a_difference_says_what_both_have() -> None:
    """The publisher's value and the job's, or why it has none."""
    (found,) = differences(
        {"repository": "acme/trainer", "branch": "main"}, github_claims(ref="refs/tags/v1"), preset=True
    )
    assert (found.name, found.expected) == ("branch", "main")
    assert found.found == Field("branch", None, absence="tag", source="refs/tags/v1")


MIRROR = "https://hub.acme.example"
TO_COMPARE = ["workflow-file", "repository"]
AUDIENCE_FIRST = ["own-audience", "no-publisher"]
OTHER = "acme/shared/.github/workflows/release.yml@refs/tags/v3"


@pytest.mark.parametrize(
    ("claims", "resource", "said", "names"),
    [
        (github_claims(), "acme/model", "refused", TO_COMPARE),
        ({}, None, "refused", []),
        (github_claims(), "acme/model", UNKNOWN.format("acme/model"), ["no-publisher"]),
        (github_claims(), None, UNKNOWN.format("acme/model."), ["no-publisher"]),
        (github_claims(), "acme/model", UNKNOWN.format("datasets/acme/model"), ["other-resource"]),
        (github_claims(ref="refs/tags/v1"), "acme/model", "refused", ["tag"]),
        (github_claims(ref="refs/pull/1/merge"), "acme/model", "refused", ["pull-request"]),
        (github_claims(ref="refs/tags/v1", iss="https://ci.example"), "acme/model", "refused", ["other-tag"]),
        (github_claims(iss=f"{GITHUB_ISSUER}/acme"), "acme/model", "refused", ["enterprise-issuer", "repository"]),
        (github_claims(), "gpt2", "refused", ["user-resource"]),
        (github_claims(), "gpt2", UNKNOWN.format("gpt2"), ["user-resource", "no-publisher"]),
        (github_claims(aud="https://x.example"), "acme/model", UNKNOWN.format("acme/model"), AUDIENCE_FIRST),
        (github_claims(aud=[7, "https://x.example"]), "acme/model", "refused", ["own-audience"]),
        (github_claims(aud=["https://x.example", MIRROR]), "acme/model", "refused", TO_COMPARE),
        (github_claims(aud=[HUB]), "acme/model", "refused", TO_COMPARE),
        (github_claims(aud=7), "acme/model", "refused", TO_COMPARE),
        (github_claims(job_workflow_ref=OTHER), "acme/model", "refused", ["reusable-workflow", "repository"]),
        (github_claims(job_workflow_ref="odd"), "acme/model", "refused", TO_COMPARE),
        (github_claims(repository_owner="Acme"), "acme/model", "refused", ["letter-case", "workflow-file"]),
        (github_claims(repository_owner="Acme"), "datasets/acme/model", "refused", ["letter-case", "workflow-file"]),
        (github_claims(repository_owner="other"), "acme/model", "refused", TO_COMPARE),
        (
            github_claims(event_name="pull_request_target"),
            "acme/model",
            "refused",
            ["pull-request-target", *TO_COMPARE],
        ),
        (github_claims(workflow="Publish"), "acme/model", "refused", ["display-name", "repository"]),
        (github_claims(workflow="Publish", iss="https://ci.example"), "acme/model", "refused", ["repository"]),
        (
            github_claims(ref="refs/tags/v1", workflow="Publish"),
            "acme/model",
            UNKNOWN.format("acme/model"),
            ["no-publisher", "tag", "display-name"],
        ),
    ],
)
def test_finds_only_what_is_there(claims: dict[str, Any], resource: str | None, said: str, names: list[str]) -> None:
    """Each finding where its condition holds, the most decisive first."""
    asked = Resource.parse(resource) if resource else None
    found = findings(claims, asked, said, MIRROR, preset=fits_preset(claims, HUB))
    assert [finding.name for finding in found] == names
    assert set(names) <= set(NAMES)


@pytest.mark.parametrize(
    ("hub_url", "issuer", "preset"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/oidc/github", True),
        ("http://localhost", "http://localhost/oidc/github", True),
        ("https://[::1]:8000", "https://[::1]:8000/oidc/github", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000/oidc/github", False),
        ("https://hub.example", "https://hub.example/oidc/github", False),
        ("", "/oidc/github", False),
    ],
)
def test_a_local_hubs_own_issuer_fits_its_preset(hub_url: str, issuer: str, preset: bool) -> None:
    """A Hub on this machine is a Local Hub; no other Hub has an issuer."""
    assert fits_preset({"iss": issuer}, hub_url) is preset
