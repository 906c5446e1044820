"""HTTP requests and responses as values. Nothing here opens a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from hf_oidc.errors import Phase, Where
from hf_oidc.http.url import host_of
from hf_oidc.strict_json import read_object

# The Hub sends `RateLimit: "api";r=0;t=55`: `t` is the number of seconds until requests are allowed again.
RATE_LIMIT_RESET = r"(?a);\s*t=(\d{1,10})(?!\d)"
# UUIDs, and `Root=1-…-…;…`: short words with punctuation between them. The parts of a token are longer.
REQUEST_ID = r"(?=.{1,128}\Z)[A-Za-z0-9]{1,32}([=;:-][A-Za-z0-9]{1,32})*"


class Request(NamedTuple):
    """A call about to be made; `url_name` names the URL's owner. Headers and body hold tokens, so it is not printed.

    `link_local`: it may go to a cloud's metadata server, over plain HTTP and through no proxy.
    """

    phase: Phase
    method: Literal["GET", "POST"]
    url: str
    url_name: str
    headers: Mapping[str, str]
    body: bytes | None = None
    link_local: bool = False

    def __repr__(self) -> str:
        return f"<Request to {host_of(self.url)}>"

    @property
    def where(self) -> Where:
        """The call, for errors that happen before there is a response."""
        return Where(self.phase, host_of(self.url))


class NoResponse(NamedTuple):
    """Nothing usable came back; `reason` completes "no answer from the host: …".

    `retryable`: whether another try may be answered. Where it may not, the proxy of `where.proxy_variable` is at fault.
    """

    where: Where
    reason: str
    retryable: bool = True


class Response(NamedTuple):
    """An answer, which may hold a token, so it is not printed.

    `headers` has lower-case names; `body` is `None` if it was longer than the transport's bound.
    """

    phase: Phase
    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return f"<Response {self.status}>"

    @property
    def where(self) -> Where:
        """The call and its response, for errors about the response."""
        request_id = self.headers.get("x-request-id", "")
        known = request_id if re.fullmatch(REQUEST_ID, request_id) else None
        return Where(self.phase, self.host, self.status, known, self.retry_after)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait (RFC 9110 § 10.2.3, or the Hub's `RateLimit`); the longer of the two.

        A date is counted from the server's own `Date`, so that no clock of ours matters. What cannot be read is `None`.
        """
        retry_after, asked = self.headers.get("retry-after", ""), list[float]()
        if re.fullmatch(r"\d+", retry_after, re.ASCII):
            # Ten digits are three centuries, so longer numbers can be cut off.
            asked.append(float(retry_after.lstrip("0")[:10] or 0))
        elif retry_after:
            from email.utils import parsedate_to_datetime  # noqa: PLC0415 - most servers give a number, and few ask to wait

            with suppress(ValueError, TypeError, OverflowError, IndexError):
                wait = parsedate_to_datetime(retry_after) - parsedate_to_datetime(self.headers.get("date", ""))
                asked.append(max(0.0, wait.total_seconds()))
        reset = re.search(RATE_LIMIT_RESET, self.headers.get("ratelimit", ""))
        if self.status == 429 and reset:
            asked.append(float(reset[1]))
        return max(asked, default=None)

    def json_object(self) -> dict[str, Any] | None:
        """The body as a strictly read JSON object, or `None` if it is anything else."""
        return read_object(self.body or b"")
