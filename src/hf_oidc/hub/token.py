"""The Hugging Face token from an exchange, its resource and its expiry. No I/O, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hf_oidc.hub.resource import Resource
from hf_oidc.rfc3339 import rfc3339
from hf_oidc.secret import Secret


class HubToken(NamedTuple):
    """A bearer token for `resource`. `expires_in`: seconds. `requested_at`: UTC, just before the exchange was sent."""

    secret: Secret
    resource: Resource
    expires_in: int
    requested_at: datetime

    @property
    def expires_at(self) -> str:
        """The expiry in the form of RFC 3339, in UTC. Counted from before the exchange, so it is never too late."""
        return rfc3339(self.requested_at + timedelta(seconds=self.expires_in))
