"""The action's door: `python -I -m hf_oidc.action`, run by a CI runner with the inputs in `INPUT_…` variables.

Here the world is read and failures get their look; what a login is, `login` knows. Exit codes: 0 done, 1 the login
failed, 2 an input is wrong.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from hf_oidc.diagnosis import text
from hf_oidc.errors import InvalidInput, LoginError, UsageError
from hf_oidc.hub_token import HubToken
from hf_oidc.login import log_in
from hf_oidc.providers.registry import choose
from hf_oidc.resource import Resource
from hf_oidc.sinks import github
from hf_oidc.transport import Transport, trusting
from hf_oidc.untrusted_text import shown
from hf_oidc.url import base_url
from hf_oidc.version import VERSION

HUB_URL = "https://huggingface.co"
ENV_NAME = "HF_TOKEN"
# YAML 1.2, core schema: these and no others.
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
MAX_TIMEOUT = 3600  # seconds


@dataclass(frozen=True, repr=False)
class Inputs:
    """The action's inputs, checked. `timeout`: seconds."""

    resource: Resource
    export_env: bool
    hub_url: str
    audience: str
    id_token: str
    ca_bundle: str
    timeout: int

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Inputs:
        """Raises the `UsageError` that names the input that is wrong."""
        hub_url = _hub_url(env)
        return cls(
            resource=Resource.parse(_input(env, "resource")),
            export_env=_boolean(env, "export-env", default=True),
            hub_url=hub_url,
            audience=_audience(env, hub_url),
            id_token=_input(env, "id-token"),
            ca_bundle=_input(env, "ca-bundle"),
            timeout=_seconds(env, "timeout", default=60),
        )


def run(env: Mapping[str, str]) -> int:
    """One login, from inputs to delivery; the exit code."""
    try:
        inputs = Inputs.read(env)
        files = github.CommandFiles.find(env)
        token = _log_in(inputs, env)
        github.deliver(token, ENV_NAME, export=inputs.export_env, files=files)
    except LoginError as error:
        github.annotate_error(text.title(error), text.message(error))
        return 2 if isinstance(error, UsageError) else 1
    github.say(f"Logged in: a Hugging Face token for {token.resource}, until {token.expires_at}.")
    return 0


def _log_in(inputs: Inputs, env: Mapping[str, str]) -> HubToken:
    transport = Transport(
        env=env,
        tls=trusting(inputs.ca_bundle),
        user_agent=f"hf-oidc-action/{VERSION}",
        deadline=time.monotonic() + inputs.timeout,
    )
    return log_in(
        resource=inputs.resource,
        hub_url=inputs.hub_url,
        audience=inputs.audience,
        mint=choose(inputs.id_token, env),
        transport=transport,
        mask=github.mask,
        now=lambda: datetime.now(timezone.utc),
    )


def _input(env: Mapping[str, str], name: str) -> str:
    # The runner's naming: upper case, hyphens kept.
    return env.get(f"INPUT_{name.upper()}", "").strip()


def _boolean(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _input(env, name)
    if value and value not in BOOLEANS:
        raise InvalidInput(name, f"`{name}` is neither true nor false: {shown(value, 100)!r}", "true or false")
    return BOOLEANS.get(value, default)


def _seconds(env: Mapping[str, str], name: str, *, default: int) -> int:
    value = _input(env, name) or str(default)
    seconds = int(value) if value.isascii() and value.isdigit() and len(value) <= 4 else 0
    if not 1 <= seconds <= MAX_TIMEOUT:
        expected = f"a whole number of seconds from 1 to {MAX_TIMEOUT}"
        raise InvalidInput(name, f"`{name}` is not {expected}: {shown(value, 100)!r}", expected)
    return seconds


def _hub_url(env: Mapping[str, str]) -> str:
    given = _input(env, "hub-url")
    if given:
        return base_url("hub-url", given)
    return base_url("HF_ENDPOINT", env.get("HF_ENDPOINT", "").strip() or HUB_URL)


def _audience(env: Mapping[str, str], hub_url: str) -> str:
    audience = _input(env, "audience") or hub_url
    if not audience.isprintable() or " " in audience or len(audience) > 1000:
        raise InvalidInput(
            "audience", f"`audience` is not one word: {shown(audience, 100)!r}", f"a URL such as {HUB_URL}"
        )
    return audience


def guarded(run: Callable[[Mapping[str, str]], int], env: Mapping[str, str]) -> int:
    """The exit code of `run`; nothing that goes wrong in it ends in a traceback."""
    try:
        return run(env)
    except KeyboardInterrupt:  # the job was cancelled
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, never what, for a value may be a token
        *_, (frame, line) = traceback.walk_tb(error.__traceback__)
        place = f"{frame.f_globals.get('__name__')}, line {line}"
        github.annotate_error("hf-oidc: bug", f"{type(error).__name__} in {place}. Please report this.")
        return 1


if __name__ == "__main__":
    sys.exit(guarded(run, os.environ))
