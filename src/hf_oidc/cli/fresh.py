"""`hf-oidc run --keep-fresh`: a command whose tokens are in files, and are renewed there for as long as it runs.

When a token is renewed, `keep_fresh` knows; how a command is waited for, `cli.child` does.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hf_oidc import env_name, hall
from hf_oidc.cli import output
from hf_oidc.cli.child import Child
from hf_oidc.cli.options import Settings
from hf_oidc.cli.program import cannot_run
from hf_oidc.cli.session import World, explained, logins, preparing, say, tokens
from hf_oidc.diagnosis.ci import CIS
from hf_oidc.errors import LoginError
from hf_oidc.hub_token import HubToken, rfc3339
from hf_oidc.id_token import expiry_of
from hf_oidc.keep_fresh import LATEST, Life, Listener, Renewal, keep_fresh
from hf_oidc.login import log_in
from hf_oidc.logins import AT_ONCE
from hf_oidc.providers.registry import Chosen
from hf_oidc.sinks import git
from hf_oidc.sinks.token_folder import put, token_folder
from hf_oidc.wanted import Wanted

# huggingface_hub takes these before the file.
BEFORE_THE_FILE = {env_name.DEFAULT, "HUGGING_FACE_HUB_TOKEN"}
# Why tokens cannot be renewed for ever: the CI's name, and when that ends.
NO_MORE = "This job has one ID token of {}, made when it began: it expires at {}, and tokens are renewed until then."
SUPPLIED = "The ID token that was supplied expires at {1}, and tokens are renewed until then."
ONE_MORE = "This job may ask {} for ID tokens until {}, and tokens are renewed until then."


class Job(NamedTuple):
    """What is run, with a token for each of `asked`. `program`: the path; `command`: its name and arguments."""

    program: str
    command: Sequence[str]
    asked: Sequence[Wanted]
    export_token: bool
    stop_on_expiry: bool


def run_with_fresh_tokens(job: Job, settings: Settings, env: Mapping[str, str]) -> int:
    """The command's exit code; 1 if it was stopped because a token has expired.

    Raises `click.exceptions.Exit` if there is no token for it, or it cannot be run.
    """
    _leave_when_asked()  # until there is a command to pass it on to
    with preparing(job.asked, settings):
        configuration = _for_git(job, settings, env)
        world = World.of(settings, env)
    asked_at = time.monotonic()
    granted = dict(zip(job.asked, tokens(job.asked, settings, world), strict=True))
    with explained():
        at_once = threading.BoundedSemaphore(AT_ONCE)
        _say_how_long(granted.values(), world.identity, settings)

        def log_in_again(wanted: Wanted, seconds: float) -> HubToken:
            with at_once:
                (login,) = logins([wanted], replace(settings, quiet=True), world, seconds)
                return log_in(login)

        with token_folder(env) as folder:
            for wanted, token in granted.items():
                put(folder / wanted.name, token.secret)
            child = _started(job, {**_environment(job, granted, folder, env), **configuration})
            lives = {wanted: Life.of(token, asked_at) for wanted, token in granted.items()}
            code = Keeper(job, child, folder, log_in_again).wait(lives)
        # Their token is gone.
        child.end_the_rest()
    return code


class Keeper:
    """Renews the tokens of a command that is running. `log_in`: for what, in how many seconds at most."""

    def __init__(self, job: Job, child: Child, folder: Path, log_in: Callable[[Wanted, float], HubToken]) -> None:
        self._job, self._child, self._folder, self._log_in = job, child, folder, log_in
        self._over = threading.Event()
        self._stopped = False
        # The folder is not to be written to while it is removed.
        self._writing = threading.Lock()

    def wait(self, lives: Mapping[Wanted, Life]) -> int:
        """The command's exit code, when it has ended; 1 if it was stopped."""
        for wanted, life in lives.items():
            threading.Thread(target=self._keep, args=(wanted, life), daemon=True).start()
        code = self._child.wait()
        with self._writing:
            self._over.set()
        return 1 if self._stopped else code

    def _keep(self, wanted: Wanted, life: Life) -> None:
        keep_fresh(
            life,
            Renewal(lambda seconds: self._log_in(wanted, seconds), lambda new: self._put(wanted, new)),
            self._listener(wanted),
            clock=time.monotonic,
            wait=self._over.wait,
            chance=random.random,
        )

    def _put(self, wanted: Wanted, token: HubToken) -> None:
        with self._writing:
            if not self._over.is_set():
                put(self._folder / wanted.name, token.secret)

    def _listener(self, wanted: Wanted) -> Listener:
        whose = f"The token for {wanted.resource}"

        def failing(error: Exception, left: float) -> None:
            please = "" if isinstance(error, LoginError) else "Please report it. "
            _tell(f"{whose} could not be renewed: {_why(error)}. {please}{_good_for(left)}; trying again")

        def expired(error: Exception) -> None:
            _tell(f"{whose} has expired, and there is no new one: {_why(error)}. {self._then}")
            if self._job.stop_on_expiry:
                self._stopped = True
                self._child.stop()

        return Listener(failing, lambda: _tell(f"{whose} is renewed again"), expired)

    @property
    def _then(self) -> str:
        return "The command is stopped" if self._job.stop_on_expiry else "The command goes on; trying again"


def _for_git(job: Job, settings: Settings, env: Mapping[str, str]) -> dict[str, str]:
    def tell(name: str) -> str:
        return git.in_file(env_name.checked_path(name, env, "RESOURCE"))

    return git.configuration(settings.hub_url, git.credentials(job.asked, tell), env)


def _environment(job: Job, granted: Mapping[Wanted, HubToken], folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    names = {wanted.name for wanted in job.asked}
    hidden = {"HF_OIDC_RESOURCE"} | names | (BEFORE_THE_FILE if env_name.DEFAULT in names else set())
    kept = {name: value for name, value in env.items() if name not in hidden}
    paths = {name: env_name.checked_path(name, env, "RESOURCE") for name in names}
    first = {wanted.name: token.secret.reveal() for wanted, token in granted.items() if job.export_token}
    files = {variable: str(folder / name) for name, variable in paths.items()}
    return kept | files | first


def _started(job: Job, env: Mapping[str, str]) -> Child:
    try:
        return Child(job.program, job.command, env)
    except OSError as error:
        raise cannot_run(job.program, f"cannot be run: {error.strerror}") from None


def _say_how_long(tokens: Collection[HubToken], whose: Chosen, settings: Settings) -> None:
    """What a job may rely on, where that is known."""
    last = expiry_of(whose.until_expiry_of) if whose.until_expiry_of else None
    if last is None or last.year >= 9999:  # the end of the calendar is no end
        return
    life = timedelta(seconds=min(token.expires_in for token in tokens))
    # The last renewal may come as early as that before ID tokens end.
    end = max(min(token.expires_at for token in tokens), rfc3339(last - life * LATEST + life))
    why = SUPPLIED if whose.provider == "supplied" else ONE_MORE if whose.again else NO_MORE
    until = why.format(CIS[whose.provider].title, rfc3339(last))
    say(f"{until} If no renewal fails, the command has a valid token until {end}.", settings)


def _why(error: Exception) -> str:
    if isinstance(error, LoginError):
        return f"{error.code}. {error.what}"
    # A bug of ours, or a machine without memory. Of its text nothing: a value may be a token.
    return f"an unexpected error, {hall.place_of(error)}"


def _good_for(seconds: float) -> str:
    return (
        f"It is good for {round(seconds / 60)} minutes more"
        if seconds >= 90
        else f"It is good for {seconds:.0f} s more"
    )


def _tell(line: str) -> None:
    output.tell(f"hf-oidc: {line}.")


def _leave_when_asked() -> None:
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _leave)


def _leave(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)
