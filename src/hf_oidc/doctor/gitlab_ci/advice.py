"""What `hf-oidc doctor` says about each finding in a `.gitlab-ci.yml`: what it means, what to do, and lines to copy.

`doctor.advice` fills in the `{names}`.
"""

from __future__ import annotations

# lib/gitlab/ci/jwt.rb in GitLab's source: the claims are those of the source project and the source branch.
CLAIMS = (
    "Their `ref` is the source branch, and for a fork `project_path` is the fork, so a publisher with your project and "
    "your branch refuses them."
)
DEFAULT_BRANCH = "rules:\n  - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
GITLAB_WORDS: dict[str, tuple[str, str, str]] = {
    "gitlab-rejects": (
        "`{where}` is not {expected}, so GitLab rejects the whole file.",
        "Change it to {expected}.",
        "id_tokens:\n  HF_ID_TOKEN:\n    aud: https://huggingface.co",
    ),
    "no-job-uses-hub": (
        "No job in this file uses the Hub, as far as this file shows.",
        "To log in, declare an ID token in a job, and run the command that uses the Hub with `hf-oidc`:",
        (
            "id_tokens:\n  HF_ID_TOKEN:\n    aud: https://huggingface.co\nscript:\n"
            "  - hf-oidc run namespace/name -- hf upload namespace/name ./model ."
        ),
    ),
    "not-understood": ("Not understood: {what}.", "", ""),
    # the ID token
    "id-token-not-declared": (
        "This job has no ID token for the Hub, so the login fails.",
        "Declare one in the job `{job}`, next to its `script:`, and keep its other ID tokens:",
        "id_tokens:\n  {name}:\n    aud: {audience}",
    ),
    "id-token-name": (
        "The ID token for the Hub is in `{other}`, but the login reads `{name}`, so it finds none.",
        "Change the name below `id_tokens:`:",
        "id_tokens:\n  {name}:\n    aud: {audience}",
    ),
    "audience-mismatch": (
        "The ID token `{name}` is for `{found}`, but the login needs one for `{audience}`, so it fails.",
        "Change the audience, or add another ID token if something else uses this one:",
        "id_tokens:\n  {name}:\n    aud: {audience}",
    ),
    "several-audiences": (
        "The ID token `{name}` has several audiences ({found}). Each of these services could use it at the others.",
        "Declare a separate ID token for each service:",
        "id_tokens:\n  {name}:\n    aud: {audience}",
    ),
    "id-token-short-lived": (
        (
            "This job has no `timeout:`, so its ID token is valid for five minutes after the job starts. `{command}` "
            "runs before the login, and may take longer."
        ),
        (
            "Publish in a separate job after the long one. Or give the job a timeout, which is then also the lifetime "
            "of its ID token:"
        ),
        "timeout: 1 hour",
    ),
    # pipelines
    "merge-request": (
        f"Merge request pipelines run this job. {CLAIMS}",
        "Leave the job out of them. As the first of its `rules:`, write:",
        'rules:\n  - if: $CI_PIPELINE_SOURCE == "merge_request_event"\n    when: never',
    ),
    "merge-request-only": (
        f"Merge request pipelines run this job. {CLAIMS}",
        "Remove `merge_requests` from the job's `only:`.",
        "",
    ),
    "only-merge-requests": (
        f"Only merge request pipelines run this job. {CLAIMS}",
        "Publish after the merge. In place of the job's conditions, write:",
        DEFAULT_BRANCH,
    ),
    "tag-pipelines": (
        "Only pipelines for tags run this job. Each tag is another `ref`.",
        (
            "Leave `ref` out of the publisher, and name `ref_type` and `ref_protected`. Then protect the tags in "
            "GitLab, so that only maintainers can create them."
        ),
        "",
    ),
    "tag-and-branch-pipelines": (
        "Pipelines for branches and for tags run this job. A publisher with `ref_type` branch refuses those for tags.",
        "Publish only from the branch or only from tags. For the branch, write in place of the job's conditions:",
        DEFAULT_BRANCH,
    ),
    "branch-pipelines": (
        "Pipelines of several branches run this job ({branches}). A publisher names one, and refuses the others.",
        "Choose the branch that publishes, here and on the Hub. In place of the job's conditions, write:",
        DEFAULT_BRANCH,
    ),
    "never-runs": ("As far as this file shows, no pipeline runs this job.", "Check its conditions.", ""),
    # other tokens
    "stored-token": (
        "This job uses the Hub without a login: it uses {token}.",
        (
            "To use a short-lived token, remove the stored one, declare an ID token, and run the command like this "
            "(after `pip install hf-oidc-action`):"
        ),
        "id_tokens:\n  HF_ID_TOKEN:\n    aud: https://huggingface.co\nscript:\n  - hf-oidc run {resource} -- {command}",
    ),
    "stored-token-used": (
        "A command of this job uses the stored token in `{variable}`, and not the token of the login.",
        (
            "Leave the token out of the command: huggingface_hub reads HF_TOKEN, which the login sets. If nothing else "
            "uses `{variable}`, delete it."
        ),
        "",
    ),
    "stored-token-remains": (
        "`variables:` sets HF_TOKEN. `hf-oidc` replaces it for the commands that get a token from it.",
        "Remove the line, unless another command of the job needs it.",
        "",
    ),
    "no-resource-argument": (
        "`hf-oidc` gets no repository here, and `variables:` does not set HF_OIDC_RESOURCE.",
        "Name the repository, unless a variable of the project does:",
        "hf-oidc run namespace/name -- hf upload namespace/name ./model .",
    ),
    # Forgejo
    "openid-connect-not-enabled": (
        "This job may not request an ID token: it lacks `enable-openid-connect: true`, beside `on:` or in the job.",
        "Add this line to the job `{job}`. GitHub's `permissions:` have no effect in Forgejo:",
        "enable-openid-connect: true",
    ),
}
