"""Lines of a dotenv file. Its readers do not agree about quotes, so what would need some is refused."""

from __future__ import annotations

import re

from hf_oidc.errors import DeliveryFailed
from hf_oidc.secret import Secret

# RFC 6750 § 2.1, b64token: the characters of a bearer token, but for `~`, which shells expand. None of them means
# anything to a reader of such files; quotes do to some (python-dotenv) and not to others (docker's --env-file), and so
# do `$`, `#` and the backslash.
PLAIN = re.compile(r"[A-Za-z0-9._+/=-]+", re.ASCII)


def dotenv(name: str, secret: Secret) -> str:
    """One line. Raises `DeliveryFailed` if it would be read in more than one way."""
    if not PLAIN.fullmatch(secret.reveal()):
        problem = f"The token for `{name}` has characters that readers of dotenv files do not agree about"
        raise DeliveryFailed(problem, "dotenv")
    return f"{name}={secret.reveal()}\n"
