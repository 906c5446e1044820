"""`hf-oidc run --keep-fresh`: runs a command that reads its tokens from files, and renews them there until it ends.

`renewal` decides when a token is renewed; `cli.child` runs the command.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hf_oidc.cli import streams
from hf_oidc.cli.child import Child, cannot_run
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import Settings
from hf_oidc.cli.session import Session
from hf_oidc.errors import LoginError, bug_location
from hf_oidc.hub.token import HubToken
from hf_oidc.id_token import expiry_of
from hf_oidc.login import MAX_PARALLEL
from hf_oidc.output import git
from hf_oidc.output.token_folder import put, token_folder
from hf_oidc.providers.facts import all_facts
from hf_oidc.renewal import LATEST, Lifetime, keep_fresh
from hf_oidc.rfc3339 import rfc3339
from hf_oidc.token_request import DEFAULT_NAME, TokenRequest, path_variable

# huggingface_hub prefers these to the file.
BEFORE_THE_FILE = {DEFAULT_NAME, "HUGGING_FACE_HUB_TOKEN"}
# Why tokens cannot be renewed for ever. The fields: the CI, and until when.
ONE_ID_TOKEN = "This job has one ID token from {}, which expires at {}. Tokens are renewed until then."
SUPPLIED = "The ID token that you supplied expires at {1}. Tokens are renewed until then."
SEVERAL_ID_TOKENS = "This job may request ID tokens from {} until {}. Tokens are renewed until then."


class Job(NamedTuple):
    """The command to run, with a token for each request. `program`: its path; `command`: its name and arguments."""

    program: str
    command: Sequence[str]
    requests: Sequence[TokenRequest]
    export_token: bool
    stop_on_expiry: bool


def run_with_fresh_tokens(job: Job, settings: Settings, env: Mapping[str, str]) -> int:
    """The command's exit code; 1 if it was stopped because a token expired.

    Raises `click.exceptions.Exit` if a login fails, or the command cannot be run.
    """
    # Until there is a command that gets them. nohup ignores SIGHUP.
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _exit)
    with explained(job.requests, settings):
        # The name of each token, and the variable with the path of its file.
        files = {name: path_variable(name, env, "RESOURCE") for name, _ in job.requests}
        configuration = git.configuration_for(
            job.requests, settings.hub_url, env, tell=lambda name: git.in_file(files[name])
        )
        session = Session.open(settings, env)
    requested_at = time.monotonic()
    granted = session.log_in(job.requests)
    with explained():
        _say_how_long([each.token for each in granted], session)
        with token_folder(env) as folder:
            for request, token in granted:
                put(folder / request.name, token.secret)
            paths = {path: str(folder / name) for name, path in files.items()}
            first = {request.name: token.secret.reveal() for request, token in granted if job.export_token}
            try:
                child = Child(job.program, job.command, {**_kept(env, files), **paths, **first, **configuration})
            except OSError as error:
                raise cannot_run(job.program, f"cannot be run: {error.strerror}") from None
            lifetimes = {request: Lifetime.of(token, requested_at) for request, token in granted}
            code = Renewer(job, child, folder, session.renew).wait(lifetimes)
        # Processes that the command left behind have no token any more.
        child.end_the_rest()
    return code


class Renewer:
    """Renews the tokens of a running command, each in a thread. `log_in` takes a request and the seconds for it."""

    def __init__(self, job: Job, child: Child, folder: Path, log_in: Callable[[TokenRequest, float], HubToken]) -> None:
        self._job, self._child, self._folder, self._log_in = job, child, folder, log_in
        self._parallel = threading.BoundedSemaphore(MAX_PARALLEL)
        self._ended = threading.Event()
        self._stopped = False
        # Held while the folder must not be removed.
        self._writing = threading.Lock()

    def wait(self, lifetimes: Mapping[TokenRequest, Lifetime]) -> int:
        """The command's exit code, when it has ended; 1 if it was stopped."""
        for request, lifetime in lifetimes.items():
            # A daemon, because no login matters after the command has ended.
            threading.Thread(
                target=keep_fresh,
                args=(FileRenewal(self, request), lifetime),
                kwargs={"clock": time.monotonic, "wait": self._ended.wait, "random": random.random},
                daemon=True,
            ).start()
        code = self._child.wait()
        with self._writing:
            self._ended.set()
        return 1 if self._stopped else code

    def log_in(self, request: TokenRequest, seconds: float) -> HubToken:
        """A new token. A few logins at a time, however many tokens there are."""
        with self._parallel:
            return self._log_in(request, seconds)

    def put(self, request: TokenRequest, token: HubToken) -> None:
        """Writes the token to its file, unless the command has ended."""
        with self._writing:
            if not self._ended.is_set():
                put(self._folder / request.name, token.secret)

    @property
    def stops_on_expiry(self) -> bool:
        """Whether the command is stopped when a token has expired."""
        return self._job.stop_on_expiry

    def stop(self) -> None:
        """Stops the command because a token has expired."""
        self._stopped = True
        self._child.stop()


class FileRenewal(NamedTuple):
    """The renewal of one token of a command; `keep_fresh` calls it."""

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
        stops = self.renewer.stops_on_expiry
        then = "The command is stopped" if stops else "The command goes on; trying again"
        self._report(f"has expired, and no new one was issued: {_why(error)}. {then}")
        if stops:
            self.renewer.stop()

    def _report(self, what: str) -> None:
        streams.tell(f"hf-oidc: The token for {self.request.resource} {what}.")


def _kept(env: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The variables that the command keeps: none that would take precedence over a token's file."""
    hidden = {"HF_OIDC_RESOURCE", *names, *(BEFORE_THE_FILE if DEFAULT_NAME in names else ())}
    return {name: value for name, value in env.items() if name not in hidden}


def _say_how_long(tokens: Sequence[HubToken], session: Session) -> None:
    """Says until when the command has a token, if the CI stops issuing ID tokens at a known time."""
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
    session.say(f"{until} If no renewal fails, the command has a valid token until {end}.")


def _why(error: Exception) -> str:
    if isinstance(error, LoginError):
        return f"{error.code}. {error.what}"
    # A bug of ours, or a machine without memory. Its text is not shown: it may hold a token.
    return f"an unexpected error, {bug_location(error)}"


def _exit(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)
