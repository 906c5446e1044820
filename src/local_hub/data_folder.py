"""Creates and locks the data folder, so that only one Local Hub uses it at a time.

The server takes the lock before it changes anything in the folder.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_hub.config import ConfigError

LOCK_FILE = "lock"


@contextmanager
def open_data_folder(directory: Path) -> Iterator[Path]:
    """Create the folder if necessary, and lock it for the length of a `with` block; yield its absolute path."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (directory / LOCK_FILE).open("wb")
    except OSError as error:
        raise ConfigError(f"--data {directory}: must be a writable directory: {error.strerror}") from None
    with file:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415 - not available on Windows

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                problem = "another Local Hub uses it; choose a different directory"
                raise ConfigError(f"--data {directory}: {problem}") from None
        # Absolute, because git runs in another working directory.
        yield directory.absolute()
