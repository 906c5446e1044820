"""Whose ID token this is. By its issuer first; by its claims only where a CI may run at anybody's URL.

Claims alone mislead: ActiveState has GitLab's `project_path`, and many have an `account_id`. Facts only, unverified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hf_oidc.http.url import is_loopback

Claims = Mapping[str, Any]

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
PRESET_ISSUERS = frozenset({GITHUB_ISSUER})
# An enterprise's own issuer, one on ghe.com, and GitHub Enterprise Server.
ENTERPRISE_ISSUER = re.compile(
    rf"{re.escape(GITHUB_ISSUER)}/[^/]+|https://token\.actions\.[a-z0-9-]+\.ghe\.com|https://[^/]+/_services/token",
    re.IGNORECASE,
)
ISSUERS: Mapping[str, re.Pattern[str]] = {
    "github": re.compile(rf"{re.escape(GITHUB_ISSUER)}|{ENTERPRISE_ISSUER.pattern}", re.IGNORECASE),
    **{
        ci: re.compile(pattern)
        for ci, pattern in {
            "forgejo": r"https?://[^/]+/(.+/)?api/actions",
            "gitlab": r"https://gitlab\.com",
            "circleci": r"https://oidc\.circleci\.com(/org/[^/]+)?",
            "bitbucket": r"https://api\.bitbucket\.org/2\.0/workspaces/[^/]+/pipelines-config/identity/oidc",
            "buildkite": r"https://agent\.buildkite\.com",
            "codefresh": r"https://oidc\.codefresh\.io",
            "terraform": r"https://app(\.eu)?\.terraform\.io",
            "azure": r"https://vstoken\.dev\.azure\.com(/.*)?",
            "semaphore": r"https://[^/]+\.semaphoreci\.com",
            "spacelift": r"https://[^/]+\.spacelift\.io",
            "google": r"https://accounts\.google\.com",
            "aws": r"https://[^/]+\.tokens\.sts\.global\.api\.aws",
        }.items()
    },
}
# Local Hub plays each CI at a URL of its own.
LOCAL_ISSUER = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/oidc/([a-z]+)(?:/.*)?", re.ASCII)
LOCAL = frozenset(ISSUERS) | {"jenkins", "kubernetes"}
# Of those that run at anybody's URL: the claims that, all together, no other has.
CLAIMS_OF_ITS_OWN: Mapping[str, tuple[str, ...]] = {
    "gitlab": ("project_path", "namespace_path", "pipeline_source"),
    "circleci": ("oidc.circleci.com/project-id",),
    "terraform": ("terraform_organization_name", "terraform_workspace_name"),
    "aws": ("https://sts.amazonaws.com/",),
    "kubernetes": ("kubernetes.io",),
}


def issued_by(claims: Claims) -> str:
    """The name of the CI whose ID token has these claims, empty if none is known."""
    issuer = claims.get("iss")
    if isinstance(issuer, str):
        if (local := LOCAL_ISSUER.fullmatch(issuer)) and local[1] in LOCAL:
            return local[1]
        if known := next((ci for ci, pattern in ISSUERS.items() if pattern.fullmatch(issuer)), ""):
            return known
    if own := next((ci for ci, names in CLAIMS_OF_ITS_OWN.items() if all(map(claims.get, names))), ""):
        return own
    # The subject of a Jenkins job is its URL; others number their builds, too.
    subject = claims.get("sub")
    by_url = isinstance(subject, str) and subject.startswith(("https://", "http://"))
    return "jenkins" if by_url and "build_number" in claims else ""


def fits_preset(claims: Claims, hub_url: str) -> bool:
    """Whether the GitHub preset of the Hub at `hub_url` is for this issuer; a Local Hub's is for its own as well."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        return False
    own = issuer == f"{hub_url}/oidc/github" and is_loopback(urlsplit(hub_url).hostname or "")
    return own or issuer in PRESET_ISSUERS


def is_enterprise(claims: Claims) -> bool:
    """Whether a GitHub issued the token that is not the one of the Hub's preset."""
    issuer = claims.get("iss")
    return isinstance(issuer, str) and ENTERPRISE_ISSUER.fullmatch(issuer) is not None
