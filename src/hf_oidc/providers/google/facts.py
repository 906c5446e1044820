"""What is known about Google Cloud: Cloud Run, Cloud Build and virtual machines.

https://cloud.google.com/docs/authentication/get-id-token
"""

from hf_oidc.providers.facts import Instruction, ProviderFacts, shared_issuer_caution

FACTS = ProviderFacts(
    title="Google Cloud",
    section="google-cloud",
    issuer="https://accounts.google.com",
    claims={"sub": "the unique ID of the service account, a number"},
    declare=Instruction(
        "Let hf-oidc request an ID token from Google. In Cloud Build and on a virtual machine, add "
        "`--provider google`:",
        "- name: python:3.13-slim\n  entrypoint: sh\n  args:\n    - -ec\n    - {run --provider google}",
    ),
    failed=Instruction(
        "Give the job a separate service account. The metadata server of Cloud Build issues no ID tokens: allow the "
        "account to create them, once:",
        "gcloud iam service-accounts add-iam-policy-binding ACCOUNT@PROJECT.iam.gserviceaccount.com \\\n"
        "  --member serviceAccount:ACCOUNT@PROJECT.iam.gserviceaccount.com \\\n"
        "  --role roles/iam.serviceAccountOpenIdTokenCreator",
        "sh",
    ),
    retry=(
        "Only Google's machines have a metadata server. If this is one, run the job again: this is usually temporary. "
        "If it is not, leave out `--provider google`, or name another provider."
    ),
    cautions=(
        shared_issuer_caution("Google accounts", "sub"),
        (
            "The ID token names the service account, not the build: anyone who may use the account can publish. Do not "
            "use the claim `email`: when an account is deleted, another one can get its address, but not its `sub`."
        ),
    ),
    issuer_pattern=r"https://accounts\.google\.com",
    identifying=("sub",),
)
