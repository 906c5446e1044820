"""GitHub's expression language, as docs.github.com and actions/runner define it. No value here is unknown."""

import math

import pytest

from hf_oidc.doctor.workflow.expressions.evaluation import (
    ANYWHERE,
    JOB_CONDITION,
    SPECIAL,
    STEP_CONDITION,
    UNKNOWN,
    EnvMapping,
    ExpressionError,
    SomeText,
    Status,
    Value,
    condition,
    evaluate,
    interpolate,
    is_text,
    literals,
    parse,
    value_of,
)
from hf_oidc.doctor.workflow.expressions.functions import OPERATIONS
from hf_oidc.doctor.workflow.expressions.syntax import PARAMETERS

CONTEXTS: dict[str, Value] = {
    "github": {
        "event_name": "push",
        "ref": "refs/heads/main",
        "run_number": 7,
        "event": {"labels": [{"name": "bug"}, {"name": "Help Wanted", "color": "red"}, "no object"]},
    },
    "matrix": {"list": ["zero", "one", "two"], "rows": [[1, 2], [3]], "none": [], "object": {"a": "A", "5": "five"}},
    "env": EnvMapping({"EMPTY": "", "FALSE": "false"}),
    "inputs": {"yes": True, "no": False, "text": "Text", "number": 3.5},
    "steps": {},
    "vars": {"JSON": '{"a": [1, {"b": null}]}'},
}

# Each rule with expressions and what GitHub makes of them. "Docs" is the page "Evaluate expressions in workflows and
# actions"; a name ending in `.cs` is a source file of actions/runner.
RULES: dict[str, dict[str, Value]] = {
    "docs, literals: null, booleans and any JSON number": {
        "null": None,
        "true": True,
        "false": False,
        "711": 711.0,
        "-9.2": -9.2,
        "+3": 3.0,
        "-2.99e-2": -0.0299,
        "1E3": 1000.0,
        "1e+2": 100.0,
        "-0": 0.0,
    },
    "docs, literals: hexadecimal numbers": {"0xff": 255.0, "0xFF": 255.0, "0x0": 0.0},
    "ExpressionUtility.cs: octal numbers, and a point without digits on one side": {
        "0o17": 15.0,
        ".5": 0.5,
        "-.5": -0.5,
        "5.": 5.0,
    },
    "ExpressionUtility.cs: hexadecimal and octal numbers have 32 bits, with a sign": {
        "0xffffffff": -1.0,
        "0x7fffffff": 2147483647.0,
        "0o37777777777": -1.0,
        "0x80000000": -2147483648.0,
        "'0x100000000' == '0x100000000' && '0x100000000' == 4294967296": False,
    },
    "LexicalAnalyzer.cs: Infinity and NaN are numbers": {
        "Infinity": math.inf,
        "-Infinity": -math.inf,
        "+Infinity": math.inf,
        "NaN": math.nan,
        "1e999": math.inf,
    },
    "docs, literals: strings in single quotes, in which two are one": {
        "'Mona the Octocat'": "Mona the Octocat",
        "'It''s open source!'": "It's open source!",
        "''''": "'",
        "''": "",
        "' a\\n\"'": ' a\\n"',
        "'${{ x }}'": "${{ x }}",
    },
    "LexicalAnalyzer.cs: spaces between tokens do not count": {
        " github . event_name ": "push",
        "\n1\t==\r\n1 ": True,
        "contains ( 'ab' , 'b' )": True,
        "github [ 'event_name' ]": "push",
    },
    "docs, operators: property dereference and index": {
        "github.event_name": "push",
        "github['event_name']": "push",
        "matrix.list[1]": "one",
        "(matrix.list)[2]": "two",
        "matrix.rows[0][1]": 2.0,
        "fromJSON('[4, 5]')[1]": 5.0,
        "fromJSON(vars.JSON).a[1].b": None,
        "matrix[format('{0}t', 'lis')][0]": "zero",
    },
    "contexts reference: a property that does not exist is null": {
        "github.nothing": None,
        "github.nothing.at.all": None,
        "steps.login.outputs.token": None,
        "'text'== null || github.event_name.x": None,
        "matrix.list.x": None,
    },
    "DictionaryExpressionData.cs: names ignore case": {
        "GitHub.EVENT_name": "push",
        "github['Event_Name']": "push",
        "fromJSON('{\"a\": 1}').A": 1.0,
        'fromJSON(\'{"a": 1, "A": 2, "b": 3}\').b': 3.0,
    },
    "Index.cs: the index of an array is a number, rounded down": {
        "matrix.list[0.9]": "zero",
        "matrix.list['1']": "one",
        "matrix.list[true]": "one",
        "matrix.list[null]": "zero",
        "matrix.list[3]": None,
        "matrix.list[-1]": None,
        "matrix.list[NaN]": None,
        "matrix.list[Infinity]": None,
        "matrix.list['one']": None,
        "matrix.list[matrix.list]": None,
    },
    "Index.cs: the index of an object is a string": {
        "matrix.object[5]": "five",
        "matrix.object[null]": None,
        "matrix.object[matrix.list]": None,
    },
    "docs, object filters": {
        "github.event.labels.*.name": ["bug", "Help Wanted"],
        "github.event.labels[*].name": ["bug", "Help Wanted"],
        "github.event.labels.*.color": ["red"],
        "matrix.object.*": ["A", "five"],
        "matrix.rows.*[0]": [1.0, 3.0],
        "matrix.rows.*[1]": [2.0],
        "matrix.rows.*.*": [1.0, 2.0, 3.0],
        "matrix.none.*": [],
    },
    "Index.cs: a filter of anything else is an empty array": {
        "github.event_name.*": [],
        "inputs.yes.*": [],
        "github.nothing.*.name": [],
        "github.event.labels.*[0]": [],
        "github.event.labels.*['name']": ["bug", "Help Wanted"],
        "github.event.labels.*[matrix.list]": [],
    },
    "docs, operators: not": {"!true": False, "!false": True, "!!'x'": True, "!github.nothing": True},
    "docs, operators: falsy values are false, 0, -0, '' and null": {
        "!0": True,
        "!-0": True,
        "!''": True,
        "!null": True,
        "!NaN": True,  # EvaluationResult.cs: IsFalsy
    },
    "docs, operators: all else is truthy": {
        "!'false'": False,
        "!'0'": False,
        "!' '": False,
        "!-1": False,
        "!Infinity": False,
        "!matrix.none": False,
        "!steps": False,
        "!github.event.none.*": False,
    },
    "docs, operators: && and || return one of their operands": {
        "true && 'a'": "a",
        "'' && 'a'": "",
        "0 && 'a'": 0.0,
        "null && true": None,
        "1 && 2 && 3": 3.0,
        "1 && null && 3": None,
        "'' || 'a'": "a",
        "'a' || 'b'": "a",
        "false || null": None,
        "null || 0 || ''": "",
        "null || 0 || 'x' || 'y'": "x",
        "true && 'then' || 'else'": "then",
        "false && 'then' || 'else'": "else",
        "true && '' || 'else'": "else",
        "inputs.no || inputs.text": "Text",
    },
    "And.cs, Or.cs: what follows is not evaluated": {
        "false && fromJSON('')": False,
        "true || fromJSON('')": True,
    },
    "Token.cs, precedence: ! before comparisons": {"!0 == 2": False, "!(0 == 2)": True, "!'a' < 1": True},
    "Token.cs, precedence: < before ==": {"1 < 2 == true": True, "2 == 1 < 3": False, "1 != 2 < 3": False},
    "Token.cs, precedence: == before &&": {"1 == 1 && 2 == 2": True, "2 && 1 == 1": True},
    "Token.cs, precedence: && before ||": {
        "true || true && false": True,
        "(true || true) && false": False,
        "false && true || true": True,
        "false && (true || true)": False,
    },
    "Token.cs: operators of one precedence apply from the left": {
        "3 > 2 > 1": False,
        "3 <= 2 < 1": True,
        "3 < 2 <= 0": True,
        "1 <= 3 > 2": False,
        "0 < 3 >= 2": False,
        "3 == 3 == 1": True,
        "1 == 3 == 3": False,
        "1 != 1 == false": True,
        "1 && '' || 'a' && 'b'": "b",
    },
    "docs, operators: numbers are compared as numbers": {
        "1 == 1.0": True,
        "1 != 2": True,
        "2 > 1": True,
        "1 >= 1": True,
        "1 <= 0": False,
        "-1 < 0": True,
        "Infinity == Infinity": True,
        "-Infinity < Infinity": True,
    },
    "docs, operators: NaN is never equal, and no comparison with it is true": {
        "NaN == NaN": False,
        "NaN != NaN": True,
        "NaN < 1": False,
        "NaN >= NaN": False,
        "'x' == 1": False,
        "'x' >= 0": False,
    },
    "docs, operators: strings ignore case": {
        "'a' == 'A'": True,
        "'PUSH' == github.event_name": True,
        "'a' != 'A'": False,
        "'é' == 'É'": True,
        "'a' == 'b'": False,
        "'a ' == 'a'": False,
        "'10' == '10.0'": False,
    },
    "OrdinalIgnoreCase: one upper-case character for each": {
        "'ß' == 'SS'": False,
        "'ß' == 'ß'": True,
        "'\u0131' == 'I'": False,
        "'\u017f' == 's'": False,
        "'\u212a' == 'k'": False,
    },
    "EvaluationResult.cs: strings are ordered by upper-case code units": {
        "'a' < 'B'": True,
        "'A' > 'b'": False,
        "'_' > 'a'": True,
        "'10' < '9'": True,
        "'' < 'a'": True,
        "'a' <= 'A'": True,
        "'a' < 'A'": False,
        "'a' >= 'B'": False,
        "'\U0001f600' < '\uffee'": True,
    },
    "docs, operators: values of two types are compared as numbers": {
        "null == 0": True,
        "null == ''": True,
        "null == false": True,
        "null == null": True,
        "null == 'null'": False,
        "true == 1": True,
        "true == 2": False,
        "false == 0": True,
        "'' == 0": True,
        "'' == false": True,
        "' ' == 0": True,
        "'1' == 1": True,
        "' 1.0 ' == true": True,
        "'true' == true": False,
        "'false' == false": False,
        "env.FALSE == false": False,
        "'0xff' == 255": True,
        "'0o17' == 15": True,
        "'1e2' == 100": True,
        "'-Infinity' == -Infinity": True,
        "'1_0' == 10": False,
        "'1e' == 1": False,
        "'\u0661' == 1": False,
        "inputs.yes == 'true'": False,
        "inputs.no == 'false'": False,
        "null < 1": True,
        "null > null": False,
        "null >= null": True,
        "true > false": True,
        "'2' > 1": True,
        "github.run_number > '6'": True,
    },
    "docs, operators: objects and arrays are equal only to themselves": {
        "matrix.list == matrix.list": True,
        "matrix.none == fromJSON('[]')": False,
        "fromJSON('{}') == fromJSON('{}')": False,
        "matrix == matrix": True,
        "matrix.none.* == matrix.none.*": False,
        "matrix.none == ''": False,
        "matrix.none == null": False,
        "steps != null": True,
        "matrix.list < matrix.list": False,
        "matrix.list <= matrix.list": True,
        "steps < 1": False,
        "steps >= 0": False,
    },
    "docs, contains: part of a string, ignoring case": {
        "contains('Hello world', 'llo')": True,
        "contains('Hello world', 'WORLD')": True,
        "contains('Hello', 'x')": False,
        "contains('Hello', '')": True,
        "contains(1234, 23)": True,
        "contains(true, 'ru')": True,
        "contains(null, 'a')": False,
        "contains('a', matrix.list)": False,
        "contains(steps, 'a')": False,
    },
    "docs, contains: element of an array, by ==": {
        "contains(matrix.list, 'ONE')": True,
        "contains(matrix.list, 'on')": False,
        "contains(github.event.labels.*.name, 'bug')": True,
        "contains(github.event.labels.*.name, 'help wanted')": True,
        'contains(fromJSON(\'["push", "pull_request"]\'), github.event_name)': True,
        "contains(fromJSON('[1, 2]'), '2')": True,
        "contains(fromJSON('[0]'), null)": True,
        "contains(fromJSON('[\"\"]'), false)": True,
        "contains(fromJSON('[[]]'), fromJSON('[]'))": False,
        "contains(matrix.none, null)": False,
    },
    "docs, startsWith and endsWith: ignoring case, of strings": {
        "startsWith('Hello world', 'He')": True,
        "startsWith('Hello', 'hELLO')": True,
        "startsWith('Hello', 'lo')": False,
        "startsWith('He', 'Hello')": False,
        "startsWith('Hello', '')": True,
        "startsWith(github.ref, 'refs/heads/')": True,
        "startsWith(123, 12)": True,
        "startsWith(matrix.list, '')": False,
        "endsWith('Hello world', 'WORLD')": True,
        "endsWith('Hello', 'He')": False,
        "endsWith(1.5, 5)": True,
        "endsWith('', null)": True,
        "endsWith('', steps)": False,
    },
    "docs, format: numbered parameters, and doubled braces": {
        "format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')": "Hello Mona the Octocat",
        "format('{{Hello {0}!}}', 'Mona')": "{Hello Mona!}",
        "format('{1}{0}{1}', 'a', 'b')": "bab",
        "format('{{0}}', 'a')": "{0}",
        "format('{{{0}}}', 'a')": "{a}",
        "format('{0}', '{1}')": "{1}",
        "format('x')": "x",
        "format(null)": "",
        "format('}}{{')": "}{",
    },
    "docs, join: a separator, which is a comma unless it is given": {
        "join(matrix.list)": "zero,one,two",
        "join(matrix.list, ', ')": "zero, one, two",
        "join(matrix.list, null)": "zeroonetwo",
        "join(matrix.list, matrix.none)": "zero,one,two",
        "join(matrix.none, '-')": "",
        "join('text', '-')": "text",
        "join(github.event.labels.*.name, '+')": "bug+Help Wanted",
        "join(fromJSON('[null, true, 1.50, [], {}]'))": ",true,1.5,Array,Object",
        "join(steps)": "",  # Join.cs
    },
    "docs, toJSON: indented by two spaces": {
        "toJSON('a\"b')": '"a\\"b"',
        "toJSON(null)": "null",
        "toJSON(1.0)": "1",
        "toJSON(true)": "true",
        "toJSON(matrix.none)": "[]",
        "toJSON(steps)": "{}",
        "toJSON(matrix.rows)": "[\n  [\n    1,\n    2\n  ],\n  [\n    3\n  ]\n]",
        'toJSON(fromJSON(\'{"a": "\\u2028é", "b": false}\'))': '{\n  "a": "\\u2028é",\n  "b": false\n}',
    },
    "docs, fromJSON: any type": {
        "fromJSON('true')": True,
        "fromJSON('null')": None,
        "fromJSON(' 20 ')": 20.0,
        "fromJSON('-0.5e1')": -5.0,
        "fromJSON('\"x\"')": "x",
        "fromJSON('[1, \"a\", [true]]')": [1.0, "a", [True]],
        "fromJSON(toJSON(matrix.rows))": [[1.0, 2.0], [3.0]],
        "fromJSON(true)": True,
        "toJSON(fromJSON('" + "[" * 99 + "]" * 99 + "')) != ''": True,
        "fromJSON('\"[[{\"')": "[[{",
    },
    "docs, case: the value after the first predicate that is true, else the last": {
        "case(true, 'a', 'b')": "a",
        "case(false, 'a', 'b')": "b",
        "case(github.ref == 'x', 1, github.event_name == 'push', 2, 3)": 2.0,
        "case(false, fromJSON(''), true, 'b', fromJSON(''))": "b",
    },
    "ExpressionConstants.cs: the names of functions ignore case": {
        "STARTSWITH('a', 'A')": True,
        "fromjson(tojson('a'))": "a",
        "Format('{0}', 1)": "1",
    },
    "EvaluationResult.cs: numbers as strings have up to 15 digits (.NET's G15)": {
        "format('{0}', 1.0)": "1",
        "format('{0}', -0)": "0",
        "format('{0}', 0.1)": "0.1",
        "format('{0}', 1e14)": "100000000000000",
        "format('{0}', 1e15)": "1E+15",
        "format('{0}', 0.0001)": "0.0001",
        "format('{0}', 0.00001)": "1E-05",
        "format('{0}', 0.12345678901234567)": "0.123456789012346",
        "format('{0} {1} {2}', Infinity, -Infinity, NaN)": "Infinity -Infinity NaN",
    },
    "EvaluationResult.cs: other values as strings": {
        "format('{0}{1}{2}', null, true, false)": "truefalse",
        "format('{0} {1}', matrix, matrix.list)": "Object Array",
    },
}
ROWS = [
    pytest.param(text, expected, id=f"{rule}: {text}")
    for rule, rows in RULES.items()
    for text, expected in rows.items()
]


def same(one: Value, other: Value) -> bool:
    """Whether two values are of one type and equal, NaN included."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_a_documented_rule(text: str, expected: Value) -> None:
    """The value is the one that the rule gives."""
    assert same(evaluate(parse(text), CONTEXTS), expected)


def test_every_function_can_be_evaluated() -> None:
    """Each function that the parser accepts is in a table of the evaluation."""
    assert PARAMETERS.keys() <= OPERATIONS.keys() | SPECIAL.keys()


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        *(
            ("contains", 2, 2),
            ("startsWith", 2, 2),
            ("endsWith", 2, 2),
            ("join", 1, 2),
            ("toJSON", 1, 1),
            ("fromJSON", 1, 1),
        ),
        *(("format", 1, 255), ("hashFiles", 1, 255), ("case", 3, 255), ("success", 0, 255), ("failure", 0, 255)),
        *(("always", 0, 0), ("cancelled", 0, 0)),
    ],
)
def test_the_number_of_parameters(name: str, least: int, most: int) -> None:
    """GitHub accepts from `least` to `most` (`ExpressionConstants.cs`, `workflow-v1.0.json`)."""
    for count in (least, most):
        assert parse(f"{name}({','.join(['1'] * count)})")
    for count in (least - 1, most + 1):
        with pytest.raises(ExpressionError):
            parse(f"{name}({','.join(['1'] * count)})" if count >= 0 else name)


@pytest.mark.parametrize(
    ("text", "what", "position"),
    [
        ("", "Unexpected end of the expression", 1),
        ("1 ==", "Unexpected end of the expression", 5),
        ("(1", "Unexpected end of the expression", 3),
        ("github.", "Unexpected end of the expression", 8),
        ("github[1", "Unexpected end of the expression", 9),
        ("contains('a'", "Unexpected end of the expression", 13),
        ("1 2", "Unexpected symbol: '2'", 3),
        ("(1) 2", "Unexpected symbol: '2'", 5),
        ("1)", "Unexpected symbol: ')'", 2),
        ("()", "Unexpected symbol: ')'", 2),
        ("== 1", "Unexpected symbol: '='", 1),
        ("1 = 1", "Unexpected symbol: '='", 3),
        ("1 & 1", "Unexpected symbol: '&'", 3),
        ("a.b ? 1", "Unrecognized named-value: 'a'", 1),
        ("github.ref ? 1", "Unexpected symbol: '?'", 12),
        ("github..ref", "Unexpected symbol: '.'", 8),
        ("github.5", "Unexpected symbol: '5'", 8),
        ("github.'ref'", "Unexpected symbol: ''ref''", 8),
        ("github[* 1]", "Unexpected symbol: '1'", 10),
        ("'a'.b", "Unexpected symbol: '.'", 4),
        ("1[0]", "Unexpected symbol: '['", 2),
        ("'open", "Unexpected symbol: ''open'", 1),
        ('"double"', "Unexpected symbol: '\"double\"'", 1),
        ("${{ 1 }}", "Unexpected symbol: '${{'", 1),
        ("github.ref@v1", "Unexpected symbol: 'ref@v1'", 8),
        ("0x", "Unexpected symbol: '0x'", 1),
        ("-0xff", "Unexpected symbol: '-0xff'", 1),
        ("0x100000000", "Unexpected symbol: '0x100000000'", 1),
        ("1a", "Unexpected symbol: '1a'", 1),
        ("-", "Unexpected symbol: '-'", 1),
        ("1 - 1", "Unexpected symbol: '-'", 3),
        ("-infinity", "Unexpected symbol: '-infinity'", 1),
        ("True", "Unrecognized named-value: 'True'", 1),
        ("infinity", "Unrecognized named-value: 'infinity'", 1),
        ("nothing.x == 1", "Unrecognized named-value: 'nothing'", 1),
        ("contains", "Unrecognized named-value: 'contains'", 1),
        ("success", "Unrecognized named-value: 'success'", 1),
        ("1 || literal(1)", "Unrecognized function: 'literal'", 6),
        ("github('x')", "Unrecognized function: 'github'", 1),
        ("lower('A')", "Unrecognized function: 'lower'", 1),
        ("contains('a')", "Too few or too many parameters: 'contains'", 1),
        ("toJSON(1, 2)", "Too few or too many parameters: 'toJSON'", 1),
        ("format()", "Too few or too many parameters: 'format'", 1),
        ("always(1)", "Too few or too many parameters: 'always'", 1),
        ("contains('a', )", "Unexpected symbol: ')'", 15),
        ("contains(, 'a')", "Unexpected symbol: ','", 10),
        ("case(true, 1, 2, 3)", "case() needs an odd number of parameters", 1),
    ],
)
def test_a_bad_expression(text: str, what: str, position: int) -> None:
    """The error says what is wrong, and at which character."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.what, caught.value.position) == (what, position)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("fromJSON('')", "fromJSON() was given an empty string"),
        ("fromJSON(' ')", "fromJSON() was given an empty string"),
        ("fromJSON(null)", "fromJSON() was given an empty string"),
        ("format('{0}')", "format() cannot use this format: '{0}'"),
        ("format('{1}', 'a')", "format() cannot use this format: '{1}'"),
        ("format('{', 'a')", "format() cannot use this format: '{'"),
        ("format('{x}', 'a')", "format() cannot use this format: '{x}'"),
        ("format('{0}}', 'a')", "format() cannot use this format: '{0}}'"),
        ("case('true', 1, 2)", "A predicate of case() is not a boolean"),
        ("success()", "success() exists only in an `if:`"),
    ],
)
def test_an_expression_that_fails_when_it_is_evaluated(text: str, what: str) -> None:
    """GitHub parses it and then fails the job."""
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), CONTEXTS)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("secrets.HF_TOKEN != ''", JOB_CONDITION, "secrets"),
        ("secrets.HF_TOKEN != ''", STEP_CONDITION, "secrets"),
        ("secrets.HF_TOKEN != ''", ANYWHERE, None),
        ("matrix.os == 'linux'", JOB_CONDITION, "matrix"),
        ("matrix.os == 'linux'", STEP_CONDITION, None),
        ("env.PUBLISH", JOB_CONDITION, "env"),
        ("hashFiles('x') != ''", JOB_CONDITION, "hashFiles"),
        ("hashFiles('x') != ''", STEP_CONDITION, None),
        ("needs.build.result == 'success'", JOB_CONDITION, None),
        ("always()", frozenset({"github"}), "always"),
    ],
)
def test_contexts_and_functions_exist_only_at_some_places(
    text: str, allowed: frozenset[str], refused: str | None
) -> None:
    """A name that GitHub documents for other places alone is an error, as at GitHub."""
    if refused is None:
        assert parse(text, allowed)
        return
    with pytest.raises(ExpressionError, match=rf"Unrecognized [a-z-]+: '{refused}'"):
        parse(text, allowed)


SUCCEEDED = Status(success=True, failure=False, cancelled=False)
FAILED = Status(success=False, failure=True, cancelled=False)
CANCELLED = Status(success=False, failure=False, cancelled=True)


@pytest.mark.parametrize(
    ("text", "succeeded", "failed", "cancelled"),
    [
        # Without a status function, `success()` is implied (docs, "Status check functions").
        ("", True, False, False),
        ("  ", True, False, False),
        ("true", True, False, False),
        ("false", False, False, False),
        ("github.event_name == 'push'", True, False, False),
        ("'always()'", True, False, False),
        ("github.event_name == 'push' || true", True, False, False),
        ("github.always == 'always()'", False, False, False),
        # A status function anywhere takes the place of `success()`.
        ("success()", True, False, False),
        ("always()", True, True, True),
        ("failure()", False, True, False),
        ("cancelled()", False, False, True),
        ("!cancelled()", True, True, False),
        ("ALWAYS()", True, True, True),
        ("true || failure()", True, True, True),
        ("contains(format('{0}', always()), 'true')", True, True, True),
        ("failure() && github.event_name == 'push'", False, True, False),
        ("always() && github.event_name == 'schedule'", False, False, False),
        # With `${{ }}`.
        ("${{ github.event_name == 'push' }}", True, False, False),
        ("${{ false }}", False, False, False),
        ("${{ '}}' == 'x' }}", False, False, False),
        ("${{always()}}", True, True, True),
        # `TemplateReader.cs`: `${{ 'text' }}` is the text, which is then the condition.
        ("${{ 'false' }}", False, False, False),
        ("${{ 'github.event_name == ''push''' }}", True, False, False),
        ("${{ '' }}", True, False, False),
        ("${{ ('false') }}", True, False, False),
        # With text around `${{ }}` it is a string, so true, whatever the expression is.
        ("${{ github.event_name }} == 'schedule'", True, False, False),
        ("!${{ true }}", True, False, False),
        ("${{ false }} ", True, False, False),
        ("${{ false }} && ${{ false }}", True, False, False),
        ("${{ failure() }}\n", True, True, True),
        ("{${{ false }}", True, False, False),
        # Nothing is around these: the string can be empty.
        ("${{ env.EMPTY }}${{ env.EMPTY }}", False, False, False),
        ("${{ env.EMPTY }}${{ env.FALSE }}", True, False, False),
    ],
)
def test_a_condition(text: str, succeeded: bool, failed: bool, cancelled: bool) -> None:
    """Whether the `if:` is met after earlier steps succeeded, failed or were cancelled."""
    met = [condition(text, CONTEXTS, status) for status in (SUCCEEDED, FAILED, CANCELLED)]
    assert met == [succeeded, failed, cancelled]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.ref == 'x'", False),
        ("${{ github.ref == 'x' }}", False),
        ("${{ 'x' }}", False),
        ("${{ github.ref }} == 'x'", True),
        ("github.actor == 'x' && ${{ github.ref == 'x' }}", True),
        ("${{ github.ref == 'x' }}\n", True),
    ],
)
def test_text_around_an_expression(text: str, expected: bool) -> None:
    """GitHub counts such a condition as true, which its author did not mean."""
    assert is_text(text) is expected


def test_names_of_jobs_for_a_status_function() -> None:
    """`success('build')` is not documented: its value is not known."""
    assert condition("success('build')", {}, SUCCEEDED) is None


@pytest.mark.parametrize(
    ("text", "value", "string"),
    [
        ("", "", ""),
        ("text", "text", "text"),
        ("${{ inputs.yes }}", True, "true"),
        ("${{ github.nothing }}", None, ""),
        ("${{ matrix.rows }}", [[1, 2], [3]], "Array"),
        ("${{ 1 }}${{ 2.50 }}", "12.5", "12.5"),
        ("a ${{ github.event_name }} {0} {{ b }}", "a push {0} {{ b }}", "a push {0} {{ b }}"),
        ("${{ format('{0}}}', '}}') }}!", "}}}!", "}}}!"),
        ("$ {{ 1 }}", "$ {{ 1 }}", "$ {{ 1 }}"),
        ("${{ 'a' }}", "a", "a"),
    ],
)
def test_a_text_with_expressions(text: str, value: Value, string: str) -> None:
    """One expression keeps its type; with anything else it becomes a string."""
    assert (value_of(text, CONTEXTS), interpolate(text, CONTEXTS)) == (value, string)


@pytest.mark.parametrize(
    ("text", "what", "position"),
    [
        ("a ${{ 1", "`${{` is not closed", 3),
        ("${{ 'a }}", "`${{` is not closed", 1),
        ("a ${{ }}", "Unexpected end of the expression", 7),
        ("a ${{ 1 2 }}", "Unexpected symbol: '2'", 9),
        ("${{ 1 }}" * 255, "The text has 255 expressions or more", 0),
    ],
)
def test_a_bad_text_with_expressions(text: str, what: str, position: int) -> None:
    """The position is the one in the whole text."""
    with pytest.raises(ExpressionError) as caught:
        value_of(text, CONTEXTS)
    assert (caught.value.what, caught.value.position) == (what, position)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.ref == 'refs/heads/main' || github.ref_name == 'dev'", {"refs/heads/main", "dev"}),
        ("${{ github.ref_name == 'a' }} and ${{ contains('b', github.ref_name) }}", {"a", "b"}),
        ('contains(fromJSON(\'["a", {"x": ["b"]}, 1]\'), github.ref)', {'["a", {"x": ["b"]}, 1]', "a", "b"}),
        ("format('refs/heads/{0}', 'a') == github.ref", {"refs/heads/{0}", "a", "refs/heads/a"}),
        ("github['ref']", {"ref"}),
        ("github.ref", set()),
        ("fromJSON('') == 'a'", set()),
        ("echo 'a' | tee b", set()),
        ("${{ 'a", set()),
        pytest.param("||".join(["format('" + "{0}" * 990 + "', '" + "a" * 100 + "')"] * 5), set(), id="much work"),
        ("", set()),
    ],
)
def test_the_strings_of_a_text(text: str, expected: set[str]) -> None:
    """Those that are written and those that functions make of them; no strings of a text that cannot be parsed."""
    assert literals(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1" + " " * 21_000, id="long"),
        pytest.param("'" + "a" * 21_000 + "'", id="long string"),
        pytest.param("(" * 20_000, id="open parentheses"),
        pytest.param("(" * 5_000 + "1" + ")" * 5_000, id="parentheses"),
        pytest.param("!" * 20_000 + "1", id="negations"),
        pytest.param("github" + ".a" * 10_000, id="properties"),
        pytest.param("github[" * 3_000, id="open indexes"),
        pytest.param("format(" * 3_000, id="open calls"),
        pytest.param("1" + "==1" * 6_000, id="comparisons"),
        pytest.param("format(" + "1," * 10_000 + "1)", id="parameters"),
        pytest.param("'" * 19_999, id="quotes"),
    ],
)
def test_a_hostile_expression_is_refused(text: str) -> None:
    """Length and depth are limited; nothing overflows."""
    with pytest.raises(ExpressionError):
        evaluate(parse(text), CONTEXTS)


@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [("1", "==1", ""), ("", "!", "true"), ("github", ".a", ""), ("toJSON(github", "[1]", ")")],
)
def test_fifty_levels(start: str, repeated: str, end: str) -> None:
    """GitHub accepts 50 levels, and not one more."""
    most = 50 - parse(start + end).depth
    assert parse(start + repeated * most + end).depth == 50
    with pytest.raises(ExpressionError, match="more than 50 levels"):
        parse(start + repeated * (most + 1) + end)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("||".join(["0"] * 5_000) + "||'x'", "x", id="chain"),
        pytest.param("&&".join(["(0 || 1)"] * 2_000), 1.0, id="chain of groups"),
        pytest.param("1 && (1 && (1 && (1 && 2)))", 2.0, id="one chain"),
        pytest.param("fromJSON('" + "[" * 9_000 + "]" * 9_000 + "')", UNKNOWN, id="nested JSON"),
        pytest.param("fromJSON('" + '{"a":' * 4_000 + "')", UNKNOWN, id="open JSON"),
        pytest.param("length", UNKNOWN, id="long list"),
        pytest.param("length names", UNKNOWN, id="many names"),
        pytest.param("length JSON", UNKNOWN, id="long JSON"),
        pytest.param("length text", "x" * 100_000, id="long text"),
    ],
)
def test_much_work(text: str, expected: Value) -> None:
    """A chain is not deep. An evaluation that takes too much work ends; its value is not known."""
    many: dict[str, Value] = {f"name{number}": "x" for number in range(20_000)}
    contexts: dict[str, Value] = {"matrix": {"many": many, "list": ["x"] * 20_000, "text": "x" * 100_000}}
    texts = {
        "length": "||".join(["contains(matrix.list, 'y')"] * 700),
        "length names": "||".join(["matrix.many.y"] * 1_000),
        "length JSON": "&&".join(["toJSON(matrix)"] * 1_000),
        "length text": "matrix.text",
    }
    assert same(evaluate(parse(texts.get(text, text)), contexts), expected)


def test_a_text_that_grows_without_limit() -> None:
    """`format` multiplies its parameters: a text beyond the limit is not known."""
    text = "github.ref"
    for _ in range(8):
        text = f"format('{'{0}' * 100}', {text})"
    assert interpolate(f"${{{{ {text} }}}}", CONTEXTS) == SomeText()


def test_deep_values() -> None:
    """A value that is nested too deeply for this process is an error or not known, and no crash."""
    deep: list[Value] = []
    for _ in range(5_000):
        deep = [deep]
    # Which limit is met first: up to Python 3.11 the one of frames, later the one of work.
    try:
        assert evaluate(parse("toJSON(matrix.deep)"), {"matrix": {"deep": deep}}) == UNKNOWN
    except ExpressionError as error:
        assert "nested too deeply" in str(error)


def test_foreign_text_in_an_error() -> None:
    """Text of the workflow is shortened and harmless in a message."""
    with pytest.raises(ExpressionError) as caught:
        parse("\x1b[31m::error::" + "x" * 5_000)
    assert "\x1b" not in caught.value.what
    assert len(caught.value.what) < 1_000
