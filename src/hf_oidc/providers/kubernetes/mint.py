"""Kubernetes: a projected service account token is an ID token in a file, which the kubelet renews.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
"""

from __future__ import annotations

from hf_oidc.errors import IdTokenNotDeclared
from hf_oidc.login_context import LoginContext
from hf_oidc.providers.base import CanMint, Provider, as_id_token
from hf_oidc.secret import Secret

# Where our example mounts it. `--id-token-file` names another file.
PATH = "/var/run/secrets/huggingface.co/serviceaccount/token"


def mint(_audience: str, context: LoginContext) -> Secret:
    """From the file, read each time: the kubelet replaces it before the token expires."""
    text = context.read_file(PATH)
    if not text.strip():
        raise IdTokenNotDeclared(f"This pod has no ID token: the file {PATH} is missing or empty")
    return as_id_token(text, f"The file {PATH}")


PROVIDER = Provider(lambda _env: CanMint(mint), audience="declared")
