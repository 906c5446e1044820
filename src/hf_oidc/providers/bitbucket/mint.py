"""Bitbucket Pipelines: a step with `oidc:` has its ID token in a variable.

https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from hf_oidc.providers.variable import variable_provider

PROVIDER = variable_provider("Bitbucket", "BITBUCKET_STEP_OIDC_TOKEN")
