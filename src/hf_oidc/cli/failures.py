"""How a command fails: the explanation on standard error, and the exit code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import click

from hf_oidc.cli import streams
from hf_oidc.cli.options import Settings
from hf_oidc.errors import LoginError, UsageError
from hf_oidc.hub.resource import Resource
from hf_oidc.settings import DEFAULT_HUB_URL
from hf_oidc.token_request import TokenRequest


@contextlib.contextmanager
def explained(requests: Sequence[TokenRequest] = (), settings: Settings | None = None) -> Iterator[None]:
    """Ends the command with an explanation if the block raises a `LoginError`.

    The block is not itself a login: its error is one for all of the requests, and is reported once.
    """
    try:
        yield
    except LoginError as error:
        end = failed(error, requests[0].resource if requests else None, settings)
        if len(requests) > 1:
            streams.tell("No login was tried.")
        raise end from None


def failed(
    error: LoginError, resource: Resource | None, settings: Settings | None, *, of: str = ""
) -> click.exceptions.Exit:
    """Explains the error on standard error. Returns the end of the command: code 2 for wrong arguments, else 1.

    `of`: which of several logins failed.
    """
    # Imported here, because a login that succeeds needs none of it.
    from hf_oidc.explain import text  # noqa: PLC0415
    from hf_oidc.explain.entry_point import COMMAND  # noqa: PLC0415
    from hf_oidc.explain.report import diagnose  # noqa: PLC0415

    hub_url, audience = (settings.hub_url, settings.audience) if settings else (DEFAULT_HUB_URL, "")
    diagnosis = diagnose(error, resource, hub_url, entry_point=COMMAND, audience=audience, env=os.environ)
    title, message = text.annotation(diagnosis)
    more = text.details(diagnosis) if settings and settings.verbose else []
    streams.tell("\n".join([title + of, message, *more]))
    return click.exceptions.Exit(2 if isinstance(error, UsageError) else 1)
