"""The CI's ID token: read, not verified. Verifying is the Hub's part; reading is for refusing early what cannot work.

Everything read here is named `unverified`. No I/O and no clock: the time is a parameter.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from hf_oidc import lean
from hf_oidc.errors import AudienceMismatch, IdTokenExpired, IdTokenMalformed
from hf_oidc.secret import Secret
from hf_oidc.strict_json import read_object
from hf_oidc.untrusted_text import shown

with lean.imports():
    import jwt
    from jwt.utils import base64url_decode

MAX_CHARACTERS = 65_536
# RFC 7515 § 7.1: three parts, base64url, the last of which is empty if nobody has signed. PyJWT skips what is no letter
# of base64url, such as the line ends of a token that was folded.
FORM = r"(?a)[\w-]+\.[\w-]+\.[\w-]*"
# Machines' clocks differ. A token that this machine believes to be a little too old is left to the Hub's judgement.
CLOCK_SKEW = timedelta(seconds=60)


class IdToken(NamedTuple):
    """An ID token and the claims that it makes of itself (OpenID Connect Core 1.0, § 2)."""

    secret: Secret
    unverified_claims: dict[str, Any]
    unverified_audience: tuple[str, ...]
    unverified_expiry: datetime

    def __repr__(self) -> str:  # not the claims: a log is public, and some CIs put people's addresses in them
        return "<IdToken>"

    @classmethod
    def read(cls, secret: Secret) -> IdToken:
        """Raises `IdTokenMalformed` unless `secret` is a JWT with a time in `exp` and an audience in `aud`."""
        claims = _claims(secret)
        return cls(secret, claims, _audience(claims.get("aud")), _expiry(claims.get("exp")))

    def check(self, audience: str, now: datetime) -> None:
        """Raises `AudienceMismatch` or `IdTokenExpired` if the Hub can only refuse this token at the time `now`."""
        if audience not in self.unverified_audience:
            found = shown(", ".join(self.unverified_audience))
            raise AudienceMismatch(f"The ID token is for {found}, not for {shown(audience)}", audience)
        if self.unverified_expiry <= now - CLOCK_SKEW:
            raise IdTokenExpired(
                f"The ID token expired at {_utc(self.unverified_expiry)}; this machine's clock says {_utc(now)}"
            )


def is_jwt(secret: Secret) -> bool:
    """Whether `secret` has the form of a JWT, whatever its claims: nothing else can be of use to anybody."""
    if not re.fullmatch(FORM, secret.reveal()):
        return False
    with suppress(ValueError, RecursionError):
        header = json.loads(base64.urlsafe_b64decode(secret.reveal().partition(".")[0] + "=="))
        return isinstance(header, dict) and "alg" in header  # RFC 7515 § 4.1.1: it must be there
    return False


def expiry_of(secret: Secret) -> datetime | None:
    """When a JWT expires (UTC), whatever else it says; nothing if `secret` is no JWT, or one that does not tell."""
    with suppress(IdTokenMalformed):
        return _expiry(_claims(secret).get("exp"))
    return None


def _claims(secret: Secret) -> dict[str, Any]:
    # No variable holds the text: a logger that shows the variables of a traceback would show it.
    if len(secret.reveal()) > MAX_CHARACTERS:
        raise IdTokenMalformed("The ID token is not a JWT: too long")
    # RFC 7519 § 4 lets a reader of a name that occurs twice take the last one. PyJWT does, the Hub may not.
    header, claims = _objects(secret)
    if header is None or claims is None:  # outside the handler: PyJWT's exception would otherwise travel along
        raise IdTokenMalformed(
            "The ID token is not a JWT: it should be three parts of base64url, the first two JSON objects"
        )
    return claims


def _objects(secret: Secret) -> Sequence[dict[str, Any] | None]:
    """Header and claims of a JWT, each if it is one object to every reader."""
    if not is_jwt(secret):  # PyJWT alone accepts more; and what is not masked is not to be sent either
        return None, None
    try:
        jwt.decode(secret.reveal(), options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None, None
    return [read_object(base64url_decode(part)) for part in secret.reveal().split(".")[:2]]


def _audience(aud: object) -> tuple[str, ...]:
    # RFC 7519 § 4.1.3: an array of strings, or a single string.
    values = aud if isinstance(aud, list) else [aud]
    if not values or not all(isinstance(value, str) for value in values):
        raise IdTokenMalformed("The ID token has no audience: `aud` is neither a string nor a list of strings")
    return tuple(values)


def _expiry(exp: object) -> datetime:
    # RFC 7519 § 2, NumericDate: seconds since the epoch, perhaps with a fraction.
    if isinstance(exp, (int, float)) and not isinstance(exp, bool):
        # Infinities, NaN, and numbers beyond the years that there are, or beyond a float.
        with suppress(OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(exp, timezone.utc)
    raise IdTokenMalformed("The ID token has no expiry: `exp` is not a time")


def _utc(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
