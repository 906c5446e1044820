"""Kubernetes: a projected service account token, which the kubelet keeps fresh in a file.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
"""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.providers.base import CanMint, LoginContext, Provider
from hf_oidc.providers.sources import word
from hf_oidc.secret import Secret

# Where our examples mount it. Another file is named with `--id-token-file`.
PATH = "/var/run/secrets/huggingface.co/serviceaccount/token"


def is_here(env: Mapping[str, str]) -> bool:
    """In every pod, and so in those that a CI runs its jobs in."""
    return bool(env.get("KUBERNETES_SERVICE_HOST"))


def obtain(_env: Mapping[str, str]) -> CanMint:
    """From the file, read anew each time, for the kubelet replaces it."""
    return CanMint(_mint)


PROVIDER = Provider("kubernetes", is_here, obtain, audience="declared", kind="platform")


def _mint(_audience: str, context: LoginContext) -> Secret:
    text = context.read_file(PATH)
    if not text.strip():
        raise IdTokenNotDeclared(f"This pod has no ID token: there is no file {PATH}, or it is empty")
    return word(text, f"The file {PATH}")
