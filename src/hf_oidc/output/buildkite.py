"""Lets Buildkite's agent hide a token in the log: https://buildkite.com/docs/agent/cli/reference/redactor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hf_oidc.command import Finished, NotRun
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret

# It reads the token from standard input. The format is explicit, because a variable of the job may set another one.
COMMAND = ("buildkite-agent", "redactor", "add", "--format", "none")
# Earlier agents print their help on standard output.
SINCE = "3.66"


def redact(secret: Secret, run: Callable[[Sequence[str], str], Finished | NotRun]) -> str:
    """Lets the agent hide `secret`. Returns why it failed, or nothing. `run` takes a command and its standard input."""
    done = run(COMMAND, secret.reveal())
    if isinstance(done, NotRun):
        return f"The command `buildkite-agent` {done.reason}"
    if done.exit_code == 0:
        return ""
    problem = f"The command `buildkite-agent redactor add` failed (it needs agent {SINCE} or newer)"
    said = sanitize_line(done.stderr)
    return f'{problem}: "{said}"' if said else problem
