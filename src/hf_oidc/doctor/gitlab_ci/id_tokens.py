"""Checks `id_tokens:` of a job: whether its login finds an ID token, and whether that one is for the Hub.

`hf-oidc` reads $HF_OIDC_ID_TOKEN, then $HF_ID_TOKEN; huggingface_hub reads only $HF_OIDC_ID_TOKEN.
https://docs.gitlab.com/ci/yaml/#id_tokens
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hf_oidc.doctor.gitlab_ci.model import Job
from hf_oidc.doctor.gitlab_ci.read import has_reference
from hf_oidc.doctor.gitlab_ci.script import Login
from hf_oidc.doctor.workflow.findings import Severity, WorkflowFinding
from hf_oidc.doctor.workflow.yaml_text import Block, Value
from hf_oidc.sanitize import sanitize_line

DETECTED = "HF_ID_TOKEN"
SUPPLIED = "HF_OIDC_ID_TOKEN"
SUPPLIED_FILE = "HF_OIDC_ID_TOKEN_FILE"


def check_id_tokens(job: Job, logins: list[Login], lines: list[str], hub_url: str) -> Iterator[WorkflowFinding]:
    """Finds what keeps the logins of `job` from an ID token for the Hub. No `logins`: huggingface_hub logs in."""
    declared = job.block.get("id_tokens", "")
    if has_reference(declared):
        return  # the report says that it was not understood
    if declared and not isinstance(declared, Block):
        yield _rejected(job, "id_tokens", "a block of names, each with `aud:`")
        return
    tokens: Block = declared if isinstance(declared, Block) else Block(job.line)
    expected = DETECTED if logins else SUPPLIED
    # A login that names another provider or a file does not read the job's variables.
    if logins and all(login.option("--provider") not in {"", "gitlab"} for login in logins):
        return
    names = [name for name in ((SUPPLIED, DETECTED) if logins else (SUPPLIED,)) if name in tokens][:1]
    names = names or [name for name in tokens if _is_passed_on(name, job, lines)]
    # Another tool may fill the variable, or the file.
    is_supplied = any(name in job.variables for name in (SUPPLIED, SUPPLIED_FILE)) or any(
        SUPPLIED in line or "--id-token-file" in line for line in lines
    )
    # The audience that the logins ask for: of the first one, since a job has one ID token for all.
    endpoint = job.variables.get("HF_ENDPOINT", "")
    named = (logins[0].option("--audience") or logins[0].option("--hub-url")) if logins else ""
    audience = (named or (endpoint if isinstance(endpoint, str) else "") or hub_url).rstrip("/")
    if names:
        for name in names:
            yield from _check_audience(job, tokens, name, audience)
    elif not is_supplied:
        severity: Severity = "warning" if job.may_have_more else "error"
        facts = {"job": sanitize_line(job.name, 80), "name": expected, "audience": hub_url}
        other = next((name for name, value in tokens.items() if hub_url in _audiences(value)), "")
        if other:
            facts["other"] = sanitize_line(other, 60)
            yield WorkflowFinding("id-token-name", severity, tokens.lines.get(other), facts)
        else:
            yield WorkflowFinding("id-token-not-declared", severity, job.line, facts)


def _check_audience(job: Job, tokens: Block, name: str, audience: str) -> Iterator[WorkflowFinding]:
    value, line = tokens[name], tokens.lines.get(name)
    audiences = _audiences(value)
    found = sanitize_line(", ".join(audiences[:5]), 200)
    facts = {"name": sanitize_line(name, 60), "audience": sanitize_line(audience, 200), "found": found}
    if not audiences:
        yield _rejected(job, f"id_tokens.{sanitize_line(name, 60)}", "a block with `aud:`", line)
    elif any("$" in each for each in (*audiences, audience)):
        what = f"the audience of `{sanitize_line(name, 60)}`: GitLab fills in its variables when the job runs"
        yield WorkflowFinding("not-understood", "note", line, {"what": what})
    elif audience not in audiences:
        yield WorkflowFinding("audience-mismatch", "error", line, facts)
    elif len(audiences) > 1:
        yield WorkflowFinding("several-audiences", "warning", line, facts)


def _audiences(value: Value) -> list[str]:
    aud = value.get("aud", "") if isinstance(value, Block) else ""
    return [each for each in (aud if isinstance(aud, list) else [aud]) if isinstance(each, str) and each]


def _is_passed_on(name: str, job: Job, lines: list[str]) -> bool:
    """Whether a command or a variable hands the ID token `name` to the login."""
    mention = re.compile(rf"\$\{{?{re.escape(name)}\b")
    supplied = job.variables.get(SUPPLIED, "")
    if isinstance(supplied, str) and mention.search(supplied):
        return True
    return any(mention.search(line) and (SUPPLIED in line or "--id-token-file" in line) for line in lines)


def _rejected(job: Job, where: str, expected: str, line: int | None = None) -> WorkflowFinding:
    facts = {"where": where, "expected": expected}
    return WorkflowFinding("gitlab-rejects", "error", line or job.line_of(where), facts)
