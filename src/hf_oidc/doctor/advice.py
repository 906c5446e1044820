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
        "Give the job `{job}` these permissions:",
        "{lines}",
    ),
    "permissions-at-step": Words(
        'The step "{step}" has `permissions:`. Only a workflow and a job have permissions, so GitHub rejects the file.',
        "Remove them from the step, and give the job `{job}` these permissions:",
        "{lines}",
    ),
    "contents-lost": Words(
        "The `permissions:` of the job `{job}` leave out `{permission}`. In a private repository, {what} then fails.",
        "Give the job `{job}` these permissions:",
        "{lines}",
    ),
    "permission-lost": Words(
        'The `permissions:` of the job `{job}` leave out `{permission}`, which the step "{step}" needs for `{what}`.',
        "Give the job `{job}` these permissions:",
        "{lines}",
    ),
    "callers-must-grant": Words(
        "Other workflows can call this one. It then has at most the permissions that they grant.",
        "Add these lines to each job that calls {workflow}, next to its `uses:`:",
        PERMISSION,
    ),
    "caller-does-not-grant": Words(
        "This job calls {called}, which logs in to the Hub, but does not grant it {missing}.",
        "Give the job `{job}` these permissions, next to its `uses:`:",
        "{lines}",
    ),
    "called-unknown": Words(
        "This job calls {called}, which `hf-oidc` cannot read from here. If that workflow logs in to the Hub, it lacks "
        "`id-token: write`.",
        "In that case, give the job `{job}` these permissions, next to its `uses:`:",
        "{lines}",
    ),
    "called-unread": Words(
        "This job calls {called}, which `hf-oidc` cannot read from here. Whether it logs in to the Hub is not known.",
        "Run hf-oidc doctor on that workflow too.",
    ),
    "secret-passed-elsewhere": Words(
        "{subject} {puts}, {called}, which `hf-oidc` cannot read from here.",
        "Run hf-oidc doctor on that workflow too. If it logs in by itself, remove this line. If it uses the secret, "
        "let it log in instead: until then, the secret is needed.",
    ),
    "action-unread": Words(
        'The step "{step}" uses {uses}, which `hf-oidc` cannot read from here. Whether it logs in to the Hub is not '
        "known.",
        "Run hf-oidc doctor in a checkout of the repository.",
    ),
    # what GitHub rejects
    "empty-block": Words("`{key}:` {where} is empty, so GitHub rejects the whole file.", "Remove this line."),
    "empty-matrix": Words(
        "`{name}` of the matrix of the job `{job}` is an empty list, so GitHub cannot run the job.",
        "Write at least one value, or remove the list.",
    ),
    "timeout-not-positive": Words(
        "`timeout-minutes: {given}` is not a positive number. GitHub requires one, and does not document what happens "
        "otherwise. The job may never reach its login.",
        "Write instead:",
        "timeout-minutes: 60",
    ),
    "merge-key": Words(
        "There is a merge key (`<<`) {where}. GitHub supports anchors and aliases but not merge keys, so it "
        "rejects the whole file.",
        "Write the merged lines out here.",
    ),
    "unknown-key": Words("GitHub does not know `{key}` {where}, so it rejects the whole file.", "{replace}"),
    "key-elsewhere": Words(
        "GitHub does not accept `{key}` {where}, so it rejects the whole file.",
        "Remove it here. It belongs to {place}.",
    ),
    "key-beside": Words(
        "Both `{key}` and `{beside}` are {where}. GitHub accepts only one of the two, and rejects the whole file.",
        "Remove `{key}` here.",
    ),
    "input-beside-with": Words(
        "{inputs} is not under `with:` {where}, so GitHub rejects the whole file.",
        "Move it under `with:`, so that the step has these lines:",
        "{lines}",
    ),
    "permissions-word": Words(
        "`permissions: {given}` is not a value that GitHub accepts, so it rejects the whole file.",
        "Write the permissions out:",
        PERMISSION,
    ),
    "unknown-scope": Words(
        "GitHub has no permission `{scope}`, so it rejects the whole file.",
        "{replace}",
    ),
    "unknown-access": Words(
        "`{scope}: {access}` does not exist, so GitHub rejects the whole file.",
        "Write {known}.",
    ),
    "action-as-job": Words(
        "The job `{job}` uses {uses}. That is an action, and a job can only use a reusable workflow, so GitHub rejects "
        "the whole file.",
        "Use the action in a step. Instead of `uses:` and `with:`, give the job:",
        "{lines}",
    ),
    "local-version": Words(
        "{uses} has a version, but a workflow in the same repository always comes from the same commit, so GitHub "
        "rejects the whole file.",
        "Leave the version out:",
        "uses: {path}",
    ),
    "local-path": Words(
        "GitHub takes `{path}` for an action of another repository, and rejects it.",
        "Begin the path in this repository with `./`:",
        "uses: ./{path}",
    ),
    "workflow-place": Words(
        "`uses: {uses}` is not where GitHub looks for reusable workflows, so it rejects the whole file. They must "
        "be directly in `.github/workflows`.",
        "Move the file there if it is elsewhere, and write:",
        "uses: {better}",
    ),
    "not-reusable": Words(
        "This job calls {called}, which no other workflow can call, so GitHub rejects the whole file.",
        "Add this event to the `on:` of {called}:",
        "on:\n  workflow_call:",
    ),
    "input-not-passed": Words(
        "This job calls {called} without the input `{input}`, which is required. GitHub rejects the whole file.",
        "Pass it, next to `uses:`:",
        "with:\n  {input}: …",
    ),
    "input-not-declared": Words(
        "{called} has no input `{input}`, so GitHub rejects the whole file.",
        "{replace}",
    ),
    "invalid-id": Words(
        "`{id}` is not a valid id, so GitHub rejects the whole file. An id has only letters, digits, `-` and `_`, and "
        "begins with a letter or `_`.",
        "Write `{better}`.",
    ),
    "invalid-condition": Words(
        "GitHub cannot read the `if:` {where}, so it rejects the whole file. {problem}.",
        "Correct it. Strings have single quotes. The `if:` of a job sees only `github`, `inputs`, `needs` and `vars`.",
    ),
    "duplicate-id": Words(
        "Two steps of the job have the id `{id}`, so GitHub rejects the whole file.",
        'Give the step "{step}" another one:',
        "id: {better}",
    ),
    "unknown-need": Words(
        "The job `{job}` needs `{need}`, but this workflow has no such job, so GitHub rejects the whole file.",
        "{replace}",
    ),
    "circular-needs": Words(
        "These jobs wait for each other: {circle}. GitHub rejects the whole file.",
        "Remove `{need}` from the `needs:` of the job `{job}`.",
    ),
    # the login step
    "no-version": Words(
        "`uses: {uses}` has no version, so GitHub rejects the whole file.",
        "Add the version after an `@`, such as:",
        "uses: {uses}@v1",
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
    "other-audience": Words(
        "The audience `{audience}` belongs to {service}. The Hub at {hub} does not accept an ID token for another "
        "service, and the login refuses to send it.",
        "Remove the input `audience`: the audience is then the Hub's URL.",
    ),
    "own-audience": Words(
        "The audience is `{audience}`, and {hub} only accepts ID tokens for its own URL.",
        "Remove the input `audience`: the audience is then the Hub's URL.",
    ),
    "id-token-written-out": Words(
        "The file contains an ID token, in the input `id-token`. An ID token is valid for only minutes, and anyone who "
        "reads it can use it.",
        "Remove the line: on GitHub, the action requests its own ID token.",
    ),
    # triggers
    "pull-request": Words("`{event}` starts this job for {runs}. {because}", "{how}", "{lines}"),
    "never-reached": Words(
        "No event in `on:` reaches the login of the job `{job}`: a condition (`if:`) is never true, the job needs a "
        "job that is always skipped, or a step before the login always fails.",
        "Change the condition or the step, or add the event to `on:`.",
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
        "Leave Branch empty on the Hub. The Hub then trusts this workflow file on every branch and tag, even if a "
        "branch changes the file. To trust less, add a publisher with the issuer's URL and the raw claims "
        "`repository` and `ref` (for one tag) or `environment` (if it has protection rules).",
    ),
    "tags-and-branches": Words(
        "This workflow runs for branches and for tags ({events}). A tag is not on a branch, so a publisher with a "
        "branch refuses the runs for tags.",
        "Publish only from the branch or only from tags. Or leave Branch empty on the Hub, which then trusts every "
        "branch and tag. To publish only from the branch, add a condition. {how}",
        "{lines}",
    ),
    "tags-and-dispatch": Words(
        "This workflow runs for tags ({events}), and {chosen} runs on the branch or tag that is chosen. No branch on "
        "the Hub fits both.",
        "Leave Branch empty on the Hub, or publish only from tags. {how}",
        "{lines}",
    ),
    "any-ref": Words(
        "`{event}` may run on any branch or tag. A publisher with a branch accepts only that branch.",
        "Run the job only on the branch of the publisher. {how}",
        "{lines}",
    ),
    "default-branch": Words(
        "{events} runs on the default branch. If that is not {branch}, a publisher with the branch {branch} refuses "
        "these runs.",
    ),
    "merge-queue": Words(
        "`merge_group` starts this job on the temporary branch of a merge queue, which a publisher cannot name.",
        "Skip the job in the merge queue. {how}",
        "{lines}",
    ),
    "several-branches": Words(
        "This job runs on several branches ({branches}). A publisher names one branch, and refuses the others.",
        "Choose the branch that publishes, in this file and on the Hub. {how}",
        "{lines}",
    ),
    "untrusted-code": Words(
        'For `{event}`, the step "{step}" brings files of a pull request into this job. Anyone can open one, even from '
        "a fork. Its code then runs in a job with your identity: it can take the token, and publish what it likes.",
        "Let only people that you trust start the job. {how}",
        "{lines}",
    ),
    "untrusted-input": Words(
        'The step "{step}" puts `{expression}` into its script. Anyone can write that text (`{event}`). It can '
        "contain commands that take the token or publish in your name.",
        "Pass it as an environment variable instead, and use that in the script:",
        "env:\n  TEXT: ${{{{ {expression} }}}}",
    ),
    "anyone-starts": Words(
        "Anyone can trigger `{event}` in a public repository, and so start this job, which publishes in your name.",
        "Let only people that you trust start the job. {how}",
        "{lines}",
    ),
    # the token after the login
    "own-exchange": Words("{where} sets HF_OIDC_RESOURCE, so huggingface_hub logs in by itself, without this action."),
    "token-ignored": Words(
        "{where} sets HF_OIDC_RESOURCE, so huggingface_hub logs in by itself and ignores the token of the login step.",
        "Remove either HF_OIDC_RESOURCE or the login step: one of them is enough.",
    ),
    "token-across-jobs": Words(
        "The job's output `{output}` contains the token. GitHub drops outputs that contain a secret, so other jobs get "
        "an empty string.",
        "Remove this output. Log in again in each job that needs a token: add the login step and the permission there.",
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
    "token-before-login": Words(
        'The step "{step}" uses the token before the login (line {line}), so it has none.',
        "Move the login step before this step.",
    ),
    "token-before-wait": Words(
        'The step "{step}" uses the token of a login in the background (line {line}), but no step waits for that login '
        "first. Until then, the token is not set.",
        "Add this step before it:",
        "- wait: {id}",
    ),
    "parallel-logins": Words(
        'The step "{step}" logs in beside another login (line {line}), and both set {names} for later steps. GitHub '
        "keeps only the value that it reads last, which may be that of either login.",
        "Log in once for both, with a variable for each token, and pass the right one to each later step:",
        "{lines}",
    ),
    "login-without-id": Words(
        'The step "{step}" reads an output of `steps.{id}`, but no step of this job has the id `{id}`. The output is '
        "an empty string.{so}",
        "{how}",
        "{lines}",
    ),
    "no-token-in-job": Words(
        'The job `{job}` does not log in and has no token, so `{what}` in the step "{step}" fails. The token of '
        "another job does not reach this one.",
        "Log in in this job too: give it `id-token: write`, and add this step before the step:",
        "- uses: org/hf-oidc-action@v1\n  with:\n    resource: {resource}",
    ),
    "token-not-exported": Words(
        'Nothing gives `{what}` in the step "{step}" a token: because of `export-env: false`, the login does not set '
        "HF_TOKEN.",
        "Pass the token to the step through the `id:` of the login step. Or remove `export-env: false`.{needs_id}",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "token-under-another-name": Words(
        'Nothing gives `{what}` in the step "{step}" a token: it reads HF_TOKEN, but the login sets {names}.',
        "Pass the right one to the step:",
        "env:\n  HF_TOKEN: ${{{{ env.{name} }}}}",
    ),
    "token-of-other-steps": Words(
        'Nothing gives `{what}` in the step "{step}" a token: this job only logs in for other steps.',
        "Log in for this step too:",
        "{lines}",
    ),
    "authenticated-never": Words(
        "The {who} never runs. Its condition compares `{output}`, a string, with a value that is not a string. GitHub "
        "then compares numbers, and `true` is not equal to `'true'`.",
        "Compare it with a string:",
        "if: {output} == 'true'",
    ),
    "authenticated-always": Words(
        "The condition of the {who} uses `{output}` as true or false. It is a string, and `'false'` counts as true, "
        "too.",
        "Compare it with a string:",
        "if: {output} == 'true'",
    ),
    "token-unchecked": Words(
        'The step "{step}" needs the token, but the job continues without one if the login fails (`on-error: warn` or '
        "`continue-on-error`).",
        "Run the step only if the login succeeded.{needs_id} Its condition:",
        "{lines}",
    ),
    "runs-after-failed-login": Words(
        'The step "{step}" needs the token, but also runs if the login failed, because of its condition `{condition}`.',
        "Run the step only if the login succeeded.{needs_id} Its condition:",
        "{lines}",
    ),
    "login-skipped": Words(
        'The step "{step}" needs the token, but for {runs} the login (line {line}) is skipped: its condition is '
        "`{condition}`.",
        "Run the step only if the login runs. Its condition:",
        "{lines}",
    ),
    # what the token is for
    "missing-prefix": Words(
        'The login is for the {from}, but `{what}` in the step "{step}" writes to the {to}. The Hub refuses that.',
        "Write:",
        "{lines}",
    ),
    "missing-repo-type": Words(
        'The login is for the {from}, but `{what}` in the step "{step}" writes to the {to}. The Hub refuses that.',
        "If the step should write to the {kind}, add:",
        "{lines}",
    ),
    "other-repository": Words(
        '`{what}` in the step "{step}" writes to the {to}, but its token is only for the {from}. The Hub refuses that.',
        "To write to it: {how}",
        "{lines}",
    ),
    "login-replaced": Words(
        '`{what}` in the step "{step}" writes to the {to}, but a later login has replaced HF_TOKEN with a token for '
        "the "
        "{from}. The Hub refuses that.",
        "Pass the token of the first login to the step:{needs_id}",
        "env:\n  HF_TOKEN: ${{{{ steps.{id}.outputs.token }}}}",
    ),
    "user-cannot-write": Words(
        'The login is for the user `{resource}`, so its token can only read. `{what}` in the step "{step}" writes to '
        "the {to}.",
        "Log in for that repository:",
        "{lines}",
    ),
    "beyond-the-token": Words(
        '`{what}` in the step "{step}" fails: a token for a single repository cannot {beyond}.',
        "Do it once by hand, or with a stored token.",
    ),
    "git-without-token": Words(
        '`{what}` in the step "{step}" asks for a user name, and fails: git does not read HF_TOKEN, and the login '
        "does not set up git.",
        "Under the `with:` of the login step (line {line}), add:",
        'git-credentials: "true"',
    ),
    "shallow-push": Words(
        '`{what}` in the step "{step}" pushes this checkout, which does not have the older commits. The Hub rejects '
        "such a push: `shallow update not allowed`.",
        "Under the `with:` of the checkout, write:",
        "fetch-depth: 0",
    ),
    "login-asks-for-user": Words(
        'The step "{step}" runs `{what}` after the login. That command asks the Hub which user the token belongs to. '
        "The token of a repository belongs to no user, so the command fails.",
        "{how}",
        "{lines}",
    ),
    "token-expires": Words(
        'The token is valid for an hour from the login (line {line}), but the step "{slow}" may run for {limit} before '
        'the step "{step}" uses it.',
        "Log in after that step. Or let `hf-oidc` renew the token while a command runs:",
        "hf-oidc run --keep-fresh {resource} -- COMMAND",
    ),
    # stored tokens
    "token-replaced": Words(
        'The step "{step}" sets {name} from the secret `{secret}`, which replaces the token of the login. {needed}',
        "{how}{needs_id}",
        "{lines}",
    ),
    "secret-remains": Words(
        "{subject} {puts}. {needed}",
        "{how}{needs_id}",
        "{lines}",
    ),
    "secret-passed": Words(
        "{subject} {puts}. That workflow logs in by itself, so the secret is no longer needed there.",
        "{how} Remove it there, too, from `on.workflow_call.secrets`.",
    ),
    "secret-ignored": Words(
        "{subject} {puts}. huggingface_hub ignores it, because HF_OIDC_RESOURCE is set: then it logs in by itself.",
        "{how}",
        "{lines}",
    ),
    "secret-needed": Words(
        "{subject} {puts}. It is still needed: a token for a single repository cannot {beyond}.",
    ),
    "secret-for-another": Words(
        "{subject} {puts}. It is still needed: this is for the {target}, and the login is for {resource}.",
        "To replace it, remove it, and {how}",
        "{lines}",
    ),
    "secret-falls-back": Words(
        "{subject} {puts} only if another value is empty.",
        "If every run can log in, remove it.",
    ),
    "secret-shared": Words(
        "{subject} {puts}. The job `{job}`, which does not log in, may still need it.",
        "Log in in that job too, and remove the line.",
    ),
    "secret-in-use": Words(
        "The job `{job}` uses a stored token of the Hub, the secret `{secret}`. The token of a login is for one "
        "repository, and this file does not show which one to take.",
        "A login can replace it. To publish to one repository, log in for that repository. To read gated models, log "
        "in for a user. `hf-oidc doctor {file} --migrate --resource NAME` shows the changes.",
    ),
    "secret-reads": Words(
        "The job `{job}` reads {resource} from the Hub with a stored token, the secret `{secret}`.",
        "To read a public repository, no token is needed. To read a private one of yours, log in for it.{how} To read "
        "another user's gated repository, log in for a user.",
    ),
    "migrate-permissions": Words(
        "The job `{job}` uses a stored token. To log in for {resource} without one, it needs the permission to request "
        "an ID token.",
        "{how}",
        "{lines}",
    ),
    "called-not-migrated": Words(
        "The job `{job}` calls {called}, which uses a stored token for {resource}.",
        "First let that workflow log in: `hf-oidc doctor {called} --migrate` shows how. Pass no secret to it any "
        "longer, and give the job `{job}` these permissions, next to its `uses:`:",
        "{lines}",
    ),
    "migrate-login": Words(
        'The job `{job}` does not log in. The step "{step}" needs a token for {resource}.',
        "Add the login before this step. `hf-oidc doctor {file} --migrate` shows all changes.",
        "{lines}",
    ),
    "migrate-secret": Words(
        "{subject} {puts}. After a login it is no longer needed for {resource}.",
        "{how}{needs_id}",
        "{lines}",
    ),
    "needs-linux": Words(
        "The action needs a Linux runner with Docker, but this job runs on {runner}.",
        "Use `runs-on: ubuntu-latest`. Or use the variant that needs no Docker:",
        "uses: {uses}",
    ),
}
NO_ID_TOKEN = "GitHub gives no ID token to pull requests from forks and from Dependabot, so the login fails."
BECAUSE = {
    "job": "its `permissions:` {written}.",
    "workflow": "the `permissions:` at the top of the file {written}, and the job has no `permissions:`.",
    "nowhere": "there are no `permissions:`, and GitHub does not grant this one by default.",
    # why runs of pull requests cannot log in
    "no-id-token": NO_ID_TOKEN,
    "own": "They do not run on a branch until they are merged, so a publisher with a branch refuses them.",
    "no-branch": f"{NO_ID_TOKEN} Other pull requests do not run on a branch until they are merged, so a publisher with "
    "a branch refuses them.",
}
# Whether a secret is needed after the login.
NEEDED = {
    "": "The secret is no longer needed for {resource}, because the login gets a token.",
    "maybe": "The secret is no longer needed for {resource}, because the login gets a token. It may still be needed "
    "for something else: this file does not show what the step does with it.",
}
# What is written instead of `id-token: write`.
WRITTEN = {
    "": "lack `id-token: write`, and GitHub denies every permission that they do not name",
    "empty": "are `{{}}`, which denies every permission",
    "read-all": "are `read-all`, which only lets it read. An ID token needs `id-token: write`",
}
OTHER_WRITTEN = "have `{written}`, and only `id-token: write` lets it request one"
# What to do if nothing similar is known.
OTHERWISE = {
    "unknown-key": "Remove it, with the lines under it. If an alias (`*name`) uses them, write them out there.",
    "unknown-scope": "Remove it.",
    "input-not-declared": "Remove it from `with:`, or declare it there under `on.workflow_call.inputs`.",
    "unknown-need": "Remove it from `needs:`.",
}
HOW = {
    "add": "Next to the job's `runs-on:` or `uses:`, add:",
    "replace": "Replace the job's `if:` with:",
    "and": "In the job's `if:`, also require:",
    "push": "Start the job by a push to the branch that publishes instead:",
    "merge": "Publish after the merge: let a push to the branch that publishes start the job.",
    "warn": "Let the job continue without a token there. Under the `with:` of the login step, add:",
    # an id that no step has
    "id-add": "Give the login step (line {line}) this line:",
    "id-rename": "The login step (line {line}) has another id. Write:",
    "id-elsewhere": "It is in another job, and GitHub passes no token to this one: log in in the job `{job}` too.",
    # another repository
    "both-login": "log in for both. In the login step, and in the step on line {line}, write:",
    "both-second": "log in for both. Before the step on line {line}, add a login, and in that step, write the last "
    "lines:",
    "both-exchange": "set the variable for the step on line {line}:",
    "both-command": "log in for the repository that it writes to:",
    # a command that the login replaces
    "login-step": "Remove the step: huggingface_hub reads HF_TOKEN, which the login sets. If it was for git, add "
    '`git-credentials: "true"` to the login step.',
    "login-line": "Remove this line from the script: huggingface_hub reads HF_TOKEN, which the login sets. If it was "
    'for git, add `git-credentials: "true"` to the login step.',
    # what becomes of a secret
    "reads-one": " `hf-oidc doctor {file} --migrate --resource {resource}` shows the changes.",
    "remove-line": "Remove that line. If nothing else uses the secret, delete it on GitHub.",
    "remove-block": "Remove that line and the `env:` above it, which would be empty. If nothing else uses the secret, "
    "delete it on GitHub.",
    "remove-secrets": "Remove that line and the `secrets:` above it.",
    "remove-entry": "Remove `{name}` from that line. If nothing else uses the secret, delete it on GitHub.",
    "remove-step": "Remove the step. If nothing else uses the secret, delete it on GitHub.",
    "remove-from-script": "Remove this line from the script. If nothing else uses the secret, delete it on GitHub.",
    "remove-test": "Remove that line, and take `env.{name}` out of each condition (`if:`) that names it: a login needs "
    "no secret. Where the login may fail, as for pull requests from forks, set `on-error: warn`, and require "
    "`steps.hf.outputs.authenticated == 'true'` (with `id: hf` at the login step).",
    "remove-and-export": "Remove that line, and `export-env: false` from the login step (line {line}).",
    "remove-and-give": "Remove that line. In the steps that use the variable, write:",
    "write": "Write instead:",
    "write-git": "Under the `with:` of the login step (line {line}), add `git-credentials: true`. Write instead:",
    "secret-run": "Run the command that uses it with `hf-oidc run RESOURCE -- COMMAND`.",
    # permissions
    "scope": "Add this line to the `permissions:` of the job:",
    "permissions-add": "The job then has no other permissions: also name what else its steps need, such as "
    "`packages: write`. Next to the job's `runs-on:`, add:",
    "permissions-replace": "Replace the job's `permissions:` with:",
}
SUBJECTS = {"workflow": "The workflow", "job": "The job", "step": 'The step "{step}"'}
PUTS = {
    "env": "sets {name} from the secret `{secret}`",
    "input": "sets its input `{name}` from the secret `{secret}`",
    "export": "sets {name} in its script from the secret `{secret}`",
    "option": "passes the secret `{secret}` to a command as `{name}`",
    "git-url": "puts the secret `{secret}` into git's URL",
    "header": "sends the secret `{secret}` in a header",
    "script": "puts the secret `{secret}` into its script",
    "called-workflow": "passes the secret `{secret}` to the workflow that it calls",
    "inherited": "passes all secrets to the workflow that it calls",
}


def words(finding: WorkflowFinding) -> Words:
    """Returns what to say about `finding`."""
    given = finding.facts.get("written", "")
    written = WRITTEN.get(given, OTHER_WRITTEN).format(written=given)
    because = BECAUSE.get(finding.facts.get("where") or finding.facts.get("why", ""), "").format(written=written)
    facts = {**finding.facts, "because": because}
    facts["how"] = HOW.get(facts.get("how", ""), "").format_map({"line": "", "job": "", "name": "", **facts})
    facts["subject"] = SUBJECTS.get(facts.get("place", ""), "").format_map(facts)
    facts["puts"] = PUTS.get(facts.get("way", ""), "").format_map(facts)
    facts.setdefault("needs_id", "")
    facts["needed"] = NEEDED.get(facts.get("needed", ""), "").format_map({"resource": "", **facts})
    suggestion = finding.facts.get("suggestion")
    inputs = f"Its inputs are {facts.get('known', '')}."
    otherwise = (
        "Write namespace/name, datasets/namespace/name or spaces/namespace/name." if "problem" in facts else inputs
    )
    facts["suggest"] = f"Did you mean `{suggestion}`?" if suggestion else otherwise
    better = finding.facts.get("better")
    facts["replace"] = f"Write `{better}`." if better else OTHERWISE.get(finding.code, "")
    found = template(finding.code)
    return Words(*(part.format_map(facts) for part in (found.what, found.do, found.lines)))


def template(code: str) -> Words:
    """Returns the sentences about a finding, with the `{names}` of its facts in them."""
    return WORDS.get(code) or Words(*GITLAB_WORDS[code])
