"""`hf-oidc run --keep-fresh`: runs a command that reads its tokens from files, and renews them there until it ends.

`cli.renewer` renews the tokens; `cli.child` runs the command.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hf_oidc.cli.child import Child, cannot_run
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import Settings
from hf_oidc.cli.renewer import FirstTokens, OnExpiry, Renewer
from hf_oidc.hub.token import HubToken
from hf_oidc.output.token_folder import put, token_folder
from hf_oidc.renewal import Lifetime
from hf_oidc.token_request import TokenRequest


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
    first = FirstTokens.log_in(job.requests, settings, env)
    with explained():
        with token_folder(env) as folder:
            for request, token in first.granted:
                put(folder / request.name, token.secret)
            kept = {name: value for name, value in env.items() if name not in first.hidden}
            paths = {variable: str(folder / name) for name, variable in first.path_variables.items()}
            tokens = {request.name: token.secret.reveal() for request, token in first.granted if job.export_token}
            try:
                child = Child(job.program, job.command, {**kept, **paths, **tokens, **first.git})
            except OSError as error:
                raise cannot_run(job.program, f"cannot be run: {error.strerror}") from None
            code = renew_until_end(job, child, folder, first.session.renew, first.lifetimes)
        # Processes that the command left behind have no token any more.
        child.end_the_rest()
    return code


def renew_until_end(
    job: Job,
    child: Child,
    folder: Path,
    log_in: Callable[[TokenRequest, float], HubToken],
    lifetimes: Mapping[TokenRequest, Lifetime],
) -> int:
    """Renews the tokens in `folder` until the command ends. The exit code: the command's, or 1 if it was stopped."""
    stopped = threading.Event()

    def stop(_request: TokenRequest) -> None:
        stopped.set()
        child.stop()

    on_expiry = OnExpiry("The command goes on; trying again")
    if job.stop_on_expiry:
        on_expiry = OnExpiry("The command is stopped", stop)
    renewer = Renewer(log_in, lambda request, secret: put(folder / request.name, secret), on_expiry)
    renewer.start(lifetimes)
    code = child.wait()
    renewer.end()
    return 1 if stopped.is_set() else code
