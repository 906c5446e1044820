"""What is remembered of tokens and repositories, as values.

Pure. This module must not know where they are kept, nor what is decided by them.
"""

from dataclasses import dataclass

from local_hub.hub.resources import Resource


@dataclass(frozen=True)
class IssuedToken:
    """What is known of a token that was issued; the token itself is not kept."""

    resource: Resource
    can: tuple[str, ...]
    issuer: str
    subject: str | None
    expires_at: float


@dataclass(frozen=True)
class Declared:
    """A repository as its owner set it up; `readers` are the accounts that its gate lets through."""

    resource: Resource
    private: bool = False
    gated: bool = False
    readers: frozenset[str] = frozenset()
