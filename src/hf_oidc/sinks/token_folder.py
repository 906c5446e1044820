"""A folder of files that each hold a token, for as long as a command runs. Which tokens they are is not known here.

The folder is its owner's alone and lies in memory where the system has such a place. A reader sees one token or the
next, whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hf_oidc.errors import DeliveryFailed
from hf_oidc.secret import Secret
from hf_oidc.sinks.files import is_in_checkout

# File systems in memory: the user's own, and the one that Linux has for all.
IN_MEMORY = "/dev/shm"  # noqa: S108 - the folder in it is made by mkdtemp, with mode 0700


@contextmanager
def token_folder(env: Mapping[str, str], in_memory: str = IN_MEMORY) -> Iterator[Path]:
    """A new folder of mode 0700, which is gone at the end with all that is in it. Raises `DeliveryFailed`."""
    folder = _made([env.get("XDG_RUNTIME_DIR"), in_memory, env.get("RUNNER_TEMP")])
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(path: Path, secret: Secret) -> None:
    """Makes the token what is in the file, of mode 0600. Raises `DeliveryFailed`; the file is then as it was."""
    # The command may write here, too: its links and pipes are not followed.
    new = path.with_name(f".{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(secret.reveal().encode())
        new.replace(path)
    except OSError as error:
        problem = error.strerror
    else:
        return
    with suppress(OSError):
        new.unlink()
    raise DeliveryFailed(f"The file of the token cannot be written: {problem}", "token-folder")


def _made(places: Sequence[str | None]) -> Path:
    usable = (place for place in places if place and Path(place).is_absolute() and os.access(place, os.W_OK | os.X_OK))
    try:
        place = next(usable, None) or tempfile.gettempdir()
        # Python's last resort, or a job's own choice. What is in a checkout may be published.
        if is_in_checkout(Path(place)):
            raise DeliveryFailed(
                "The token's file would be in the working directory: set XDG_RUNTIME_DIR to a folder elsewhere",
                "token-folder",
            )
        return Path(tempfile.mkdtemp(prefix="hf-oidc-", dir=place))
    except OSError as error:
        raise DeliveryFailed(f"There is no folder for the token's file: {error.strerror}", "token-folder") from None
