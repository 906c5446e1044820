"""Azure Pipelines is refused by name: its ID tokens have a fixed audience."""

from hf_oidc.providers.fixed_audience import fixed_audience_provider

PROVIDER = fixed_audience_provider("Azure Pipelines", "api://AzureADTokenExchange")
