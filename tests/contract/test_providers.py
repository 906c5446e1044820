"""What holds for every provider. A new one adds its row to `PROVIDERS`, and every test here is its test too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from hf_oidc.errors import (
    IdentityError,
    IdTokenDependabot,
    IdTokenForkPullRequest,
    IdTokenNotDeclared,
    IdTokenPermissionMissing,
    IdTokenRequestFailed,
    InsecureUrl,
    NoProvider,
    Redirected,
)
from hf_oidc.providers import github, supplied
from hf_oidc.providers._base import CanMint, CannotMint, NotHere, Provider
from hf_oidc.providers.registry import PROVIDERS as REGISTRY
from hf_oidc.providers.registry import choose
from hf_oidc.transport import Transport, trusting
from tests.factories import HUB, id_token, means
from tests.scripted_server import Answer, ScriptedServer, scripted_server

TOKEN = id_token()


@dataclass(frozen=True)
class Row:
    """A provider, and the environment in which it is here; `server` is its CI."""

    provider: Provider
    here: Callable[[str], Mapping[str, str]]
    calls: int
    cannot: Mapping[str, str] | None = None
    reason: type[IdentityError] | None = None


def github_env(url: str) -> dict[str, str]:
    """A job with `id-token: write`."""
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
    }


PROVIDERS = {
    "github": Row(github.PROVIDER, github_env, 1, {"GITHUB_ACTIONS": "true"}, IdTokenPermissionMissing),
    "supplied": Row(supplied.PROVIDER, lambda _url: {"HF_OIDC_ID_TOKEN": f" {TOKEN}\n"}, 0),
}
every = pytest.mark.parametrize("row", PROVIDERS.values(), ids=PROVIDERS)
asking = pytest.mark.parametrize(
    "row", [row for row in PROVIDERS.values() if row.calls], ids=lambda row: row.provider.name
)


def transport() -> Transport:
    """A transport with a minute's time."""
    return Transport(env={}, tls=trusting(""), user_agent="test", deadline=time.monotonic() + 60)


def mint(row: Row, server: ScriptedServer, audience: str = HUB) -> str:
    """The ID token that the provider gets from `server`."""
    detection = row.provider.detect(row.here(server.url))
    assert isinstance(detection, CanMint)
    return detection.mint(audience, means(transport())).reveal()


def test_every_provider_is_tested_here() -> None:
    """The registry and this table name the same providers."""
    assert {provider.name for provider in REGISTRY} == set(PROVIDERS)


@every
def test_is_not_here_in_an_empty_environment(row: Row) -> None:
    """Nothing is assumed."""
    assert row.provider.detect({}) == NotHere()


@every
def test_is_not_here_where_its_variables_are_empty(row: Row) -> None:
    """An empty variable is as good as none: runners pass undefined inputs so."""
    assert isinstance(row.provider.detect(dict.fromkeys(row.here("http://localhost"), "")), NotHere)


@every
def test_detecting_sends_nothing(row: Row) -> None:
    """detect() is pure."""
    with scripted_server({}) as server:
        row.provider.detect(row.here(server.url))
    assert server.requests == []


@pytest.mark.parametrize("row", [row for row in PROVIDERS.values() if row.cannot], ids=lambda row: row.provider.name)
def test_says_why_it_cannot_mint(row: Row) -> None:
    """Here, but without means: the reason has a code of its own."""
    assert row.cannot is not None
    assert row.reason is not None
    detection = row.provider.detect(row.cannot)
    assert isinstance(detection, CannotMint)
    assert isinstance(detection.reason(str), row.reason)
    with pytest.raises(row.reason):
        choose(row.cannot, str)


@every
def test_gives_the_id_token(row: Row) -> None:
    """As it is, without the white space that shells and files add."""
    with scripted_server({"/idtoken": Answer({"value": TOKEN})}) as server:
        assert mint(row, server) == TOKEN
    assert len(server.requests) == row.calls


@every
def test_does_not_print_what_it_was_given(row: Row) -> None:
    """A detection in a log or a traceback holds no token."""
    shown = repr(row.provider.detect(row.here("http://localhost")))
    assert "request-token" not in shown
    assert TOKEN not in shown


@asking
def test_asks_for_the_audience_it_is_given(row: Row) -> None:
    """URL-encoded, however odd."""
    audience = "https://hub.example/a?b=c&d=ü#f"
    with scripted_server({"/idtoken": Answer({"value": TOKEN})}) as server:
        mint(row, server, audience)
    assert server.requests[0].query["audience"] == [audience]


@asking
@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401),
        Answer(status=403),
        Answer(status=404),
        Answer(status=500),
        Answer(""),
        Answer("<html>"),
        Answer([]),
        Answer({}),
        Answer({"value": ""}),
        Answer({"value": None}),
        Answer('{"value": "\\ud800"}'),
        Answer({"value": 7}),
        Answer({"value": ["x"]}),
        Answer({"Value": TOKEN}),
        Answer(b"x" * 2_000_000),
    ],
    ids=repr,
)
def test_an_endpoint_that_fails_is_named_so(row: Row, answer: Answer) -> None:
    """Whatever comes instead of an ID token; none of it is shown."""
    with scripted_server({"/idtoken": answer}) as server, pytest.raises(IdTokenRequestFailed) as caught:
        mint(row, server)
    assert caught.value.where is not None
    assert caught.value.where.phase == "mint"
    assert caught.value.where.status == answer.status


@asking
def test_an_endpoint_that_does_not_answer_is_named_so(row: Row) -> None:
    """The transport's reason is in the error."""
    with scripted_server({}) as server:
        pass
    with pytest.raises(IdTokenRequestFailed, match="connection refused"):
        mint(row, server)


@asking
def test_a_redirect_is_not_followed(row: Row) -> None:
    """The request token stays with the CI."""
    redirect = Answer(status=302, headers={"Location": "https://evil.example/"})
    with scripted_server({"/idtoken": redirect}) as server, pytest.raises(Redirected):
        mint(row, server)


@asking
def test_a_request_token_never_travels_in_clear(row: Row) -> None:
    """Plain HTTP to another machine is refused before anything is sent."""
    detection = row.provider.detect(row.here("http://ci.example"))
    assert isinstance(detection, CanMint)
    with pytest.raises(InsecureUrl):
        detection.mint(HUB, means(transport()))


def test_github_keeps_the_query_of_its_url() -> None:
    """`api-version` must stay; the bearer token goes in the header."""
    with scripted_server({"/idtoken": Answer({"value": TOKEN})}) as server:
        mint(PROVIDERS["github"], server)
    (seen,) = server.requests
    assert seen.method == "GET"
    assert seen.query == {"api-version": ["2.0"], "audience": [HUB]}
    assert seen.headers["authorization"] == "Bearer request-token"


def test_github_takes_a_url_without_a_query() -> None:
    """Other engines than GitHub's hand one out."""
    with scripted_server({"/idtoken": Answer({"value": TOKEN})}) as server:
        env = github_env(server.url) | {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/idtoken"}
        choose(env, str).mint(HUB, means(transport()))
    assert server.requests[0].query == {"audience": [HUB]}


@pytest.mark.parametrize("missing", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_github_needs_both_variables(missing: str) -> None:
    """One without the other is a missing permission too."""
    env = {name: value for name, value in github_env("http://localhost").items() if name != missing}
    with pytest.raises(IdTokenPermissionMissing):
        choose(env, str)


def test_a_supplied_token_goes_before_the_cis_own() -> None:
    """Input, then HF_OIDC_ID_TOKEN, then the CI; whoever supplied one meant it."""
    env = github_env("http://localhost:9") | {"HF_OIDC_ID_TOKEN": "from-variable"}
    assert choose(env, str, id_token="from-input").mint(HUB, means(transport())).reveal() == "from-input"
    assert choose(env, str, id_token=" ").mint(HUB, means(transport())).reveal() == "from-variable"


def test_outside_of_any_ci_there_is_no_provider() -> None:
    """The error says so."""
    with pytest.raises(NoProvider):
        choose({"PATH": "/usr/bin"}, str)


def pull_request(head: str | None, base: str = "acme/trainer") -> str:
    """The payload of a pull request, as far as it matters; a head of None is a fork that was deleted."""
    return json.dumps(
        {
            "pull_request": {
                "head": {"repo": {"full_name": head, "fork": True} if head else None},
                "base": {"repo": {"full_name": base, "fork": True}},
            }
        }
    )


ON_GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": "/event.json", "GITHUB_EVENT_NAME": "pull_request"}


@pytest.mark.parametrize(
    ("env", "event", "reason"),
    [
        ({}, pull_request("mallory/trainer"), IdTokenForkPullRequest),
        ({}, pull_request(None), IdTokenForkPullRequest),
        ({"GITHUB_EVENT_NAME": "pull_request_review"}, pull_request("mallory/trainer"), IdTokenForkPullRequest),
        ({}, pull_request("acme/trainer"), IdTokenPermissionMissing),
        ({"GITHUB_EVENT_NAME": "pull_request_target"}, pull_request("mallory/trainer"), IdTokenPermissionMissing),
        ({"GITHUB_EVENT_NAME": "push"}, '{"ref": "refs/heads/main"}', IdTokenPermissionMissing),
        ({"GITHUB_ACTOR": "dependabot[bot]"}, pull_request("acme/trainer"), IdTokenDependabot),
        ({"GITHUB_ACTOR": "dependabot[bot]", "GITHUB_EVENT_NAME": "push"}, "{}", IdTokenDependabot),
        ({"ACT": "true"}, pull_request("mallory/trainer"), IdTokenNotDeclared),
        ({"GITEA_ACTIONS": "true"}, "{}", IdTokenNotDeclared),
        ({}, "", IdTokenPermissionMissing),
        ({}, "not json", IdTokenPermissionMissing),
        ({}, "[" * 100_000, IdTokenPermissionMissing),
        ({}, "[]", IdTokenPermissionMissing),
        ({}, '{"pull_request": null}', IdTokenPermissionMissing),
        ({}, '{"pull_request": {"head": [], "base": "x"}}', IdTokenPermissionMissing),
    ],
)
def test_github_tells_the_reasons_apart(env: dict[str, str], event: str, reason: type[IdentityError]) -> None:
    """Why there is no ID token: a fork, Dependabot, another engine, or else the permission; whatever the file holds."""
    read: list[str] = []

    def read_file(path: str) -> str:
        read.append(path)
        return event

    with pytest.raises(reason) as caught:
        choose(ON_GITHUB | env, read_file)
    assert type(caught.value) is reason
    assert read == ["/event.json"]


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        (Answer({"message": "Can't issue ID_TOKEN for job in 'Pending' state"}, 403), True),
        (Answer({"message": "Can't issue ID_TOKEN for job in 'Delayed' state"}, 403), True),
        (Answer('{"message": "Can\\u0027t issue ID_TOKEN for job in \\u0027Pending\\u0027 state"}', 403), True),
        (Answer({"message": "Resource not accessible by integration"}, 403), False),
        (Answer(b"", 403), False),
        (Answer(b"x" * 2_000_000, 403), False),
        (Answer(status=401), False),
        (Answer(status=404), False),
        (Answer(status=429), True),
        (Answer(status=500), True),
        (Answer(status=599), True),
        (Answer({}), False),
    ],
)
def test_github_says_which_failures_may_pass(answer: Answer, passing: bool) -> None:
    """A job that is not quite begun, too many requests and the server's own errors; no other refusal."""
    with scripted_server({"/idtoken": answer}) as server, pytest.raises(IdTokenRequestFailed) as caught:
        mint(PROVIDERS["github"], server)
    assert caught.value.passing is passing
