"""Decides a token exchange: grant or refusal.

It opens no connections and reads no clock; lookups of keys and publishers are parameters. Only this module decides
what the client may read, and what only the operator may read.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from local_hub.hub.id_token import ALGORITHMS, NotAToken, UnverifiedToken, is_signed_by, parse
from local_hub.hub.issuer_keys import KeysUnavailable
from local_hub.hub.publishers import Publisher, differences
from local_hub.hub.resources import InvalidResource, Resource, parse_resource

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
INVALID_REQUEST = "invalid_request"
INVALID_GRANT = "invalid_grant"
# One sentence for every refusal, so that clients cannot find out a publisher's settings by trying.
NOT_ACCEPTED = "The ID token is not accepted for this resource"


@dataclass(frozen=True)
class Lookups:
    """The lookups that the decision may use; none of them changes anything."""

    is_locked: Callable[[str], bool]
    exists: Callable[[str], bool]
    publishers: Callable[[str], Sequence[tuple[int, Publisher]]]
    find_key: Callable[[str, object], Mapping[str, Any] | None]
    audiences: frozenset[str]
    github_issuers: frozenset[str]


@dataclass(frozen=True)
class Request:
    """A well-formed exchange request."""

    resource: Resource
    token: UnverifiedToken


@dataclass(frozen=True)
class Granted:
    """A token may be issued, because this publisher matches."""

    publisher_id: int
    publisher: Publisher
    request: Request


@dataclass(frozen=True)
class Refused:
    """No token: `error` and `description` for the client (RFC 6749 § 5.2), `reason` for the operator.

    `authentic`: the signature is valid, so the claims come from the issuer and not only from the client.
    """

    error: str
    description: str
    reason: str
    authentic: bool = False


class _Refusal(Exception):
    def __init__(self, reason: str, description: str = NOT_ACCEPTED, error: str = INVALID_GRANT) -> None:
        self.refused = Refused(error, description, reason)


def read_request(body: object) -> Request | Refused:
    """Read the parameters of RFC 8693 § 2.1 from a JSON document."""
    try:
        if not isinstance(body, dict):
            _malformed("The request body must be a JSON object")
        if _parameter(body, "grant_type") != GRANT_TYPE:
            _malformed(f"grant_type must be {GRANT_TYPE}", "unsupported_grant_type")
        if _parameter(body, "subject_token_type") != ID_TOKEN_TYPE:
            _malformed(f"subject_token_type must be {ID_TOKEN_TYPE}")
        token = parse(_parameter(body, "subject_token"))
        return Request(parse_resource(_parameter(body, "resource")), token)
    except NotAToken:
        # RFC 8693 § 2.2.2: "If either the subject_token or actor_token are invalid for any reason […] the value of
        # the error parameter MUST be the invalid_request error code". The Hub does this only if the
        # token is not a JWT; for a JWT that it does not trust, it answers invalid_grant.
        return malformed("subject_token is not a JWT")
    except InvalidResource as error:
        return malformed(f"resource: {error}")
    except _Refusal as refusal:
        return refusal.refused


def decide(request: Request, lookups: Lookups, now: float) -> Granted | Refused:
    """Decide a well-formed request: first whether the issuer signed the token, then what its claims permit."""
    resource, token, authentic = request.resource, request.token, False
    if lookups.is_locked(resource.owner):
        return Refused(INVALID_GRANT, NOT_ACCEPTED, f"the account {resource.owner} is locked")
    try:
        candidates = _publishers_of_issuer(resource, token.claims.get("iss"), lookups)
        issuer = candidates[0][1].issuer_url
        _check_signature(token, issuer, lookups)
        authentic = True
        _check_audience(token.claims.get("aud"), lookups.audiences)
        _check_times(token.claims, now)
        publisher_id, publisher = _matching(candidates, token.claims, preset=issuer in lookups.github_issuers)
    except _Refusal as refusal:
        return replace(refusal.refused, authentic=authentic)
    return Granted(publisher_id, publisher, request)


def malformed(description: str) -> Refused:
    """Refuse a malformed request (RFC 6749 § 5.2)."""
    return Refused(INVALID_REQUEST, description, description)


def _parameter(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        _malformed(f"{name} must be a non-empty string")
    return value


def _malformed(description: str, error: str = INVALID_REQUEST) -> NoReturn:
    raise _Refusal(description, description, error)


def _publishers_of_issuer(resource: Resource, issuer: object, lookups: Lookups) -> list[tuple[int, Publisher]]:
    configured = lookups.publishers(str(resource))
    if not configured:
        # The Hub's own text. The Hub also gives it for a resource that does not exist.
        known = lookups.exists(str(resource))
        reason = f"publishers: {resource} has none" if known else f"resource: {resource} does not exist"
        raise _Refusal(reason, f"No trusted publisher configured on {resource}")
    candidates = [pair for pair in configured if pair[1].issuer_url == issuer]
    if not candidates:
        raise _Refusal(f"iss: no publisher of {resource} has the issuer {issuer!r:.200}")
    return candidates


def _check_signature(token: UnverifiedToken, issuer: str, lookups: Lookups) -> None:
    algorithm, kid = token.header.get("alg"), token.header.get("kid")
    if algorithm not in ALGORITHMS:
        raise _Refusal(f"alg: must be one of {', '.join(ALGORITHMS)}, token has {algorithm!r:.100}")
    if "crit" in token.header:
        # RFC 7515 § 4.1.11: a JWS with unsupported `crit` extensions is invalid.
        raise _Refusal("crit: the token requires extensions that Local Hub does not support")
    try:
        key = lookups.find_key(issuer, kid)
    except KeysUnavailable as error:
        raise _Refusal(f"keys: {error}") from None
    if key is None:
        raise _Refusal(f"kid: {issuer} publishes no key with the id {kid!r:.100}")
    if not is_signed_by(token, key):
        raise _Refusal("signature: does not verify with the issuer's key")


def _check_audience(audience: object, accepted: frozenset[str]) -> None:
    # RFC 7519 § 4.1.3: one string, or an array of them.
    presented = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(value, str) and value in accepted for value in presented):
        raise _Refusal(f"aud: expected {' or '.join(sorted(accepted))}, token has {audience!r:.200}")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    times: dict[str, float | None] = {}
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        # A NumericDate (RFC 7519 § 2) is a number. JSON such as 1e999 parses as infinity, which is not a date.
        is_date = type(value) is int or (isinstance(value, float) and math.isfinite(value))
        times[name] = value if is_date else None
    expires, not_before, issued = times.values()
    found = {name: f"{name}: {claims.get(name)!r:.50}, now is {now:.0f}" for name in ("exp", "nbf", "iat")}
    if expires is None or expires <= now:
        raise _Refusal(f"{found['exp']}: the token has expired, or has no valid exp")
    if claims.get("nbf") is not None and (not_before is None or not_before > now):
        raise _Refusal(f"{found['nbf']}: the token is not valid yet")
    if claims.get("iat") is not None and (issued is None or issued > now):
        raise _Refusal(f"{found['iat']}: the token was issued in the future")


def _matching(
    candidates: Sequence[tuple[int, Publisher]], claims: Mapping[str, Any], *, preset: bool
) -> tuple[int, Publisher]:
    reasons = []
    for publisher_id, publisher in candidates:
        found = differences(publisher, claims, preset=preset)
        if not found:
            return publisher_id, publisher
        reasons.append((publisher_id, "; ".join(found)))
    if len(reasons) == 1:
        raise _Refusal(reasons[0][1])
    raise _Refusal(" | ".join(f"publisher {number}: {text}" for number, text in reasons))
