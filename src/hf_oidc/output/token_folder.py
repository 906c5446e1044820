"""A folder with a file for each token, while a command runs.

Only its owner can read the folder, and it is in memory if the system offers that. A reader sees the old token or the
new one, never a part.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hf_oidc.errors import DeliveryFailed
from hf_oidc.output.files import is_in_checkout
from hf_oidc.secret import Secret

# A file system in memory that Linux offers to all users. The other one is in $XDG_RUNTIME_DIR.
IN_MEMORY = "/dev/shm"  # noqa: S108 - `mkdtemp` creates the folder in it with mode 0700


@contextmanager
def token_folder(env: Mapping[str, str], in_memory: str = IN_MEMORY) -> Iterator[Path]:
    """A new folder of mode 0700. It is deleted at the end. Raises `DeliveryFailed`."""
    places = (env.get("XDG_RUNTIME_DIR"), in_memory, env.get("RUNNER_TEMP"))
    usable = (place for place in places if place and Path(place).is_absolute() and os.access(place, os.W_OK | os.X_OK))
    try:
        place = next(usable, None) or tempfile.gettempdir()
        # `gettempdir` falls back to the working directory. A job may publish what is in its checkout.
        if is_in_checkout(Path(place)):
            raise DeliveryFailed(
                "The token file would be in the working directory. Set XDG_RUNTIME_DIR to a folder elsewhere",
                "token-folder",
            )
        folder = Path(tempfile.mkdtemp(prefix="hf-oidc-", dir=place))
    except OSError as error:
        problem = f"The folder for the token file cannot be created: {error.strerror}"
        raise DeliveryFailed(problem, "token-folder") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(path: Path, secret: Secret) -> None:
    """Replaces the content of the file, with mode 0600. If it fails, raises `DeliveryFailed` and changes nothing."""
    # The command may write here too, so links and pipes in the folder are not followed.
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
    raise DeliveryFailed(f"The token file cannot be written: {problem}", "token-folder")
