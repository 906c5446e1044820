"""OAuth 2.0 Token Exchange (RFC 8693) as the Hub speaks it, without I/O: build the request, read the response.

https://huggingface.co/docs/hub/trusted-publishers documents fields and errors. This module opens no connection and
reads no clock.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from hf_oidc.errors import (
    ExchangeError,
    ExchangeInvalidRequest,
    ExchangeRejected,
    HubUnavailable,
    RateLimited,
    UnexpectedResponse,
)
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.sanitize import sanitize_line
from hf_oidc.secret import Secret

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"

MAX_EXPIRES_IN = 2_592_000  # seconds: 30 days
# A shorter token would not be secret, and a runner that masks it would hide parts of ordinary words.
ACCESS_TOKEN = r"[\x21-\x7e]{16,16384}"
# RFC 6749 § 5.2 and RFC 8693 § 2.2.2: an error code is printable ASCII without quotes and backslashes.
ERROR_CODE = r"[a-z][a-z_]{0,39}"
NOT_UNDERSTOOD = {"invalid_request", "unsupported_grant_type"}
# The Hub reports some outages as a refusal: 400 `invalid_grant`, "This operation was aborted". A word with a slash is
# the name of a repository, which may contain these words.
DISGUISED_OUTAGE = r"(?i)(?<![\w/.-])(aborted|timed?[ -]?out)(?![\w/-])"


def build_request(hub_url: str, subject_token: Secret, resource: Resource) -> Request:
    """The exchange request (RFC 8693 § 2.1). The Hub expects JSON and no client authentication."""
    body = {
        "grant_type": GRANT_TYPE,
        "subject_token_type": ID_TOKEN_TYPE,
        "subject_token": subject_token.reveal(),
        "resource": str(resource),
    }
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request("exchange", "POST", f"{hub_url}/oauth/token", "hub-url", headers, json.dumps(body).encode())


def read_response(
    response: Response | NoResponse, resource: Resource, requested_at: datetime, sent: Secret | None = None
) -> HubToken:
    """The token in `response`. `requested_at`: when the exchange was sent, in UTC.

    `sent`: the ID token, which is hidden if the response repeats it. Raises the `ExchangeError` that says why there is
    no token.
    """
    if isinstance(response, NoResponse):
        problem = f"The Hub {'did not respond' if response.retryable else 'could not be reached'}: {response.reason}"
        raise HubUnavailable(problem, response.where, retryable=response.retryable)
    if response.status != 200:
        raise _refusal(response, sent)
    # RFC 8693 § 2.2.1. No error shows a part of the body, which may hold a token. This function raises the error, so it
    # has no variable with the body either: some loggers print the variables of a traceback.
    grant = _grant(response)
    if isinstance(grant, str):
        raise UnexpectedResponse(f"The Hub's {grant}", response.where)
    secret, expires_in = grant
    return HubToken(secret, resource, expires_in, requested_at)


def _grant(response: Response) -> tuple[Secret, int] | str:
    """Token and lifetime in seconds, or what is wrong with the response."""
    answer = response.json_object()
    if answer is None:
        return "response is not a JSON object"
    if str(answer.get("token_type")).lower() != "bearer":
        return "response has no `token_type` bearer"
    if answer.get("issued_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        return "response has an `issued_token_type` other than access_token"
    token, expires_in = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not re.fullmatch(ACCESS_TOKEN, token):
        return "`access_token` is not one word of printable ASCII, of 16 characters or more"
    if type(expires_in) is not int or not 1 <= expires_in <= MAX_EXPIRES_IN:
        return "`expires_in` is not a number of seconds up to 30 days"
    return Secret(token), expires_in


def _refusal(response: Response, sent: Secret | None) -> ExchangeError:
    where = response.where
    if response.status == 429:
        return RateLimited("The Hub has received too many requests from this address", where)
    if response.status >= 500:
        return HubUnavailable("The Hub reports a server error", where)
    answer = (response.json_object() or {}) if response.status >= 400 else {}
    code, description = answer.get("error"), answer.get("error_description")
    if not isinstance(code, str) or not re.fullmatch(ERROR_CODE, code):
        return UnexpectedResponse("The response is not one that the exchange defines", where)
    said = code
    if isinstance(description, str) and description.strip():
        # `sanitize_line` recognises a whole JWT, but not a short signature.
        said += f', "{sanitize_line(sent.hidden_in(description) if sent else description)}"'
    if code == "invalid_grant" and re.search(DISGUISED_OUTAGE, said):
        return HubUnavailable(f"The Hub aborted the exchange, which is not a refusal: {said}", where)
    if code in NOT_UNDERSTOOD:
        return ExchangeInvalidRequest(f"The Hub did not understand the exchange: {said}", where)
    return ExchangeRejected(f"The Hub refused the exchange: {said}", where)
