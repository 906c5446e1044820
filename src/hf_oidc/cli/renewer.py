"""Renews tokens in files while something uses them: the command of `hf-oidc run`, or whatever reads the agent's files.

`renewal` decides when a token is renewed. Where it is written, and what happens if it expires, are parameters: this
module knows neither a command nor a path.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, NoReturn

from hf_oidc.cli import streams
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import AMBIENT, Settings
from hf_oidc.cli.session import Session
from hf_oidc.errors import LoginError, bug_location
from hf_oidc.hub.token import HubToken
from hf_oidc.id_token import expiry_of
from hf_oidc.login import MAX_PARALLEL, Granted
from hf_oidc.output import git
from hf_oidc.providers.facts import all_facts
from hf_oidc.renewal import LATEST, Lifetime, keep_fresh
from hf_oidc.rfc3339 import rfc3339
from hf_oidc.secret import Secret
from hf_oidc.token_request import DEFAULT_NAME, TokenRequest, path_variable

# huggingface_hub prefers these to the file.
BEFORE_THE_FILE = (DEFAULT_NAME, "HUGGING_FACE_HUB_TOKEN")
# Why tokens cannot be renewed for ever. The fields: the CI, and until when.
ONE_ID_TOKEN = "This job has one ID token from {}, which expires at {}. Tokens are renewed until then."
SUPPLIED = "The ID token that you supplied expires at {1}. Tokens are renewed until then."
SEVERAL_ID_TOKENS = "This job may request ID tokens from {} until {}. Tokens are renewed until then."


class FirstTokens(NamedTuple):
    """The tokens that are written first, and what their readers need.

    `path_variables`: by the name of a token, the variable for the path of its file. `git`: git's configuration.
    """

    session: Session
    path_variables: Mapping[str, str]
    git: Mapping[str, str]
    granted: Sequence[Granted]
    lifetimes: Mapping[TokenRequest, Lifetime]

    @classmethod
    def log_in(cls, requests: Sequence[TokenRequest], settings: Settings, env: Mapping[str, str]) -> FirstTokens:
        """Raises `click.exceptions.Exit` if a login fails. Until it returns, a signal ends the process."""
        # nohup makes a process ignore SIGHUP. A shell makes what it starts with `&` ignore SIGQUIT.
        for number in {getattr(signal, name, signal.SIGTERM) for name in ("SIGTERM", "SIGHUP", "SIGQUIT")}:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _exit)
        with explained(requests, settings):
            variables = {name: path_variable(name, env, "RESOURCE") for name, _ in requests}
            configuration = git.configuration_for(
                requests, settings.hub_url, env, tell=lambda name: git.in_file(variables[name])
            )
            session = Session.open(settings, env)
        requested_at = time.monotonic()
        granted = session.log_in(requests)
        with explained():
            _say_how_long([each.token for each in granted], session)
        lifetimes = {request: Lifetime.of(token, requested_at) for request, token in granted}
        return cls(session, variables, configuration, granted, lifetimes)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The variables that a reader of the files must not have, because they would take precedence."""
        before = BEFORE_THE_FILE if DEFAULT_NAME in self.path_variables else ()
        return tuple(dict.fromkeys([AMBIENT, *before, *self.path_variables]))


class OnExpiry(NamedTuple):
    """`act`: what happens when a token expires before it is renewed. `told`: how the report describes that."""

    told: str
    act: Callable[[TokenRequest], None] = lambda _request: None


class Renewer:
    """Renews tokens, each in a thread. `log_in` takes a request and a number of seconds; `write` writes the new token.

    If one of the two raises any exception, the renewal has failed.
    """

    def __init__(
        self,
        log_in: Callable[[TokenRequest, float], HubToken],
        write: Callable[[TokenRequest, Secret], None],
        on_expiry: OnExpiry,
    ) -> None:
        self.on_expiry = on_expiry
        self._log_in, self._write = log_in, write
        self._parallel = threading.BoundedSemaphore(MAX_PARALLEL)
        self._ended = threading.Event()
        # Held while the files must not be removed.
        self._writing = threading.Lock()

    def start(self, lifetimes: Mapping[TokenRequest, Lifetime]) -> None:
        """Renews these tokens until `end`."""
        for request, lifetime in lifetimes.items():
            # A daemon, because no login matters after the end.
            threading.Thread(
                target=keep_fresh,
                args=(FileRenewal(self, request), lifetime),
                kwargs={"clock": time.monotonic, "wait": self._ended.wait, "random": random.random},
                daemon=True,
            ).start()

    def end(self) -> None:
        """Nothing is written after this has returned."""
        with self._writing:
            self._ended.set()

    def log_in(self, request: TokenRequest, seconds: float) -> HubToken:
        """A new token. A few logins at a time, however many tokens there are."""
        with self._parallel:
            return self._log_in(request, seconds)

    def put(self, request: TokenRequest, token: HubToken) -> None:
        """Writes the token, unless the renewals have ended."""
        with self._writing:
            if not self._ended.is_set():
                self._write(request, token.secret)


class FileRenewal(NamedTuple):
    """The renewal of one token; `keep_fresh` calls it."""

    renewer: Renewer
    request: TokenRequest

    def log_in(self, seconds: float) -> HubToken:
        """See `Renewal`."""
        return self.renewer.log_in(self.request, seconds)

    def put(self, token: HubToken) -> None:
        """See `Renewal`."""
        self.renewer.put(self.request, token)

    def report_failing(self, error: Exception, remaining: float) -> None:
        """See `Renewal`."""
        please = "" if isinstance(error, LoginError) else "Please report it. "
        duration = f"{round(remaining / 60)} minutes" if remaining >= 90 else f"{remaining:.0f} s"
        self._report(f"could not be renewed: {_why(error)}. {please}It is valid for {duration} more; trying again")

    def report_recovered(self) -> None:
        """See `Renewal`."""
        self._report("is renewed again")

    def report_expired(self, error: Exception) -> None:
        """See `Renewal`."""
        told, act = self.renewer.on_expiry
        self._report(f"has expired, and no new one was issued: {_why(error)}. {told}")
        act(self.request)

    def _report(self, what: str) -> None:
        streams.tell(f"hf-oidc: The token for {self.request.resource} {what}.")


def _say_how_long(tokens: Sequence[HubToken], session: Session) -> None:
    """Says until when the tokens can be renewed, if the CI stops issuing ID tokens at a known time."""
    identity = session.identity
    last = expiry_of(identity.until_expiry_of) if identity.until_expiry_of else None
    if last is None or last.year >= 9999:  # some CIs write the end of the calendar for "never"
        return
    lifetime = timedelta(seconds=min(token.expires_in for token in tokens))
    # The last renewal may take place that long before the ID tokens end.
    end = max(min(token.expires_at for token in tokens), rfc3339(last - lifetime * LATEST + lifetime))
    renewable = SEVERAL_ID_TOKENS if identity.renewable else ONE_ID_TOKEN
    why = SUPPLIED if identity.provider == "supplied" else renewable
    until = why.format(all_facts()[identity.provider].title, rfc3339(last))
    session.say(f"{until} If no renewal fails, the token in the file is valid until {end}.")


def _why(error: Exception) -> str:
    if isinstance(error, LoginError):
        return f"{error.code}. {error.what}"
    # A bug of ours, or a machine without memory. Its text is not shown: it may hold a token.
    return f"an unexpected error, {bug_location(error)}"


def _exit(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)
