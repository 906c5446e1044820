"""The action's door: `python -I -m hf_oidc.action`, run by a CI runner with the inputs in `INPUT_…` variables.

Here the world is read and failures get their look; what a login is, `login` knows. Exit codes: 0 done, 1 the login
failed, 2 an input is wrong.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # The imports below make most of the objects of a run, and none of them is garbage: looking for some among them, now
    # and at the end, would take a fifth of its time.
    gc.disable()

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import NamedTuple, TypeVar

from hf_oidc import hall, settings
from hf_oidc.diagnosis.environment import warnings
from hf_oidc.diagnosis.granted import granted_line
from hf_oidc.errors import Attempt, LoginError, UsageError
from hf_oidc.hub_token import HubToken
from hf_oidc.login import Login
from hf_oidc.logins import alike, log_in_all
from hf_oidc.providers.registry import choose
from hf_oidc.resource import Resource
from hf_oidc.retry import Pace
from hf_oidc.settings import Setting
from hf_oidc.sinks import github
from hf_oidc.transport import trusting
from hf_oidc.wanted import Wanted, named

Value = TypeVar("Value")


class Inputs(NamedTuple):
    """The action's inputs, checked. `timeout`: seconds."""

    wanted: tuple[Wanted, ...]
    export_env: bool
    git_credentials: bool
    fail_on_error: bool
    hub_url: str
    audience: str
    id_token: str
    ca_bundle: str
    timeout: int

    def __repr__(self) -> str:  # `id_token` is one
        return "<Inputs>"

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Inputs:
        """Raises the `UsageError` that names the input that is wrong."""
        hub_url = settings.hub_url(_text(env, settings.HUB_URL), env)
        return cls(
            wanted=_input(env, settings.RESOURCE),
            export_env=_input(env, settings.EXPORT_ENV),
            git_credentials=_input(env, settings.GIT_CREDENTIALS),
            fail_on_error=_input(env, settings.ON_ERROR),
            hub_url=hub_url,
            audience=_input(env, settings.AUDIENCE) or hub_url,
            id_token=_input(env, settings.ID_TOKEN),
            ca_bundle=_input(env, settings.CA_BUNDLE),
            timeout=_input(env, settings.TIMEOUT),
        )


def run(env: Mapping[str, str]) -> int:
    """One login or several, from inputs to delivery; the exit code."""
    try:
        inputs = Inputs.read(env)
        files = github.CommandFiles.find(env)
    except LoginError as error:
        github.annotate("error", *_explained(error, env).annotation)
        return 2 if isinstance(error, UsageError) else 1
    try:
        to_git = _for_git(inputs, env)  # before a token is made in vain
        logins = _logins(inputs, env)
    except LoginError as error:
        return _failed([(inputs.wanted[0], error)], inputs, env, files, instead="No login was tried.")
    outcomes = list(zip(inputs.wanted, log_in_all(logins), strict=True))
    if failures := [(wanted, outcome) for wanted, outcome in outcomes if isinstance(outcome, LoginError)]:
        return _failed(failures, inputs, env, files)
    tokens = {wanted.name: outcome for wanted, outcome in outcomes if isinstance(outcome, HubToken)}
    try:
        github.deliver(tokens, to_git, export=inputs.export_env, files=files)
    except LoginError as error:
        all_well = "All logins succeeded, but no token is handed over."
        return _failed([(inputs.wanted[0], error)], inputs, env, files, instead=all_well)
    _tell_of(tokens, inputs, env)
    return 0


def _for_git(inputs: Inputs, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that let git use the tokens, if it is to. Raises `DeliveryFailed`."""
    if not inputs.git_credentials:
        return {}
    from hf_oidc.sinks import git  # noqa: PLC0415 - most jobs do not ask for it

    return git.configuration(inputs.hub_url, git.credentials(inputs.wanted, git.in_variable), env)


def _tell_of(tokens: Mapping[str, HubToken], inputs: Inputs, env: Mapping[str, str]) -> None:
    for token in tokens.values():
        github.say(granted_line(token.resource, token.expires_at, token.expires_in))
    for title, message in warnings(env, tokens if inputs.export_env else ()):
        github.annotate("warning", title, message)


def _failed(
    failures: Sequence[tuple[Wanted, LoginError]],
    inputs: Inputs,
    env: Mapping[str, str],
    files: github.CommandFiles,
    *,
    instead: str = "",
) -> int:
    """The exit code, after each failure was told of. `instead`: where it was no login that failed, what became of them.

    It is then one failure for all of them, and is told of once, with none of their names.
    """
    # A wrong input is the workflow's own mistake: `on-error: warn` is for jobs that cannot log in, not for those.
    is_usage = any(isinstance(error, UsageError) for _, error in failures)
    fails = inputs.fail_on_error or is_usage
    github.decline(files)
    several = len(inputs.wanted) > 1
    for error, wanted in alike(failures):
        explained = _explained(error, env, wanted[0].resource, inputs.hub_url)
        title, message = explained.annotation
        whose = f"{named(wanted)}: " if several and not instead else ""
        github.annotate("error" if fails else "warning", title, whose + message)
        github.group(explained.heading, explained.details)
        github.summarize(explained.summary, env)
    if several:
        github.say(instead or f"No token is handed over: {len(failures)} of {len(inputs.wanted)} logins failed.")
    if not fails:
        return 0
    return 2 if is_usage else 1


class Explained(NamedTuple):
    """What is said of a failure: title and message of an annotation, lines for the log, Markdown for the summary.

    `heading`: of the lines for the log.
    """

    annotation: tuple[str, str]
    heading: str
    details: Iterable[str]
    summary: str


def _explained(
    error: LoginError, env: Mapping[str, str], resource: Resource | None = None, hub_url: str = ""
) -> Explained:
    # Imported here: a login that works has nothing to explain.
    try:
        from hf_oidc.diagnosis import markdown, text  # noqa: PLC0415
        from hf_oidc.diagnosis.report import diagnose  # noqa: PLC0415

        diagnosis = diagnose(error, resource, hub_url, env=env)
        annotation, details = text.annotation(diagnosis), text.details(diagnosis)
        return Explained(annotation, text.heading(diagnosis), details, markdown.summary(diagnosis))
    except Exception:  # noqa: BLE001 - a bug in the explanation must not hide what it was to explain
        return Explained((f"hf-oidc: {error.code}", f"{error}."), "", (), "")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _chance() -> float:
    import random  # noqa: PLC0415 - asked for after a failure

    return random.random()  # noqa: S311 - it spreads retries


def _tell(attempt: Attempt) -> None:
    from hf_oidc.diagnosis import text  # noqa: PLC0415 - as above

    github.say(text.retry_line(attempt))


def _logins(inputs: Inputs, env: Mapping[str, str]) -> list[Login]:
    identity = choose(env, hall.text_of, id_token=inputs.id_token)
    means = hall.means(env, trusting(inputs.ca_bundle), inputs.timeout, _now)
    pace = Pace(time.monotonic)
    return [
        Login(
            resource=wanted.resource,
            hub_url=inputs.hub_url,
            audience=inputs.audience,
            identity=identity,
            means=means,
            mask=github.mask,
            now=_now,
            sleep=time.sleep,
            chance=_chance,
            tell=_tell,
            pace=pace,
        )
        for wanted in inputs.wanted
    ]


def _input(env: Mapping[str, str], setting: Setting[Value]) -> Value:
    return setting.read(_text(env, setting))


def _text(env: Mapping[str, str], setting: Setting[Value]) -> str:
    # The runner's naming: upper case, hyphens kept.
    return env.get(f"INPUT_{setting.name.upper()}", "").strip()


def guarded(run: Callable[[Mapping[str, str]], int], env: Mapping[str, str]) -> int:
    """The exit code of `run`; nothing that goes wrong in it ends in a traceback."""
    try:
        return run(env)
    except KeyboardInterrupt:  # the job was cancelled
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, never what, for a value may be a token
        with suppress(Exception):  # without a log there is nobody to tell
            github.annotate("error", "hf-oidc: bug", f"{hall.place_of(error)}. Please report this.")
        return 1


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    # In a container this is process 1, which ignores a SIGTERM that it has no handler for; and what was half delivered
    # is taken back on an interrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A copy: actions-toolkit sets what it exports in this process too, and what was there before is to be told.
    sys.exit(guarded(run, dict(os.environ)))
