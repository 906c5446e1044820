"""The Hugging Face token that an exchange gives: what it is for and how long it lives. No I/O, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hf_oidc.hub.resource import Resource
from hf_oidc.secret import Secret


def rfc3339(moment: datetime) -> str:
    """A time in UTC as RFC 3339 has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class HubToken(NamedTuple):
    """A bearer token for `resource`. `expires_in`: seconds. `requested_at`: UTC, just before the exchange was sent."""

    secret: Secret
    resource: Resource
    expires_in: int
    requested_at: datetime

    @property
    def expires_at(self) -> str:
        """The expiry as RFC 3339 in UTC. Counted from before the exchange, so never later than the Hub's own."""
        return rfc3339(self.requested_at + timedelta(seconds=self.expires_in))
