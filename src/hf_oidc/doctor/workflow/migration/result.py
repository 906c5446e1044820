"""A migration of a workflow from a stored Hub token to a login, as data. This module does not need PyYAML.

`doctor.advice` has a sentence for each `code` of a remark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hf_oidc.doctor.workflow.findings import WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.migration.text_edit import Edit, unified_diff


@dataclass(frozen=True)
class Remark:
    """What a user must know. to-do: left to do by hand. kept: a secret that is still needed. note: what else changes.

    `facts`: the values for the sentence of `code`, sanitized.
    """

    kind: Literal["to-do", "kept", "note"]
    code: str
    line: int
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Migration:
    """`text` is the file before, `changed` the one after `edits`. `jobs`: the keys of those that change.

    `report`: about the file after the edits.
    """

    text: str
    changed: str
    edits: tuple[Edit, ...]
    jobs: tuple[str, ...]
    remarks: tuple[Remark, ...]
    report: WorkflowReport

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do by hand."""
        return all(remark.kind != "to-do" for remark in self.remarks)

    @property
    def publishers(self) -> tuple[WorkflowJobReport, ...]:
        """The reports about the jobs that change, for which a publisher is needed."""
        return tuple(each for each in self.report.jobs if each.key in self.jobs)

    def diff(self, name: str) -> Iterator[str]:
        """Yields the lines of a unified diff, with their line ends. `name`: of the file."""
        return unified_diff(self.text, self.edits, name)
