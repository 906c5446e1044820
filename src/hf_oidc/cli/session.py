"""A command's login: from its options to the tokens, and a failure in words on standard error.

What a command then does with a token is its own affair.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click

from hf_oidc import command, hall
from hf_oidc.cli import output
from hf_oidc.cli.options import Settings, read_id_token
from hf_oidc.diagnosis import text
from hf_oidc.diagnosis.door import COMMAND
from hf_oidc.diagnosis.granted import granted_line
from hf_oidc.diagnosis.report import diagnose
from hf_oidc.errors import Attempt, LoginError, UsageError
from hf_oidc.hub_token import HubToken
from hf_oidc.login import Login
from hf_oidc.logins import alike, log_in_all
from hf_oidc.providers.registry import Chosen, choose
from hf_oidc.resource import Resource
from hf_oidc.retry import Pace
from hf_oidc.secret import Secret
from hf_oidc.settings import DEFAULT_HUB_URL
from hf_oidc.transport import Tls, trusting
from hf_oidc.url import is_loopback
from hf_oidc.wanted import Wanted, named

MASK_SECONDS = 10.0
# Standard output is replaced for a moment, for all threads.
MASKING = threading.Lock()


def tokens(asked: Sequence[Wanted], settings: Settings, world: World) -> list[HubToken]:
    """A token for each, in order. Where some fail the command ends, with all their reasons on standard error."""
    found = log_in_all(logins(asked, settings, world, settings.timeout))
    failures = [(each, end) for each, end in zip(asked, found, strict=True) if isinstance(end, LoginError)]
    if failures:
        raise _all_failed(failures, settings, several=len(asked) > 1)
    granted = [token for token in found if isinstance(token, HubToken)]
    for token in granted:
        say(granted_line(token.resource, token.expires_at, token.expires_in), settings)
    return granted


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What is wrong with arguments and files ends the command with words on standard error."""
    try:
        yield
    except LoginError as error:
        raise failed(error, None, None) from None


@contextlib.contextmanager
def preparing(asked: Sequence[Wanted], settings: Settings) -> Iterator[None]:
    """The same for what every login needs: it is said once, whatever the number of logins that would have failed."""
    try:
        yield
    except LoginError as error:
        end = failed(error, asked[0].resource, settings)
        if len(asked) > 1:
            output.tell("No login was tried.")
        raise end from None


def failed(
    error: LoginError, resource: Resource | None, settings: Settings | None, *, of: str = ""
) -> click.exceptions.Exit:
    """The end of a command, after words on standard error: exit code 2 for the arguments, else 1.

    `of`: which of several logins it was.
    """
    hub_url, audience = (settings.hub_url, settings.audience) if settings else (DEFAULT_HUB_URL, "")
    diagnosis = diagnose(error, resource, hub_url, door=COMMAND, audience=audience, env=os.environ)
    title, message = text.annotation(diagnosis)
    more = text.details(diagnosis) if settings and settings.verbose else []
    output.tell("\n".join([title + of, message, *more]))
    return click.exceptions.Exit(2 if isinstance(error, UsageError) else 1)


def _all_failed(
    failures: Sequence[tuple[Wanted, LoginError]], settings: Settings, *, several: bool
) -> click.exceptions.Exit:
    ends = []
    for error, wanted in alike(failures):
        of = f", for {named(wanted)}" if several else ""
        ends.append(failed(error, wanted[0].resource, settings, of=of))
    return max(ends, key=lambda end: end.exit_code)


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(timezone.utc)


def usual_mask(settings: Settings, env: Mapping[str, str]) -> Callable[[Secret], None]:
    """How a token is hidden in the log here, if there is a way. Raises `DeliveryFailed` if there is one, in vain."""
    if env.get("GITHUB_ACTIONS") == "true" and not _tries_local_hub(settings, env):
        output.require_log()
        return mask_on_github
    if env.get("BUILDKITE") == "true":
        return lambda secret: _mask_on_buildkite(secret, env)
    return lambda _secret: None


def mask_on_github(secret: Secret) -> None:
    """Lets a runner of GitHub's kind hide `secret` in the log. Raises `DeliveryFailed`."""
    from hf_oidc.sinks import github, masking  # noqa: PLC0415 - what a runner of GitHub's kind needs, no other CI does

    output.require_log()
    # The runner reads its commands on standard error too: standard output stays what was asked for. It knows them at
    # the beginning of a line alone, and another program may be in the midst of one: all is written at once.
    with MASKING, contextlib.redirect_stdout(io.StringIO("\n")) as lines:
        lines.seek(0, io.SEEK_END)
        github.mask(masking.worthless_part(secret))
        output.write_error(lines.getvalue())


def _tries_local_hub(settings: Settings, env: Mapping[str, str]) -> bool:
    """Whether somebody at a terminal has taken the variables of a job from Local Hub: no runner obeys a mask there.

    A terminal alone does not say so, as a job can have one (`script -c`, `docker run -t`, act).
    """
    on_this_machine = is_loopback(urlsplit(settings.hub_url).hostname or "")
    return on_this_machine and "GITHUB_ENV" not in env and sys.stderr is not None and sys.stderr.isatty()


def say(line: str, settings: Settings) -> None:
    """One line on standard error, unless it is to be quiet there."""
    if not settings.quiet:
        output.tell(f"hf-oidc: {line}")


def _mask_on_buildkite(secret: Secret, env: Mapping[str, str]) -> None:
    from hf_oidc.sinks import buildkite  # noqa: PLC0415 - no other CI needs it

    def run(argv: Sequence[str], stdin: str) -> command.Finished | command.NotRun:
        return command.run(argv, env, MASK_SECONDS, stdin)

    # The whole of it: the agent reads it from a pipe of ours and prints nothing, so no line of the log can hold it.
    # Most jobs never print a token, so one that cannot be hidden is no reason to fail them.
    if problem := buildkite.redact(secret, run):
        _warn(f"{problem}. The log would show the tokens of this job, if something printed them.")


@functools.cache  # once is enough
def _warn(line: str) -> None:
    output.tell(f"hf-oidc: Warning: {line}")


def identity(settings: Settings, env: Mapping[str, str]) -> Chosen:
    """Who gives the ID tokens. Raises a `LoginError` if nobody does."""
    chosen = choose(env, hall.text_of, id_token=settings.id_token, named=settings.provider)
    if not settings.id_token_file or not Path(settings.id_token_file).is_file():  # a pipe gives what it has once
        return chosen
    # Whoever has put it there may put another one there in its time.
    return chosen._replace(
        mint=lambda *_: Secret(read_id_token(settings.id_token_file, settings.id_token_source)),
        again=True,
        until_expiry_of=None,
    )


class World(NamedTuple):
    """Where logins take place: the environment, who gives the ID tokens, whom it trusts, how tokens are hidden.

    `pace` is that of all of them.
    """

    env: Mapping[str, str]
    identity: Chosen
    tls: Tls
    mask: Callable[[Secret], None]
    pace: Pace

    @classmethod
    def of(cls, settings: Settings, env: Mapping[str, str]) -> World:
        """The one that a command is in, for all of its logins. Raises a `LoginError`."""
        return cls(
            env,
            identity(settings, env),
            trusting(settings.ca_bundle, "--ca-bundle"),
            usual_mask(settings, env),
            Pace(time.monotonic),
        )


def logins(asked: Sequence[Wanted], settings: Settings, world: World, seconds: float) -> list[Login]:
    """A login for each, all of which may last for so many seconds from now."""

    def tell(attempt: Attempt) -> None:
        say(text.retry_line(attempt), settings)

    means = hall.means(world.env, world.tls, seconds, now)
    return [
        Login(
            resource=each.resource,
            hub_url=settings.hub_url,
            audience=settings.audience,
            identity=world.identity,
            means=means,
            mask=world.mask,
            now=now,
            sleep=time.sleep,
            chance=random.random,
            tell=tell,
            pace=world.pace,
        )
        for each in asked
    ]
