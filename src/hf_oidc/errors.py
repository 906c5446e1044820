"""Every way a login can fail, in one tree, split by whose fault it is.

    LoginError
    ├── UsageError       the inputs: nothing was sent
    │   ├── InvalidResource           invalid-resource
    │   ├── InvalidInput              invalid-input
    │   └── InsecureUrl               insecure-url
    ├── IdentityError    the CI: there is no ID token, or not one for the Hub
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
    ├── ExchangeError    the Hub, or the way to it (Redirected and TlsFailed: either call, `where.phase` tells)
    │   ├── ExchangeInvalidRequest    exchange-invalid-request
    │   ├── ExchangeRejected          exchange-rejected
    │   ├── HubUnavailable            hub-unavailable
    │   ├── RateLimited               rate-limited
    │   ├── UnexpectedResponse        unexpected-response
    │   ├── Redirected                redirected
    │   └── TlsFailed                 tls-failed
    └── DeliveryError    the runner: the token cannot be handed over
        └── DeliveryFailed            delivery-failed

An error carries facts; the remedy is written in `diagnosis`. This module imports nothing of ours, and no error
ever holds a token or an exception that might.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

Phase = Literal["mint", "exchange"]
# Why TLS failed. `authority`: nobody who is trusted here signed the certificate. `date`: it has expired, or is not yet
# valid. `host`: it is another host's. `plain`: the port does not speak TLS. `handshake`: the two did not agree.
TlsFault = Literal["authority", "date", "host", "plain", "handshake"]
Recipient = Literal["file", "standard-output", "log", "runner", "git", "dotenv", "token-folder"]


class Where(NamedTuple):
    """The call that failed.

    `phase`: `mint` asks the CI for the ID token, `exchange` gives it to the Hub. `host`: with the port, if one was
    named. `request_id`: the Hub's `x-request-id`, which its support asks for. `retry_after`: seconds that the server
    asks to wait before the next call. `proxy`: the host of the proxy that it went through, and
    `proxy_variable` the variable of the environment that names it; `unresolved`: nobody knew the address of the host,
    or of the proxy. These are for a call that nobody answered.
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
    """A try that failed: with which code, where, after how many seconds, and how many were waited then, if any."""

    code: str
    where: Where | None
    took: float
    wait: float | None


class LoginError(Exception):
    """What failed, in one sentence without a remedy, and `where` if a call was made.

    `passing`: the fault may pass, so that another try can succeed. `attempts`: every try of the login, the last one
    too. `provider`: the name of the one that gives the ID token, once that is known. `unverified_claims`: those of
    the ID token, once there was one.
    """

    code: ClassVar[str]
    passing: bool = False

    def __init__(self, what: str, where: Where | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.attempts: tuple[Attempt, ...] = ()
        self.provider = ""
        self.unverified_claims: Mapping[str, Any] | None = None

    @property
    def proxy_variable(self) -> str:
        """The variable of the environment whose proxy is at fault, if one is: no input is wrong."""
        return self.where.proxy_variable if self.where and not self.passing else ""


class UsageError(LoginError):
    """The caller's input `input_name` is wrong."""

    def __init__(self, input_name: str, what: str) -> None:
        super().__init__(what)
        self.input_name = input_name


class InvalidResource(UsageError):
    """A resource is of none of the Hub's forms; `suggestion` is the form that was likely meant."""

    code = "invalid-resource"

    def __init__(self, input_name: str, what: str, suggestion: str | None = None) -> None:
        super().__init__(input_name, what)
        self.suggestion = suggestion


class InvalidInput(UsageError):
    """An input is missing, or not of its form; `expected` says which form that is."""

    code = "invalid-input"

    def __init__(self, input_name: str, what: str, expected: str) -> None:
        super().__init__(input_name, what)
        self.expected = expected


class InsecureUrl(UsageError):
    """A token would travel over plain HTTP to another machine."""

    code = "insecure-url"


class IdentityError(LoginError):
    """There is no ID token, or not one for the Hub."""


class NoProvider(IdentityError):
    """No CI that issues ID tokens was recognised, and no ID token was supplied."""

    code = "no-provider"


class AmbiguousProvider(IdentityError):
    """The environment is that of more than one CI: `names`."""

    code = "ambiguous-provider"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"This looks like {' and '.join(names)} at once")
        self.names = names


class IdTokenPermissionMissing(IdentityError):
    """GitHub gave this job no means to ask for an ID token."""

    code = "id-token-permission-missing"


class IdTokenForkPullRequest(IdentityError):
    """GitHub gives no ID token to a pull request from a fork."""

    code = "id-token-fork-pull-request"


class IdTokenDependabot(IdentityError):
    """GitHub gives no ID token to a run that Dependabot started."""

    code = "id-token-dependabot"


class IdTokenNotDeclared(IdentityError):
    """The CI was not told to give this job an ID token, or its engine has none to give."""

    code = "id-token-not-declared"


class IdTokenRequestFailed(IdentityError):
    """The CI, or a command of its own, was asked for an ID token and gave none."""

    code = "id-token-request-failed"

    def __init__(self, what: str, where: Where | None = None, *, passing: bool) -> None:
        super().__init__(what, where)
        self.passing = passing


class IdTokenMalformed(IdentityError):
    """What should be an ID token is not a JWT with the claims that every ID token has."""

    code = "id-token-malformed"


class IdTokenExpired(IdentityError):
    """The ID token's `exp` has passed."""

    code = "id-token-expired"


class AudienceMismatch(IdentityError):
    """The ID token is meant for another service: sent to the Hub, it could be replayed there."""

    code = "audience-mismatch"

    def __init__(self, what: str, expected: str) -> None:
        super().__init__(what)
        self.expected = expected


class ExchangeError(LoginError):
    """The exchange was tried and gave no token."""


class ExchangeInvalidRequest(ExchangeError):
    """The Hub did not understand the request (`invalid_request`, `unsupported_grant_type`)."""

    code = "exchange-invalid-request"


class ExchangeRejected(ExchangeError):
    """The Hub understood and refused: no trusted publisher fits this job."""

    code = "exchange-rejected"


class HubUnavailable(ExchangeError):
    """The Hub gave no answer, or said that it is in trouble."""

    code = "hub-unavailable"

    def __init__(self, what: str, where: Where | None = None, *, passing: bool = True) -> None:
        super().__init__(what, where)
        self.passing = passing


class RateLimited(ExchangeError):
    """The Hub answered 429."""

    code = "rate-limited"
    passing = True


class UnexpectedResponse(ExchangeError):
    """The answer is not one that the exchange defines."""

    code = "unexpected-response"


class Redirected(ExchangeError):
    """A call that carries a credential was answered with a redirect; it was not followed."""

    code = "redirected"


class TlsFailed(ExchangeError):
    """The server's certificate, or the handshake, was not accepted; or that of the proxy in between. `fault`: why."""

    code = "tls-failed"

    def __init__(self, what: str, where: Where | None, fault: TlsFault) -> None:
        super().__init__(what, where)
        self.fault = fault


class DeliveryError(LoginError):
    """The login worked or could have; what it gives cannot be handed to later steps."""


class DeliveryFailed(DeliveryError):
    """The token cannot be handed over, or cannot be hidden first: `recipient` is what does not take it.

    `file`: one that the user named. `log`: standard error, which a runner reads. `runner`: its command files.
    """

    code = "delivery-failed"

    def __init__(self, what: str, recipient: Recipient = "file") -> None:
        super().__init__(what)
        self.recipient = recipient
