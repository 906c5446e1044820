"""What a login is given: HTTP, commands, files, the time. No module of a login finds these by itself.

The entry points create a `LoginContext`; tests build one with a fake clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hf_oidc import command
from hf_oidc.command import RunCommand
from hf_oidc.http.client import Deadline, Tls, Transport
from hf_oidc.version import VERSION

# More than any file that is read on purpose has. A link may lead to one without an end.
MAX_BYTES = 26_214_400
USER_AGENT = f"hf-oidc-action/{VERSION}"

# The path of a file -> its text; empty if it cannot be read.
ReadFile = Callable[[str], str]


class LoginContext(NamedTuple):
    """All that a login and a provider may use.

    `run`: runs a command of the CI. `now`: the time in UTC. `sleep`: takes seconds. `random`: a number from 0 up to 1.
    """

    transport: Transport
    deadline: Deadline
    run: RunCommand
    read_file: ReadFile
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]

    @classmethod
    def create(cls, env: Mapping[str, str], tls: Tls, seconds: float, now: Callable[[], datetime]) -> LoginContext:
        """The context of a login that must end in so many seconds."""
        deadline = Deadline.after(seconds, time.monotonic)
        return cls(
            transport=Transport(env=env, tls=tls, user_agent=USER_AGENT, deadline=deadline),
            deadline=deadline,
            run=lambda argv: command.run(argv, env, deadline.remaining),
            read_file=read_file,
            now=now,
            sleep=time.sleep,
            random=_random,
        )


def read_file(path: str) -> str:
    """The text of a file; empty if it cannot be read, or is larger than any file that is read on purpose."""
    try:
        if not path or not Path(path).is_file():
            return ""
        # The size is not a limit: files of /proc, to which a link may lead, have none.
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8") if len(content) <= MAX_BYTES else ""
    except (OSError, ValueError):
        return ""


def _random() -> float:
    # Not with the module `random`: its import would slow down every login.
    return int.from_bytes(os.urandom(4), "big") / 2**32
