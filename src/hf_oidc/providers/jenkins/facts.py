"""What is known about Jenkins with the oidc-provider plugin.

https://plugins.jenkins.io/oidc-provider/
"""

from hf_oidc.providers.facts import REACHABLE_ISSUER, Claims, Instruction, ProviderFacts, overwritten


def has_claims(claims: Claims) -> bool:
    """Whether the subject is a job's URL. Other CIs have a build number too, but not such a subject."""
    subject = claims.get("sub")
    return isinstance(subject, str) and subject.startswith(("https://", "http://")) and "build_number" in claims


FACTS = ProviderFacts(
    title="Jenkins",
    section="jenkins",
    issuer="the issuer of the credential, by default the Jenkins URL followed by /oidc",
    claims={"sub": "the job's URL: https://jenkins.example/job/name/; for a multibranch job …/job/name/job/main/"},
    declare=Instruction(
        "In Jenkins, add a credential of the kind `OpenID Connect id token` (plugin oidc-provider) with the audience "
        "{audience}. Bind it to HF_ID_TOKEN in the Jenkinsfile:",
        "withCredentials([string(credentialsId: 'hugging-face', variable: 'HF_ID_TOKEN')]) {\n    sh '{run}'\n}",
        "groovy",
    ),
    failed=overwritten("HF_ID_TOKEN"),
    expired=(
        "Jenkins issues the ID token when `withCredentials` starts. It is valid for one hour; the settings under "
        "Security, OpenID Connect can change that. Put only the step that publishes inside `withCredentials`."
    ),
    cautions=(
        REACHABLE_ISSUER,
        (
            "The ID token names the job, and a branch only in a multibranch job. Anyone who can change what the job "
            "runs can publish."
        ),
    ),
    job_needs="withCredentials([string(credentialsId: '…', variable: 'HF_ID_TOKEN')])",
    has_claims=has_claims,
    identifying=("sub",),
    issued_before_job=True,
)
