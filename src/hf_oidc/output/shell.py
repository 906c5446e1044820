"""Lines that set an environment variable: one function for each family of shells, and one for dotenv files."""

from __future__ import annotations

import re

from hf_oidc.errors import DeliveryFailed
from hf_oidc.secret import Secret

# Readers of dotenv files disagree about quotes (python-dotenv removes them, `docker --env-file` does not), and about
# `$`, `#` and the backslash. These characters need none: RFC 6750 § 2.1, b64token, without `~`, which shells expand.
UNQUOTED = re.compile(r"[A-Za-z0-9._+/=-]+", re.ASCII)


def sh(name: str, secret: Secret) -> str:
    """For sh, bash and zsh. No character is special in single quotes: POSIX.1-2017, Shell Command Language, 2.2.2."""
    quoted = secret.reveal().replace("'", "'\\''")
    return f"export {name}='{quoted}'\n"


def fish(name: str, secret: Secret) -> str:
    """For fish. In single quotes, a backslash escapes a quote and itself."""
    quoted = secret.reveal().replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'\n"


def powershell(name: str, secret: Secret) -> str:
    """For PowerShell. In single quotes, a quote is doubled and the rest is literal (about_Quoting_Rules)."""
    quoted = secret.reveal().replace("'", "''")
    return f"$env:{name} = '{quoted}'\n"


def dotenv(name: str, secret: Secret) -> str:
    """For a dotenv file. Raises `DeliveryFailed` if its readers would disagree about the line."""
    if not UNQUOTED.fullmatch(secret.reveal()):
        problem = f"The token for `{name}` contains characters that readers of dotenv files do not agree about"
        raise DeliveryFailed(problem, "dotenv")
    return f"{name}={secret.reveal()}\n"
