"""GitHub Actions' expression language, evaluated with values of which some are not known.

The rules are those of docs.github.com, "Evaluate expressions in workflows and actions", and where that page is silent,
of actions/runner (`src/Sdk/Expressions`). This module does not know what a workflow, a run or a step is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hf_oidc.doctor.workflow.expressions.functions import OPERATIONS, NotKnown, boolean, to_json
from hf_oidc.doctor.workflow.expressions.syntax import (
    ANYWHERE,
    JOB_CONDITION,
    STATUS_FUNCTIONS,
    STEP_CONDITION,
    Expression,
    ExpressionError,
    is_text,
    parse,
    parse_condition,
    parse_template,
)
from hf_oidc.doctor.workflow.expressions.values import (
    TRUTHY,
    UNKNOWN,
    EnvMapping,
    OpenEnvMapping,
    OpenMapping,
    SomeText,
    Text,
    Truth,
    Unknown,
    Value,
    fold,
    is_collection,
    number_of,
    text_of,
    truth_of,
)

__all__ = [
    "ANYWHERE",
    "JOB_CONDITION",
    "STEP_CONDITION",
    "UNKNOWN",
    "EnvMapping",
    "Expression",
    "ExpressionError",
    "OpenEnvMapping",
    "OpenMapping",
    "SomeText",
    "Status",
    "Unknown",
    "Value",
    "condition",
    "evaluate",
    "interpolate",
    "is_text",
    "literals",
    "parse",
    "text_of",
    "truth_of",
    "value_of",
]

# Characters and items that one evaluation may handle. Beyond, the result is not known.
MAX_WORK = 300_000


@dataclass(frozen=True)
class Status:
    """What the status functions return."""

    success: Truth
    failure: Truth
    cancelled: Truth
    always: Truth = True


def condition(text: str, contexts: Mapping[str, Value], status: Status, allowed: frozenset[str] = ANYWHERE) -> Truth:
    """Whether the `if:` of a job or step is met, with or without `${{ }}`; `None` if that is not known."""
    return truth_of(evaluate(parse_condition(text, allowed), contexts, status))


def value_of(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Value:
    """The value of a text with `${{ }}`: of any type if the text is one expression, else a string."""
    return evaluate(parse_template(text, allowed), contexts)


def interpolate(text: str, contexts: Mapping[str, Value], allowed: frozenset[str] = ANYWHERE) -> Text:
    """The string for a text with `${{ }}`."""
    return text_of(value_of(text, contexts, allowed))


def literals(text: str) -> set[str]:
    """The strings in the expressions of a text or an `if:`, and those that `fromJSON`, `format` and `join` make."""
    evaluation = _Evaluation({}, None)
    made = ("literal", "fromjson", "format", "join")
    try:
        values = [evaluation.value(node) for node in parse_condition(text).walk() if node.operator in made]
    except (ExpressionError, NotKnown, RecursionError):
        return set()
    found = set()
    while values:
        value = values.pop()
        values += value if isinstance(value, list) else value.values() if isinstance(value, Mapping) else []
        found |= {value} if isinstance(value, str) else set()
    return found


def evaluate(expression: Expression, contexts: Mapping[str, Value], status: Status | None = None) -> Value:
    """The value of an expression. A context that `contexts` does not name is not known.

    Raises `ExpressionError` if GitHub fails to evaluate it. `status`: what status functions return, within an `if:`.
    """
    try:
        return _Evaluation(contexts, status).value(expression)
    except NotKnown:
        return UNKNOWN
    except RecursionError:
        raise ExpressionError("The values are nested too deeply") from None


class _Filtered(list[Value]):
    """The result of `.*`: a later `.name` selects from each of its items."""


class _Evaluation:
    """One evaluation: what the names mean, and how much work it was so far."""

    def __init__(self, contexts: Mapping[str, Value], status: Status | None) -> None:
        self.contexts = contexts
        self.status = status
        self.work = 0

    def value(self, node: Expression) -> Value:
        """The value of a node."""
        special = SPECIAL.get(node.operator)
        found = special(self, node) if special else OPERATIONS[node.operator](*map(self.value, node.operands))
        self.spend(1 + (len(found) if isinstance(found, (str, list)) else 0))
        return found

    def spend(self, work: int) -> None:
        """Counts work, so that no workflow can keep this process busy."""
        self.work += work
        if self.work > MAX_WORK:
            raise NotKnown

    def context(self, node: Expression) -> Value:
        """A context, which is not known if it is not given."""
        return (self.select(self.contexts, node.value) or [UNKNOWN])[0]

    def index(self, node: Expression) -> Value:
        """`target[key]`; all of the items if the key is `*`."""
        target = self.value(node.operands[0])
        every = node.operands[1].operator == "*"
        if not is_collection(target):
            # The key is not evaluated. What `.*` gives is an array, also of `null`, and so counts as true.
            unknown = isinstance(target, Unknown)
            return (TRUTHY if unknown else _Filtered()) if every else UNKNOWN if unknown else None
        key = None if every else self.value(node.operands[1])
        found = _Filtered()
        for source in target if isinstance(target, _Filtered) else [target]:
            selected = self.items(source) if every else self.select(source, key)
            if selected is None:
                return TRUTHY if every or isinstance(target, _Filtered) else UNKNOWN
            found += selected
        if every or isinstance(target, _Filtered):
            return found
        return found[0] if found else None

    def items(self, target: Value) -> list[Value] | None:
        """All items of an array or object; `None` if they are not known."""
        if isinstance(target, (Unknown, OpenMapping)):
            return None
        return list(target.values()) if isinstance(target, Mapping) else target if isinstance(target, list) else []

    def select(self, target: Value, key: Value) -> list[Value] | None:
        """The item with this key, if there is one; `None` if that is not known."""
        if isinstance(target, list):
            number = number_of(key)
            inside = number is not None and 0 <= number < len(target)
            return None if number is None else [target[int(number)]] if inside else []
        if not isinstance(target, Mapping) or is_collection(key):
            return None if isinstance(target, Unknown) else []
        name = text_of(key)
        if isinstance(name, SomeText) or name in target:
            return None if isinstance(name, SomeText) else [target[name]]
        # Names ignore case (`DictionaryExpressionData.cs`), except in `env` on Linux.
        self.spend(len(target))
        found = [value for other, value in target.items() if fold(other) == fold(name)]
        if (found and isinstance(target, EnvMapping)) or (not found and isinstance(target, OpenMapping)):
            return None
        return found[:1]

    def chain(self, node: Expression) -> Value:
        """`&&` is its first operand that is false, `||` its first that is true, else the last one."""
        stop = node.operator == "||"
        earlier = undecided = False
        found: Value = None
        for operand in node.operands:
            earlier = undecided
            try:
                found = self.value(operand)
            except ExpressionError:
                if earlier:
                    return UNKNOWN  # GitHub may not come this far.
                raise
            truth = truth_of(found)
            if truth is stop:
                return Unknown(truth=stop) if earlier else found
            undecided = undecided or truth is None
        return UNKNOWN if earlier else found

    def case(self, node: Expression) -> Value:
        """The value after the first predicate that is true, else the last."""
        *pairs, default = node.operands
        for predicate, result in zip(pairs[::2], pairs[1::2], strict=True):
            met = self.value(predicate)
            if isinstance(met, Unknown):
                return UNKNOWN
            # Truth does not suffice: GitHub demands a boolean.
            if met is True:
                return self.value(result)
            if met is not False:
                raise ExpressionError("A predicate of case() is not a boolean")
        return self.value(default)

    def status_function(self, node: Expression) -> Value:
        """`success()`, `failure()`, `cancelled()` or `always()`."""
        if self.status is None:
            raise ExpressionError(f"{node.operator}() exists only in an `if:`")
        # A job's `success('build')` accepts the names of jobs. That is not documented.
        return UNKNOWN if node.operands else boolean(getattr(self.status, node.operator))


# The other operators and functions are in OPERATIONS.
SPECIAL: dict[str, Callable[[_Evaluation, Expression], Value]] = {
    "literal": lambda _, node: node.value,
    "text": lambda _, node: node.value,
    "context": _Evaluation.context,
    "index": _Evaluation.index,
    "&&": _Evaluation.chain,
    "||": _Evaluation.chain,
    "case": _Evaluation.case,
    # It can be much work for a small value.
    "tojson": lambda evaluation, node: to_json(evaluation.value(node.operands[0]), evaluation.spend),
    **dict.fromkeys(STATUS_FUNCTIONS, _Evaluation.status_function),
}
