"""What is known about Semaphore."""

from hf_oidc.providers.facts import fixed_audience

FACTS = fixed_audience(
    "Semaphore",
    r"https://[^/]+\.semaphoreci\.com",
    "commands:\n  - hf-oidc run --id-token-file /tmp/id-token {resource} -- {command}",
    "`SEMAPHORE_OIDC_TOKEN` does not help: its audience is your organization's URL.",
)
