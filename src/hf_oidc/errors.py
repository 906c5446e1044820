"""Every way in which a login can fail, in one tree, split by whose fault it is.

    LoginError
    ├── UsageError       an input is wrong; nothing was sent
    │   ├── InvalidResource           invalid-resource
    │   ├── InvalidInput              invalid-input
    │   └── InsecureUrl               insecure-url
    ├── IdentityError    the CI gave no ID token, or one that is not for the Hub
    │   ├── NoProvider                no-provider
    │   ├── AmbiguousProvider         ambiguous-provider
    │   ├── IdTokenPermissionMissing  id-token-permission-missing
    │   ├── IdTokenForkPullRequest    id-token-fork-pull-request
    │   ├── IdTokenDependabot         id-token-dependabot
    │   ├── IdTokenNotDeclared        id-token-not-declared
    │   ├── IdTokenRequestFailed      id-token-request-failed
    │   ├── IdTokenMalformed          id-token-malformed
    │   ├── IdTokenExpired            id-token-expired
    │   └── AudienceMismatch          audience-mismatch
    ├── ExchangeError    the Hub gave no access token
    │   ├── ExchangeInvalidRequest    exchange-invalid-request
    │   ├── ExchangeRejected          exchange-rejected
    │   ├── HubUnavailable            hub-unavailable
    │   ├── RateLimited               rate-limited
    │   └── UnexpectedResponse        unexpected-response
    ├── TransportError   either call; `where.phase` says which
    │   ├── Redirected                redirected
    │   └── TlsFailed                 tls-failed
    └── DeliveryError    the runner did not take the token
        └── DeliveryFailed            delivery-failed

An error carries facts; `explain` writes the remedy. No error holds a token, or another exception that might hold one.
This module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

Phase = Literal["mint", "exchange"]
# Why TLS failed. `authority`: no trusted authority signed the certificate. `date`: it has expired, or is not yet
# valid. `host`: it is another host's. `plain`: the port does not speak TLS. `handshake`: the two did not agree.
TlsFault = Literal["authority", "date", "host", "plain", "handshake"]
Recipient = Literal["file", "standard-output", "log", "runner", "git", "dotenv", "token-folder"]


class Where(NamedTuple):
    """The call that failed.

    `phase`: `mint` requests an ID token from the CI, `exchange` sends it to the Hub. `host`: with its port, if the URL
    has one. `request_id`: the Hub's `x-request-id`, which Hugging Face support asks for. `retry_after`: the seconds
    that the server asks clients to wait before the next call.

    The rest describes a call that got no response. `proxy`: the host of the proxy. `proxy_variable`: the environment
    variable that names the proxy. `unresolved`: the name of the host, or of the proxy, has no address.
    """

    phase: Phase
    host: str
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    proxy: str = ""
    proxy_variable: str = ""
    unresolved: bool = False


class Attempt(NamedTuple):
    """A failed attempt. `took`: its seconds. `wait`: seconds until the next attempt, or `None` if it was the last."""

    code: str
    where: Where | None
    took: float
    wait: float | None


class LoginError(Exception):
    """What failed, in one sentence without a remedy, and `where` if a call was made.

    `retryable`: another attempt may not meet this fault. `attempts`: every failed attempt of the login, this one
    included. `provider`: the name of the provider of the ID token, if it is known. `unverified_claims`: the claims of
    the ID token, if there was one.
    """

    code: ClassVar[str]
    retryable: bool = False

    def __init__(self, what: str, where: Where | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.attempts: tuple[Attempt, ...] = ()
        self.provider = ""
        self.unverified_claims: Mapping[str, Any] | None = None

    @property
    def proxy_variable(self) -> str:
        """The environment variable that names the proxy at fault, if a proxy is. Then no input is wrong."""
        return self.where.proxy_variable if self.where and not self.retryable else ""


class UsageError(LoginError):
    """The input `input_name` is wrong."""

    def __init__(self, input_name: str, what: str) -> None:
        super().__init__(what)
        self.input_name = input_name


class InvalidResource(UsageError):
    """The resource has none of the Hub's forms. `suggestion`: what the user probably meant."""

    code = "invalid-resource"

    def __init__(self, input_name: str, what: str, suggestion: str | None = None) -> None:
        super().__init__(input_name, what)
        self.suggestion = suggestion


class InvalidInput(UsageError):
    """An input is missing, or does not have its form, which `expected` describes."""

    code = "invalid-input"

    def __init__(self, input_name: str, what: str, expected: str) -> None:
        super().__init__(input_name, what)
        self.expected = expected


class InsecureUrl(UsageError):
    """A token would be sent over plain HTTP to another machine."""

    code = "insecure-url"


class IdentityError(LoginError):
    """There is no ID token, or it is not for the Hub."""


class NoProvider(IdentityError):
    """No supported CI was detected, and no ID token was supplied."""

    code = "no-provider"


class AmbiguousProvider(IdentityError):
    """The environment matches more than one CI: `names`."""

    code = "ambiguous-provider"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"This looks like {' and '.join(names)} at once")
        self.names = names


class IdTokenPermissionMissing(IdentityError):
    """This job may not request an ID token from GitHub."""

    code = "id-token-permission-missing"


class IdTokenForkPullRequest(IdentityError):
    """GitHub gives no ID token to pull requests from forks."""

    code = "id-token-fork-pull-request"


class IdTokenDependabot(IdentityError):
    """GitHub gives no ID token to runs that Dependabot starts."""

    code = "id-token-dependabot"


class IdTokenNotDeclared(IdentityError):
    """The CI's configuration requests no ID token for this job, or the CI cannot issue one."""

    code = "id-token-not-declared"


class IdTokenRequestFailed(IdentityError):
    """The CI, or its command, was asked for an ID token and gave none."""

    code = "id-token-request-failed"

    def __init__(self, what: str, where: Where | None = None, *, retryable: bool) -> None:
        super().__init__(what, where)
        self.retryable = retryable


class IdTokenMalformed(IdentityError):
    """The ID token is not a JWT, or lacks a claim that every ID token has."""

    code = "id-token-malformed"


class IdTokenExpired(IdentityError):
    """The `exp` of the ID token has passed."""

    code = "id-token-expired"


class AudienceMismatch(IdentityError):
    """The ID token is for another service. It is not sent to the Hub, which could replay it there."""

    code = "audience-mismatch"

    def __init__(self, what: str, expected: str) -> None:
        super().__init__(what)
        self.expected = expected


class ExchangeError(LoginError):
    """The exchange gave no access token."""


class ExchangeInvalidRequest(ExchangeError):
    """The Hub did not understand the request (`invalid_request`, `unsupported_grant_type`)."""

    code = "exchange-invalid-request"


class ExchangeRejected(ExchangeError):
    """The Hub refused the exchange: no trusted publisher matches this job."""

    code = "exchange-rejected"


class HubUnavailable(ExchangeError):
    """The Hub gave no response, or reported an outage."""

    code = "hub-unavailable"

    def __init__(self, what: str, where: Where | None = None, *, retryable: bool = True) -> None:
        super().__init__(what, where)
        self.retryable = retryable


class RateLimited(ExchangeError):
    """The Hub answered 429."""

    code = "rate-limited"
    retryable = True


class UnexpectedResponse(ExchangeError):
    """The response is not one that the exchange defines."""

    code = "unexpected-response"


class TransportError(LoginError):
    """Either call can fail like this, whatever it carries."""


class Redirected(TransportError):
    """The response to a call that carries a credential is a redirect, which is not followed."""

    code = "redirected"


class TlsFailed(TransportError):
    """The TLS handshake with the server, or with the proxy, failed. `fault`: why."""

    code = "tls-failed"

    def __init__(self, what: str, where: Where | None, fault: TlsFault) -> None:
        super().__init__(what, where)
        self.fault = fault


class DeliveryError(LoginError):
    """The token cannot be delivered; the login itself worked, or was not tried."""


class DeliveryFailed(DeliveryError):
    """`recipient` did not take the token, or the instruction to mask it.

    `file`: a file that the user named. `log`: standard error, which a runner reads. `runner`: its command files.
    """

    code = "delivery-failed"

    def __init__(self, what: str, recipient: Recipient = "file") -> None:
        super().__init__(what)
        self.recipient = recipient


def bug_location(bug: Exception) -> str:
    """The type of an unexpected exception and the line that raised it. Its text is left out: it may hold a token."""
    import traceback  # noqa: PLC0415 - only a bug needs it, and every login would wait for it

    *_, (frame, line) = traceback.walk_tb(bug.__traceback__)
    return f"{type(bug).__name__} in {frame.f_globals.get('__name__')}, line {line}"
