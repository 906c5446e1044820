"""The body of a commit call: short and long lines mean the same, and nothing hides in a long one."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

from local_hub.fields import FieldError
from local_hub.repositories.commit_body import JSON_LIMIT, read_commit

HEADER = b'{"key": "header", "value": {"summary": "x"}}\n'
LONG = JSON_LIMIT * 3 // 4
CONTENT = b"?" * LONG  # many slashes in base64


def line(content: bytes, **more: str) -> str:
    """The operation that writes a file."""
    value = {"path": "x", **more, "content": base64.b64encode(content).decode()}
    return json.dumps({"key": "file", "value": value})


@pytest.mark.parametrize("content", [b"", b"?" * 30, CONTENT, CONTENT + b"?" * 99])
@pytest.mark.parametrize("slash", ["/", r"\/"])
def test_a_file_of_any_length(tmp_path: Path, content: bytes, slash: str) -> None:
    """Its bytes are the same, also if JSON escapes the slashes."""
    body = HEADER + line(content).replace("/", slash).encode()
    (upload,) = read_commit(io.BytesIO(body), tmp_path).uploads
    assert (upload.content.read_bytes(), upload.size, upload.start) == (content, len(content), content[:1024])


@pytest.mark.parametrize(
    "text",
    [
        line(CONTENT)[:-3],
        line(CONTENT).replace("=", "") + '"',
        line(CONTENT).replace("Pz8/", "P!8/", 1),
        line(CONTENT).replace("Pz8/", "\\\\n8/", 1),
        line(CONTENT, encoding="utf-8"),
        line(CONTENT, path="../x"),
        line(b"x", other=base64.b64encode(CONTENT * 2).decode()),
        line(CONTENT).replace('"file"', '"file", "more": {"content": "a"}'),
        json.dumps({"key": "file", "value": {"path": "x", "content": ["a" * LONG * 2]}}),
        json.dumps({"key": "file", "value": {"content": {"content": "a" * LONG * 2}, "path": "x"}}),
        json.dumps({"key": "header", "value": {"summary": "a" * LONG * 2}}),
        json.dumps(["content", "a" * LONG * 2]),
        '"content": "' + "a" * LONG * 2 + '"',
    ],
)
def test_a_long_line_that_is_no_operation(tmp_path: Path, text: str) -> None:
    """It is refused, with the number of the line."""
    with pytest.raises((FieldError, ValueError), match=r"line 2|each part"):
        read_commit(io.BytesIO(HEADER + text.encode()), tmp_path)


def test_a_path_that_looks_like_content(tmp_path: Path) -> None:
    """Its quotation marks have a backslash, so the pattern does not find it."""
    path = '"content": "' + "a" * 100 + '"'
    body = HEADER + line(CONTENT + b"?" * 99, path=path).encode()
    (upload,) = read_commit(io.BytesIO(body), tmp_path).uploads
    assert (upload.path, upload.size) == (path, len(CONTENT) + 99)
