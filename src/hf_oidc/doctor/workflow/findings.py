"""What may be found in a workflow, as data: findings with a stable code, and reports of jobs and files.

`doctor_words` has the words. This module knows nothing of YAML, so that it can be had without PyYAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hf_oidc.hub.publisher import Field
from hf_oidc.hub.resource import Resource

# error: runs of this workflow would fail. warning: some would, or will surprise. note: good to know.
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """`line` is the first line of what it speaks of; `facts` fill the words that `doctor_text` has for `code`."""

    code: str
    severity: Severity
    line: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Branch:
    """What to enter as the branch: its `name` if there is one; else, why there is none.

    `default`: the repository's default branch. `several`: more than one, `name` lists them. `none`: tags.
    `pull-request`: nothing but pull requests run this, and nobody should be trusted for that. `caller`: that of the
    workflow that calls this one.
    """

    kind: Literal["one", "default", "several", "none", "pull-request", "caller"]
    name: str = ""


@dataclass(frozen=True)
class JobReport:
    """A job. `fields`: the publisher to enter on the Hub, as far as the file tells; none where it does not log in.

    The field `workflow` has no value where the job is in two workflows, the one that calls and the one that is called.
    """

    key: str
    line: int
    resources: tuple[Resource, ...]
    fields: tuple[Field, ...]
    branch: Branch
    environment: str
    findings: tuple[Finding, ...]

    @property
    def may_be_trusted(self) -> bool:
        """Whether to enter a publisher at all: for pull requests only where a token reads, and no stranger gets it."""
        if self.branch.kind != "pull-request":
            return True
        reads = bool(self.resources) and all(each.kind == "user" for each in self.resources)
        return reads and not any(each.code == "pull-request-target" for each in self.findings)


@dataclass(frozen=True)
class WorkflowReport:
    """A workflow file: the jobs that log in or call a workflow that may, and what concerns the file as a whole."""

    file_name: str
    repository: str
    jobs: tuple[JobReport, ...]
    findings: tuple[Finding, ...]

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those of the file and of every job."""
        return (*self.findings, *(finding for job in self.jobs for finding in job.findings))

    @property
    def fails(self) -> bool:
        """Whether something would fail."""
        return any(finding.severity == "error" for finding in self.all_findings)
