"""The use case: an ID token from the CI, exchanged at the Hub, again where a fault may pass. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from hf_oidc.errors import Attempt, LoginError
from hf_oidc.hub import exchange
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.id_token import IdToken, is_jwt
from hf_oidc.providers.base import LoginContext
from hf_oidc.providers.registry import IdTokenSource
from hf_oidc.retry import Pace, asked_to_wait, wait_before_next
from hf_oidc.secret import Secret


class Login(NamedTuple):
    """What is asked for, of whom, and in which context.

    `mask` is called with each token before anything else is done with it. `now` tells UTC; `sleep` takes seconds,
    `random` gives a number from 0 up to 1; `tell` hears of each try that failed and is followed by another. `pace` is
    shared by logins that ask the same servers.
    """

    resource: Resource
    hub_url: str
    audience: str
    identity: IdTokenSource
    context: LoginContext
    mask: Callable[[Secret], None]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    tell: Callable[[Attempt], None]
    pace: Pace


def log_in(login: Login) -> HubToken:
    """A token for the login's resource. Raises the `LoginError` that says most of why there is none."""
    errors: list[LoginError] = []
    attempts: list[Attempt] = []
    while True:
        _wait_for_turn(login)
        began = login.context.transport.remaining
        try:
            return _try(login)
        except LoginError as error:
            errors.append(error)
        login.pace.hold(asked_to_wait(errors[-1]))
        remaining = login.context.transport.remaining
        wait = wait_before_next(len(errors), errors[-1], remaining, login.random())
        attempts.append(Attempt(errors[-1].code, errors[-1].where, began - remaining, wait))
        if wait is None:
            raise _told(login, errors, attempts)
        login.tell(attempts[-1])
        login.sleep(wait)


def mint(identity: IdTokenSource, audience: str, context: LoginContext, mask: Callable[[Secret], None]) -> IdToken:
    """A new ID token, masked and read. Raises the `LoginError` that says why there is none."""
    secret = identity.mint(audience, context)
    # What is no JWT is refused, and to mask it would hide each `true` of the log where somebody wrote `id-token: true`.
    if is_jwt(secret):
        mask(secret)
    return IdToken.read(secret)


def _wait_for_turn(login: Login) -> None:
    """Waits as long as a server has asked another login to; not if there would be no time left for a try."""
    wait = login.pace.wait(login.random())
    if 0 < wait < login.context.transport.remaining:
        login.sleep(wait)


def _told(login: Login, errors: list[LoginError], attempts: list[Attempt]) -> LoginError:
    """The last error; or, if the deadline alone ended the last try, the last that a server had a part in."""
    error = errors[-1]
    if login.context.transport.remaining <= 0:
        error = next((each for each in reversed(errors) if each.where and each.where.status), error)
    error.attempts = tuple(attempts)
    error.provider = login.identity.provider
    return error


def _try(login: Login) -> HubToken:
    # A new ID token for each try, where the CI can mint one: the Hub need not accept one twice.
    id_token = mint(login.identity, login.audience, login.context, login.mask)
    try:
        return _exchange(login, id_token)
    except LoginError as error:
        error.unverified_claims = id_token.unverified_claims
        raise


def _exchange(login: Login, id_token: IdToken) -> HubToken:
    requested_at = login.now()
    id_token.check(login.audience, requested_at)
    request = exchange.build_request(login.hub_url, id_token.secret, login.resource)
    response = login.context.transport.send(request)
    token = exchange.read_response(response, login.resource, requested_at, sent=id_token.secret)
    login.mask(token.secret)
    return token
