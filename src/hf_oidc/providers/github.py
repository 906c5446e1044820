"""GitHub Actions: the job asks the runner's token endpoint for an ID token.

https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from hf_oidc.errors import IdTokenPermissionMissing, IdTokenRequestFailed
from hf_oidc.http_message import NoResponse, Request, Response
from hf_oidc.providers._base import CanMint, CannotMint, Detection, NotHere, Provider
from hf_oidc.secret import Secret
from hf_oidc.transport import Transport


def detect(env: Mapping[str, str]) -> Detection:
    """Here where GitHub's runner is; able to mint where the job has `id-token: write`."""
    if env.get("GITHUB_ACTIONS") != "true":
        return NotHere()
    url, request_token = env.get("ACTIONS_ID_TOKEN_REQUEST_URL"), env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not request_token:
        return CannotMint(IdTokenPermissionMissing("GitHub gave this job no means to ask for an ID token"))
    return CanMint(lambda audience, transport: _mint(url, Secret(request_token), audience, transport))


PROVIDER = Provider("github", detect)


def _mint(url: str, request_token: Secret, audience: str, transport: Transport) -> Secret:
    # The URL comes with a query (`?api-version=2.0`), which must stay.
    separator = "&" if "?" in url else "?"
    request = Request(
        "mint",
        "GET",
        f"{url}{separator}audience={quote(audience, safe='')}",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        {"Authorization": f"Bearer {request_token.reveal()}", "Accept": "application/json"},
    )
    return _id_token(transport.send(request))


def _id_token(response: Response | NoResponse) -> Secret:
    if isinstance(response, NoResponse):
        raise IdTokenRequestFailed(f"GitHub's token endpoint gave no answer: {response.reason}", response.where)
    if response.status != 200:
        raise IdTokenRequestFailed("GitHub's token endpoint gave no ID token", response.where)
    value = (response.json_object() or {}).get("value")
    if not isinstance(value, str) or not value:
        raise IdTokenRequestFailed("The answer of GitHub's token endpoint holds no ID token", response.where)
    return Secret(value)
