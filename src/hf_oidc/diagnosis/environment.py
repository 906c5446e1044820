"""What in a job's environment will surprise its owner although the login works. Environment in, warnings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def warnings(env: Mapping[str, str], exported: str) -> Iterator[tuple[str, str]]:
    """Title and message of each warning; `exported` is the variable that later steps get, if any."""
    if env.get("HF_OIDC_RESOURCE"):
        yield (
            "hf-oidc: HF_OIDC_RESOURCE is set",
            (
                "huggingface_hub does its own exchange where HF_OIDC_RESOURCE is set, and ignores HF_TOKEN. Remove the "
                "variable from the job, or this step."
            ),
        )
    if exported and env.get(exported):
        yield (
            f"hf-oidc: {exported} is replaced",
            (
                f"The job had a {exported} already; later steps have the new token in its place. If it came from a "
                "secret, the secret is no longer needed."
            ),
        )
