"""Checks what a job does with the token of its logins: uses it too early, loses it, or uses it for another repository.

`token_source` knows which token a step has, and `targets` what it does. Conditions and secrets are in other modules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.hub_commands import TOKEN_VARIABLES
from hf_oidc.doctor.workflow.hub_target import PREFIX, Target
from hf_oidc.doctor.workflow.login_step import (
    OURS,
    OUTPUTS,
    RESOURCE_VARIABLE,
    environment_resources,
    is_command,
    is_login,
)
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.targets import JobUses, uses_of
from hf_oidc.doctor.workflow.token_source import Login, TokenUse, logins_of, token_uses
from hf_oidc.doctor.workflow.yaml_text import Value, line_of
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

OUTPUT = re.compile(
    r"steps\.(?P<id>[\w-]+)\.outputs(?:\.(?P<name>[\w-]+)|\[\s*'(?P<quoted>[^']*)'\s*\])", re.IGNORECASE
)
TOKENS = {"token", "tokens"}
Facts = dict[str, str]
SETS = re.compile(rf"\b{RESOURCE_VARIABLE}=\S")
NO_DOCKER = re.compile(r"(macos|windows)(-|$)|ubuntu-slim$", re.IGNORECASE)
# On a runner of GitHub nothing is left from an earlier job. On another one, somebody may have logged in by hand.
HOSTED = re.compile(r"(ubuntu|macos|windows)-[\w.-]+")
# Of what a token for a single repository cannot do, this was seen to fail. `whoami` and others are not known.
REFUSED = re.compile(r"create a (repository|tag)|Space")


def check_token_use(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds mistakes in `job`, whether it logs in or not."""
    yield from _outputs(job)
    if any(map(is_login, job.steps)):
        yield from _overridden(workflow, job)
        yield from _runner(job)
        for step in job.steps:
            yield from _step(step, {step.id.lower(): step for step in job.steps if step.id and is_login(step)})
    yield from _references(workflow, job)
    found = [finding for uses in uses_of(workflow, job) for finding in _uses(workflow, job, uses)]
    # The rows of a matrix mostly have the same mistakes.
    seen: set[tuple[str, int | None, str]] = set()
    for finding in found:
        key = (finding.code, finding.line, finding.facts.get("target", ""))
        if key not in seen:
            seen.add(key)
            yield finding


def references(value: Value, ids: Collection[str] | None = None) -> set[tuple[str, str]]:
    """Returns the outputs of the steps `ids`, or of all steps, that expressions in `value` use: step and output.

    Ids are in lower case: GitHub ignores the case.
    """
    if isinstance(value, list):
        return {found for item in value for found in references(item, ids)}
    if isinstance(value, Mapping):
        return {found for item in value.values() for found in references(item, ids)}
    found = {(match["id"].lower(), match["name"] or match["quoted"] or "") for match in OUTPUT.finditer(value)}
    return {(step_id, name) for step_id, name in found if ids is None or step_id in ids}


def line_of_variable(env: Mapping[str, object]) -> int | None:
    """Returns the line of HF_OIDC_RESOURCE in an `env:` block."""
    return getattr(env, "lines", {}).get(RESOURCE_VARIABLE)


def _outputs(job: Job) -> Iterator[WorkflowFinding]:
    ids = {step.id.lower() for step in job.steps if step.id and is_login(step)}
    for name, value in job.outputs.items():
        if any(output in TOKENS for _, output in references(value, ids)):
            facts = {"output": sanitize_line(name, 60), "job": sanitize_line(job.key, 80)}
            yield WorkflowFinding("token-across-jobs", "error", line_of(job.outputs, name), facts)


def _overridden(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    for where, env in environment_resources(workflow, job):
        yield WorkflowFinding("token-ignored", "warning", line_of_variable(env), {"where": where})
    for step in job.steps:
        if any("GITHUB_ENV" in line[found.end() :] for line in step.run.splitlines() if (found := SETS.search(line))):
            yield WorkflowFinding("token-ignored", "warning", step.line, {"where": f'the step "{step.label}"'})


def _runner(job: Job) -> Iterator[WorkflowFinding]:
    label = next((label for label in job.runs_on if NO_DOCKER.match(label)), None)
    for step in job.steps:
        if label and is_login(step) and not _is_native(step):
            yield WorkflowFinding("needs-linux", "error", step.line, {"runner": sanitize_line(label, 60)})


def _is_native(step: Step) -> bool:
    match = OURS.search(step.uses)
    return step.uses.rstrip("/") == "./native" or bool(match and match["native"])


def _step(step: Step, logins: Mapping[str, Step]) -> Iterator[WorkflowFinding]:
    """Finds outputs that the action does not have, and tokens that an expression puts into a script."""
    ids = set(logins)
    for step_id, name in sorted(references([step.run, step.inputs, step.env, step.condition], ids)):
        if name not in OUTPUTS:
            facts = {"output": sanitize_line(name, 60), "id": step_id, "known": ", ".join(OUTPUTS)}
            yield WorkflowFinding("unknown-output", "error", step.line, {**facts, "step": step.label})
    scripted = sorted(step_id for step_id, name in references(step.run, ids) if name in TOKENS)
    if scripted:
        yield WorkflowFinding("token-in-script", "warning", step.line, {"step": step.label, "id": scripted[0]})


def _references(workflow: Workflow, job: Job) -> Iterator[WorkflowFinding]:
    """Finds outputs of logins that come later, and outputs of a login that no step has the id for."""
    ids = {step.id.lower(): index for index, step in enumerate(job.steps) if step.id}
    logins = [step for step in job.steps if is_login(step)]
    elsewhere = {step.id.lower() for other in workflow.jobs for step in other.steps if step.id and is_login(step)}
    nameless = next((step for step in logins if not step.id), None)
    for index, step in enumerate(job.steps):
        mentioned = references([step.run, step.inputs, step.env, step.condition])
        for step_id in sorted({each for each, name in mentioned if name in OUTPUTS}):
            facts = {"step": step.label, "id": sanitize_line(step_id, 60)}
            if step_id in ids:
                if ids[step_id] >= index and is_login(job.steps[ids[step_id]]):
                    yield WorkflowFinding(
                        "token-before-login", "error", step.line, facts | {"line": str(job.steps[ids[step_id]].line)}
                    )
            elif logins or step_id in elsewhere:
                never = step_id in {each for each, _ in references(step.condition)}
                how = "other-job" if not logins else "add" if nameless else "rename"
                login = nameless or (logins or [step])[0]
                facts |= {"how": how, "login": sanitize_line(login.id, 60), "line": str(login.line)}
                facts["never"] = " So the condition of this step is never true." if never else ""
                yield WorkflowFinding("login-without-id", "error", step.line, facts)


def _uses(workflow: Workflow, job: Job, uses: JobUses) -> Iterator[WorkflowFinding]:
    """Finds uses of the Hub without a token, or with a token for another repository."""
    logins = logins_of(job, uses)
    for each in token_uses(job, uses):
        source, use, step = each.source, each.use, each.of_step.step
        facts = {"step": step.label, "what": use.what, "target": str(use.target or ""), "id": "hf"}
        if source.kind == "none":
            yield from _without_token(workflow, job, logins, each, facts)
        elif source.kind == "pending" and source.login and use.right != "read":
            login = source.login.step
            facts |= {"id": sanitize_line(login.id or "hf", 60), "line": str(login.line)}
            yield WorkflowFinding("token-before-wait", "error", step.line, facts)
        elif source.resource and use.right == "write" and use.target:
            yield from _for_another(logins, each, source.resource, use.target, facts)
        if source.kind in {"login", "exchange", "command"} and REFUSED.search(use.beyond):
            yield WorkflowFinding("beyond-the-token", "warning", step.line, {**facts, "beyond": use.beyond})


def _without_token(
    workflow: Workflow, job: Job, logins: Sequence[Login], found: TokenUse, facts: Facts
) -> Iterator[WorkflowFinding]:
    step, use = found.of_step.step, found.use
    # These run with care for a login that failed, or for a missing token.
    if found.of_step.checks or "authenticated" in step.condition:
        return
    before = [login for login in logins if login.index < found.index]
    after = [login for login in logins if login.index > found.index]
    if before:
        login = before[-1]
        facts = {**facts, "id": sanitize_line(login.step.id or "hf", 60), "line": str(login.step.line)}
        facts["needs_id"] = "" if login.step.id else f" Give the login step (line {login.step.line}) `id: hf`."
        if use.right == "read" and not _is_for(login, found, job):
            return
        if login.exports is False:
            yield WorkflowFinding("token-not-exported", "warning", step.line, facts)
        elif login.exports:
            name = next(
                (name for name, each in login.tokens.items() if each and use.target and use.target.may_be(each)), ""
            )
            names = ", ".join(login.tokens)
            facts |= {"names": sanitize_line(names, 200), "name": sanitize_line(name or next(iter(login.tokens)), 60)}
            yield WorkflowFinding("token-under-another-name", "warning", step.line, facts)
    elif use.right == "read":
        return  # a public repository needs no token
    elif after:
        yield WorkflowFinding("token-before-login", "error", step.line, {**facts, "line": str(after[0].step.line)})
    elif (
        any(is_login(each) or is_command(each) for other in workflow.jobs for each in other.steps)
        and job.runs_on
        and all(map(HOSTED.fullmatch, job.runs_on))
    ):
        resource = str((use.target and use.target.resource) or "namespace/name")
        yield WorkflowFinding(
            "no-token-in-job", "error", step.line, {**facts, "job": sanitize_line(job.key, 80), "resource": resource}
        )


def _is_for(login: Login, found: TokenUse, job: Job) -> bool:
    """Whether a step that only reads seems to need the token of `login`: no step is given it, and it is for this."""
    given = any(references([step.run, step.inputs, step.env], {login.step.id.lower()}) for step in job.steps)
    target, resource = found.use.target, login.resource
    return not given and bool(target and resource and (resource.kind == "user" or target.may_be(resource)))


def _for_another(
    logins: Sequence[Login], found: TokenUse, resource: Resource, target: Target, facts: Facts
) -> Iterator[WorkflowFinding]:
    """Finds that a step writes to `target` with a token for `resource`."""
    if target.may_be(resource):
        return
    step, source = found.of_step.step, found.source
    facts = {**facts, "resource": str(resource), "from": f"{resource.kind} `{resource}`", "to": described(target)}
    earlier = (each for each in logins if source.login and each.index < source.login.index and each.resource)
    replaced = next((each for each in earlier if each.resource and target.may_be(each.resource)), None)
    if resource.kind == "user":
        yield WorkflowFinding("user-cannot-write", "error", step.line, facts)
    elif replaced and not found.use.given and not any(name in step.env for name in TOKEN_VARIABLES):
        facts |= {"id": sanitize_line(replaced.step.id or "hf", 60), "line": str(replaced.step.line)}
        facts["needs_id"] = "" if replaced.step.id else f" Give that login step (line {replaced.step.line}) `id: hf`."
        yield WorkflowFinding("login-replaced", "error", step.line, facts)
    elif not target.has_name_of(resource):
        lines = lines_for_both(source.login, target) if source.login else _own_login(found, target)
        yield WorkflowFinding("other-repository", "error", step.line, {**facts, "lines": lines, "how": source.kind})
    elif target.kind == "model":
        facts |= {"kind": resource.kind, "lines": _with_kind(found.use.what, resource)}
        yield WorkflowFinding("missing-repo-type", "error", step.line, facts)
    else:
        line, lines = _corrected(found, target)
        yield WorkflowFinding("missing-prefix", "error", line or step.line, {**facts, "lines": lines})


def described(target: Target) -> str:
    """The target for a sentence: a repository without a prefix is a model if it is nothing else."""
    return f"{target.kind} `{target}`" if target.kind else f"repository `{target}`"


def lines_for_both(login: Login, target: Target) -> str:
    """The lines for the login step, and for a step that needs a token for `target` beside the one of `login`."""
    names = dict(login.tokens)
    base = f"{(target.kind or 'model').upper()}_TOKEN"
    name = next(each for each in (base, f"OTHER_{base}", f"OTHER_{base}_2") if each not in names)
    written = login.step.inputs.get("resource", "")
    text = written if isinstance(written, str) else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    requests = lines if len(lines) > 1 or "=" in text else [f"HF_TOKEN={text.strip()}"]
    both = "".join(f"    {sanitize_line(line, 200)}\n" for line in [*requests, f"{name}={target}"])
    return f"with:\n  resource: |\n{both}env:\n  HF_TOKEN: ${{{{ env.{name} }}}}"


def _own_login(found: TokenUse, target: Target) -> str:
    if found.source.kind == "command":
        return f"hf-oidc run {target} -- …"
    return f"env:\n  HF_OIDC_RESOURCE: {target}"


def _with_kind(what: str, resource: Resource) -> str:
    """What to add to a command that takes a repository for a model unless it is told otherwise."""
    if what.startswith("git "):
        return f"https://huggingface.co/{resource}"
    if what.startswith(("hf ", "huggingface-cli ")):
        return f"--repo-type {resource.kind}"
    return f'repo_type="{resource.kind}"' if "/" not in what else f"repo_type: {resource.kind}"


def _corrected(found: TokenUse, target: Target) -> tuple[int | None, str]:
    """The line that names the resource, and what to write there."""
    login, step = found.source.login, found.of_step.step
    if login and (line := line_of(login.step.inputs, "resource")):
        written = str(login.step.inputs["resource"]).strip()
        named = re.search(rf"(\w+)=[^\n]*{re.escape(target.name)}", written)
        prefix = PREFIX.get(target.kind or "", "")
        if named:
            return line, f"{named[1]}={target}"
        simple = "\n" not in written and "=" not in written and written.count("/") <= 1
        return line, f"resource: {prefix}{sanitize_line(written, 200)}" if simple else f"resource: {target}"
    if found.source.kind == "command":
        return None, f"hf-oidc run {target} -- …"
    return line_of(step.env, RESOURCE_VARIABLE), f"HF_OIDC_RESOURCE: {target}"
