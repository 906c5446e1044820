"""The rows of `strategy.matrix`: one job runs for each. What GitHub computes when the workflow runs is unknown.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
"""

from __future__ import annotations

import itertools
import math
import re

from hf_oidc.doctor.workflow.expressions.values import UNKNOWN, Unknown, Value
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
    for entry in map(_entry, excluded):
        # An unknown value may be another one: the row is kept.
        known = entry and not any(isinstance(value, Unknown) for value in entry.values())
        found = [row for row in found if not known or any(row.get(name) != value for name, value in entry.items())]
    # An entry of `include` extends each row of the product whose own values it leaves; else it is a row itself.
    extended: list[Row | None] = [*found]
    for entry in map(_entry, included):
        own = entry.keys() & axes.keys()
        fitting = [index for index, row in enumerate(found) if all(row[name] == entry[name] for name in own)]
        for index in fitting:
            extended[index] = {**(extended[index] or {}), **entry}
        extended += [] if fitting else [entry]
    return extended


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
