"""Checks a workflow of Forgejo: as one of GitHub, with what differs.

A job needs `enable-openid-connect: true` in place of a permission, the issuer is the instance, and the publisher names
claims. https://forgejo.org/docs/next/user/actions/security-openid-connect/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hf_oidc.doctor.remote import Remote, instance
from hf_oidc.doctor.workflow.called import ReadFile, with_called
from hf_oidc.doctor.workflow.examine import examine_workflow
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowReport
from hf_oidc.doctor.workflow.model import read_workflow
from hf_oidc.doctor.workflow.yaml_text import read
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
    workflow = with_called(read_workflow(read(text), file_name), read_called)
    report = examine_workflow(workflow, repository)
    issuer = f"https://{here.host}/api/actions" if here else None
    enabled = {job.key for job in workflow.jobs if "true" in (workflow.block.get(ENABLED), job.block.get(ENABLED))}
    jobs = []
    for each in report.jobs:
        findings = list(_kept(each.findings))
        if each.key.partition(" / ")[0] not in enabled:
            facts = {"job": sanitize_line(each.key, 80)}
            findings.insert(0, WorkflowFinding("openid-connect-not-enabled", "error", each.line, facts))
        ref = sanitize_line(f"refs/heads/{each.branch.name}") if each.branch.kind == "one" else None
        fields = (Field("issuer", issuer), Field("repository", repository or None), Field("ref", ref))
        jobs.append(replace(each, fields=fields if each.fields else (), findings=tuple(findings)))
    return replace(report, jobs=tuple(jobs), findings=tuple(_kept(report.findings)), provider="forgejo")


def _kept(findings: tuple[WorkflowFinding, ...]) -> Iterator[WorkflowFinding]:
    """The findings that hold in Forgejo too. An unknown key may be the one that it adds to GitHub's."""
    return (each for each in findings if each.code not in ONLY_GITHUB and ENABLED not in each.facts.values())
