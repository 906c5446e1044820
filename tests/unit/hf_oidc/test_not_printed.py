"""What holds a token as plain text, or a person's claims, does not print them, alone or inside of something."""

import pytest

from hf_oidc.action import Inputs
from hf_oidc.command import Finished
from hf_oidc.http.message import Request, Response
from hf_oidc.id_token import IdToken
from hf_oidc.secret import Secret
from tests.factories import id_token

TOKEN = id_token(email="somebody@example.com")


@pytest.mark.parametrize(
    "value",
    [
        Inputs.read({"INPUT_RESOURCE": "acme/model", "INPUT_ID-TOKEN": TOKEN}),
        Finished(0, TOKEN, ""),
        IdToken.read(Secret(TOKEN)),
        Request("exchange", "POST", "https://hub.example/x", "hub-url", {"Authorization": TOKEN}, TOKEN.encode()),
        Response("exchange", "hub.example", 200, {"x": TOKEN}, TOKEN.encode()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_with_a_token_is_not_printed(value: object) -> None:
    """They are tuples, and a tuple prints all that it holds."""
    for printed in (repr(value), str(value), f"{value}", repr([value]), repr({"value": value})):
        assert TOKEN not in printed
        assert "somebody" not in printed
