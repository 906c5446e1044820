"""Audiences that belong to other services, as patterns.

The job requested an ID token with such an audience for that service. It is not sent to the Hub, which could replay it
there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hf_oidc.hub.publisher import Claims
from hf_oidc.providers.facts import all_facts
from hf_oidc.sanitize import sanitize_line


@dataclass(frozen=True)
class Service:
    """Who an audience belongs to. `provider`: its name, if the audience is a provider's default."""

    name: str
    provider: str = ""


SERVICES: Mapping[str, Service] = {
    r"sigstore": Service("Sigstore"),
    r"sts\.amazonaws\.com(\.cn)?": Service("AWS"),
    r"(test)?pypi": Service("PyPI"),
    r"npm:.+": Service("npm"),
    r"(https://)?crates\.io": Service("crates.io"),
    r"(https://)?rubygems\.org": Service("RubyGems"),
    r"api://AzureADTokenExchange\w*": Service("Microsoft Entra"),
    r"(https:)?//iam\.googleapis\.com/.+": Service("Google Cloud"),
    r"https://vault\.[^/]+(/.*)?|vault": Service("a HashiCorp Vault"),
    r"https://(www\.)?huggingface\.co/?": Service("huggingface.co, but this login is at another Hub"),
}


def other_service(claims: Claims, expected: str) -> tuple[str, Service] | None:
    """The first known service in `aud` other than `expected`, after its sanitized audience."""
    services = dict(SERVICES)
    for name, facts in all_facts().items():
        if default := facts.default_audience:
            services[default.pattern] = Service(default.owner, name)
    aud = claims.get("aud")
    audiences = [each for each in (aud if isinstance(aud, list) else [aud]) if isinstance(each, str)]
    for audience in [each for each in audiences if each != expected][:10]:
        for pattern, service in services.items():
            if re.fullmatch(pattern, audience[:300]):
                return sanitize_line(audience), service
    return None
