"""A data folder belongs to one Local Hub at a time: a lock that lives as long as the process.

It must not know what is in the folder; whoever starts takes the lock before touching anything there.
"""

import sys
from pathlib import Path
from typing import IO

LOCK_FILE = "lock"


class InUse(Exception):
    """Another Local Hub has this folder."""


def hold(directory: Path) -> IO[bytes]:
    """Take the folder, for as long as the file that is given back stays open; `InUse` where another has it."""
    file = (directory / LOCK_FILE).open("wb")
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415 - Windows has none

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise InUse from None
    return file
