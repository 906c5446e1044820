"""From an error's facts to words: every code has its words, and every word of others is harmless."""

import re

import pytest

from hf_oidc import errors
from hf_oidc.diagnosis import text
from hf_oidc.diagnosis.advice import ADVICE
from hf_oidc.errors import AudienceMismatch, ExchangeRejected, InvalidInput, InvalidResource, LoginError, Where


def leaves(cls: type[LoginError]) -> list[type[LoginError]]:
    """The classes below `cls` that have none below them."""
    return [leaf for child in cls.__subclasses__() for leaf in leaves(child)] or [cls]


LEAVES = leaves(LoginError)
SPEAK_FOR_THEMSELVES = {InvalidResource.code, InvalidInput.code, AudienceMismatch.code}


def test_every_code_has_its_advice() -> None:
    """No failure ends without a next step, and there is no advice for a failure that cannot be."""
    assert {leaf.code for leaf in LEAVES} == set(ADVICE) | SPEAK_FOR_THEMSELVES


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing names each leaf with its code, and nothing else."""
    drawn = dict(re.findall(r"[├└]── (\w+) {2,}([a-z][a-z-]+)$", errors.__doc__ or "", re.MULTILINE))
    assert drawn == {leaf.__name__: leaf.code for leaf in LEAVES}


def test_codes_are_stable_words() -> None:
    """Kebab-case, each once."""
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_says_what_failed_where_and_one_next_step() -> None:
    """A line each."""
    error = ExchangeRejected(
        "The Hub refused the exchange: invalid_grant", Where("exchange", "hub.example", 400, "id-1")
    )
    assert text.title(error) == "hf-oidc: exchange-rejected"
    said, where, following = text.message(error).splitlines()
    assert said == "The Hub refused the exchange: invalid_grant."
    assert where == "Where: exchanging the ID token at the Hub, hub.example, HTTP 400, request id id-1."
    assert following.startswith("Next: on the Hub, in the settings of the resource")


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (InvalidResource("`resource` is empty"), "Next: write namespace/name for a model"),
        (InvalidResource("`resource` is wrong", "acme/model"), "Next: did you mean acme/model?"),
        (InvalidInput("timeout", "`timeout` is 0", "a whole number"), "Next: write a whole number."),
        (AudienceMismatch("The ID token is for x", "https://hub.example"), "for the audience https://hub.example."),
    ],
)
def test_the_next_step_uses_the_facts(error: LoginError, next_step: str) -> None:
    """Where the error knows the right form, the next step is that form; where no call was made, none is named."""
    assert next_step in text.message(error)
    assert "Where:" not in text.message(error)
