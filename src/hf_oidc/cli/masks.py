"""How a command lets the CI hide a token in the log of the job."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from hf_oidc import command
from hf_oidc.cli import streams
from hf_oidc.http.url import is_loopback
from hf_oidc.secret import Secret

REDACTOR_TIMEOUT = 10.0  # seconds


def mask_for(hub_url: str, env: Mapping[str, str]) -> Callable[[Secret], None]:
    """The function that masks a token in this CI; it does nothing if the CI cannot mask.

    Raises `DeliveryFailed` if the runner could not read the instruction.
    """
    # At a terminal, a person may use a job's variables from Local Hub, and no runner reads the mask. A terminal alone
    # does not show this: a job can have one (`script -c`, `docker run -t`, act).
    is_local_hub = is_loopback(urlsplit(hub_url).hostname or "") and "GITHUB_ENV" not in env
    is_local_trial = is_local_hub and sys.stderr is not None and sys.stderr.isatty()
    if env.get("GITHUB_ACTIONS") == "true" and not is_local_trial:
        streams.require_log()
        return mask_on_github
    if env.get("BUILDKITE") == "true":
        return lambda secret: _mask_on_buildkite(secret, env)
    return lambda _secret: None


def mask_on_github(secret: Secret) -> None:
    """Lets GitHub's runner, or one like it, hide `secret` in the log. Raises `DeliveryFailed`."""
    from hf_oidc.output import masking  # noqa: PLC0415 - other CIs do not wait for it

    streams.require_log()
    # The runner reads its commands on standard error too, so standard output holds only the command's result. It
    # accepts them only at the start of a line, and another program may have written half a line: the first newline
    # ends it.
    streams.write_error(f"\n{masking.mask_command(secret)}\n")


def _mask_on_buildkite(secret: Secret, env: Mapping[str, str]) -> None:
    from hf_oidc.output import masking  # noqa: PLC0415 - as above

    def run(argv: Sequence[str], stdin: str) -> command.Finished | command.NotRun:
        return command.run(argv, env, REDACTOR_TIMEOUT, stdin)

    # The whole token: the agent reads it from a pipe and prints nothing, so no line of the log can show it.
    # Most jobs never print a token. So a failure is a warning, and not the end of the job.
    if problem := masking.redact(secret, run):
        _warn(f"{problem}. The log would show the tokens of this job, if something printed them.")


@functools.cache  # warn once
def _warn(line: str) -> None:
    streams.tell(f"hf-oidc: Warning: {line}")
