"""JSON that every reader reads alike; of anything else, nothing is read."""

from typing import Any

import pytest

from hf_oidc.strict_json import read_object


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"{}", {}),
        (b' {"a": [1, {"b": null}], "c": {"a": "\xc3\xa9"}} ', {"a": [1, {"b": None}], "c": {"a": "é"}}),
        (b"[]", None),
        (b'"text"', None),
        (b"null", None),
        (b"", None),
        (b"{} {}", None),
        (b'{"a": 1, "a": 1}', None),
        (b'{"a": 1, "\\u0061": 2}', None),
        (b'{"x": [{"a": 1, "a": 2}]}', None),
        (b'{"a": NaN}', None),
        (b'{"a": -Infinity}', None),
        (b"\xef\xbb\xbf{}", None),
        (b'{"a": "\xff"}', None),
        ("{}".encode("utf-16"), None),
        (b'{"a": ' + b"[" * 100_000, None),
    ],
)
def test_reads_an_object_or_nothing(document: bytes, expected: dict[str, Any] | None) -> None:
    """No other value, no name that occurs twice, no other encoding, no constant that only some readers know."""
    assert read_object(document) == expected
