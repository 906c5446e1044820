#!/bin/sh
# Publishes a model on the Hugging Face Hub, with no token stored anywhere.
#
# Once, on the Hub: https://huggingface.co/acme/awesome-model/settings -> Trusted Publishers -> add
#   Issuer  https://app.terraform.io
#   Claim   terraform_organization_name = acme
#   Claim   terraform_workspace_name = training
#   Claim   terraform_run_phase = apply
# All organizations share this issuer: without terraform_organization_name, anybody's run would fit.
# The workspace has the variable TFC_WORKLOAD_IDENTITY_AUDIENCE_HF, with the value https://huggingface.co. This script is
# what a local-exec provisioner calls, on an agent that has Python.
# Your own names go in place of acme's; `hf-oidc doctor`, run in the job, shows what its ID token says.
set -eu
pip install hf-oidc-action huggingface_hub
# The token is in the environment of this one command, and nowhere else.
hf-oidc run acme/awesome-model -- hf upload acme/awesome-model ./model .
