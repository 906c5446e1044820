"""What holds for every provider. Every test here is a new provider's too: `provider_table.ROWS` has a row for each."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hf_oidc.errors import (
    AmbiguousProvider,
    AudienceMismatch,
    IdentityError,
    IdTokenDependabot,
    IdTokenExpired,
    IdTokenForkPullRequest,
    IdTokenMalformed,
    IdTokenNotDeclared,
    IdTokenPermissionMissing,
    IdTokenRequestFailed,
    InsecureUrl,
    NoProvider,
    Redirected,
)
from hf_oidc.hub.resource import Resource
from hf_oidc.id_token import IdToken
from hf_oidc.login import Login, log_in
from hf_oidc.providers import detection
from hf_oidc.providers.base import CannotMint
from hf_oidc.providers.registry import choose, provider_of
from hf_oidc.retry import Pace
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest
from tests.contract.provider_table import (
    FILE,
    METADATA,
    REQUEST_TOKEN,
    ROWS,
    TOKEN,
    WRITTEN,
    as_local_hub_plays_it,
    executable,
)
from tests.factories import HUB, id_token, login_context
from tests.scripted_server import Answer, ScriptedServer, scripted_server

NAMES = tuple(ROWS)
MINTING = tuple(name for name, row in ROWS.items() if row.source != "none")


def of(source: str) -> tuple[str, ...]:
    """The providers whose tokens come from there."""
    return tuple(name for name, row in ROWS.items() if row.source == source)


AWS = {"Audience": [""], "SigningAlgorithm": "RS256"}

every = pytest.mark.parametrize("name", NAMES)
minting = pytest.mark.parametrize("name", MINTING)
asking = pytest.mark.parametrize("name", of("endpoint"))
commanding = pytest.mark.parametrize("name", of("command"))


@dataclass
class World:
    """The CI of the provider `name`, ready to hand out `token`."""

    name: str
    server: ScriptedServer
    bin: Path
    token: str
    files: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The job's environment."""
        return {"PATH": str(self.bin), **ROWS[self.name].here(self.server.url, self.token)}

    def choose(self) -> Callable[[str], str]:
        """The audience -> what the provider gives for it, which was found by its environment."""
        chosen = choose(self.env, self.read)
        assert chosen.provider == self.name
        return lambda audience: chosen.mint(audience, login_context(self.env, self.read)).reveal()

    def read(self, path: str) -> str:
        """The text of a file of this world."""
        return self.files.get(path, "")

    def mint(self, audience: str = HUB) -> str:
        """The ID token."""
        return self.choose()(audience)

    def log_in(self) -> None:
        """A whole login at the Hub of this world's server."""
        login = Login(
            hub_url=self.server.url,
            audience=HUB,
            identity=choose(self.env, self.read),
            context=login_context(self.env, self.read),
            mask=lambda _secret: None,
            report=lambda _attempt: None,
            pace=Pace(time.monotonic),
        )
        log_in(login, TokenRequest("HF_TOKEN", Resource.parse("acme/model")))


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes the world of a provider; `answer` is what its endpoint says in place of the token."""
    with contextlib.ExitStack() as stack:

        def make(
            name: str, token: str = TOKEN, answer: Answer | None = None, script: Mapping[str, Answer] | None = None
        ) -> World:
            row = ROWS[name]
            server = stack.enter_context(scripted_server({row.path: answer or row.answer(token), **(script or {})}))
            if row.command:
                executable(tmp_path, row.command, stdout=row.prints(token))
            return World(name, server, tmp_path, token, {FILE: f"{token}\n"} if row.source == "file" else {})

        yield make


Make = Callable[..., World]


def test_every_provider_is_tested_here() -> None:
    """The registry and the table name the same providers, in the same order; no row is left over."""
    assert detection.NAMES == NAMES
    assert set(WRITTEN) <= set(NAMES)


@pytest.mark.parametrize("name", ["forgejo", "gitlab", "bitbucket", "codefresh", "jenkins", "terraform"])
def test_a_provider_without_a_row_is_tested_as_local_hub_plays_it(name: str, tmp_path: Path) -> None:
    """These have rows, which say the same: whose the job is, what it gets, and that it may lack an ID token."""
    row = as_local_hub_plays_it(name)
    assert (row.source, row.path) == (ROWS[name].source, ROWS[name].path)
    assert row.answer(TOKEN) == ROWS[name].answer(TOKEN)
    with scripted_server({row.path: row.answer(TOKEN)}) as server:
        world = World(name, server, tmp_path, TOKEN)
        chosen = choose(row.here(server.url, TOKEN), world.read)
        assert chosen.provider == name
        assert chosen.mint(HUB, login_context(world.env, world.read)).reveal() == TOKEN
    assert row.cannot is not None
    with pytest.raises(row.reason) as caught:
        choose(row.cannot, str)
    assert caught.value.provider == name


def test_none_is_here_in_an_empty_environment() -> None:
    """Nothing is assumed."""
    assert detection.matching({}) == []


@every
def test_is_not_here_where_its_variables_are_empty(name: str) -> None:
    """An empty variable is as good as none: runners pass undefined inputs so."""
    assert detection.matching(dict.fromkeys(ROWS[name].here("http://localhost", TOKEN), "")) == []


@every
def test_detecting_sends_nothing(name: str, worlds: Make) -> None:
    """Only `mint` requests an ID token; `matching` and `obtain` are pure."""
    world = worlds(name)
    assert detection.matching(world.env) == [name]
    provider_of(name).obtain(world.env)
    assert world.server.requests == []
    assert not list(world.bin.glob("*.args"))


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.cannot])
def test_says_why_it_cannot_mint(name: str) -> None:
    """Here, but without means: the reason has a code, and says whose it is."""
    row = ROWS[name]
    assert row.cannot is not None
    assert detection.matching(row.cannot) == [name]
    assert isinstance(provider_of(name).obtain(row.cannot), CannotMint)
    with pytest.raises(row.reason) as caught:
        choose(row.cannot, str)
    assert caught.value.provider == name


def test_kubernetes_says_that_there_is_no_file(worlds: Make) -> None:
    """Which file it has looked for."""
    world = worlds("kubernetes")
    world.files[FILE] = " \n"
    with pytest.raises(IdTokenNotDeclared, match=FILE):
        world.mint()


@minting
def test_gives_the_id_token(name: str, worlds: Make) -> None:
    """As it is, without the white space that shells and files add."""
    assert worlds(name).mint() == TOKEN


@minting
def test_does_not_print_what_it_was_given(name: str) -> None:
    """A detection in a log or a traceback holds no token."""
    shown = repr(provider_of(name).obtain(ROWS[name].here("http://localhost", TOKEN)))
    assert REQUEST_TOKEN not in shown
    assert TOKEN not in shown


@minting
def test_an_id_token_for_another_service_is_never_sent(name: str, worlds: Make) -> None:
    """Whoever hands it out: the Hub could replay it there."""
    world = worlds(name, id_token("https://other.example"))
    with pytest.raises(AudienceMismatch) as caught:
        world.log_in()
    assert caught.value.provider == name
    assert not [request for request in world.server.requests if request.path == "/oauth/token"]


@minting
def test_an_expired_id_token_is_not_sent(name: str, worlds: Make) -> None:
    """The Hub could only refuse it."""
    world = worlds(name, id_token(exp=int(time.time()) - 3600))
    with pytest.raises(IdTokenExpired) as caught:
        world.log_in()
    assert caught.value.provider == name
    assert not [request for request in world.server.requests if request.path == "/oauth/token"]


@minting
def test_gives_the_token_of_the_moment(name: str, worlds: Make, tmp_path: Path) -> None:
    """Asked again, an endpoint, a command and a file give what they have then; a variable has not changed."""
    world = worlds(name)
    row, mint = ROWS[name], world.choose()
    mint(HUB)
    newer = id_token(jti="newer")
    world.files[FILE] = newer
    if row.command:
        executable(tmp_path, row.command, stdout=row.prints(newer))
    assert mint(HUB) == (newer if row.source in {"command", "file"} else TOKEN)


@asking
def test_asks_for_the_audience_it_is_given(name: str, worlds: Make) -> None:
    """URL-encoded, however odd."""
    audience = "https://hub.example/a?b=c&d=ü#f"
    world = worlds(name)
    world.mint(audience)
    assert world.server.requests[0].query["audience"] == [audience]


@commanding
def test_commands_are_asked_for_the_audience(name: str, worlds: Make) -> None:
    """As one argument, whatever is in it."""
    audience = "https://hub.example/a b;$(touch x)'\""
    world = worlds(name)
    world.mint(audience)
    arguments = (world.bin / f"{ROWS[name].command}.args").read_text().splitlines()
    asked = {"circleci": json.dumps({"aud": audience}), "aws": json.dumps(AWS | {"Audience": [audience]})}
    assert asked.get(name, audience) in arguments


def test_aws_is_given_no_argument_that_is_a_url(worlds: Make) -> None:
    """Version 1 of its command fetches one (`cli_follow_urlparam`), and takes what comes for the audience."""
    world = worlds("aws")
    world.mint(HUB)
    arguments = (world.bin / "aws.args").read_text().splitlines()
    assert not [each for each in arguments if each.startswith(("http://", "https://", "file://", "fileb://"))]


@asking
@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401),
        Answer(status=403),
        Answer(status=500),
        Answer(""),
        Answer("<html> sign in"),
        Answer("ü"),
        Answer("a\0b"),
        Answer([]),
        Answer({}),
        Answer({"value": "", "id_token": " "}),
        Answer({"value": None, "id_token": None}),
        Answer('{"value": "\\ud800", "id_token": "\\ud800 "}'),
        Answer({"value": 7, "id_token": 7}),
        Answer({"value": ["x"], "id_token": ["x"]}),
        Answer({"Value": TOKEN, "token": TOKEN}),
        Answer(b"x" * 2_000_000),
    ],
    ids=lambda answer: repr(answer)[:60],
)
def test_an_endpoint_that_fails_is_named_so(name: str, answer: Answer, worlds: Make) -> None:
    """Whatever comes instead of an ID token; none of it is shown."""
    with pytest.raises((IdTokenRequestFailed, IdTokenMalformed)) as caught:
        IdToken.read(Secret(worlds(name, answer=answer).mint()))
    if isinstance(caught.value, IdTokenRequestFailed):
        assert caught.value.where is not None
        assert caught.value.where.phase == "mint"
        assert caught.value.where.status == answer.status
    assert TOKEN not in str(caught.value)


@asking
def test_an_endpoint_that_does_not_answer_is_named_so(name: str) -> None:
    """The transport's reason is in the error, and another try may succeed."""
    with scripted_server({}) as server:
        pass
    chosen = choose(ROWS[name].here(server.url, TOKEN), str)
    with pytest.raises(IdTokenRequestFailed, match="connection refused") as caught:
        chosen.mint(HUB, login_context())
    assert caught.value.retryable


@asking
@pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (429, True), (500, True), (599, True)])
def test_says_which_failures_are_retryable(name: str, status: int, retryable: bool, worlds: Make) -> None:
    """Too many requests and the server's own errors; no refusal."""
    with pytest.raises(IdTokenRequestFailed) as caught:
        worlds(name, answer=Answer(status=status)).mint()
    assert caught.value.retryable is retryable


@asking
def test_a_redirect_is_not_followed(name: str, worlds: Make) -> None:
    """The request token stays with the CI."""
    with pytest.raises(Redirected):
        worlds(name, answer=Answer(status=302, headers={"Location": "https://evil.example/"})).mint()


@asking
def test_a_request_token_never_travels_in_clear(name: str) -> None:
    """Plain HTTP to another machine is refused before anything is sent."""
    chosen = choose(ROWS[name].here("http://ci.example", TOKEN), str)
    with pytest.raises(InsecureUrl):
        chosen.mint(HUB, login_context())


@commanding
def test_a_command_that_is_missing_is_named_so(name: str, worlds: Make) -> None:
    """By its name, and that it is not on PATH."""
    world = worlds(name)
    (world.bin / ROWS[name].command).unlink()
    with pytest.raises(IdTokenRequestFailed, match=rf"`{ROWS[name].command} \w+` is not on PATH"):
        world.mint()


@commanding
@pytest.mark.parametrize(
    ("stderr", "shown"),
    [
        ("fatal: no OIDC here\n", '"fatal: no OIDC here"'),
        ("\033[31mred\033[0m\r\n::error::x\0", '"[31mred [0m : :error: :x"'),
        (f"the token is {TOKEN}", '"the token is ***"'),
        ("", "exit code 3"),
        ("Ab1" * 1_000_000, '"***"'),
        ("x " * 1_500_000, '"x x x '),
    ],
    ids=["text", "controls", "token", "empty", "long word", "long"],
)
def test_a_command_that_fails_is_quoted(name: str, stderr: str, shown: str, worlds: Make) -> None:
    """Its exit code, and what it said, made fit for a log."""
    world = worlds(name)
    executable(world.bin, ROWS[name].command, stdout=ROWS[name].prints(TOKEN), stderr=stderr, exit_code=3)
    with pytest.raises(IdTokenRequestFailed, match="ended with exit code 3") as caught:
        world.mint()
    assert shown in str(caught.value)
    assert not caught.value.retryable


@commanding
@pytest.mark.parametrize(
    "stdout", ["", "\n", "two words", "tökén", "null", "[]", '{"WebIdentityToken": 7}', "{", "[" * 9999]
)
def test_a_command_that_prints_no_token_is_named_so(name: str, stdout: str, worlds: Make) -> None:
    """Whatever it prints instead is not shown."""
    world = worlds(name)
    executable(world.bin, ROWS[name].command, stdout=stdout)
    with pytest.raises((IdTokenRequestFailed, IdTokenMalformed)):
        IdToken.read(Secret(world.mint()))


@commanding
def test_a_command_that_hangs_is_given_up(name: str, worlds: Make) -> None:
    """When the time of the login has passed; another try may succeed."""
    world = worlds(name)
    (world.bin / ROWS[name].command).write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    chosen = choose(world.env, world.read)
    with pytest.raises(IdTokenRequestFailed, match="did not end in time") as caught:
        chosen.mint(HUB, login_context(world.env, seconds=0.2))
    assert caught.value.retryable


CIS, PLATFORMS = tuple(detection.DETECTION["ci"]), tuple(detection.DETECTION["platform"])


def here(name: str) -> dict[str, str]:
    """An environment of the provider's."""
    return dict(ROWS[name].here("http://localhost:9", TOKEN))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Forgejo sets GitHub's variables, too, and is told apart from it alone.
        *(pair for pair in itertools.combinations(CIS, 2) if pair != ("github", "forgejo")),
        *itertools.combinations(PLATFORMS, 2),
    ],
)
def test_two_at_once_are_told_apart_by_nobody(one: str, other: str) -> None:
    """The error names both, in the registry's order."""
    with pytest.raises(AmbiguousProvider) as caught:
        choose(here(one) | here(other), str)
    assert caught.value.names == (one, other)
    assert one in str(caught.value)


def test_github_and_forgejo_are_told_apart() -> None:
    """By a variable of Forgejo's own; nobody else is left out above."""
    assert choose(here("forgejo"), str).provider == "forgejo"
    assert len(PLATFORMS) >= 2


@pytest.mark.parametrize("name", [name for name in CIS if name in MINTING])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_ci_goes_before_the_platform_that_it_runs_on(name: str, platform: str) -> None:
    """A runner on Kubernetes or in a cloud is still that CI's."""
    assert choose(here(platform) | here(name), str).provider == name


# The ID token that is handed in, the provider that is named, what HF_OIDC_ID_TOKEN holds -> whose ID token, and which.
SOURCES = [
    ("typed", "", "", ("supplied", "typed")),
    ("typed", "", "ambient", ("supplied", "typed")),
    ("typed", "{name}", "", ("supplied", "typed")),
    ("typed", "{name}", "ambient", ("supplied", "typed")),
    (" ", "", "ambient", ("supplied", "ambient")),
    ("", "", "ambient", ("supplied", "ambient")),
    ("", "{name}", "ambient", ("{name}", TOKEN)),
    ("", "{name}", "", ("{name}", TOKEN)),
    ("", "{name}", " \n", ("{name}", TOKEN)),
    ("", "", " \n", ("{name}", TOKEN)),
    ("", "", "", ("{name}", TOKEN)),
]


@pytest.mark.parametrize("name", [name for name in MINTING if name != "supplied"])
@pytest.mark.parametrize(("handed_in", "named", "ambient", "expected"), SOURCES)
def test_what_a_person_typed_goes_before_the_environment(
    name: str, handed_in: str, named: str, ambient: str, expected: tuple[str, str], *, worlds: Make
) -> None:
    """The ID token that is handed in, then the provider that is named, then HF_OIDC_ID_TOKEN, then detection."""
    world = worlds(name)
    env = world.env | {"HF_OIDC_ID_TOKEN": ambient}
    chosen = choose(env, world.read, id_token=handed_in, named=named.format(name=name))
    given = chosen.mint(HUB, login_context(env, world.read)).reveal()
    assert (chosen.provider, given) == (expected[0].format(name=name), expected[1])


@minting
def test_the_one_that_is_named_goes_before_those_detected(name: str) -> None:
    """Whatever else the environment looks like."""
    assert choose(here("gitlab") | here("circleci") | here(name), str, named=name).provider == name


@pytest.mark.parametrize("name", ["aws", "google", "kubernetes", "circleci", "buildkite"])
def test_one_that_is_named_need_not_be_detected(name: str) -> None:
    """A virtual machine shows no sign of its cloud."""
    assert choose({}, str, named=name).provider == name


def test_outside_of_any_ci_there_is_no_provider() -> None:
    """The error says so."""
    with pytest.raises(NoProvider):
        choose({"PATH": "/usr/bin"}, str)


def test_terraform_prefers_the_token_with_the_tag() -> None:
    """Without a tag it may be anybody's, and is taken for want of a better."""
    env = {"TFC_RUN_ID": "run-1", "TFC_WORKLOAD_IDENTITY_TOKEN": "plain"}
    assert choose(env, str).mint(HUB, login_context()).reveal() == "plain"
    env["TFC_WORKLOAD_IDENTITY_TOKEN_HF"] = "tagged"
    assert choose(env, str).mint(HUB, login_context()).reveal() == "tagged"


ORGANIZATION = "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2"
# CIRCLE_OIDC_TOKEN_V2, CIRCLE_OIDC_TOKEN, and what the command gives, each by its audience; `old` has expired, and an
# empty one is not there. -> Where the ID token is from.
CIRCLECI = [
    ("", "", HUB, "command"),
    (ORGANIZATION, ORGANIZATION, HUB, "command"),
    (HUB, ORGANIZATION, HUB, "v2"),
    (HUB, HUB, HUB, "v2"),
    (ORGANIZATION, HUB, HUB, "v1"),
    ("", HUB, HUB, "v1"),
    (HUB, "", "", "v2"),
    ("", HUB, "", "v1"),
    ("old", "", HUB, "command"),
    ("old", HUB, HUB, "v1"),
    ("old", "", "", "v2"),
    (ORGANIZATION, "old", "", "v1"),
    ("not-a-jwt", HUB, "", "v1"),
    ("not-a-jwt", "", HUB, "command"),
    (f"{HUB}/", f"{HUB}.example", HUB, "command"),
    (ORGANIZATION, ORGANIZATION, "", None),
    ("not-a-jwt", "", "", None),
]


def circleci_token(kind: str, name: str) -> str:
    """An ID token for the audience `kind`, or what else that says."""
    if kind == "not-a-jwt":
        return kind
    return id_token(exp=1_700_000_000, jti=name) if kind == "old" else id_token(kind, jti=name)


@pytest.mark.parametrize(("v2", "v1", "command", "expected"), CIRCLECI)
def test_circleci_takes_a_variable_that_fits_or_else_the_command(
    v2: str, v1: str, command: str, expected: str | None, *, worlds: Make
) -> None:
    """V2 first; one for another audience is left alone, and an old one only taken where nothing else is."""
    given = {"v2": v2, "v1": v1, "command": command}
    tokens = {name: circleci_token(kind, name) for name, kind in given.items()}
    world = worlds("circleci", token=tokens["command"])
    if not command:
        (world.bin / "circleci").unlink()
    names = {"CIRCLE_OIDC_TOKEN_V2": "v2", "CIRCLE_OIDC_TOKEN": "v1"}
    env = world.env | {variable: f" {tokens[name]}\n" for variable, name in names.items() if given[name]}
    chosen = choose(env, str)
    if expected is None:
        with pytest.raises(IdTokenRequestFailed, match="not on PATH"):
            chosen.mint(HUB, login_context(env))
    else:
        assert chosen.mint(HUB, login_context(env)).reveal() == tokens[expected]
    assert (world.bin / "circleci.args").exists() == (expected == "command")


def test_circleci_takes_a_list_of_audiences(worlds: Make) -> None:
    """RFC 7519 has both forms; `--audience` chooses the variable that is for it."""
    world = worlds("circleci")
    both = id_token([ORGANIZATION, HUB])
    env = world.env | {"CIRCLE_OIDC_TOKEN_V2": both}
    assert choose(env, str).mint(HUB, login_context(env)).reveal() == both
    assert choose(env, str).mint(ORGANIZATION, login_context(env)).reveal() == both
    assert choose(env, str).mint("other", login_context(env)).reveal() == TOKEN


def test_codefresh_says_no_bearer(worlds: Make) -> None:
    """The request token alone is its header."""
    world = worlds("codefresh")
    world.mint()
    assert world.server.requests[0].headers["authorization"] == REQUEST_TOKEN


def google(worlds: Make, script: Mapping[str, Answer]) -> World:
    """A build of Cloud Build, whose metadata server has no ID tokens; `script` answers the rest."""
    return worlds("google", answer=Answer(status=404), script=script)


IAM_PATH = "/v1/projects/-/serviceAccounts/publish%40acme.example:generateIdToken"
CLOUD_BUILD = {
    f"{METADATA}/email": Answer("publish@acme.example"),
    f"{METADATA}/token": Answer({"access_token": "ya29.access", "expires_in": 3599, "token_type": "Bearer"}),
    IAM_PATH: Answer({"token": TOKEN}),
}


def test_google_asks_iam_where_the_metadata_server_has_none(worlds: Make) -> None:
    """Cloud Build: with the service account's e-mail address and access token."""
    world = google(worlds, CLOUD_BUILD)
    env = world.env | {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": f"{world.server.url}/"}
    assert choose(env, str).mint(HUB, login_context()).reveal() == TOKEN
    *asked, iam = world.server.requests
    assert all(request.headers["metadata-flavor"] == "Google" for request in asked)
    assert iam.headers["authorization"] == "Bearer ya29.access"
    assert json.loads(iam.body) == {"audience": HUB, "includeEmail": True}


@pytest.mark.parametrize("path", CLOUD_BUILD)
def test_google_says_which_call_failed(path: str, worlds: Make) -> None:
    """Each of the three that follow."""
    world = google(worlds, CLOUD_BUILD | {path: Answer(status=503)})
    env = world.env | {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": world.server.url}
    with pytest.raises(IdTokenRequestFailed, match="gave no ID token") as caught:
        choose(env, str).mint(HUB, login_context())
    assert caught.value.retryable


@pytest.mark.parametrize("name", ["github", "forgejo"])
def test_the_query_of_the_runners_url_is_kept(name: str, worlds: Make) -> None:
    """`api-version` must stay; the bearer token goes in the header."""
    world = worlds(name)
    world.mint()
    (seen,) = world.server.requests
    assert seen.method == "GET"
    assert seen.query == {"api-version": ["2.0"], "audience": [HUB]}
    assert seen.headers["authorization"] == f"Bearer {REQUEST_TOKEN}"


def test_github_takes_a_url_without_a_query(worlds: Make) -> None:
    """Other engines than GitHub's hand one out."""
    world = worlds("github")
    env = world.env | {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{world.server.url}/idtoken"}
    choose(env, str).mint(HUB, login_context())
    assert world.server.requests[0].query == {"audience": [HUB]}


@pytest.mark.parametrize("missing", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_github_needs_both_variables(missing: str) -> None:
    """One without the other is a missing permission too."""
    env = {name: value for name, value in here("github").items() if name != missing}
    with pytest.raises(IdTokenPermissionMissing):
        choose(env, str)


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
    ("answer", "retryable"),
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
def test_github_says_which_failures_are_retryable(answer: Answer, retryable: bool, worlds: Make) -> None:
    """A job that is not quite begun, too many requests and the server's own errors; no other refusal."""
    with pytest.raises(IdTokenRequestFailed) as caught:
        worlds("github", answer=answer).mint()
    assert caught.value.retryable is retryable
