"""The words of `hf-oidc doctor` for each finding in a workflow: what it means, what to do, and lines to copy.

Written for one who has never heard of OpenID Connect. `{names}` are filled from the finding's facts, which are fit to
be shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from hf_oidc.diagnosis.workflow.findings import Finding

PERMISSION = "permissions:\n  contents: read\n  id-token: write"


@dataclass(frozen=True)
class Words:
    """`what` is so, `do` this about it; `lines` belong into the file."""

    what: str
    do: str = ""
    lines: str = ""


WORDS = {
    "wrong-type": Words("`{where}` is not {expected}, so GitHub refuses the whole file.", "Write {expected} there."),
    "no-login": Words(
        "No job of this workflow logs in to the Hub, as far as this file tells.",
        "If one should, add a step with `uses: org/hf-oidc-action@v1` and `resource:` to it.",
    ),
    # permissions
    "id-token-permission-missing": Words(
        "This job is not allowed to prove to the Hub who it is: {because}",
        "Give the job `{job}` these permissions, and keep the others that it needs:",
        PERMISSION,
    ),
    "callers-must-grant": Words(
        "Other workflows can call this one, and it has at most the permissions that they grant.",
        "Give each job that calls {workflow} these lines, beside its `uses:`:",
        PERMISSION,
    ),
    "caller-does-not-grant": Words(
        "This job calls {called}, which logs in to the Hub, and does not grant it the permission to do so.",
        "Give the job `{job}` these permissions, beside its `uses:`, and keep the others that it needs:",
        PERMISSION,
    ),
    "called-unknown": Words(
        "This job calls {called}, which could not be read from here. If that workflow logs in to the Hub, it lacks "
        "the permission.",
        "In that case give the job `{job}` these permissions, beside its `uses:`:",
        PERMISSION,
    ),
    # the login step
    "no-version": Words(
        "`uses: {uses}` names no version, so GitHub refuses it.",
        "Write the version behind an `@`:",
        "uses: org/hf-oidc-action@v1",
    ),
    "no-resource": Words(
        "The login step has no `resource`, so it does not know what to log in to.",
        "Name the repository on the Hub:",
        "with:\n  resource: namespace/name",
    ),
    "invalid-resource": Words("{problem}.", "{suggest}"),
    "invalid-name": Words("{problem}.", "Write {expected}."),
    "resource-is-user": Words(
        "`{user}` is a single word, which means a user: the token reads what that user may, and publishes nothing.",
        "If you meant a repository, write namespace/name.",
    ),
    "unknown-input": Words("The action has no input `{input}`: GitHub warns, and ignores it.", "{suggest}"),
    "invalid-input": Words("{problem}.", "Write {expected}."),
    "id-token-written-out": Words(
        "The input `id-token` is written out in the file. An ID token lives for minutes, and whoever reads it can use "
        "it.",
        "Remove the line: on GitHub the action gets an ID token by itself.",
    ),
    # triggers
    "pull-request": Words(
        "`{event}` starts this job for pull requests. Those from forks and Dependabot get no ID token from GitHub, "
        "so the login fails. The others belong to no branch until they are merged, so a publisher on the Hub that "
        "names a branch refuses them.",
        "Keep pull requests out. Beside the job's `runs-on:`, add:",
        "if: github.event_name != '{event}'",
    ),
    "pull-request-soft": Words(
        "`{event}` starts this job for pull requests, where the login fails for forks, and for a publisher on the Hub "
        "that names a branch. As `on-error: warn` is set, the job then goes on without a token.",
    ),
    "pull-request-target": Words(
        "`pull_request_target` starts this job for anybody's pull request, with the identity of your own branch. If it "
        "runs anything out of the pull request, a stranger can publish in your name.",
        "Log in only in workflows that a `push`, a `release` or a person starts.",
    ),
    "tags": Words(
        "This workflow runs for tags ({events}). A tag belongs to no branch.",
        "Leave Branch empty on the Hub, which then trusts this workflow file on every branch and tag, in whatever form "
        "a branch gives it. To trust less, add the issuer by its URL, with the raw claims `repository` and `ref` (one "
        "tag) or `environment` (one with protection rules).",
    ),
    "tags-and-branches": Words(
        "This workflow runs for branches and for tags ({events}). A tag belongs to no branch, so a publisher on the "
        "Hub that names a branch refuses the tags' runs.",
        "Publish from one of the two; or leave Branch empty on the Hub, which then trusts every branch and tag.",
    ),
    "merge-queue": Words(
        "`merge_group` starts this job for a merge queue's short-lived branch, which a publisher on the Hub cannot "
        "name.",
        "Keep the merge queue out. Beside the job's `runs-on:`, add:",
        "if: github.event_name != 'merge_group'",
    ),
    "several-branches": Words(
        "A push to several branches starts this job ({branches}); a publisher on the Hub names one, and refuses the "
        "others.",
        "Name the one that publishes, here and on the Hub:",
        "on:\n  push:\n    branches: [main]",
    ),
    # the token after the login
    "own-exchange": Words(
        "HF_OIDC_RESOURCE is set by {where}: huggingface_hub logs in by itself there, without this action."
    ),
    "token-ignored": Words(
        "HF_OIDC_RESOURCE is set by {where}: there huggingface_hub logs in by itself, and ignores the token that the "
        "login step gave.",
        "Remove HF_OIDC_RESOURCE, or the login step. One of them is enough.",
    ),
    "token-replaced": Words(
        'The step "{step}" sets HF_TOKEN from a secret, in place of the token that the login gave.',
        "Remove that line: the login sets HF_TOKEN. Where the login has `export-env: false`, write its output there "
        "instead, `${{{{ steps.ID.outputs.token }}}}`. If nothing else uses the secret, delete it.",
    ),
    "token-across-jobs": Words(
        "The job's output `{output}` holds the token. GitHub drops outputs that hold a secret, so other jobs get an "
        "empty text.",
        "Log in again in each job that needs a token: give it the login step, and the permission.",
    ),
    "unknown-output": Words(
        'The step "{step}" reads `steps.{id}.outputs.{output}`, which the action does not have: GitHub puts an empty '
        "text there.",
        "Its outputs are {known}.",
    ),
    "token-in-script": Words(
        'The step "{step}" writes the token into its script (`run:`), from where it can get into files and logs.',
        "Hand it over as a variable, and use that in the script:",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "token-unchecked": Words(
        'The step "{step}" uses the token, although `on-error: warn` lets the job go on without one.',
        "Run it only after a login that worked:",
        "if: steps.{id}.outputs.authenticated == 'true'",
    ),
    "token-not-exported": Words(
        'The step "{step}" uses HF_TOKEN, which the login did not set: it has `export-env: false`.',
        "Hand the token over to the step, by the login's `id:`. Or let the login export it.",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "login-without-id": Words(
        'The step "{step}" reads an output of `steps.{id}`, and no step of this job has that `id:`. GitHub puts an '
        "empty text there.",
        "Give the login step this line:",
        "id: {id}",
    ),
    "needs-linux": Words(
        "The action needs a Linux runner with Docker, and this job runs on {runner}.",
        "Use `runs-on: ubuntu-latest`: GitHub runs container actions on Linux alone. Or use the one without Docker:",
        "uses: org/hf-oidc-action/native@v1",
    ),
}
BECAUSE = {
    "job": "its `permissions:` do not have `id-token: write`, and what they do not name is denied.",
    "workflow": "the `permissions:` at the top of the file lack `id-token: write`, and the job has none of its own.",
    "nowhere": "there are no `permissions:`, and GitHub never gives this one unasked.",
}


def words(finding: Finding) -> Words:
    """The words for `finding`, filled in."""
    facts = {**finding.facts, "because": BECAUSE.get(finding.facts.get("where", ""), "")}
    suggestion = finding.facts.get("suggestion")
    inputs = f"Its inputs are {facts.get('known', '')}."
    otherwise = "Write namespace/name, or datasets/… or spaces/… before it." if "problem" in facts else inputs
    facts["suggest"] = f"Did you mean `{suggestion}`?" if suggestion else otherwise
    found = WORDS[finding.code]
    return Words(*(part.format_map(facts) for part in (found.what, found.do, found.lines)))
