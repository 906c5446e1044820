"""A token that is renewed before it expires, for as long as a job lasts.

How one is had and where it is put is handed in, and so are the clock and the waiting. It prints nothing: whoever
listens decides what is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hf_oidc.errors import LoginError
from hf_oidc.hub.token import HubToken
from hf_oidc.retry import asked_to_wait

# Parts of a token's life. What is given a token may use it for long, and an outage may last: most of the life is left
# for both.
EARLIEST, LATEST = 1 / 5, 1 / 4
# Parts of the life that is left: how long one round of tries lasts at most, and the pause before the next.
ROUND, PAUSE = 1 / 3, 1 / 8
LONGEST_ROUND = 60.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
# Seconds, for what will not pass by itself, or when it is too late anyway; the pauses grow up to it.
LONGEST_PAUSE_AFTERWARDS = 900.0
# Seconds that are always waited, for a Hub whose tokens live for a moment is not to be asked without end.
SHORTEST = 0.2
LONGEST_ASKED = 3600.0  # seconds, that a server is heard for


class Renewal(NamedTuple):
    """How a token is renewed. `log_in` takes the seconds that it may last; what it and `put` raise is a failure."""

    log_in: Callable[[float], HubToken]
    put: Callable[[HubToken], None]


class Listener(NamedTuple):
    """Who is told of changes, each once. `failing`: why, and the seconds that the token is still good for.

    `recovered`: there is a new token after all. `expired`: there is none, and the last has expired.
    """

    failing: Callable[[Exception, float], None]
    recovered: Callable[[], None]
    expired: Callable[[Exception], None]


class Life(NamedTuple):
    """When a token expires, a time of the clock, and for how many seconds it was granted."""

    end: float
    seconds: float

    @classmethod
    def of(cls, token: HubToken, asked_at: float) -> Life:
        """The life of a token that was asked for at this time of the clock, or later."""
        return cls(asked_at + token.expires_in, token.expires_in)


def keep_fresh(
    life: Life,
    renewal: Renewal,
    listener: Listener,
    *,
    clock: Callable[[], float],
    wait: Callable[[float], bool],
    chance: Callable[[], float],
) -> None:
    """Renews a token until `wait`, which is called with seconds, says that it is enough.

    `clock`: seconds, and not those of the wall, which is set now and then. `chance`: a number from 0 up to 1. An outage
    of the CI or of the Hub is outlived up to the token's end, and after it there are still tries.
    """
    told, failures = "", 0
    delay = renew_after(life.seconds, chance(), failed=False)
    while not wait(delay):
        began = clock()
        try:
            new = renewal.log_in(round_of(life.end - began, life.seconds))
            renewal.put(new)
        except Exception as error:  # noqa: BLE001 - a bug of ours, too: the command is not to suffer from it
            failures += 1
            told = _tell(told, listener, error, life.end - clock())
            delay = pause(life.end - clock(), life.seconds, error, failures, chance())
            continue
        if told:
            listener.recovered()
        life, delay = Life.of(new, began), renew_after(new.expires_in, chance(), failed=failures > 0)
        told, failures = "", 0


def _tell(told: str, listener: Listener, error: Exception, left: float) -> str:
    """What has been told after this failure: each change once."""
    if left <= 0 and told != "expired":
        listener.expired(error)
        return "expired"
    if not told:
        listener.failing(error, left)
        return "failing"
    return told


def renew_after(lifetime: float, chance: float, *, failed: bool) -> float:
    """Seconds into a token's life of `lifetime` seconds when the next is asked for.

    They differ by `chance`, so that jobs which began together do not ask together. `failed`: whether the last renewal
    did at first; there is trouble then, and the next comes earlier.
    """
    part = LATEST - (LATEST - EARLIEST) * chance
    return max(SHORTEST, lifetime * part / (2 if failed else 1))


def round_of(left: float, lifetime: float) -> float:
    """Seconds that one round of tries may last, so that others fit in before the end of the token."""
    return max(SHORTEST, min(LONGEST_ROUND, max(left, lifetime * EARLIEST) * ROUND))


def pause(left: float, lifetime: float, error: Exception, failures: int, chance: float) -> float:
    """Seconds before the next round, after so many `failures`, the last with `error`.

    A server that asks to wait is heard; while the token is good, as long as that leaves time for a round. `left`: the
    seconds that the token is good for. What is no `LoginError` is a bug, which passes no sooner than a refusal.
    """
    is_passing, asked = (error.retryable, asked_to_wait(error)) if isinstance(error, LoginError) else (False, 0.0)
    usual = min(LONGEST_PAUSE, max(left, lifetime * EARLIEST) * PAUSE) * (1 + chance) / 2
    if left > 0:
        return max(SHORTEST, min(left, max(usual, min(asked, left / 2))))
    longest = LONGEST_PAUSE if is_passing else LONGEST_PAUSE_AFTERWARDS
    return max(SHORTEST, min(longest, usual * 2.0 ** min(failures, 20)), min(asked, LONGEST_ASKED))
