"""The values that a text with `${{ … }}` has in the runs that reach it, as far as the file tells.

They may come from `matrix`, from `env`, from a caller's `inputs` or from the run. What is not known is left out.
"""

from __future__ import annotations

from itertools import islice

from hf_oidc.doctor.workflow.expressions.evaluation import ExpressionError, interpolate
from hf_oidc.doctor.workflow.login.step import actual
from hf_oidc.doctor.workflow.model import Job, Step
from hf_oidc.doctor.workflow.runs.reach import Contexts, Reachability
from hf_oidc.doctor.workflow.yaml_text import Block, Value

# Of one text. A matrix has 256 rows at most, and most runs see the same.
MAX_CONTEXTS = 300
# Steps that are read for all texts of a job: to evaluate a text takes time for each step before it.
MAX_STEPS = 100_000


class Values:
    """The values of the texts of one job."""

    def __init__(self, reachability: Reachability, job: Job) -> None:
        self._reachability, self._job = reachability, job
        # A step of a composite action sees the contexts of the step that uses it.
        self._outer = {id(inner): step for step in job.steps for inner in actual(step)}
        self._contexts: dict[int, list[Contexts]] = {}
        self._left = MAX_STEPS

    def of(self, text: str, step: Step | None) -> tuple[str, ...]:
        """The values of `text`, which is in `step` or at the job, each once. Without an expression, the text itself."""
        return tuple(value for value in self.every(text, step) if value is not None)

    def every(self, text: str, step: Step | None) -> tuple[str | None, ...]:
        """As `of`, with `None` if the text has a value that the file does not tell."""
        if "${{" not in text:
            return (text,)
        outer = self._outer.get(id(step)) if step else None
        if id(outer) not in self._contexts:
            seen = islice(self._reachability.seen_by(self._job, outer), MAX_CONTEXTS) if self._left > 0 else ()
            self._contexts[id(outer)] = list(seen)
            self._left -= len(self._contexts[id(outer)]) * (len(self._job.steps) + 1)
        found: dict[str | None, None] = {}
        for contexts in self._contexts[id(outer)]:
            try:
                value = interpolate(text, contexts)
            except ExpressionError:
                return (None,)
            found[value if isinstance(value, str) else None] = None
        return tuple(found) or (None,)


def line_of_value(matrix: Value, value: str) -> int | None:
    """Returns the line of the row of a matrix that has `value`, or of the list that has it."""
    for key, values in matrix.items() if isinstance(matrix, Block) else ():
        for row in values if isinstance(values, list) else ():
            if isinstance(row, Block):
                line = next((row.lines.get(name) for name, each in row.items() if each == value), None)
                if line:
                    return line
            elif row == value and isinstance(matrix, Block):
                return matrix.lines.get(key)
    return None
