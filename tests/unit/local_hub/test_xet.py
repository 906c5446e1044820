"""The formats of Xet: what hf_xet uploads is read exactly, and what is not in the format is refused."""

from __future__ import annotations

import io
import struct

import pytest

from local_hub.repositories.xet import (
    CHUNK_LIMIT,
    InvalidXet,
    Segment,
    SharedFile,
    chunk_places,
    is_hash,
    read_chunks,
    read_shard,
)

MAGIC = b"\x04\x22\x4d\x18"


def chunk(scheme: int, packed: bytes, size: int, version: int = 0) -> bytes:
    """A chunk with its header."""
    header = bytes([version]) + len(packed).to_bytes(3, "little") + bytes([scheme]) + size.to_bytes(3, "little")
    return header + packed


def frame(*blocks: bytes, flags: int = 0x60, stored: bool = False, extra: bytes = b"") -> bytes:
    """An LZ4 frame of these blocks."""
    sizes = [(len(block) | (stored << 31)).to_bytes(4, "little") for block in blocks]
    checksum = b"\xaa" * 4 if flags & 16 else b""
    body = b"".join(size + block + checksum for size, block in zip(sizes, blocks, strict=True))
    return MAGIC + bytes([flags, 0x40]) + extra + b"\x82" + body + bytes(4)


def content(xorb: bytes) -> bytes:
    """What all chunks of a xorb contain."""
    count = len(chunk_places(io.BytesIO(xorb))) - 1
    return b"".join(read_chunks(io.BytesIO(xorb), count))


LITERAL = b"\x50hello"
LONG = b"a" * 300
READ = {
    "stored": (chunk(0, b"abc", 3), b"abc"),
    "two chunks and a footer": (chunk(0, b"abc", 3) + chunk(0, b"d", 1) + b"XETBLOB\1rest", b"abcd"),
    "literal bytes": (chunk(1, frame(LITERAL), 5), b"hello"),
    "many literal bytes": (chunk(1, frame(b"\xf0\xff\x1e" + LONG), 300), LONG),
    "a copy": (chunk(1, frame(b"\x40abcd\x04\x00\x10x"), 9), b"abcdabcdx"),
    "a copy of itself": (chunk(1, frame(b"\x1fa\x01\x00\x00\x10x"), 21), b"a" * 20 + b"x"),
    "a long copy of itself": (chunk(1, frame(b"\x2fab\x02\x00\xff\x01\x00"), 277), (b"ab" * 200)[:277]),
    "two blocks, the second of which copies from the first": (
        chunk(1, frame(LITERAL, b"\x01\x05\x00\x10!"), 11),
        b"hellohello!",
    ),
    "a stored block": (chunk(1, frame(b"abc", stored=True), 3), b"abc"),
    "checksums and the size": (chunk(1, frame(LITERAL, flags=0x78, extra=bytes(8)), 5), b"hello"),
    "grouped by fours": (chunk(2, frame(b"\x70aebfcgd"), 7), b"abcdefg"),
    "grouped, of three": (chunk(2, frame(b"\x30abc"), 3), b"abc"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("name", READ)
def test_chunks_are_read(name: str) -> None:
    """Each form in which hf_xet sends them."""
    xorb, expected = READ[name]
    assert content(xorb) == expected


INVALID = {
    "a version of the future": chunk(0, b"abc", 3, version=1),
    "an unknown compression": chunk(3, b"abc", 3),
    "a part of a header": b"\0\0",
    "too large": chunk(0, b"", CHUNK_LIMIT + 1),
    "too large, packed": chunk(1, b"a" * (2 * CHUNK_LIMIT + 1), 1),
    "another size": chunk(0, b"abc", 4),
    "another size, compressed": chunk(1, frame(LITERAL), 6),
    "no frame": chunk(1, b"abcdefgh", 8),
    "an empty frame": chunk(1, b"", 0),
    "a frame that ends": chunk(1, frame(LITERAL)[:9], 5),
    "a block that ends in a length": chunk(1, frame(b"\xf0"), 15),
    "a block that ends in a copy": chunk(1, frame(b"\x10a\x01"), 5),
    "an empty block": chunk(1, MAGIC + b"\x60\x40\x82" + (1 << 31).to_bytes(4, "little"), 0),
    "a copy from before the beginning": chunk(1, frame(b"\x10a\x02\x00\x10x"), 6),
    "a copy from nowhere": chunk(1, frame(b"\x10a\x00\x00\x10x"), 6),
    "a bomb": chunk(1, frame(b"\x1fa\x01\x00" + b"\xff" * 600 + b"\x00\x10x"), CHUNK_LIMIT),
    "a bomb of blocks": chunk(1, frame(*[b"a" * 65_000] * 3, stored=True), CHUNK_LIMIT),
    "too many": chunk(0, b"a", 1) * 8193,
    "a chunk of nothing": chunk(0, b"", 0),
    "a block that adds nothing": chunk(1, frame(LITERAL, b"\0"), 5),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_xorb(name: str) -> None:
    """It is refused, and costs no more than a chunk."""
    with pytest.raises(InvalidXet):
        content(INVALID[name])


XORB, SHA256 = bytes(range(32)), bytes(range(100, 132))
# Each group of eight bytes is a number in little-endian order.
XORB_TEXT = "0706050403020100" + "0f0e0d0c0b0a0908" + "1716151413121110" + "1f1e1d1c1b1a1918"


def shard_file(flags: int, *segments: tuple[int, int, int]) -> bytes:
    """A file of a shard; each segment has a size, a start and an end."""
    entries = b"".join(struct.pack("<32sIIII", XORB, 0, *segment) for segment in segments)
    verification = bytes(48) * len(segments) if flags & (1 << 31) else b""
    metadata = SHA256 + bytes(16) if flags & (1 << 30) else b""
    return struct.pack("<32sIIQ", b"f" * 32, flags, len(segments), 0) + entries + verification + metadata


def shard(*files: bytes, tag: bytes = b"HFRepoMetaData\0") -> bytes:
    """A shard of these files, with something after them."""
    return tag.ljust(48, b"\0") + b"".join(files) + b"\xff" * 32 + bytes(16) + b"xorbs"


@pytest.mark.parametrize("flags", [1 << 30, 1 << 30 | 1 << 31])
def test_a_shard_is_read(flags: int) -> None:
    """With verification entries or without; its files, and nothing behind them."""
    segments = ((5, 0, 1), (7, 3, 9))
    first, second = read_shard(shard(shard_file(flags, *segments), shard_file(flags)))
    assert first.segments == tuple(Segment(XORB_TEXT, *segment) for segment in segments)
    assert (first.size, len(first.sha256), second) == (12, 64, SharedFile(first.sha256, ()))


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"HFRepoMetaData\0",
        shard(tag=b"another"),
        shard(shard_file(0, (1, 0, 1))),
        shard(shard_file(1 << 30, (1, 0, 1)))[:150],
        shard(struct.pack("<32sIIQ", b"f" * 32, 1 << 30, 2**32 - 1, 0)),
        shard(shard_file(1 << 30, (1, 0, 500_001), (1, 9, 0)), shard_file(1 << 30, (1, 0, 500_001))),
    ],
)
def test_what_is_no_shard(given: bytes) -> None:
    """It is refused."""
    with pytest.raises(InvalidXet):
        read_shard(given)


def test_the_text_form_of_a_hash() -> None:
    """It becomes the name of a file, so nothing else will do."""
    assert is_hash("0a" * 32)
    assert not any(is_hash(text) for text in ("", "0A" * 32, "0a" * 31, "../" + "0a" * 31, "0a" * 32 + "\n"))
