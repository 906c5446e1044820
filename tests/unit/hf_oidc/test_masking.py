"""Which part of a token a command tells a runner to hide: enough to hide it, and of no use alone."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hf_oidc.secret import Secret
from hf_oidc.sinks.masking import worthless_part

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
