"""What both doors need: the context of a login, a file's text, and where a bug is.

It is handed the environment and prints nothing, as everything behind the doors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from hf_oidc import command
from hf_oidc.http.client import Tls, Transport
from hf_oidc.providers.base import LoginContext
from hf_oidc.version import VERSION

USER_AGENT = f"hf-oidc-action/{VERSION}"


def create(env: Mapping[str, str], tls: Tls, seconds: float, now: Callable[[], datetime]) -> LoginContext:
    """What a login may use, for at most so many seconds from now."""
    transport = Transport(env=env, tls=tls, user_agent=USER_AGENT, deadline=time.monotonic() + seconds)
    return LoginContext(transport, lambda argv: command.run(argv, env, transport.remaining), read_text, now)


def read_text(path: str) -> str:
    """The text of a file, empty if there is none to be had."""
    try:
        return Path(path).read_text(encoding="utf-8") if path and Path(path).is_file() else ""
    except (OSError, ValueError):
        return ""


def bug_location(bug: Exception) -> str:
    """The kind of an unforeseen error and the line it is from; nothing of its text, which may hold a token."""
    import traceback  # noqa: PLC0415 - every login would wait for it

    *_, (frame, line) = traceback.walk_tb(bug.__traceback__)
    return f"{type(bug).__name__} in {frame.f_globals.get('__name__')}, line {line}"
