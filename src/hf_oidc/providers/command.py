"""Obtains an ID token from a command of the provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hf_oidc.command import NotRun
from hf_oidc.errors import IdTokenRequestFailed
from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import as_id_token
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret


def token_from_command(
    context: LoginContext, command: Sequence[str], read: Callable[[str], object] = lambda output: output
) -> Secret:
    """The ID token that `read` finds in the output of `command`. Raises `IdTokenRequestFailed`.

    The output is never shown, as it may be a token. What the command prints on standard error is.
    """
    # Without options, to keep the message short: `buildkite-agent oidc`.
    name = " ".join(part for part in command[:2] if part.isalpha() or "-" in part)
    result = context.run(command)
    if isinstance(result, NotRun):
        raise IdTokenRequestFailed(f"The command `{name}` {result.reason}", retryable=result.retryable)
    if result.exit_code != 0:
        stderr = sanitize_line(result.stderr)
        problem = f"The command `{name}` ended with exit code {result.exit_code}"
        raise IdTokenRequestFailed(f'{problem}: "{stderr}"' if stderr else problem, retryable=False)
    return as_id_token(read(result.stdout), f"The output of `{name}`")
