"""An ID token that the user passes: the `id-token` input, `--id-token-file`, or `HF_OIDC_ID_TOKEN`."""

from __future__ import annotations

from hf_oidc.providers.base import Provider
from hf_oidc.providers.variable import fixed_token

# The name is huggingface_hub's.
VARIABLE = "HF_OIDC_ID_TOKEN"

PROVIDER = Provider(
    "supplied",
    lambda env: bool(env.get(VARIABLE, "").strip()),
    lambda env: fixed_token(env.get(VARIABLE, "")),
    audience="declared",
    kind="supplied",
)
