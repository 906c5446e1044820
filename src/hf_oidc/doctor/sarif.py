"""Renders reports about files as SARIF 2.1.0, which GitHub code scanning and editors show at the line.

Paths are relative to the repository: nothing of this machine is in the document.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html and, for what GitHub reads of it,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hf_oidc.doctor.advice import template, words
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowReport
from hf_oidc.errors import LoginError
from hf_oidc.explain.entry_point import DOCUMENTS
from hf_oidc.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PROJECT = "https://github.com/org/hf-oidc-action"


def document(reports: Sequence[tuple[str, WorkflowReport]]) -> dict[str, Any]:
    """Returns the reports as one run. Each comes with the path of its file, relative to the repository."""
    # A finding may be in a file that the checked one uses.
    findings = [(each.file or path, each) for path, report in reports for each in report.all_findings]
    codes = list(dict.fromkeys(finding.code for _, finding in findings))
    rules = []
    for code in codes:
        # The sentence speaks of one finding; here it stands for all of them.
        what = template(code).what.format_map(defaultdict(lambda: "…"))
        page = f"troubleshooting.md#{code}" if code in _explained(LoginError) else "doctor.md#findings"
        rules.append(
            {
                "id": code,
                "shortDescription": {"text": what.partition(". ")[0].rstrip(".") + "."},
                "fullDescription": {"text": what},
                "helpUri": f"{DOCUMENTS}/{page}",
            }
        )
    driver = {
        "name": "hf-oidc doctor",
        "version": VERSION,
        "informationUri": PROJECT,
        "rules": rules,
    }
    results = [_result(path, finding, codes.index(finding.code)) for path, finding in findings]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _explained(of: type[LoginError]) -> set[str]:
    """The codes that docs/troubleshooting.md has a section for: those of the errors of a login."""
    return {code for each in of.__subclasses__() for code in (getattr(each, "code", ""), *_explained(each))}


def _result(path: str, finding: WorkflowFinding, rule: int) -> dict[str, Any]:
    said = words(finding)
    text = "\n".join(part for part in (said.what, said.do, said.lines) if part)
    # GitHub shows only results with a line. What is about the whole file is at its first one.
    region = {"startLine": max(1, finding.line or 1)}
    place = {"artifactLocation": {"uri": quote(path)}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
