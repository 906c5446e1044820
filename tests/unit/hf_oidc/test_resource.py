"""The forms of `resource`, and what is said of the wrong ones."""

import pytest

from hf_oidc.errors import InvalidResource
from hf_oidc.hub.resource import Resource
from local_hub.hub.resources import InvalidResource as RefusedByLocalHub
from local_hub.hub.resources import parse_resource
from tests.vectors import load

VECTORS = load("resources")
REFUSED = VECTORS["refused"]


@pytest.mark.parametrize(("text", "kind"), VECTORS["accepted"])
def test_accepts_what_the_hub_has(text: str, kind: str) -> None:
    """Each of the Hub's forms is read, and written as it was."""
    resource = Resource.parse(text)
    assert (str(resource), resource.kind) == (text, kind)


@pytest.mark.parametrize(("text", "suggestion"), REFUSED + VECTORS["refused by the client alone"])
def test_refuses_anything_else_and_suggests_the_likely_form(text: str, suggestion: str | None) -> None:
    """A text of no form is refused, with the form that its writer likely meant, if there is one."""
    with pytest.raises(InvalidResource) as caught:
        Resource.parse(text)
    assert caught.value.suggestion == suggestion
    assert "`resource`" in caught.value.what


@pytest.mark.parametrize(("text", "kind"), VECTORS["accepted"])
def test_local_hub_accepts_the_same(text: str, kind: str) -> None:
    """Local Hub, which shares no code with the client, reads the same table the same way."""
    assert parse_resource(text).kind == kind


@pytest.mark.parametrize(("text", "_suggestion"), REFUSED)
def test_local_hub_refuses_the_same(text: str, _suggestion: str | None) -> None:
    """Local Hub refuses what the client refuses."""
    with pytest.raises(RefusedByLocalHub):
        parse_resource(text)


@pytest.mark.parametrize(("text", "suggestion"), [row for row in REFUSED if row[1]])
def test_a_suggestion_is_itself_accepted(text: str, suggestion: str) -> None:
    """Whoever follows the suggestion is not refused again."""
    assert str(Resource.parse(suggestion)) == suggestion
    assert text != suggestion


def test_forgives_white_space_around_the_name() -> None:
    """YAML's block scalars end with a line break."""
    assert str(Resource.parse("  acme/model\n")) == "acme/model"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`resource` is empty"),
        ("acme/a\nacme/b", "`resource` has several lines, and must be one resource: 'acme/a acme/b'"),
        ("datasets/squad", "`resource` lacks a namespace: 'datasets/squad'"),
        ("models/acme/m", "`resource` is not in a form that the Hub accepts: 'models/acme/m'"),
        (f"acme/{'m' * 300}", f"`resource` is not in a form that the Hub accepts: 'acme/{'m' * 214}…'"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    """The error names the mistake, and repeats what was written as far as the longest name would go."""
    with pytest.raises(InvalidResource) as caught:
        Resource.parse(text)
    assert caught.value.what == said


@pytest.mark.parametrize(
    "text",
    [
        "svc:secret/pw@hub.example/acme/m",
        "https://svc:secret/pw@hub.example/acme/m",
        "https://huggingface.example/secret/pw@acme/m",
        "ssh://git:secret@hf.example/acme/m",
        "svc:secret pw@acme/m",
        "svc:secret%40hub.example/acme/m",
    ],
)
def test_repeats_and_suggests_no_part_of_a_password(text: str) -> None:
    """Who writes a URL may write one with user information."""
    with pytest.raises(InvalidResource) as caught:
        Resource.parse(text)
    assert "secret" not in caught.value.what + (caught.value.suggestion or "")
    assert "pw" not in caught.value.what + (caught.value.suggestion or "")


@pytest.mark.parametrize("text", ["hf_" + "aB3" * 10, "hf_jwt_" + "aB3-_." * 5, " hf_oauth_" + "x" * 40])
def test_a_token_is_no_name(text: str) -> None:
    """It is not sent to the Hub as one, and not repeated."""
    with pytest.raises(InvalidResource, match=r"^`resource` looks like a token. It must be the name of") as caught:
        Resource.parse(text)
    assert text.strip() not in caught.value.what


@pytest.mark.parametrize(
    "text", ["hf_user", "hf_" + "a" * 29, "hf_jwt_demo", "hf_jwt_" + "a" * 29, "acme/hf_" + "a" * 40]
)
def test_a_name_that_begins_like_a_token_is_a_name(text: str) -> None:
    """A short one, or one of a repository."""
    assert str(Resource.parse(text)) == text


def test_names_where_the_user_wrote_it() -> None:
    """An argument, an option or a variable; `resource` is the action's input."""
    with pytest.raises(InvalidResource, match=r"^`HF_OIDC_RESOURCE` is empty$") as caught:
        Resource.parse("", "HF_OIDC_RESOURCE")
    assert caught.value.input_name == "HF_OIDC_RESOURCE"


def test_a_hostile_name_stays_on_one_short_line() -> None:
    """What an attacker wrote as a name cannot fill the log or start a command in it."""
    with pytest.raises(InvalidResource) as caught:
        Resource.parse("x\n::set-output name=a::b ##[add-path]/tmp" + " y" * 10_000)
    assert "\n" not in caught.value.what
    assert "##[" not in caught.value.what
    assert len(caught.value.what) < 300
