"""How a command lets a CI hide a token in the log: what it tells GitHub's runner, and what Buildkite's agent.

GitHub's runner gets only a part of the token, because the line that says what to hide may itself become public.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hf_oidc.command import Finished, NotRun
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret

# Characters. A shorter last segment is not a signature: the shortest, HMAC with SHA-256, has 43.
SHORTEST_SEGMENT = 16
# https://buildkite.com/docs/agent/cli/reference/redactor: it reads the token from standard input. The format is
# explicit, because a variable of the job may set another one.
REDACTOR = ("buildkite-agent", "redactor", "add", "--format", "none")
# Earlier agents print their help on standard output.
REDACTOR_SINCE = "3.66"


def worthless_part(secret: Secret) -> Secret:
    """The second half of the token's last segment, or of the whole token if it has no segments.

    A command shares its output with the programs before it in the step. The runner prints the masking line instead of
    obeying it after `::stop-commands::`, which a printed commit title may contain, or if each line gets a prefix
    (`2>&1 | sed`). And `| tee` copies it to a file. So the line must be useless to its reader.

    Half of a JWT would be too much: its header and claims are public, so the rest could be a whole signature. At least
    half of the signature stays secret. And nothing short is masked, which could hide every `true` of a log.
    """
    value = secret.reveal()
    last = value.rpartition(".")[2]
    text = last if len(last) >= SHORTEST_SEGMENT else value
    return Secret(text[(len(text) + 1) // 2 :])


def mask_command(secret: Secret) -> str:
    """Returns the workflow command that makes GitHub's runner hide `secret`, in the form that it has in a shared log.

    The runner decodes `%25`, `%0D` and `%0A` (ActionCommand.cs of actions/runner).
    """
    text = worthless_part(secret).reveal()
    return "::add-mask::" + text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def redact(secret: Secret, run: Callable[[Sequence[str], str], Finished | NotRun]) -> str:
    """Lets Buildkite's agent hide `secret`. Returns why it failed, or nothing.

    `run` takes a command and its standard input.
    """
    done = run(REDACTOR, secret.reveal())
    if isinstance(done, NotRun):
        return f"The command `buildkite-agent` {done.reason}"
    if done.exit_code == 0:
        return ""
    problem = f"The command `buildkite-agent redactor add` failed (it needs agent {REDACTOR_SINCE} or newer)"
    said = sanitize_line(done.stderr)
    return f'{problem}: "{said}"' if said else problem
