"""The counts of benchmarks/code_shape.py, on code of a few lines."""

import pytest

from benchmarks.code_shape import percentile, shape

SOURCE = '''"""A module."""


def public() -> int:  # a comment
    return _once() + _twice() + _twice()


def _once() -> int:
    return 1


def _twice() -> int:
    # another comment
    return 2
'''


def test_counts_lines_helpers_and_comments() -> None:
    """A helper with one caller is private and mentioned once; a module with a docstring alone does not count."""
    found = shape([SOURCE, '"""Nothing else."""\n'])
    assert (found.modules, found.functions, found.helpers, found.comments) == ([14], [2, 2, 3], 1, 2)


@pytest.mark.parametrize(("numbers", "part", "expected"), [([1], 0.9, 1), ([3, 1, 2], 0.5, 2), ([*range(10)], 0.9, 8)])
def test_a_percentile_is_one_of_the_numbers(numbers: list[int], part: float, expected: int) -> None:
    """The smallest that so many do not exceed."""
    assert percentile(numbers, part) == expected


def test_a_row_has_a_cell_for_each_heading() -> None:
    """Shares in percent, comments per 100 lines."""
    assert shape([SOURCE]).row == "1 | 100% | 14 | 3 | 2 | 3 | 3 | 33% | 14"
