"""What is known about Forgejo Actions.

https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from hf_oidc.providers.facts import REQUEST_AGAIN, Instruction, ProviderFacts

FACTS = ProviderFacts(
    title="Forgejo Actions",
    section="forgejo-actions",
    issuer="your instance's URL followed by /api/actions",
    claims={"repository": "owner/name", "ref": "refs/heads/main"},
    declare=Instruction(
        "Add this line to the workflow file, beside `on:` or in the job. GitHub's `permissions:` have no effect here. "
        "If the line is there, update Forgejo and its runner: ID tokens need version 15.",
        "enable-openid-connect: true",
    ),
    failed=Instruction(f"{REQUEST_AGAIN} If it keeps failing, ask the administrator of this Forgejo."),
    cautions=(
        "This Forgejo is the issuer, not GitHub: the Hub's publisher for GitHub Actions never accepts its jobs.",
    ),
    job_needs="enable-openid-connect: true",
    from_env={"issuer": "{GITHUB_SERVER_URL}/api/actions", "repository": "{GITHUB_REPOSITORY}"},
    issuer_pattern=r"https?://[^/]+/(.+/)?api/actions",
    identifying=("repository", "ref", "workflow_ref"),
    declares_audience=False,
)
