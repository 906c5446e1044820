"""The rows of `strategy.matrix`: one job runs for each. What GitHub computes when the workflow runs is unknown.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
"""

from __future__ import annotations

import itertools
import math
import re

from hf_oidc.doctor.workflow.expressions import UNKNOWN, Value
from hf_oidc.doctor.workflow.yaml_text import Block, Plain
from hf_oidc.doctor.workflow.yaml_text import Value as Written

MAX_ROWS = 256  # GitHub's limit
# YAML 1.2, core schema
NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
Row = dict[str, Value]


def rows(matrix: Written) -> list[Row | None]:
    """Returns the rows of a matrix; none of them is known if there is no matrix. `None`: a row of unknown content."""
    if not isinstance(matrix, Block):
        return [None] if matrix else [{}]
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    choices = [[typed(each) for each in values] if isinstance(values, list) else [UNKNOWN] for values in axes.values()]
    if math.prod(map(len, choices)) > MAX_ROWS:
        return [None]
    found: list[Row] = [dict(zip(axes, row, strict=True)) for row in itertools.product(*choices)] if axes else []
    excluded, included = matrix.get("exclude", []), matrix.get("include", [])
    if not isinstance(excluded, list) or not isinstance(included, list) or len(included) > MAX_ROWS:
        return [None]
    for each in excluded:
        entry = _entry(each)
        # An unknown value may be equal to any: then the row may be left, and is kept.
        found = [
            row for row in found if not entry or any(name not in row or row[name] != entry[name] for name in entry)
        ]
    return [*_with_included(found, [_entry(each) for each in included], set(axes))]


def typed(value: Written) -> Value:
    """Returns a YAML value as an expression sees it: `true` is a boolean, `"true"` a string."""
    if isinstance(value, Block):
        return {name: typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    if "${{" in value:
        return UNKNOWN
    if isinstance(value, Plain):
        if value in BOOLEANS:
            return BOOLEANS[value]
        if NUMBER.fullmatch(value):
            return float(value)
    return str(value)


def _entry(value: Written) -> Row:
    return {name: typed(each) for name, each in value.items()} if isinstance(value, Block) else {}


def _with_included(found: list[Row], entries: list[Row], axes: set[str]) -> list[Row]:
    # An entry extends each row of the product whose own values it does not change; else it is a row of its own.
    extended = [dict(row) for row in found]
    alone: list[Row] = []
    for entry in entries:
        fitting = [
            index for index, row in enumerate(found) if all(row[name] == entry[name] for name in axes & set(entry))
        ]
        for index in fitting:
            extended[index] |= entry
        if not fitting:
            alone.append(entry)
    return extended + alone
