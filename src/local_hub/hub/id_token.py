"""Parses an ID token without trusting it.

Pure. The claims are unverified until `is_signed_by` has checked the signature with the issuer's key.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

ALGORITHMS = ("RS256", "ES256", "ES384")
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class NotAToken(ValueError):
    """The text is not a JWT."""


@dataclass(frozen=True)
class UnverifiedToken:
    """A token's header and claims, which anyone could have written."""

    raw: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse(raw: str) -> UnverifiedToken:
    """Parse a compact JWS (RFC 7515 § 7.1)."""
    if not _COMPACT_JWS.fullmatch(raw):
        raise NotAToken
    header, payload, _ = raw.split(".")
    return UnverifiedToken(raw, _json_object(header), _json_object(payload))


def is_signed_by(token: UnverifiedToken, jwk: Mapping[str, Any]) -> bool:
    """Return whether this key signed the token; the key must fit the token's algorithm."""
    from jwt import PyJWK, PyJWS, PyJWTError  # noqa: PLC0415 - takes a tenth of the start, which has no ID token yet

    algorithm = token.header["alg"]
    if jwk.get("alg", algorithm) != algorithm:
        return False
    try:
        PyJWS().decode(token.raw, PyJWK(dict(jwk), algorithm), algorithms=[algorithm])
    except PyJWTError:
        return False
    return True


def _json_object(part: str) -> Mapping[str, Any]:
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates)
    except (binascii.Error, ValueError, RecursionError):
        raise NotAToken from None
    if not isinstance(value, dict):
        raise NotAToken
    return value


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7519 § 4 lets a parser take the last duplicate. Two parsers that differ can be deceived, so reject it.
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError
    return value


def _refuse_constant(name: str) -> NoReturn:
    # An `exp` of NaN would never be in the past. RFC 8259 § 6 does not permit NaN.
    raise ValueError(name)
