"""A workflow's parts, as far as logging in to the Hub is concerned. Values in, parts and findings of wrong types out.

Tolerant: what is of the wrong type is a finding and counts as absent, so that the rest can still be judged. This
module does not judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hf_oidc.diagnosis.workflow.findings import Finding
from hf_oidc.diagnosis.workflow.yaml_text import Block, UnreadableYaml, Value
from hf_oidc.untrusted_text import shown

# A runner that the matrix names, `${{ matrix.os }}` or `${{ matrix.build.os }}`.
OF_THE_MATRIX = re.compile(r"\$\{\{\s*matrix\.(?P<path>[\w.-]+)\s*\}\}")
# What `permissions:` says of `id-token`; `unset` where there is no `permissions:` at all.
Permission = Literal["unset", "granted", "missing"]


@dataclass(frozen=True)
class Step:
    """A step; `label` is what GitHub's log calls it, or its number. `continues`: the job goes on if it fails."""

    label: str
    line: int
    id: str
    uses: str
    run: str
    condition: str
    inputs: Block
    env: Block
    continues: bool = False


@dataclass(frozen=True)
class Job:
    """A job; `calls` is the reusable workflow that it runs, if any. `runs_on`: labels, those of a matrix filled in."""

    key: str
    line: int
    condition: str
    calls: str
    permission: Permission
    environment: str
    runs_on: tuple[str, ...]
    env: Block
    outputs: Block
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Workflow:
    """A workflow file; `triggers` has the settings of each event in `on:`."""

    file_name: str
    triggers: dict[str, Block]
    permission: Permission
    env: Block
    jobs: tuple[Job, ...]
    findings: tuple[Finding, ...]


def read_workflow(document: Value, file_name: str) -> Workflow:
    """The workflow that `document` is. Raises `UnreadableYaml` if it is no workflow at all."""
    if not isinstance(document, Block) or "on" not in document or "jobs" not in document:
        raise UnreadableYaml("This is not a workflow: a workflow has `on:` and `jobs:` at its top")
    reader = _Reader()
    jobs = reader.block(document, "jobs")
    if document["jobs"] in ("", {}):  # likely written one level too far left
        reader.wrong(document, "jobs", "jobs", "a block with a job in it")
    return Workflow(
        file_name=file_name,
        triggers=reader.triggers(document),
        permission=reader.permission(document),
        env=reader.block(document, "env"),
        jobs=tuple(reader.job(key, reader.block(jobs, key, f"jobs.{key}")) for key in jobs),
        findings=tuple(reader.findings),
    )


def texts(value: Value | None) -> tuple[str, ...]:
    """A text, or a list of them, as GitHub lets one write either."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)


def _labels(job: Block) -> Iterator[str]:
    runs_on = job.get("runs-on")
    # A text, a list, or a block with `group` and `labels`.
    for label in texts(runs_on.get("labels") if isinstance(runs_on, Block) else runs_on):
        match = OF_THE_MATRIX.fullmatch(label)
        yield from _of_the_matrix(job, match["path"].split(".")) if match else (label,)


def _of_the_matrix(job: Block, path: list[str]) -> Iterator[str]:
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, Block) else None
    if not isinstance(matrix, Block):
        return  # computed by GitHub as the workflow runs
    found = [_at(value, path[1:]) for value in _items(matrix.get(path[0]))]
    found += [_at(row, path) for row in _items(matrix.get("include"))]
    for value in found:
        yield from texts(value)


def _at(value: Value, path: list[str]) -> Value:
    for name in path:
        value = value.get(name, "") if isinstance(value, Block) else ""
    return value


def _items(value: Value | None) -> list[Value]:
    return value if isinstance(value, list) else []


class _Reader:
    """Takes values of the type that is expected; `findings` grows with each that is not."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def block(self, parent: Block, key: str, where: str = "") -> Block:
        """A block; an expression stands for one that cannot be known."""
        value = parent.get(key, "")
        if isinstance(value, Block):
            return value
        if value and "${{" not in value:
            self.wrong(parent, key, where or key, "a block of `name: value` lines")
        return Block(parent.lines.get(key, parent.line))

    def text(self, parent: Block, key: str, where: str) -> str:
        """One line or several of text."""
        value = parent.get(key, "")
        if isinstance(value, str):
            return value
        self.wrong(parent, key, where, "text")
        return ""

    def triggers(self, document: Block) -> dict[str, Block]:
        """`on: push`, `on: [push]` and `on: {push: …}` are the same."""
        value = document["on"]
        if isinstance(value, Block):
            return {name: self._trigger(value, name) for name in value}
        names = texts(value)
        if not names or len(names) != (len(value) if isinstance(value, list) else 1):
            self.wrong(document, "on", "on", "an event, a list of events, or a block of them")
        return {name: Block(document.lines["on"]) for name in names}

    def permission(self, parent: Block) -> Permission:
        """`write-all`, or a block that names `id-token`; every block and word takes away what it does not name."""
        value = parent.get("permissions", "")
        if isinstance(value, list):
            self.wrong(parent, "permissions", "permissions", "`write-all`, `read-all` or a block")
        if value in ("", []):
            return "unset"
        granted = value.get("id-token") == "write" if isinstance(value, Block) else value == "write-all"
        return "granted" if granted else "missing"

    def job(self, key: str, job: Block) -> Job:
        """A job, with its steps."""
        where = f"jobs.{key}"
        return Job(
            key=key,
            line=job.line,
            condition=self.text(job, "if", f"{where}.if"),
            calls=self.text(job, "uses", f"{where}.uses"),
            permission=self.permission(job),
            environment=self._environment(job),
            runs_on=tuple(_labels(job)),
            env=self.block(job, "env", f"{where}.env"),
            outputs=self.block(job, "outputs", f"{where}.outputs"),
            steps=self._steps(job, where),
        )

    def _trigger(self, triggers: Block, name: str) -> Block:
        value = triggers[name]
        return value if isinstance(value, Block) else Block(triggers.lines[name])  # schedule has a list: of no matter

    def _environment(self, job: Block) -> str:
        value = job.get("environment", "")
        name = value.get("name", "") if isinstance(value, Block) else value
        return name if isinstance(name, str) else ""

    def _steps(self, job: Block, where: str) -> tuple[Step, ...]:
        steps = job.get("steps", "")
        if isinstance(steps, list):
            return tuple(self._step(f"{where}.steps[{index}]", step, job) for index, step in enumerate(steps))
        if steps:
            self.wrong(job, "steps", f"{where}.steps", "a list")
        return ()

    def _step(self, where: str, value: Value, job: Block) -> Step:
        if not isinstance(value, Block):
            self.wrong(job, "steps", where, "a block of `name: value` lines")
            value = Block(job.lines["steps"])
        name, step_id, uses, run, condition = (
            self.text(value, key, f"{where}.{key}") for key in ("name", "id", "uses", "run", "if")
        )
        label = name or uses or run.strip().partition("\n")[0] or where.rpartition(".")[2]
        inputs, env = self.block(value, "with", f"{where}.with"), self.block(value, "env", f"{where}.env")
        continues = value.get("continue-on-error") == "true"
        return Step(shown(label, 80), value.line, step_id, uses, run, condition, inputs, env, continues)

    def wrong(self, parent: Block, key: str, where: str, expected: str) -> None:
        """Notes that `where`, the value of `key`, is not what is expected."""
        facts = {"where": shown(where, 100), "expected": expected}
        self.findings.append(Finding("wrong-type", "error", parent.lines.get(key), facts))
