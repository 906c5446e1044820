"""What a login is to give: names and resources, from arguments and from lines."""

import pytest

from hf_oidc.errors import InvalidInput, InvalidResource
from hf_oidc.wanted import from_arguments, from_lines, from_single


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme/model", [("HF_TOKEN", "acme/model")]),
        ("  acme/model\n", [("HF_TOKEN", "acme/model")]),
        ("MODEL=acme/model", [("MODEL", "acme/model")]),
        (
            "\nMODEL = acme/model \r\n\n  DATA=datasets/acme/data\n",
            [("MODEL", "acme/model"), ("DATA", "datasets/acme/data")],
        ),
        ("HF_TOKEN=acme/model\nREADER=alice", [("HF_TOKEN", "acme/model"), ("READER", "alice")]),
        ("A=acme/model\nB=acme/model", [("A", "acme/model"), ("B", "acme/model")]),
    ],
)
def test_lines(text: str, found: list[tuple[str, str]]) -> None:
    """One resource, or one with its name a line; blank lines and blanks around are nothing."""
    assert [(each.name, str(each.resource)) for each in from_lines(text, "resource")] == found


@pytest.mark.parametrize(
    "text",
    [
        "acme/a, acme/b",
        "acme/a,acme/b",
        "acme/a; acme/b",
        "acme/a acme/b",
        "A=acme/a, B=acme/b",
        "A=acme/a B=acme/b",
        "A=acme/a\nB=acme/b, C=acme/c",
        "datasets/acme/a  acme/b",
        "alice, bob",
        "https://huggingface.co/acme/a, acme/b",
    ],
)
def test_several_on_one_line(text: str) -> None:
    """Says how several are written, and not which forms there are."""
    with pytest.raises(InvalidInput, match="`resource` names several resources at once") as caught:
        from_lines(text, "resource")
    assert caught.value.expected.startswith("one per line, each with the name of a variable")


@pytest.mark.parametrize(
    ("text", "problem", "expected"),
    [
        ("acme/a,acme/b", "`X` names several resources at once", "one of them: "),
        ("HF_TOKEN=acme/a", "`X` has the name of a variable before the resource", "the resource alone"),
        ("hf_token = acme/a", "`X` has the name of a variable before the resource", "the resource alone"),
    ],
)
def test_a_single_one_has_no_name(text: str, problem: str, expected: str) -> None:
    """Where a command sets no variable and gives one token; it is said which commands do."""
    with pytest.raises(InvalidInput, match=problem) as caught:
        from_single(text, "X")
    assert caught.value.expected.startswith(expected)
    assert "`hf-oidc run`" in caught.value.expected


def test_several_in_one_argument() -> None:
    """An argument is no line."""
    with pytest.raises(InvalidInput, match="`RESOURCE` names several resources at once") as caught:
        from_arguments(["acme/a, acme/b"], "RESOURCE")
    assert caught.value.expected.startswith("each as an argument of its own")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("acme/m?x=1", "acme/m"),
        ("acme/m?x=1&y=2", "acme/m"),
        ("acme/m#x=1", "acme/m"),
        ("datasets/acme/m?x=1", "datasets/acme/m"),
        ("https://huggingface.co/acme/m?x=1", "acme/m"),
        ("huggingface.co/acme/m/tree/main?x=1", "acme/m"),
        ("https://huggingface.co/spaces/acme/m#a=b", "spaces/acme/m"),
        ("MODEL=acme/m?x=1", "acme/m"),
        ("acme/m=1", None),
        ("alice?x=1", None),
        ("A=acme/a,", None),
        ("acme/my model", None),
    ],
)
def test_an_equals_sign_in_an_address_names_no_variable(text: str, suggestion: str | None) -> None:
    """What is said is said of the resource, with the likely form of it."""
    with pytest.raises(InvalidResource) as in_line:
        from_lines(text, "resource")
    with pytest.raises(InvalidResource) as as_argument:
        from_arguments([text], "RESOURCE")
    assert (in_line.value.suggestion, as_argument.value.suggestion) == (suggestion, suggestion)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=acme/model\nacme/m?x=1", "`resource` has several lines, and number 2 has no name before it"),
        ("acme/model\nDATA=datasets/acme/data", "`resource` has several lines, and number 1 has no name before it"),
        ("A=acme/model\n\nacme/other", "`resource` has several lines, and number 2 has no name before it"),
        ("A=acme/model\nA=acme/other", "Two tokens for the variable `A`"),
        ("token=acme/model\nTOKEN=acme/other", "Two tokens for the variable `token`"),
        ("A-B=acme/model\nC=acme/other", "'A-B' is no name of an environment variable"),
        ("=acme/model", "'' is no name of an environment variable"),
        ("1A=acme/model", "'1A' is no name of an environment variable"),
        ("Ä=acme/model", "is no name of an environment variable"),
        ("PATH=acme/model", "A token in `PATH` would change how programs run"),
        ("path=acme/model", "A token in `path` would change how programs run"),
        ("LD_PRELOAD=acme/model\nB=acme/other", "A token in `LD_PRELOAD` would change how programs run"),
        ("NODE_OPTIONS=acme/model", "A token in `NODE_OPTIONS` would change how programs run"),
        ("GITHUB_TOKEN=acme/model", "A token in `GITHUB_TOKEN` would change how programs run"),
        ("RUNNER_TEMP=acme/model", "A token in `RUNNER_TEMP` would change how programs run"),
        ("GIT_CONFIG_COUNT=acme/model", "A token in `GIT_CONFIG_COUNT` would change how programs run"),
        ("BASH_ENV=acme/model", "A token in `BASH_ENV` would change how programs run"),
    ],
)
def test_wrong_lines(text: str, said: str) -> None:
    """Each says what is wrong, and how it would be right."""
    with pytest.raises(InvalidInput) as caught:
        from_lines(text, "resource")
    assert said in caught.value.what
    assert caught.value.input_name == "resource"
    assert caught.value.expected


@pytest.mark.parametrize("text", ["", "\n \n", "A=", "A=acme/model=b", "A=acme/../b", "A=gpt2/../x\nB=b/c"])
def test_what_is_no_resource(text: str) -> None:
    """The resource's own error."""
    with pytest.raises(InvalidResource):
        from_lines(text, "resource")


def test_arguments_need_no_name_each() -> None:
    """One of them may be HF_TOKEN."""
    found = from_arguments(["acme/model", "DATA=datasets/acme/data"], "RESOURCE")
    assert [each.name for each in found] == ["HF_TOKEN", "DATA"]


def test_two_arguments_without_a_name_are_two_for_one_variable() -> None:
    """Neither would win."""
    with pytest.raises(InvalidInput, match="Two tokens for the variable `HF_TOKEN`"):
        from_arguments(["acme/model", "acme/other"], "RESOURCE")
