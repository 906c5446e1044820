"""The logins of a command: what they share, from the options to the tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from hf_oidc.cli import streams
from hf_oidc.cli.failures import failed
from hf_oidc.cli.masks import mask_for
from hf_oidc.cli.options import Settings, read_id_token
from hf_oidc.errors import Attempt
from hf_oidc.explain.success import granted_line
from hf_oidc.http.client import Tls, trusting
from hf_oidc.hub.token import HubToken
from hf_oidc.login import Failed, Granted, Login, group_failures, log_in, log_in_all
from hf_oidc.login_context import LoginContext, read_file
from hf_oidc.providers.registry import IdTokenSource, choose
from hf_oidc.retry import Pace
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest, named


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(timezone.utc)


class Session(NamedTuple):
    """What all logins of a command share. `identity`: the source of the ID tokens."""

    settings: Settings
    env: Mapping[str, str]
    identity: IdTokenSource
    tls: Tls
    mask: Callable[[Secret], None]
    pace: Pace

    @classmethod
    def open(cls, settings: Settings, env: Mapping[str, str]) -> Session:
        """Raises the `LoginError` that no login could avoid."""
        identity = choose(env, read_file, id_token=settings.id_token, named=settings.provider)
        # A file may be renewed by its owner, so each login reads it again. A pipe can be read only once.
        if settings.id_token_file and Path(settings.id_token_file).is_file():
            identity = identity._replace(
                mint=lambda *_: Secret(read_id_token(settings.id_token_file, settings.id_token_source)),
                renewable=True,
                until_expiry_of=None,
            )
        mask = mask_for(settings.hub_url, env)
        tls = trusting(settings.ca_bundle, "--ca-bundle")
        return cls(settings, env, identity, tls, mask, Pace(time.monotonic))

    def log_in(self, requests: Sequence[TokenRequest]) -> list[Granted]:
        """A token for each request, in their order. If a login fails, the command ends with all failures explained."""
        results = log_in_all(self._login(self.settings.timeout), requests)
        ends = []
        for error, same in group_failures(each for each in results if isinstance(each, Failed)):
            of = f", for {named(same)}" if len(requests) > 1 else ""
            ends.append(failed(error, same[0].resource, self.settings, of=of))
        if ends:
            raise max(ends, key=lambda end: end.exit_code)
        granted = [each for each in results if isinstance(each, Granted)]
        for _, token in granted:
            self.say(granted_line(token.resource, token.expires_at, token.expires_in))
        return granted

    def renew(self, request: TokenRequest, seconds: float) -> HubToken:
        """Another token, within so many seconds. Prints nothing. Raises the `LoginError` that says why not."""
        return log_in(self._login(seconds)._replace(report=lambda _attempt: None), request)

    def say(self, line: str) -> None:
        """One line on standard error, unless the user wants none."""
        if not self.settings.quiet:
            streams.tell(f"hf-oidc: {line}")

    def _login(self, seconds: float) -> Login:
        return Login(
            hub_url=self.settings.hub_url,
            audience=self.settings.audience,
            identity=self.identity,
            context=LoginContext.create(self.env, self.tls, seconds, now),
            mask=self.mask,
            report=self._report,
            pace=self.pace,
        )

    def _report(self, attempt: Attempt) -> None:
        from hf_oidc.explain import text  # noqa: PLC0415 - a login that works at once does not need it

        self.say(text.retry_line(attempt))
