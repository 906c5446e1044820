"""The parts of a workflow that matter for a login to the Hub, read from its YAML values.

A value of the wrong type becomes a finding and counts as absent, so that the rest can still be checked. The checks are
in other modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.runs.matrix import rows
from hf_oidc.doctor.workflow.yaml_text import Block, UnreadableYaml, Value
from hf_oidc.sanitize import sanitize_line

# A runner label from the matrix: `${{ matrix.os }}` or `${{ matrix.build.os }}`.
OF_THE_MATRIX = re.compile(r"\$\{\{\s*matrix\.(?P<path>[\w.-]+)\s*\}\}")
# More than any workflow has. Each job has a report, and each step is checked with each variable that it sees.
MAX_JOBS = 500
MAX_STEPS = 2_000  # of all jobs together: GitHub has no limit, but shows no more than the first 1,000 of a job
MAX_VARIABLES = 50_000
MAX_DECLARED = 10_000  # variables of the workflow and of all jobs
MAX_CONDITIONS = 200_000  # characters
# What `permissions:` grants for `id-token`; `unset` if there are no `permissions:`.
Permission = Literal["unset", "granted", "missing"]


@dataclass(frozen=True)
class Permissions:
    """A `permissions:` of a workflow or a job. `default`: of each scope that `scopes` does not name.

    A block denies every scope that it does not name; `write-all` and `read-all` name none. `given` is false if there
    is no `permissions:`: then the defaults of the repository hold, which never include `id-token`.
    """

    given: bool = False
    default: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)
    line: int = 0

    def of(self, scope: str) -> str:
        """`write`, `read`, `none`, or an empty string if the file does not tell."""
        return self.scopes.get(scope, self.default)

    @property
    def id_token(self) -> Permission:
        """Whether the job may request ID tokens."""
        if not self.given:
            return "unset"
        return "granted" if self.of("id-token") == "write" else "missing"


@dataclass(frozen=True)
class LocalAction:
    """An action of the same repository, as its action.yml says. `path`: of that file, in the repository.

    `using`: `docker`, `composite` or a version of Node.js. `is_ours`: it is a copy of this action. `steps`: those of a
    composite action that is not. `fails`: one of them is a script that always fails if it is reached.
    """

    path: str
    using: str = ""
    is_ours: bool = False
    steps: tuple[Step, ...] = ()
    fails: bool = False


@dataclass(frozen=True)
class Step:
    """A step. `label`: its name in GitHub's log, or its number. `continues`: the job continues if the step fails.

    `block`: the step as it is written. `background`: it runs beside later steps, by itself or inside `parallel:`.
    `action`: the action of the same repository that it uses, if that was read. `file`: the action.yml in which the step
    is written; empty for a step of the workflow.
    """

    label: str
    line: int
    id: str
    uses: str
    run: str
    condition: str
    inputs: Block
    env: Block
    continues: bool = False
    shell: str = ""
    background: bool = False
    block: Block = field(default_factory=Block)
    action: LocalAction | None = None
    file: str = ""


@dataclass(frozen=True)
class Job:
    """A job. `calls`: the reusable workflow that it calls, if any. `runs_on`: its labels, with those of the matrix.

    `inputs` and `secrets`: what it passes to that workflow. `called`: that workflow, if it was read.
    `matrix`: `strategy.matrix`, a block, or an expression.
    `shell`: the default of its steps. `minutes`: its `timeout-minutes`. `block`: the job as it is written.
    """

    key: str
    line: int
    condition: str
    calls: str
    environment: str
    runs_on: tuple[str, ...]
    env: Block
    outputs: Block
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    permissions: Permissions = Permissions()
    matrix: Value = ""
    inputs: Block = field(default_factory=Block)
    secrets: Value = ""
    shell: str = ""
    minutes: str = ""
    block: Block = field(default_factory=Block)
    called: Workflow | None = None


@dataclass(frozen=True)
class Workflow:
    """A workflow file. `triggers`: the settings of each event in `on:`. `block`: the file as it is written.

    `path`: in the repository, if the workflow is called by another one; else empty.
    """

    file_name: str
    triggers: dict[str, Block]
    env: Block
    jobs: tuple[Job, ...]
    findings: tuple[WorkflowFinding, ...]
    permissions: Permissions = Permissions()
    block: Block = field(default_factory=Block)
    path: str = ""

    @property
    def place(self) -> str:
        """Its path for a command to copy, sanitized. GitHub runs only files of this folder."""
        return sanitize_line(self.path or f".github/workflows/{self.file_name}", 120)

    def permissions_of(self, job: Job) -> Permissions:
        """What a job has of its own file: its own `permissions:` replace those of the workflow completely."""
        return job.permissions if job.permissions.given else self.permissions


def read_workflow(document: Value, file_name: str) -> Workflow:
    """Reads a workflow from its YAML values. Raises `UnreadableYaml` if they are not a workflow."""
    if not isinstance(document, Block) or "on" not in document or "jobs" not in document:
        raise UnreadableYaml("This is not a workflow: a workflow has `on:` and `jobs:` at its top")
    reader = _Reader()
    jobs = reader.block(document, "jobs")
    if document["jobs"] in ("", {}):  # likely written one level too far left
        reader.wrong(document, "jobs", "jobs", "a block with a job in it")
    workflow = Workflow(
        file_name=file_name,
        triggers=reader.triggers(document),
        permissions=reader.permissions(document),
        env=reader.block(document, "env"),
        jobs=tuple(reader.job(key, reader.block(jobs, key, f"jobs.{key}"), default_shell(document)) for key in jobs),
        findings=tuple(reader.findings),
        block=document,
    )
    steps = [step for job in workflow.jobs for step in job.steps]
    conditions = sum(
        len(text) for text in (*(job.condition for job in workflow.jobs), *(step.condition for step in steps))
    )
    seen = sum((1 + len(job.steps)) * (len(workflow.env) + len(job.env)) for job in workflow.jobs)
    declared = len(workflow.env) + sum(len(job.env) for job in workflow.jobs)
    too_many = declared > MAX_DECLARED or len(jobs) > MAX_JOBS or len(steps) > MAX_STEPS or seen > MAX_VARIABLES
    if too_many or conditions > MAX_CONDITIONS:
        what = "more jobs, steps or conditions, or more variables for its steps,"
        raise UnreadableYaml(f"It has {what} than any workflow has")
    return workflow


def read_steps(runs: Block, path: str) -> tuple[Step, ...]:
    """Reads the steps of a composite action. `runs`: that block of the action.yml at `path`."""
    return tuple(replace(step, file=path) for step in _Reader().steps(runs, "runs"))


def texts(value: Value | None) -> tuple[str, ...]:
    """Returns the strings of `value`: GitHub accepts a single string or a list of strings in many places."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)


def default_shell(parent: Block) -> str:
    """Returns `defaults.run.shell` of a workflow or a job, or an empty string."""
    value: Value = parent
    for key in ("defaults", "run", "shell"):
        value = value.get(key, "") if isinstance(value, Block) else ""
    return value if isinstance(value, str) else ""


def _labels(job: Block) -> Iterator[str]:
    runs_on = job.get("runs-on")
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, Block) else None
    # A string, a list, or a block with `group` and `labels`.
    for label in texts(runs_on.get("labels") if isinstance(runs_on, Block) else runs_on):
        match = OF_THE_MATRIX.fullmatch(label)
        # The matrix may be an expression, too.
        if match and isinstance(matrix, Block):
            yield from _of_the_matrix(matrix, match["path"].split("."))
        else:
            yield label


def _of_the_matrix(matrix: Block, path: list[str]) -> Iterator[str]:
    found = [_at(value, path[1:]) for value in _items(matrix.get(path[0]))]
    found += [_at(row, path) for row in _items(matrix.get("include"))]
    kept = [row and row.get(path[0]) for row in rows(matrix)]
    for text in (each for value in found for each in texts(value)):
        # `exclude` can leave out each row of a label. What is not known stays.
        if len(path) > 1 or "exclude" not in matrix or "${{" in text or None in kept or text in kept:
            yield text


def _at(value: Value, path: list[str]) -> Value:
    for name in path:
        value = value.get(name, "") if isinstance(value, Block) else ""
    return value


def _items(value: Value | None) -> list[Value]:
    return value if isinstance(value, list) else []


class _Reader:
    """Takes values of the type that is expected; `findings` grows with each that is not."""

    def __init__(self) -> None:
        self.findings: list[WorkflowFinding] = []

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
            # `schedule` has a list, which does not matter here.
            return {name: each if isinstance(each, Block) else Block(value.lines[name]) for name, each in value.items()}
        names = texts(value)
        if not names or len(names) != (len(value) if isinstance(value, list) else 1):
            self.wrong(document, "on", "on", "an event, a list of events, or a block of them")
        return {name: Block(document.lines["on"]) for name in names}

    def permissions(self, parent: Block) -> Permissions:
        """`write-all`, `read-all`, or a block; every block and word takes away what it does not name."""
        value, line = parent.get("permissions", ""), parent.lines.get("permissions", 0)
        if isinstance(value, list):
            self.wrong(parent, "permissions", "permissions", "`write-all`, `read-all` or a block")
        if value in ("", []):
            return Permissions()
        if isinstance(value, Block):
            scopes = {name: access for name, access in value.items() if isinstance(access, str)}
            return Permissions(given=True, default="none", scopes=scopes, line=line)
        default = {"write-all": "write", "read-all": "read"}.get(value, "none") if isinstance(value, str) else "none"
        return Permissions(given=True, default=default, line=line)

    def job(self, key: str, job: Block, shell: str) -> Job:
        """A job, with its steps. `shell`: the workflow's default."""
        where = f"jobs.{key}"
        strategy, minutes = job.get("strategy"), job.get("timeout-minutes", "")
        environment = job.get("environment", "")
        environment = environment.get("name", "") if isinstance(environment, Block) else environment
        return Job(
            key=key,
            line=job.line,
            permissions=self.permissions(job),
            condition=self.text(job, "if", f"{where}.if"),
            calls=self.text(job, "uses", f"{where}.uses"),
            environment=environment if isinstance(environment, str) else "",
            runs_on=tuple(_labels(job)),
            env=self.block(job, "env", f"{where}.env"),
            outputs=self.block(job, "outputs", f"{where}.outputs"),
            steps=self.steps(job, where),
            needs=texts(job.get("needs")),
            matrix=strategy.get("matrix", "") if isinstance(strategy, Block) else strategy or "",
            inputs=self.block(job, "with", f"{where}.with"),
            secrets=job.get("secrets", ""),
            shell=default_shell(job) or shell,
            minutes=minutes if isinstance(minutes, str) else "",
            block=job,
        )

    def steps(self, job: Block, where: str) -> tuple[Step, ...]:
        """The steps of a job, or of a composite action."""
        steps = job.get("steps", "")
        if steps and not isinstance(steps, list):
            self.wrong(job, "steps", f"{where}.steps", "a list")
        found: list[Step] = []
        for index, value in enumerate(steps if isinstance(steps, list) else []):
            place = f"{where}.steps[{index}]"
            # `parallel:` holds steps that run beside each other; the job continues when all have ended.
            inner = value.get("parallel") if isinstance(value, Block) else None
            if not isinstance(inner, list):
                found.append(self._step(place, value, job))
                continue
            for at, each in enumerate(inner):
                found.append(replace(self._step(f"{place}.parallel[{at}]", each, job), background=True))
        return tuple(found)

    def _step(self, where: str, value: Value, job: Block) -> Step:
        if not isinstance(value, Block):
            self.wrong(job, "steps", where, "a block of `name: value` lines")
            value = Block(job.lines["steps"])
        name, step_id, uses, run, condition = (
            self.text(value, key, f"{where}.{key}") for key in ("name", "id", "uses", "run", "if")
        )
        label = name or uses or run.strip().partition("\n")[0] or where.rpartition(".")[2]
        inputs, env = self.block(value, "with", f"{where}.with"), self.block(value, "env", f"{where}.env")
        return Step(
            label=sanitize_line(label, 80),
            line=value.line,
            id=step_id,
            uses=uses,
            run=run,
            condition=condition,
            inputs=inputs,
            env=env,
            continues=value.get("continue-on-error") == "true",
            shell=self.text(value, "shell", f"{where}.shell"),
            background=value.get("background") == "true",
            block=value,
        )

    def wrong(self, parent: Block, key: str, where: str, expected: str) -> None:
        """Notes that `where`, the value of `key`, is not what is expected."""
        facts = {"where": sanitize_line(where, 100), "expected": expected}
        self.findings.append(WorkflowFinding("wrong-type", "error", parent.lines.get(key), facts))
