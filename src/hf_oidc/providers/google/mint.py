"""Google Cloud: the metadata server gives the service account's ID token; where it does not, IAM does.

https://cloud.google.com/docs/authentication/get-id-token
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from hf_oidc.errors import IdTokenRequestFailed
from hf_oidc.http.message import NoResponse, Request, Response
from hf_oidc.providers.base import CanMint, Means, Provider
from hf_oidc.providers.sources import answered, from_endpoint, with_audience, word
from hf_oidc.secret import Secret

OWNER = "Google's metadata server"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
IAM = "https://iamcredentials.googleapis.com"
# Cloud Run's services and jobs, Cloud Build, and whoever runs a metadata server of his own.
SIGNS = ("K_SERVICE", "CLOUD_RUN_JOB", "BUILDER_OUTPUT", "GCE_METADATA_HOST")


def is_here(env: Mapping[str, str]) -> bool:
    """Where a variable of Google's shows it. A virtual machine has none: there it is named."""
    return any(env.get(name) for name in SIGNS)


def obtain(env: Mapping[str, str]) -> CanMint:
    """By asking the metadata server, and IAM if that has no ID tokens."""
    metadata = f"http://{env.get('GCE_METADATA_HOST') or 'metadata.google.internal'}{ACCOUNT}"
    # The Google Cloud command line reads its services' addresses from variables of this kind.
    iam = env.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "").rstrip("/") or IAM
    return CanMint(lambda audience, means: _mint(metadata, iam, audience, means))


PROVIDER = Provider("google", is_here, obtain, audience="chosen", kind="platform")


def _mint(metadata: str, iam: str, audience: str, means: Means) -> Secret:
    response = means.transport.send(_metadata(with_audience(f"{metadata}/identity?format=full", audience)))
    if isinstance(response, Response) and response.status == 404:  # Cloud Build
        return _generate(metadata, iam, audience, means)
    return word(_text(response), f"The answer of {OWNER}", response)


def _generate(metadata: str, iam: str, audience: str, means: Means) -> Secret:
    email = _text(means.transport.send(_metadata(f"{metadata}/email"))).strip()
    access_token = from_endpoint(means, _metadata(f"{metadata}/token"), "access_token", OWNER)
    request = Request(
        "mint",
        "POST",
        f"{iam}/v1/projects/-/serviceAccounts/{quote(email, safe='')}:generateIdToken",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
        {"Authorization": f"Bearer {access_token.reveal()}", "Content-Type": "application/json"},
        json.dumps({"audience": audience, "includeEmail": True}).encode(),
    )
    return from_endpoint(means, request, "token", "Google's IAM")


def _metadata(url: str) -> Request:
    return Request("mint", "GET", url, "GCE_METADATA_HOST", {"Metadata-Flavor": "Google"}, link_local=True)


def _text(response: Response | NoResponse) -> str:
    body = answered(response, OWNER).body
    if body is None:
        raise IdTokenRequestFailed(f"{OWNER} gave no ID token", response.where, retryable=False)
    return body.decode("ascii", "replace")
