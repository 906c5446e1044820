"""The decision of the token exchange: a request and what is known, in; a grant or a refusal, out.

It opens no connection and reads no clock: keys and publishers are looked up through what it is handed. What the client
is told and what the operator is told part ways here, and nowhere else.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from local_hub.id_token import ALGORITHMS, NotAToken, UnverifiedToken, is_signed_by, parse
from local_hub.issuer_keys import KeysUnavailable
from local_hub.publishers import Publisher, differences
from local_hub.resources import InvalidResource, Resource, parse_resource

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
INVALID_REQUEST = "invalid_request"
INVALID_GRANT = "invalid_grant"
# One sentence for every refusal, so that an outsider cannot learn a publisher's settings by trying.
NOT_ACCEPTED = "The ID token is not accepted for this resource"


@dataclass(frozen=True)
class Lookups:
    """What the decision may ask: each a question, none a change."""

    is_locked: Callable[[str], bool]
    exists: Callable[[str], bool]
    publishers: Callable[[str], Sequence[tuple[int, Publisher]]]
    find_key: Callable[[str, object], Mapping[str, Any] | None]
    audiences: frozenset[str]
    github_issuers: frozenset[str]


@dataclass(frozen=True)
class Request:
    """An exchange request that is well formed."""

    resource: Resource
    token: UnverifiedToken


@dataclass(frozen=True)
class Granted:
    """A token may be issued, on the word of this publisher."""

    publisher_id: int
    publisher: Publisher
    request: Request


@dataclass(frozen=True)
class Refused:
    """No token: `error` and `description` for the client (RFC 6749 § 5.2), `reason` for the operator.

    `authentic`: the token's signature was good, so its claims are its issuer's word and not just the client's.
    """

    error: str
    description: str
    reason: str
    authentic: bool = False


class _Refusal(Exception):
    def __init__(self, reason: str, description: str = NOT_ACCEPTED, error: str = INVALID_GRANT) -> None:
        self.refused = Refused(error, description, reason)


def read_request(body: object) -> Request | Refused:
    """Read the parameters of RFC 8693 § 2.1 out of a JSON document."""
    try:
        return _read_request(body)
    except _Refusal as refusal:
        return refusal.refused


def decide(request: Request, lookups: Lookups, now: float) -> Granted | Refused:
    """Decide on a request that is well formed."""
    try:
        candidates = _authenticated(request, lookups)
    except _Refusal as refusal:
        return refusal.refused
    try:
        return _authorized(request, candidates, lookups, now)
    except _Refusal as refusal:
        return replace(refusal.refused, authentic=True)


def malformed(description: str) -> Refused:
    """Refuse a request that is missing a parameter, or is otherwise malformed (RFC 6749 § 5.2)."""
    return Refused(INVALID_REQUEST, description, description)


def _read_request(body: object) -> Request:
    if not isinstance(body, dict):
        _malformed("The request body must be a JSON object")
    if _parameter(body, "grant_type") != GRANT_TYPE:
        reason = f"grant_type must be {GRANT_TYPE}"
        raise _Refusal(reason, reason, "unsupported_grant_type")
    if _parameter(body, "subject_token_type") != ID_TOKEN_TYPE:
        _malformed(f"subject_token_type must be {ID_TOKEN_TYPE}")
    try:
        token = parse(_parameter(body, "subject_token"))
        return Request(parse_resource(_parameter(body, "resource")), token)
    except NotAToken:
        # RFC 8693 § 2.2.2: "If either the subject_token or actor_token are invalid for any reason […] the value of
        # the error parameter MUST be the invalid_request error code". The Hub goes so far for what is no JWT, and
        # answers invalid_grant for a JWT that it does not trust.
        _malformed("subject_token is not a JWT")
    except InvalidResource as error:
        _malformed(f"resource: {error}")


def _parameter(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        _malformed(f"{name} must be a string that is not empty")
    return value


def _malformed(description: str) -> NoReturn:
    raise _Refusal(description, description, INVALID_REQUEST)


def _authenticated(request: Request, lookups: Lookups) -> list[tuple[int, Publisher]]:
    """Find the publishers that trust the token's issuer, and check that the token is that issuer's."""
    resource, token = request.resource, request.token
    if lookups.is_locked(resource.owner):
        raise _Refusal(f"the account {resource.owner} is locked")
    candidates = _publishers_of_issuer(resource, token.claims.get("iss"), lookups)
    _check_signature(token, candidates[0][1].issuer_url, lookups)
    return candidates


def _authorized(request: Request, candidates: Sequence[tuple[int, Publisher]], lookups: Lookups, now: float) -> Granted:
    claims = request.token.claims
    _check_audience(claims.get("aud"), lookups.audiences)
    _check_times(claims, now)
    preset = candidates[0][1].issuer_url in lookups.github_issuers
    publisher_id, publisher = _matching(candidates, claims, preset=preset)
    return Granted(publisher_id, publisher, request)


def _publishers_of_issuer(resource: Resource, issuer: object, lookups: Lookups) -> list[tuple[int, Publisher]]:
    configured = lookups.publishers(str(resource))
    if not configured:
        # The Hub's own text, given for a resource that it does not have as well.
        known = lookups.exists(str(resource))
        reason = f"publishers: {resource} has none" if known else f"resource: there is no {resource}"
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
        # RFC 7515 § 4.1.11: a recipient that does not support what `crit` lists must take the JWS for invalid.
        raise _Refusal("crit: the token asks for extensions that are not supported here")
    try:
        key = lookups.find_key(issuer, kid)
    except KeysUnavailable as error:
        raise _Refusal(f"keys: {error}") from None
    if key is None:
        raise _Refusal(f"kid: {issuer} publishes no key named {kid!r:.100}")
    if not is_signed_by(token, key):
        raise _Refusal("signature: does not verify with the issuer's key")


def _check_audience(audience: object, accepted: frozenset[str]) -> None:
    # RFC 7519 § 4.1.3: one string, or an array of them.
    presented = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(value, str) and value in accepted for value in presented):
        raise _Refusal(f"aud: expected {' or '.join(sorted(accepted))}, token has {audience!r:.200}")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, not_before, issued = (_time(claims.get(name)) for name in ("exp", "nbf", "iat"))
    said = {name: f"{name}: {claims.get(name)!r:.50}, and it is {now:.0f}" for name in ("exp", "nbf", "iat")}
    if expires is None or expires <= now:
        raise _Refusal(f"{said['exp']}: the token has expired, or never says when")
    if claims.get("nbf") is not None and (not_before is None or not_before > now):
        raise _Refusal(f"{said['nbf']}: the token is not valid yet")
    if claims.get("iat") is not None and (issued is None or issued > now):
        raise _Refusal(f"{said['iat']}: the token was issued in the future")


def _time(value: object) -> float | None:
    """Read a NumericDate (RFC 7519 § 2); infinity is none, though JSON numbers such as 1e999 read as that."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


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
