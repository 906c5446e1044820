"""Google Cloud. A metadata server gives the service account's ID token.

https://cloud.google.com/compute/docs/instances/verifying-instance-identity
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Ci, Claims, Handout

SUBJECT = "113774264463038321964"
EMAIL = "publish@acme.iam.gserviceaccount.com"
# They are in an ID token that is asked for with `format=full`, or of IAM with `includeEmail`.
EMAIL_CLAIMS = ("email", "email_verified")


def claims(issuer: str) -> Claims:
    """Those of a service account."""
    return {
        "iss": issuer,
        "azp": SUBJECT,
        "sub": SUBJECT,
        "email": EMAIL,
        "email_verified": True,
    }


def environment(handout: Handout) -> Mapping[str, str]:
    """What a job is told."""
    return {
        "K_SERVICE": "publish",
        "GCE_METADATA_HOST": handout.authority,
    }


CI = Ci("google", "google", claims, environment, lifetime=3600)
