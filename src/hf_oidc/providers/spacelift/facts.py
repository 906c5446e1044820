"""What is known about Spacelift."""

from hf_oidc.providers.facts import fixed_audience

FACTS = fixed_audience(
    "Spacelift",
    r"https://[^/]+\.spacelift\.io",
    "after_apply:\n  - hf-oidc run --id-token-file /tmp/id-token {resource} -- {command}",
    "`SPACELIFT_OIDC_TOKEN` does not help: its audience is your account's URL.",
)
