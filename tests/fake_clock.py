"""A clock that only moves when someone sleeps on it, or when a test says so."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone


class FakeClock:
    """Seconds since it was made, and UTC to go with them. `slept`: every sleep, in order."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self._began = datetime.fromtimestamp(int(time.time()), timezone.utc)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.seconds

    def now(self) -> datetime:
        """The time in UTC. It begins at the real one, so that tokens made in a test are valid."""
        return self._began + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.seconds += seconds
