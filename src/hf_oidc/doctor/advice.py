"""What `hf-oidc doctor` says about each finding in a workflow: what it means, what to do, and lines to copy.

The reader may never have heard of OpenID Connect. `{names}` are filled in from the finding's facts, which are
sanitized.
"""

from __future__ import annotations

from dataclasses import dataclass

from hf_oidc.doctor.gitlab_ci.advice import GITLAB_WORDS
from hf_oidc.doctor.workflow.findings import WorkflowFinding

PERMISSION = "permissions:\n  contents: read\n  id-token: write"


@dataclass(frozen=True)
class Words:
    """`what` the finding means, what to `do`, and the `lines` to put into the file."""

    what: str
    do: str = ""
    lines: str = ""


WORDS = {
    "wrong-type": Words("`{where}` is not {expected}, so GitHub rejects the whole file.", "Change it to {expected}."),
    "no-login": Words(
        "No job in this workflow logs in to the Hub, as far as this file shows.",
        "To log in, add a step with `uses: org/hf-oidc-action@v1` and `resource:` to a job.",
    ),
    # permissions
    "id-token-permission-missing": Words(
        "This job may not request an ID token, so the login fails: {because}",
        "Add these permissions to the job `{job}`, and keep its other permissions:",
        PERMISSION,
    ),
    "callers-must-grant": Words(
        "Other workflows can call this one. It then has at most the permissions that they grant.",
        "Add these lines to each job that calls {workflow}, next to its `uses:`:",
        PERMISSION,
    ),
    "caller-does-not-grant": Words(
        "This job calls {called}, which logs in to the Hub, but does not grant it `id-token: write`.",
        "Add these permissions to the job `{job}`, next to its `uses:`, and keep its other permissions:",
        PERMISSION,
    ),
    "called-unknown": Words(
        "This job calls {called}, which `hf-oidc` cannot read. If that workflow logs in to the Hub, it lacks "
        "`id-token: write`.",
        "In that case, add these permissions to the job `{job}`, next to its `uses:`:",
        PERMISSION,
    ),
    # the login step
    "no-version": Words(
        "`uses: {uses}` has no version, so GitHub rejects it.",
        "Add the version after an `@`:",
        "uses: org/hf-oidc-action@v1",
    ),
    "no-resource": Words(
        "The login step has no `resource`.",
        "Name the repository on the Hub:",
        "with:\n  resource: namespace/name",
    ),
    "invalid-resource": Words("{problem}.", "{suggest}"),
    "invalid-name": Words("{problem}.", "Write {expected}."),
    "resource-is-user": Words(
        "`{user}` is a user name: the token can read what that user can read, but cannot publish.",
        "To log in for a repository, write namespace/name.",
    ),
    "unknown-input": Words("The action has no input `{input}`. GitHub only warns, and ignores it.", "{suggest}"),
    "invalid-input": Words("{problem}.", "Write {expected}."),
    "id-token-written-out": Words(
        "The file contains an ID token, in the input `id-token`. An ID token is valid for minutes only, and anyone who "
        "reads it can use it.",
        "Remove the line: on GitHub, the action requests its own ID token.",
    ),
    # triggers
    "pull-request": Words(
        "`{event}` starts this job for pull requests. GitHub gives no ID token to pull requests from forks and from "
        "Dependabot, so the login fails. Other pull requests do not run on a branch until they are merged, so a "
        "publisher with a branch refuses them.",
        "Skip the job in pull requests. Next to its `runs-on:`, add:",
        "if: github.event_name != '{event}'",
    ),
    "pull-request-soft": Words(
        "`{event}` starts this job for pull requests. There the login fails for forks, and for every publisher with a "
        "branch. Because of `on-error: warn`, the job then continues without a token.",
    ),
    "pull-request-target": Words(
        "`pull_request_target` starts this job for every pull request, with the identity of your own branch. If the "
        "job runs code from the pull request, a stranger can publish in your name.",
        "Log in only in workflows that `push`, `release` or `workflow_dispatch` starts.",
    ),
    "tags": Words(
        "This workflow runs for tags ({events}). A tag is not on a branch.",
        "Leave Branch empty on the Hub. The Hub then trusts this workflow file on every branch and tag, also if a "
        "branch changes the file. To trust less, add a publisher with the issuer's URL and the raw claims "
        "`repository` and `ref` (for one tag) or `environment` (if it has protection rules).",
    ),
    "tags-and-branches": Words(
        "This workflow runs for branches and for tags ({events}). A tag is not on a branch, so a publisher with a "
        "branch refuses the runs for tags.",
        "Publish only from the branch or only from tags. Or leave Branch empty on the Hub, which then trusts every "
        "branch and tag.",
    ),
    "merge-queue": Words(
        "`merge_group` starts this job on the temporary branch of a merge queue, which a publisher cannot name.",
        "Skip the job in the merge queue. Next to its `runs-on:`, add:",
        "if: github.event_name != 'merge_group'",
    ),
    "several-branches": Words(
        "A push to several branches starts this job ({branches}). A publisher names one branch, and refuses the "
        "others.",
        "Choose the branch that publishes, in this file and on the Hub:",
        "on:\n  push:\n    branches: [main]",
    ),
    # the token after the login
    "own-exchange": Words("{where} sets HF_OIDC_RESOURCE, so huggingface_hub logs in by itself, without this action."),
    "token-ignored": Words(
        "{where} sets HF_OIDC_RESOURCE, so huggingface_hub logs in by itself and ignores the token of the login step.",
        "Remove either HF_OIDC_RESOURCE or the login step: one of them is enough.",
    ),
    "token-replaced": Words(
        'The step "{step}" sets HF_TOKEN from a secret, which replaces the token of the login.',
        "Remove that line: the login sets HF_TOKEN. With `export-env: false`, use the output of the login instead: "
        "`${{{{ steps.ID.outputs.token }}}}`. If nothing else uses the secret, delete it.",
    ),
    "token-across-jobs": Words(
        "The job's output `{output}` contains the token. GitHub drops outputs that contain a secret, so other jobs get "
        "an empty string.",
        "Log in again in each job that needs a token: add the login step and the permission there.",
    ),
    "unknown-output": Words(
        'The step "{step}" reads `steps.{id}.outputs.{output}`, which the action does not have. It is an empty string.',
        "Its outputs are {known}.",
    ),
    "token-in-script": Words(
        'The step "{step}" puts the token into its script (`run:`), so it can end up in files and logs.',
        "Pass it as an environment variable, and use that in the script:",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "token-unchecked": Words(
        'The step "{step}" uses the token, but with `on-error: warn` the job continues without one if the login fails.',
        "Run the step only if the login succeeded:",
        "if: steps.{id}.outputs.authenticated == 'true'",
    ),
    "token-not-exported": Words(
        'The step "{step}" uses HF_TOKEN, which the login does not set because of `export-env: false`.',
        "Pass the token to the step through the `id:` of the login step. Or remove `export-env: false`.",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "login-without-id": Words(
        'The step "{step}" reads an output of `steps.{id}`, but no step of this job has that `id:`. It is an '
        "empty string.",
        "Give the login step this line:",
        "id: {id}",
    ),
    "needs-linux": Words(
        "The action needs a Linux runner with Docker, but this job runs on {runner}.",
        "Use `runs-on: ubuntu-latest`. Or use the variant that needs no Docker:",
        "uses: org/hf-oidc-action/native@v1",
    ),
}
BECAUSE = {
    "job": "its `permissions:` lack `id-token: write`, and GitHub denies every permission that they do not name.",
    "workflow": "the `permissions:` at the top of the file lack `id-token: write`, and the job has no `permissions:`.",
    "nowhere": "there are no `permissions:`, and GitHub does not grant this one by default.",
}


def words(finding: WorkflowFinding) -> Words:
    """Returns what to say about `finding`."""
    facts = {**finding.facts, "because": BECAUSE.get(finding.facts.get("where", ""), "")}
    suggestion = finding.facts.get("suggestion")
    inputs = f"Its inputs are {facts.get('known', '')}."
    otherwise = (
        "Write namespace/name, datasets/namespace/name or spaces/namespace/name." if "problem" in facts else inputs
    )
    facts["suggest"] = f"Did you mean `{suggestion}`?" if suggestion else otherwise
    found = template(finding.code)
    return Words(*(part.format_map(facts) for part in (found.what, found.do, found.lines)))


def template(code: str) -> Words:
    """Returns the sentences about a finding, with the `{names}` of its facts in them."""
    return WORDS.get(code) or Words(*GITLAB_WORDS[code])
