"""Runs the operations of a client script one after the other, and prints how each ended, a line of JSON for each.

The scripts run in the environment of their client, so this module needs nothing but Python. It knows no client.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# What tests/e2e/test_clients.py tells the script: URLs, tokens, repositories, and what is in them.
JOB: Any = SimpleNamespace(**json.loads(os.environ["CLIENT_JOB"])) if "CLIENT_JOB" in os.environ else SimpleNamespace()
# As git, git-lfs and the exceptions of the libraries print it.
_STATUS = re.compile(
    r"(?:HTTP |returned error: |http resp |http status code: |Client error '|ERROR )(4\d\d|5\d\d)\b"
    r"|\b(4\d\d) Client Error"
)
_WITHOUT_NUMBER = {
    401: re.compile("Authentication failed|No valid credentials|authentication required|authentication replays"),
    404: re.compile("Revision '.*' doesn't exist"),
}


class NotOffered(Exception):
    """This version of the client has no such operation."""


class Rejected(Exception):
    """The server took the push, and rejected it."""


def run(operations: Mapping[str, Callable[[], None]]) -> None:
    """Run those operations that the job asks for."""
    for name in JOB.operations:
        said = ""
        try:
            operations[name]()
            outcome = "done"
        except NotOffered:
            outcome = "not offered"
        except Rejected as error:
            outcome, said = "rejected", str(error)
        except Exception as error:
            outcome, said = _status(error), f"{type(error).__name__}: {error}"
            if outcome == "failed":
                traceback.print_exc(file=sys.stderr)
        with Path(JOB.results).open("a", encoding="utf-8") as results:
            results.write(json.dumps({"operation": name, "outcome": outcome, "said": said[:2000]}) + "\n")


def offered(owner: Any, name: str) -> Any:
    """A function of the client, if this version has it."""
    found = getattr(owner, name, None)
    if found is None:
        raise NotOffered
    return found


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that no program takes for text, the same in each run."""
    block = bytes((seed * 31 + index * index * 7) % 256 for index in range(65536))
    return (block * (size // len(block) + 1))[:size]


def folder(name: str, files: Mapping[str, bytes]) -> Path:
    """A new folder with these files."""
    made = Path(JOB.scratch) / name
    for path, data in files.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes(data)
    return made


def check(got: object, expected: object = True) -> None:  # noqa: FBT002 - any value
    """Fail unless the client got what is there."""
    if got != expected:
        raise ValueError(f"got {str(got)[:300]}, expected {str(expected)[:300]}")


def _status(error: BaseException | None) -> str:
    # Libraries wrap the exception that has the response.
    while error is not None:
        text = str(error)
        if status := getattr(getattr(error, "response", None), "status_code", None):
            return str(status)
        if found := _STATUS.search(text):
            return found[1] or found[2]
        if without := [status for status, pattern in _WITHOUT_NUMBER.items() if pattern.search(text)]:
            return str(without[0])
        if "unexpected keyword argument" in text:
            return "not offered"
        error = error.__cause__ or error.__context__
    return "failed"
