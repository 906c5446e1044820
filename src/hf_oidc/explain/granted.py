"""What is said of a login that worked: the one part of the diagnosis that needs no other, and no time to load them."""

from __future__ import annotations

from hf_oidc.hub.resource import Resource


def granted_line(resource: Resource, expires_at: str, expires_in: int) -> str:
    """What was granted: for what, until when, and for how many seconds (`expires_in`), in minutes if there are any."""
    what = f"for the {resource.kind} {resource} alone"
    if resource.kind == "user":
        what = f"to read gated repositories as {resource}"
    minutes = round(expires_in / 60)
    lifetime = f"{minutes} minutes" if minutes > 1 else f"{expires_in} seconds"
    return f"Logged in: a Hugging Face token {what}, until {expires_at} ({lifetime})."
