#!/bin/sh
# Publishes a model on the Hugging Face Hub, with no token stored anywhere.
#
# Once, on the Hub: https://huggingface.co/acme/awesome-model/settings -> Trusted Publishers -> add
#   Issuer  THE-ISSUER-OF-YOUR-IDENTITY-PROVIDER
#   Claim   sub = THE-SUBJECT-OF-THIS-MACHINE
# For any CI, and any machine. Before you run this script, put an ID token for https://huggingface.co into the file that
# $HF_OIDC_ID_TOKEN_FILE names.
# Replace acme's names with yours. `hf-oidc doctor`, run in the job, shows the claims of its ID token.
set -eu
pip install hf-oidc-action "huggingface_hub>=1.18"
# Only this command has the token in its environment.
hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
