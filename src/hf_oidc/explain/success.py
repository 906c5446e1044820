"""What to say after a successful login: the token's lifetime, a short job summary, and warnings about the environment.

Every login imports this module, so it imports nothing else of `explain`. It never sees a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hf_oidc.errors import UsageError
from hf_oidc.http.url import base_url
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line

MAX_IN_SUMMARY = 4  # resources; the log names all of them
# A workflow can set any variable, so a value of another form is left out.
# https://docs.github.com/en/actions/reference/workflows-and-actions/variables
RUN_VARIABLES = {
    "GITHUB_REPOSITORY": r"[\w-]{1,100}/[\w.-]{1,100}",
    "GITHUB_RUN_ID": r"[0-9]{1,20}",
    "GITHUB_SHA": r"[0-9a-f]{40}|[0-9a-f]{64}",
}


def granted_line(resource: Resource, expires_at: str, expires_in: int) -> str:
    """Returns the log line for a granted token. `expires_at`: RFC 3339, UTC. `expires_in`: seconds."""
    what = f"for {resource.kind} {resource} only"
    if resource.kind == "user":
        what = f"to read gated repositories as {resource}"
    minutes = round(expires_in / 60)
    lifetime = f"{minutes} minutes" if minutes > 1 else f"{expires_in} seconds"
    return f"Logged in: Hugging Face token {what}, valid until {expires_at} ({lifetime})."


def summary(resources: Sequence[Resource], expires_at: str, hub_url: str, env: Mapping[str, str]) -> str:
    """Returns at most three lines of Markdown: what the tokens are for, their first expiry, and this run."""
    shown = [_link(str(each), f"{hub_url}/{each}") for each in resources[:MAX_IN_SUMMARY]]
    if more := len(resources) - len(shown):
        shown.append(f"{more} more")
    lines = [f"Hugging Face login: {', '.join(shown)}", f"Valid until {expires_at}", *_run_line(env)]
    return "".join(f"- {line}\n" for line in lines)


def _run_line(env: Mapping[str, str]) -> Iterator[str]:
    """Yields one line that links to the run and the commit of this job, if the runner says what they are."""
    values = [env.get(name, "") for name in RUN_VARIABLES]
    if not all(re.fullmatch(form, each, re.ASCII) for form, each in zip(RUN_VARIABLES.values(), values, strict=True)):
        return
    repository, run, commit = values
    try:
        page = f"{base_url('GITHUB_SERVER_URL', env.get('GITHUB_SERVER_URL', ''))}/{repository}"
    except UsageError:
        page = ""
    # Forgejo and Gitea address a run by another number than its id.
    has_run_page = page and not (env.get("FORGEJO_ACTIONS") or env.get("GITEA_ACTIONS"))
    run_link = _link(run, f"{page}/actions/runs/{run}" if has_run_page else "")
    commit_link = _link(commit[:7], f"{page}/commit/{commit}" if page else "")
    yield f"Used by run {run_link} of {_link(repository, page)}, commit {commit_link}"


def _link(text: str, url: str) -> str:
    # The texts hold only letters, digits and `_.-/`, which a code span shows unchanged. The URLs passed `base_url`, so
    # they hold no angle bracket, and no white space.
    code = f"`{sanitize_line(text)}`"
    return f"[{code}](<{url}>)" if url and sanitize_line(url) == url else code


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
                    f"The job already had {name}. Later steps get the new token instead. If the old one came from a "
                    "secret that nothing else uses, delete the secret."
                ),
            )
