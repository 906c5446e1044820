"""Buildkite's agent: it hides in the log what it is told to, from there on.

https://buildkite.com/docs/agent/cli/reference/redactor. The agent is asked through the command runner that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hf_oidc.command import Finished, NotRun
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret

# The text to hide comes on its standard input. The format is named, for a variable of the job's may name another.
COMMAND = ("buildkite-agent", "redactor", "add", "--format", "none")
# The agent of before answers with its help, on standard output.
SINCE = "3.66"


def redact(secret: Secret, run: Callable[[Sequence[str], str], Finished | NotRun]) -> str:
    """Lets the agent hide `secret`; `run` takes a command and its standard input. Why it did not, or nothing."""
    done = run(COMMAND, secret.reveal())
    if isinstance(done, NotRun):
        return f"The command `buildkite-agent` {done.reason}"
    if done.exit_code == 0:
        return ""
    problem = f"The command `buildkite-agent redactor add`, which agents have since {SINCE}, failed"
    said = sanitize_line(done.stderr)
    return f'{problem}: "{said}"' if said else problem
