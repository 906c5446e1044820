"""Checks what a job does with the token of its logins: uses it too early, loses it, or uses it for another repository.

`source` knows which token a step has, and `targets` what it does. Conditions and secrets are in other modules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login.permissions import logs_in
from hf_oidc.doctor.workflow.login.step import (
    OUTPUTS,
    RESOURCE_VARIABLE,
    is_action,
    is_command,
    is_login,
    is_soft,
    login_steps,
    resource_variables,
)
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.token.hub_commands import STORES_TOKEN, TOKEN_VARIABLES
from hf_oidc.doctor.workflow.token.hub_target import PREFIX, Given, Target
from hf_oidc.doctor.workflow.token.lifetime import check_lifetime
from hf_oidc.doctor.workflow.token.login_outcome import check_conditions, check_outcome, check_skipped
from hf_oidc.doctor.workflow.token.script import Command, commands, shell_of
from hf_oidc.doctor.workflow.token.source import OUTPUT, Login, TokenUse, logins_of, token_uses
from hf_oidc.doctor.workflow.token.targets import JobUses, is_token_input, uses_of
from hf_oidc.doctor.workflow.yaml_text import Value, line_of
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

SETS = re.compile(rf"\b{RESOURCE_VARIABLE}=\S")
TOKENS = {"token", "tokens"}
FALLS_BACK = re.compile(r"\.outputs\.token\s{0,20}\|\|\s{0,20}(?:secrets|env|vars)\b", re.IGNORECASE)
Facts = dict[str, str]
Outputs = set[tuple[str, str]]  # the id of a step, and the name of its output; both in lower case
MAX_TOKENS = 200  # of a login, of which one may fit a use
# Of other jobs, which are searched for a login.
MAX_STEPS = 500
# Resources in the lines to copy.
MAX_SHOWN = 20
# A GitHub-hosted runner keeps nothing from an earlier job. Another runner may have a stored login.
HOSTED = re.compile(r"(ubuntu|macos|windows)-[\w.-]+")
# Of what a token for a single repository cannot do, this was seen to fail. `whoami` and others are not known.
REFUSED = re.compile(r"create a (repository|tag)|Space")
STORES = re.compile(rf"(\S*[\\/])?{STORES_TOKEN}")
STORES_IN_PYTHON = re.compile(
    r"^[ \t]*from huggingface_hub import [^\n]{0,200}?\blogin\b[^;]{0,2000}?^[ \t]*login\(", re.MULTILINE
)
# Commands that may leave the checkout, fetch its history, or push another repository.
OTHER_HISTORY = re.compile(
    r"\b(?:cd|pushd|clone|init|fetch|pull|subtree|worktree|filter\w{0,20}|commit-tree)\b|orphan|GIT_DIR|\s-C\b|--git-dir"
    r"|\brm\s+-\w{1,9}\s+\.git\b",
    re.IGNORECASE,
)
# `git lfs push` uploads files, and needs no history.
PUSHES_COMMITS = re.compile(r"\bgit\b(?!\s*lfs\b)[^\n;&|]{0,200}?\bpush\b")
# What may give git a user name and a password, or a header, for the Hub.
SETS_UP_GIT = re.compile(r"credential|netrc|header|askpass|insteadof|GIT_CONFIG|GITHUB_ENV|login|'\./", re.IGNORECASE)


def check_token_use(workflow: Workflow, job: Job, reachability: Reachability) -> Iterator[WorkflowFinding]:
    """Finds mistakes in `job`, whether it logs in or not."""
    logins = {step.id.lower(): step for step in job.steps if step.id and is_action(step)}
    for name, value in job.outputs.items():
        if any(output in TOKENS for _, output in references(value, set(logins))):
            facts = {"output": sanitize_line(name, 60), "job": sanitize_line(job.key, 80)}
            yield WorkflowFinding("token-across-jobs", "error", line_of(job.outputs, name), facts)
    for variable in resource_variables(workflow, job) if login_steps(job) else ():
        written = RESOURCE_VARIABLE in variable.step.env if variable.step else True
        scripted = variable.step.run.splitlines() if variable.step and not written else []
        for_later_steps = any("GITHUB_ENV" in line[found.end() :] for line in scripted if (found := SETS.search(line)))
        # Set for a single command beside a login, it may be meant so.
        if written or for_later_steps:
            yield WorkflowFinding("token-ignored", "warning", variable.line, {"where": variable.where}, variable.file)
    for step in job.steps:
        yield from _step(step, set(logins))
    yield from _references(workflow, job)
    yield from check_conditions(workflow, job)
    # The rows of a matrix mostly have the same mistakes, and so have the commands of a step.
    distinct: dict[tuple[str, int | None, str], WorkflowFinding] = {}
    for uses in uses_of(workflow, job):
        for finding in _in_row(workflow, job, uses, reachability):
            distinct.setdefault((finding.code, finding.line, finding.facts.get("target", "")), finding)
    yield from distinct.values()


def outputs_in(job: Job) -> Outputs:
    """Returns the outputs of steps that the steps of `job` use."""
    return references([[step.run, step.inputs, step.env] for step in job.steps])


def references(value: Value, ids: Collection[str] | None = None) -> set[tuple[str, str]]:
    """Returns the outputs of the steps `ids`, or of all steps, that expressions in `value` use: step and output.

    Both are in lower case: GitHub ignores the case.
    """
    if isinstance(value, list):
        return {found for item in value for found in references(item, ids)}
    if isinstance(value, Mapping):
        return {found for item in value.values() for found in references(item, ids)}
    return {(step_id, name) for step_id, name in _references_in(value) if ids is None or step_id in ids}


@lru_cache(maxsize=256)  # each use of the Hub in a script asks for the same script
def _references_in(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(
        (match["id"].lower(), (match["name"] or match["quoted"] or "").lower()) for match in OUTPUT.finditer(text)
    )


def _step(step: Step, ids: set[str]) -> Iterator[WorkflowFinding]:
    """Finds outputs that the action does not have, and tokens that an expression puts into a script."""
    for step_id, name in sorted(references([step.run, step.inputs, step.env, step.condition], ids)):
        if name not in OUTPUTS:
            facts = {"output": sanitize_line(name, 60), "id": step_id, "known": ", ".join(OUTPUTS)}
            yield WorkflowFinding("unknown-output", "error", step.line, {**facts, "step": step.label})
    scripted = sorted(step_id for step_id, name in references(step.run, ids) if name in TOKENS)
    if scripted:
        yield WorkflowFinding("token-in-script", "warning", step.line, {"step": step.label, "id": scripted[0]})


def _references(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds outputs of logins that come later, and outputs of a step with an id that no step has."""
    at = {step.id.lower(): index for index, step in enumerate(job.steps) if step.id}
    logins = [step for step in job.steps if is_action(step)]
    login = next((step for step in logins if not step.id), logins[0] if logins else None)
    for index, step in enumerate(job.steps):
        mentioned = references([step.run, step.inputs, step.env, step.condition])
        for step_id in sorted({each for each, name in mentioned if name in OUTPUTS}):
            facts = {"step": step.label, "id": sanitize_line(step_id, 60), "job": sanitize_line(job.key, 80)}
            elsewhere = islice((each for other in workflow.jobs for each in other.steps), MAX_STEPS)
            if step_id in at:
                if at[step_id] >= index and is_action(job.steps[at[step_id]]):
                    facts["line"] = str(job.steps[at[step_id]].line)
                    yield WorkflowFinding("token-before-login", "error", step.line, facts)
            elif login or any(other.id.lower() == step_id and is_action(other) for other in elsewhere):
                facts |= {"how": "id-add" if login and not login.id else "id-rename" if login else "id-elsewhere"}
                facts |= {"login": sanitize_line(login.id, 60), "line": str(login.line)} if login else {}
                facts["lines"] = (
                    f"id: {facts['id']}" if facts["how"] == "id-add" else f"steps.{facts['login']}" if login else ""
                )
                never = step_id in {each for each, _ in references(step.condition)}
                facts["so"] = " So the condition of this step is never true." if never else ""
                yield WorkflowFinding("login-without-id", "error", step.line, facts)


def _in_row(workflow: Workflow, job: Job, uses: JobUses, reachability: Reachability) -> Iterator[WorkflowFinding]:
    """Finds uses of the Hub without a token, with a token for another repository, or after a failed login."""
    logins, found = logins_of(job, uses), list(token_uses(job, uses))
    given = outputs_in(job)
    inside = (called for each in workflow.jobs if (called := each.called))
    others = islice(
        (step for each in chain((workflow,), inside) for other in each.jobs for step in other.steps), MAX_STEPS
    )
    without = not logins and any(each.source.kind == "none" for each in found)
    elsewhere = without and any(is_login(step) or is_command(step) for step in others)
    if without and logs_in(workflow, job):
        # The job logs in for other steps only: by a command, or by HF_OIDC_RESOURCE.
        exchanges = any(resource_variables(workflow, job))
        for each in found:
            step, target = each.of_step.step, each.use.target
            if each.source.kind == "none" and each.use.right == "write" and not each.of_step.checks:
                resource = str((target and target.resource) or "namespace/name")
                lines = f"env:\n  HF_OIDC_RESOURCE: {resource}" if exchanges else f"hf-oidc run {resource} -- COMMAND"
                facts = {"step": step.label, "what": each.use.what, "lines": lines}
                yield WorkflowFinding("token-of-other-steps", "warning", step.line, facts, step.file)
        return
    for each in found:
        source, use, step = each.source, each.use, each.of_step.step
        facts = {"step": step.label, "what": use.what, "target": str(use.target or "")}
        if source.kind == "none":
            yield from _without_token(job, logins, each, facts, given, elsewhere=elsewhere)
        elif source.kind == "pending" and source.login and use.right != "read":
            facts |= {"id": sanitize_line(source.login.step.id or "hf", 60), "line": str(source.login.step.line)}
            yield WorkflowFinding("token-before-wait", "error", step.line, facts, step.file)
        else:
            yield from _for_another(logins, each, dict(facts), given)
        if source.kind in {"login", "exchange", "command"} and REFUSED.search(use.beyond):
            yield WorkflowFinding("beyond-the-token", "warning", step.line, {**facts, "beyond": use.beyond}, step.file)
        if use.given == Given("git") and source.kind == "unknown" and use.right == "write":
            yield from _git_without_token(workflow, job, logins, each, facts)
        if use.what == "git push":
            yield from _shallow_push(job, uses, each, facts)
    yield from _parallel_logins(logins)
    yield from _asks_for_the_user(job, logins, uses)
    yield from _outcomes(workflow, job, logins, found, reachability)
    yield from check_lifetime(job, uses, found)


def _outcomes(
    workflow: Workflow, job: Job, logins: Sequence[Login], found: Sequence[TokenUse], reachability: Reachability
) -> Iterator[WorkflowFinding]:
    """Finds steps that need the token of a login, and also run if it has failed or is skipped."""
    by_id = {login.step.id.lower(): login for login in logins if login.step.id and login.outer is login.step}
    # Without a login, a variable of the job may hold another token.
    falls_back = any(name in env for name in TOKEN_VARIABLES for env in (workflow.env, job.env))
    needed = {
        (id(each.of_step.step), id(each.source.login)): (each.of_step.outer, each.of_step.step, each.source.login)
        for each in found
        if each.source.login and each.use.right != "read" and not each.of_step.checks
        if each.source.kind == "login" and not falls_back
    }
    for step in job.steps:
        # `${{ steps.hf.outputs.token || secrets.HF_TOKEN }}` is another token after a failed login.
        values = [value for value in (*step.inputs.values(), *step.env.values()) if not FALLS_BACK.search(str(value))]
        for step_id, name in sorted(references([step.run, values], set(by_id))):
            if name in TOKENS and is_soft(by_id[step_id].step):
                needed[id(step), id(by_id[step_id])] = (step, step, by_id[step_id])
    for outer, step, login in needed.values():
        if login.outer is login.step:
            yield from check_outcome(outer, login.step)
        # If the composite action of the step also logs in, the finding is about the step there, else about the job's.
        shown = step if login.outer is outer else outer
        yield from check_skipped(job, shown, step, (login.outer, login.step), reachability)


def _parallel_logins(logins: Sequence[Login]) -> Iterator[WorkflowFinding]:
    """Finds logins that run beside each other and set the same variables for later steps.

    What a background step writes to $GITHUB_ENV takes effect when a step waits for it, so of two values the one that
    is read last remains, in whatever order the logins ended (GitHub's page about background steps).
    """
    pending: dict[str, Login] = {}  # for each variable, the login before that sets it last
    for login in (each for each in logins if each.exports):
        # Each login counts the git settings that were there when it started, so both take the same numbers.
        names = [*login.tokens, *(["GIT_CONFIG_COUNT"] if login.git else [])]
        beside = {name: pending[name] for name in names if name in pending and pending[name].ready > login.index}
        lost = [
            name
            for name, other in beside.items()
            # One resource has two equally good tokens, and two conditions may exclude each other.
            if other.tokens.get(name) != login.tokens.get(name) or name not in login.tokens
            if len({other.step.condition, login.step.condition} - {""}) < 2
        ]
        if lost:
            other = beside[lost[0]]
            facts = {"step": login.step.label, "line": str(other.step.line)}
            facts |= {"names": sanitize_line(", ".join(lost), 200), "lines": _in_one_step(other, login)}
            yield WorkflowFinding("parallel-logins", "warning", login.step.line, facts, login.step.file)
        last = [name for name in names if name not in beside or login.ready >= beside[name].ready]
        pending |= dict.fromkeys(last, login)


def _in_one_step(first: Login, second: Login) -> str:
    """One login for the resources of both, with a variable for each."""
    named: dict[str, Resource | None] = {}
    for resource in islice(dict.fromkeys([*first.tokens.values(), *second.tokens.values()]), MAX_SHOWN):
        base = f"{resource.kind if resource else 'other'}_TOKEN".upper()
        named[base if base not in named else f"{base}_{len(named) + 1}"] = resource
    lines = "".join(f"    {name}={resource or 'namespace/name'}\n" for name, resource in named.items())
    git = "  git-credentials: true\n" if first.git or second.git else ""
    return f"with:\n  resource: |\n{lines}{git}".rstrip("\n")


def _git_without_token(
    workflow: Workflow, job: Job, logins: Sequence[Login], found: TokenUse, facts: Facts
) -> Iterator[WorkflowFinding]:
    """Finds a `git push` for which nothing in the job sets up git: git reads no HF_TOKEN, and asks for a user name."""
    step = found.of_step.step
    before = [login for login in logins if login.index < found.index and is_action(login.step) and login.exports]
    hosted = bool(job.runs_on) and all(map(HOSTED.fullmatch, job.runs_on))
    others = [[each.run, each.env, "" if is_action(each) else each.uses] for each in job.steps]
    # A composite action is not followed here: it may set up git.
    if not before or not hosted or "container" in job.block or SETS_UP_GIT.search(str([others, job.env, workflow.env])):
        return
    facts = {**facts, "line": str(before[-1].step.line)}
    yield WorkflowFinding("git-without-token", "warning", step.line, facts, step.file)


def _shallow_push(job: Job, uses: JobUses, found: TokenUse, facts: Facts) -> Iterator[WorkflowFinding]:
    """Finds a push of a checkout that lacks older commits, which the Hub rejects: "shallow update not allowed".

    actions/checkout fetches one commit by default, and all with `fetch-depth: 0`.
    """
    before = uses.steps[: found.index + 1]
    checkouts = [each.step for each in before if each.step.uses.lower().startswith("actions/checkout@")]
    elsewhere = "working-directory" in str([job.block.get("defaults"), found.of_step.step.block])
    if not PUSHES_COMMITS.search(found.of_step.step.run):
        return
    if len(checkouts) != 1 or elsewhere or OTHER_HISTORY.search("\n".join(each.step.run for each in before)):
        return
    (checkout,) = checkouts
    depth = str(checkout.inputs.get("fetch-depth") or "1").strip()
    if checkout.file or {"path", "repository"} & {*checkout.inputs} or not depth.isdecimal() or int(depth[:9]) == 0:
        return
    yield WorkflowFinding("shallow-push", "warning", checkout.line, facts)


def _asks_for_the_user(job: Job, logins: Sequence[Login], uses: JobUses) -> Iterator[WorkflowFinding]:
    """Finds `hf auth login` with the token of a login for a repository, which belongs to no user."""
    first = min((login.ready for login in logins if login.exports), default=len(uses.steps))
    kinds = {resource.kind if resource else "" for login in logins for resource in login.tokens.values()}
    for of_step in uses.steps[first:] if "user" not in kinds else ():
        step = of_step.step
        stores = [each for each in commands(step.run, shell_of(job, step)) if STORES.match(" ".join(each.words))]
        stores += [Command(("login()",)) for _ in STORES_IN_PYTHON.findall(step.run)[:1]]
        # A stored token belongs to a user, and other findings are about it.
        if not stores or "secrets" in str([step.run, step.env]).lower():
            continue
        lines = [line.strip() for line in step.run.splitlines() if line.strip()]
        written = next((line for line in lines if "login" in line and "import" not in line), "")
        words = re.split(r" -", " ".join(stores[0].words))[0]
        facts = {"step": step.label, "what": sanitize_line(words, 60)}
        facts |= {"how": "login-step" if len(lines) == 1 else "login-line", "lines": sanitize_line(written, 200)}
        yield WorkflowFinding("login-asks-for-user", "warning", step.line, facts, step.file)


def _without_token(
    job: Job, logins: Sequence[Login], found: TokenUse, facts: Facts, given: Outputs, *, elsewhere: bool
) -> Iterator[WorkflowFinding]:
    step, use = found.of_step.step, found.use
    # These run with care for a login that failed, or for a missing token.
    if found.of_step.checks or "authenticated" in step.condition:
        return
    before = [login for login in logins if login.index < found.index]
    if before:
        yield from _not_handed_over(before[-1], found, facts, given)
    elif use.right == "read":
        return  # a public repository needs no token
    elif logins and found.index < logins[0].index:
        yield WorkflowFinding(
            "token-before-login", "error", step.line, {**facts, "line": str(logins[0].step.line)}, step.file
        )
    elif not logins and elsewhere and job.runs_on and all(map(HOSTED.fullmatch, job.runs_on)):
        facts |= {
            "job": sanitize_line(job.key, 80),
            "resource": str((use.target and use.target.resource) or "namespace/name"),
        }
        yield WorkflowFinding("no-token-in-job", "error", step.line, facts, step.file)


def _not_handed_over(login: Login, found: TokenUse, facts: Facts, given: Outputs) -> Iterator[WorkflowFinding]:
    """Finds a use after `login`, which has not set HF_TOKEN. `given`: the outputs that the job uses."""
    step, target, resource = found.of_step.step, found.use.target, login.resource
    tokens = dict(islice(login.tokens.items(), MAX_TOKENS))
    fitting = (name for name, each in tokens.items() if each and target and target.may_be(each))
    # A step that only reads seems to need the token if no step is given it, and if it is for this.
    is_for = target and resource and (resource.kind == "user" or target.may_be(resource))
    is_given = not given.isdisjoint((login.step.id.lower(), name) for name in OUTPUTS)
    if found.use.right == "read" and (is_given or not is_for):
        return
    facts |= {"id": sanitize_line(login.step.id or "hf", 60), "needs_id": _needs_id(login)}
    if login.exports is False:
        yield WorkflowFinding("token-not-exported", "warning", step.line, facts, step.file)
    elif login.exports and login.tokens:
        name = sanitize_line(next(fitting, "") or next(iter(login.tokens)), 60)
        facts |= {"names": sanitize_line(", ".join(tokens), 200), "name": name}
        yield WorkflowFinding("token-under-another-name", "warning", step.line, facts, step.file)


def _needs_id(login: Login) -> str:
    return "" if login.step.id else f" Give the login step (line {login.step.line}) the line `id: hf`."


def _for_another(logins: Sequence[Login], found: TokenUse, facts: Facts, given: Outputs) -> Iterator[WorkflowFinding]:
    """Finds that a step writes to another repository than its token is for. `given`: the outputs that the job uses."""
    step, source, resource, target = found.of_step.step, found.source, found.source.resource, found.use.target
    if resource is None or target is None or found.use.right != "write" or found.use.beyond or target.may_be(resource):
        return
    facts |= {"resource": str(resource), "kind": resource.kind, "line": str(step.line)}
    facts |= {"from": f"{resource.kind} `{resource}`", "to": described(target)}
    earlier = (each for each in logins if source.login and each.index < source.login.index and each.resource)
    replaced = next((each for each in earlier if each.resource and target.may_be(each.resource)), None)
    code, line, lines = "other-repository", step.line, ""
    if resource.kind == "user":
        code = "user-cannot-write"
        corrected, lines = _corrected(found, target)
        line = corrected or line
    elif replaced and not found.use.given and not any(name in step.env for name in TOKEN_VARIABLES):
        facts |= {"id": sanitize_line(replaced.step.id or "hf", 60), "needs_id": _needs_id(replaced)}
        code = "login-replaced"
    elif not target.has_name_of(resource):
        own = {"exchange": f"env:\n  HF_OIDC_RESOURCE: {target}", "command": f"hf-oidc run {target} -- …"}
        facts |= for_both(source.login, target, step, given) if source.login else {"how": f"both-{source.kind}"}
        lines = facts.get("lines") or own.get(source.kind, "")
    elif target.kind == "model":
        what, code = found.use.what, "missing-repo-type"
        lines = f'repo_type="{resource.kind}"' if "/" not in what else f"repo_type: {resource.kind}"
        if what.startswith("git "):
            lines = f"https://huggingface.co/{resource}"
        elif what.startswith(("hf ", "huggingface-cli ")):
            lines = f"--repo-type {resource.kind}"
    else:
        code = "missing-prefix"
        corrected, lines = _corrected(found, target)
        line = corrected or line
    yield WorkflowFinding(code, "error", line, {**facts, "lines": lines}, step.file)


def described(target: Target) -> str:
    """The target for a sentence: a repository without a prefix is a model if it is nothing else."""
    return f"{target.kind} `{target}`" if target.kind else f"repository `{target}`"


def for_both(login: Login, target: Target, step: Step, outputs: Outputs) -> Facts:
    """How to log in for `target` too, which `step` needs, beside what `login` is for. `outputs`: used in the job."""
    given = next((each for each in step.inputs if is_token_input(each)), "")
    own = f"with:\n  {sanitize_line(given, 60)}: " if given else "env:\n  HF_TOKEN: "
    # With several resources, the action has no output `token`.
    if not login.exports or (login.step.id.lower(), "token") in outputs or len(login.tokens) >= MAX_SHOWN:
        step_id = f"{target.kind or 'other'}-login"
        lines = f"- uses: {sanitize_line(login.step.uses, 100)}\n  id: {step_id}\n  with:\n    resource: {target}\n"
        lines += "    export-env: false\n"
        return {"how": "both-second", "lines": f"{lines}{own}${{{{ steps.{step_id}.outputs.token }}}}"}
    base = f"{(target.kind or 'model').upper()}_TOKEN"
    name = next(each for each in (base, f"OTHER_{base}", f"OTHER_{base}_2") if each not in login.tokens)
    written = login.step.inputs.get("resource", "")
    text = written if isinstance(written, str) else ""
    requests = [line.strip() for line in text.splitlines() if line.strip()]
    requests = requests if "=" in text else [f"HF_TOKEN={each}" for each in requests]
    both = "".join(f"    {sanitize_line(line, 200)}\n" for line in [*requests, f"{name}={target}"])
    return {"how": "both-login", "lines": f"with:\n  resource: |\n{both}{own}${{{{ env.{name} }}}}"}


def _corrected(found: TokenUse, target: Target) -> tuple[int | None, str]:
    """The line that names the resource, and what to write there."""
    login, step = found.source.login, found.of_step.step
    if login and (line := line_of(login.step.inputs, "resource")):
        written = str(login.step.inputs["resource"]).strip()
        named = re.search(rf"(\w+)=[^\n]*{re.escape(target.name)}", written)
        prefix = PREFIX.get(target.kind or "", "")
        if named:
            return line, f"{named[1]}={target}"
        simple = "\n" not in written and "=" not in written and written.count("/") == 1
        return line, f"resource: {prefix}{sanitize_line(written, 200)}" if simple else f"resource: {target}"
    if found.source.kind == "command":
        return None, f"hf-oidc run {target} -- …"
    return line_of(step.env, RESOURCE_VARIABLE), f"HF_OIDC_RESOURCE: {target}"
