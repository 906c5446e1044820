"""Codefresh: a build requests an ID token from an endpoint.

https://codefresh.io/docs/docs/integrations/oidc-pipelines/
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.providers.base import CanMint, CannotMint, Provider
from hf_oidc.providers.endpoint import Endpoint

# Codefresh's page has the request token alone in the header, without "Bearer".
ENDPOINT = Endpoint("Codefresh", "CF_OIDC_REQUEST_URL", "CF_OIDC_REQUEST_TOKEN", "", "id_token")
MISSING = "This build may not request an ID token: `CF_OIDC_REQUEST_URL` or `CF_OIDC_REQUEST_TOKEN` is not set"


def obtain(env: Mapping[str, str]) -> CanMint | CannotMint:
    """From the endpoint that the build's variables name."""
    return ENDPOINT.obtain(env, lambda _read_file: IdTokenNotDeclared(MISSING))


PROVIDER = Provider(obtain, audience="chosen")
