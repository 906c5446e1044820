"""One request to a repository, with all that its answer needs at hand.

It joins the caller, the repository and what is written down about both; it must not know any route.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request

from local_hub.hub.records import Declared, IssuedToken
from local_hub.hub.store import Store, rfc3339
from local_hub.repositories.access import INVALID_TOKEN, Holder, Verb, decide
from local_hub.repositories.addresses import Address
from local_hub.repositories.git_store import GitStore, Person, Repository
from local_hub.repositories.responses import Refusal

# The name under which the Hub shows whatever a repository's token does.
OIDC = Person("[OIDC]", "oidc@local-hub.invalid")


@dataclass(frozen=True)
class Shelf:
    """What all requests share: the records, the repositories, the key of the links, and this hub's own URL."""

    records: Store
    repositories: GitStore
    link_key: bytes
    base_url: str


@dataclass(frozen=True)
class Call:
    """A request that was let in; `body` is the file that its body was put into."""

    request: Request
    address: Address
    holder: Holder
    declared: Declared
    shelf: Shelf
    body: Path

    @property
    def store(self) -> GitStore:
        """All repositories."""
        return self.shelf.repositories

    @property
    def base_url(self) -> str:
        """The URL of this hub."""
        return self.shelf.base_url

    @cached_property
    def repository(self) -> Repository:
        """The repository that is called upon."""
        return self.store.open(self.declared.resource)

    @property
    def content_type(self) -> str:
        """The type that the body is said to have."""
        return media_type(self.request)

    @property
    def person(self) -> Person:
        """Whom a change is by: none but a repository's token makes any."""
        return OIDC

    @property
    def trailers(self) -> str:
        """The trailers that say who stood behind the token."""
        issuer, subject = identity(self.holder)
        return f"OIDC-Issuer: {_one_line(issuer)}\nOIDC-Subject: {_one_line(subject)}"

    def require(self, verb: Verb) -> None:
        """Refuse, unless the caller may do this too."""
        denied = decide(self.holder, self.declared, verb)
        if denied:
            raise Refusal(denied)

    def before_move(self, branch: str) -> Callable[[str, str], None]:
        """Give what writes down that a branch is about to move."""

        def write_down(before: str, after: str) -> None:
            record_change(self, "api", f"refs/heads/{branch}", before, after)

        return write_down


def record_change(call: Call, door: str, ref: str, before: str, after: str) -> None:
    """Write down a change before it is made: what is in a repository is always in the log.

    A token that has expired since the request began changes nothing any more.
    """
    require_unexpired(call)
    issuer, subject = identity(call.holder)
    call.shelf.records.append(
        "commits",
        {
            "at": rfc3339(time.time()),
            "request_id": call.request.scope["request_id"],
            "resource": str(call.address.resource),
            "by": call.person.name,
            "issuer": issuer,
            "subject": subject,
            "door": door,
            "ref": ref,
            "before": before,
            "after": after,
        },
    )


def require_unexpired(call: Call) -> None:
    """Refuse, once the token has expired: a request may take its time."""
    if isinstance(call.holder, IssuedToken) and call.holder.expires_at <= time.time():
        raise Refusal(INVALID_TOKEN)


def identity(holder: Holder) -> tuple[str, str]:
    """Give issuer and subject of whom the token was issued to."""
    return (holder.issuer, holder.subject or "") if isinstance(holder, IssuedToken) else ("", "")


def media_type(request: Request) -> str:
    """Give the media type of a request's body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _one_line(text: str) -> str:
    # A subject is a stranger's text: it must not write trailers of its own.
    return "".join(character if character.isprintable() else " " for character in text) or "-"
