"""The context of one authorized request to a repository: request, principal, repository, stores.

The router builds it once, complete; the handlers receive nothing else. It knows no route.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request

from local_hub.hub.log import logged, rfc3339
from local_hub.hub.resources import Declared
from local_hub.hub.store import Store
from local_hub.hub.tokens import IssuedToken
from local_hub.repositories.access import INVALID_TOKEN, Principal, Verb, decide
from local_hub.repositories.addresses import Address
from local_hub.repositories.git_store import GitStore, Person, Repository
from local_hub.repositories.responses import Refusal

# The Hub attributes every change made with a repository token to this synthetic user.
OIDC = Person("[OIDC]", "oidc@local-hub.invalid")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class RepositoryStore:
    """What all requests share: the database, the git repositories, the key that signs links, this hub's URL."""

    database: Store
    git: GitStore
    link_key: bytes
    base_url: str


@dataclass(frozen=True)
class RequestContext:
    """An authorized request; `body` is the file that holds its body (`os.devnull` if git reads the stream itself)."""

    request: Request
    address: Address
    principal: Principal
    declared: Declared
    store: RepositoryStore
    body: Path

    @cached_property
    def repository(self) -> Repository:
        """The repository that the URL names."""
        return self.store.git.open(self.declared.resource)

    @property
    def person(self) -> Person:
        """The author of a change: only repository tokens can change anything."""
        return OIDC

    @property
    def trailers(self) -> str:
        """The commit trailers that name the issuer and the subject behind the token."""
        issuer, subject = _identity(self.principal)
        return f"OIDC-Issuer: {_one_line(issuer)}\nOIDC-Subject: {_one_line(subject)}"

    def require(self, verb: Verb) -> None:
        """Refuse the request unless the principal may do this too."""
        denied = decide(self.principal, self.declared, verb)
        if denied:
            raise Refusal(denied)

    def require_unexpired(self) -> None:
        """Refuse the request if the token has expired since the request began: a body can take long to arrive."""
        if isinstance(self.principal, IssuedToken) and self.principal.expires_at <= time.time():
            raise Refusal(INVALID_TOKEN)

    def record_change(self, via: str, ref: str, before: str, after: str) -> None:
        """Log a change before it is made, so that the log has every change that a repository has."""
        self.require_unexpired()
        issuer, subject = _identity(self.principal)
        self.store.database.append(
            "commits",
            {
                "at": rfc3339(time.time()),
                "request_id": self.request.scope["request_id"],
                "resource": str(self.address.resource),
                "by": self.person.name,
                "issuer": issuer,
                "subject": subject,
                "via": via,
                "ref": logged(ref),
                "before": before,
                "after": after,
            },
        )

    def before_move(self, branch: str) -> Callable[[str, str], None]:
        """Return a callback that logs a move of this branch; the store calls it just before the move."""
        return lambda before, after: self.record_change("api", f"refs/heads/{branch}", before, after)


def _identity(principal: Principal) -> tuple[str, str]:
    return (principal.issuer, principal.subject or "") if isinstance(principal, IssuedToken) else ("", "")


def number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """Return the number in a URL's query that has this name; `otherwise` if there is none, or it is no number."""
    value = query.get(name, "")
    return int(value) if _NUMBER.fullmatch(value) else otherwise


def is_true(value: str) -> bool:
    """Return whether the value of a query's parameter says yes, as the Hub's clients write it."""
    return value.lower() in ("true", "1")


def next_page(context: RequestContext, **changes: int) -> dict[str, str]:
    """Return the header that names the next page of a list (RFC 8288): this URL with other parameters."""
    query = urlencode({**context.request.query_params, **changes})
    path = context.request.scope["raw_path"].decode("ascii")
    return {"Link": f'<{context.store.base_url}{path}?{query}>; rel="next"'}


def media_type(request: Request) -> str:
    """Return the media type of the request's body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _one_line(text: str) -> str:
    # The subject is foreign text: it must not add trailers to the commit message.
    return "".join(character if character.isprintable() else " " for character in text) or "-"
