"""The action's entry point: a CI runner runs `python -I -m hf_oidc.action`, with the inputs in `INPUT_…` variables.

It reads the environment and presents results and failures; `login` does the work. Exit codes: 0 done, 1 the login
failed, 2 an input is wrong.
"""

from __future__ import annotations

from hf_oidc import entry_point

if __name__ == "__main__":
    entry_point.skip_unneeded_work()

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from typing import NamedTuple, NoReturn, TypeVar

from hf_oidc import settings
from hf_oidc.errors import Attempt, LoginError, UsageError, bug_location
from hf_oidc.explain import success
from hf_oidc.http.client import trusting
from hf_oidc.hub.resource import Resource
from hf_oidc.login import Failed, Granted, Login, group_failures, log_in_all
from hf_oidc.login_context import LoginContext, read_file
from hf_oidc.output import github_commands
from hf_oidc.providers.registry import choose
from hf_oidc.retry import Pace
from hf_oidc.settings import Setting
from hf_oidc.token_request import TokenRequest, named

Value = TypeVar("Value")


class Inputs(NamedTuple):
    """The action's inputs, checked. `timeout`: seconds."""

    requests: tuple[TokenRequest, ...]
    export_env: bool
    git_credentials: bool
    fail_on_error: bool
    hub_url: str
    audience: str
    id_token: str
    ca_bundle: str
    timeout: int

    def __repr__(self) -> str:  # `id_token` is a secret
        return "<Inputs>"

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Inputs:
        """Raises the `UsageError` that names the wrong input."""
        hub_url = settings.hub_url(_text(env, settings.HUB_URL), env)
        return cls(
            requests=_input(env, settings.RESOURCE),
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
    """Reads the inputs, logs in for each request, and delivers the tokens. Returns the exit code."""
    try:
        inputs = Inputs.read(env)
        files = github_commands.CommandFiles.find(env)
    except LoginError as error:
        github_commands.annotate("error", *_explained(error, env).annotation)
        return 2 if isinstance(error, UsageError) else 1
    try:
        to_git = {}
        if inputs.git_credentials:
            from hf_oidc.output import git  # noqa: PLC0415 - most jobs do not ask for it

            to_git = git.configuration_for(inputs.requests, inputs.hub_url, env)  # can fail: so before the logins
        login = _login(inputs, env)
    except LoginError as error:
        return _failed([Failed(inputs.requests[0], error)], inputs, env, files, instead="No login was tried.")
    results = log_in_all(login, inputs.requests)
    if failures := [each for each in results if isinstance(each, Failed)]:
        return _failed(failures, inputs, env, files)
    tokens = {each.request.name: each.token for each in results if isinstance(each, Granted)}
    try:
        github_commands.deliver(tokens, to_git, export=inputs.export_env, files=files)
    except LoginError as error:
        all_well = "All logins succeeded, but no token is delivered."
        return _failed([Failed(inputs.requests[0], error)], inputs, env, files, instead=all_well)
    for token in tokens.values():
        github_commands.say(success.granted_line(token.resource, token.expires_at, token.expires_in))
    first_expiry = min(token.expires_at for token in tokens.values())
    summary = success.summary([each.resource for each in inputs.requests], first_expiry, inputs.hub_url, env)
    github_commands.summarize(summary, env)
    for title, message in success.warnings(env, tokens if inputs.export_env else ()):
        github_commands.annotate("warning", title, message)
    return 0


def _failed(
    failures: Sequence[Failed],
    inputs: Inputs,
    env: Mapping[str, str],
    files: github_commands.CommandFiles,
    *,
    instead: str = "",
) -> int:
    """Explains the failures and returns the exit code.

    `instead`: what happened to the logins, if it was none of them that failed. The failure is then one for all
    requests, and its explanation names none of them.
    """
    # `on-error: warn` is for jobs that cannot log in. A wrong input is a mistake in the workflow, so the step fails.
    is_usage = any(isinstance(each.error, UsageError) for each in failures)
    fails = inputs.fail_on_error or is_usage
    github_commands.decline(files)
    several = len(inputs.requests) > 1
    for error, same in group_failures(failures):
        explained = _explained(error, env, same[0].resource, inputs.hub_url)
        title, message = explained.annotation
        whose = f"{named(same)}: " if several and not instead else ""
        github_commands.annotate("error" if fails else "warning", title, whose + message)
        github_commands.group(explained.heading, explained.details)
        github_commands.summarize(explained.summary, env)
    if several:
        github_commands.say(
            instead or f"No token is delivered: {len(failures)} of {len(inputs.requests)} logins failed."
        )
    if not fails:
        return 0
    return 2 if is_usage else 1


class Explained(NamedTuple):
    """A failure explained: title and message of an annotation, lines for the log, Markdown for the summary.

    `heading`: the heading of the lines for the log.
    """

    annotation: tuple[str, str]
    heading: str
    details: Iterable[str]
    summary: str


def _explained(
    error: LoginError, env: Mapping[str, str], resource: Resource | None = None, hub_url: str = ""
) -> Explained:
    # Imported here, because a login that succeeds needs none of it.
    try:
        from hf_oidc.explain import markdown, text  # noqa: PLC0415
        from hf_oidc.explain.report import diagnose  # noqa: PLC0415

        diagnosis = diagnose(error, resource, hub_url, env=env)
        annotation, details = text.annotation(diagnosis), text.details(diagnosis)
        return Explained(annotation, text.heading(diagnosis), details, markdown.summary(diagnosis))
    except Exception:  # noqa: BLE001 - a bug in the explanation must not hide the failure
        return Explained((f"hf-oidc: {error.code}", f"{error}."), "", (), "")


def _report(attempt: Attempt) -> None:
    from hf_oidc.explain import text  # noqa: PLC0415 - as above

    github_commands.say(text.retry_line(attempt))


def _login(inputs: Inputs, env: Mapping[str, str]) -> Login:
    return Login(
        hub_url=inputs.hub_url,
        audience=inputs.audience,
        identity=choose(env, read_file, id_token=inputs.id_token),
        context=LoginContext.create(
            env, trusting(inputs.ca_bundle), inputs.timeout, partial(datetime.now, timezone.utc)
        ),
        mask=github_commands.mask,
        report=_report,
        pace=Pace(time.monotonic),
    )


def _input(env: Mapping[str, str], setting: Setting[Value]) -> Value:
    return setting.read(_text(env, setting))


def _text(env: Mapping[str, str], setting: Setting[Value]) -> str:
    # The runner writes the name in upper case and keeps hyphens.
    return env.get(f"INPUT_{setting.name.upper()}", "").strip()


def guarded(run: Callable[[Mapping[str, str]], int], env: Mapping[str, str]) -> int:
    """The exit code of `run`. An unexpected exception is reported without a traceback, which could show a token."""
    try:
        return run(env)
    except KeyboardInterrupt:  # the job was cancelled
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours: say where, but never what: the text may hold a token
        with suppress(Exception):  # the log may be closed
            github_commands.annotate("error", "hf-oidc: bug", f"{bug_location(error)}. Please report this.")
        return 1


def main(run: Callable[[Mapping[str, str]], int] = run) -> NoReturn:
    """Calls `run` with this process's environment, and ends the process with the exit code that it returns."""
    entry_point.collect_garbage()
    # In a container this is process 1, which ignores a SIGTERM without a handler. And an interrupt takes back what was
    # half delivered.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A copy, because actions-toolkit also sets exported variables in this process. Warnings need the earlier values.
    entry_point.end(guarded(run, dict(os.environ)))


if __name__ == "__main__":
    main()
