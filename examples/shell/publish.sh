#!/bin/sh
# Publishes a model on the Hugging Face Hub, with no token stored anywhere.
#
# Once, on the Hub: https://huggingface.co/acme/awesome-model/settings -> Trusted Publishers -> add
#   Issuer  THE-ISSUER-OF-YOUR-IDENTITY-PROVIDER
#   Claim   sub = whom it says that this machine is
# For any CI, and any machine: something before this script has put an ID token for https://huggingface.co into the file
# that $HF_OIDC_ID_TOKEN_FILE names.
# Your own names go in place of acme's; `hf-oidc doctor`, run in the job, shows what its ID token says.
set -eu
pip install hf-oidc-action huggingface_hub
# The token is in the environment of this one command, and nowhere else.
hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
