"""Renders a report of `hf-oidc doctor` as JSON. docs/doctor.md documents the keys, which do not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_oidc.doctor.advice import words
from hf_oidc.doctor.job import JobReport
from hf_oidc.doctor.migration_advice import sentence
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowReport
from hf_oidc.explain.advice import cause
from hf_oidc.explain.publisher import Suggestion
from hf_oidc.hub.publisher import Field, settings_page
from hf_oidc.rfc3339 import rfc3339
from hf_oidc.sanitize import hides_part_of, sanitize, sanitize_line

if TYPE_CHECKING:
    from hf_oidc.doctor.workflow.migration.result import Migration

NO_PUBLISHER = ("caller", "never")


def job(report: JobReport) -> dict[str, Any]:
    """Returns the report about a CI job."""
    problem, page, resource = report.problem, report.question.page, report.question.resource
    publisher = report.publisher
    return {
        "doctor": "job",
        "ok": not report.fails,
        "provider": report.provider or None,
        "audience": report.question.audience,
        "resource": str(resource) if resource else None,
        "problem": problem
        and {
            "code": problem.code,
            "what": problem.what,
            "next": problem.next_step.render(lambda _, value: value),
            "lines": problem.copy.lines,
            "causes": [cause(each).render(lambda _, value: value) for each in problem.findings],
        },
        "enter": _values(problem.enter) if problem else {},
        "cautions": list(report.cautions),
        "expires_at": rfc3339(report.expires) if report.expires else None,
        "fields": _values(report.fields),
        "claims": _values(report.claims),
        "publisher": {"issuer": publisher.issuer, "preset": publisher.preset, "fields": _values(publisher.fields)}
        if isinstance(publisher, Suggestion)
        else None,
        "settings_url": page.url if page else None,
        "accepted": report.accepted,
        "unmet": [
            {"name": each.name, "expected": each.expected, "found": each.found.value, "why": each.found.absence}
            for each in report.unmet
        ],
    }


def workflow(report: WorkflowReport, hub_url: str) -> dict[str, Any]:
    """Returns the report about a workflow file."""
    return {
        "doctor": "workflow",
        "ok": not report.fails,
        "ci": report.provider,
        "workflow": report.file_name,
        "repository": report.repository or None,
        "jobs": [
            {
                "job": sanitize_line(job.key, 80),
                "line": job.line,
                "resources": [
                    {"resource": str(each), "settings_url": settings_page(each, job.hub_url or hub_url).url}
                    for each in job.resources
                ],
                "hub_url": job.hub_url or None,
                "audience": job.audience or None,
                "publisher": _values(job.fields)
                if job.may_be_trusted and job.branch.kind not in NO_PUBLISHER
                else None,
                "branch": job.branch.kind,
                "environment": sanitize_line(job.environment, 80)
                if job.environment and "${{" not in job.environment
                else None,
                "findings": list(map(_finding, job.findings)),
                "not_understood": list(job.not_understood),
            }
            for job in report.jobs
        ],
        "findings": list(map(_finding, report.findings)),
    }


def migration(found: Migration, name: str, hub_url: str, *, written: bool) -> dict[str, Any]:
    """Returns the migration of the file `name`. The diff is exact, except for lines that contain a token."""
    about, jobs = workflow(found.report, hub_url), {sanitize_line(key, 80) for key in found.jobs}
    return {
        "doctor": "migration",
        "ok": found.is_complete,
        "workflow": about["workflow"],
        "repository": about["repository"],
        "diff": "".join(sanitize(line) if hides_part_of(line) else line for line in found.diff(name)) or None,
        "written": written,
        "jobs": [job for job in about["jobs"] if job["job"] in jobs],
        "remarks": [
            {
                "kind": each.kind,
                "code": each.code,
                "line": each.line,
                "what": sentence(each),
            }
            for each in found.remarks
        ],
    }


def _finding(finding: WorkflowFinding) -> dict[str, Any]:
    said = words(finding)
    return {
        "code": finding.code,
        "severity": finding.severity,
        "file": finding.file or None,
        "line": finding.line,
        "what": said.what,
        "next": said.do,
        "lines": said.lines,
    }


def _values(fields: tuple[Field, ...]) -> dict[str, str | None]:
    return {field.name: field.value for field in fields}
