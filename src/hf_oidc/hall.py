"""What both doors need: the settings that they share, a file's text, and where a bug is.

It is handed the environment and prints nothing, as everything behind the doors.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from hf_oidc import command
from hf_oidc.errors import InvalidInput
from hf_oidc.providers._base import Means
from hf_oidc.transport import Tls, Transport
from hf_oidc.untrusted_text import shown
from hf_oidc.url import base_url, has_password, shown_url
from hf_oidc.version import VERSION

HUB_URL = "https://huggingface.co"
USER_AGENT = f"hf-oidc-action/{VERSION}"
MAX_AUDIENCE = 1000  # characters
MAX_TIMEOUT = 3600  # seconds, for a login


def hub_url(name: str, given: str, env: Mapping[str, str]) -> str:
    """The Hub's URL: `given` as the setting `name`, or $HF_ENDPOINT, or huggingface.co. Raises a `UsageError`."""
    if given:
        return base_url(name, given)
    return base_url("HF_ENDPOINT", env.get("HF_ENDPOINT", "").strip() or HUB_URL)


def audience(name: str, given: str, hub_url: str) -> str:
    """The ID token's audience: `given` as the setting `name`, or the Hub's URL. Raises `InvalidInput`."""
    # It would stand in the ID token, which CIs and the Hub log.
    if has_password(given):
        raise InvalidInput(name, f"`{name}` has a password in it: {shown_url(given)}", f"a URL such as {HUB_URL}")
    if not given.isprintable() or " " in given or len(given) > MAX_AUDIENCE:
        raise InvalidInput(name, f"`{name}` is not one word: {shown(given)!r}", f"a URL such as {HUB_URL}")
    return given or hub_url


def means(env: Mapping[str, str], tls: Tls, seconds: float) -> Means:
    """What a login may use, for at most so many seconds from now."""
    transport = Transport(env=env, tls=tls, user_agent=USER_AGENT, deadline=time.monotonic() + seconds)
    return Means(transport, lambda argv: command.run(argv, env, transport.remaining), text_of)


def text_of(path: str) -> str:
    """The text of a file, empty if there is none to be had."""
    try:
        return Path(path).read_text(encoding="utf-8") if path and Path(path).is_file() else ""
    except (OSError, ValueError):
        return ""


def place_of(bug: Exception) -> str:
    """The kind of an unforeseen error and the line it is from; nothing of its text, which may hold a token."""
    import traceback  # noqa: PLC0415 - every login would wait for it

    *_, (frame, line) = traceback.walk_tb(bug.__traceback__)
    return f"{type(bug).__name__} in {frame.f_globals.get('__name__')}, line {line}"
