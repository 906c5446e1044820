"""What is known about GitHub Actions, GitHub Enterprise Cloud and GitHub Enterprise Server.

https://docs.github.com/en/actions/reference/security/oidc
"""

from hf_oidc.providers.facts import REQUEST_AGAIN, RUN_AGAIN, DefaultAudience, Instruction, ProviderFacts, RefClaims

FACTS = ProviderFacts(
    title="GitHub Actions",
    section="github-actions",
    issuer="the provider GitHub Actions",
    claims={"repository": "owner/name", "branch": "main", "workflow": "the workflow's file name, such as publish.yml"},
    declare=Instruction(
        "Let the job request an ID token: add these permissions, and keep its others:",
        "permissions:\n  contents: read\n  id-token: write",
    ),
    failed=Instruction(f"{REQUEST_AGAIN} If it keeps failing, check https://www.githubstatus.com."),
    retry=f"{RUN_AGAIN} If it keeps failing, check https://www.githubstatus.com.",
    job_needs="permissions: {id-token: write}",
    from_env={"repository": "{GITHUB_REPOSITORY}"},
    # GitHub.com, an enterprise with its own issuer on GitHub.com, an enterprise on ghe.com, and Enterprise Server.
    issuer_pattern=(
        r"(?i:https://token\.actions\.githubusercontent\.com(/[^/]+)?"
        r"|https://token\.actions\.[a-z0-9-]+\.ghe\.com|https://[^/]+/_services/token)"
    ),
    identifying=("repository", "ref", "workflow_ref"),
    informative=(
        "repository_owner",
        "ref_type",
        "ref_protected",
        "workflow",
        "job_workflow_ref",
        "event_name",
        "environment",
        "base_ref",
        "head_ref",
    ),
    ref_claims=RefClaims(
        merge_queue="gh-readonly-queue/",
        # https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
        default_branch_events=frozenset({"schedule", "workflow_run", "issue_comment", "repository_dispatch", "issues"}),
    ),
    default_audience=DefaultAudience(
        r"https://github\.com/[^/]+", "the repository's owner, the default if no audience is requested"
    ),
    declares_audience=False,
)
