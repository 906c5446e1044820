"""Checks the stored tokens of the Hub in a job: which a login makes superfluous, and which are still needed, and why.

`stored_secrets` finds them. In a job that does not log in yet, it says by line what to change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.findings import Severity, WorkflowFinding
from hf_oidc.doctor.workflow.login.permissions import advised, effective, logs_in
from hf_oidc.doctor.workflow.login.step import NO_DOCKER, resource_variables
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.structure import REUSABLE, shown_reference
from hf_oidc.doctor.workflow.token.hub_commands import STORES_TOKEN, TOKEN_VARIABLES
from hf_oidc.doctor.workflow.token.hub_target import Target
from hf_oidc.doctor.workflow.token.login_outcome import condition_line
from hf_oidc.doctor.workflow.token.script import RUNNER, shell_of
from hf_oidc.doctor.workflow.token.source import Login, TokenUse, logins_of, token_uses
from hf_oidc.doctor.workflow.token.stored_secrets import SECRET, StoredSecret, is_test, stored_secrets
from hf_oidc.doctor.workflow.token.targets import named_in_all_rows, uses_of
from hf_oidc.doctor.workflow.token.use import described, for_both, outputs_in
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

MAX_LINE = 200
VARIABLES = {"sh": "${}", "powershell": "$env:{}", "cmd": "%{}%", "python": 'os.environ["{}"]'}
# A line that only sets a variable, and one that only stores the token.
SETS_A_VARIABLE = re.compile(
    r"(export\s+|set\s+\"?|\$env:|echo\s+[\"']?)?\w+\s*=\s*[\"']?\$\{\{[^}]*\}\}[\"']?(\s*>>.*)?", re.DOTALL
)
ONLY_STORES = re.compile(rf"{RUNNER}{STORES_TOKEN}[^&|;]*")
PYTHON_CALL = re.compile(r"\b(login|HfApi|\w+\.\w+|\w*(upload|download|push|create)\w*)\(.*\$\{\{")
# Findings about a stored token that says why it stays.
NEEDED = {"secret-needed", "secret-for-another", "secret-in-use", "secret-reads", "secret-shared"}
QUOTED = r"[\"']?\$\{\{[^}]*\}\}[\"']?"


class _Job:
    """A job with its uses of the Hub and its logins, in all rows of the matrix.

    `exchanges`: huggingface_hub logs in by itself in all steps. `exchanging`: the steps that set HF_OIDC_RESOURCE.
    """

    def __init__(self, workflow: Workflow, job: Job, logins: Sequence[Login] | None = None) -> None:
        self.workflow, self.job = workflow, job
        rows = uses_of(workflow, job)
        self.rows = [[*token_uses(job, row)] for row in rows]
        self.uses = [each for row in self.rows for each in row]
        self.logins = tuple(logins or logins_of(job, rows[0]))
        self._in_all_rows = logins or [each for row in rows for each in logins_of(job, row)]
        self.positions = {id(step): at for at, step in enumerate(job.steps)}
        of_logins = (self.positions.get(id(each.outer)) for each in self.logins)
        self.first_login = min((at for at in of_logins if at is not None), default=-1)
        variables = list(resource_variables(workflow, job))
        self.outputs = outputs_in(job)
        self.exchanges = any(each.step is None for each in variables)
        self.exchanging = {id(each.step) for each in variables if each.step}
        self._of_step: dict[int, list[TokenUse]] = {}
        for each in self.uses:
            for step in {id(each.of_step.step), id(each.of_step.outer)}:
                self._of_step.setdefault(step, []).append(each)
        self._of_secrets = [each for each in self.uses if each.source.kind == "secret"]

    @property
    def resources(self) -> list[Resource]:
        """What its tokens are for, as far as this is known."""
        found = [each for login in self._in_all_rows for each in login.tokens.values() if each]
        own = (each.source for each in self.uses if each.source.kind in {"exchange", "command"})
        found += [source.resource for source in own if source.resource]
        return list(dict.fromkeys(found))

    def index_of(self, step: Step | None) -> int:
        """The number of a step that uses the Hub, else -1."""
        return next((each.index for each in self._of_step.get(id(step), ()) if each.of_step.step is step), -1)

    def uses_with(self, secret: StoredSecret) -> list[TokenUse]:
        """The uses of the Hub that may have their token from `secret`."""
        if secret.step is None:
            return self._of_secrets
        return [each for each in self._of_step.get(id(secret.step), ()) if each.source.kind in {"secret", "unknown"}]


def check_secrets(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds stored tokens of the Hub in `job`."""
    secrets = stored_secrets(workflow, job)
    if not secrets:
        return
    found = _Job(workflow, job)
    if not logs_in(workflow, job):
        if not job.calls:  # a job that calls a workflow has no steps, so no place for a login
            yield from _not_migrated(found, secrets)
        return
    first = next(each for each in workflow.jobs if logs_in(workflow, each))
    resources = found.resources
    for secret in secrets:
        if secret.level != "workflow" or job is first:
            yield from _remaining(found, secret, resources)


def check_passed(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds stored tokens that `job` passes to a workflow which logs in by itself, or which cannot be read."""
    called = job.called
    passed = [each for each in stored_secrets(workflow, job) if each.way == "called-workflow"] if job.calls else []
    if not called:
        for secret in passed if REUSABLE.fullmatch(job.calls) else ():
            facts = {**_facts(secret), "called": shown_reference(job.calls)}
            yield _finding("secret-passed-elsewhere", "note", secret, facts)
        return
    if not passed or not any(logs_in(called, inner) for inner in called.jobs):
        return
    inside = {finding.code for inner in called.jobs for finding in check_secrets(called, inner)}
    for secret in passed if not inside & NEEDED else ():
        how = "remove-line" if secret.inline or not secret.alone else "remove-secrets"
        yield _finding("secret-passed", "warning", secret, {**_facts(secret), "how": how})


def _remaining(found: _Job, secret: StoredSecret, resources: Sequence[Resource]) -> Iterator[WorkflowFinding]:
    """Finds whether `secret` is still needed in a job that logs in."""
    uses = found.uses_with(secret)
    target = next((each.use.target for each in uses if each.use.target), None)
    facts = {**_facts(secret), "resource": ", ".join(map(str, resources)) or "the repository of the login"}
    beyond = next((each.use.beyond for each in uses if each.use.beyond), "")
    others = ((each.use.target, each.of_step.step) for each in uses if each.use.target)
    other = next(((each, step) for each, step in others if resources and not any(map(each.may_be, resources))), None)
    # Another job without a login may need a secret of the whole workflow.
    without = (job for job in found.workflow.jobs if job is not found.job and not logs_in(found.workflow, job))
    sharing = (job for job in without if any(each.uses for row in uses_of(found.workflow, job) for each in row.steps))
    shared = next(sharing, None) if secret.level == "workflow" else None
    exchanges = found.exchanges or id(secret.step) in found.exchanging
    if exchanges and secret.name in TOKEN_VARIABLES and secret.way in {"env", "export"}:
        yield _finding("secret-ignored", "warning", secret, {**facts, **_removal(secret)})
    elif beyond:
        yield _finding("secret-needed", "note", secret, {**facts, "beyond": beyond})
    elif other:
        target, step = other
        own = {"how": "both-exchange", "lines": f"env:\n  HF_OIDC_RESOURCE: {target}"}
        facts |= {"target": described(target), "line": str(step.line)}
        facts |= for_both(found.logins[0], target, step, found.outputs) if found.logins else own
        yield _finding("secret-for-another", "note", secret, facts)
    elif found.positions.get(id(secret.step), len(found.positions)) < found.first_login and not uses:
        # What it is for is not known, and there is no other token yet.
        yield _in_use(found, secret)
    elif secret.falls_back:
        yield _finding("secret-falls-back", "note", secret, facts)
    elif shared:
        yield _finding("secret-shared", "note", secret, {**facts, "job": sanitize_line(shared.key, 80)})
    else:
        replaced = secret.level == "step" and secret.way == "env" and secret.name in TOKEN_VARIABLES
        # A program that is not known may use the secret for something else.
        is_known = secret.step is None or any(each.use.right != "variable" for each in uses)
        facts |= {"needed": "" if is_known else "maybe", **_edit(found, secret, target)}
        yield _finding("token-replaced" if replaced else "secret-remains", "warning", secret, facts)


def _not_migrated(found: _Job, secrets: Sequence[StoredSecret]) -> Iterator[WorkflowFinding]:
    """Says by line what to change in a job that does not log in yet."""
    workflow, job = found.workflow, found.job
    stored = [each for each in found.uses if each.source.kind in {"secret", "unknown"}]
    written = [each for each in stored if each.use.right == "write"]
    targets = list(dict.fromkeys(each.use.target for each in written if each.use.target and each.use.target.kind))
    beyond = next((each.use.beyond for each in stored if each.use.beyond), "")
    # Each row of a matrix is a job with a login of its own.
    alike = any(set(targets) <= {each.use.target for each in row} for row in found.rows)
    computed = _computed(workflow, job, written) if len(targets) > 1 and not alike else ""
    if beyond or not targets or not (alike or computed):
        yield _in_use(found, secrets[0], beyond)
        return
    # Another secret may be for something else, such as a gated model.
    of_writes = {secret.secret for secret in secrets if any(each in written for each in found.uses_with(secret))}
    replaced = [
        (secret, named)
        for secret in secrets
        if (not of_writes or secret.secret in of_writes) and not secret.falls_back
        if set(named := [each.use.target for each in found.uses_with(secret) if each.use.target]) <= set(targets)
    ]
    needing = {id(secret.step) for secret, _ in replaced} | {id(each.of_step.outer) for each in written}
    first = next(step for step in job.steps if id(step) in needing)
    names = ", ".join(map(str, targets))
    facts = {"job": sanitize_line(job.key, 80), "file": workflow.place, "step": first.label, "resource": names}
    if effective(((workflow, job),)).id_token != "granted":
        line, change = _permissions(workflow, job)
        yield WorkflowFinding("migrate-permissions", "warning", line, {**facts, **change})
    resources = {"HF_TOKEN": None} if computed else {_variable(target, targets): target for target in targets}
    with_git = any(each.use.what.startswith("git ") for each in written)
    # The login runs where the steps that need it run: in other runs, such as for pull requests, it would fail.
    is_alike = {each.of_step.outer.condition for each in written} == {first.condition}
    requested = {name: computed or str(target) for name, target in resources.items()}
    lines = _login_step(job, requested, first.condition if is_alike else "", with_git=with_git)
    yield WorkflowFinding("migrate-login", "warning", first.line, {**facts, "lines": lines})
    tokens = {name: target.resource if target else None for name, target in resources.items()}
    planned = _Job(workflow, job, [Login(first, first, -1, 0, tokens, git=with_git)])
    for secret, named in replaced:
        if secret.level == "step" and len(targets) > 1 and len(set(named)) != 1 and not computed:
            yield _in_use(found, secret)
        else:
            change = _edit(planned, secret, next(iter(named), None))
            yield _finding("migrate-secret", "warning", secret, {**facts, **_facts(secret), **change})


def _in_use(found: _Job, secret: StoredSecret, beyond: str = "") -> WorkflowFinding:
    """A stored token that no login of the file replaces: its purpose is not known, or it only reads.

    `beyond`: what it does that the token of a login cannot do.
    """
    facts = {**_facts(secret), "beyond": beyond, "job": sanitize_line(found.job.key, 80)}
    facts["file"] = found.workflow.place
    stored = [each.use for each in found.uses if each.source.kind in {"secret", "unknown"}]
    read = dict.fromkeys(use.target for use in stored if use.right == "read" and use.target and use.target.kind)
    if beyond or not read or any(use.target not in read for use in stored):
        return _finding("secret-needed" if beyond else "secret-in-use", "note", secret, facts)
    facts["resource"] = sanitize_line(", ".join(map(str, read)), MAX_LINE)
    return _finding("secret-reads", "note", secret, {**facts, "how": "reads-one" if len(read) == 1 else ""})


def _computed(workflow: Workflow, job: Job, written: Sequence[TokenUse]) -> str:
    """The repository as the file computes it, if each row of the matrix writes to one of its own; else empty."""
    steps = {id(each.of_step.step): each.of_step.step for each in written}
    if len(steps) != 1:
        return ""
    step, rows = next(iter(steps.values())), uses_of(workflow, job)
    targets = [tuple(dict.fromkeys(str(use.target) for use in row.of(step) if use.right == "write")) for row in rows]
    return sanitize_line(named_in_all_rows((workflow.env, job.env), step, rows, targets), MAX_LINE)


def _login_step(job: Job, resources: Mapping[str, str], condition: str, *, with_git: bool) -> str:
    native = "/native" if any(map(NO_DOCKER.match, job.runs_on)) else ""
    requests = [f"      {name}={target}" for name, target in resources.items()]
    named = (
        [f"    resource: {next(iter(resources.values()))}"] if len(resources) == 1 else ["    resource: |", *requests]
    )
    git = ["    git-credentials: true"] if with_git else []
    # What is in these may be the secret that goes, or a variable of the step.
    is_bound = re.search(r"\b(env|secrets)\b", condition) is not None
    when = [f"  {condition_line(condition)}"] if condition and not is_bound else []
    return "\n".join([f"- uses: org/hf-oidc-action{native}@v1", *when, "  with:", *named, *git])


def _facts(secret: StoredSecret) -> dict[str, str]:
    return {
        "place": secret.level,
        "step": secret.step.label if secret.step else "",
        "way": secret.way,
        "name": sanitize_line(secret.name, 60),
        "secret": secret.secret,
    }


def _removal(secret: StoredSecret) -> dict[str, str]:
    if secret.way == "env":
        how = "remove-block" if secret.alone and not secret.inline else "remove-line"
        return {"how": "remove-entry" if secret.inline and not secret.alone else how, "lines": ""}
    return {"how": "remove-from-script", "lines": sanitize_line(secret.text, MAX_LINE)}


def _edit(found: _Job, secret: StoredSecret, target: Target | None) -> dict[str, str]:
    """What to write instead of a secret, so that the token of the login is used."""
    index = found.index_of(secret.step)
    before = [login for login in found.logins if index < 0 or login.index < index]
    login = before[-1] if before else found.logins[0] if found.logins else None
    if login is None:
        own = (found.exchanges or found.exchanging) and secret.name in (*TOKEN_VARIABLES, "--token")
        # All commands get their token from `hf-oidc run` or `env`.
        unused = secret.step is None and secret.name in TOKEN_VARIABLES and not found.uses_with(secret)
        return _removal(secret) if own or unused else {"how": "secret-run", "lines": ""}
    name = next((name for name, each in login.tokens.items() if each and target and target.may_be(each)), "")
    name = name or ("HF_TOKEN" if "HF_TOKEN" in login.tokens else next(iter(login.tokens), "HF_TOKEN"))
    step_id = sanitize_line(login.step.id or "hf", 60)
    output = (
        f"steps.{step_id}.outputs.token"
        if len(login.tokens) == 1
        else f"fromJSON(steps.{step_id}.outputs.tokens).{name}"
    )
    value = f"${{{{ env.{name} }}}}" if login.exports else f"${{{{ {output} }}}}"
    facts = {"needs_id": "", "lines": ""}
    if not before and index >= 0:
        facts["needs_id"] = f" First move the login step (line {login.step.line}) before this step."
    if not login.exports and not login.step.id:
        facts["needs_id"] += f" Give the login step (line {login.step.line}) the line `id: hf`."
    if secret.way == "env":
        return {**facts, **_edit_of_env(secret, login, name, value)}
    if secret.way == "input":
        return {**facts, "how": "write", "lines": f"{sanitize_line(secret.name, 60)}: {value}"}
    return {**facts, **_edit_of_script(found.job, secret, login, name, value)}


def _edit_of_env(secret: StoredSecret, login: Login, name: str, value: str) -> dict[str, str]:
    if is_test(secret.text):
        return {"how": "remove-test"}
    given = f"{sanitize_line(secret.name, 60)}: {value}"
    if secret.name in TOKEN_VARIABLES and login.exports and name == "HF_TOKEN":
        return _removal(secret)
    if secret.level == "step":
        return {"how": "write", "lines": given}
    if secret.name in TOKEN_VARIABLES and login.exports is False:
        return {"how": "remove-and-export", "line": str(login.step.line)}
    return {"how": "remove-and-give", "lines": f"env:\n  {given}"}


def _edit_of_script(job: Job, secret: StoredSecret, login: Login, name: str, value: str) -> dict[str, str]:
    shell, text = shell_of(job, secret.step) if secret.step else "sh", secret.text
    own = login.exports and name == "HF_TOKEN"
    if secret.way == "git-url":
        written = re.sub(r"(https?://)(?:\$\{\{[^}]*\}\}|[^/\s@])*@", r"\1", text)
        how = "write" if login.git or not login.step.inputs else "write-git"
        return {"how": how, "lines": sanitize_line(written, MAX_LINE), "line": str(login.step.line)}
    sets = secret.way == "export" and secret.name in TOKEN_VARIABLES and SETS_A_VARIABLE.fullmatch(text)
    if own and (sets or ONLY_STORES.fullmatch(text)):
        script = [line for line in (secret.step.run if secret.step else "").splitlines() if line.strip()]
        return {
            "how": "remove-step" if len(script) == 1 else "remove-from-script",
            "lines": sanitize_line(text, MAX_LINE),
        }
    if secret.way == "option" and own and re.search(r"\b(hf|huggingface-cli)\s", text):
        written = re.sub(r"\s*--[\w-]*token(?:=|\s+)[\"']?\$\{\{[^}]*\}\}[\"']?", "", text)
    elif shell == "python" or PYTHON_CALL.search(text):
        variable = VARIABLES["python"].format(name if login.exports else "HF_TOKEN")
        written = f"import os\n{re.sub(QUOTED, lambda match: variable if SECRET.search(match[0]) else match[0], text)}"
    else:
        variable = VARIABLES[shell].format(name if login.exports else "HF_TOKEN")
        written = EXPRESSION.sub(lambda match: variable if SECRET.search(match[0]) else match[0], text)
    handed_over = "" if login.exports else f"\nenv:\n  HF_TOKEN: {value}"
    lines = "\n".join(sanitize_line(line, MAX_LINE) for line in written.splitlines())
    return {"how": "write", "lines": lines + handed_over}


def _variable(target: Target, targets: Sequence[Target]) -> str:
    """The variable for the token of one of several targets."""
    if len(targets) == 1:
        return "HF_TOKEN"
    same = [each for each in targets if each.kind == target.kind]
    number = f"_{same.index(target) + 1}" if len(same) > 1 else ""
    return f"{(target.kind or 'model').upper()}_TOKEN{number}"


def _permissions(workflow: Workflow, job: Job) -> tuple[int, dict[str, str]]:
    """The line of the permissions to change, and what to write. A job's own replace the workflow's."""
    if job.permissions.given and job.permissions.scopes:
        return job.permissions.line, {"how": "scope", "lines": "id-token: write"}
    how = "permissions-replace" if job.permissions.given else "permissions-add"
    return job.permissions.line or job.line, {"how": how, "lines": advised([(workflow, job)])}


def _finding(code: str, severity: Severity, secret: StoredSecret, facts: dict[str, str]) -> WorkflowFinding:
    return WorkflowFinding(code, severity, secret.line, facts, secret.step.file if secret.step else "")
