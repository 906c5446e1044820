"""The Hub's side: an exchange as it is carried out and written down, and tokens looked at again.

It joins the decision to the store. It must not know HTTP, nor the issuer that happens to live in the same process.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.hub.exchange import Granted, Lookups, Refused, Request, decide, malformed, read_request
from local_hub.hub.issuer_keys import IssuerKeys
from local_hub.hub.publishers import GITHUB_ISSUER, Compared, claim_text, compared
from local_hub.hub.records import IssuedToken
from local_hub.hub.store import Store, rfc3339

LOGGED_CHARACTERS = 500
_LOGGED_CLAIMS = 60
_LOGGED_PUBLISHERS = 20
# The Hub's tokens and JWTs: one that was sent in the wrong field must not stay in the log.
_TOKEN = re.compile(r"hf_(?:jwt|oauth)_[\w-]{16,}|hf_[A-Za-z0-9]{30,}|eyJ[\w.-]{20,}")


@dataclass(frozen=True)
class Settings:
    """What the operator chose: audiences that tokens may be for, and how long the Hub's tokens live."""

    audiences: frozenset[str]
    token_lifetime: int
    own_issuer: str


@dataclass(frozen=True)
class Hub:
    """The store, the issuers' keys and the settings, at one hand."""

    store: Store
    keys: IssuerKeys
    settings: Settings


@dataclass(frozen=True)
class Issued:
    """A token that was just issued; it is shown once, and kept by its digest only."""

    token: str
    expires_in: int


def exchange(hub: Hub, body: object, request_id: str, now: float) -> Issued | Refused:
    """Carry an exchange out, and write it down whatever comes of it."""
    request = read_request(body)
    outcome = request if isinstance(request, Refused) else decide(request, _lookups(hub), now)
    entry = {"at": rfc3339(now), "request_id": request_id, **_told(hub, body, request)}
    if isinstance(outcome, Refused):
        _log_refusal(hub, entry, outcome)
        return outcome
    granted = {"outcome": "granted", "error": None, "description": None, "reason": None, "authentic": True}
    # The log first: killed in between, Local Hub has a token too few, and never one that nobody knows of.
    hub.store.append("exchanges", {**entry, **granted, "publisher_id": outcome.publisher_id})
    return _issue(hub, outcome, now)


def refuse_malformed(hub: Hub, description: str, request_id: str, now: float) -> Refused:
    """Write down a request that could not even be read."""
    refused = malformed(description)
    _log_refusal(hub, {"at": rfc3339(now), "request_id": request_id, **_told(hub, None, refused)}, refused)
    return refused


def introspect(hub: Hub, token: str | None, now: float) -> dict[str, Any]:
    """Say what a token is good for, and write down that it was asked (RFC 7662 § 2.2, loosely)."""
    known = hub.store.find_token(token or "", now)
    seen = {"at": rfc3339(now), "resource": known and str(known.resource), "active": known is not None}
    hub.store.append("introspections", seen)
    if known is None:
        return {"active": False}
    return {
        "active": True,
        "resource": str(known.resource),
        "kind": known.resource.kind,
        "can": list(known.can),
        "issuer": known.issuer,
        "subject": known.subject,
        "expires_at": rfc3339(known.expires_at),
        "expires_in": int(known.expires_at - now),
    }


def _lookups(hub: Hub) -> Lookups:
    return Lookups(
        hub.store.is_locked,
        hub.store.exists,
        hub.store.publishers,
        hub.keys.find,
        hub.settings.audiences,
        _github_issuers(hub),
    )


def _github_issuers(hub: Hub) -> frozenset[str]:
    # Of GitHub's issuers the Hub's preset fits the first only; an enterprise's own claims are raw.
    return frozenset({hub.settings.own_issuer, GITHUB_ISSUER})


def _issue(hub: Hub, granted: Granted, now: float) -> Issued:
    resource = granted.request.resource
    token = ("hf_oauth_" if resource.kind == "user" else "hf_jwt_") + secrets.token_urlsafe(48)
    lifetime = hub.settings.token_lifetime
    known = IssuedToken(
        resource,
        tuple(granted.publisher.abilities()),
        granted.publisher.issuer_url,
        _logged(granted.request.token.claims.get("sub")),
        now + lifetime,
    )
    hub.store.issue(token, known, granted.publisher_id, now)
    return Issued(token, lifetime)


def _log_refusal(hub: Hub, entry: Mapping[str, Any], refused: Refused) -> None:
    said = {
        "outcome": "refused",
        "error": refused.error,
        "description": _logged(refused.description),
        "reason": _logged(refused.reason),
        "authentic": refused.authentic,
        "publisher_id": None,
    }
    hub.store.append("exchanges", {**entry, **said})


def _told(hub: Hub, body: object, request: Request | Refused) -> dict[str, Any]:
    """Give what the client said of itself; a refusal's log holds it too, believed or not."""
    resource = body.get("resource") if isinstance(body, dict) else None
    claims = request.token.claims if isinstance(request, Request) else {}
    return {
        "resource": _logged(resource),
        "issuer": _logged(claims.get("iss")),
        "subject": _logged(claims.get("sub")),
        "jti": _logged(claims.get("jti")),
        "claims": {str(_logged(name)): _logged_claim(claims[name]) for name in list(claims)[:_LOGGED_CLAIMS]},
        "compared": _comparisons(hub, request) if isinstance(request, Request) else [],
    }


def _comparisons(hub: Hub, request: Request) -> list[dict[str, Any]]:
    """Give what each publisher of the resource wants and what the token has: publishers change, the log does not."""
    claims, presets = request.token.claims, _github_issuers(hub)
    iss = claims.get("iss")
    found = []
    for number, publisher in hub.store.publishers(str(request.resource))[:_LOGGED_PUBLISHERS]:
        issuer = Compared("iss", publisher.issuer_url, _logged(iss) or "none", iss == publisher.issuer_url)
        fields = [issuer, *compared(publisher, claims, preset=publisher.issuer_url in presets)]
        found.append({"publisher": number, "fields": [_logged_field(field) for field in fields]})
    return found


def _logged_field(field: Compared) -> dict[str, Any]:
    texts = {"name": field.name, "wanted": field.wanted, "found": field.found}
    return {**{name: _logged(text) for name, text in texts.items()}, "fits": field.fits}


def _logged_claim(value: object) -> str | None:
    text = claim_text(value)
    return _logged(json.dumps(value) if text is None else text)


def _logged(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    # JSON can hold half a surrogate pair; a database cannot.
    known = value[: 4 * LOGGED_CHARACTERS].encode("utf-8", "replace").decode()
    return _TOKEN.sub("(a token was here)", known)[:LOGGED_CHARACTERS]
