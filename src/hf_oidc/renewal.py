"""Renews a token before it expires, for as long as a job lasts.

How to log in, where the token goes and what is reported are the caller's part (`Renewal`); the clock, the waiting and
the randomness are parameters. Nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from hf_oidc.errors import LoginError
from hf_oidc.hub.token import HubToken
from hf_oidc.retry import asked_to_wait

# When to renew, as parts of a token's lifetime. A command may use a token long after reading it, and an outage may
# last: most of the lifetime is left for both.
EARLIEST, LATEST = 1 / 5, 1 / 4
# Parts of the remaining lifetime: the longest round of attempts, and the pause before the next round.
ROUND, PAUSE = 1 / 3, 1 / 8
LONGEST_ROUND = 60.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
# Seconds between rounds after the token has expired, and after an error that is not retryable.
LONGEST_PAUSE_AFTERWARDS = 900.0
SHORTEST = 0.2  # seconds, always: a Hub with tokens that expire at once must not be flooded with requests
LONGEST_ASKED = 3600.0  # seconds: a server that asks for a longer pause is not obeyed


class Renewal(Protocol):
    """What `keep_fresh` calls for one token. It reports each change once."""

    def log_in(self, seconds: float) -> HubToken:
        """A new token, within so many seconds. Any exception is a failure."""

    def put(self, token: HubToken) -> None:
        """Replaces the old token. Any exception is a failure."""

    def report_failing(self, error: Exception, remaining: float) -> None:
        """The token could not be renewed. It is valid for so many seconds more."""

    def report_recovered(self) -> None:
        """There is a new token again."""

    def report_expired(self, error: Exception) -> None:
        """The token has expired, and there is no new one."""


class Lifetime(NamedTuple):
    """When a token expires (a time of the clock), and how many seconds it was granted for."""

    end: float
    seconds: float

    @classmethod
    def of(cls, token: HubToken, requested_at: float) -> Lifetime:
        """The lifetime of a token that was requested at this time of the clock, or later."""
        return cls(requested_at + token.expires_in, token.expires_in)


def keep_fresh(
    renewal: Renewal,
    lifetime: Lifetime,
    *,
    clock: Callable[[], float],
    wait: Callable[[float], bool],
    random: Callable[[], float],
) -> None:
    """Renews a token until `wait` returns true. `wait` takes the seconds until the next round of attempts.

    `clock`: seconds, monotonic. `random`: a number from 0 up to 1. The attempts go on after the token has expired.
    """
    failures, reported = 0, ""
    # From the time of the request on: logins for other tokens may have come in between.
    age = clock() - (lifetime.end - lifetime.seconds)
    delay = max(SHORTEST, renew_after(lifetime.seconds, random(), failed=False) - age)
    while not wait(delay):
        began = clock()
        try:
            new = renewal.log_in(round_of(lifetime.end - began, lifetime.seconds))
            renewal.put(new)
        except Exception as error:  # noqa: BLE001 - a bug of ours, too: the command must not suffer from it
            failures += 1
            remaining = lifetime.end - clock()
            if remaining <= 0 and reported != "expired":
                reported = "expired"
                renewal.report_expired(error)
            elif not reported:
                reported = "failing"
                renewal.report_failing(error, remaining)
            delay = pause(lifetime.end - clock(), lifetime.seconds, error, failures, random())
            continue
        if reported:
            renewal.report_recovered()
        lifetime = Lifetime.of(new, began)
        delay = renew_after(new.expires_in, random(), failed=failures > 0)
        failures, reported = 0, ""


def renew_after(lifetime: float, jitter: float, *, failed: bool) -> float:
    """How many seconds after a token was granted the next one is requested.

    `jitter`, from 0 up to 1, spreads jobs that began together. `failed`: the last renewal did not succeed at once.
    There is trouble then, so the next one comes earlier.
    """
    part = LATEST - (LATEST - EARLIEST) * jitter
    return max(SHORTEST, lifetime * part / (2 if failed else 1))


def round_of(remaining: float, lifetime: float) -> float:
    """How many seconds one round of attempts may take, so that there is time for others before the token expires."""
    return max(SHORTEST, min(LONGEST_ROUND, max(remaining, lifetime * EARLIEST) * ROUND))


def pause(remaining: float, lifetime: float, error: Exception, failures: int, jitter: float) -> float:
    """Seconds before the next round, after so many `failures`, the last one with `error`.

    `remaining`: seconds until the token expires. Until then, a server that asks for a pause is obeyed only as far as
    there is time for another round. An exception that is not a `LoginError` is a bug; it is not retryable.
    """
    is_retryable, asked = (error.retryable, asked_to_wait(error)) if isinstance(error, LoginError) else (False, 0.0)
    usual = min(LONGEST_PAUSE, max(remaining, lifetime * EARLIEST) * PAUSE) * (1 + jitter) / 2
    if remaining > 0:
        return max(SHORTEST, min(remaining, max(usual, min(asked, remaining / 2))))
    longest = LONGEST_PAUSE if is_retryable else LONGEST_PAUSE_AFTERWARDS
    return max(SHORTEST, min(longest, usual * 2.0 ** min(failures, 20)), min(asked, LONGEST_ASKED))
