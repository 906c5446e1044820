"""A job of each provider at its real issuer: the claims that Local Hub plays, with the `iss` that a user would see."""

from __future__ import annotations

from typing import Any

from hf_oidc.providers.facts import all_facts
from local_hub.issuers.registry import BY_NAME
from tests.factories import github_claims

# All but GitHub: the tests describe its jobs themselves.
PLAYED = {name: issuer for name, issuer in BY_NAME.items() if name != "github"}
# Where the facts say how to find the issuer, because everybody has another one.
_EXAMPLES = {
    "circleci": "https://oidc.circleci.com/org/c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2",
    "bitbucket": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
    "forgejo": "https://codeberg.org/api/actions",
    "aws": "https://5f4e1c2d-0000-4000-8000-000000000000.tokens.sts.global.api.aws",
    "kubernetes": "https://oidc.cluster.acme.example",
    "jenkins": "https://jenkins.acme.example/oidc",
}


def constant_issuer(name: str) -> str:
    """The issuer URL with which the facts of this provider begin, if they begin with one."""
    first = all_facts()[name].issuer.partition(",")[0]
    return first if first.startswith("https://") and " " not in first else ""


def claims(name: str) -> dict[str, Any]:
    """The claims of a job of this provider, on `main`; of one that Local Hub does not play, hardly any."""
    if name == "github":
        return github_claims()
    issuer = _EXAMPLES.get(name) or constant_issuer(name) or "https://idp.acme.example"
    return dict(PLAYED[name].claims(issuer)) if name in PLAYED else {"iss": issuer, "sub": "publish"}
