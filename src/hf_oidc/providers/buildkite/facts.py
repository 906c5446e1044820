"""What is known about Buildkite.

https://buildkite.com/docs/agent/cli/reference/oidc
"""

from hf_oidc.providers.facts import DefaultAudience, Instruction, ProviderFacts, RefClaims, shared_issuer_caution

FACTS = ProviderFacts(
    title="Buildkite",
    section="buildkite",
    issuer="https://agent.buildkite.com",
    claims={"organization_slug": "your organization", "pipeline_slug": "your pipeline", "build_branch": "main"},
    declare=Instruction(
        "In `pipeline.yml`, let hf-oidc request an ID token from the agent:",
        "steps:\n  - label: Publish\n    branches: main\n    command: {run}",
    ),
    failed=Instruction(
        "Run this where the command `buildkite-agent` exists. A container of the docker plugin has it only with "
        "`mount-buildkite-agent: true`. To check, run this in the step:",
        "- command: buildkite-agent oidc request-token --audience {audience} > /dev/null",
    ),
    cautions=(
        shared_issuer_caution("Buildkite organizations", "organization_slug"),
        (
            "If the pipeline builds pull requests from forks, turn on the prefix for their branch names. Without it, a "
            "fork's branch can be called main too."
        ),
    ),
    from_env={"organization_slug": "{BUILDKITE_ORGANIZATION_SLUG}", "pipeline_slug": "{BUILDKITE_PIPELINE_SLUG}"},
    issuer_pattern=r"https://agent\.buildkite\.com",
    identifying=("organization_slug", "pipeline_slug", "build_branch"),
    # A tag's build has a `build_branch` as well.
    ref_claims=RefClaims("build_branch", plain=True, tag="build_tag"),
    default_audience=DefaultAudience(
        r"https://buildkite\.com/[^/]+", "your Buildkite organization, the default without --audience"
    ),
)
