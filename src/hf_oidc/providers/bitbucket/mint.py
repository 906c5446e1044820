"""Bitbucket Pipelines: a step with `oidc:` has its ID token in a variable.

https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from hf_oidc.providers.variable import variable_provider

PROVIDER = variable_provider(
    "bitbucket", "Bitbucket", lambda env: bool(env.get("BITBUCKET_BUILD_NUMBER")), "BITBUCKET_STEP_OIDC_TOKEN"
)
