"""An ID token that the user passes: the `id-token` input, `--id-token-file`, or `HF_OIDC_ID_TOKEN`."""

from __future__ import annotations

from hf_oidc.providers.base import Provider
from hf_oidc.providers.variable import fixed_token

# The name of the variable is huggingface_hub's.
PROVIDER = Provider(lambda env: fixed_token(env.get("HF_OIDC_ID_TOKEN", "")), audience="declared")
