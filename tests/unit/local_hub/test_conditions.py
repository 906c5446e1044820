"""Preconditions and ranges, row by row of RFC 9110."""

import pytest

from local_hub.repositories.conditions import MOST_RANGES, failed_precondition, requested_ranges

TAG = '"abc"'
PRECONDITIONS = [
    ({}, None),
    ({"if-none-match": TAG}, 304),
    ({"if-none-match": f"W/{TAG}"}, 304),
    ({"if-none-match": f'"x", "y,z" ,W/{TAG}'}, 304),
    ({"if-none-match": "*"}, 304),
    ({"if-none-match": '"x"'}, None),
    ({"if-none-match": "abc"}, None),
    ({"if-none-match": ""}, None),
    ({"if-match": TAG}, None),
    ({"if-match": "*"}, None),
    ({"if-match": f"W/{TAG}"}, 412),
    ({"if-match": '"x"'}, 412),
    ({"if-match": '"x"', "if-none-match": TAG}, 412),
    ({"if-match": TAG, "if-none-match": TAG}, 304),
    ({"if-modified-since": "Sun, 06 Nov 2094 08:49:37 GMT"}, None),
    ({"if-unmodified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, None),
    ({"if-none-match": ", \t" * 20_000 + '"'}, None),
    ({"if-none-match": '"' * 60_000}, None),
]
RANGES = {
    "bytes=0-4": [(0, 4)],
    "bytes=5-": [(5, 9)],
    "bytes=-3": [(7, 9)],
    "bytes=-30": [(0, 9)],
    "bytes=8-99": [(8, 9)],
    "BYTES = 1-2": [(1, 2)],
    "bytes=0-1, 4-5,,": [(0, 1), (4, 5)],
    "bytes=0-1,20-": [(0, 1)],
    "bytes=10-": [],
    "bytes=-0": [],
    "bytes=10-11,12-13": [],
    "bytes=5-4": None,
    "bytes=": None,
    "bytes=-": None,
    "bytes=a-b": None,
    "bytes=+1-2": None,
    "bytes=1_0-": None,
    "bytes=1-2-3": None,
    "lines=0-1": None,
    "0-1": None,
    "": None,
    "bytes=" + "0-0," * (MOST_RANGES + 1): None,
    "bytes=" + "1" * 60_000 + "-": None,
}


@pytest.mark.parametrize(("headers", "status"), PRECONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_precondition(method: str, headers: dict[str, str], status: int | None) -> None:
    """Tags are compared strongly for If-Match and weakly for If-None-Match; dates have no effect."""
    assert failed_precondition(method, headers, TAG) == status


@pytest.mark.parametrize("value", RANGES)
def test_a_range(value: str) -> None:
    """Of a file of ten bytes: what can be sent, 416 if nothing can, and the whole file for what is not a range."""
    assert requested_ranges("GET", {"range": value}, TAG, 10) == RANGES[value]


@pytest.mark.parametrize(
    ("method", "condition", "expected"),
    [
        ("HEAD", TAG, None),
        ("GET", TAG, [(0, 0)]),
        ("GET", f"W/{TAG}", None),
        ("GET", '"x"', None),
        ("GET", "Sun, 06 Nov 2094 08:49:37 GMT", None),
    ],
)
def test_if_range(method: str, condition: str, expected: list[tuple[int, int]] | None) -> None:
    """A part of another version is never sent, and HEAD has no parts."""
    assert requested_ranges(method, {"range": "bytes=0-0", "if-range": condition}, TAG, 10) == expected


def test_a_part_of_nothing() -> None:
    """An empty file has no bytes to send."""
    assert requested_ranges("GET", {"range": "bytes=0-"}, TAG, 0) == []
