"""Codefresh: an endpoint of its own hands out ID tokens.

https://codefresh.io/docs/docs/integrations/oidc-pipelines/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.http.message import Request
from hf_oidc.providers.base import CanMint, CannotMint, LoginContext, Provider
from hf_oidc.providers.sources import from_endpoint, with_audience
from hf_oidc.secret import Secret

MISSING = "Codefresh gave this build no ID token: `CF_OIDC_REQUEST_URL` and `CF_OIDC_REQUEST_TOKEN` are not both set"


def is_here(env: Mapping[str, str]) -> bool:
    """Where Codefresh runs a build."""
    return bool(env.get("CF_BUILD_ID"))


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """By asking the endpoint that the build's variables name."""
    url, request_token = env.get("CF_OIDC_REQUEST_URL"), env.get("CF_OIDC_REQUEST_TOKEN")
    if not url or not request_token:
        return CannotMint(lambda _read_file: IdTokenNotDeclared(MISSING))
    secret = Secret(request_token)
    return CanMint(lambda audience, context: _mint(url, secret, audience, context), until_expiry_of=secret)


PROVIDER = Provider("codefresh", is_here, obtain, audience="chosen")


def _mint(url: str, request_token: Secret, audience: str, context: LoginContext) -> Secret:
    request = Request(
        "mint",
        "GET",
        with_audience(url, audience),
        "CF_OIDC_REQUEST_URL",
        # The token alone: Codefresh wants no "Bearer" before it.
        {"Authorization": request_token.reveal(), "Accept": "application/json"},
    )
    return from_endpoint(context, request, "id_token", "Codefresh's token endpoint")
