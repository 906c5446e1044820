"""What to say after a successful login: the token's lifetime, and warnings about the job's environment.

Every login imports this module, so it imports nothing else of `explain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hf_oidc.hub.resource import Resource


def granted_line(resource: Resource, expires_at: str, expires_in: int) -> str:
    """Returns the log line for a granted token. `expires_at`: RFC 3339, UTC. `expires_in`: seconds."""
    what = f"for {resource.kind} {resource} only"
    if resource.kind == "user":
        what = f"to read gated repositories as {resource}"
    minutes = round(expires_in / 60)
    lifetime = f"{minutes} minutes" if minutes > 1 else f"{expires_in} seconds"
    return f"Logged in: Hugging Face token {what}, valid until {expires_at} ({lifetime})."


def warnings(env: Mapping[str, str], exported: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields title and message of each warning. `exported`: the variables that later steps get."""
    if env.get("HF_OIDC_RESOURCE"):
        yield (
            "hf-oidc: HF_OIDC_RESOURCE is set",
            (
                "While HF_OIDC_RESOURCE is set, huggingface_hub does its own exchange and ignores HF_TOKEN. Remove "
                "either the variable or this step."
            ),
        )
    for name in exported:
        if env.get(name):
            yield (
                f"hf-oidc: {name} is replaced",
                (
                    f"The job already had a {name}. Later steps get the new token instead. If the old one came from a "
                    "secret, you can delete that secret."
                ),
            )
