"""GitLab: `id_tokens:` puts ID tokens into variables that the user names. We ask for the name `HF_ID_TOKEN`.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from hf_oidc.providers.variable import variable_provider

PROVIDER = variable_provider("GitLab", "HF_ID_TOKEN")
