"""Lines that set an environment variable when a shell reads them: one function for each family of shells."""

from __future__ import annotations

from hf_oidc.secret import Secret


def sh(name: str, secret: Secret) -> str:
    """For sh, bash, zsh and their kin. POSIX.1-2017, Shell Command Language, § 2.2.2: nothing is special in quotes."""
    quoted = secret.reveal().replace("'", "'\\''")
    return f"export {name}='{quoted}'\n"


def fish(name: str, secret: Secret) -> str:
    """For fish, where a backslash escapes a quote and itself in single quotes."""
    quoted = secret.reveal().replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'\n"


def powershell(name: str, secret: Secret) -> str:
    """For PowerShell, where a single quote is doubled. about_Quoting_Rules: all else is literal."""
    quoted = secret.reveal().replace("'", "''")
    return f"$env:{name} = '{quoted}'\n"
