"""Requests for ID tokens: each CI's endpoint takes its own form and no other, and the log says why it refused.

The rows that no document of the CI decides are the stricter choice; docs/local-hub.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import jwt
import pytest

from tests.local_hub_process import LocalHub, local_hub
from tests.page_reader import browser

pytestmark = pytest.mark.process
AUDIENCE = "audience=https%3A%2F%2Fhub.example"
GITHUB, FORGEJO, CODEFRESH = "/oidc/github", "/oidc/forgejo/api/actions", "/oidc/codefresh"
COMMANDS = "/oidc/buildkite"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
IAM = "/v1/projects/-/serviceAccounts"
FLAVOR = {"Metadata-Flavor": "Google"}
EMAIL = "publish@acme.iam.gserviceaccount.com"
NO_FLAVOR = "Missing Metadata-Flavor:Google header."
NO_AUDIENCE = "non-empty audience parameter required"
ABSENT, NOT_ONE = "audience: is missing from the query", "audience: must be given once and must not be empty"
BEARER = "Authorization: must be Bearer and the request token"
BARE = "Authorization: must be only the request token, without Bearer"
MISSING, UNKNOWN = "Authorization: is missing", "Authorization: no job of this CI has this request token"
NOTHING = "the issuer has nothing at this path"
NOT_GET, NOT_POST = "the method must be GET", "the method must be POST"
VERSION = "api-version: must be 2.0"


@dataclass(frozen=True)
class Row:
    """A request that is refused. `{ci}` in the authorization is that CI's request token.

    `body`: what is answered, where that is not the reason in the form of the issuer's errors.
    """

    url: str
    status: int
    reason: str
    authorization: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    json: Any = None
    body: Any = None


def error(code: int, status: str, reason: str) -> dict[str, Any]:
    """An error of Google's APIs."""
    return {"error": {"code": code, "message": reason, "status": status}}


DENIED = "the access token belongs to another service account"
UNAUTHENTICATED = "Authorization: must be Bearer and the metadata server's access token"
NAMELESS = "audience: must be a non-empty string (in YAML, put quotes around it)"
REFUSED: Mapping[str, Row] = {
    "github: no authorization": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, MISSING),
    "github: the token without Bearer": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, BEARER, "{github}"),
    "github: Bearer without a token": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, BEARER, "Bearer"),
    "github: Basic": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, BEARER, "Basic {github}"),
    "github: two tokens": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, BEARER, "Bearer {github} {github}"),
    "github: an unknown token": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, UNKNOWN, "Bearer nobody"),
    "github: Forgejo's token": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 401, UNKNOWN, "Bearer {forgejo}"),
    "github: another api-version": Row(f"{GITHUB}/idtoken?api-version=1.0&{AUDIENCE}", 400, VERSION, "Bearer {github}"),
    "github: an empty audience": Row(f"{GITHUB}/idtoken?audience=", 400, NOT_ONE, "Bearer {github}"),
    "github: two audiences": Row(f"{GITHUB}/idtoken?{AUDIENCE}&{AUDIENCE}", 400, NOT_ONE, "Bearer {github}"),
    "github: POST": Row(f"{GITHUB}/idtoken?{AUDIENCE}", 405, NOT_GET, "Bearer {github}", method="POST"),
    "github: another path": Row(f"{GITHUB}/id-token?{AUDIENCE}", 404, NOTHING, "Bearer {github}"),
    "github: a slash at the end": Row(f"{GITHUB}/idtoken/?{AUDIENCE}", 404, NOTHING, "Bearer {github}"),
    "forgejo: the token without Bearer": Row(f"{FORGEJO}/idtoken?api-version=2.0&{AUDIENCE}", 401, BEARER, "{forgejo}"),
    "forgejo: GitHub's token": Row(f"{FORGEJO}/idtoken?api-version=2.0&{AUDIENCE}", 401, UNKNOWN, "Bearer {github}"),
    "forgejo: no api-version": Row(f"{FORGEJO}/idtoken?{AUDIENCE}", 400, VERSION, "Bearer {forgejo}"),
    "forgejo: no audience": Row(f"{FORGEJO}/idtoken?api-version=2.0", 400, ABSENT, "Bearer {forgejo}"),
    "codefresh: no authorization": Row(f"{CODEFRESH}/idtoken?{AUDIENCE}", 401, MISSING),
    "codefresh: the token after Bearer": Row(f"{CODEFRESH}/idtoken?{AUDIENCE}", 401, BARE, "Bearer {codefresh}"),
    "codefresh: an unknown token": Row(f"{CODEFRESH}/idtoken?{AUDIENCE}", 401, UNKNOWN, "nobody"),
    "codefresh: no audience": Row(f"{CODEFRESH}/idtoken", 400, ABSENT, "{codefresh}"),
    "codefresh: PUT": Row(f"{CODEFRESH}/idtoken?{AUDIENCE}", 405, NOT_GET, "{codefresh}", method="PUT"),
    "a command's endpoint: the token without Bearer": Row(f"{COMMANDS}/idtoken?{AUDIENCE}", 401, BEARER, "{buildkite}"),
    "gitlab: has no endpoint": Row(f"/oidc/gitlab/idtoken?{AUDIENCE}", 404, NOTHING, "Bearer {github}"),
    "kubernetes: has no endpoint": Row(f"/oidc/kubernetes/idtoken?{AUDIENCE}", 404, NOTHING, "Bearer {github}"),
    "google: no header": Row(f"{ACCOUNT}/identity?{AUDIENCE}", 403, NO_FLAVOR, body=NO_FLAVOR),
    "google: another flavor": Row(
        f"{ACCOUNT}/identity?{AUDIENCE}", 403, NO_FLAVOR, headers={"Metadata-Flavor": "Amazon"}, body=NO_FLAVOR
    ),
    "google: a bearer token for the header": Row(
        f"{ACCOUNT}/identity?{AUDIENCE}", 403, NO_FLAVOR, "Bearer ya29.local", body=NO_FLAVOR
    ),
    "google: no audience": Row(f"{ACCOUNT}/identity?format=full", 400, NO_AUDIENCE, headers=FLAVOR, body=NO_AUDIENCE),
    "google: an empty audience": Row(
        f"{ACCOUNT}/identity?audience=", 400, NO_AUDIENCE, headers=FLAVOR, body=NO_AUDIENCE
    ),
    "google: two audiences": Row(
        f"{ACCOUNT}/identity?{AUDIENCE}&{AUDIENCE}", 400, NO_AUDIENCE, headers=FLAVOR, body=NO_AUDIENCE
    ),
    "google: another format": Row(
        f"{ACCOUNT}/identity?{AUDIENCE}&format=json",
        400,
        "format: must be standard or full",
        headers=FLAVOR,
        body="format: must be standard or full",
    ),
    "google: another path": Row(
        f"{ACCOUNT}/nothing?{AUDIENCE}",
        404,
        "the metadata server has nothing at this path",
        headers=FLAVOR,
        body="Not Found",
    ),
    "google: POST": Row(f"{ACCOUNT}/identity?{AUDIENCE}", 405, NOT_GET, headers=FLAVOR, method="POST", body=NOT_GET),
    "iam: no access token": Row(
        f"{IAM}/{EMAIL}:generateIdToken",
        401,
        UNAUTHENTICATED,
        method="POST",
        json={"audience": "x"},
        body=error(401, "UNAUTHENTICATED", UNAUTHENTICATED),
    ),
    "iam: another account": Row(
        f"{IAM}/somebody@acme.example:generateIdToken",
        403,
        DENIED,
        "Bearer ya29.local",
        method="POST",
        json={"audience": "x"},
        body=error(403, "PERMISSION_DENIED", DENIED),
    ),
    "iam: another verb of the account": Row(
        f"{IAM}/{EMAIL}:generateAccessToken",
        403,
        DENIED,
        "Bearer ya29.local",
        method="POST",
        json={"audience": "x"},
        body=error(403, "PERMISSION_DENIED", DENIED),
    ),
    "iam: no audience": Row(
        f"{IAM}/{EMAIL}:generateIdToken",
        400,
        NAMELESS,
        "Bearer ya29.local",
        method="POST",
        json={"includeEmail": True},
        body=error(400, "INVALID_ARGUMENT", NAMELESS),
    ),
    "iam: a body that is not JSON": Row(
        f"{IAM}/{EMAIL}:generateIdToken",
        400,
        "Content-Type must be application/json",
        "Bearer ya29.local",
        method="POST",
        body=error(400, "INVALID_ARGUMENT", "Content-Type must be application/json"),
    ),
    "iam: GET": Row(
        f"{IAM}/{EMAIL}:generateIdToken",
        405,
        NOT_POST,
        "Bearer ya29.local",
        body=error(405, "UNIMPLEMENTED", NOT_POST),
    ),
}


@dataclass(frozen=True)
class Jobs:
    """The jobs of all CIs in a running Local Hub: their request tokens, and the URLs to ask."""

    hub: LocalHub
    tokens: Mapping[str, str]
    urls: Mapping[str, str]

    def ask(self, row: Row) -> httpx.Response:
        """Send a row's request."""
        authorization = row.authorization.format(**self.tokens)
        headers = {**row.headers, **({"Authorization": authorization} if authorization else {})}
        return self.hub.request(row.method, row.url, headers=headers, **({"json": row.json} if row.json else {}))

    def log(self) -> list[dict[str, Any]]:
        """What was refused, the newest first."""
        refused: list[dict[str, Any]] = self.hub.get("/local-hub/refused-mints")
        return refused


@pytest.fixture(scope="module")
def jobs(hub: LocalHub) -> Jobs:
    """A job of each CI that has an endpoint."""
    env = {"github": hub.job(repository="acme/training")}
    env |= {ci: hub.job(ci=ci) for ci in ("forgejo", "codefresh", "buildkite", "google")}
    tokens = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CF_OIDC_REQUEST_TOKEN", "LOCAL_HUB_ID_TOKEN_SECRET"}
    urls = {"ACTIONS_ID_TOKEN_REQUEST_URL", "CF_OIDC_REQUEST_URL", "LOCAL_HUB_ID_TOKEN_URL"}
    told = ({ci: env[ci][name] for ci in env for name in names & {*env[ci]}} for names in (tokens, urls))
    return Jobs(hub, *told)


def claims_of(token: str) -> dict[str, Any]:
    """The claims of an ID token."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_request_is_refused_and_written_down(name: str, jobs: Jobs) -> None:
    """With the status and the body of the row; the log has the reason and the issuer, and no request token."""
    row = REFUSED[name]
    before = len(jobs.log())
    answer = jobs.ask(row)
    body = answer.json() if "json" in answer.headers["content-type"] else answer.text
    assert (answer.status_code, body) == (row.status, row.body or {"message": row.reason})
    log = jobs.log()
    assert (len(log), log[0]["status"], log[0]["reason"]) == (before + 1, row.status, row.reason)
    assert log[0]["issuer"] == jobs.hub.hub + ("/oidc/google" if row.body else re.split(r"/id-?token", row.url)[0])
    assert log[0]["request_id"] == answer.headers["x-request-id"]
    assert not any(token in str(log) for token in jobs.tokens.values())


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_no_method_but_get_mints(method: str, jobs: Jobs) -> None:
    """The answer says which there is (RFC 9110 § 15.5.6), and the log has every one."""
    before = len(jobs.log())
    answer = jobs.ask(replace(REFUSED["github: POST"], method=method))
    assert (answer.status_code, answer.headers["allow"], len(jobs.log())) == (405, "GET", before + 1)
    assert jobs.ask(REFUSED["google: POST"]).headers["allow"] == "GET"
    assert jobs.ask(REFUSED["iam: GET"]).headers["allow"] == "POST"


def test_only_a_405_speaks_of_methods(jobs: Jobs) -> None:
    """Where the method was right, another would not help."""
    assert "allow" not in jobs.ask(REFUSED["github: an unknown token"]).headers


def test_a_refusal_is_on_the_page(jobs: Jobs) -> None:
    """With its reason, its status and its issuer, and without the request token."""
    jobs.ask(REFUSED["codefresh: the token after Bearer"])
    with browser(jobs.hub.hub) as user:
        page = user.get("/")
    assert "Refused requests for ID tokens" in page.text
    assert BARE in page.text
    assert f"{jobs.hub.hub}/oidc/codefresh" in page.text
    assert "HTTP 401" in page.text
    assert not any(token in page.answer.text for token in jobs.tokens.values())


@pytest.mark.parametrize(
    ("ci", "authorization", "members"),
    [
        ("github", "Bearer {github}", {"count", "value"}),
        ("github", "bearer {github}", {"count", "value"}),
        ("forgejo", "Bearer {forgejo}", {"value"}),
        ("codefresh", "{codefresh}", {"id_token"}),
    ],
)
def test_the_cis_own_form_is_answered_in_its_own_form(
    ci: str, authorization: str, members: set[str], jobs: Jobs
) -> None:
    """The ID token is for the audience that is asked for, in the member that the CI has, and in no other."""
    url = jobs.urls[ci]
    before = len(jobs.log())
    answer = jobs.ask(Row(f"{url}{'&' if '?' in url else '?'}{AUDIENCE}", 200, "", authorization))
    assert answer.status_code == 200
    assert set(answer.json()) == members
    token = answer.json()["id_token" if ci == "codefresh" else "value"]
    assert claims_of(token)["aud"] == "https://hub.example"
    assert len(jobs.log()) == before


@pytest.mark.parametrize(
    ("query", "audience"),
    [
        (f"?{AUDIENCE}", "https://hub.example"),
        (f"?api-version=2.0&{AUDIENCE}", "https://hub.example"),
        ("?api-version=2.0", "https://github.com/acme"),
        ("", "https://github.com/acme"),
    ],
)
def test_github_needs_neither_api_version_nor_audience(query: str, audience: str, jobs: Jobs) -> None:
    """Without an audience, the ID token is for the repository's owner."""
    answer = jobs.ask(Row(f"{GITHUB}/idtoken{query}", 200, "", "Bearer {github}"))
    assert claims_of(answer.json()["value"])["aud"] == audience


def test_codefresh_has_no_api_version(jobs: Jobs) -> None:
    """It is a parameter like any that nobody knows."""
    answer = jobs.ask(Row(f"{CODEFRESH}/idtoken?api-version=1.0&{AUDIENCE}", 200, "", "{codefresh}"))
    assert answer.status_code == 200


def test_only_urls_of_githubs_kind_have_a_query(jobs: Jobs) -> None:
    """A client appends the audience to either."""
    assert {ci: url.partition("?")[2] for ci, url in jobs.urls.items()} == {
        "github": "api-version=2.0",
        "forgejo": "api-version=2.0",
        "codefresh": "",
        "buildkite": "",
    }


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (Row(f"{ACCOUNT}/identity?{AUDIENCE}&format=full", 200, "", headers=FLAVOR), True),
        (Row(f"{ACCOUNT}/identity?{AUDIENCE}&format=standard", 200, "", headers=FLAVOR), False),
        (Row(f"{ACCOUNT}/identity?{AUDIENCE}", 200, "", headers=FLAVOR), False),
        (
            Row(
                f"{IAM}/publish%40acme.iam.gserviceaccount.com:generateIdToken",
                200,
                "",
                "Bearer ya29.local",
                method="POST",
                json={"audience": "x", "includeEmail": True},
            ),
            True,
        ),
        (
            Row(
                f"{IAM}/{EMAIL}:generateIdToken",
                200,
                "",
                "Bearer ya29.local",
                method="POST",
                json={"audience": "x"},
            ),
            False,
        ),
    ],
)
def test_google_names_the_account_where_it_is_asked_to(row: Row, named: bool, jobs: Jobs) -> None:
    """The e-mail address is in the ID token with `format=full`, and with `includeEmail`."""
    answer = jobs.ask(row)
    token = answer.json()["token"] if row.json else answer.text
    assert ({"email", "email_verified"} <= {*claims_of(token)}) == named
    assert ("email" in claims_of(token)) == named


def test_google_without_a_job_has_nothing() -> None:
    """The log says what is missing; the client hears what the metadata server says of a path that it does not have.

    Until something is refused, the page does not speak of it.
    """
    with local_hub() as hub, browser(hub.hub) as user:
        assert "Refused requests" not in user.get("/").text
        answers = [
            hub.request("GET", f"{ACCOUNT}/email", headers=FLAVOR),
            hub.request(
                "POST",
                f"{IAM}/{EMAIL}:generateIdToken",
                headers={"Authorization": "Bearer ya29.local"},
                json={"audience": "x"},
            ),
        ]
        log = hub.get("/local-hub/refused-mints")
    assert [(answer.status_code, answer.text) for answer in answers[:1]] == [(404, "Not Found")]
    assert answers[1].status_code == 403
    assert [entry["reason"] for entry in log] == [DENIED, "no Google job is registered"]


def test_cloud_build_has_all_but_id_tokens() -> None:
    """Its metadata server gives what IAM is asked with."""
    with local_hub() as hub:
        hub.job(ci="google", **{"cloud-build": True})
        identity, email, token = (
            hub.request("GET", f"{ACCOUNT}/{what}", headers=FLAVOR)
            for what in (f"identity?{AUDIENCE}&format=full", "email", "token")
        )
        log = hub.get("/local-hub/refused-mints")
    assert (identity.status_code, identity.text, email.text) == (404, "Not Found", EMAIL)
    assert token.json() == {"access_token": "ya29.local", "expires_in": 3599, "token_type": "Bearer"}
    assert [entry["reason"] for entry in log] == ["the metadata server of Cloud Build has no ID tokens"]
