"""What is known about Azure Pipelines."""

from hf_oidc.providers.facts import fixed_audience

FACTS = fixed_audience(
    "Azure Pipelines",
    r"https://vstoken\.dev\.azure\.com(/.*)?",
    '- script: hf-oidc run --id-token-file "$(Agent.TempDirectory)/id-token" {resource} -- {command}',
    "A service connection does not help: its ID tokens are only for Microsoft Entra (api://AzureADTokenExchange).",
)
