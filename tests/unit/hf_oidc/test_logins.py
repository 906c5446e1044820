"""Several logins at the same time, against a real server: in order, bounded, all to their end, and in step with it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hf_oidc.errors import Attempt, ExchangeRejected, HubUnavailable
from hf_oidc.hub.resource import Resource
from hf_oidc.login import MAX_PARALLEL, Failed, Granted, Login, LoginResult, group_failures, log_in, log_in_all
from hf_oidc.providers.registry import choose
from hf_oidc.retry import Pace
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest
from tests.factories import id_token, login_context
from tests.fake_clock import FakeClock
from tests.scripted_server import Answer, Recorded, ScriptedServer, scripted_server

NAMES = [f"acme/model-{number}" for number in range(16)]


def granted(resource: str) -> Answer:
    """The Hub's response for a resource, which tells the tokens apart."""
    token = f"hf_jwt_{resource.replace('/', '_')}"
    return Answer({"access_token": token, "token_type": "bearer", "expires_in": 3600})


def asked_for(request: Recorded) -> str:
    """The resource of an exchange."""
    return str(json.loads(request.body)["resource"])


class World:
    """A CI and a Hub, and what the logins tell."""

    def __init__(self) -> None:
        self.masked: list[Secret] = []
        self.told: list[Attempt] = []
        self.at_once: Counter[str] = Counter()
        self.most = 0
        self.refused: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def exchange(self, request: Recorded) -> Answer:
        """Answer, and count how many do at the same time."""
        with self._lock:
            self.at_once["now"] += 1
            self.most = max(self.most, self.at_once["now"])
        time.sleep(0.02)
        with self._lock:
            self.at_once["now"] -= 1
        return self.refused.get(asked_for(request)) or granted(asked_for(request))


@contextmanager
def world() -> Iterator[tuple[World, ScriptedServer]]:
    """A world whose CI mints ID tokens."""
    there = World()
    with scripted_server({"/idtoken": Answer({"value": id_token()}), "/oauth/token": there.exchange}) as server:
        yield there, server


def login_at(there: World, server: ScriptedServer, clock: FakeClock | None = None) -> Login:
    """What the logins of a job share, at this server."""
    env = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
    }
    clock = clock or FakeClock()
    return Login(
        hub_url=server.url,
        audience="https://huggingface.co",
        identity=choose(env, lambda _path: ""),
        context=login_context(clock=clock, jitter=0.5),
        mask=there.masked.append,
        report=there.told.append,
        pace=Pace(clock.monotonic),
    )


def requests(names: list[str]) -> list[TokenRequest]:
    """A request for each of these resources."""
    return [TokenRequest(f"TOKEN_{number}", Resource.parse(name)) for number, name in enumerate(names)]


def tokens(results: list[LoginResult]) -> list[str]:
    """What was granted, in order."""
    return [result.token.secret.reveal() for result in results if isinstance(result, Granted)]


@pytest.mark.slow
def test_each_has_its_own_token_in_order() -> None:
    """An ID token and an exchange for each, and each token masked."""
    with world() as (there, server):
        results = log_in_all(login_at(there, server), requests(NAMES))
    assert tokens(results) == [f"hf_jwt_{name.replace('/', '_')}" for name in NAMES]
    assert {secret.reveal() for secret in there.masked} >= set(tokens(results))
    assert Counter(request.path for request in server.requests) == {"/idtoken": 16, "/oauth/token": 16}


def test_no_more_than_eight_at_once() -> None:
    """The server never sees more, and sees more than one."""
    with world() as (there, server):
        log_in_all(login_at(there, server), requests(NAMES))
    assert 1 < there.most <= MAX_PARALLEL == 8


def test_all_are_tried_even_if_one_is_refused() -> None:
    """Whoever mends the one should not find the next failing."""
    with world() as (there, server):
        there.refused = {name: Answer({"error": "invalid_grant"}, 400) for name in (NAMES[1], NAMES[3])}
        results = log_in_all(login_at(there, server), requests(NAMES[:5]))
    assert [isinstance(result, Failed) for result in results] == [False, True, False, True, False]
    assert [result.request for result in results] == requests(NAMES[:5])


def test_one_that_is_told_to_wait_slows_all_down() -> None:
    """The server takes three exchanges a second and says so: none of them fails."""
    with world() as (there, server):
        given: Counter[int] = Counter()
        lock = threading.Lock()
        clock = FakeClock()

        def limited(request: Recorded) -> Answer:
            with lock:
                second = int(clock.seconds)
                given[second] += 1
                if given[second] <= 3:
                    return granted(asked_for(request))
            return Answer({"error": "slow down"}, 429, {"Retry-After": "1"})

        with scripted_server({"/idtoken": Answer({"value": id_token()}), "/oauth/token": limited}) as strict:
            results = log_in_all(login_at(there, server, clock)._replace(hub_url=strict.url), requests(NAMES))
    assert len(tokens(results)) == len(NAMES)
    assert there.told
    assert {attempt.code for attempt in there.told} == {"rate-limited"}


def test_an_unexpected_exception_is_not_lost() -> None:
    """A bug in one of several threads is raised where the entry point reports it."""
    with world() as (there, server):
        first = iter([True])

        def broken(_secret: Secret) -> None:
            if next(first, False):
                raise ZeroDivisionError

        login = login_at(there, server)._replace(mask=broken)
        with pytest.raises(ZeroDivisionError):
            log_in_all(login, requests(NAMES[:3]))


def test_equal_failures_are_grouped() -> None:
    """One error for each kind of failure, with all requests that met it."""
    one, other, third = requests(NAMES[:3])
    refused, down = ExchangeRejected("refused"), HubUnavailable("down")
    failures = [Failed(one, refused), Failed(other, down), Failed(third, ExchangeRejected("refused"))]
    assert group_failures(failures) == [(refused, [one, third]), (down, [other])]


def test_lines_of_the_log_are_not_torn() -> None:
    """Masks are told by one at a time: half a `::add-mask::` hides nothing."""
    with world() as (there, server):
        inside: list[str] = []
        torn: list[str] = []

        def slow(_secret: Secret) -> None:
            torn.extend(inside)
            inside.append("somebody")
            time.sleep(0.005)
            inside.clear()

        log_in_all(login_at(there, server)._replace(mask=slow), requests(NAMES))
    assert torn == []


def test_a_login_waits_as_long_as_another_was_asked_to() -> None:
    """Before it asks anybody for anything."""
    with world() as (there, server):
        pace = Pace(FakeClock().monotonic)
        pace.hold(8)
        slept: list[tuple[float, int]] = []
        login = login_at(there, server)
        context = login.context._replace(sleep=lambda seconds: slept.append((seconds, len(server.requests))))
        log_in(login._replace(pace=pace, context=context), *requests(NAMES[:1]))
    (before,) = slept
    assert (8 <= before[0] < 10, before[1]) == (True, 0)


def test_the_pace() -> None:
    """Held for the longest that a server asked for; each waits a little longer than that."""
    clock = FakeClock()
    pace = Pace(clock.monotonic)
    assert pace.wait(0.9) == 0
    pace.hold(8)
    pace.hold(3)
    assert [pace.wait(jitter) for jitter in (0.0, 0.5)] == [8, 8.5]
    clock.sleep(8)
    assert pace.wait(0.9) == 0
