"""What both doors need: the means of a login, a file's text, and where a bug is.

It is handed the environment and prints nothing, as everything behind the doors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from hf_oidc import command
from hf_oidc.providers._base import Means
from hf_oidc.transport import Tls, Transport
from hf_oidc.version import VERSION

# GitHub's payload of an event, the largest of the files that are read, has 25 MB at most.
MAX_BYTES = 26_214_400
USER_AGENT = f"hf-oidc-action/{VERSION}"


def means(env: Mapping[str, str], tls: Tls, seconds: float, now: Callable[[], datetime]) -> Means:
    """What a login may use, for at most so many seconds from now."""
    transport = Transport(env=env, tls=tls, user_agent=USER_AGENT, deadline=time.monotonic() + seconds)
    return Means(transport, lambda argv: command.run(argv, env, transport.remaining), text_of, now)


def text_of(path: str) -> str:
    """The text of a file, empty if there is none to be had, or more of it than anybody means to read."""
    try:
        if not path or not Path(path).is_file():
            return ""
        # The size is no bound: files of /proc, to which a link may lead, have none.
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8") if len(content) <= MAX_BYTES else ""
    except (OSError, ValueError):
        return ""


def place_of(bug: Exception) -> str:
    """The kind of an unforeseen error and the line it is from; nothing of its text, which may hold a token."""
    import traceback  # noqa: PLC0415 - every login would wait for it

    *_, (frame, line) = traceback.walk_tb(bug.__traceback__)
    return f"{type(bug).__name__} in {frame.f_globals.get('__name__')}, line {line}"
