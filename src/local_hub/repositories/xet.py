"""Reads what hf_xet uploads: xorbs (compressed chunks of files) and shards (which chunks make which file).

See https://huggingface.co/docs/xet. Pure: bytes in, bytes out. It checks lengths but no Xet hashes, because each file
that a shard describes has a SHA-256, which its receiver checks. It knows no HTTP and no repository.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_LIMIT = 128 * 1024
CHUNKS_LIMIT = 8 * 1024
# hf_xet makes chunks of at least 8 KiB, unless a file ends.
SHARD_CHUNKS_LIMIT = 1_000_000
_HASH = re.compile(r"[0-9a-f]{64}")
_SHARD_TAG = b"HFRepoMetaData\0"
_SHARD_HEADER = 48
_ENTRY = struct.Struct("<32sIIII")
_BOOKEND = b"\xff" * 32
_WITH_VERIFICATION, _WITH_SHA256 = 1 << 31, 1 << 30
_XORB_FOOTER = b"XETBLOB"
_STORED, _LZ4, _GROUPED_LZ4 = range(3)
_LZ4_MAGIC = b"\x04\x22\x4d\x18"


class InvalidXet(ValueError):
    """The bytes are not a valid xorb or shard; the message says why."""


@dataclass(frozen=True)
class Segment:
    """Some chunks of one xorb, in sequence: from `start` up to, but not including, `end`."""

    xorb: str
    size: int
    start: int
    end: int


@dataclass(frozen=True)
class SharedFile:
    """A file of a shard: its SHA-256, and the segments that make its content."""

    sha256: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        """The size that the shard claims."""
        return sum(segment.size for segment in self.segments)


def is_hash(value: str) -> bool:
    """Return whether the value is a Xet hash in its text form."""
    return bool(_HASH.fullmatch(value))


def read_shard(shard: bytes) -> list[SharedFile]:
    """Return the files of a shard. Its other parts describe xorbs, which also describe themselves."""
    if not shard.startswith(_SHARD_TAG):
        raise InvalidXet("this is not a shard")
    files, at, chunks = [], _SHARD_HEADER, 0
    try:
        while (header := _ENTRY.unpack_from(shard, at))[0] != _BOOKEND:
            _, flags, count, _, _ = header
            at += _ENTRY.size
            found = [_ENTRY.unpack_from(shard, at + _ENTRY.size * number) for number in range(count)]
            at += _ENTRY.size * count * (2 if flags & _WITH_VERIFICATION else 1)
            if not flags & _WITH_SHA256:
                raise InvalidXet("a file of this shard has no SHA-256")
            sha256 = _text_form(_ENTRY.unpack_from(shard, at)[0])
            at += _ENTRY.size
            segments = tuple(Segment(_text_form(xorb), size, start, end) for xorb, _, size, start, end in found)
            files.append(SharedFile(sha256, segments))
            # A shard can name the same chunks again and again, and each time they are decompressed.
            chunks += sum(max(0, segment.end - segment.start) for segment in segments)
            if chunks > SHARD_CHUNKS_LIMIT:
                raise InvalidXet(f"a shard names at most {SHARD_CHUNKS_LIMIT} chunks")
    except struct.error:
        raise InvalidXet("this shard is incomplete") from None
    return files


def chunk_places(xorb: BinaryIO) -> list[int]:
    """Return the position of each chunk in a xorb, and of the end of the last."""
    places = [0]
    while (header := xorb.read(8)) and not header.startswith(_XORB_FOOTER):
        packed = _chunk_header(header)[1]
        if len(places) > CHUNKS_LIMIT:
            raise InvalidXet(f"a xorb has at most {CHUNKS_LIMIT} chunks")
        places.append(xorb.seek(packed, 1))
    return places


def read_chunks(xorb: BinaryIO, count: int) -> Iterator[bytes]:
    """Yield the content of the next chunks."""
    for _ in range(count):
        scheme, packed, size = _chunk_header(xorb.read(8))
        content = xorb.read(packed)
        if scheme in (_LZ4, _GROUPED_LZ4):
            content = _lz4_frame(content)
        if scheme == _GROUPED_LZ4:
            content = _ungrouped(content)
        if len(content) != size:
            raise InvalidXet("a chunk does not have its announced size")
        yield content


def _chunk_header(header: bytes) -> tuple[int, int, int]:
    """Read a chunk's header: its compression, its size in the xorb, and its size in the file."""
    if len(header) != 8 or header[0] != 0 or header[4] > _GROUPED_LZ4:
        raise InvalidXet("a chunk has an unknown form")
    packed, size = int.from_bytes(header[1:4], "little"), int.from_bytes(header[5:8], "little")
    if packed > 2 * CHUNK_LIMIT or not 0 < size <= CHUNK_LIMIT:
        raise InvalidXet(f"a chunk has 1 to {CHUNK_LIMIT} bytes")
    return header[4], packed, size


def _text_form(digest: bytes) -> str:
    # Xet writes a hash as four 64-bit numbers, each in the byte order of the machine, which is little-endian.
    return "".join(digest[at : at + 8][::-1].hex() for at in range(0, 32, 8))


def _ungrouped(content: bytes) -> bytes:
    """Undo the byte grouping: first come all first bytes of each four, then all second bytes, and so on."""
    whole, at = bytearray(len(content)), 0
    for group in range(4):
        size = (len(content) - group + 3) // 4
        whole[group::4] = content[at : at + size]
        at += size
    return bytes(whole)


def _lz4_frame(frame: bytes) -> bytes:
    """Decompress an LZ4 frame of at most one chunk (lz4, doc/lz4_Frame_format.md); the SHA-256 replaces its checksums.

    The standard library has no LZ4.
    """
    content = bytearray()
    try:
        if frame[:4] != _LZ4_MAGIC:
            raise InvalidXet("a chunk is not an LZ4 frame")
        flags = frame[4]
        at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
        while size := int.from_bytes(frame[at : at + 4], "little"):
            before, stored, size = len(content), bool(size >> 31), size & 0x7FFF_FFFF
            block = frame[at + 4 : at + 4 + size]
            at += 4 + size + (4 if flags & 16 else 0)
            if stored:
                content += block
            else:
                _lz4_block(block, content)
            if not before < len(content) <= CHUNK_LIMIT:
                raise InvalidXet("an LZ4 frame is too large, or has an empty block")
    except IndexError:
        raise InvalidXet("an LZ4 block is incomplete") from None
    return bytes(content)


def _lz4_block(block: bytes, content: bytearray) -> None:
    """Append a decompressed block (lz4, doc/lz4_Block_format.md): literal bytes and copies, in turn."""
    at = 0
    while True:
        token = block[at]
        at += 1
        length = token >> 4
        if length == 15:
            length, at = _longer(block, at, length)
        content += block[at : at + length]
        at += length
        if at >= len(block):
            return
        back = block[at] | block[at + 1] << 8
        at += 2
        length = token & 15
        if length == 15:
            length, at = _longer(block, at, length)
        length += 4  # the shortest copy
        start = len(content) - back
        if not back or start < 0 or len(content) + length > CHUNK_LIMIT:
            raise InvalidXet("an LZ4 block copies what is not there")
        copied = content[start : start + length]
        # A copy may overlap its own output, and then repeats itself.
        content += copied if back >= length else (copied * (length // back + 1))[:length]


def _longer(block: bytes, at: int, length: int) -> tuple[int, int]:
    while (more := block[at]) == 255:
        length += 255
        at += 1
    return length + more, at + 1
