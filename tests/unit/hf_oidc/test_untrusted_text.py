"""Text of others is made harmless before a person or a runner reads it."""

import pytest

from hf_oidc.untrusted_text import shown, shown_input
from tests.factories import id_token


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, as it is.", "plain text, as it is."),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\x9b31mred", "31mred"),
        ("\u202eevil\u202c", "evil"),
        ("zero\u200bwidth", "zerowidth"),
        ("a\u2028b\u2029c", "a b c"),
        ("nul\0byte", "nul byte"),
        ("half \ud800 character", "half character"),
        ("::error::x", ": :error: :x"),
        (":::error x=:::", ": : :error x=: : :"),
        ("see ##[add-path]/tmp", "see ## [add-path]/tmp"),
        ("#\u200b#[add-path]/tmp", "## [add-path]/tmp"),
        (":\u200b:error:\u200b:x", ": :error: :x"),
        ("naïve Überraschung 模型", "naïve Überraschung 模型"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_keeps_words_and_drops_what_acts(text: str, expected: str) -> None:
    """Letters stay; controls, escapes, bidi marks, line breaks and workflow commands go."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    "word",
    [
        "hf_jwt_abcdefghijkl",
        "hf_oauth_abcdefghijkl",
        "hf_AbCdEfGhIjKlMnOp",
        '{"access_token":"hf_jwt_abcdefghijkl"}',
        "hf_jwt\u200b_abcdefghijkl",
        "x" * 65,
        id_token(),
        id_token().rpartition(".")[2],
    ],
)
def test_shows_no_word_that_could_be_a_token(word: str) -> None:
    """Long words and Hugging Face tokens are replaced, however they are wrapped."""
    assert shown(f"before {word} after") == "before *** after"


@pytest.mark.parametrize(
    "name",
    [f"datasets/{'n' * 96}/{'m' * 96}", f"{'n' * 40}/{'m' * 40}.", f'"{"n" * 96}/{"m" * 96}",'],
)
def test_shows_a_long_name_of_a_repository(name: str) -> None:
    """The Hub's names may be longer than any word, and are the one fact that its reader needs."""
    assert shown(f"configured on {name}") == f"configured on {name}"


def test_shows_a_long_path_of_the_workflow_but_no_token_in_it() -> None:
    """The runner prints inputs before the step begins; a token among them is masked by its shape."""
    path = "/home/runner/work/" + "long-name/" * 12 + "ca.pem"
    assert shown_input(path) == path
    assert shown_input(f"{path} {id_token()} hf_abcdefghijkl") == f"{path} *** ***"


def test_is_bounded() -> None:
    """A long text is cut, and says that it was."""
    assert shown("word " * 1000, limit=20) == "word word word word…"


def test_reads_no_more_than_it_may_show() -> None:
    """Megabytes of white space cost no more than their beginning."""
    assert shown(" " * 5_000_000 + "end") == ""
