"""Edits of YAML text, by a table: each keeps everything else of the text, or is refused with a line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hf_oidc.doctor.workflow.migration.text_edit import Edit, applied, unified_diff
from hf_oidc.doctor.workflow.migration.yaml_edit import YamlEditor
from hf_oidc.doctor.workflow.migration.yaml_layout import NotEditable
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml

Edits = Callable[[YamlEditor], object]


def both(first: Edits, second: Edits) -> Edits:
    """Makes two edits."""
    return lambda editor: [first(editor), second(editor)]


def nothing(_: YamlEditor) -> None:
    """Makes no edit."""


def cut(word: str, instead: str = "") -> Callable[[str], list[Edit]]:
    """Finds a word."""
    return lambda text: [Edit(each.start(), each.end(), instead) for each in re.finditer(re.escape(word), text)]


ROWS: list[tuple[str, Edits, str]] = [
    # keys that go
    ("a: 1\nb: 2\n", lambda e: e.remove(("a",)), "b: 2\n"),
    ("a: 1\nb: 2\n", lambda e: e.remove(("b",)), "a: 1\n"),
    ("a: 1\nb: 2", lambda e: e.remove(("b",)), "a: 1"),
    ("a: 1 # why\n# then\nb: 2\n", lambda e: e.remove(("a",)), "# then\nb: 2\n"),
    ("a: 1\nb: |\n  x\n  # y\n\nc: 3\n", lambda e: e.remove(("b",)), "a: 1\n\nc: 3\n"),
    ("a:\n  b: 1\nc: 2\n", lambda e: e.remove(("a", "b")), "c: 2\n"),
    ("a:\n  b:\n    c: 1\nd: 2\n", lambda e: e.remove(("a", "b", "c")), "d: 2\n"),
    ("a:\n  # x\n  b: 1\n  # y\nc: 2\n", lambda e: e.remove(("a", "b")), "  # x\n  # y\nc: 2\n"),
    ("a: {b: 1}\nc: 2\n", lambda e: e.remove(("a", "b")), "c: 2\n"),
    ("a: {b: 1, c: 2, d: 3}\n", lambda e: e.remove(("a", "b")), "a: {c: 2, d: 3}\n"),
    ("a: {b: 1, c: 2, d: 3}\n", lambda e: e.remove(("a", "d")), "a: {b: 1, c: 2}\n"),
    ("a: { b: 1, c: 2 }\n", lambda e: e.remove(("a", "c")), "a: { b: 1 }\n"),
    ("a: {b: 1, c: 2, d: 3}\n", both(lambda e: e.remove(("a", "b")), lambda e: e.remove(("a", "c"))), "a: {d: 3}\n"),
    ("a: {b: 1, c: 2, d: 3}\n", both(lambda e: e.remove(("a", "c")), lambda e: e.remove(("a", "d"))), "a: {b: 1}\n"),
    ("- a: 1\n  b: 2\n", lambda e: e.remove((0, "a")), "- b: 2\n"),
    ("- a:\n    b: 1\n  c: 2\n", lambda e: e.remove((0, "a", "b")), "- c: 2\n"),
    (
        "a: 1\nb:\n  c: 2\n  d: 3\ne: 4\n",
        both(lambda e: e.remove(("b", "c")), lambda e: e.remove(("b", "d"))),
        "a: 1\ne: 4\n",
    ),
    ("a: &x\n  b: 1\nc: 2\n", lambda e: e.remove(("a", "b")), "c: 2\n"),
    # keys that come
    ("a:\n  b: 1\n", lambda e: e.add(("a",), "c", "2", after="b"), "a:\n  b: 1\n  c: 2\n"),
    ("a:\n  b: 1", lambda e: e.add(("a",), "c", "2", after="b"), "a:\n  b: 1\n  c: 2"),
    ("a:\r\n  b: 1\r\n", lambda e: e.add(("a",), "c", "2", after="b"), "a:\r\n  b: 1\r\n  c: 2\r\n"),
    ("a:\n  b: 1 # x\n\nd: 2\n", lambda e: e.add(("a",), "c", "2", after="b"), "a:\n  b: 1 # x\n  c: 2\n\nd: 2\n"),
    ("a:\n  - b: 1\n", lambda e: e.add(("a", 0), "c", "2"), "a:\n  - c: 2\n    b: 1\n"),
    ("a: {}\n", lambda e: e.add(("a",), "c", "2"), "a: {c: 2}\n"),
    ("a: {b: 1}\n", lambda e: e.add(("a",), "c", "2"), "a: {c: 2, b: 1}\n"),
    ("a: {b: 1}\n", lambda e: e.add(("a",), "c", {"d": "${{ x }}"}, after="b"), 'a: {b: 1, c: {d: "${{ x }}"}}\n'),
    (
        "a:\n    b: 1\n",
        lambda e: e.add(("a",), "c", {"d": "true"}, after="b"),
        'a:\n    b: 1\n    c:\n        d: "true"\n',
    ),
    ("- b: 1\n", lambda e: e.add((0,), "c", {"d": "x\ny\n"}, after="b"), "- b: 1\n  c:\n    d: |\n      x\n      y\n"),
    (
        "a:\n  b: |\n    x\n\n  c: 2\n",
        lambda e: e.add(("a",), "d", "3", after="b"),
        "a:\n  b: |\n    x\n  d: 3\n\n  c: 2\n",
    ),
    ("a:\n  b: [1,\n    2]\n", lambda e: e.add(("a",), "d", "3", after="b"), "a:\n  b: [1,\n    2]\n  d: 3\n"),
    ("a:\n  b:\n  - 1\n", lambda e: e.add(("a",), "d", "3", after="b"), "a:\n  b:\n  - 1\n  d: 3\n"),
    # items
    ("- a: 1\n", lambda e: e.insert((), 0, {"b": "2", "c": "3"}), "- b: 2\n  c: 3\n- a: 1\n"),
    ("x:\n-   a: 1\n", lambda e: e.insert(("x",), 0, {"b": "2", "c": "3"}), "x:\n-   b: 2\n    c: 3\n-   a: 1\n"),
    ("- a: 1\n\n# c\n- b: 2\n", lambda e: e.insert((), 1, {"d": "3"}), "- a: 1\n\n- d: 3\n\n# c\n- b: 2\n"),
    ("- a: 1\n  # c\n- b: 2\n", lambda e: e.insert((), 1, {"d": "3"}), "- a: 1\n  # c\n- d: 3\n- b: 2\n"),
    ("- a: 1\n\n- b: 2\n", lambda e: e.insert((), 0, {"d": "3"}), "- d: 3\n\n- a: 1\n\n- b: 2\n"),
    ("- {a: 1}\n", lambda e: e.insert((), 0, {"b": {"c": "d"}}), "- {b: {c: d}}\n- {a: 1}\n"),
    ("x: [{a: 1}]\n", lambda e: e.insert(("x",), 0, {"b": "c"}), "x: [{b: c}, {a: 1}]\n"),
    ("- a: 1 # x\n- b: 2\n", lambda e: e.replace((), 0, {"c": "3"}), "- c: 3 # x\n- b: 2\n"),
    ("- a: 1\n- b: 2\n- c: 3\n", lambda e: e.drop((), 1), "- a: 1\n- c: 3\n"),
    ("- a: 1\n\n- b: 2\n\n- c: 3\n", lambda e: e.drop((), 1), "- a: 1\n\n- c: 3\n"),
    ("- a: 1\n\n- b: 2\n", lambda e: e.drop((), 1), "- a: 1\n"),
    ("- a: 1\n- b: 2", lambda e: e.drop((), 1), "- a: 1"),
    (
        "- a: 1\n- b: 2\n- c: 3\n",
        both(lambda e: e.insert((), 0, {"d": "4"}), lambda e: e.drop((), 1)),
        "- d: 4\n- a: 1\n- c: 3\n",
    ),
    ("- a: 1\n- b: 2\n", both(lambda e: e.insert((), 1, {"d": "4"}), lambda e: e.drop((), 0)), "- d: 4\n- b: 2\n"),
    # texts
    ("a: x y z\n", lambda e: e.substitute(("a",), cut(" y")), "a: x z\n"),
    ("a: 'x y z'\n", lambda e: e.substitute(("a",), cut("y", "it's")), "a: 'x it''s z'\n"),
    ('a: "x y z"\n', lambda e: e.substitute(("a",), cut("y", '"q"')), 'a: "x \\"q\\" z"\n'),
    ("a: |\n  x y\n  z\nb: 1\n", lambda e: e.substitute(("a",), cut(" y")), "a: |\n  x\n  z\nb: 1\n"),
    ("a: 1\n", nothing, "a: 1\n"),
]


@pytest.mark.parametrize(("before", "edits", "after"), ROWS)
def test_edits(before: str, edits: Edits, after: str) -> None:
    """The text is the expected one, byte by byte."""
    editor = YamlEditor(before)
    edits(editor)
    assert editor.result()[0] == after


REFUSED: list[tuple[str, Edits, int]] = [
    ("a: &x {b: 1}\nc: *x\n", lambda e: e.remove(("a", "b")), 1),
    ("a: &x {b: 1}\nc: *x\n", lambda e: e.remove(("c", "b")), 1),
    ("a: &x 1\nb: *x\nc: 2\n", lambda e: e.remove(("a",)), 1),
    ("x: &y {a: 1}\nb:\n  <<: *y\n  c: 2\n", lambda e: e.remove(("b", "a")), 3),
    ("a: 1\nb:\n  c: &x 1\n  d: *x\n", lambda e: e.add((), "e", "2", after="b"), 3),
    ("- a:\n    # why\n    b: 1\n  c: 2\n", lambda e: e.remove((0, "a", "b")), 1),
    ("- a: 1\n", lambda e: e.remove((0, "a")), 1),
    ("{a: 1}\n", lambda e: e.remove(("a",)), 1),
    ("a:\n  - b: 1\n", lambda e: e.remove(("a", 0, "b")), 2),
    ("? a\n: 1\nb: 2\n", lambda e: e.remove(("a",)), 1),
    ("a: b\n", lambda e: e.add(("a",), "c", "d"), 1),
    ("a: &x {}\n", lambda e: e.add(("a",), "c", "d"), 1),
    ("a: [1]\n", lambda e: e.substitute(("a",), cut("1")), 1),
    ('a: "\\x41"\n', lambda e: e.substitute(("a",), cut("A", "B")), 1),
    ("a: x\n", lambda e: e.substitute(("a",), cut("x", "b: c")), 1),
    ("a: x\n", lambda e: e.substitute(("a",), cut("x", "[")), 2),
    ("a: x\n", both(lambda e: e.substitute(("a",), cut("x", "b")), lambda e: e.substitute(("a",), cut("x", "c"))), 1),
    ("a: {b: 1}\n", lambda e: e.insert(("a",), 0, {"c": "d"}), 1),
    ("- x\n", lambda e: e.insert((), 0, {"c": "d"}), 1),
    ("-\n  a: 1\n", lambda e: e.insert((), 0, {"c": "d"}), 2),
    ("- a: 1\n", lambda e: e.drop((), 0), 1),
    ("[{a: 1}, {b: 2}]\n", lambda e: e.drop((), 0), 1),
    ("a: x\rb: 1\n", nothing, 1),
    ("", nothing, 1),
]


@pytest.mark.parametrize(("before", "edits", "line"), REFUSED)
def test_what_is_refused(before: str, edits: Edits, line: int) -> None:
    """An edit that would change something else, or that the text does not allow, names its line."""

    def edit() -> None:
        editor = YamlEditor(before)
        edits(editor)
        editor.result()

    with pytest.raises(NotEditable) as refused:
        edit()
    assert refused.value.line == line


def test_what_is_no_yaml() -> None:
    """Is refused as by the reader."""
    with pytest.raises(UnreadableYaml):
        YamlEditor("a: [")


LINES = "".join(f"{number}\n" for number in range(1, 31))


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("a\n", [], ""),
        ("a\n", [Edit(0, 1, "b")], "@@ -1 +1 @@\n-a\n+b\n"),
        ("a\n", [Edit(0, 0, "b\n")], "@@ -1 +1,2 @@\n+b\n a\n"),
        ("a\n", [Edit(2, 2, "b\n")], "@@ -1 +1,2 @@\n a\n+b\n"),
        (
            "a",
            [Edit(1, 1, "\nb")],
            "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n\\ No newline at end of file\n",
        ),
        ("a\n", [Edit(0, 2)], "@@ -1 +0,0 @@\n-a\n"),
        ("a b\nc\n", [Edit(0, 1, "x"), Edit(2, 3, "y")], "@@ -1,2 +1,2 @@\n-a b\n+x y\n c\n"),
        ("a\nb\n", [Edit(0, 4, "x\nb\n")], "@@ -1,2 +1,2 @@\n-a\n+x\n b\n"),
        ("a\nb\nc\n", [Edit(1, 3, "\nx")], "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"),
        (
            LINES,
            [Edit(0, 2), Edit(len(LINES), len(LINES), "x\n")],
            "@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -28,3 +27,4 @@\n 28\n 29\n 30\n+x\n",
        ),
    ],
)
def test_diffs(text: str, edits: list[Edit], expected: str) -> None:
    """A unified diff, as other programs write it, with the changes that are known."""
    head = "--- f\n+++ f\n" if edits else ""
    assert "".join(unified_diff(text, edits, "f")) == head + expected
    assert applied(text, []) == text
