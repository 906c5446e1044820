"""The audience, as the action, the command and the workflow checker read it."""

import pytest

from hf_oidc.errors import InvalidInput
from hf_oidc.settings import AUDIENCE


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", ""),
        ("sigstore", "sigstore"),
        ("https://hub.example:8443/x", "https://hub.example:8443/x"),
        ("me@corp.example", "me@corp.example"),
        ("ari:cloud:bitbucket::workspace/x", "ari:cloud:bitbucket::workspace/x"),
    ],
)
def test_an_audience_is_one_word(given: str, taken: str) -> None:
    """As it is; an empty one stands for the Hub's URL."""
    assert AUDIENCE.read(given) == taken


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
        AUDIENCE.read(given)
    assert caught.value.what.startswith(said)
