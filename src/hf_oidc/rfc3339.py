"""Writes times as RFC 3339, the form of every time that a user sees. No import of ours."""

from __future__ import annotations

from datetime import datetime


def rfc3339(moment: datetime) -> str:
    """A time in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
