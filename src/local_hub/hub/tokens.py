"""Hub tokens as values: a new one, and what is stored of it.

Pure. The store keeps only a token's digest.
"""

import hashlib
import secrets
from dataclasses import dataclass

from local_hub.hub.resources import Resource


@dataclass(frozen=True)
class IssuedToken:
    """What is stored of an issued token."""

    resource: Resource
    can: tuple[str, ...]
    issuer: str
    subject: str | None
    expires_at: float


def new_token(resource: Resource) -> str:
    """Return a new random token for a resource, with the Hub's prefix."""
    return ("hf_oauth_" if resource.kind == "user" else "hf_jwt_") + secrets.token_urlsafe(48)


def digest(token: str) -> str:
    """Return the stored form of a token. Tokens are random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
