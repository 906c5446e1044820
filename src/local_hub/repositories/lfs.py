"""Large files: their pointers, the objects beside each repository, and the signed links by which they travel.

An object is taken only when its bytes have the size and the SHA-256 that it was announced with. Each repository has
its own: who may write to one cannot reach what lies in another by naming its digest. It must not know HTTP.
"""

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path

POINTER_LIMIT = 1024
_OID = re.compile(r"[0-9a-f]{64}")
# git-lfs' docs/spec.md: version first, then the other keys in the alphabet's order.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


@dataclass(frozen=True)
class Pointer:
    """A large file's digest and size, which stand in git for the file."""

    oid: str
    size: int

    def __bytes__(self) -> bytes:
        """Give the pointer as it stands in git."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()


def read_pointer(content: bytes) -> Pointer | None:
    """Read a pointer; None for any other file."""
    found = _POINTER.fullmatch(content) if len(content) < POINTER_LIMIT else None
    return Pointer(found[1].decode(), int(found[2])) if found else None


def is_oid(value: object) -> bool:
    """Say whether this is a SHA-256 in hexadecimal."""
    return isinstance(value, str) and bool(_OID.fullmatch(value))


@dataclass(frozen=True)
class Objects:
    """The large files of one repository, in the folder where git-lfs itself would keep them."""

    repository: Path

    def path(self, oid: str) -> Path:
        """Give the place of an object, whether it is there or not."""
        return self.repository / "lfs" / "objects" / oid[:2] / oid[2:4] / oid

    def has(self, pointer: Pointer) -> bool:
        """Say whether the object is there, whole."""
        path = self.path(pointer.oid)
        return path.is_file() and path.stat().st_size == pointer.size

    def take(self, incoming: Path, pointer: Pointer) -> None:
        """Move a file, whose bytes were checked, to its place."""
        place = self.path(pointer.oid)
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(place)


class Digesting:
    """A file that is being received: written, counted and digested as it comes."""

    def __init__(self, path: Path) -> None:
        """Receive into this file, which must not be there yet."""
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Pointer:
        """Make it last; give what came."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Pointer(self._digest.hexdigest(), self.size)

    def abandon(self) -> None:
        """Close it, whatever there is."""
        self._file.close()


@dataclass(frozen=True)
class Link:
    """A link that carries its own permission, as a storage service's do: for one object, one way, a while."""

    method: str
    resource: str
    pointer: Pointer
    expires: int

    def signature(self, key: bytes) -> str:
        """Give what proves that whoever has the key made the link."""
        said = f"{self.method}\n{self.resource}\n{self.pointer.oid}\n{self.pointer.size}\n{self.expires}"
        return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()

    def is_good(self, signature: str, key: bytes, now: float) -> bool:
        """Say whether the link was made with this key, and has not expired."""
        return self.expires > now and hmac.compare_digest(self.signature(key).encode(), signature.encode())
