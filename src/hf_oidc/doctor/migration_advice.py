"""What `hf-oidc doctor --migrate` says about a part of a workflow, by the code of the remark.

The reader may never have heard of OpenID Connect. `{names}` are filled in from the facts of the remark, which are
sanitized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hf_oidc.doctor.workflow.migration.result import Remark

MIGRATION = {
    # left to do
    "unknown-resource": 'The step "{step}" uses a stored token, and this file does not show for which repository. Name '
    "it with --resource, such as `--resource acme/model`. If it comes from an expression, name that: `--resource "
    "'acme/${{{{ matrix.model }}}}'`. If the step uses several repositories, log in for each.",
    "several-targets": 'The step "{step}" uses one stored token for several repositories ({resources}), but the '
    "token of a login is for only one. Use one step for each, or log in for each with its own variable.",
    "reads": 'The step "{step}" uses the stored token to read {read}. If that is public, it needs no token: remove the '
    "secret there. If it is gated or private, log in for it as well: docs/long-jobs-and-git.md shows how.",
    "unknown-variable": "The variable `{name}` holds the stored token for all steps, and this file does not show which "
    "steps use it, and for which repository. Name the repository with --resource.",
    "container": "The container of the job `{job}` gets the stored token in `{name}`. It cannot get the token of a "
    "login, because a login is a step. Give the token to the steps that need it instead.",
    "script": 'The script of the step "{step}" contains the secret where it cannot be replaced safely. Read the '
    "environment variable HF_TOKEN there instead, then run the command again.",
    "local-action": 'The step "{step}" passes the secret to {uses}, which is in another file. Log in before this '
    "step, and pass it the output `token` of the login.",
    "called-workflow": "The job `{job}` passes the secret to {called}. Run the doctor with --migrate on that workflow, "
    "and then remove the secret here. The job must grant `id-token: write`.",
    "before-login": 'The step "{step}" is before the login for {resource}. Move the login up, then run the command '
    "again.",
    "inherits": 'The step "{step}" reads a token that the job or the workflow sets for all steps, and still needs '
    "it. A login would replace it. Give the secret to this step only, in its `env:`, then run the command again.",
    "other-variable": 'The variable `{name}` holds the token for all steps, and the step "{step}" names it. Use '
    "HF_TOKEN there, then run the command again.",
    "tests-secret": 'The variable `{name}` only says whether the secret is set, and the step "{step}" reads it. Remove '
    "both the variable and the conditions on it: a login needs no secret. Then run the command again.",
    "condition": 'The condition (`if:`) of the step "{step}" cannot be used for the login. Add the login step and its '
    "condition by hand.",
    "own-exchange": "The job `{job}` sets HF_OIDC_RESOURCE, so huggingface_hub logs in by itself and ignores the "
    "stored token. Remove the secret from it.",
    "not-editable": "The job `{job}` cannot be changed safely, because an alias uses this line elsewhere, or the "
    "change would cause an error. Make the changes by hand.",
    "several-hubs": "The steps of the job `{job}` use several Hubs (HF_ENDPOINT). Log in to each by hand.",
    "too-large": "This is too large to be changed safely. Make the changes by hand.",
    # kept
    "still-needed": 'The step "{step}" still needs the stored token: {what} has to {beyond}, which the token of a '
    "login cannot do.",
    "another-repository": 'The step "{step}" still needs the stored token: it uses {target}, and the login of the '
    "job is for {resource}. To log in for both, write each on a line of `resource: |`, as NAME=resource, and give each "
    "step its variable.",
    "workflow-variable": "`{name}` at the top of the file still holds the stored token: other jobs may read it. The "
    "login replaces it in the jobs that log in.",
    # notes
    "other-permissions": "The job `{job}` had the default permissions of the repository. Now it has only those of its "
    "`permissions:`. If its steps need others, such as `packages: write`, add them.",
    "soft": "The job `{job}` also runs for pull requests. Those from forks and from Dependabot get no ID token: the "
    "login then only warns, and the steps that need the token are skipped. A publisher with a branch refuses "
    "other pull requests too.",
    "asked-for-secret": "The job `{job}` published only if the secret was there. Now a failed login only warns, "
    "and the steps that need the token are then skipped.",
    "callers": "Other workflows call this one. Each must grant `id-token: write` to the job that calls it. It need not "
    "pass the secret any longer: remove that from `on.workflow_call.secrets`, if it is there.",
    "run-doctor": "Some runs of the changed file may fail. After the change, run `hf-oidc doctor {file}`: it shows "
    "which.",
    "delete-secret": "After a run has succeeded, delete the secret {secret} in the settings of the repository and the "
    "token on the Hub, if nothing else uses them.",
}


def sentence(remark: Remark) -> str:
    """Returns what to say about `remark`."""
    return MIGRATION[remark.code].format_map(remark.facts)
