"""The use case: obtain an ID token from the CI and exchange it at the Hub, again where a fault is retryable.

One login, or several at the same time. Nothing is printed here, and where the tokens go is not known here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from hf_oidc.errors import Attempt, LoginError
from hf_oidc.hub import exchange
from hf_oidc.hub.token import HubToken
from hf_oidc.id_token import IdToken, is_jwt
from hf_oidc.login_context import LoginContext
from hf_oidc.providers.registry import IdTokenSource
from hf_oidc.retry import Pace, asked_to_wait, wait_before_next
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest

MAX_PARALLEL = 8
Value = TypeVar("Value")


class Login(NamedTuple):
    """What all logins of a job have in common.

    `mask` is called with each token before the token is used or returned. `report` is called with each failed attempt
    that is followed by another. `pace` slows down all logins when a server asks one of them to wait.
    """

    hub_url: str
    audience: str
    identity: IdTokenSource
    context: LoginContext
    mask: Callable[[Secret], None]
    report: Callable[[Attempt], None]
    pace: Pace


class Granted(NamedTuple):
    """A login that succeeded."""

    request: TokenRequest
    token: HubToken


class Failed(NamedTuple):
    """A login that failed."""

    request: TokenRequest
    error: LoginError


LoginResult: TypeAlias = Granted | Failed


def log_in(login: Login, request: TokenRequest) -> HubToken:
    """A token for the request. Raises the `LoginError` that best explains the failure."""
    context, errors, attempts = login.context, list[LoginError](), list[Attempt]()
    while True:
        # Not if there would be no time left for an attempt: the server may have recovered earlier than it said.
        if 0 < (wait := login.pace.wait(context.random())) < context.deadline.remaining:
            context.sleep(wait)
        remaining_before = context.deadline.remaining
        try:
            return _attempt(login, request)
        except LoginError as error:
            errors.append(error)
        login.pace.hold(asked_to_wait(errors[-1]))
        remaining = context.deadline.remaining
        wait_after = wait_before_next(len(errors), errors[-1], remaining, context.random())
        attempts.append(Attempt(errors[-1].code, errors[-1].where, remaining_before - remaining, wait_after))
        if wait_after is None:
            break
        login.report(attempts[-1])
        context.sleep(wait_after)
    best = errors[-1]
    if context.deadline.remaining <= 0:
        # The deadline cut the last attempt short. The last error that came from a server explains more.
        best = next((error for error in reversed(errors) if error.where and error.where.status), best)
    best.attempts = tuple(attempts)
    best.provider = login.identity.provider
    raise best


def _attempt(login: Login, request: TokenRequest) -> HubToken:
    # A new ID token for each attempt, if the CI can issue one: the Hub need not accept the same one twice.
    id_token = obtain_id_token(login.identity, login.audience, login.context, login.mask)
    try:
        requested_at = login.context.now()
        id_token.check(login.audience, requested_at)
        response = login.context.transport.send(
            exchange.build_request(login.hub_url, id_token.secret, request.resource)
        )
        token = exchange.read_response(response, request.resource, requested_at, sent=id_token.secret)
        login.mask(token.secret)
    except LoginError as error:
        error.unverified_claims = id_token.unverified_claims
        raise
    return token


def obtain_id_token(
    identity: IdTokenSource, audience: str, context: LoginContext, mask: Callable[[Secret], None]
) -> IdToken:
    """A new ID token, masked and read, but not yet checked. Raises the `LoginError` that says why there is none."""
    secret = identity.mint(audience, context)
    # Anything else is refused. Masking it could hide every `true` of the log, for example after `id-token: true`.
    if is_jwt(secret):
        mask(secret)
    return IdToken.read(secret)


def log_in_all(login: Login, requests: Sequence[TokenRequest]) -> list[LoginResult]:
    """The result of a login for each request, in their order; at most `MAX_PARALLEL` run at the same time.

    All of them run to their end, so that a user sees all failures at once.
    """
    if len(requests) == 1:
        return [_result(login, requests[0])]
    pending = enumerate(requests)  # shared: each thread takes the next one
    results: dict[int, LoginResult | Exception] = {}
    lock = threading.Lock()
    # One line of the log at a time: half of a line that masks a token hides nothing.
    shared = login._replace(mask=_one_at_a_time(lock, login.mask), report=_one_at_a_time(lock, login.report))

    def work() -> None:
        for number, request in pending:
            try:
                results[number] = _result(shared, request)
            except Exception as error:  # noqa: BLE001 - a bug; it is raised below, in the thread that reports it
                results[number] = error

    # Daemon threads, because an interrupt does not wait for them.
    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(MAX_PARALLEL, len(requests)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = [results[number] for number in range(len(requests))]
    if bug := next((each for each in found if isinstance(each, Exception)), None):
        raise bug
    return [each for each in found if not isinstance(each, Exception)]


def _result(login: Login, request: TokenRequest) -> LoginResult:
    try:
        return Granted(request, log_in(login, request))
    except LoginError as error:
        return Failed(request, error)


def _one_at_a_time(lock: threading.Lock, function: Callable[[Value], None]) -> Callable[[Value], None]:
    def call(value: Value) -> None:
        with lock:
            function(value)

    return call


def group_failures(failures: Iterable[Failed]) -> list[tuple[LoginError, list[TokenRequest]]]:
    """Equal failures as one error, with all requests that met it."""
    groups: dict[tuple[str, str], tuple[LoginError, list[TokenRequest]]] = {}
    for request, error in failures:
        groups.setdefault((error.code, error.what), (error, []))[1].append(request)
    return list(groups.values())
