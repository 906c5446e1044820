"""The command files of GitHub's runner: found, proved writable, and restored if a write fails.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#environment-files. This module does
not know which tokens are written, and does not need actions-toolkit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hf_oidc.errors import DeliveryFailed
from hf_oidc.secret import Secret


def find(variable: str, env: Mapping[str, str]) -> Path:
    """Returns the command file that `variable` names. Raises `DeliveryFailed` if it is missing or not writable."""
    path = Path(env.get(variable, ""))
    problem = write_problem(path) if env.get(variable) else "is not set"
    if problem:
        raise DeliveryFailed(f"`{variable}` {problem}: the runner sets it to a file that can be written", "runner")
    return path


def export(variables: Iterable[tuple[str, Secret]], env: Mapping[str, str]) -> None:
    """Exports each token to later steps as a variable: all of them, or none. Raises `DeliveryFailed`."""
    path = find("GITHUB_ENV", env)
    import uuid  # noqa: PLC0415 - the action uses actions-toolkit instead, and does not wait for it

    text = ""
    for name, secret in variables:
        # The runner reads the value up to the delimiter, so it must be impossible to guess.
        delimiter = f"ghadelimiter_{uuid.uuid4()}"
        text += os.linesep.join([f"{name}<<{delimiter}", secret.reveal(), delimiter, ""])

    def write() -> None:
        # Not "a": that would create the file again if it is gone, and the runner would not read it.
        with path.open("r+", encoding="utf-8", newline="") as file:
            file.seek(0, os.SEEK_END)
            file.write(text)

    all_or_nothing([path], write)


def all_or_nothing(paths: Iterable[Path], write: Callable[[], None]) -> None:
    """Calls `write`. If it fails, restores the files and raises `DeliveryFailed`."""
    try:
        with restoring(paths):
            write()
    except Exception as error:  # noqa: BLE001 - actions-toolkit raises plain Exceptions
        problem = getattr(error, "strerror", None) or "it is gone"
    else:
        return
    # Outside the handler, so that the first exception, which may hold a token, is not attached to this one.
    raise DeliveryFailed(f"A command file of the runner could not be written: {problem}", "runner")


@contextmanager
def restoring(paths: Iterable[Path]) -> Iterator[None]:
    """Restores the files if the block fails."""
    sizes = {path: path.stat().st_size for path in paths}
    try:
        yield
    except BaseException:  # an interrupt too: no half of a delivery may stay
        for path, size in sizes.items():
            with suppress(OSError):
                os.truncate(path, size)
        raise


def write_problem(path: Path) -> str:
    """Returns why `path` cannot be appended to, as the end of a sentence; empty if it can."""
    # A device or a pipe would swallow the data; and opening a pipe could block.
    try:
        if not path.is_file():
            return "is not a file"
        path.open("ab").close()
    except OSError as error:
        return f"cannot be written ({error.strerror})"
    return ""
