"""Whether and when a failed login is tried again.

Nothing waits here. The clock and the random numbers are parameters.
"""

from __future__ import annotations

from collections.abc import Callable

from hf_oidc.errors import LoginError

FIRST_WAIT = 1.0  # seconds: the upper bound of the first wait
SPREAD = 0.1  # part of the time that the server asked for
LONGEST_WAIT = 15.0  # seconds: the upper bound of any wait that the server did not ask for


def wait_before_next(attempt: int, error: LoginError, remaining: float, jitter: float) -> float | None:
    """Seconds to wait after `attempt` (the first is 1) failed with `error`; `None` to give up.

    `remaining`: seconds until the deadline. `jitter`: a random number from 0 up to 1, new for each call. With full
    jitter, every wait up to the bound is equally likely, so jobs that failed together do not come back together. The
    wait that the server asks for is added: it is the same for all jobs, and the longer it is, the wider the jobs are
    spread after it.
    """
    if not error.retryable:
        return None
    asked = asked_to_wait(error)
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 10))
    wait = asked + jitter * max(backoff, asked * SPREAD)
    return wait if wait < remaining else None


def asked_to_wait(error: LoginError) -> float:
    """How many seconds the server asks to wait before the next call; 0 if it does not ask."""
    return (error.where.retry_after if error.where else None) or 0.0


class Pace:
    """Makes all logins wait when a server asks one of them to: the server would refuse the others too.

    `clock`: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """No login sends a request for so many seconds from now."""
        self._until = max(self._until, self._clock() + seconds)

    def wait(self, jitter: float) -> float:
        """How many seconds an attempt has to wait. `jitter`, from 0 up to 1, spreads the attempts."""
        left = self._until - self._clock()
        return left + jitter * FIRST_WAIT if left > 0 else 0.0
