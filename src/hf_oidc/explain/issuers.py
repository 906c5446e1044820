"""Which provider issued an ID token, by its unverified claims.

The issuer comes first: claims alone mislead, as ActiveState's tokens have GitLab's `project_path`, and many have an
`account_id`. Claims count only for providers that may run at any URL.
"""

from __future__ import annotations

import re

from hf_oidc.hub.publisher import GITHUB_ISSUER, Claims
from hf_oidc.providers.facts import all_facts

# Local Hub plays each provider at its own path, which is the provider's name.
LOCAL_ISSUER = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/oidc/([a-z]+)(?:/.*)?", re.ASCII)


def issued_by(claims: Claims) -> str:
    """The name of the provider that issued the ID token with these claims; empty if it is unknown."""
    issuer, providers = claims.get("iss"), all_facts()
    if isinstance(issuer, str):
        if (local := LOCAL_ISSUER.fullmatch(issuer)) and local[1] in providers:
            return local[1]
        for name, facts in providers.items():
            if facts.issuer_pattern and re.fullmatch(facts.issuer_pattern, issuer):
                return name
    return next((name for name, facts in providers.items() if facts.has_claims(claims)), "")


def is_enterprise(claims: Claims) -> bool:
    """Whether GitHub issued the ID token, but with another issuer than that of the Hub's preset."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer.lower() == GITHUB_ISSUER:
        return False
    return re.fullmatch(all_facts()["github"].issuer_pattern, issuer) is not None
