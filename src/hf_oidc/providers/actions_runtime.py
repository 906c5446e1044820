"""The endpoint that a runner of GitHub's kind offers to its jobs. GitHub and Forgejo have it, each with its own issuer.

https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hf_oidc.errors import IdentityError
from hf_oidc.http.message import Request, Response
from hf_oidc.providers.base import CanMint, CannotMint, LoginContext, ReadFile
from hf_oidc.providers.sources import from_endpoint, is_retryable, with_audience
from hf_oidc.secret import Secret

URL, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


def obtain(
    env: Mapping[str, str],
    owner: str,
    reason: Callable[[ReadFile], IdentityError],
    retryable: Callable[[Response], bool] = is_retryable,
) -> CanMint | CannotMint:
    """By asking the endpoint, which is there where the job is allowed to; `reason` finds out why it is not."""
    url, request_token = env.get(URL), env.get(TOKEN)
    if not url or not request_token:
        return CannotMint(reason)
    secret = Secret(request_token)

    def mint(audience: str, context: LoginContext) -> Secret:
        return from_endpoint(context, _request(url, secret, audience), "value", f"{owner}'s token endpoint", retryable)

    return CanMint(mint, until_expiry_of=secret)


def _request(url: str, request_token: Secret, audience: str) -> Request:
    return Request(
        "mint",
        "GET",
        with_audience(url, audience),
        URL,
        {"Authorization": f"Bearer {request_token.reveal()}", "Accept": "application/json"},
    )
