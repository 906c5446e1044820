"""Kubernetes. The kubelet writes the token to a file and replaces it before it expires.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from __future__ import annotations

from collections.abc import Mapping

from local_hub.issuers.base import Claims, Handout, Issuer


def claims(issuer: str) -> Claims:
    """The claims of a service account."""
    return {
        "iss": issuer,
        "sub": "system:serviceaccount:acme:publish",
        "kubernetes.io": {
            "namespace": "acme",
            "pod": {"name": "publish-x7k2p", "uid": "d8a1b2c3-0000-4000-8000-000000000001"},
            "serviceaccount": {"name": "publish", "uid": "d8a1b2c3-0000-4000-8000-000000000002"},
        },
    }


def environment(_handout: Handout) -> Mapping[str, str]:
    """The environment of a pod."""
    return {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def files(handout: Handout) -> Mapping[str, str]:
    """The projected volume, at the mount path of our examples."""
    return {"/var/run/secrets/huggingface.co/serviceaccount/token": handout.token}


ISSUER = Issuer("kubernetes", "kubernetes", claims, environment, lifetime=3600, audience_is_a_list=True, files=files)
