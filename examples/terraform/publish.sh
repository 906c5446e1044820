#!/bin/sh
# Publishes a model on the Hugging Face Hub, with no token stored anywhere.
#
# Once, on the Hub: https://huggingface.co/acme/awesome-model/settings -> Trusted Publishers -> add
#   Issuer  https://app.terraform.io
#   Claim   terraform_organization_name = acme
#   Claim   terraform_workspace_name = training
#   Claim   terraform_run_phase = apply
# All organizations share this issuer: without terraform_organization_name, everyone's runs would match.
# Set the workspace's variable TFC_WORKLOAD_IDENTITY_AUDIENCE_HF to https://huggingface.co. A local-exec provisioner calls
# this script, on an agent that has Python.
# Replace acme's names with yours. `hf-oidc doctor`, run in the job, shows the claims of its ID token.
set -eu
pip install hf-oidc-action "huggingface_hub>=1.18"
# Only this command has the token in its environment.
hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
