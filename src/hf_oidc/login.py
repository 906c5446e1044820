"""The use case: an ID token from the CI, exchanged at the Hub. It returns a token or raises; it prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hf_oidc import token_exchange
from hf_oidc.hub_token import HubToken
from hf_oidc.id_token import IdToken
from hf_oidc.providers._base import Mint
from hf_oidc.resource import Resource
from hf_oidc.secret import Secret
from hf_oidc.transport import Transport


def log_in(
    *,
    resource: Resource,
    hub_url: str,
    audience: str,
    mint: Mint,
    transport: Transport,
    mask: Callable[[Secret], None],
    now: Callable[[], datetime],
) -> HubToken:
    """A token for `resource` from the Hub at `hub_url`, for the identity that `mint` gives; `now` tells UTC.

    `mask` is called with each token before anything else is done with it. Raises a `LoginError`.
    """
    subject_token = mint(audience, transport)
    mask(subject_token)
    IdToken.read(subject_token).check(audience, now())
    requested_at = now()
    response = transport.send(token_exchange.build_request(hub_url, subject_token, resource))
    token = token_exchange.read_response(response, resource, requested_at)
    mask(token.secret)
    return token
