"""Failed logins as the user of each CI sees them. Some CIs have a file in tests/golden/ci, to be read as that user.

After a change that is meant, `UPDATE_GOLDEN=1` writes them anew; the difference is then read like code. A new provider
needs no file: its facts are in the sentences that the other files hold, and what holds for all is tested for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_oidc.errors import (
    AmbiguousProvider,
    AudienceMismatch,
    ExchangeRejected,
    IdTokenDependabot,
    IdTokenExpired,
    IdTokenMalformed,
    IdTokenNotDeclared,
    IdTokenPermissionMissing,
    IdTokenRequestFailed,
    LoginError,
    NoProvider,
    Where,
)
from hf_oidc.explain import markdown, text
from hf_oidc.explain.audiences import SERVICES, other_service
from hf_oidc.explain.claims import issued_by, raw_claims
from hf_oidc.explain.entry_point import ACTION, COMMAND, MARK
from hf_oidc.explain.instructions import LoginTarget, facts_about
from hf_oidc.explain.publisher import NoSuggestion, Suggestion, suggest
from hf_oidc.explain.report import Diagnosis, diagnose
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.facts import all_facts
from hf_oidc.providers.registry import provider_of
from tests.example_jobs import PLAYED, claims
from tests.factories import HUB

FACTS = all_facts()
ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "ci"
MODEL = Resource.parse("acme/awesome-model")
WHERE = Where("exchange", "huggingface.co", 400, "Root=1-6740b1f2-0a1b2c3d4e5f60718293a4b5")
REFUSED = 'The Hub refused the exchange: invalid_grant, "The ID token is not accepted for this resource"'
EXPIRED = "The ID token expired at 2026-11-22T10:05:00Z; this machine's clock says 2026-11-22T11:00:00Z"
FIXED = {name for name in NAMES if provider_of(name).audience == "fixed"}
# Those that are asked for each ID token, and have one whatever the job's file says; those that give one beforehand.
ASKED = {"circleci", "buildkite", "google", "aws", "supplied"}
GIVEN = {"gitlab", "bitbucket", "jenkins", "terraform"}
# The audience that a job of this CI gets where nobody asked for the Hub's, or for a well-known other service.
OTHER_AUDIENCES: Mapping[str, object] = {
    "gitlab": "https://gitlab.com",
    "circleci": "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2",
    "bitbucket": ["ari:cloud:bitbucket::workspace/b1c0e4d2-0000-4000-8000-000000000002"],
    "buildkite": "https://buildkite.com/acme",
    "codefresh": "https://g.codefresh.io",
    "kubernetes": ["https://kubernetes.default.svc.cluster.local"],
    "terraform": "aws.workload.identity",
    "jenkins": "sts.amazonaws.com",
}


def missing(name: str) -> LoginError:
    """The job was given no ID token."""
    if name == "github":
        return IdTokenPermissionMissing("This job may not request an ID token: it lacks `id-token: write`")
    if name in FIXED:
        return AudienceMismatch(f"The ID tokens of {FACTS[name].title} are for another audience", "")
    return IdTokenNotDeclared(f"{FACTS[name].title} gave this job no ID token")


def stories(name: str) -> dict[str, LoginError]:
    """What goes wrong in that CI."""
    if name in FIXED:
        return {"nobody can choose the audience": missing(name)}
    told = {
        "no ID token": missing(name),
        "an ID token for another service": AudienceMismatch(f"The ID token is for another service, not for {HUB}", HUB),
        "an old ID token": IdTokenExpired(EXPIRED),
        "no ID token, although one was asked for": IdTokenRequestFailed("The CI gave no ID token", retryable=False),
        "no ID token, but something else": IdTokenMalformed("The ID token is not a JWT"),
        "refused by the Hub": ExchangeRejected(REFUSED, WHERE),
    }
    cannot_be = "no ID token" if name in ASKED else "no ID token, although one was asked for" if name in GIVEN else ""
    return {title: error for title, error in told.items() if title != cannot_be}


def diagnosed(name: str, error: LoginError, **options: Any) -> Diagnosis:
    """The diagnosis of a login in that CI, through the entry point that is used there."""
    error.provider = name
    if isinstance(error, AudienceMismatch) and error.expected:
        error.unverified_claims = {**claims(name), "aud": OTHER_AUDIENCES.get(name, "sigstore")}
    if isinstance(error, ExchangeRejected):
        error.unverified_claims = {**claims(name), "aud": HUB}
    return diagnose(error, MODEL, HUB, entry_point=ACTION if name == "github" else COMMAND, **options)


def told(title: str, diagnosis: Diagnosis) -> str:
    """One failure: what the log says, and what `--verbose` adds."""
    code, message = text.annotation(diagnosis)
    return "\n".join([f"=== {title}", "", f"[{code}]", message, "", *text.details(diagnosis)]).rstrip()


def all_told(name: str) -> str:
    """All that can go wrong in that CI."""
    return "\n\n".join(told(title, diagnosed(name, error)) for title, error in stories(name).items()) + "\n"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.iterdir()))
def test_what_the_user_of_this_ci_reads(name: str) -> None:
    """The words are those of the golden text."""
    said = all_told(name)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


def test_every_golden_text_has_its_ci() -> None:
    """No text is left over, and none of the sixteen is lost."""
    texts = {path.stem for path in GOLDEN.iterdir()}
    assert texts <= set(FACTS)
    assert len(texts) >= 16


@pytest.mark.parametrize("name", FACTS)
def test_the_facts_of_every_ci_are_in_what_its_user_reads(name: str) -> None:
    """What to enter, what to be careful about, and where to read more; each placeholder is replaced."""
    said, facts = all_told(name), FACTS[name]
    assert f"#{facts.section}\n" in said
    assert not re.findall(r"\{(?:audience|resource|command|run)\b", said)
    assert [caution for caution in facts.cautions if caution not in said] == []
    if name not in FIXED:
        assert [claim for claim in facts.claims if claim not in said] == []
        # GitHub's first sentence depends on what the workflow has already.
        assert name == "github" or facts.declare.text.partition("{")[0] in said


def test_every_provider_is_known() -> None:
    """Under the names that errors carry; and each has its section in the guide."""
    assert set(FACTS) == set(NAMES)
    document = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", document, re.MULTILINE)
    sections = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
    assert {ci.section for ci in FACTS.values()} <= set(sections)


def section(name: str) -> str:
    """The guide's section about that CI."""
    document = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    return next(text for text in document.split("\n## ") if f"`--provider {name}`" in text)


@pytest.mark.parametrize("name", PLAYED)
def test_the_guide_has_every_claim(name: str) -> None:
    """Those of the ID tokens that Local Hub plays, but for what every token has and what says nothing of the job."""
    said = section(name)
    unsaid = {"sha", "actor", "repository_owner", "run_id", "run_number", "run_attempt", "workflow"}
    unsaid |= {"namespace_path", "user_id", "user_access_level", "runner_environment", "project_visibility"}
    unsaid |= {"ci_config_ref_uri", "ci_config_sha"}
    names = {claim: (f"`{claim}`", f"`…/{claim.rpartition('/')[2]}`") for claim in claims(name)}
    missing = {claim for claim, written in names.items() if not any(each in said for each in written)}
    assert missing <= unsaid


@pytest.mark.parametrize("name", sorted(set(FACTS) - {"supplied", *FIXED}))
def test_the_guide_has_the_lines_and_the_publisher(name: str) -> None:
    """The claims of the message are the ones that the guide says to enter, and the example's file is named."""
    said = section(name).partition("**On the Hub:**")[2]
    entered = set(FACTS[name].claims) - {"branch", "workflow", "repository"}
    assert {claim for claim in entered if f"`{claim}`" not in said} == set()
    example = re.search(r"\]\(\.\./(examples/[^)]+)\)", section(name))
    assert example
    header = (ROOT / example[1]).read_text(encoding="utf-8")
    assert name == "github" or re.findall(r"^\W+Claim   (\S+) = ", header, re.MULTILINE) == list(FACTS[name].claims)


@pytest.mark.parametrize("name", sorted(set(FACTS) - {"supplied", *FIXED}))
def test_what_is_to_be_entered_is_what_the_token_has(name: str) -> None:
    """Each claim of the general publisher is one that this CI's ID tokens have, as text; so is each suggested."""
    has = claims(name) | ({"branch": "main", "workflow": "publish.yml"} if name == "github" else {})
    assert {claim: type(has.get(claim)) for claim in FACTS[name].claims} == dict.fromkeys(FACTS[name].claims, str)
    suggestion = suggest(claims(name), preset=name == "github")
    assert isinstance(suggestion, Suggestion)
    assert {each.name for each in suggestion.fields} >= set(FACTS[name].claims)


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts.identifying])
def test_a_tokens_claims_tell_whose_it_is(name: str) -> None:
    """A supplied ID token is spoken of in the words of the CI that it is from."""
    assert issued_by(claims(name)) == name
    error = ExchangeRejected(REFUSED, WHERE)
    error.provider, error.unverified_claims = "supplied", claims(name)
    assert facts_about(error) is FACTS[name]


ACTIVE_STATE = "https://platform.activestate.com/api/v1/oauth/oidc"
# Of GitLab's jobs, and of nobody else's. Others have some of them, too.
GITLAB = claims("gitlab")
MISLEADING: list[tuple[str, dict[str, Any], str]] = [
    (ACTIVE_STATE, {"project_path": "acme/model", "organization": "acme", "project": "model"}, ""),
    (ACTIVE_STATE, {"project_path": "acme/model", "ref": "main", "ref_type": "branch", "build_number": 7}, ""),
    ("https://vstoken.dev.azure.com/5f4e1c2d", GITLAB, "azure"),
    ("https://acme.semaphoreci.com", {"repository": "acme/model", "ref": "refs/heads/main"}, "semaphore"),
    ("https://acme.app.spacelift.io", {"organization_slug": "acme", "pipeline_slug": "t"}, "spacelift"),
    ("https://acme.app.us.spacelift.io", {"sub": "space:x"}, "spacelift"),
    ("https://agent.buildkite.com", {"build_number": 7, "repositoryUuid": "{x}"}, "buildkite"),
    ("https://oidc.codefresh.io", GITLAB, "codefresh"),
    ("https://oidc.circleci.com", {}, "circleci"),
    ("https://app.eu.terraform.io", {}, "terraform"),
    ("https://accounts.google.com", {"kubernetes.io": {"namespace": "acme"}}, "google"),
    ("https://identity.depot.dev", {"repository": "acme/model", "ref": "refs/heads/main"}, ""),
    ("https://oidc.trigger.dev/acme", {"organization_slug": "acme"}, ""),
    ("https://api.pulumi.com/oidc/v2", {"account_id": "x", "pipeline_id": "y"}, ""),
    ("https://idp.acme.example", {"build_number": 7, "sub": "job-7"}, ""),
    ("https://gitlab.com.evil.example", {"project_path": "acme/model"}, ""),
    ("https://agent.buildkite.com.evil.example", {}, ""),
    # Their own, at somebody's URL.
    ("https://git.acme.example", GITLAB, "gitlab"),
    ("https://terraform.acme.example", claims("terraform"), "terraform"),
    ("https://circleci.acme.example/org/x", claims("circleci"), "circleci"),
    ("https://git.acme.example/forgejo/api/actions", claims("forgejo"), "forgejo"),
    ("https://jenkins.acme.example/oidc", claims("jenkins"), "jenkins"),
]


@pytest.mark.parametrize(("issuer", "has", "ci"), MISLEADING)
def test_a_ci_is_known_by_its_issuer_first(issuer: str, has: dict[str, Any], ci: str) -> None:
    """Whatever claims others have as well; a supplied ID token gets the cautions of its own CI, or none."""
    found = {**has, "iss": issuer}
    assert issued_by(found) == ci
    error = ExchangeRejected(REFUSED, WHERE)
    error.provider, error.unverified_claims = "supplied", found
    diagnosis = diagnose(error, MODEL, HUB, entry_point=COMMAND)
    assert diagnosis.cautions == (FACTS[ci].cautions if ci else ())


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
@pytest.mark.parametrize("name", ["github", *PLAYED])
def test_the_issuers_of_local_hub_are_known_by_their_paths(name: str, host: str) -> None:
    """Whatever the claims of its example jobs are."""
    path = PLAYED[name].issuer_path if name in PLAYED else "github"
    assert issued_by({"iss": f"http://{host}/oidc/{path}"}) == name


@pytest.mark.parametrize(("value", "named"), [("true", True), ("false", False), (True, False), (None, False)])
def test_a_protected_branch_is_named_as_one(value: object, named: bool) -> None:
    """On GitLab, where the claim is a text; a publisher for a job on any other branch has no use for it."""
    suggestion = suggest({**claims("gitlab"), "ref_protected": value}, preset=False)
    assert isinstance(suggestion, Suggestion)
    assert ("ref_protected" in suggestion.entries) == named


@pytest.mark.parametrize("name", ["gitlab", "bitbucket", "terraform"])
def test_shows_every_claim_that_the_guide_speaks_of_for_a_publisher(name: str) -> None:
    """What a reader is sent to the doctor for is there, where the token has it."""
    spoken = {
        "gitlab": {"ref_protected", "environment", "environment_protected"},
        "bitbucket": {"branchName", "deploymentEnvironmentUuid"},
        "terraform": {f"terraform_{each}_id" for each in ("organization", "project", "workspace")},
    }[name]
    assert {each.name for each in raw_claims({**claims(name), **dict.fromkeys(spoken, "x")})} >= spoken


@pytest.mark.parametrize(
    ("odd", "ci"),
    [
        ({}, ""),
        ({"repository": "o/r"}, ""),
        ({"repository": "o/r", "iss": ["https://codeberg.org/api/actions"]}, ""),
        ({"repository": "o/r", "iss": "https://github.acme.example/_services/token"}, "github"),
        ({"iss": ["https://accounts.google.com"]}, ""),
        ({"iss": "http://127.0.0.1:8000/oidc/google"}, "google"),
        ({"iss": "http://idp.example/oidc/google"}, ""),
        ({"iss": "http://127.0.0.1.example/oidc/google"}, ""),
        ({"organization_slug": ["o"]}, ""),
    ],
)
def test_claims_of_nobody_known(odd: dict[str, Any], ci: str) -> None:
    """What is not known is not guessed."""
    assert issued_by(odd) == ci


OF_NO_BRANCH = [
    ("circleci", {"oidc.circleci.com/vcs-ref": "refs/heads/pull/7"}, None),
    ("circleci", {"oidc.circleci.com/vcs-ref": "refs/pull/7/head"}, "pull-request"),
    ("circleci", {"oidc.circleci.com/vcs-ref": "refs/tags/v1"}, "tag"),
    ("circleci", {"oidc.circleci.com/vcs-origin": None}, "incomplete"),
    ("buildkite", {"build_tag": "v1"}, "tag"),
    ("codefresh", {"scm_pull_request_target_branch": "main"}, "pull-request"),
    ("gitlab", {"pipeline_source": "merge_request_event"}, "pull-request"),
    ("gitlab", {"ref_protected": "false"}, None),
    ("gitlab", {"ref_protected": True}, None),
    ("terraform", {"terraform_run_phase": "plan"}, "plan"),
]


@pytest.mark.parametrize(("name", "changed", "reason"), OF_NO_BRANCH)
def test_no_publisher_is_suggested_for_what_anybody_may_start(
    name: str, changed: dict[str, Any], reason: str | None
) -> None:
    """Pull requests and tags, in each CI's own claims; else the suggestion fits exactly that build."""
    found = suggest({**claims(name), **changed}, preset=False)
    assert (found.reason if isinstance(found, NoSuggestion) else None) == reason


@pytest.mark.parametrize(
    ("aud", "ci"),
    [
        ("sigstore", ""),
        ("sts.amazonaws.com", ""),
        ("pypi", ""),
        ("testpypi", ""),
        ("npm:registry.npmjs.org", ""),
        ("api://AzureADTokenExchange", ""),
        ("https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q", ""),
        ("https://vault.acme.example:8200", ""),
        ("c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2", "circleci"),
        (["https://acme.example", "ari:cloud:bitbucket::workspace/x"], "bitbucket"),
        ("https://buildkite.com/acme", "buildkite"),
        ("https://github.com/acme", "github"),
        ("https://kubernetes.default.svc", "kubernetes"),
        ("vault.workload.identity", "terraform"),
    ],
)
def test_the_audience_of_a_known_service_is_named(aud: object, ci: str) -> None:
    """And, where it is a CI's own default, so is the CI, whose lines are then shown for a supplied ID token."""
    found = other_service({"aud": aud}, HUB)
    assert found
    assert found[1].provider == ci
    error = AudienceMismatch("The ID token is for another", HUB)
    error.provider, error.unverified_claims = "supplied", {"aud": aud}
    diagnosis = diagnose(error, MODEL, HUB, entry_point=COMMAND)
    assert diagnosis.ci is FACTS[ci or "supplied"]
    assert [finding.name for finding in diagnosis.findings] == ["other-audience"]
    assert found[1].name in text.annotation(diagnosis)[1]


@pytest.mark.parametrize("aud", [HUB, "https://acme.example", None, 7, [7, HUB], "sigstore-not", "pypi " * 200])
def test_another_audience_is_nobodys(aud: object) -> None:
    """The one that is expected, one that is not known, and none at all."""
    assert other_service({"aud": aud}, HUB) is None


def test_each_pattern_is_somebodys() -> None:
    """Each names its owner, without a full stop: a sentence continues after the name."""
    owners = [service.name for service in SERVICES.values()]
    owners += [facts.default_audience.owner for facts in FACTS.values() if facts.default_audience]
    assert all(owner and owner[-1] != "." for owner in owners)


ODD_AUDIENCES = ["a b", "x\ny", "'; rm -rf /", "$(id)", "a: b", "#x", "```", '"', "@x", "::error::x"]


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("audience", ["https://hub.acme.example:8443", "urn:acme", *ODD_AUDIENCES])
def test_lines_to_copy_are_what_they_say_that_they_are(name: str, audience: str) -> None:
    """YAML is YAML, with the audience in it, or a word in its place that does no harm; nothing is left to fill in."""
    for error in stories(name).values():
        copied = diagnosed(name, error, audience=audience).copy
        assert "{audience}" not in copied.lines
        assert "{resource}" not in copied.lines
        assert "{run" not in copied.lines
        assert "{command}" not in copied.lines
        assert "./publish" not in copied.lines
        assert not any(odd in copied.lines for odd in ODD_AUDIENCES if odd not in {'"', "@x", "a: b"})
        assert not copied.lines or copied.language != "yaml" or isinstance(yaml.safe_load(copied.lines), (dict, list))


def test_the_audience_and_the_resource_are_the_users_own() -> None:
    """Also where the Hub is another, and the resource is not known."""
    url = "https://hub.acme.example"
    target = LoginTarget(url, url, "datasets/acme/d")
    assert (
        target.fill("{audience} {run --x}")
        == f"{url} hf-oidc run --x --hub-url {url} datasets/acme/d -- hf upload acme/d ./dataset . --repo-type dataset"
    )
    assert (
        LoginTarget("x", "http://[::1]:8000", "a/m").fill("{run}")
        == "hf-oidc run --audience YOUR-AUDIENCE a/m -- hf upload a/m ./model ."
    )
    other = LoginTarget("urn:acme", HUB, "")
    assert other.fill("{run}") == "hf-oidc run --audience urn:acme namespace/name -- hf upload namespace/name ./model ."


@pytest.mark.parametrize(
    ("resource", "command"),
    [
        ("", "hf upload namespace/name ./model ."),
        ("acme/model", "hf upload acme/model ./model ."),
        ("datasets/acme/corpus", "hf upload acme/corpus ./dataset . --repo-type dataset"),
        ("spaces/acme/demo", "hf upload acme/demo ./space . --repo-type space"),
        ("kernels/acme/k", "hf upload acme/k ./kernel . --repo-type kernel"),
        ("buckets/acme/b", "hf sync ./data hf://buckets/acme/b"),
        ("acme", "hf download namespace/gated-model"),
    ],
)
def test_the_lines_end_in_what_a_job_does_with_its_token(resource: str, command: str) -> None:
    """With `hf`, as its documentation has it for each kind of repository; in every CI and by both doors."""
    assert LoginTarget(HUB, HUB, resource).fill("{command}") == command
    for entry_point in (ACTION, COMMAND):
        error = IdTokenDependabot("x")
        said = text.annotation(
            diagnose(error, Resource.parse(resource) if resource else None, HUB, entry_point=entry_point)
        )[1]
        assert command in said
        assert "./publish" not in said


def test_each_door_has_its_own_words() -> None:
    """The same marks, no mark is left over, and nothing of the other entry point."""
    assert set(ACTION.words) == set(COMMAND.words)
    errors: list[LoginError] = [NoProvider("x"), AmbiguousProvider(("a", "b")), IdTokenDependabot("x")]
    for error in (*errors, IdTokenMalformed("x"), AudienceMismatch("x", ""), ExchangeRejected(REFUSED)):
        action, command = (
            text.annotation(diagnose(error, MODEL, HUB, entry_point=entry_point))[1]
            for entry_point in (ACTION, COMMAND)
        )
        assert not MARK.search(action.replace("<or>", "") + command)
        assert "--" not in action.replace(" -- ", "")
        assert "`id-token` input" not in command
        assert "on-error" not in command


def test_a_fault_that_may_pass_is_no_reason_to_change_anything() -> None:
    """A command or an endpoint that may work at the next try; GitHub has a page with news."""
    for name, expected in (
        ("gitlab", "status page"),
        ("github", "githubstatus"),
        ("aws", "status page"),
        ("google", "Only Google's machines have a metadata server"),
    ):
        diagnosis = diagnosed(name, IdTokenRequestFailed("It gave no answer", WHERE, retryable=True))
        assert expected in text.annotation(diagnosis)[1]
        assert (diagnosis.enter, diagnosis.cautions, diagnosis.ci_link) == ((), (), "")


@pytest.mark.parametrize("name", ["github", "forgejo"])
def test_an_old_jobs_request_token_is_spoken_of(name: str) -> None:
    """Local Hub's jobs end, and what one asked with is refused from then on."""
    said = text.annotation(diagnosed(name, IdTokenRequestFailed("It gave no ID token", WHERE, retryable=False)))[1]
    assert "take the variables of its newest ready line" in said


def test_an_engine_that_is_not_github_is_not_told_githubs_words() -> None:
    """Act and Gitea run GitHub's workflows, and issue no ID tokens."""
    diagnosis = diagnosed("github", IdTokenNotDeclared("act runs this workflow"))
    assert diagnosis.ci is None
    assert "docs/local-hub.md. Or pass another ID token" in text.annotation(diagnosis)[1]
    assert "providers.md" not in text.annotation(diagnosis)[1]


def test_without_a_resource_no_page_is_named() -> None:
    """The settings are the resource's, whichever it is."""
    error = IdTokenNotDeclared("GitLab gave this job no ID token")
    error.provider = "gitlab"
    diagnosis = diagnose(error, None, HUB, entry_point=COMMAND)
    assert (
        "Add this once on the Hub, under Trusted Publishers (in the repository's settings):"
        in text.annotation(diagnosis)[1]
    )
    assert "Add it once, on the repository's settings." in markdown.summary(diagnosis)
    assert "[Help for GitLab CI/CD](https://" in markdown.summary(diagnosis)


ARI = "ari:cloud:bitbucket::workspace/b1c0e4d2-0000-4000-8000-000000000002"


OWN: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "github": ({"GITHUB_REPOSITORY": "acme/t"}, {"repository": "acme/t"}),
    "forgejo": ({"GITHUB_REPOSITORY": "acme/t"}, {"repository": "acme/t"}),
    "gitlab": (
        {"CI_PROJECT_PATH": "acme/t", "CI_SERVER_URL": "https://git.acme.example"},
        {"project_path": "acme/t", "issuer": "https://git.acme.example"},
    ),
    "circleci": ({"CIRCLE_PROJECT_ID": "efde35d3"}, {"oidc.circleci.com/project-id": "efde35d3"}),
    "bitbucket": (
        {"BITBUCKET_WORKSPACE": "acme", "BITBUCKET_REPO_UUID": "{c0e4d2b1}"},
        {
            "issuer": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            "repositoryUuid": "{c0e4d2b1}",
        },
    ),
    "buildkite": (
        {"BUILDKITE_ORGANIZATION_SLUG": "acme", "BUILDKITE_PIPELINE_SLUG": "::error::x\n"},
        {"organization_slug": "acme", "pipeline_slug": ": :error: :x"},
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_what_the_jobs_variables_say_is_no_placeholder(name: str) -> None:
    """The job's own repository, where no ID token names it; what is empty or not there stays a description."""
    env, expected = OWN[name]
    error = IdTokenRequestFailed("The CI gave no ID token", retryable=False)
    general = {each.name: each.value for each in diagnosed(name, error, env=dict.fromkeys(env, "")).enter}
    assert general == {"issuer": FACTS[name].issuer, **FACTS[name].claims}
    assert {each.name: each.value for each in diagnosed(name, error, env=env).enter} == general | expected


def test_an_arn_can_be_copied_and_no_command_can() -> None:
    """Two colons between a letter and a number, or before a path, begin no workflow command."""
    error = ExchangeRejected(REFUSED, WHERE)
    error.unverified_claims = {**claims("aws"), "aud": ["::error::x", "a::add-mask::1", ARI]}
    said = "\n".join(text.details(diagnose(error, MODEL, HUB)))
    assert "sub     arn:aws:iam::123456789012:role/publish" in said
    assert "::error" not in said
    assert "::add-mask" not in said
    assert ARI in said
    short = "ari:cloud:bitbucket::workspace/x"
    assert short in diagnose(AudienceMismatch(f"The ID token is for {short}", HUB), MODEL, HUB).what
