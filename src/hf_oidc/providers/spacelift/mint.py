"""Spacelift is refused by name: its ID tokens have a fixed audience."""

from hf_oidc.providers.fixed_audience import fixed_audience_provider

PROVIDER = fixed_audience_provider(
    "spacelift",
    "Spacelift",
    lambda env: bool(env.get("SPACELIFT_OIDC_TOKEN") or env.get("TF_VAR_spacelift_run_id")),
    "the account's URL",
)
