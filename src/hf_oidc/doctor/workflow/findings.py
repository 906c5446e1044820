"""The findings and the report about a workflow file, as data. Each finding has a stable code.

`doctor.advice` has the sentences. This module does not need PyYAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hf_oidc.hub.publisher import Field
from hf_oidc.hub.resource import Resource

# error: runs of this workflow fail. warning: some runs fail or surprise their owner. note: good to know.
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class WorkflowFinding:
    """`line`: where it starts, if known. `facts`: the values for the sentences that `doctor.advice` has for `code`.

    `file`: the path in the repository, if it is another file than the one that is checked.
    """

    code: str
    severity: Severity
    line: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True)
class Branch:
    """What to enter as the branch on the Hub.

    `one`: the branch `name`. `default`: the repository's default branch. `several`: one of those that `name` lists.
    `none`: empty, because the runs are not on a branch. `pull-request`: the same for pull requests, which are not
    trustworthy. `caller`: the branch of the calling workflow. `never`: no run reaches the login. `unknown`: only events
    that the doctor does not know.
    """

    kind: Literal["one", "default", "several", "none", "pull-request", "caller", "never", "unknown"]
    name: str = ""


@dataclass(frozen=True)
class WorkflowJobReport:
    """The report about a job. `fields`: the publisher to add on the Hub, as far as the file tells; empty if unknown.

    For another CI than GitHub, they are the issuer and the claims; a value that the file does not tell is None. The
    field `workflow` has no value if the job calls a reusable workflow: two workflow files are then involved.
    `not_understood`: the events and conditions because of which the doctor does not know which runs reach the login,
    and the resources and runners that the file does not tell.
    `hub_url` and `audience`: of a login at another Hub than huggingface.co.
    """

    key: str
    line: int
    resources: tuple[Resource, ...]
    fields: tuple[Field, ...]
    branch: Branch
    environment: str
    findings: tuple[WorkflowFinding, ...]
    not_understood: tuple[str, ...] = ()
    hub_url: str = ""
    audience: str = ""

    @property
    def may_be_trusted(self) -> bool:
        """Whether to add a publisher. For pull requests: only if the token can just read, and no stranger gets it."""
        if self.branch.kind != "pull-request":
            return True
        reads = bool(self.resources) and all(each.kind == "user" for each in self.resources)
        return reads and not any(each.code == "pull-request-target" for each in self.findings)


@dataclass(frozen=True)
class WorkflowReport:
    """The report about a file: its jobs that log in or call a workflow, and the findings about the whole file.

    `provider`: the CI that the file is for. `repository`: its name there.
    """

    file_name: str
    repository: str
    jobs: tuple[WorkflowJobReport, ...]
    findings: tuple[WorkflowFinding, ...]
    provider: str = "github"

    @property
    def all_findings(self) -> tuple[WorkflowFinding, ...]:
        """The findings about the file and about every job."""
        return (*self.findings, *(finding for job in self.jobs for finding in job.findings))

    @property
    def fails(self) -> bool:
        """Whether at least one finding is an error."""
        return any(finding.severity == "error" for finding in self.all_findings)
