"""The log's entries: what the operator can read about an exchange. One RFC 3339 writer for all of Local Hub.

Pure. Everything from a client is foreign text, so each string is bounded and its tokens are removed.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from local_hub.hub.exchange import Granted, Refused, Request
from local_hub.hub.publishers import Comparison, Publisher, claim_text, compare

LOGGED_CHARACTERS = 500
RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"
_LOGGED_CLAIMS = 60
_LOGGED_PUBLISHERS = 20
# Hub tokens and JWTs: a client can send a token in the wrong field, and it must not stay in the log.
_TOKEN = re.compile(r"hf_(?:jwt|oauth)_[\w-]{16,}|hf_[A-Za-z0-9]{30,}|eyJ[\w.-]{20,}")


def rfc3339(moment: float) -> str:
    """Write a Unix time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime(RFC_3339)


def exchange_entry(
    body: object,
    request: Request | Refused,
    outcome: Granted | Refused,
    publishers: Sequence[tuple[int, Publisher]],
    github_issuers: frozenset[str],
) -> dict[str, Any]:
    """Return the entry of an exchange: what the client sent, the outcome, and the comparison with each publisher.

    `publishers`: those of the resource. The comparison is stored, because publishers change and the log must not.
    """
    claims = request.token.claims if isinstance(request, Request) else {}
    compared = []
    if isinstance(request, Request):
        iss = claims.get("iss")
        for number, publisher in publishers[:_LOGGED_PUBLISHERS]:
            issuer = Comparison("iss", publisher.issuer_url, logged(iss) or "none", iss == publisher.issuer_url)
            preset = publisher.issuer_url in github_issuers
            fields = [issuer, *compare(publisher, claims, preset=preset)]
            described = [
                {
                    "name": logged(field.name),
                    "wanted": logged(field.expected),
                    "found": logged(field.found),
                    "fits": field.matches,
                }
                for field in fields
            ]
            compared.append({"publisher": number, "fields": described})
    shown = {}
    for name in list(claims)[:_LOGGED_CLAIMS]:
        value = claim_text(claims[name])
        shown[str(logged(name))] = logged(json.dumps(claims[name]) if value is None else value)
    refused = outcome if isinstance(outcome, Refused) else None
    return {
        "resource": logged(body.get("resource") if isinstance(body, dict) else None),
        "issuer": logged(claims.get("iss")),
        "subject": logged(claims.get("sub")),
        "jti": logged(claims.get("jti")),
        "claims": shown,
        "compared": compared,
        "outcome": "refused" if refused else "granted",
        "error": refused.error if refused else None,
        "description": logged(refused.description) if refused else None,
        "reason": logged(refused.reason) if refused else None,
        "authentic": refused.authentic if refused else True,
        "publisher_id": outcome.publisher_id if isinstance(outcome, Granted) else None,
    }


def logged(value: object) -> str | None:
    """Return a string as the log stores it: bounded, without tokens; None for any other value."""
    if not isinstance(value, str):
        return None
    # JSON can contain half a surrogate pair, but a database cannot.
    known = value[: 4 * LOGGED_CHARACTERS].encode("utf-8", "replace").decode()
    return _TOKEN.sub("(token removed)", known)[:LOGGED_CHARACTERS]
