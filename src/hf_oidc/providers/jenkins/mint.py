"""Jenkins with the oidc-provider plugin: a credential is an ID token. The pipeline binds it to `HF_ID_TOKEN`.

https://plugins.jenkins.io/oidc-provider/
"""

from hf_oidc.providers.variable import variable_provider

PROVIDER = variable_provider("Jenkins", "HF_ID_TOKEN")
