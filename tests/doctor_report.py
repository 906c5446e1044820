"""Helpers for tests of the doctor's report about a workflow."""

from __future__ import annotations

from collections.abc import Mapping

from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.advice import words
from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.findings import WorkflowReport

HUB = "https://huggingface.co"
ON_MAIN = "on: {push: {branches: [main]}}\n"
MAY_LOG_IN = "permissions: {contents: read, id-token: write}\n"
LOGIN = "{uses: org/hf-oidc-action@v1, with: {resource: acme/model}}"


def examined(workflow: str, files: Mapping[str, str] | None = None) -> WorkflowReport:
    """The report about a workflow. `files`: the others of its repository, by path. Both renderings are made too."""
    report = examine(workflow, "publish.yml", "acme/trainer", lambda path: (files or {}).get(path, ""))
    assert "\n".join(text.workflow(report, HUB))
    assert json_report.workflow(report, HUB)["ok"] == (not report.fails)
    return report


def job(steps: str, rest: str = "") -> str:
    """A job `publish` for each push to `main`. `steps` and `rest`: in YAML, the latter with its line ends."""
    return f"jobs:\n  publish:\n    runs-on: ubuntu-latest\n{rest}    steps: [{steps}]\n"


def found(workflow: str, files: Mapping[str, str] | None = None) -> set[str]:
    """The errors and warnings about a workflow, as `error: code`."""
    findings = examined(workflow, files).all_findings
    return {f"{each.severity}: {each.code}" for each in findings if each.severity != "note"}


def notes(workflow: str, files: Mapping[str, str] | None = None) -> set[str]:
    """The codes of the notes about a workflow."""
    return {each.code for each in examined(workflow, files).all_findings if each.severity == "note"}


def said(workflow: str, code: str, files: Mapping[str, str] | None = None) -> str:
    """All that is said about the findings with this code, on one line."""
    about = [words(each) for each in examined(workflow, files).all_findings if each.code == code]
    return " ".join(f"{each.what} {each.do} {each.lines}" for each in about)
