"""Whatever a job claims and whatever anybody writes: the explanation does not fail, stays bounded, and is harmless."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_oidc.errors import (
    Attempt,
    AudienceMismatch,
    DeliveryFailed,
    ExchangeRejected,
    HubUnavailable,
    IdTokenPermissionMissing,
    InsecureUrl,
    InvalidInput,
    InvalidResource,
    LoginError,
    RateLimited,
    Redirected,
    Where,
)
from hf_oidc.explain import markdown, text
from hf_oidc.explain.claims import showable_claims
from hf_oidc.explain.report import Diagnosis, diagnose
from hf_oidc.hub.publisher import GITHUB_ISSUER
from hf_oidc.hub.resource import Resource
from tests.commands import commands_in
from tests.factories import HUB, github_claims

# What means something to a log, to Markdown, to GitHub or to HTML, among all else that a text can hold.
TEETH = (
    "::error::x",
    "##[add-path]/tmp",
    "##vso[task.setvariable variable=PATH]/tmp",
    "##teamcity[buildStop]",
    "\n",
    "\r",
    "|",
    "`",
    "``",
    "\\",
    "<b>",
    "</code>",
    "&lt;",
    "@octocat",
    "](x)",
)
SHAPES = (
    "![x](https://e.example/x)",
    "www.e.example",
    "refs/heads/",
    "refs/tags/",
    "/.github/workflows/",
    "@refs/",
    "o/r",
)
SECRETS = ("hf_jwt_0123456789abcdef", "eyJ" + "A" * 300)
TEXTS = st.lists(st.sampled_from((*TEETH, *SHAPES, *SECRETS)) | st.text(max_size=8), max_size=8).map("".join)
LONG = st.builds(lambda piece, times: piece * times, TEXTS, st.sampled_from((1, 50, 1000)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(2**4000) | st.floats() | LONG,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
SHOWABLE = showable_claims()
CLAIMS = st.dictionaries(st.sampled_from(SHOWABLE) | TEXTS, JSON, max_size=8)
# Close to a job on GitHub, so that findings and suggestions happen.
LIKELY = st.dictionaries(st.sampled_from(SHOWABLE), TEXTS, max_size=3).map(
    lambda changes: {**github_claims(), **changes}
)
SECONDS = st.none() | st.floats(0, 1e12) | st.just(float("inf"))
WHERE = st.none() | st.builds(
    Where,
    st.sampled_from(("mint", "exchange")),
    LONG,
    st.none() | st.integers(100, 599),
    st.none() | LONG,
    SECONDS,
)
RESOURCES = st.none() | st.sampled_from(("acme/model", "datasets/acme/corpus", "ACME", "a/" + "x" * 96)).map(
    Resource.parse
)
SOMEWHERE = Where("exchange", "hub.example")
ERRORS = st.one_of(
    st.builds(ExchangeRejected, LONG, WHERE),
    st.builds(ExchangeRejected, TEXTS.map(lambda said: f'"No trusted publisher configured on {said}"'), WHERE),
    st.builds(HubUnavailable, LONG, WHERE),
    st.builds(RateLimited, LONG, WHERE),
    st.builds(Redirected, LONG, WHERE),
    st.builds(IdTokenPermissionMissing, LONG),
    st.builds(AudienceMismatch, LONG, LONG),
    st.builds(InvalidInput, LONG, LONG, LONG),
    st.builds(InvalidResource, st.just("resource"), LONG, st.none() | LONG),
    st.builds(InsecureUrl, LONG, LONG),
    st.builds(DeliveryFailed, LONG),
)
ATTEMPTS = st.lists(
    st.builds(Attempt, st.just("hub-unavailable"), WHERE, st.floats(0, 3600), st.none() | st.floats(0, 3600)),
    max_size=4,
).map(tuple)


def diagnosed(
    error: LoginError, claims: dict[str, object] | None, attempts: tuple[Attempt, ...], resource: Resource | None
) -> Diagnosis:
    """The diagnosis of a failed login."""
    error.unverified_claims, error.attempts = claims, attempts
    return diagnose(error, resource, HUB)


@pytest.mark.slow
@settings(max_examples=130)
@given(ERRORS, st.none() | CLAIMS | LIKELY, ATTEMPTS, RESOURCES)
def test_the_log_is_bounded_and_harmless(
    error: LoginError, claims: dict[str, object] | None, attempts: tuple[Attempt, ...], resource: Resource | None
) -> None:
    """No control character, no workflow command, no token; an annotation that GitHub does not cut."""
    diagnosis = diagnosed(error, claims, attempts, resource)
    title, message = text.annotation(diagnosis)
    details = text.details(diagnosis)
    assert len(message) < 4000
    assert message.endswith(f"#{error.code}")
    assert len(details) < 60
    assert all(len(line) < 2000 for line in details)
    for line in (title, *message.split("\n"), *details, *map(text.retry_line, attempts)):
        assert line.isprintable()
        assert commands_in(line) == []
        assert not any(secret in line for secret in SECRETS)


@settings(max_examples=130)
@given(ERRORS, st.none() | CLAIMS | LIKELY, ATTEMPTS, RESOURCES)
# An ID token for nobody: the next step names the Hub's URL.
@pytest.mark.slow
@example(ExchangeRejected("x"), {**github_claims(), "iss": "", "sub": "", "aud": ""}, (), None)
def test_the_summary_is_bounded_and_nothing_breaks_out(
    error: LoginError, claims: dict[str, object] | None, attempts: tuple[Attempt, ...], resource: Resource | None
) -> None:
    """What is left when code spans and our own elements are taken away has no meaning that others gave it."""
    summary = markdown.summary(diagnosed(error, claims, attempts, resource))
    assert len(summary) < 100_000
    assert all(line.isprintable() for line in summary.split("\n"))
    assert commands_in(summary) == []
    assert not any(secret in summary for secret in SECRETS)
    assert_tables_keep_their_columns(summary)
    assert_nothing_breaks_out(summary)


def assert_tables_keep_their_columns(summary: str) -> None:
    """Each row has as many cells as its heading; no value holds a bare pipe or backslash."""
    for table in re.findall(r"(?:^\|.*\n)+", summary, re.MULTILINE):
        rows = table.splitlines()
        assert {row.count("|") for row in rows} == {rows[0].count("|")}
        assert "\\" not in table


def assert_nothing_breaks_out(summary: str) -> None:
    """Tags, links and names are ours alone."""
    outside = re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", summary, flags=re.DOTALL))
    assert "`" not in outside
    ours = r"</?(?:code|details|summary)>|<https://[\w./#&;%-]+>"
    outside = re.sub(ours, "", outside)
    outside = re.sub(r"\[Help for \]\(https://github\.com/[\w./#-]+\)", "", outside)
    assert not re.search(r"[<>@\[\]\\]", outside)
    assert set(re.findall(r"&[^;]*;", outside)) <= set(re.findall(r"&#\d{1,7};", outside))
    # GitHub makes links of these by itself; those that are left are in our own sentences.
    links = re.findall(r"https?://\S+|www\.\S+", outside)
    assert all(
        link == f"{HUB}."
        or link.startswith((GITHUB_ISSUER, "https://status.huggingface.co", "https://www.githubstatus.com"))
        for link in links
    )
