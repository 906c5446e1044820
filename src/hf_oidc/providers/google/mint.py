"""Google Cloud: the metadata server issues the ID token of the service account, or else IAM does.

https://cloud.google.com/docs/authentication/get-id-token
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from hf_oidc.errors import IdTokenRequestFailed
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import CanMint, Provider, as_id_token
from hf_oidc.providers.endpoint import id_token_from, require_success, with_audience
from hf_oidc.secret import Secret

METADATA_SERVER = "Google's metadata server"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
IAM = "https://iamcredentials.googleapis.com"


def obtain(env: Mapping[str, str]) -> CanMint:
    """From the metadata server, or from IAM if that issues no ID tokens."""
    metadata = f"http://{env.get('GCE_METADATA_HOST') or 'metadata.google.internal'}{ACCOUNT}"
    # The Google Cloud command line reads the URL from the same variable.
    iam = env.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "").rstrip("/") or IAM
    return CanMint(lambda audience, context: _mint(metadata, iam, audience, context))


PROVIDER = Provider(obtain, audience="chosen")


def _mint(metadata: str, iam: str, audience: str, context: LoginContext) -> Secret:
    response = context.transport.send(_metadata(with_audience(f"{metadata}/identity?format=full", audience)))
    if isinstance(response, Response) and response.status == 404:  # Cloud Build
        return _generate(metadata, iam, audience, context)
    return as_id_token(_text(response), f"The response of {METADATA_SERVER}", response.where)


def _generate(metadata: str, iam: str, audience: str, context: LoginContext) -> Secret:
    email = _text(context.transport.send(_metadata(f"{metadata}/email"))).strip()
    access_token = id_token_from(context, _metadata(f"{metadata}/token"), "access_token", METADATA_SERVER)
    request = Request(
        "mint",
        "POST",
        f"{iam}/v1/projects/-/serviceAccounts/{quote(email, safe='')}:generateIdToken",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
        {"Authorization": f"Bearer {access_token.reveal()}", "Content-Type": "application/json"},
        json.dumps({"audience": audience, "includeEmail": True}).encode(),
    )
    return id_token_from(context, request, "token", "Google's IAM")


def _metadata(url: str) -> Request:
    return Request("mint", "GET", url, "GCE_METADATA_HOST", {"Metadata-Flavor": "Google"}, link_local=True)


def _text(response: Response | NoResponse) -> str:
    body = require_success(response, METADATA_SERVER).body
    if body is None:
        raise IdTokenRequestFailed(f"{METADATA_SERVER} gave no ID token", response.where, retryable=False)
    return body.decode("ascii", "replace")
