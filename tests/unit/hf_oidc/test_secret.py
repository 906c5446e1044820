"""A `Secret` gives its text to nobody who does not ask for it by name."""

import copy
import json
import logging
import pickle
import traceback

import pytest

from hf_oidc.secret import Secret

TEXT = "hf_jwt_very_secret"


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        lambda secret: f"{[secret]}",
        "%s".__mod__,
    ],
)
def test_prints_as_stars(shown: object) -> None:
    """However a Secret is printed, its text is not."""
    assert callable(shown)
    assert TEXT not in shown(Secret(TEXT))
    assert "***" in shown(Secret(TEXT))


def test_reveals_its_text_when_asked() -> None:
    """reveal() is the one way to the text."""
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("it was aaaa.bbbb.0123456789abcdef, twice: aaaa.bbbb.0123456789abcdef", "it was ***, twice: ***"),
        ("signed 0123456789abcdef", "signed ***"),
        ("aaaa.bbbb", "aaaa.bbbb"),
        ("0123456789abcde", "0123456789abcde"),
    ],
)
def test_is_hidden_in_a_text(text: str, seen: str) -> None:
    """Whole, or its signature alone; header and claims are no secret."""
    assert Secret("aaaa.bbbb.0123456789abcdef").hidden_in(text) == seen


@pytest.mark.parametrize("signature", ["", "word", "0123456789abcde"])
def test_a_short_signature_hides_no_words(signature: str) -> None:
    """It may be one."""
    token = f"aaaa.bbbb.{signature}"
    assert Secret(token).hidden_in(f"a {signature}, {token}") == f"a {signature}, ***"


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_is_neither_pickled_nor_copied(copied: object) -> None:
    """What would write the text elsewhere is refused."""
    assert callable(copied)
    with pytest.raises(TypeError, match=r"^a Secret is neither pickled nor copied$"):
        copied(Secret(TEXT))


def test_is_not_json() -> None:
    """json.dumps does not find a text in a Secret."""
    with pytest.raises(TypeError):
        json.dumps(Secret(TEXT))


def test_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """logging writes stars, in the message and in its arguments."""
    logging.getLogger("test").warning("token %s", Secret(TEXT))
    assert "token ***" in caplog.text
    assert TEXT not in caplog.text


def test_does_not_show_in_a_traceback_with_local_variables() -> None:
    """A traceback that prints local variables prints stars."""
    secret = Secret(TEXT)
    try:
        raise ValueError(secret)  # noqa: TRY301 - this very frame is looked at
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "secret = ***" in shown
    assert TEXT not in shown.replace("TEXT", "")


def test_compares_by_its_text() -> None:
    """Two Secrets are equal if their texts are; a text is no Secret."""
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("another")
    assert Secret(TEXT) != TEXT


def test_has_no_dictionary_and_no_hash() -> None:
    """vars() finds nothing in a Secret, and no dictionary keeps a hash of its text."""
    with pytest.raises(TypeError):
        vars(Secret(TEXT))
    with pytest.raises(TypeError):
        hash(Secret(TEXT))
