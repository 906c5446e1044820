"""Checks a workflow of Forgejo: as one of GitHub, with what differs.

A job needs `enable-openid-connect: true` in place of a permission, the issuer is the instance, and the publisher names
claims. https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hf_oidc.doctor.remote import Remote, instance
from hf_oidc.doctor.workflow import examine as github
from hf_oidc.doctor.workflow.called import ReadFile
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.yaml_text import Block, read
from hf_oidc.hub.publisher import Field
from hf_oidc.sanitize import sanitize_line

NOT_FORGEJO = {"github.com", "gitlab.com", "bitbucket.org"}
ENABLED = "enable-openid-connect"
# GitHub's rights and runners, and the keys and places that its own check of a file insists on.
ONLY_GITHUB = {
    *("id-token-permission-missing", "callers-must-grant", "caller-does-not-grant", "called-unknown", "needs-linux"),
    *("contents-lost", "permission-lost", "permissions-at-step", "permissions-word", "unknown-access", "unknown-scope"),
    *("unknown-key", "key-beside", "key-elsewhere", "merge-key", "workflow-place"),
}


def examine(text: str, file_name: str, repository: str, remote: Remote | None, read_called: ReadFile) -> WorkflowReport:
    """Returns the report about a workflow. Raises `UnreadableYaml` if `text` is not one."""
    here = instance(remote, repository, NOT_FORGEJO)
    repository = repository or (here.path if here else "")
    report = github.examine(text, file_name, repository, read_called)
    issuer = f"https://{here.host}/api/actions" if here else None
    document = read(text)
    top = document if isinstance(document, Block) else Block()
    jobs = tuple(_job(each, top, repository, issuer) for each in report.jobs)
    return replace(report, jobs=jobs, findings=tuple(_kept(report.findings)), provider="forgejo")


def _job(report: WorkflowJobReport, top: Block, repository: str, issuer: str | None) -> WorkflowJobReport:
    jobs = top.get("jobs")
    job = jobs.get(report.key) if isinstance(jobs, Block) else None
    findings = list(_kept(report.findings))
    if not any(isinstance(each, Block) and each.get(ENABLED) == "true" for each in (top, job)):
        facts = {"job": sanitize_line(report.key, 80)}
        findings.insert(0, WorkflowFinding("openid-connect-not-enabled", "error", report.line, facts))
    ref = f"refs/heads/{report.branch.name}" if report.branch.kind == "one" else None
    safe = sanitize_line(ref) if ref else None
    fields = (Field("issuer", issuer), Field("repository", repository or None), Field("ref", safe))
    return replace(report, fields=fields if report.fields else (), findings=tuple(findings))


def _kept(findings: tuple[WorkflowFinding, ...]) -> Iterator[WorkflowFinding]:
    """The findings that hold in Forgejo too. An unknown key may be the one that it adds to GitHub's."""
    return (each for each in findings if each.code not in ONLY_GITHUB and ENABLED not in each.facts.values())
