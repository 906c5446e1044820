"""A command's login: from its options to the tokens, and a failure in words on standard error.

What a command then does with a token is its own affair.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone

import click

from hf_oidc import command, hall
from hf_oidc.cli import output
from hf_oidc.cli.options import Settings
from hf_oidc.diagnosis import text
from hf_oidc.diagnosis.door import COMMAND
from hf_oidc.diagnosis.granted import granted_line
from hf_oidc.diagnosis.report import diagnose
from hf_oidc.errors import Attempt, DeliveryFailed, LoginError, UsageError
from hf_oidc.hub_token import HubToken
from hf_oidc.login import Login, log_in
from hf_oidc.providers.registry import choose
from hf_oidc.resource import Resource
from hf_oidc.secret import Secret
from hf_oidc.transport import trusting

MASK_SECONDS = 10.0


def tokens(resources: Sequence[Resource], settings: Settings, env: Mapping[str, str]) -> list[HubToken]:
    """A token for each, in order. Where one fails the command ends, with its reason on standard error."""
    found = []
    for resource in resources:
        try:
            token = log_in(_login(resource, settings, env))
        except LoginError as error:
            raise failed(error, resource, settings) from None
        say(granted_line(token.resource, token.expires_at, token.expires_in), settings)
        found.append(token)
    return found


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What is wrong with arguments and files ends the command with words on standard error."""
    try:
        yield
    except LoginError as error:
        raise failed(error, None, None) from None


def failed(error: LoginError, resource: Resource | None, settings: Settings | None) -> click.exceptions.Exit:
    """The end of a command, after words on standard error: exit code 2 for the arguments, else 1."""
    hub_url, audience = (settings.hub_url, settings.audience) if settings else (hall.HUB_URL, "")
    diagnosis = diagnose(error, resource, hub_url, door=COMMAND, audience=audience)
    title, message = text.annotation(diagnosis)
    more = text.details(diagnosis) if settings and settings.verbose else []
    output.tell("\n".join([title, message, *more]))
    return click.exceptions.Exit(2 if isinstance(error, UsageError) else 1)


def mask(env: Mapping[str, str]) -> Callable[[Secret], None]:
    """How a token is hidden in the log here, if there is a way."""
    if env.get("GITHUB_ACTIONS") == "true":
        return mask_on_github
    if env.get("BUILDKITE") == "true":
        return lambda secret: _mask_on_buildkite(secret, env)
    return lambda _secret: None


def mask_on_github(secret: Secret) -> None:
    """Lets a runner of GitHub's kind hide `secret` in the log."""
    from hf_oidc.sinks import github  # noqa: PLC0415 - what a runner of GitHub's kind needs, no other CI does

    if sys.stderr is None:
        raise DeliveryFailed("Standard error, where the runner is told to hide a token, is closed")
    # The runner reads its commands on standard error too: standard output stays what was asked for.
    with contextlib.redirect_stdout(sys.stderr):
        github.mask(secret)


def say(line: str, settings: Settings) -> None:
    """One line on standard error, unless it is to be quiet there."""
    if not settings.quiet:
        output.tell(f"hf-oidc: {line}")


def _mask_on_buildkite(secret: Secret, env: Mapping[str, str]) -> None:
    from hf_oidc.sinks import buildkite  # noqa: PLC0415 - no other CI needs it

    def run(argv: Sequence[str], stdin: str) -> command.Finished | command.NotRun:
        return command.run(argv, env, MASK_SECONDS, stdin)

    # Most jobs never print a token, so one that cannot be hidden is no reason to fail them.
    if problem := buildkite.redact(secret, run):
        _warn(f"{problem}. The log would show the tokens of this job, if something printed them.")


@functools.cache  # once is enough
def _warn(line: str) -> None:
    output.tell(f"hf-oidc: Warning: {line}")


def _login(resource: Resource, settings: Settings, env: Mapping[str, str]) -> Login:
    def tell(attempt: Attempt) -> None:
        say(text.retry_line(attempt), settings)

    return Login(
        resource=resource,
        hub_url=settings.hub_url,
        audience=settings.audience,
        identity=choose(env, hall.text_of, id_token=settings.id_token, named=settings.provider),
        means=hall.means(env, trusting(settings.ca_bundle), settings.timeout),
        mask=mask(env),
        now=lambda: datetime.now(timezone.utc),
        sleep=time.sleep,
        chance=random.random,
        tell=tell,
    )
