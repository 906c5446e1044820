"""Google Cloud. A metadata server issues the service account's ID token.

https://cloud.google.com/compute/docs/instances/verifying-instance-identity
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer

SUBJECT = "113774264463038321964"
EMAIL = "publish@acme.iam.gserviceaccount.com"
# Present only if the request has `format=full`, or, to IAM, `includeEmail`.
EMAIL_CLAIMS = ("email", "email_verified")


def claims(issuer: str) -> Claims:
    """The claims of a service account."""
    return {
        "iss": issuer,
        "azp": SUBJECT,
        "sub": SUBJECT,
        "email": EMAIL,
        "email_verified": True,
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """The environment of a Cloud Run job."""
    return {
        "K_SERVICE": "publish",
        "GCE_METADATA_HOST": handout.authority,
    }


ISSUER = Issuer("google", "google", claims, environment, lifetime=3600)
