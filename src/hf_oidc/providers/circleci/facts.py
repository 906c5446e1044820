"""What is known about CircleCI.

https://circleci.com/docs/openid-connect-tokens/
"""

from hf_oidc.providers.facts import (
    DefaultAudience,
    Instruction,
    ProviderFacts,
    RefClaims,
    having,
    preset_caution,
)

FACTS = ProviderFacts(
    title="CircleCI",
    section="circleci",
    issuer="https://oidc.circleci.com/org/ followed by your organization ID",
    claims={
        "oidc.circleci.com/project-id": "the project ID, from Project Settings",
        "oidc.circleci.com/vcs-origin": "github.com/owner/name",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
    },
    declare=Instruction(
        "Do not pass `CIRCLE_OIDC_TOKEN_V2`: its audience is your organization, unless the project sets another one. "
        "In `.circleci/config.yml`, let hf-oidc request an ID token for the Hub:",
        "- run: {run}",
    ),
    failed=Instruction(
        "Run this in a step of a CircleCI job, where the command `circleci` exists. A container that the step starts "
        "does not have it: set the project's audience to {audience}, and pass `CIRCLECI` and `CIRCLE_OIDC_TOKEN_V2` to "
        "the container. A fork's build gets an ID token only if the project passes secrets to forks. To check, run "
        "this in the job:",
        '- run: |\n    circleci run oidc get --claims \'{"aud": "{audience}"}\' > /dev/null',
    ),
    expired=(
        "CircleCI issues the ID token in `CIRCLE_OIDC_TOKEN_V2` when the job starts. Publish in a separate job, or in "
        "a step that has the command `circleci`, which issues a new one. If it is fresh, correct the clock of this "
        "machine."
    ),
    cautions=(
        (
            "Without `oidc.circleci.com/vcs-origin`, a publisher may accept a fork's build if the project builds forks "
            "and passes secrets to them."
        ),
        (
            "An ID token that was made with `--root-issuer` has another issuer, which all organizations share. hf-oidc "
            "does not use that option."
        ),
        (
            "A user who reruns a job with SSH can read its ID token. Its claim `oidc.circleci.com/ssh-rerun` is then "
            "`true`."
        ),
        (
            "A pipeline that a custom webhook starts has no `vcs-origin` and no `vcs-ref`: this publisher never "
            "accepts it."
        ),
        preset_caution("CircleCI"),
    ),
    from_env={
        "issuer": "https://oidc.circleci.com/org/{CIRCLE_ORGANIZATION_ID}",
        "oidc.circleci.com/project-id": "{CIRCLE_PROJECT_ID}",
    },
    issuer_pattern=r"https://oidc\.circleci\.com(/org/[^/]+)?",
    # CircleCI Server runs at any URL.
    has_claims=having("oidc.circleci.com/project-id"),
    # The origin too: a fork's build has the same project, and may have the same ref.
    identifying=("oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref"),
    ref_claims=RefClaims("oidc.circleci.com/vcs-ref"),
    default_audience=DefaultAudience(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "your CircleCI organization, the default of CIRCLE_OIDC_TOKEN",
    ),
)
