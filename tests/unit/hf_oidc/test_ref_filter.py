"""GitHub's filter patterns for branches and tags, by tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_oidc.doctor.workflow.expressions.values import SomeText
from hf_oidc.doctor.workflow.runs.ref_filter import MAX_LENGTH, Mentioned, matches, names, passes

# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
PATTERNS = [
    ("feature/*", ["feature/my-branch", "feature/"], ["feature/a/b", "feature", "x/feature/a"]),
    ("feature/**", ["feature/beta-a/my-branch", "feature/mona/the/octocat"], ["feature"]),
    ("main", ["main"], ["main2", "Main", ""]),
    ("*", ["main", "releases"], ["all/the/branches"]),
    ("**", ["all/the/branches", "main", ""], []),
    ("*feature", ["mona-feature", "feature", "ver-10-feature"], ["feature-x"]),
    ("v2*", ["v2", "v2.0", "v2.9"], ["v1", "xv2"]),
    ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.10", "v1..1"]),
    ("colou?r", ["color", "colour"], ["colouur", "colou"]),
    ("ab+", ["ab", "abbb"], ["a", "abc"]),
    ("[CB]at", ["Cat", "Bat"], ["cat", "at", "CBat"]),
    ("[abc]x", ["ax", "bx", "cx"], ["dx", "abcx"]),
    ("[1-2]00", ["100", "200"], ["300", "-00"]),
    ("[a-]x", ["ax", "-x"], ["bx"]),
    ("v1\\+beta", ["v1+beta"], ["v1beta", "v11beta"]),
    ("\\*", ["*"], ["x"]),
    ("\\", ["\\"], ["x"]),
    ("+a", ["+a"], ["a"]),
    ("?", ["?"], ["", "x"]),
    ("a[b", ["a[b"], ["ab"]),
    ("[]a", ["[]a"], ["a"]),
    ("a***b", ["a/x/b", "ab"], ["a/x/bc"]),
    ("a?b+", ["ab", "b", "abb"], ["a", "aab"]),
    ("", [""], ["a"]),
]


@pytest.mark.parametrize(("pattern", "matching", "others"), PATTERNS)
def test_a_pattern(pattern: str, matching: list[str], others: list[str]) -> None:
    """What it matches, and what it does not."""
    assert [name for name in [*matching, *others] if matches(pattern, name)] == matching


@pytest.mark.slow
@given(st.text("ab/*?+", max_size=8), st.text("ab/", max_size=8))
def test_patterns_are_regular_expressions_of_a_simple_kind(pattern: str, name: str) -> None:
    """As a translation to Python's would have it, where a quantifier follows a character."""
    simple = re.sub(r"(^|(?<=[*?+]))[?+]+|(?<=[?+*])[?+*]+", "", pattern)
    translated = "".join(
        ".*" if each.startswith("**") else "[^/]*" if each == "*" else each if each in "?+" else re.escape(each)
        for each in re.findall(r"\*+|.", simple)
    )
    assert matches(simple, name) == bool(re.fullmatch(translated, name))


@pytest.mark.parametrize(
    ("patterns", "ignored", "passing", "others"),
    [
        (None, None, ["main", "x"], []),
        (["main", "rel/**"], None, ["main", "rel/1"], ["dev"]),
        # The last pattern that matches decides.
        (["rel/**", "!rel/**-alpha"], None, ["rel/1"], ["rel/1-alpha", "main"]),
        (["rel/**", "!rel/**-alpha", "rel/keep-alpha"], None, ["rel/keep-alpha"], ["rel/1-alpha"]),
        (["!main"], None, [], ["main", "dev"]),
        ([], None, [], ["main"]),
        (None, ["main", "mona/octocat", "rel/**-alpha"], ["dev", "rel/1"], ["main", "rel/1-alpha"]),
    ],
)
def test_filters(
    patterns: Sequence[str] | None, ignored: Sequence[str] | None, passing: list[str], others: list[str]
) -> None:
    """Of `branches` and `branches-ignore`, or of `tags` and `tags-ignore`."""
    assert [name for name in [*passing, *others] if passes(name, patterns, ignored)] == passing


ANY = SomeText()


@pytest.mark.parametrize(
    ("patterns", "ignored", "mentioned", "expected"),
    [
        (None, None, Mentioned(), [ANY]),
        (None, None, Mentioned(frozenset({"main"})), ["main", SomeText(excluded=frozenset({"main"}))]),
        (["main"], None, Mentioned(frozenset({"dev"})), ["main"]),
        (
            ["rel/**"],
            None,
            Mentioned(frozenset({"rel/1", "x"})),
            ["rel/1", SomeText("rel/", "", frozenset({"rel/1", "x"}))],
        ),
        (["**-rc"], None, Mentioned(), [SomeText("", "-rc")]),
        (["colou?r"], None, Mentioned(), [SomeText("colo", "r")]),
        (["?x*", "\\+x\\"], None, Mentioned(), [ANY]),
        (["**", "rel/**"], None, Mentioned(), [ANY]),
        (["rel/**", "!**"], None, Mentioned(), []),
        (["**", "!main"], None, Mentioned(frozenset({"main"})), [SomeText(excluded=frozenset({"main"}))]),
        (["!main"], None, Mentioned(), []),
        (None, ["**"], Mentioned(frozenset({"main"})), []),
        (None, ["main"], Mentioned(), [SomeText(excluded=frozenset({"main"}))]),
        (
            ["v*"],
            None,
            Mentioned(beginnings=frozenset({"v1", "v1.2", "w", "v", ""})),
            [
                SomeText("v1", not_starting=frozenset({"v1.2"})),
                SomeText("v1.2"),
                SomeText("v", not_starting=frozenset({"v1", "v1.2"})),
            ],
        ),
        ([], None, Mentioned(frozenset({"main"})), []),
        (["x" * (MAX_LENGTH + 1)], None, Mentioned(frozenset({"y" * (MAX_LENGTH + 1), ""})), []),
    ],
)
def test_the_names_that_pass(
    patterns: Sequence[str] | None, ignored: Sequence[str] | None, mentioned: Mentioned, expected: list[str | SomeText]
) -> None:
    """Those that are mentioned, and what is known of the others."""
    assert list(names(patterns, ignored, mentioned)) == expected


@pytest.mark.slow
def test_a_hostile_pattern_takes_no_time() -> None:
    """The time stays in proportion to the length of the pattern and of the name."""
    assert not matches("a?" * 5000 + "*a" * 5000, "a" * MAX_LENGTH + "b")
    assert list(names(["*a" * 1000] * 10_000, None, Mentioned(frozenset({"a" * 90 + "b"}))))
