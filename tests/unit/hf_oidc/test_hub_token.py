"""The token that an exchange gives."""

from datetime import datetime, timezone

from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.secret import Secret


def test_expires_so_many_seconds_after_it_was_requested() -> None:
    """RFC 3339, in UTC, whole seconds rounded down."""
    requested_at = datetime(2026, 12, 31, 23, 30, 0, 900_000, tzinfo=timezone.utc)
    token = HubToken(Secret("hf_jwt_secret"), Resource.parse("acme/m"), 3600, requested_at)
    assert token.expires_at == "2027-01-01T00:30:00Z"


def test_prints_without_its_text() -> None:
    """A token in a log is stars."""
    token = HubToken(Secret("hf_jwt_secret"), Resource.parse("acme/m"), 1, datetime.now(timezone.utc))
    assert "hf_jwt_secret" not in repr(token)
