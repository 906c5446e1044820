"""Reads the CI's ID token without verifying it: the Hub verifies. A token that cannot work is refused early.

Everything read here is named `unverified`. No I/O and no clock: the time is a parameter.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from hf_oidc import deferred_imports
from hf_oidc.errors import AudienceMismatch, IdTokenExpired, IdTokenMalformed
from hf_oidc.rfc3339 import rfc3339
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret
from hf_oidc.strict_json import read_object

with deferred_imports.imports():
    import jwt
    from jwt.utils import base64url_decode

MAX_CHARACTERS = 65_536
# RFC 7515 § 7.1: three parts in base64url; the last is empty if the token is unsigned. PyJWT alone is too lenient: it
# skips other characters, such as the line breaks of a folded token.
FORM = r"(?a)[\w-]+\.[\w-]+\.[\w-]*"
# Clocks differ. If the token seems to have expired only just now, the Hub decides.
CLOCK_SKEW = timedelta(seconds=60)


class IdToken(NamedTuple):
    """An ID token and its claims (OpenID Connect Core 1.0, § 2)."""

    secret: Secret
    unverified_claims: dict[str, Any]
    unverified_audience: tuple[str, ...]
    unverified_expiry: datetime

    def __repr__(self) -> str:  # without the claims: a log may be public, and some CIs put e-mail addresses into them
        return "<IdToken>"

    @classmethod
    def read(cls, secret: Secret) -> IdToken:
        """Raises `IdTokenMalformed` unless `secret` is a JWT with an expiry and an audience."""
        claims = _claims(secret)
        # RFC 7519 § 4.1.3: an array of strings, or a single string.
        aud = claims.get("aud")
        values: list[Any] = aud if isinstance(aud, list) else [aud]
        if not values or not all(isinstance(value, str) for value in values):
            raise IdTokenMalformed("The ID token has no audience: `aud` is neither a string nor a list of strings")
        return cls(secret, claims, tuple(values), _expiry(claims.get("exp")))

    def check(self, audience: str, now: datetime) -> None:
        """Raises `AudienceMismatch` or `IdTokenExpired` if the Hub must refuse this token at the time `now`."""
        if audience not in self.unverified_audience:
            found = sanitize_line(", ".join(self.unverified_audience))
            raise AudienceMismatch(f"The ID token is for {found}, not for {sanitize_line(audience)}", audience)
        if self.unverified_expiry <= now - CLOCK_SKEW:
            raise IdTokenExpired(
                f"The ID token expired at {rfc3339(self.unverified_expiry)}; this machine's clock says {rfc3339(now)}"
            )


def is_jwt(secret: Secret) -> bool:
    """Whether `secret` has the form of a JWT, whatever its claims."""
    if not re.fullmatch(FORM, secret.reveal()):
        return False
    with suppress(ValueError):  # it is not base64
        header = read_object(base64url_decode(secret.reveal().partition(".")[0]))
        return header is not None and "alg" in header  # RFC 7515 § 4.1.1: it is required
    return False


def expiry_of(secret: Secret) -> datetime | None:
    """When a JWT expires (UTC); `None` if `secret` is not a JWT, or has no expiry."""
    with suppress(IdTokenMalformed):
        return _expiry(_claims(secret).get("exp"))
    return None


def _claims(secret: Secret) -> dict[str, Any]:
    # No variable holds the string: some loggers print the variables of a traceback.
    if len(secret.reveal()) > MAX_CHARACTERS:
        raise IdTokenMalformed("The ID token is not a JWT: too long")
    claims = None
    if is_jwt(secret):  # PyJWT accepts more; and what is not masked must not be sent
        with suppress(jwt.PyJWTError, ValueError, RecursionError):
            jwt.decode(secret.reveal(), options={"verify_signature": False})
            # RFC 7519 § 4: of a duplicate claim, a reader may use the last. PyJWT does, but the Hub may not.
            claims = read_object(base64url_decode(secret.reveal().split(".")[1]))
    if claims is None:  # outside the handler, so that PyJWT's exception is not attached
        raise IdTokenMalformed(
            "The ID token is not a JWT: it should be three parts of base64url, the first two JSON objects"
        )
    return claims


def _expiry(exp: object) -> datetime:
    # RFC 7519 § 2, NumericDate: seconds since the epoch, perhaps with a fraction.
    if isinstance(exp, (int, float)) and not isinstance(exp, bool):
        # Infinity, NaN, and numbers too large for a date or a float.
        with suppress(OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(exp, timezone.utc)
    raise IdTokenMalformed("The ID token has no expiry: `exp` is not a time")
