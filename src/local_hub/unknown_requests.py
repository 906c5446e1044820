"""Counts the requests that no route of Local Hub answers, so that users see which routes it lacks.

Requests of one kind (method, path without names, client) are one entry, and the oldest kinds are removed. It knows no
route: the router decides which requests are unknown.
"""

import logging
import re
import threading
from dataclasses import dataclass

from local_hub.hub.log import logged, rfc3339

MOST_KINDS = 100
LONGEST_PATH = 200
_LOG = logging.getLogger(__name__)
# A product of RFC 9110 § 10.1.5.
_PRODUCT = re.compile(r"[\w!#$%&'*+.^`|~-]{1,40}(?:/[\w!#$%&'*+.^`|~-]{1,40})?", re.ASCII)
# The first product of huggingface_hub if no library gives its name.
_NO_LIBRARY = "unknown/None"


@dataclass(frozen=True)
class Kind:
    """What such requests have in common."""

    method: str
    path: str
    client: str


class UnknownRequests:
    """The newest kinds, each with a count and the time of its last request."""

    def __init__(self) -> None:
        """Begin with none."""
        self._seen: dict[Kind, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def record(self, method: str, path: str, user_agent: str, now: float) -> None:
        """Count a request; log the first of its kind."""
        kind = Kind(method[:20], (logged(path) or "")[:LONGEST_PATH], client_of(user_agent))
        with self._lock:
            count, _ = self._seen.pop(kind, (0, now))
            self._seen[kind] = (count + 1, now)
            if len(self._seen) > MOST_KINDS:
                del self._seen[next(iter(self._seen))]
        if count == 0:
            # ascii() for the operator's terminal.
            _LOG.warning("local-hub: no route for %s %s (%s)", kind.method, ascii(kind.path)[1:-1], kind.client)

    def listed(self) -> list[dict[str, str | int]]:
        """Return the kinds, newest first."""
        with self._lock:
            seen = list(self._seen.items())
        return [
            {"at": rfc3339(at), "method": kind.method, "path": kind.path, "client": kind.client, "count": count}
            for kind, (count, at) in reversed(seen)
        ]


def client_of(user_agent: str) -> str:
    """Return the first product of a User-Agent that names a client, else `unknown`."""
    products: list[str] = [found[0] for found in _PRODUCT.finditer(user_agent[:400])]
    return next((logged(product) or "" for product in products if product != _NO_LIBRARY), "unknown")
