"""Whether a failed login is tried again, and when: attempt and facts in, seconds or nothing out.

It does not wait, and reads neither a clock nor a source of chance: both are handed in.
"""

from __future__ import annotations

from collections.abc import Callable

from hf_oidc.errors import LoginError

FIRST_WAIT = 1.0  # seconds, the upper bound of the first wait
SPREAD = 0.1  # of the time that the server asked for
LONGEST_WAIT = 15.0  # seconds, the upper bound of any wait that the server did not ask for


def wait_before_next(attempt: int, error: LoginError, remaining: float, chance: float) -> float | None:
    """Seconds to wait after `attempt` (the first is 1) failed with `error`; `None` to give up.

    `remaining`: seconds that are left for the login. `chance`: a number from 0 up to 1, fresh for each call. Full
    jitter: every wait up to the bound is as likely as any other, so that jobs that failed together do not come back
    together. What the server asks for comes before it: it asks the same of all of them, and the longer they were told
    to wait, the wider they are spread afterwards.
    """
    if not error.retryable:
        return None
    asked = asked_to_wait(error)
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 10))
    wait = asked + chance * max(backoff, asked * SPREAD)
    return wait if wait < remaining else None


def asked_to_wait(error: LoginError) -> float:
    """Seconds that the server asks to wait before the next call; 0 if it does not."""
    return (error.where.retry_after if error.where else None) or 0.0


class Pace:
    """Until when servers are left alone that have asked one login to wait: the others would only be refused as well.

    `clock`: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """The servers are to be left alone for so many seconds from now."""
        self._until = max(self._until, self._clock() + seconds)

    def wait(self, chance: float) -> float:
        """Seconds that a try has to wait; none or fewer if it need not. `chance`, from 0 up to 1, spreads the tries."""
        left = self._until - self._clock()
        return left + chance * FIRST_WAIT if left > 0 else 0.0
