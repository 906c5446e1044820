"""HTTP requests and responses as values. Nothing here opens a connection, or knows what is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from hf_oidc.errors import Phase, Where
from hf_oidc.url import host_of

REQUEST_ID = re.compile(r"[A-Za-z0-9._:;=/-]{1,128}", re.ASCII)


@dataclass(frozen=True, repr=False)
class Request:
    """A call about to be made; `url_name` says whose URL it is. Headers and body hold tokens, so it is not printed."""

    phase: Phase
    method: Literal["GET", "POST"]
    url: str
    url_name: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def where(self) -> Where:
        """The call, for errors that happen before there is an answer."""
        return Where(self.phase, host_of(self.url))


@dataclass(frozen=True)
class NoResponse:
    """Nothing usable came back; `reason` completes "no answer from the host: …"."""

    where: Where
    reason: str


@dataclass(frozen=True, repr=False)
class Response:
    """An answer. `headers` has lower-case names; `body` is `None` if it was longer than the transport's bound."""

    phase: Phase
    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def where(self) -> Where:
        """The call and what came back, for errors about the answer."""
        request_id = self.headers.get("x-request-id", "")
        known = request_id if REQUEST_ID.fullmatch(request_id) else None
        return Where(self.phase, self.host, self.status, known)

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or `None` if it is anything else.

        Strict: UTF-8 without a byte order mark, no duplicate names, no NaN. Two readers of a lenient document can
        see two different tokens.
        """
        try:
            document = json.loads(
                (self.body or b"").decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse
            )
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
