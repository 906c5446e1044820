"""From an error's facts to words: every code has its words and its section, and every word of others is harmless."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from hf_oidc import errors
from hf_oidc.errors import (
    Attempt,
    AudienceMismatch,
    DeliveryFailed,
    ExchangeRejected,
    HubUnavailable,
    InvalidInput,
    InvalidResource,
    LoginError,
    RateLimited,
    Recipient,
    Redirected,
    TlsFailed,
    TlsFault,
    Where,
)
from hf_oidc.explain import markdown, text
from hf_oidc.explain.advice import ABSENT, ADVICE, DELIVERY, FINDINGS, NO_SUGGESTION, SKIPPED, TLS, duration
from hf_oidc.explain.entry_point import ACTION, COMMAND
from hf_oidc.explain.findings import NAMES
from hf_oidc.explain.report import diagnose
from hf_oidc.explain.success import granted_line, warnings
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.facts import all_facts
from tests.factories import HUB, github_claims

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SPEAK_BY_FACTS = {
    InvalidResource.code,
    InvalidInput.code,
    AudienceMismatch.code,
    ExchangeRejected.code,
    DeliveryFailed.code,
    RateLimited.code,
    TlsFailed.code,
}
HUB_CALL = Where("exchange", "hub.example", 400, "id-1")


def leaves(cls: type[LoginError]) -> list[type[LoginError]]:
    """The classes below `cls` that have none below them."""
    return [leaf for child in cls.__subclasses__() for leaf in leaves(child)] or [cls]


LEAVES = leaves(LoginError)


def test_every_code_has_its_advice() -> None:
    """No failure ends without a next step, and there is no advice for a failure that cannot be."""
    assert {leaf.code for leaf in LEAVES} == set(ADVICE) | SPEAK_BY_FACTS
    assert set(DELIVERY) == set(get_args(Recipient))
    assert set(TLS) == set(get_args(TlsFault))
    assert not set(ADVICE) & SPEAK_BY_FACTS
    assert set(ADVICE) > SKIPPED


def test_every_code_has_its_section() -> None:
    """The troubleshooting guide has the codes as headings, in the tree's order, and each says why and what to do."""
    assert re.findall(r"^## (.*)$", DOCUMENT, re.MULTILINE) == [*(leaf.code for leaf in LEAVES), "After the login"]
    for section in re.split(r"^## .*$", DOCUMENT, flags=re.MULTILINE)[1:-1]:
        assert re.findall(r"^\*\*(.*?)\*\*", section, re.MULTILINE) == ["In the log:", "Why:", "What to do:"]


@pytest.mark.parametrize(
    "block",
    [
        *re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL),
        all_facts()["github"].declare.lines,
        ACTION.skip,
        COMMAND.skip,
    ],
)
def test_yaml_to_copy_is_yaml(block: str) -> None:
    """What is shown to be copied can be read, and its inputs are the action's."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    document = yaml.safe_load(block)
    steps = document if isinstance(document, list) else []
    given = [set(step["with"]) for step in steps if step.get("uses", "").startswith("org/hf-oidc-action@")]
    assert document
    assert all(names <= set(action["inputs"]) for names in given)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing names each leaf with its code, and nothing else."""
    drawn = dict(re.findall(r"[├└]── (\w+) {2,}([a-z][a-z-]+)$", errors.__doc__ or "", re.MULTILINE))
    assert drawn == {leaf.__name__: leaf.code for leaf in LEAVES}


def test_codes_are_stable_words() -> None:
    """Kebab-case, each once."""
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_every_finding_has_its_words() -> None:
    """In the order of the findings."""
    assert tuple(FINDINGS) == NAMES
    assert all(words.endswith(".") for words in NO_SUGGESTION.values())
    assert not any(words.endswith(".") for words in ABSENT.values())


def test_says_what_failed_where_and_one_next_step() -> None:
    """A line each, and a link to the code's section."""
    title, message = text.annotation(diagnose(ExchangeRejected("The Hub refused", HUB_CALL), None, HUB))
    assert title == "hf-oidc: exchange-rejected"
    said, where, following, more = message.splitlines()
    assert said == "The Hub refused."
    assert where == "Where: exchanging the ID token at the Hub, hub.example, HTTP 400, request id id-1."
    assert following.startswith("Next: On the Hub, in the settings of the resource, under Trusted Publishers, compare")
    assert more == "Help: https://github.com/org/hf-oidc-action/blob/main/docs/troubleshooting.md#exchange-rejected"


def test_the_first_cause_is_in_the_annotation() -> None:
    """What explains the refusal is named as likely, what is only to be checked is not."""
    error = ExchangeRejected("The Hub refused", HUB_CALL)
    error.unverified_claims = github_claims(ref="refs/tags/v1")
    assert "\nLikely cause: This job runs for a tag" in text.annotation(diagnose(error, None, HUB))[1]
    error.unverified_claims = github_claims(workflow="Publish")
    assert "\nCheck: In the publisher, `workflow`" in text.annotation(diagnose(error, None, HUB))[1]


def test_a_suggestion_without_a_page_is_told_all_the_same() -> None:
    """Where the resource is not known, neither is its settings page."""
    error = ExchangeRejected("The Hub refused")
    error.unverified_claims = github_claims()
    diagnosis = diagnose(error, None, HUB)
    assert "  Enter it only if you want to trust exactly this job." in text.details(diagnosis)
    assert "\nEnter it only if you want to trust" in markdown.summary(diagnosis)


def test_only_a_refusal_speaks_of_publishers() -> None:
    """Claims are known for every failed exchange; they do not explain an outage."""
    error = HubUnavailable("The Hub reports a server error", HUB_CALL)
    error.unverified_claims = github_claims(ref="refs/tags/v1")
    diagnosis = diagnose(error, Resource.parse("acme/model"), HUB)
    assert (diagnosis.findings, diagnosis.fields, diagnosis.claims, diagnosis.publisher) == ((), (), (), None)
    assert text.details(diagnosis) == []


def test_several_attempts_are_counted_and_listed() -> None:
    """One alone is not worth a list."""
    error = HubUnavailable("The Hub reports a server error", HUB_CALL)
    error.attempts = (Attempt("tls-failed", None, 0.5, 1.5), Attempt("hub-unavailable", HUB_CALL, 2.0, None))
    diagnosis = diagnose(error, None, HUB)
    assert "request id id-1, 2 attempts." in text.annotation(diagnosis)[1]
    assert text.details(diagnosis) == [
        "Attempts:",
        "  1. tls-failed after 0.5 s, then waited 1.5 s",
        "  2. hub-unavailable, HTTP 400 after 2.0 s",
    ]
    assert "| 1 | `tls-failed` |  | 0.5 s | 1.5 s |" in markdown.summary(diagnosis)


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (InvalidResource("resource", "`resource` is empty"), "Next: Write namespace/name for a model"),
        (InvalidResource("resource", "`resource` is wrong", "acme/model"), "Next: Did you mean `acme/model`?"),
        (InvalidInput("timeout", "`timeout` is 0", "a whole number"), "Next: Write a whole number."),
        (AudienceMismatch("The ID token is for x", "https://hub.example"), "(its claim `aud`) `https://hub.example`."),
        (RateLimited("Too many"), "Next: Run the job again in 5 minutes or later."),
        (RateLimited("Too many", Where("exchange", "h", 429, None, 55.0)), "Next: Run the job again in 55 seconds or"),
        (Redirected("Redirected", Where("exchange", "h", 307)), "Next: If the target of the redirect is"),
        (Redirected("Redirected", Where("mint", "h", 307)), "Next: Ask the administrator of this runner"),
    ],
)
def test_the_next_step_uses_the_facts(error: LoginError, next_step: str) -> None:
    """Where the error knows the right form, the next step is that form; where no call was made, none is named."""
    message = text.annotation(diagnose(error, None, ""))[1]
    assert next_step in message
    assert ("Where:" in message) == (error.where is not None)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"),
        (55.0, "55 seconds"),
        (99.1, "2 minutes"),
        (300.0, "5 minutes"),
        (86_400.0, "24 hours"),
        (1e9, "some days"),
        (float("inf"), "some days"),
    ],
)
def test_a_wait_is_told_as_a_person_says_it(seconds: float, said: str) -> None:
    """Rounded up, in one unit."""
    assert duration(seconds) == said


def test_a_retry_leaves_one_line() -> None:
    """Reason, place and wait."""
    assert text.retry_line(Attempt("tls-failed", None, 0.1, 2.04)) == "tls-failed; retrying in 2.0 s."
    said = text.retry_line(Attempt("hub-unavailable", Where("exchange", "h", 503, None, 3.0), 0.1, 3.5))
    assert said == (
        "hub-unavailable (exchanging the ID token at the Hub, h, HTTP 503, the server asks to wait 3 seconds); "
        "retrying in 3.5 s."
    )


@pytest.mark.parametrize(
    ("env", "exported", "named"),
    [
        ({}, ["HF_TOKEN"], []),
        ({"HF_OIDC_RESOURCE": "acme/model"}, ["HF_TOKEN"], ["HF_OIDC_RESOURCE is set"]),
        ({"HF_TOKEN": "x"}, ["HF_TOKEN"], ["HF_TOKEN is replaced"]),
        ({"A": "x", "C": "x"}, ["A", "B", "C"], ["A is replaced", "C is replaced"]),
        ({"HF_TOKEN": "x"}, [], []),
    ],
)
def test_warns_of_what_would_surprise(env: dict[str, str], exported: list[str], named: list[str]) -> None:
    """A variable that makes the token useless, and one that is replaced; never its value."""
    assert [title for title, _ in warnings(env, exported)] == [f"hf-oidc: {name}" for name in named]


def test_no_secret_is_said_to_be_of_no_use() -> None:
    """Another job may need it, and what was replaced may do more than the new token."""
    ((_, message),) = warnings({"HF_TOKEN": "hf_old"}, ["HF_TOKEN"])
    assert "no longer needed" not in message
    assert "a secret that nothing else uses" in message


@pytest.mark.parametrize(
    ("resource", "seconds", "line"),
    [
        ("acme/m", 3600, "for model acme/m only, valid until T (60 minutes)."),
        ("datasets/acme/d", 120, "for dataset datasets/acme/d only, valid until T (2 minutes)."),
        ("acme", 60, "to read gated repositories as acme, valid until T (60 seconds)."),
        ("acme", 1, "to read gated repositories as acme, valid until T (1 seconds)."),
    ],
)
def test_a_login_says_what_it_gave(resource: str, seconds: int, line: str) -> None:
    """Scope and expiry in one line."""
    said = granted_line(Resource.parse(resource), "T", seconds)
    assert said == f"Logged in: Hugging Face token {line}"
