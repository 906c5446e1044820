"""Obtains an ID token from an HTTP endpoint of the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from hf_oidc.errors import IdentityError, IdTokenRequestFailed
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.login_context import LoginContext, ReadFile
from hf_oidc.providers.base import CanMint, CannotMint, as_id_token
from hf_oidc.secret import Secret


def is_retryable(response: Response) -> bool:
    """Whether another attempt may get a better response."""
    return response.status == 429 or response.status >= 500


class Endpoint(NamedTuple):
    """An endpoint that two variables of a job describe: its URL, and the token that authorizes the request.

    `scheme` precedes the token in the `Authorization` header. `member` of the JSON response is the ID token.
    """

    owner: str
    url_variable: str
    token_variable: str
    scheme: str
    member: str

    def obtain(
        self,
        env: Mapping[str, str],
        why_not: Callable[[ReadFile], IdentityError],
        retryable: Callable[[Response], bool] = is_retryable,
    ) -> CanMint | CannotMint:
        """Requests the ID token, or `why_not` if the job has not got both variables."""
        url, token = env.get(self.url_variable), env.get(self.token_variable)
        if not url or not token:
            return CannotMint(why_not)
        request_token = Secret(token)

        def mint(audience: str, context: LoginContext) -> Secret:
            request = Request(
                "mint",
                "GET",
                with_audience(url, audience),
                self.url_variable,
                # Not a local variable: a tool that prints the variables of a traceback would print the token.
                {"Authorization": self.scheme + request_token.reveal(), "Accept": "application/json"},
            )
            return id_token_from(context, request, self.member, f"{self.owner}'s token endpoint", retryable)

        return CanMint(mint, until_expiry_of=request_token)


# Forgejo's runner sets GitHub's variables and answers as GitHub does.
# https://docs.github.com/en/actions/reference/security/oidc
GITHUB_ENDPOINT = Endpoint(
    "GitHub", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "Bearer ", "value"
)


def id_token_from(
    context: LoginContext,
    request: Request,
    member: str,
    owner: str,
    retryable: Callable[[Response], bool] = is_retryable,
) -> Secret:
    """The `member` of the JSON object with which `owner` responds. Also raises what `Transport.send` raises."""
    response = require_success(context.transport.send(request), owner, retryable)
    return as_id_token((response.json_object() or {}).get(member), f"The response of {owner}", response.where)


def require_success(
    response: Response | NoResponse, owner: str, retryable: Callable[[Response], bool] = is_retryable
) -> Response:
    """The response of `owner`. Raises `IdTokenRequestFailed` without a response of status 200."""
    if isinstance(response, NoResponse):
        problem = f"{owner} {'did not respond' if response.retryable else 'could not be reached'}: {response.reason}"
        raise IdTokenRequestFailed(problem, response.where, retryable=response.retryable)
    if response.status != 200:
        raise IdTokenRequestFailed(f"{owner} gave no ID token", response.where, retryable=retryable(response))
    return response


def with_audience(url: str, audience: str) -> str:
    """`url` with the audience in its query. GitHub's URL already has a query, `?api-version=2.0`, which must stay."""
    return f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
