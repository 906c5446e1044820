"""Which part of a token a command tells a runner to hide: enough to hide it, and of no use alone."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hf_oidc.command import Finished, NotRun
from hf_oidc.output.masking import mask_command, redact, worthless_part
from hf_oidc.secret import Secret

WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=400)


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("hf_jwt_0123456789abcdef", "56789abcdef"),
        ("hf_oauth_0123456789abcdef", "456789abcdef"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.0123456789abcdef", "89abcdef"),
        ("hf_jwt_eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.0123456789abcdef", "89abcdef"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.0123456789abcdefg", "9abcdefg"),  # of 17, 9 stay untold
        ("a.b.c.d.0123456789abcdef", "89abcdef"),
        # A last segment as short as these is no signature, and a mask of one letter would hide the log.
        ("hf_0123456789abcdef.x", "89abcdef.x"),
        ("eyJhbGciOiJub25lIn0.e30.", "b25lIn0.e30."),
    ],
)
def test_what_is_told(token: str, told: str) -> None:
    """The second half of the last segment, or of a token without segments."""
    assert worthless_part(Secret(token)).reveal() == told


@given(WORD)
@example("x" * 15 + ".")
@example("x" * 15 + "." + "x" * 15)
@example(".".join("abcdefghi"))
def test_what_is_told_is_neither_short_nor_too_much(token: str) -> None:
    """Eight characters or more, from the token's end, and at most half of what somebody has signed or drawn."""
    told = worthless_part(Secret(token)).reveal()
    last = token.rpartition(".")[2]
    assert token.endswith(told)
    assert 8 <= len(told) <= len(token) / 2
    assert len(last) < 16 or len(told) <= len(last) / 2


def test_the_runner_gets_a_part_on_one_line() -> None:
    """Each character that would end the command, or be decoded to another, is encoded as the runner decodes it."""
    part = "::error::%\r\n%0A%%\r\r\n\nx"
    assert mask_command(Secret("a" * len(part) + part)) == "::add-mask::::error::%25%0D%0A%250A%25%25%0D%0D%0A%0Ax"


def test_the_agent_gets_the_whole_token_on_its_standard_input() -> None:
    """Its arguments would be readable by all processes of the machine; a format that is not named may be JSON."""
    calls: list[tuple[list[str], str]] = []

    def run(command: Sequence[str], stdin: str) -> Finished:
        calls.append((list(command), stdin))
        return Finished(0, "", "added")

    assert redact(Secret("hf_jwt_0123456789abcdef"), run) == ""
    assert calls == [(["buildkite-agent", "redactor", "add", "--format", "none"], "hf_jwt_0123456789abcdef")]


FAILED = "The command `buildkite-agent redactor add` failed (it needs agent 3.66 or newer)"


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (NotRun("is not on PATH"), "The command `buildkite-agent` is not on PATH"),
        (Finished(1, "", ""), FAILED),
        (Finished(-9, "help", " \n"), FAILED),
        (Finished(1, "help", "no\n::error::such hf_jwt_abcdefgh"), f'{FAILED}: "no : :error: :such ***"'),
    ],
)
def test_says_why_the_agent_hides_nothing(done: Finished | NotRun, reason: str) -> None:
    """In one line that is safe to print."""
    assert redact(Secret("hf_jwt_0123456789abcdef"), lambda _command, _stdin: done) == reason
