"""The job summary of a login that worked: at most three lines, with links to the Hub and to this run only."""

from __future__ import annotations

import re

import pytest

from hf_oidc.explain.success import summary
from hf_oidc.hub.resource import Resource

HUB, EXPIRY = "https://huggingface.co", "2026-11-26T20:00:00Z"
RUN = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/trainer",
    "GITHUB_RUN_ID": "42",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
}
RUN_LINE = (
    "- Used by run [`42`](<https://github.com/acme/trainer/actions/runs/42>) of "
    "[`acme/trainer`](<https://github.com/acme/trainer>), commit "
    "[`0123456`](<https://github.com/acme/trainer/commit/0123456789abcdef0123456789abcdef01234567>)"
)
HOSTILE = [
    "",
    "x](https://evil.example)",
    "<img src=https://evil.example>",
    "a/b\n# Heading",
    "a/b|c",
    "`a/b`",
    "::error::x",
    "@acme/everyone",
    "javascript:alert(1)",
    "https://user:password@github.com",
    "http://github.example",
    "٤٢",
    "../..",
    "x" * 100_000,
    "hf_jwt_0123456789abcdefghijklmnopqrstuvwxyz",
]


def lines(*resources: str, hub_url: str = HUB, **env: str) -> list[str]:
    """The lines of the summary for logins in a job with these variables."""
    text = summary([Resource.parse(each) for each in resources], EXPIRY, hub_url, env)
    assert text.endswith("\n")
    return text.splitlines()


def test_it_says_what_the_token_is_for_until_when_and_who_uses_it() -> None:
    """Three lines, each with its links."""
    assert lines("acme/model", **RUN) == [
        "- Hugging Face login: [`acme/model`](<https://huggingface.co/acme/model>)",
        "- Valid until 2026-11-26T20:00:00Z",
        RUN_LINE,
    ]


def test_many_resources_are_one_line() -> None:
    """Four with links, and the number of the others."""
    first, *others = lines(*(f"datasets/acme/d{number}" for number in range(20)), **RUN)
    assert first.count("](<https://huggingface.co/datasets/acme/d") == 4
    assert first.endswith(", 16 more")
    assert len(others) == 2


def test_outside_a_run_it_names_none() -> None:
    """Two lines."""
    assert len(lines("acme")) == 2


@pytest.mark.parametrize("engine", ["FORGEJO_ACTIONS", "GITEA_ACTIONS"])
def test_the_run_has_no_link_where_its_page_has_another_number(engine: str) -> None:
    """Forgejo and Gitea; the commit has one."""
    line = lines("acme/model", **RUN, **{engine: "true"})[-1]
    assert line.startswith("- Used by run `42` of [`acme/trainer`](<")
    assert "/commit/0123456789abcdef" in line


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_SHA"])
def test_a_run_in_another_form_is_left_out(name: str, value: str) -> None:
    """Nothing of it is shown."""
    assert len(lines("acme/model", **{**RUN, name: value})) == 2


@pytest.mark.parametrize("value", HOSTILE)
def test_a_server_in_another_form_gets_no_link(value: str) -> None:
    """The line has its texts."""
    line = lines("acme/model", **{**RUN, "GITHUB_SERVER_URL": value})[-1]
    assert line == "- Used by run `42` of `acme/trainer`, commit `0123456`"


@pytest.mark.parametrize(
    "hub_url", ["https://hub.example/hf_jwt_0123456789abcdef", f"https://hub.example/{'x/' * 999}"]
)
def test_a_hub_url_that_cannot_be_shown_is_no_link(hub_url: str) -> None:
    """It may hold a token, or is too long."""
    assert lines("acme/model", hub_url=hub_url)[0] == "- Hugging Face login: `acme/model`"


@pytest.mark.parametrize("resource", ["a/_b_", "a/__", "datasets/a/b.c-d", "www.example/x", "https/x"])
def test_a_resource_stays_plain_text(resource: str) -> None:
    """Whatever name the Hub accepts: in a code span, and in the destination of one link."""
    first = lines(resource)[0]
    assert re.fullmatch(rf"- Hugging Face login: \[`{re.escape(resource)}`\]\(<{HUB}/{re.escape(resource)}>\)", first)
