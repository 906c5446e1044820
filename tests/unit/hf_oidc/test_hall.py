"""What both entry points read in the same way."""

import pytest

from hf_oidc import hall
from hf_oidc.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", "https://hub.example"),
        ("sigstore", "sigstore"),
        ("https://hub.example:8443/x", "https://hub.example:8443/x"),
        ("me@corp.example", "me@corp.example"),
        ("ari:cloud:bitbucket::workspace/x", "ari:cloud:bitbucket::workspace/x"),
    ],
)
def test_an_audience_is_one_word(given: str, taken: str) -> None:
    """The Hub's URL, unless another is given."""
    assert hall.audience("audience", given, "https://hub.example") == taken


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("two words", "`audience` is not one word: 'two words'"),
        ("x" * 1001, "`audience` is not one word: "),
        ("https://svc:pw@hub.example", "`audience` has a password in it: https://***@hub.example"),
        ("https://svc:p w@hub.example", "`audience` has a password in it: https://***@hub.example"),
        ("svc:pw@hub.example", "`audience` has a password in it: ***@hub.example"),
        ("//pw@hub.example", "`audience` has a password in it: ***@hub.example"),
        ("https:pw@hub.example", "`audience` has a password in it: ***@hub.example"),
        ("https://svc:pw%40hub.example", "`audience` has a password in it: https://***@hub.example"),
        ("https://svc:pw@hub example", "`audience` has a password in it: an unreadable URL"),
    ],
)
def test_an_audience_that_is_none(given: str, said: str) -> None:
    """It would be in the ID token, which a CI and the Hub may log: a URL's password is refused, and not repeated."""
    with pytest.raises(InvalidInput) as caught:
        hall.audience("audience", given, "https://hub.example")
    assert caught.value.what.startswith(said)
