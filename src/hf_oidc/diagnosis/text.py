"""An error as text: title and message of an annotation. Data in, words out."""

from __future__ import annotations

from hf_oidc.diagnosis.advice import next_step
from hf_oidc.errors import LoginError, Where

CALL = {"mint": "asking the CI for an ID token", "exchange": "exchanging the ID token at the Hub"}


def title(error: LoginError) -> str:
    """The stable code, to search for."""
    return f"hf-oidc: {error.code}"


def message(error: LoginError) -> str:
    """What failed, where, and one next step; a line each."""
    lines = [f"{error.what}."]
    if error.where:
        lines.append(f"Where: {_place(error.where)}.")
    lines.append(f"Next: {next_step(error)}")
    return "\n".join(lines)


def _place(where: Where) -> str:
    facts = [CALL[where.phase], where.host]
    if where.status:
        facts.append(f"HTTP {where.status}")
    if where.request_id:
        facts.append(f"request id {where.request_id}")
    return ", ".join(facts)
