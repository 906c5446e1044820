"""For each run of a workflow: which jobs and steps it reaches, for certain or perhaps.

Conditions are evaluated twice. First as if everything that runs succeeds: what is reached then is reached for certain.
Then with every result unknown: what is not even reached then is never reached. Between these lies "maybe".
This module does not know what a login is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from hf_oidc.doctor.workflow.expressions.evaluation import (
    JOB_CONDITION,
    STEP_CONDITION,
    UNKNOWN,
    EnvMapping,
    ExpressionError,
    OpenEnvMapping,
    OpenMapping,
    SomeText,
    Status,
    Value,
    condition,
    interpolate,
    value_of,
)
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.failing import always_fails
from hf_oidc.doctor.workflow.runs.matrix import Row, rows, typed
from hf_oidc.doctor.workflow.runs.run import Run
from hf_oidc.doctor.workflow.yaml_text import Block
from hf_oidc.doctor.workflow.yaml_text import Value as Written
from hf_oidc.sanitize import sanitize_line

Certainty = Literal["yes", "maybe", "no"]
Contexts = Mapping[str, Value]
# Of conditions, over all runs and rows: about a second. More than any workflow needs.
MAX_EVALUATIONS = 12_000
# A condition counts once for each of so many characters: a long one has more parts to evaluate.
CHARACTERS = 50
# Contexts that are known when the job runs.
LATER = ("steps", "strategy", "job", "runner", "secrets")
TOO_MUCH = "the size of this file"
# The result of a job or step that always fails: it may also be skipped or cancelled.
NO_SUCCESS = SomeText(excluded=frozenset({"success"}))
SUCCEEDS = Status(success=True, failure=False, cancelled=False, always=True)


@dataclass(frozen=True)
class Reached:
    """Whether `run` reaches a step: for certain, perhaps, or not. `unknown`: the conditions that cannot be decided."""

    run: Run
    certainty: Certainty
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Outcome:
    """Whether a job or step runs.

    `after_failure`: it runs only if something before it has failed, or was skipped or cancelled because of that.
    For a job: `fails`: whether it always fails; `chain`: whether it and all jobs that it needs, directly or not, run;
    `failed`: whether one of these always fails. These are None if that is unknown.
    """

    certainty: Certainty
    unknown: tuple[str, ...] = ()
    chain: bool | None = True
    failed: bool | None = False
    fails: bool | None = False
    after_failure: bool = False


@dataclass
class _Views:
    """What conditions see if everything succeeds, and if anything may fail."""

    expected: dict[str, Value]
    possible: dict[str, Value]

    def changed(self, expected: Contexts, possible: Contexts | None = None) -> _Views:
        return _Views({**self.expected, **expected}, {**self.possible, **(expected if possible is None else possible)})


@dataclass(frozen=True)
class Caller:
    """The job that calls a workflow, and the reachability of the workflow that it is in."""

    reachability: Reachability
    job: Job


class _Place(NamedTuple):
    """Where a step is: its number in `steps`, those of the job or those of the composite action that `outer` uses."""

    outer: Step | None
    steps: tuple[Step, ...]
    at: int


class _TooMuch(Exception):
    """The file has more conditions, runs and rows of a matrix than can be evaluated in a reasonable time."""


class Budget:
    """Counts evaluations, so that no workflow keeps the doctor busy."""

    def __init__(self) -> None:
        self._left = MAX_EVALUATIONS

    def spend(self, work: int) -> None:
        """Counts `work` evaluations. Raises `_TooMuch`."""
        self._left -= work
        if self._left < 0:
            raise _TooMuch


class Reachability:
    """What the runs of one workflow reach. Each job is evaluated once for each run. `caller`: of a called workflow."""

    def __init__(self, workflow: Workflow, runs: Sequence[Run], caller: Caller | None = None) -> None:
        self.runs, self._workflow, self._caller = runs, workflow, caller
        self.budget: Budget = caller.reachability.budget if caller else Budget()
        self._order = _in_order(workflow)
        self._work = sum(_work(job.condition) for job in workflow.jobs)
        self._places = {id(place.steps[place.at]): place for job in workflow.jobs for place in _places(job.steps)}
        self._outcomes: dict[int, list[tuple[_Views, dict[str, _Outcome]]]] = {}
        self._steps: dict[tuple[int, str, int], list[_Outcome]] = {}
        self._rows: dict[str, list[Row | None]] = {}
        self._may_always_fail: dict[str, bool] = {}  # by the key of the job
        self._called: dict[str, Reachability] = {}

    def of(self, job: Job, step: Step | None = None) -> tuple[Reached, ...]:
        """Whether each run reaches `step`, which may be in a composite action, or `job`."""
        outcomes = [self.outcome(index, job, step) for index in range(len(self.runs))]
        return tuple(Reached(run, each.certainty, each.unknown) for run, each in zip(self.runs, outcomes, strict=True))

    def outcome(self, index: int, job: Job, step: Step | None) -> _Outcome:
        """Whether the run with this number reaches `step`, or `job`."""
        if not self.runs[index].is_understood:
            return _Outcome("maybe", ("the event",))
        try:
            of_job = _any([outcomes[job.key] for _, outcomes in self._of_run(index)])
            if self._caller:
                of_job = _both(self._caller.reachability.outcome(index, self._caller.job, None), of_job)
            found = of_job
            while step and found.certainty != "no":
                place = self._places[id(step)]
                found = _both(found, self._of_steps(index, job, place.steps)[place.at])
                step = place.outer
        except _TooMuch:
            return _Outcome("maybe", (TOO_MUCH,))
        return found

    def seen_by(self, job: Job, step: Step | None) -> Iterator[Contexts]:
        """What the expressions of the job, or of its `step`, see in the runs that reach it: for each run and row."""
        before = job.steps[: self._places[id(step)].at if step else 0]
        for index in range(len(self.runs)):
            if not self.runs[index].is_understood or self.outcome(index, job, step).certainty == "no":
                continue
            with suppress(_TooMuch):
                for views, outcomes in self._of_run(index):
                    inside = _with_needs(job, views, outcomes).changed(dict.fromkeys(LATER, UNKNOWN))
                    for row in rows(job.matrix):
                        seen = inside.changed({"matrix": UNKNOWN if row is None else row})
                        environment = _Environment(self._workflow, job, seen)
                        for each in before:
                            environment.after(each)
                        yield {**seen.possible, "env": environment.of(step) if step else UNKNOWN}

    def inputs(self, index: int, job: Job, called: Workflow) -> list[Contexts]:
        """The `inputs` that `job` passes to the workflow `called` in a run: one for each row of its matrix."""
        declared = _declared(called)
        found: list[Contexts] = []
        for views, _ in self._of_run(index):
            for row in self._rows_of(job):
                self.budget.spend(len(declared))
                contexts = {**views.possible, "matrix": UNKNOWN if row is None else row, "strategy": UNKNOWN}
                given = {name: _given(job, name, about, contexts) for name, about in declared.items()}
                if given not in found:
                    found.append(given)
        return found

    def _of_run(self, index: int) -> list[tuple[_Views, dict[str, _Outcome]]]:
        """The outcome of each job; for each set of inputs, if the workflow is called."""
        if index not in self._outcomes:
            contexts = self.runs[index].contexts()
            every: list[Contexts] = [contexts]
            if self._caller:
                inputs = self._caller.reachability.inputs(index, self._caller.job, self._workflow)
                every = [{**contexts, "inputs": dict(each)} for each in inputs]
            found = []
            for each in every:
                views = _Views({**each, "vars": UNKNOWN}, {**each, "vars": UNKNOWN})
                found.append((views, self.of_jobs(views)))
            self._outcomes[index] = found
        return self._outcomes[index]

    def of_jobs(self, views: _Views) -> dict[str, _Outcome]:
        """The outcome of each job, given what its conditions see."""
        self.budget.spend(self._work)
        outcomes: dict[str, _Outcome] = {}
        for job in self._order:
            outcomes[job.key] = self._ended(job, _of_job(job, views, outcomes), views, outcomes)
        return outcomes

    def _ended(self, job: Job, outcome: _Outcome, views: _Views, outcomes: Mapping[str, _Outcome]) -> _Outcome:
        """`outcome` of a job, changed if one of its steps, or of the jobs that it calls, always fails."""
        continues = job.block.get("continue-on-error", "false")
        # A job with `if: failure()` runs after a failure, and is not the first one to fail.
        if outcome.certainty == "no" or outcome.after_failure or continues == "true":
            return outcome
        if job.key not in self._may_always_fail:
            self._may_always_fail[job.key] = _may_always_fail(job)
        if not self._may_always_fail[job.key]:
            return outcome
        inside = _with_needs(job, views, outcomes).changed({"matrix": UNKNOWN if job.matrix else {}})
        failed = _any([_both(outcome, failure) for failure in self._failures(job, inside)])
        if failed.certainty == "no":
            return outcome
        if failed.certainty == "yes" and continues == "false":
            return replace(outcome, chain=False, failed=True, fails=True)
        unknown = tuple(dict.fromkeys((*outcome.unknown, *failed.unknown)))
        chain, before = outcome.chain and None, outcome.failed or None
        return replace(outcome, unknown=unknown, chain=chain, failed=before, fails=None)

    def _failures(self, job: Job, views: _Views) -> Iterator[_Outcome]:
        """Whether each step of `job`, or each job of the workflow that it calls, always fails."""
        self.budget.spend(1 + _work_of(job.steps))
        if job.called is None:
            yield from (failure for _, failure in _of_steps(self._workflow, job, views))
            return
        if job.key not in self._called:
            self._called[job.key] = Reachability(job.called, self.runs, Caller(self, job))
        given = {name: _given(job, name, about, views.possible) for name, about in _declared(job.called).items()}
        for each in self._called[job.key].of_jobs(views.changed({"inputs": given})).values():
            if each.fails is not False:
                yield replace(each, certainty=each.certainty if each.fails else "maybe")

    def _of_steps(self, index: int, job: Job, steps: tuple[Step, ...]) -> list[_Outcome]:
        """Whether each of `steps` runs, if their job or composite action runs."""
        key = (index, job.key, id(steps))
        if key not in self._steps:
            every, inner = [], replace(job, steps=steps)
            for views, outcomes in self._of_run(index):
                inside = _with_needs(job, views, outcomes)
                for row in self._rows_of(job):
                    self.budget.spend(_work_of(steps))
                    matrix: Value = UNKNOWN if row is None else row
                    found = _of_steps(self._workflow, inner, inside.changed({"matrix": matrix}))
                    every.append([outcome for outcome, _ in found])
            self._steps[key] = [_any(list(outcomes)) for outcomes in zip(*every, strict=True)]
        return self._steps[key]

    def _rows_of(self, job: Job) -> list[Row | None]:
        """The rows of a job's matrix: a single one of unknown content if they are too many, or if nothing uses them."""
        if job.key not in self._rows:
            steps = [place.steps[place.at] for place in _places(job.steps)]
            used = [*job.inputs.values(), job.env, *([step.condition, step.env] for step in steps)]
            found = rows(job.matrix) if job.matrix and "matrix" in str(used) else [None if job.matrix else {}]
            is_too_much = len(found) * len(job.steps) * len(self.runs) > MAX_EVALUATIONS / 4
            self._rows[job.key] = [None] if is_too_much and len(found) > 1 else found
        return self._rows[job.key]


def _places(steps: tuple[Step, ...], outer: Step | None = None) -> Iterator[_Place]:
    for at, step in enumerate(steps):
        yield _Place(outer, steps, at)
        yield from _places(step.action.steps, step) if step.action else ()


def _work(condition: str) -> int:
    return 1 + len(condition) // CHARACTERS


def _of_job(job: Job, views: _Views, outcomes: Mapping[str, _Outcome]) -> _Outcome:
    needed = [outcomes[name] for name in job.needs if name in outcomes]
    # GitHub: a failure or a skip applies to all later jobs in the chain of `needs`, not only to the next one.
    chain: bool | None = True
    for each in needed:
        chain = False if chain is False or each.chain is False else None if None in (chain, each.chain) else True
    results = {each.failed for each in needed}
    failed = True if True in results else None if None in results else False
    may_fail = any(each.certainty != "no" for each in needed)
    expected = Status(success=chain, failure=failed, cancelled=False, always=True)
    possible = Status(
        success=None if may_fail and chain is not False else chain,
        failure=failed or (None if may_fail else False),
        cancelled=None,
        always=True,
    )
    found = _decided(job.condition, _with_needs(job, views, outcomes), expected, possible, JOB_CONDITION)
    if found.certainty == "maybe":
        unsure = (each for each in needed if each.certainty == "maybe" or each.failed is None)
        needs = tuple(text for each in unsure for text in each.unknown)
        found = replace(found, unknown=tuple(dict.fromkeys((*needs, *found.unknown))))
    runs = {"yes": True, "maybe": None, "no": False}[found.certainty]
    runs = False if found.after_failure else runs
    together = False if runs is False or chain is False else None if None in (runs, chain) else True
    return replace(found, chain=together, failed=failed)


def _with_needs(job: Job, views: _Views, outcomes: Mapping[str, _Outcome]) -> _Views:
    expected: dict[str, Value] = {}
    possible: dict[str, Value] = {}
    for name in job.needs:
        outcome = outcomes.get(name, _Outcome("no"))
        results: dict[bool | None, Value] = {True: "failure", False: "success", None: UNKNOWN}
        skipped = outcome.certainty == "no" or outcome.after_failure
        result = "skipped" if skipped else results[outcome.fails] if outcome.certainty == "yes" else UNKNOWN
        outputs: Value = {} if outcome.certainty == "no" else OpenMapping({})
        expected[name] = {"result": result, "outputs": outputs}
        unsure: Value = NO_SUCCESS if outcome.fails else UNKNOWN
        possible[name] = {"result": "skipped" if outcome.certainty == "no" else unsure, "outputs": outputs}
    return views.changed({"needs": expected}, {"needs": possible})


def _of_steps(workflow: Workflow, job: Job, views: _Views) -> Iterator[tuple[_Outcome, _Outcome]]:
    """For each step of a job that runs: whether the step runs, and whether it always makes the job fail."""
    open_: dict[str, Value] = {"strategy": UNKNOWN, "job": UNKNOWN, "runner": UNKNOWN}
    expected: dict[str, Value] = {}
    possible: dict[str, Value] = {}
    views = views.changed({**open_, "steps": expected}, {"steps": possible, **open_})
    environment = _Environment(workflow, job, views)
    may_fail, failing = False, _Outcome("no")  # whether a step that always fails has run
    for step in job.steps:
        if not step.condition and failing.certainty == "no":
            outcome = _Outcome("yes")
        else:
            seen = views.changed({"env": environment.of(step)}) if "env" in step.condition.lower() else views
            unsure = None if may_fail else False
            status = Status(success=None if may_fail else True, failure=unsure, cancelled=None, always=True)
            expected_status = SUCCEEDS
            if failing.certainty != "no":
                failed = True if failing.certainty == "yes" else None
                status = expected_status = Status(
                    success=False if failed else None, failure=failed, cancelled=None, always=True
                )
            # GitHub: without a status function in a condition, `success()` is applied to it.
            outcome = _decided(step.condition or "success()", seen, expected_status, status, STEP_CONDITION)
            if outcome.certainty == "maybe":
                outcome = replace(outcome, unknown=tuple(dict.fromkeys((*failing.unknown, *outcome.unknown))))
        failure = _failure(workflow, job, step, views)
        continues = step.block.get("continue-on-error", "false")
        # A step with `if: failure()` runs after a failure, and is not the first one to fail.
        ending = _Outcome("no") if outcome.after_failure or continues == "true" else _both(outcome, failure)
        if ending.certainty != "no" and continues != "false":
            ending = _Outcome("maybe", (*ending.unknown, sanitize_line(str(continues), 200)))
        if step.id:
            is_sure = outcome.certainty == "yes" and not may_fail
            expected[step.id], possible[step.id] = _results(outcome, failure, continues, is_sure=is_sure)
        yield outcome, ending
        failing = _any([failing, ending])
        if outcome.certainty != "no":
            may_fail = may_fail or not step.continues
            environment.after(step)


def _results(outcome: _Outcome, failure: _Outcome, continues: Written, *, is_sure: bool) -> tuple[Value, Value]:
    """The value of `steps.<id>` after a step: if everything succeeds, and if anything may fail.

    `continues`: its `continue-on-error`. `is_sure`: the step always runs, unless the run is cancelled.
    """
    skipped: Value = {"outcome": "skipped", "conclusion": "skipped", "outputs": {}}
    if outcome.certainty == "no":
        return skipped, skipped
    results: dict[str, Value] = {"yes": "failure", "maybe": UNKNOWN, "no": "success"}
    ended = results[failure.certainty]
    conclusion = ended if continues == "false" or ended == "success" else "success" if continues == "true" else UNKNOWN
    unsure: Value = UNKNOWN if ended != "failure" else "failure" if is_sure else NO_SUCCESS
    outputs = OpenMapping({})
    possible = {"outcome": unsure, "conclusion": unsure if continues == "false" else UNKNOWN, "outputs": outputs}
    if outcome.after_failure:
        return skipped, possible
    if outcome.certainty == "maybe":
        return {"outcome": UNKNOWN, "conclusion": UNKNOWN, "outputs": outputs}, possible
    return {"outcome": ended, "conclusion": conclusion, "outputs": outputs}, possible


def _may_always_fail(job: Job) -> bool:
    if job.called:
        return any(map(_may_always_fail, job.called.jobs))
    return any(step.action.fails if step.action else always_fails(step.run, step.shell) for step in job.steps)


def _work_of(steps: Sequence[Step]) -> int:
    inside = sum(_work_of(step.action.steps) for step in steps if step.action and step.action.fails)
    return inside + sum(_work(step.condition) for step in steps if step.condition)


def _failure(workflow: Workflow, job: Job, step: Step, views: _Views) -> _Outcome:
    """Whether `step` always fails if it runs."""
    if not (step.action.fails if step.action else always_fails(step.run, step.shell)) or step.background:
        return _Outcome("no")
    if not step.action:
        return _Outcome("yes")
    inner = replace(job, steps=step.action.steps)
    return _any([failure for _, failure in _of_steps(workflow, inner, views)])


def _decided(text: str, views: _Views, expected: Status, possible: Status, allowed: frozenset[str]) -> _Outcome:
    try:
        first = condition(text, views.expected, expected, allowed)
        if first:
            return _Outcome("yes")
        if first is False and condition(text, views.possible, possible, allowed) is False:
            return _Outcome("no", chain=False)
        # Whether the text itself is undecided, or only whether what comes before it runs.
        itself = first is False or condition(text, views.expected, SUCCEEDS, allowed) is None
    except ExpressionError:
        first, itself = None, True
    unknown = (sanitize_line(text, 200),) if itself else ()
    return _Outcome("maybe", unknown, None, after_failure=first is False)


def _any(outcomes: Sequence[_Outcome]) -> _Outcome:
    """What is known of several rows, or sets of inputs: the best of them."""
    for certainty in ("yes", "maybe"):
        found = [each for each in outcomes if each.certainty == certainty]
        if found:
            unknown = tuple(dict.fromkeys(text for each in found for text in each.unknown))
            return _Outcome(found[0].certainty, unknown)
    return _Outcome("no")


def _both(first: _Outcome, then: _Outcome) -> _Outcome:
    if "no" in (first.certainty, then.certainty):
        return _Outcome("no")
    certainty: Certainty = "yes" if first.certainty == then.certainty == "yes" else "maybe"
    return _Outcome(certainty, tuple(dict.fromkeys((*first.unknown, *then.unknown))))


def _in_order(workflow: Workflow) -> list[Job]:
    """The jobs, each after those that it needs. Jobs that need each other come last: GitHub refuses them."""
    jobs = {job.key: job for job in workflow.jobs}
    left = {job.key: len({name for name in job.needs if name in jobs}) for job in workflow.jobs}
    needed_by: dict[str, list[str]] = {}
    for job in workflow.jobs:
        for name in set(job.needs):
            needed_by.setdefault(name, []).append(job.key)
    found = [key for key, count in left.items() if not count]
    for key in found:  # grows while it is read
        for other in needed_by.get(key, ()):
            left[other] -= 1
            if not left[other]:
                found.append(other)
    return [jobs[key] for key in dict.fromkeys([*found, *jobs])]


def _declared(called: Workflow) -> Block:
    """The inputs that a workflow declares for its callers."""
    inputs = called.triggers.get("workflow_call", Block()).get("inputs")
    return inputs if isinstance(inputs, Block) else Block()


def _given(job: Job, name: str, declared: Written, contexts: Contexts) -> Value:
    """The value of an input that a job passes to the workflow that it calls."""
    about = declared if isinstance(declared, Block) else Block()
    key = next((key for key in job.inputs if key.lower() == name.lower()), None)
    kind = about.get("type", "string")
    if key is None:
        default = typed(about.get("default", ""))
        return default if default != "" else {"boolean": False, "number": 0.0}.get(str(kind), "")
    written = job.inputs[key]
    try:
        value: Value = value_of(written, contexts) if isinstance(written, str) and "${{" in written else typed(written)
    except ExpressionError:
        return UNKNOWN
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), UNKNOWN)
    if kind == "number" and not isinstance(value, float):
        return UNKNOWN
    return {True: "true", False: "false"}[value] if kind == "string" and isinstance(value, bool) else value


@dataclass
class _Environment:
    """The context `env` of a job's steps: what the file writes, and what steps may have written to GITHUB_ENV."""

    workflow: Workflow
    job: Job
    views: _Views
    may_have_set: list[str] = field(default_factory=list)
    is_open: bool = False

    def of(self, step: Step) -> Value:
        """What a step sees: its own `env:` too."""
        found: dict[str, Value] = {}
        for level in (self.workflow.env, self.job.env, step.env):
            contexts = {**self.views.possible, "secrets": UNKNOWN, "env": dict(found)}
            if level is step.env:
                set_later = {name for name in found if any(name in script for script in self.may_have_set)}
                found |= dict.fromkeys(set_later, UNKNOWN)
            for name, written in level.items():
                try:
                    found[name] = interpolate(written, contexts) if isinstance(written, str) else UNKNOWN
                except ExpressionError:
                    found[name] = UNKNOWN
        return OpenEnvMapping(found) if self.is_open else EnvMapping(found)

    def after(self, step: Step) -> None:
        """Notes what `step` may have set for later steps."""
        # An action can set other variables. It is unlikely to change one that the file sets.
        self.is_open = self.is_open or bool(step.uses) or "GITHUB_ENV" in step.run
        if "GITHUB_ENV" in step.run:
            self.may_have_set.append(step.run)
