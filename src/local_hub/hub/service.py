"""The Hub's side: carries out exchanges, logs them, and introspects tokens.

It joins the pure decision to the store. It knows no HTTP, and not the issuers that run in the same process.
"""

from dataclasses import dataclass
from typing import Any

from local_hub.hub.exchange import Granted, Lookups, Refused, Request, decide, malformed, read_request
from local_hub.hub.issuer_keys import IssuerKeys
from local_hub.hub.log import exchange_entry, logged, rfc3339
from local_hub.hub.publishers import GITHUB_ISSUER
from local_hub.hub.store import Store
from local_hub.hub.tokens import IssuedToken, new_token


@dataclass(frozen=True)
class Settings:
    """The operator's choices: accepted audiences, lifetime of Hub tokens, and the URL of Local Hub's GitHub issuer."""

    audiences: frozenset[str]
    token_lifetime: int
    own_issuer: str

    @property
    def github_issuers(self) -> frozenset[str]:
        """The issuers that the Hub's GitHub preset applies to; an enterprise's issuer is not one of them."""
        return frozenset({self.own_issuer, GITHUB_ISSUER})


@dataclass(frozen=True)
class Hub:
    """The store, the issuers' keys and the settings."""

    store: Store
    keys: IssuerKeys
    settings: Settings


@dataclass(frozen=True)
class Issued:
    """A new token; this is the only place where it exists in plain text."""

    token: str
    expires_in: int


def exchange(hub: Hub, body: object, request_id: str, now: float) -> Issued | Refused:
    """Carry out an exchange, and log it whatever the outcome."""
    request = read_request(body)
    lookups = Lookups(
        hub.store.is_locked,
        hub.store.exists,
        hub.store.publishers,
        hub.keys.find,
        hub.settings.audiences,
        hub.settings.github_issuers,
    )
    outcome = request if isinstance(request, Refused) else decide(request, lookups, now)
    # Log first: if the process is killed in between, a logged token is missing, but no token is missing from the log.
    _log(hub, body, request, outcome, {"at": rfc3339(now), "request_id": request_id})
    if isinstance(outcome, Refused):
        return outcome
    resource, publisher = outcome.request.resource, outcome.publisher
    token, lifetime = new_token(resource), hub.settings.token_lifetime
    subject = logged(outcome.request.token.claims.get("sub"))
    known = IssuedToken(resource, tuple(publisher.abilities()), publisher.issuer_url, subject, now + lifetime)
    hub.store.issue(token, known, outcome.publisher_id, now)
    return Issued(token, lifetime)


def refuse_malformed(hub: Hub, description: str, request_id: str, now: float) -> Refused:
    """Refuse a request that is not JSON, and log it."""
    refused = malformed(description)
    _log(hub, None, refused, refused, {"at": rfc3339(now), "request_id": request_id})
    return refused


def introspect(hub: Hub, token: str | None, now: float) -> dict[str, Any]:
    """Describe a token, similar to RFC 7662 § 2.2, and log the request."""
    known = hub.store.find_token(token or "", now)
    entry = {"at": rfc3339(now), "resource": known and str(known.resource), "active": known is not None}
    hub.store.append("introspections", entry)
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


def _log(hub: Hub, body: object, request: Request | Refused, outcome: Granted | Refused, head: dict[str, Any]) -> None:
    publishers = hub.store.publishers(str(request.resource)) if isinstance(request, Request) else []
    entry = exchange_entry(body, request, outcome, publishers, hub.settings.github_issuers)
    hub.store.append("exchanges", {**head, **entry})
