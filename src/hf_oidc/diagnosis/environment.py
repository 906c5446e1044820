"""What in a job's environment will surprise its owner although the login works. Environment in, warnings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


def warnings(env: Mapping[str, str], exported: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Title and message of each warning; `exported` are the variables that later steps get."""
    if env.get("HF_OIDC_RESOURCE"):
        yield (
            "hf-oidc: HF_OIDC_RESOURCE is set",
            (
                "huggingface_hub does its own exchange where HF_OIDC_RESOURCE is set, and ignores HF_TOKEN. Remove the "
                "variable from the job, or this step."
            ),
        )
    for name in exported:
        if env.get(name):
            yield (
                f"hf-oidc: {name} is replaced",
                (
                    f"The job already had {name}; later steps get the new token instead. If the old one came from a "
                    "secret that nothing else uses, delete the secret."
                ),
            )
