"""Expressions with values that are not known: whatever those are at GitHub, a result that is known is GitHub's."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_oidc.doctor.workflow.expressions.evaluation import (
    UNKNOWN,
    EnvMapping,
    ExpressionError,
    OpenEnvMapping,
    OpenMapping,
    SomeText,
    Status,
    Unknown,
    Value,
    condition,
    evaluate,
    interpolate,
    parse,
    text_of,
    truth_of,
)
from hf_oidc.doctor.workflow.expressions.values import fold

BRANCH = SomeText("refs/heads/", excluded=frozenset({"refs/heads/main"}))
TEXT = SomeText()
TRUTHY, FALSY = Unknown(truth=True), Unknown(truth=False)
NOT_EMPTY = SomeText(excluded=frozenset({""}))
CONTEXTS: dict[str, Value] = {
    "github": OpenMapping(
        {"ref": BRANCH, "event_name": "push", "merge": SomeText("refs/pull/", "/merge"), "actor": TEXT}
    ),
    "inputs": {"any": UNKNOWN, "list": ["a", UNKNOWN], "texts": ["a", BRANCH], "map": {"a": UNKNOWN}},
    "env": EnvMapping({"Name": "x"}),
    "vars": OpenEnvMapping({"Name": "x"}),
    "matrix": {"open": OpenMapping({"a": "b"}), "rows": [{"a": 1}, OpenMapping()], "row": [{"a": UNKNOWN}, {"b": 1}]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A name that an open mapping, or no mapping at all, has.
        ("github.head_ref", UNKNOWN),
        ("github.Event_Name", "push"),
        ("github.event.pull_request.merged", UNKNOWN),
        ("github.event.commits.*.message", UNKNOWN),
        ("github.event.commits.*", TRUTHY),
        ("github.*", TRUTHY),
        ("runner", UNKNOWN),
        ("runner.os", UNKNOWN),
        ("inputs.none", None),
        ("inputs[inputs.any]", UNKNOWN),
        ("inputs[github.actor]", UNKNOWN),
        ("inputs.list[inputs.any]", UNKNOWN),
        ("inputs.list[github.ref]", None),
        ("inputs.list[1]", UNKNOWN),
        ("inputs.list[2]", None),
        ("inputs.list.*", ["a", UNKNOWN]),
        ("inputs.list.*.x", TRUTHY),
        ("matrix.open.A", "b"),
        ("matrix.rows.*.a", TRUTHY),
        ("matrix.row.*.a", [UNKNOWN]),
        ("github.ref.x", None),
        ("env.Name", "x"),
        ("env.NAME", UNKNOWN),
        ("env.Other", None),
        ("vars.Name", "x"),
        ("vars.NAME", UNKNOWN),
        ("vars.Other", UNKNOWN),
        # Operators.
        ("!inputs.any", UNKNOWN),
        ("!github.ref", False),
        ("!github.actor", UNKNOWN),
        ("!(inputs.any || 'x')", False),
        ("!(inputs.any && '')", True),
        ("inputs.any && false", FALSY),
        ("inputs.any && 'x'", UNKNOWN),
        ("false && inputs.any", False),
        ("true && github.ref", BRANCH),
        ("inputs.any || 'x'", TRUTHY),
        ("inputs.any || ''", UNKNOWN),
        ("'x' || inputs.any", "x"),
        ("'' || inputs.any", UNKNOWN),
        ("inputs.any && 'a' || 'b'", TRUTHY),
        ("inputs.any && inputs.map.a && 0", FALSY),
        ("inputs.any && fromJSON('')", UNKNOWN),
        ("inputs.any == 1", UNKNOWN),
        ("inputs.any == inputs.any", UNKNOWN),
        ("inputs.any != 'x'", UNKNOWN),
        ("inputs.any < 1", UNKNOWN),
        ("inputs < inputs.any", False),
        ("inputs == inputs.any", UNKNOWN),
        # Strings of which a part is known.
        ("github.ref == 'refs/heads/dev'", UNKNOWN),
        ("github.ref == 'REFS/heads/DEV'", UNKNOWN),
        ("github.ref == 'refs/heads/main'", False),
        ("'refs/heads/MAIN' == github.ref", False),
        ("github.ref != 'refs/heads/main'", True),
        ("github.ref == 'refs/tags/v1'", False),
        ("github.ref == 'refs'", False),
        ("github.ref == ''", False),
        ("github.ref == null", False),
        ("github.ref == true", False),
        ("github.ref < 1", False),
        ("github.ref >= 1", False),
        ("github.ref < 'x'", UNKNOWN),
        ("github.ref <= 'refs/heads/main'", UNKNOWN),
        ("'refs/heads/main' >= github.ref", UNKNOWN),
        ("'x' < github.ref", UNKNOWN),
        ("github.ref == inputs", False),
        ("github.ref == github.ref", UNKNOWN),
        ("github.ref == github.merge", False),
        ("github.ref == github.actor", UNKNOWN),
        ("github.actor == 1", UNKNOWN),
        ("github.actor == NaN", False),
        ("NaN <= github.actor", False),
        ("github.merge == 'refs/pull/1/merge'", UNKNOWN),
        ("github.merge == 'refs/pull/1/head'", False),
        ("'infinity' == Infinity", UNKNOWN),
        ("'-INFINITY' != 1", UNKNOWN),
        ("'-Infinity' == 1", False),
        # Functions.
        ("startsWith(github.ref, 'refs/')", True),
        ("startsWith(github.ref, 'REFS/HEADS/')", True),
        ("startsWith(github.ref, 'refs/heads/m')", UNKNOWN),
        ("startsWith(github.ref, 'refs/tags/')", False),
        ("startsWith('refs/heads/x', github.ref)", UNKNOWN),
        ("startsWith('refs/tags/x', github.ref)", False),
        ("startsWith('refs', github.ref)", False),
        ("startsWith(github.merge, github.ref)", False),
        ("startsWith(github.actor, github.ref)", UNKNOWN),
        ("startsWith(inputs.any, '')", UNKNOWN),
        ("startsWith(inputs, inputs.any)", False),
        ("endsWith(github.merge, '/MERGE')", True),
        ("endsWith(github.merge, '1/merge')", UNKNOWN),
        ("endsWith(github.merge, '/head')", False),
        ("endsWith('x/head', github.merge)", False),
        ("endsWith(github.ref, 'x')", UNKNOWN),
        ("contains(github.ref, 'HEADS')", True),
        ("contains(github.merge, 'merge')", True),
        ("contains(github.ref, 'x')", UNKNOWN),
        ("contains(github.actor, '')", True),
        ("contains('a refs/heads/b', github.ref)", UNKNOWN),
        ("contains('abc', github.ref)", False),
        ("contains(github.ref, github.actor)", UNKNOWN),
        ("contains(inputs.any, 'x')", UNKNOWN),
        ("contains(inputs.list, 'A')", True),
        ("contains(inputs.list, 'b')", UNKNOWN),
        ("contains(inputs.texts, 'b')", False),
        ("contains(inputs.texts, 'refs/heads/b')", UNKNOWN),
        ("contains('x', inputs.any)", UNKNOWN),
        ("contains(inputs, inputs.any)", False),
        ("format('a {0} b', github.actor)", SomeText("a ", " b")),
        ("format('{0} {1}', github.merge, github.merge)", SomeText("refs/pull/", "/merge")),
        ("format('{0}{1}', inputs.any, 'x')", SomeText(suffix="x")),
        ("format('{0}', 'x', inputs.any)", "x"),
        ("format(github.ref, 'x')", TEXT),
        ("format('<{0}>', github.ref)", SomeText("<refs/heads/", ">", frozenset({"<refs/heads/main>"}))),
        ("format('{0}', inputs.any || 1)", NOT_EMPTY),
        ("join(inputs.texts, '-')", SomeText("a-refs/heads/", "", frozenset({"a-refs/heads/main"}))),
        ("join(inputs.list, inputs.any)", SomeText("a")),
        ("join(inputs.any)", TEXT),
        ("join(github.ref)", BRANCH),
        ("toJSON(inputs.any)", NOT_EMPTY),
        ("toJSON(github)", NOT_EMPTY),
        ("toJSON(inputs.list)", NOT_EMPTY),
        ("fromJSON(inputs.any)", UNKNOWN),
        ("fromJSON(github.ref)", UNKNOWN),
        # Not JSON, but Newtonsoft.Json reads some of these.
        ("fromJSON('{''a'': 1}')", UNKNOWN),
        ("fromJSON('[1,]')", UNKNOWN),
        ("fromJSON('NaN')", UNKNOWN),
        ("fromJSON('Array')", UNKNOWN),
        ('fromJSON(\'{"a": 1, "A": 2, "b": 3}\')', {"a": UNKNOWN, "b": 3.0}),
        ("fromJSON('" + "[" * 100 + "]" * 100 + "')", UNKNOWN),
        ("hashFiles('**/x')", TEXT),
        ("case(inputs.any, 1, 2)", UNKNOWN),
        ("case(true, 1, inputs.any, 2, 3)", 1.0),
        ("case(false, 1, inputs.any)", UNKNOWN),
    ],
)
def test_a_value_that_is_not_known(text: str, expected: Value) -> None:
    """It stays unknown, unless the result is the same for all values."""
    found = evaluate(parse(text), CONTEXTS)
    assert (type(found) is bool, found) == (type(expected) is bool, expected)


@pytest.mark.parametrize("text", ["case(github.ref, 1, 2)", "true && fromJSON('')", "false || case('', inputs.any, 1)"])
def test_a_failure_that_is_known(text: str) -> None:
    """GitHub fails, whatever the unknown value is."""
    with pytest.raises(ExpressionError):
        evaluate(parse(text), CONTEXTS)


SUCCEEDED = Status(success=True, failure=False, cancelled=False)
FAILED = Status(success=False, failure=True, cancelled=False)
UNSURE = Status(success=None, failure=None, cancelled=False)


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("", UNSURE, None),
        ("inputs.any", SUCCEEDED, None),
        ("inputs.any", FAILED, False),
        ("inputs.any && false", UNSURE, False),
        ("github.ref == 'refs/heads/main' && success()", UNSURE, False),
        ("always() || inputs.any", UNSURE, True),
        ("failure()", UNSURE, None),
        ("cancelled()", UNSURE, False),
        ("fromJSON(vars.X)", UNSURE, None),
        ("${{ inputs.any }} x", SUCCEEDED, True),
        ("${{ inputs.any }}${{ inputs.any }}", SUCCEEDED, None),
    ],
)
def test_a_condition_that_is_not_known(text: str, status: Status, expected: bool | None) -> None:
    """`None` stands for "not known"."""
    assert condition(text, CONTEXTS, status) is expected


def test_a_text_with_unknown_parts() -> None:
    """What is around the unknown part is known."""
    assert interpolate("a/${{ inputs.any }}/${{ github.event_name }}", CONTEXTS) == SomeText("a/", "/push")


# --- every value may be hidden

TEXTS = (
    "",
    "a",
    "A",
    "b",
    "main",
    "refs/heads/main",
    "refs/heads/",
    "1",
    " 1 ",
    "true",
    "[1]",
    '{"a": "b"}',
    "Infinity",
    "\xdf",
)
LEAVES = st.none() | st.booleans() | st.sampled_from([0.0, 1.0, -1.5, math.nan, math.inf]) | st.sampled_from(TEXTS)
KNOWN: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "main"]), inner, max_size=3),
    max_leaves=6,
)
OPERANDS = st.sampled_from(
    [
        *("github.a", "github.B", "github.c", "github.d", "github.none", "github.a.b", "github.b[0]", "github.a.*"),
        *("github.a.*.b", "github.*", "github.*.a", "github[github.a]", "github.b[github.c]", "github"),
        *("null", "true", "false", "0", "1", "NaN", "''", "'a'", "'MAIN'", "'refs/heads/main'", "'refs/'", "' 1'"),
        *("success()", "failure()", "always()", "fromJSON('[1, \"a\", null]')", "'{0}'", "'[]'"),
    ]
)
SHAPES = st.sampled_from(
    [
        *(f"{{}} {operator} {{}}" for operator in ("==", "!=", "<", "<=", ">", ">=", "&&", "||")),
        *(f"({{}} {operator} {{}})" for operator in ("==", "!=", "<", "&&", "||")),
        *("!{}", "!({})", "{} && {} || {}", "contains({}, {})", "startsWith({}, {})", "endsWith({}, {})"),
        *("format('{{0}}', {})", "format('x {{1}}{{0}}', {}, {})", "format({}, {})", "join({}, {})", "join({})"),
        *("toJSON({})", "fromJSON({})", "fromJSON(toJSON({}))", "case({}, {}, {})", "case({} == {}, {}, {})"),
        *("fromJSON(toJSON({})).a", "fromJSON(toJSON({})).*", "({})[{}]", "({}).a"),
    ]
)
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda inner: st.tuples(SHAPES, st.tuples(inner, inner, inner, inner)).map(
        lambda drawn: drawn[0].format(*drawn[1])
    ),
    max_leaves=8,
)


@st.composite
def hidden(draw: st.DrawFn, value: Value) -> Value:
    """`value`, or what may be known of it."""
    how = draw(st.sampled_from(["known", "known", "unknown", "truth", "parts"]))
    if how == "unknown":
        return UNKNOWN
    if how == "truth":
        return Unknown(truth_of(value))
    if isinstance(value, str) and how == "parts":
        start, end = draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))
        others = draw(st.sets(st.sampled_from([text for text in TEXTS if fold(text) != fold(value)]), max_size=3))
        return SomeText(value[:start], value[end:], frozenset(others))
    if isinstance(value, list):
        return [draw(hidden(item)) for item in value]
    if isinstance(value, Mapping):
        kept = {name: draw(hidden(item)) for name, item in value.items() if how == "known" or draw(st.booleans())}
        return kept if how == "known" else OpenMapping(kept)
    return value


def fits(known: Value, real: Value) -> bool:
    """Whether what is known of a value is true of the real one."""
    if isinstance(known, Unknown):
        return known.truth is None or known.truth is truth_of(real)
    if isinstance(known, SomeText):
        return (
            isinstance(real, str)
            and real.startswith(known.prefix)
            and real.endswith(known.suffix)
            and fold(real) not in {fold(each) for each in known.excluded if isinstance(each, str)}
        )
    if isinstance(known, list):
        return isinstance(real, list) and len(known) == len(real) and all(map(fits, known, real))
    if isinstance(known, Mapping):
        same = isinstance(known, OpenMapping) or (isinstance(real, Mapping) and known.keys() == real.keys())
        return same and isinstance(real, Mapping) and all(fits(known[name], real[name]) for name in known)
    return (type(known), text_of(known)) == (type(real), text_of(real))


class Failed:
    """GitHub fails to evaluate the expression."""


def result(text: str, contexts: Mapping[str, Value], status: Status) -> Value | Failed:
    """The value, or `Failed`."""
    try:
        return evaluate(parse(text), contexts, status)
    except ExpressionError:
        return Failed()


@pytest.mark.slow
@settings(max_examples=200)
@given(st.data(), EXPRESSIONS, st.fixed_dictionaries(dict.fromkeys("abcd", KNOWN)))
def test_no_known_result_is_wrong(data: st.DataObject, text: str, github: dict[str, Value]) -> None:
    """Any part of the values may be hidden: what is still known of the result is true of the real one."""
    status = Status(data.draw(st.booleans()), data.draw(st.booleans()), cancelled=False)
    unsure = Status(*(data.draw(st.sampled_from([each, None])) for each in (status.success, status.failure, False)))
    real = result(text, {"github": github}, status)
    known = result(text, {"github": data.draw(hidden(github))}, unsure)
    if isinstance(real, (Failed, Unknown, SomeText)):
        # A failure may come from a hidden value. What `fromJSON` makes of a text that is not JSON is never known.
        return
    assert not isinstance(known, Failed)
    assert fits(known, real)
