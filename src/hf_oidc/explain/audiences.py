"""Audiences that belong to other services: whose each is, and which CI gives it to a job that asked for no other.

Patterns of public names, in order. An ID token for one of these was got for that service, and is not sent to the Hub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hf_oidc.explain.issuers import Claims
from hf_oidc.sanitize import sanitize_line


@dataclass(frozen=True)
class Service:
    """Whose audience it is. `ci`: the name of the CI whose default it is, if it is one's."""

    name: str
    ci: str = ""


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
    r"https://(www\.)?huggingface\.co/?": Service("huggingface.co, while this login is at another Hub"),
    r"https://kubernetes\.default\.svc[\w.-]*": Service("the cluster's own API", "kubernetes"),
    r"aws\.workload\.identity|gcp\.workload\.identity|vault\.workload\.identity|hcp\.workload\.identity": Service(
        "another of HCP Terraform's integrations", "terraform"
    ),
    r"ari:cloud:bitbucket:.+": Service("your Bitbucket workspace, as `oidc: true` alone gives it", "bitbucket"),
    r"https://buildkite\.com/[^/]+": Service("your Buildkite organization, as without --audience", "buildkite"),
    r"https://g\.codefresh\.io/?": Service("Codefresh itself, as where no audience was asked for", "codefresh"),
    r"https://github\.com/[^/]+": Service("the repository's owner, as where no audience was asked for", "github"),
    r"https://gitlab\.com": Service("GitLab itself, as where `aud` was not declared", "gitlab"),
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}": Service(
        "your CircleCI organization, as in CIRCLE_OIDC_TOKEN", "circleci"
    ),
}


def other_service(claims: Claims, expected: str) -> tuple[str, Service] | None:
    """The first known service that `aud` names, other than `expected`, with its audience, fit to be shown."""
    aud = claims.get("aud")
    audiences = [
        each for each in (aud if isinstance(aud, list) else [aud]) if isinstance(each, str) and each != expected
    ]
    for audience in audiences[:10]:
        for pattern, service in SERVICES.items():
            if re.fullmatch(pattern, audience[:300]):
                return sanitize_line(audience), service
    return None
