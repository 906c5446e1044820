"""When a failed login is tried again: the pure policy by tables, what servers ask for, and the loop that obeys."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_oidc.errors import (
    Attempt,
    ExchangeRejected,
    HubUnavailable,
    IdTokenRequestFailed,
    InvalidInput,
    LoginError,
    NoProvider,
    RateLimited,
    Redirected,
    TlsFailed,
    UnexpectedResponse,
    Where,
)
from hf_oidc.http.message import Response
from hf_oidc.hub.resource import Resource
from hf_oidc.login import Login, log_in
from hf_oidc.providers.registry import choose
from hf_oidc.retry import LONGEST_WAIT, SPREAD, Pace, wait_before_next
from hf_oidc.token_request import TokenRequest
from tests.factories import id_token, login_context
from tests.fake_clock import FakeClock
from tests.scripted_server import Answer, Recorded, ScriptedServer, scripted_server

EXCHANGE = Where("exchange", "hub.example", 503)
ALMOST_ONE = 1 - 2**-53
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


def unavailable(retry_after: float | None = None) -> HubUnavailable:
    """A fault that may pass."""
    return HubUnavailable("in trouble", Where("exchange", "hub.example", 503, retry_after=retry_after))


# The policy.


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (6, 15), (11, 15), (12, 15), (10_000, 15)]
)
def test_the_bound_doubles_up_to_a_limit(attempt: int, bound: float) -> None:
    """1, 2, 4, 8 seconds, and then 15."""
    assert wait_before_next(attempt, unavailable(), 3600, 0.5) == bound / 2
    assert wait_before_next(attempt, unavailable(), 3600, ALMOST_ONE) == pytest.approx(bound)


def test_jitter_is_full() -> None:
    """From no wait at all to the bound, in proportion to the jitter."""
    jitters = (0.0, 0.25, 0.5, 0.75, ALMOST_ONE)
    assert [wait_before_next(3, unavailable(), 60, jitter) for jitter in jitters] == pytest.approx([0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, 2), (0.0, 2), (0.5, 2.5), (1.0, 3), (40.0, 42), (60.0, 63), (600.0, 630)]
)
def test_what_the_server_asks_for_comes_on_top(asked: float | None, wait: float) -> None:
    """It asks the same of all: they are spread over the bound, or over a tenth of that time if it is more."""
    assert wait_before_next(3, unavailable(asked), 3600, 0.5) == wait


@pytest.mark.parametrize(
    ("remaining", "wait"), [(2.1, 2), (2.0, None), (1.9, None), (0.0, None), (-5.0, None), (1e9, 2)]
)
def test_it_gives_up_where_the_wait_does_not_fit(remaining: float, wait: float | None) -> None:
    """A try that begins at the deadline can only fail."""
    assert wait_before_next(3, unavailable(), remaining, 0.5) == wait


def test_it_gives_up_even_without_a_wait_when_the_time_is_over() -> None:
    """Zero seconds of zero seconds left is not enough."""
    assert wait_before_next(1, unavailable(), 0.0, 0.0) is None


@pytest.mark.parametrize("asked", [60.0, 999_999_999.0, 1e300, float("inf")])
def test_it_gives_up_where_the_server_asks_for_too_much(asked: float) -> None:
    """Asking again before would be of no use."""
    assert wait_before_next(1, unavailable(asked), 60, 0.0) is None


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("timeout", "wrong", "a number"),
        NoProvider("none"),
        ExchangeRejected("refused", EXCHANGE),
        UnexpectedResponse("strange", EXCHANGE),
        Redirected("elsewhere", EXCHANGE),
        TlsFailed("certificate", EXCHANGE, "authority"),
        IdTokenRequestFailed("refused", Where("mint", "ci.example", 403), retryable=False),
    ],
    ids=lambda error: str(error.code),
)
def test_what_does_not_pass_is_not_tried_again(error: LoginError) -> None:
    """However much time is left."""
    assert wait_before_next(1, error, 3600, 0.0) is None


@pytest.mark.parametrize(
    "error",
    [
        HubUnavailable("no answer"),
        RateLimited("too many", EXCHANGE),
        IdTokenRequestFailed("no answer", Where("mint", "ci.example"), retryable=True),
    ],
    ids=lambda error: str(error.code),
)
def test_what_may_pass_is_tried_again(error: LoginError) -> None:
    """With or without an answer, at either phase."""
    assert wait_before_next(1, error, 3600, 0.5) == 0.5


@given(
    attempt=st.integers(1, 10**6),
    asked=st.none() | st.floats(0, 1e12),
    remaining=st.floats(-1e6, 1e6),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_outside_its_bounds(attempt: int, asked: float | None, remaining: float, jitter: float) -> None:
    """Not shorter than what was asked for, not much longer, and it ends before the deadline."""
    wait = wait_before_next(attempt, unavailable(asked), remaining, jitter)
    if wait is not None:
        assert (asked or 0) <= wait < remaining
        assert wait <= (asked or 0) + max(LONGEST_WAIT, (asked or 0) * SPREAD)


# What servers ask for.


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (503, {}, None),
        (503, {"retry-after": "0"}, 0),
        (503, {"retry-after": "7"}, 7),
        (429, {"retry-after": "007"}, 7),
        (429, {"retry-after": "9999999999"}, 9_999_999_999),
        (429, {"retry-after": "99999999999"}, 9_999_999_999),
        (429, {"retry-after": "9" * 5000}, 9_999_999_999),
        (429, {"retry-after": "-5"}, None),
        (429, {"retry-after": "1.5"}, None),
        (429, {"retry-after": "1e3"}, None),
        (429, {"retry-after": "\u0664"}, None),
        (429, {"retry-after": ""}, None),
        (429, {"retry-after": "soon"}, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:27:30 GMT", "date": DATE}, 0),
        (429, {"retry-after": "Thu, 22 Oct 2026 07:28:00 GMT", "date": DATE}, 86_400),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "yesterday"}, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, None),
        (429, {"retry-after": "Wed, 99 Foo 9999 99:99:99 GMT", "date": DATE}, None),
        (429, {"ratelimit": '"api";r=0;t=55'}, 55),
        (429, {"ratelimit": '"api"; r=0; t=2'}, 2),
        (429, {"ratelimit": '"api";r=0'}, None),
        (429, {"ratelimit": '"api";r=0;t=-1'}, None),
        (429, {"ratelimit": '"api";r=0;t=99999999999'}, None),
        (429, {"ratelimit": "t=5"}, None),
        (200, {"ratelimit": '"api";r=400;t=55'}, None),
        (503, {"ratelimit": '"api";r=400;t=55'}, None),
        (429, {"ratelimit": '"api";r=0;t=55', "retry-after": "3"}, 55),
        (429, {"ratelimit": '"api";r=0;t=3', "retry-after": "55"}, 55),
        (429, {"ratelimit": '"api";r=0;t=3', "retry-after": "garbage"}, 3),
    ],
)
def test_seconds_that_a_server_asks_to_wait(status: int, headers: dict[str, str], asked: float | None) -> None:
    """Seconds, a date by the server's own clock, or the Hub's `RateLimit`; what cannot be read is nothing."""
    response = Response("exchange", "hub.example", status, headers, b"")
    assert response.retry_after == asked
    assert response.where.retry_after == asked


@given(st.text(), st.text(), st.text())
def test_no_header_is_too_strange(retry_after: str, date: str, ratelimit: str) -> None:
    """Seconds that are not negative, or nothing."""
    headers = {"retry-after": retry_after, "date": date, "ratelimit": ratelimit}
    asked = Response("exchange", "hub.example", 429, headers, b"").retry_after
    assert asked is None or asked >= 0


REQUEST = TokenRequest("HF_TOKEN", Resource.parse("acme/model"))

# The loop, with a clock of its own, against a real server.


@dataclass
class Story:
    """One login: what it is told, and what it tells."""

    server: ScriptedServer
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[Attempt] = field(default_factory=list)
    timeout: float = 60.0
    jitter: float = 0.5
    supplied: str = ""

    def login(self) -> Login:
        """The login, with everything that it would otherwise find in the world."""
        env = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.server.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
        }
        return Login(
            hub_url=self.server.url,
            audience="https://huggingface.co",
            identity=choose(env, lambda _path: "", id_token=self.supplied),
            context=login_context(seconds=self.timeout, clock=self.clock, jitter=self.jitter),
            mask=lambda _secret: None,
            report=self.told.append,
            pace=Pace(self.clock.monotonic),
        )

    def error(self) -> LoginError:
        """The error that the login ends in."""
        with pytest.raises(LoginError) as caught:
            log_in(self.login(), REQUEST)
        return caught.value

    def asked(self, path: str) -> list[Recorded]:
        """The requests to that path."""
        return [request for request in self.server.requests if request.path == path]


def in_turn(*answers: Answer) -> Callable[[Recorded], Answer]:
    """These answers one after the other, the last one for ever."""
    left = list(answers)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


GRANT = Answer({"access_token": "hf_jwt_granted_0123456789", "token_type": "bearer", "expires_in": 3600})
DOWN = Answer({"error": "down"}, 503, {"x-request-id": "r-1"})


@contextmanager
def story(*exchanges: Answer, mints: tuple[Answer, ...] = (), **options: Any) -> Iterator[Story]:
    """A CI that mints `mints` and then good ID tokens, and a Hub that answers `exchanges`."""
    faulty = list(mints)

    def mint(_: Recorded) -> Answer:
        number = len([request for request in server.requests if request.path == "/idtoken"])
        return faulty.pop(0) if faulty else Answer({"value": id_token(jti=f"number {number}")})

    with scripted_server({"/idtoken": mint, "/oauth/token": in_turn(*exchanges)}) as server:
        yield Story(server, **options)


def sent_id_tokens(told: Story) -> list[str]:
    """The ID tokens that the Hub was sent, in order."""
    return [json.loads(request.body)["subject_token"] for request in told.asked("/oauth/token")]


def jti(token: str) -> Any:
    """The ID token's own id."""
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def test_a_login_survives_a_fault_at_each_phase() -> None:
    """It waits as the policy says, and tells of each wait before it begins."""
    with story(DOWN, GRANT, mints=(Answer(status=502),)) as told:
        token = log_in(told.login(), REQUEST)
    assert token.secret.reveal() == "hf_jwt_granted_0123456789"
    assert told.clock.slept == [0.5, 1.0]
    assert [(attempt.code, attempt.wait) for attempt in told.told] == [
        ("id-token-request-failed", 0.5),
        ("hub-unavailable", 1.0),
    ]
    assert (len(told.asked("/idtoken")), len(told.asked("/oauth/token"))) == (3, 2)


def test_each_exchange_is_sent_a_new_id_token() -> None:
    """The Hub need not accept one twice."""
    with story(DOWN, DOWN, GRANT) as told:
        log_in(told.login(), REQUEST)
    assert [jti(token) for token in sent_id_tokens(told)] == ["number 1", "number 2", "number 3"]


def test_a_supplied_id_token_is_sent_again() -> None:
    """There is no other."""
    supplied = id_token(jti="the only one")
    with story(DOWN, GRANT, supplied=supplied) as told:
        log_in(told.login(), REQUEST)
    assert sent_id_tokens(told) == [supplied, supplied]
    assert told.asked("/idtoken") == []


def test_a_supplied_id_token_that_expires_meanwhile_is_not_sent_again() -> None:
    """The Hub would refuse it; the error says why, and what came before."""
    limited = Answer({"error": "slow down"}, 429, {"Retry-After": "400"})
    with story(limited, GRANT, supplied=id_token(), timeout=3600) as told:
        error = told.error()
    assert error.code == "id-token-expired"
    assert [attempt.code for attempt in error.attempts] == ["rate-limited", "id-token-expired"]
    assert len(sent_id_tokens(told)) == 1


def test_the_deadline_stops_it() -> None:
    """Waits of half of 1, 2, 4, 8 and 15 seconds fit into 20; the next one does not."""
    with story(DOWN, timeout=20) as told:
        error = told.error()
    assert told.clock.slept == [0.5, 1.0, 2.0, 4.0, 7.5]
    assert told.clock.seconds == 15
    assert len(told.asked("/oauth/token")) == 6
    assert error.code == "hub-unavailable"


def test_the_error_knows_every_attempt() -> None:
    """Code, place, request id, and the wait that followed; the last has none, and was not told of."""
    with story(DOWN, Answer({"error": "invalid_grant"}, 400, {"x-request-id": "r-2"})) as told:
        error = told.error()
    first, last = error.attempts
    assert (first.code, first.wait, first.took) == ("hub-unavailable", 0.5, 0)
    assert first.where is not None
    assert (first.where.phase, first.where.status, first.where.request_id) == ("exchange", 503, "r-1")
    assert (last.code, last.wait, last.where) == ("exchange-rejected", None, error.where)
    assert told.told == [first]


def test_an_attempt_that_was_not_followed_by_a_request_has_no_place() -> None:
    """An ID token that is no JWT: nothing was sent."""
    with story(GRANT, mints=(Answer({"value": "not-a-token"}),)) as told:
        error = told.error()
    assert [(attempt.code, attempt.where, attempt.wait) for attempt in error.attempts] == [
        ("id-token-malformed", None, None)
    ]


def test_time_that_calls_take_is_counted() -> None:
    """Ten seconds a try: within 25, a third try is begun, and no fourth."""
    with story(DOWN, timeout=25) as told:
        sleeping = told.clock

        def slow(_: Recorded) -> Answer:
            sleeping.seconds += 10
            return Answer({"value": id_token()})

        with scripted_server({"/idtoken": slow, "/oauth/token": DOWN}) as server:
            error = Story(server, clock=sleeping, timeout=25).error()
    assert [(attempt.took, attempt.wait) for attempt in error.attempts] == [(10, 0.5), (10, 1.0), (10, None)]


def test_the_server_is_obeyed() -> None:
    """`Retry-After` is waited for, and the jitter on top."""
    limited = Answer({"error": "slow down"}, 429, {"RateLimit": '"api";r=0;t=8'})
    with story(limited, GRANT) as told:
        log_in(told.login(), REQUEST)
    assert told.clock.slept == [8.5]


@pytest.mark.parametrize(("held", "timeout", "slept"), [(8, 60, [8.5]), (80, 60, []), (0, 60, [])])
def test_another_login_was_asked_to_wait(held: float, timeout: float, slept: list[float]) -> None:
    """This one waits as well, unless there would be no time left for a try."""
    with story(GRANT, timeout=timeout) as told:
        login = told.login()
        login.pace.hold(held)
        log_in(login, REQUEST)
    assert told.clock.slept == slept


def test_a_server_that_asks_for_more_than_is_left_is_not_asked_again() -> None:
    """The login ends at once, and the error says how long it was to wait."""
    limited = Answer({"error": "slow down"}, 429, {"Retry-After": "60"})
    with story(limited, GRANT, timeout=60) as told:
        error = told.error()
    assert error.where is not None
    assert (error.code, error.where.retry_after) == ("rate-limited", 60)
    assert told.clock.slept == []
    assert len(told.asked("/oauth/token")) == 1


@pytest.mark.slow
def test_a_try_that_only_the_deadline_ended_does_not_hide_what_was_wrong() -> None:
    """The Hub was down twice; the third try died asking the CI, which had done nothing wrong."""
    ended = threading.Event()

    def exchange(_: Recorded) -> Answer:
        return DOWN

    def mint(_: Recorded) -> Answer:
        if len(told.asked("/idtoken")) == 3:
            told.clock.seconds += told.timeout
            ended.wait(30)
        return Answer({"value": id_token()})

    with scripted_server({"/idtoken": mint, "/oauth/token": exchange}) as server:
        told = Story(server, timeout=2.0, jitter=0.1)
        error = told.error()
        ended.set()
    assert error.code == "hub-unavailable"
    assert error.where is not None
    assert error.where.request_id == "r-1"
    assert [attempt.code for attempt in error.attempts] == ["hub-unavailable"] * 2 + ["id-token-request-failed"]
    assert error.__context__ is None


def test_a_pace_holds_to_its_last_moment() -> None:
    """Half a second that is left is waited for, spread at random; when it is over, nobody waits."""
    clock = FakeClock()
    pace = Pace(clock.monotonic)
    pace.hold(2)
    clock.sleep(1.5)
    assert pace.wait(0.25) == 0.75
    clock.sleep(0.5)
    assert pace.wait(0.25) == 0
