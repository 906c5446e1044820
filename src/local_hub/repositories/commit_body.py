"""Parses the body of the Hub's commit call: one JSON operation per line, the header first.

Uploaded files go to disk as they are read. It does not know who makes the commit, or in which repository.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from local_hub.fields import FieldError, byte_count, mapping, text
from local_hub.repositories.addresses import checked_path
from local_hub.repositories.commit_rules import REGULAR_LIMIT, Fault, Rejected, rejection
from local_hub.repositories.lfs import POINTER_LIMIT, is_oid

# Parsed JSON can take 30 times the memory of its text, so only the base64 of a file makes a line longer than this.
JSON_LIMIT = 1024 * 1024
LINE_LIMIT = REGULAR_LIMIT * 4 // 3 + JSON_LIMIT
OPERATIONS = 25_000
# A quotation mark inside a JSON string has a backslash before it. Some programs write "/" as "\\/".
_CONTENT = re.compile(rb'(?<!\\)"content"\s*:\s*"([A-Za-z0-9+/=\\]*)"')


@dataclass(frozen=True)
class Upload:
    """An uploaded file; its content came with the commit. `start` has its first `POINTER_LIMIT` bytes."""

    path: str
    content: Path
    size: int
    start: bytes


@dataclass
class Requested:
    """The commit that the client requests."""

    summary: str = ""
    description: str = ""
    parent: str | None = None
    uploads: list[Upload] = field(default_factory=list)
    large: list[tuple[str, str, int | None]] = field(
        default_factory=list
    )  # path, oid, and the size if the client sent it
    deleted: list[str] = field(default_factory=list)
    deleted_folders: list[str] = field(default_factory=list)


def read_commit(body: BinaryIO, scratch: Path) -> Requested:
    """Read the body of a commit call; write its files into `scratch`."""
    requested = Requested()
    for number, line in enumerate(_lines(body), 1):
        where = f"line {number}"
        operation = mapping(_parsed(line, where), where, ("key", "value"))
        key, value = text(operation.get("key"), f"{where}.key"), mapping(operation.get("value"), f"{where}.value")
        if (key == "header") != (number == 1):
            raise FieldError(where, "the first line must be the header, and no other line may be one")
        if number > OPERATIONS:
            raise FieldError(where, f"a commit may have at most {OPERATIONS} operations")
        _read_operation(requested, key, value, where, scratch / str(number))
    text(requested.summary, "header.summary")
    return requested


def _lines(body: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := body.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            if number > 1:
                raise Rejected(rejection({Fault.TOO_LARGE: [f"line {number} of the commit"]}))
            raise FieldError("line 1", f"a header may have at most {JSON_LIMIT} bytes")
        if line.strip():
            yield line


def _parsed(line: bytes, where: str) -> Any:
    """Parse a line. If it is long, the content of its file is bytes, and never becomes a JSON string."""
    found = _CONTENT.search(line) if len(line) > JSON_LIMIT else None
    try:
        if not found:
            return json.loads(line) if len(line) <= JSON_LIMIT else None
        rest = line[: found.start(1)] + line[found.end(1) :]
        parsed = json.loads(rest) if len(rest) <= JSON_LIMIT else None
        if isinstance(parsed, dict) and isinstance(parsed.get("value"), dict) and parsed["value"].get("content") == "":
            parsed["value"]["content"] = found[1].replace(b"\\/", b"/")
    except (ValueError, RecursionError):
        raise FieldError(where, "must be JSON") from None
    return parsed


def _read_operation(requested: Requested, key: str, value: Mapping[str, Any], where: str, file: Path) -> None:
    if key == "header":
        requested.summary = _line(value, "summary", where)
        requested.description = _line(value, "description", where)
        requested.parent = _line(value, "parentCommit", where) or None
        return
    path = checked_path(text(value.get("path"), f"{where}.path").rstrip("/"))
    if key == "file":
        requested.uploads.append(_received(path, value, where, file))
    elif key == "lfsFile":
        oid, size = value.get("oid"), value.get("size")
        if not is_oid(oid) or value.get("algo") != "sha256":
            raise FieldError(f"{where}.oid", "must be a SHA-256 in hexadecimal; algo must be sha256")
        requested.large.append((path, str(oid), None if size is None else byte_count(size, f"{where}.size")))
    elif key == "deletedFile":
        requested.deleted.append(path)
    elif key == "deletedFolder":
        requested.deleted_folders.append(path)
    else:
        raise FieldError(f"{where}.key", "must be file, lfsFile, deletedFile or deletedFolder")


def _line(value: Mapping[str, Any], name: str, where: str) -> str:
    given = value.get(name) or ""
    if not isinstance(given, str) or "\0" in given or len(given) > 65_536:
        raise FieldError(f"{where}.{name}", "must be a string without NUL, of at most 65,536 characters")
    return given.encode("utf-8", "replace").decode()


def _received(path: str, value: Mapping[str, Any], where: str, file: Path) -> Upload:
    content = value.get("content")
    if not isinstance(content, str | bytes) or value.get("encoding", "base64") != "base64":
        raise FieldError(f"{where}.content", "must be a base64 string")
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise FieldError(f"{where}.content", "must be a base64 string") from None
    file.write_bytes(decoded)
    return Upload(path, file, len(decoded), decoded[:POINTER_LIMIT])
