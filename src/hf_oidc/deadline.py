"""The time by which a login must end, retries included. The clock is a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Deadline(NamedTuple):
    """`end` is a time of `clock`, in seconds. The clock must be monotonic: the wall clock can change."""

    end: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        """The deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.end - self.clock()
