"""Fleets of jobs behind few addresses: how the retry policy treats them and the Hub.

The clock is simulated and the policy is the real one, `hf_oidc.retry.wait_before_next`, beside others that a program
might use instead. `python -m benchmarks.fleet` prints a Markdown table; the same seed gives the same table.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.table import table
from hf_oidc.errors import HubUnavailable, LoginError, RateLimited, Where
from hf_oidc.retry import FIRST_WAIT, LONGEST_WAIT, wait_before_next

LATENCY = 0.2  # seconds that the Hub takes to answer
WINDOW, ALLOWED = 300.0, 500  # the Hub's documented limit for anonymous requests: 500 in 5 minutes for an address
OUTAGE = 30.0  # seconds

# attempt, error, seconds that remain, a number from 0 up to 1 -> seconds to wait, or None to give up
Policy = Callable[[int, LoginError, float, float], "float | None"]
# The time of a request, and the number of its address -> what is wrong, if anything. It may count its requests.
Hub = Callable[[float, int], "LoginError | None"]


def fixed_waits(_attempt: int, _error: LoginError, remaining: float, _jitter: float) -> float | None:
    """Five seconds, always."""
    return 5.0 if remaining > 5.0 else None


def no_spread(attempt: int, error: LoginError, remaining: float, jitter: float) -> float | None:
    """What the server asks for, and the usual full jitter behind it."""
    asked = (error.where.retry_after if error.where else None) or 0.0
    wait = jitter_without_header(attempt, error, remaining - asked, jitter)
    return None if wait is None else asked + wait


def jitter_without_header(attempt: int, _error: LoginError, remaining: float, jitter: float) -> float | None:
    """Full jitter that does not read what the server asks for."""
    wait = jitter * min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    return wait if wait < remaining else None


def no_retries(_attempt: int, _error: LoginError, _remaining: float, _jitter: float) -> float | None:
    """One try."""
    return None


POLICIES: dict[str, Policy] = {
    "ours": wait_before_next,
    "ours, without the spread": no_spread,
    "full jitter, header ignored": jitter_without_header,
    "fixed waits of 5 s": fixed_waits,
    "no retries": no_retries,
}


# Left out of large fleets: they send a million requests and show nothing new.
IGNORE_HEADER = {"full jitter, header ignored", "fixed waits of 5 s"}


def rate_limited() -> Hub:
    """The Hub's limit: what is over it is answered 429 with the seconds until the window ends."""
    requests: Counter[tuple[int, int]] = Counter()

    def hub(now: float, address: int) -> LoginError | None:
        window = int(now // WINDOW)
        requests[window, address] += 1
        if requests[window, address] <= ALLOWED:
            return None
        return RateLimited("", Where("exchange", "hub", 429, None, (window + 1) * WINDOW - now))

    return hub


def down_for_a_while() -> Hub:
    """An outage: 503, without a word on when to come back."""
    return lambda now, _address: HubUnavailable("", Where("exchange", "hub", 503)) if now < OUTAGE else None


class Fleet(NamedTuple):
    """Jobs behind some IP addresses. Each starts at a random time within `seconds`."""

    jobs: int
    addresses: int
    seconds: float


WITHIN_A_SECOND = Fleet(2_000, 1, 1.0)
WITHIN_AN_HOUR = Fleet(50_000, 50, 3600.0)
WITHIN_A_MINUTE = Fleet(50_000, 50, 60.0)
# Fleet, Hub, `timeout`.
SITUATIONS: dict[str, tuple[Fleet, Callable[[], Hub], float]] = {
    "2,000 jobs: 500 requests in 5 minutes, `timeout: 60`": (WITHIN_A_SECOND, rate_limited, 60.0),
    "2,000 jobs: 500 requests in 5 minutes, `timeout: 1200`": (WITHIN_A_SECOND, rate_limited, 1200.0),
    "2,000 jobs: 30 s outage, `timeout: 60`": (WITHIN_A_SECOND, down_for_a_while, 60.0),
    "50,000 jobs in an hour: 500 requests in 5 minutes, `timeout: 60`": (WITHIN_AN_HOUR, rate_limited, 60.0),
    "50,000 jobs in a minute: 500 requests in 5 minutes, `timeout: 60`": (WITHIN_A_MINUTE, rate_limited, 60.0),
    "50,000 jobs in a minute: 500 requests in 5 minutes, `timeout: 600`": (WITHIN_A_MINUTE, rate_limited, 600.0),
    "50,000 jobs in an hour: 30 s outage, `timeout: 60`": (WITHIN_AN_HOUR, down_for_a_while, 60.0),
}


@dataclass
class Outcome:
    """What became of the fleet: seconds until each login, and the times of all requests."""

    fleet: Fleet
    logged_in: list[float] = field(default_factory=list)
    gave_up: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """The most requests within one second, after all jobs have started."""
        later = Counter(int(time) for time in self.requests if time > self.fleet.seconds + LATENCY)
        return max(later.values(), default=0)


def simulate(policy: Policy, fleet: Fleet, hub: Hub, timeout: float, seed: int = 1) -> Outcome:
    """Let all jobs log in under `policy`."""
    jitter = random.Random(seed).random  # noqa: S311 - nothing here is secret, and a run must be repeatable
    outcome = Outcome(fleet)
    started = [jitter() * fleet.seconds for _ in range(fleet.jobs)]
    calls = [(start, job, 1) for job, start in enumerate(started)]
    heapq.heapify(calls)
    while calls:
        now, job, attempt = heapq.heappop(calls)
        outcome.requests.append(now)
        error, answered = hub(now, job % fleet.addresses), now + LATENCY
        if error is None:
            outcome.logged_in.append(answered - started[job])
            continue
        wait = policy(attempt, error, started[job] + timeout - answered, jitter())
        if wait is None:
            outcome.gave_up.append(answered - started[job])
        else:
            heapq.heappush(calls, (answered + wait, job, attempt + 1))
    return outcome


def row(name: str, outcome: Outcome) -> list[str]:
    """A line of the table."""
    return [
        name,
        f"{len(outcome.logged_in):,}",
        _quantiles(outcome.logged_in),
        _quantiles(outcome.gave_up),
        f"{len(outcome.requests):,}",
        f"{outcome.peak:,}",
    ]


def _quantiles(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    return f"{statistics.median(ordered):.1f} / {ordered[int(len(ordered) * 0.95)]:.1f}"


def report() -> str:
    """The whole table, as Markdown."""
    heading = ("policy", "logged in", "s until then, median / 95 %", "s until given up", "requests", "peak per s")
    rows = []
    for situation, (fleet, make_hub, timeout) in SITUATIONS.items():
        rows.append([f"**{situation}**", *[""] * (len(heading) - 1)])
        rows += [
            row(name, simulate(policy, fleet, make_hub(), timeout))
            for name, policy in POLICIES.items()
            if fleet is WITHIN_A_SECOND or name not in IGNORE_HEADER
        ]
    return table(heading, rows)


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
