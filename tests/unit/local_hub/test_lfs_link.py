"""A signed link to a large file: good for what it says, until the time that it says."""

from dataclasses import replace

from local_hub.repositories.lfs import Link, Pointer

KEY = b"k" * 32
LINK = Link("PUT", "acme/m", Pointer("0" * 64, 5), 100)


def test_it_ends_when_it_says() -> None:
    """Not a moment later."""
    signature = LINK.signature(KEY)
    assert LINK.is_valid(signature, KEY, 99.9)
    assert not LINK.is_valid(signature, KEY, 100)


def test_any_other_use_has_another_signature() -> None:
    """Each of its parts is signed, and with this key."""
    signature = LINK.signature(KEY)
    others = [
        replace(LINK, method="GET"),
        replace(LINK, resource="acme/n"),
        replace(LINK, pointer=Pointer("1" * 64, 5)),
        replace(LINK, pointer=Pointer("0" * 64, 6)),
        replace(LINK, expires=101),
    ]
    assert not any(other.is_valid(signature, KEY, 0) for other in others)
    assert not LINK.is_valid(signature, b"x" * 32, 0)
