"""A token that is kept fresh: when it is renewed, what an outage does, and what is said of it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_oidc.errors import DeliveryFailed, ExchangeRejected, HubUnavailable, LoginError, RateLimited, Where
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.renewal import SHORTEST, Life, Listener, Renewal, keep_fresh, pause, renew_after, round_of
from hf_oidc.secret import Secret
from tests.fake_clock import FakeClock

HOUR = 3600


def kind(error: Exception) -> str:
    """The code of a failed login; of a bug, its type."""
    return error.code if isinstance(error, LoginError) else type(error).__name__


@dataclass
class Job:
    """A job of so many seconds whose Hub is down at some times; what is put, and what is told, with its time."""

    seconds: float
    down: Callable[[float], Exception | None] = lambda _time: None
    lifetime: int = HOUR
    jitter: float = 0.0
    full: Callable[[float], bool] = lambda _time: False
    clock: FakeClock = field(default_factory=FakeClock)
    put: list[tuple[float, str]] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    def run(self) -> "Job":
        """The whole of the job."""
        keep_fresh(
            Life(self.lifetime, self.lifetime),
            Renewal(self._log_in, self._put),
            Listener(
                lambda error, left: self._tell(f"failing: {kind(error)}, {left:.0f} s left"),
                lambda: self._tell("recovered"),
                lambda error: self._tell(f"expired: {kind(error)}"),
            ),
            clock=self.clock.monotonic,
            wait=self._wait,
            random=lambda: self.jitter,
        )
        return self

    def _granted(self) -> HubToken:
        token = Secret(f"granted at {self.clock.seconds:.0f}")
        return HubToken(token, Resource.parse("acme/model"), self.lifetime, self.clock.now())

    def _log_in(self, seconds: float) -> HubToken:
        self.rounds.append(seconds)
        self.asked.append(self.clock.seconds)
        if error := self.down(self.clock.seconds):
            self.clock.sleep(seconds)  # all of the tries that fit in
            raise error
        return self._granted()

    def _put(self, token: HubToken) -> None:
        if self.full(self.clock.seconds):
            raise DeliveryFailed("No space left on device")
        self.put.append((self.clock.seconds, token.secret.reveal()))

    def _tell(self, what: str) -> None:
        self.told.append((self.clock.seconds, what))

    def _wait(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        return self.clock.seconds > self.seconds


def down(begin: float, end: float) -> Callable[[float], LoginError | None]:
    """An outage between these times."""
    return lambda time: HubUnavailable("down") if begin <= time < end else None


def test_a_job_of_nine_hours_always_has_a_token() -> None:
    """A new one when a quarter of the last one's hour has passed, and not a word in the log."""
    job = Job(9 * HOUR).run()
    assert [time for time, _ in job.put] == [900 * number for number in range(1, 37)]
    assert job.put[0][1] == "granted at 900"
    assert job.told == []


def test_forty_lifetimes_with_twenty_outages_never_lack_a_token() -> None:
    """Each outage begins when a renewal is due and lasts for half of a lifetime; each is told, and its end too."""
    life = 3
    job = Job(40.0 * life, lambda time: HubUnavailable("down") if time % (2 * life) < life / 2 else None, life).run()
    assert len(job.put) >= 40
    assert not any("expired" in what for _, what in job.told)
    assert max(later - earlier for earlier, later in itertools.pairwise([0.0, *(t for t, _ in job.put)])) < life
    assert [what for _, what in job.told].count("recovered") >= 19


def test_jobs_that_began_together_do_not_ask_together() -> None:
    """Between a fifth and a quarter of the life."""
    assert Job(1000, jitter=0.99).run().put[0][0] == pytest.approx(721.8)


def test_an_outage_is_outlived_and_told_once() -> None:
    """Down for half an hour: the token is good for longer; one line when it begins to fail, one when it is over."""
    job = Job(2 * HOUR, down(800, 2600)).run()
    assert [what for _, what in job.told] == ["failing: hub-unavailable, 2640 s left", "recovered"]
    recovered = job.told[1][0]
    assert 2600 <= recovered < 2600 + 120


def test_the_renewal_after_an_outage_is_earlier() -> None:
    """Trouble that was may come back."""
    job = Job(2 * HOUR, down(800, 1000)).run()
    first, second, third, *_ = [time for time, _ in job.put]
    assert (second - first, third - second) == (450, 900)


def test_a_token_that_ends_in_an_outage_is_told_of_once_and_tried_for_still() -> None:
    """What was running knows; a job that only needs the Hub at its end may still get there."""
    job = Job(4 * HOUR, down(800, 2 * HOUR)).run()
    assert [what for _, what in job.told] == [
        "failing: hub-unavailable, 2640 s left",
        "expired: hub-unavailable",
        "recovered",
    ]
    assert job.told[1][0] == pytest.approx(HOUR, abs=61)
    assert job.told[2][0] < 2 * HOUR + 125


def test_a_file_that_cannot_be_written_is_a_failure_like_any_other() -> None:
    """The token of before is still there, and the next may be put."""
    job = Job(3000, full=lambda time: time < 1200).run()
    assert [what.split(",")[0] for _, what in job.told] == ["failing: delivery-failed", "recovered"]


def test_a_bug_is_a_failure_like_any_other() -> None:
    """Of the login and of what puts the token: it is tried again, and the listener hears what it was."""
    buggy = Job(2 * HOUR, lambda time: ZeroDivisionError() if 800 <= time < 2600 else None).run()
    assert [what for _, what in buggy.told] == ["failing: ZeroDivisionError, 2640 s left", "recovered"]
    assert len(buggy.put) >= 4


def test_a_bug_that_stays_is_tried_for_as_rarely_as_a_refusal() -> None:
    """Once the token has expired, a quarter of an hour is between two tries."""
    job = Job(6 * HOUR, lambda _time: ZeroDivisionError()).run()
    assert [what for _, what in job.told] == ["failing: ZeroDivisionError, 2640 s left", "expired: ZeroDivisionError"]
    refused = Job(6 * HOUR, lambda _time: ExchangeRejected("no")).run()
    assert job.asked == refused.asked


def test_the_hub_that_asks_to_wait_is_heard() -> None:
    """Ten minutes, of which the token has more left."""
    limited = RateLimited("slow down", Where("exchange", "hub", 429, retry_after=600))
    job = Job(2 * HOUR, lambda time: limited if 800 <= time < 1500 else None).run()
    assert job.put[0][0] == 900 + 60 + 600


@given(st.integers(3, 90_000), st.floats(0, 1, exclude_max=True), st.floats(0, 0.6))
def test_an_outage_of_half_of_a_life_harms_no_token_however_short(lifetime: int, jitter: float, begin: float) -> None:
    """Three seconds or a day: there is always a token that is good."""
    start = lifetime * (1 + begin)
    job = Job(lifetime * 4.0, down(start, start + lifetime * 0.5), lifetime, jitter).run()
    assert not any("expired" in what for _, what in job.told)
    times = [0.0, *(time for time, _ in job.put)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < lifetime


def refusal(asked: float | None = None) -> ExchangeRejected:
    """What will not pass by itself."""
    return ExchangeRejected("No publisher", Where("exchange", "hub", 400, retry_after=asked))


def test_a_refusal_that_stays_is_asked_about_less_and_less() -> None:
    """Somebody may enter the publisher again; nobody is to be asked a hundred times for that."""
    job = Job(24 * HOUR, lambda time: refusal() if time > 800 else None).run()
    after = [time for time in job.asked if time > HOUR]
    assert len(after) < 24 * HOUR / 900 + 10
    assert max(later - earlier for earlier, later in itertools.pairwise(after)) >= 900


def test_a_hub_whose_tokens_live_for_a_moment_is_not_asked_without_end() -> None:
    """Not while they are granted, nor when they are refused."""
    assert len(Job(60, lifetime=1).run().asked) < 60 / SHORTEST
    assert len(Job(3600, lambda time: refusal() if time > 1 else None, lifetime=1).run().asked) < 40


def test_a_hub_that_asks_to_wait_is_heard_when_it_is_too_late_as_well() -> None:
    """An hour at most."""
    limited = RateLimited("slow down", Where("exchange", "hub", 429, retry_after=3000))
    assert pause(-1, HOUR, limited, 1, 0.5) == 3000
    limited = RateLimited("slow down", Where("exchange", "hub", 429, retry_after=1e9))
    assert pause(-1, HOUR, limited, 1, 0.5) == 3600


@given(
    st.floats(-1e6, 1e6), st.floats(1, 1e6), st.floats(0, 1e6), st.integers(1, 10**6), st.floats(0, 1, exclude_max=True)
)
def test_waits_are_never_nothing_and_never_for_ever(
    left: float, life: float, asked: float, failures: int, jitter: float
) -> None:
    """A busy loop would be an attack on the Hub."""
    left = min(left, life)
    assert SHORTEST <= pause(left, life, refusal(asked), failures, jitter) <= max(3600, life)
    assert SHORTEST <= round_of(left, life) <= 60
    assert SHORTEST <= renew_after(life, jitter, failed=True) <= renew_after(life, jitter, failed=False)
    assert renew_after(life, jitter, failed=False) <= max(SHORTEST, life / 4)
