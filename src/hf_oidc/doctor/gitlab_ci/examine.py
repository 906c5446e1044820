"""Checks a `.gitlab-ci.yml`: for each job that uses the Hub, what is wrong and what to enter there.

It does no I/O. https://docs.gitlab.com/ci/secrets/id_token_authentication/ has the claims and the lifetime.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from hf_oidc.doctor.gitlab_ci.id_tokens import check_id_tokens
from hf_oidc.doctor.gitlab_ci.model import Job, read_gitlab_ci
from hf_oidc.doctor.gitlab_ci.pipelines import DEFAULT_BRANCH, OTHER_BRANCH, Pipelines
from hf_oidc.doctor.gitlab_ci.script import Login, commands, logins, stored_tokens, takes_long, upload, uses_hub
from hf_oidc.doctor.remote import Remote, instance
from hf_oidc.doctor.workflow.findings import Branch, WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.login.inputs import check_resources, read_argument, read_variable
from hf_oidc.doctor.workflow.login.step import RESOURCE_VARIABLE
from hf_oidc.errors import UsageError
from hf_oidc.hub.publisher import Field
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

MAX_JOBS = 1_000
NOT_GITLAB = {"github.com", "bitbucket.org", "codeberg.org"}


def examine(text: str, file_name: str, project: str, remote: Remote | None, hub_url: str) -> WorkflowReport:
    """Returns the report about a file. `project`: its path as the user gave it; else `remote` names it.

    Raises `UnreadableYaml` if `text` is not a configuration.
    """
    config = read_gitlab_ci(text)
    here = instance(remote, project, NOT_GITLAB)
    project = project or (here.path if here else "")
    pipelines = Pipelines(config, project)
    issuer = f"https://{here.host}" if here else None
    jobs = tuple(
        report
        for job in islice(config.jobs, MAX_JOBS)
        for report in _job(job, pipelines, Field("issuer", issuer), hub_url)
    )
    findings = [] if jobs else [WorkflowFinding("no-job-uses-hub", "note")]
    if config.includes:
        what = "`include:`. Other files can change `default:`, `workflow:` and the jobs"
        findings.append(WorkflowFinding("not-understood", "note", config.block.lines.get("include"), {"what": what}))
    unknown = sorted(sanitize_line(what, 200) for what in pipelines.not_understood)
    unknown += [f"the jobs after number {MAX_JOBS}"] if len(config.jobs) > MAX_JOBS else []
    findings += [WorkflowFinding("not-understood", "note", None, {"what": what}) for what in unknown]
    return WorkflowReport(file_name, project, jobs, tuple(findings), "gitlab")


def _job(job: Job, pipelines: Pipelines, issuer: Field, hub_url: str) -> Iterator[WorkflowJobReport]:
    lines = commands(job.script)
    found = [*logins(lines)]
    own_exchange = RESOURCE_VARIABLE in job.variables and not found
    if not found and not own_exchange and not uses_hub((*lines, *commands(job.after))):
        return
    findings = [WorkflowFinding("not-understood", "note", job.line, {"what": each}) for each in job.unknown]
    if not found and not own_exchange:
        token = next(stored_tokens(lines), "HF_TOKEN" if "HF_TOKEN" in job.variables else "")
        resource, command = upload(lines)
        facts = {"resource": sanitize_line(resource, 200), "command": sanitize_line(command, 300)}
        facts |= {"token": f"the stored token in `{sanitize_line(token, 60)}`" if token else "a stored token, or none"}
        findings.append(WorkflowFinding("stored-token", "note", job.line, facts))
        yield WorkflowJobReport(sanitize_line(job.name, 80), job.line, (), (), Branch("default"), "", tuple(findings))
        return
    branch, of_pipelines = _branch(job, pipelines)
    resources, of_resources = _resources(job, found)
    findings += check_id_tokens(job, found, lines, hub_url)
    findings += of_resources
    findings += of_pipelines
    findings += _tokens(job, found, lines)
    name = sanitize_line(branch.name)
    ref = Field("ref", name if branch.kind == "one" and name == branch.name else None)
    claims = (
        Field("project_path", sanitize_line(pipelines.project) or None),
        # Each tag is another `ref`.
        *([Field("ref_type", "tag")] if branch.kind == "none" else [Field("ref_type", "branch"), ref]),
        Field("ref_protected", "true"),
    )
    yield WorkflowJobReport(
        sanitize_line(job.name, 80),
        job.line,
        resources,
        (issuer, *claims),
        branch,
        job.environment,
        tuple(sorted(findings, key=lambda each: ("error", "warning", "note").index(each.severity))),
    )


def _branch(job: Job, pipelines: Pipelines) -> tuple[Branch, list[WorkflowFinding]]:
    """The branch to enter, and the findings about the pipelines that run the job: both from the same pipelines."""
    reaching = [*pipelines.reaching(job)]
    if pipelines.unclear:
        return Branch("several"), []
    refs = list(dict.fromkeys(pipeline.ref for pipeline in reaching if pipeline.kind == "branch"))
    names = ["the default branch" if each is DEFAULT_BRANCH else str(each) for each in refs if each is not OTHER_BRANCH]
    line = next((job.line_of(key) for key in ("rules", "only", "except") if key in job.block), job.line)
    findings = list[WorkflowFinding]()
    kinds = {pipeline.kind for pipeline in reaching}
    if "merge-request" in kinds:
        code = "merge-request" if "rules" in job.block else "merge-request-only"
        if kinds == {"merge-request"}:
            findings.append(WorkflowFinding("only-merge-requests", "error", line))
        else:
            findings.append(WorkflowFinding(code, "warning", line))
    several = OTHER_BRANCH in refs or len(refs) > 1
    if "tag" in kinds and not several:
        code = "tag-and-branch-pipelines" if refs else "tag-pipelines"
        findings.append(WorkflowFinding(code, "warning" if refs else "note", line))
    if several:
        said = "any branch" if OTHER_BRANCH in refs else ", ".join(sanitize_line(name, 60) for name in names)
        tags = " and any tag" if "tag" in kinds else ""
        findings.append(WorkflowFinding("branch-pipelines", "warning", line, {"branches": f"{said}{tags}"}))
        return Branch("several", said), findings
    if not reaching:
        findings.append(WorkflowFinding("never-runs", "warning", line))
    if refs:
        return Branch("default") if refs[0] is DEFAULT_BRANCH else Branch("one", names[0]), findings
    only_merge_requests = "merge-request" in kinds and "tag" not in kinds
    return Branch("pull-request" if only_merge_requests else "none" if kinds else "default"), findings


def _resources(job: Job, found: list[Login]) -> tuple[tuple[Resource, ...], list[WorkflowFinding]]:
    line: int | None = job.line_of("script")
    words, read, findings = [word for login in found for word in login.resources], read_argument, []
    if not found:
        line, read, value = job.variables.lines.get(RESOURCE_VARIABLE), read_variable, job.variables[RESOURCE_VARIABLE]
        words = [value] if isinstance(value, str) else []
        findings.append(WorkflowFinding("own-exchange", "note", line, {"where": "`variables:`"}))
    elif any(not login.resources for login in found) and RESOURCE_VARIABLE not in job.variables:
        findings.append(WorkflowFinding("no-resource-argument", "warning", line))
    resources = list[Resource]()
    for word in dict.fromkeys(word for word in words if "$" not in word):
        findings += check_resources(read, word, line)
        with suppress(UsageError):
            resources += read(word)
    return tuple(dict.fromkeys(resources)), findings


def _tokens(job: Job, found: list[Login], lines: list[str]) -> Iterator[WorkflowFinding]:
    """An ID token that may be too old for the login, and stored tokens."""
    # The ID token is valid for the job's `timeout:`, or for five minutes without one.
    if found and not job.text("timeout") and (command := takes_long(found[0].before)):
        facts = {"command": sanitize_line(command, 60)}
        yield WorkflowFinding("id-token-short-lived", "warning", job.line_of("script"), facts)
    declared = job.block.get("id_tokens")
    own = set(declared) if isinstance(declared, dict) else set()
    for name in sorted({*stored_tokens(lines)} - own):
        facts = {"variable": sanitize_line(name, 60)}
        yield WorkflowFinding("stored-token-used", "warning", job.line_of("script"), facts)
    if "HF_TOKEN" in job.variables:
        yield WorkflowFinding("stored-token-remains", "note", job.variables.lines.get("HF_TOKEN"))
