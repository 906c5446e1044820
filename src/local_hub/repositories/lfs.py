"""Git LFS: pointers, the objects of each repository, and signed links for upload and download.

An object is stored only if its bytes have the announced size and SHA-256. Each repository has its own objects, so a
client cannot read another repository's object by its digest. It knows no HTTP.
"""

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path

POINTER_LIMIT = 1024
OBJECT_LIMIT = 5 * 1024**3
_OID = re.compile(r"[0-9a-f]{64}")
# git-lfs, docs/spec.md: `version` first, then the other keys in alphabetical order.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


@dataclass(frozen=True)
class Pointer:
    """The digest and the size of a large file; git stores them in place of the file."""

    oid: str
    size: int

    def __bytes__(self) -> bytes:
        """Return the pointer file."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()


def read_pointer(content: bytes) -> Pointer | None:
    """Parse a pointer file; None for any other file."""
    found = _POINTER.fullmatch(content) if len(content) < POINTER_LIMIT else None
    return Pointer(found[1].decode(), int(found[2])) if found else None


def is_oid(value: object) -> bool:
    """Return whether the value is a SHA-256 in hexadecimal."""
    return isinstance(value, str) and bool(_OID.fullmatch(value))


@dataclass(frozen=True)
class Objects:
    """The large files of one repository, in the folder that git-lfs itself uses."""

    repository: Path

    def path(self, oid: str) -> Path:
        """Return the path of an object, which may not exist."""
        return self.repository / "lfs" / "objects" / oid[:2] / oid[2:4] / oid

    def has(self, pointer: Pointer) -> bool:
        """Return whether the object exists, with the right size."""
        path = self.path(pointer.oid)
        return path.is_file() and path.stat().st_size == pointer.size

    def take(self, incoming: Path, pointer: Pointer) -> None:
        """Store a verified file."""
        place = self.path(pointer.oid)
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(place)


class Digesting:
    """A file in transfer: each chunk is written, counted and hashed."""

    def __init__(self, path: Path) -> None:
        """Create this file, which must not exist."""
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Add a chunk."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Pointer:
        """Flush the file to disk and return its digest and size."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Pointer(self._digest.hexdigest(), self.size)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()


@dataclass(frozen=True)
class Link:
    """A signed link, as storage services use: for one object, one method, and a limited time."""

    method: str
    resource: str
    pointer: Pointer
    expires: int

    def signature(self, key: bytes) -> str:
        """Return the HMAC of the link."""
        message = f"{self.method}\n{self.resource}\n{self.pointer.oid}\n{self.pointer.size}\n{self.expires}"
        return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()

    def is_valid(self, signature: str, key: bytes, now: float) -> bool:
        """Return whether the signature is valid and the link has not expired."""
        return self.expires > now and hmac.compare_digest(self.signature(key).encode(), signature.encode())
