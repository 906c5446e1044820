"""What the doctor advises about tokens and secrets, done by a program, leaves nothing to say."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

import pytest

from hf_oidc.doctor.advice import words
from hf_oidc.doctor.workflow.findings import WorkflowFinding
from tests.doctor_report import examined
from tests.unit.hf_oidc.test_token_use import (
    FLOWS,
    HEAD,
    LOGIN,
    NEEDED,
    OLD,
    SECRET,
    SECRETS,
    STEP,
    UPLOAD,
    env,
    job,
    script,
)

Lines = list[str]
INDENT = "      "  # of a step


def span(lines: Lines, number: str | int | None) -> tuple[int, int]:
    """Where the step begins and ends in which the line with this number is."""
    start = max(at for at in range(int(number or 0)) if lines[at].startswith(f"{INDENT}- "))
    later = (at for at in range(start + 1, len(lines)) if not lines[at].startswith(f"{INDENT} "))
    return start, next(later, len(lines))


def insert(lines: Lines, at: int, text: str, indent: str) -> None:
    """Puts lines of text before the line with this index."""
    lines[at:at] = textwrap.indent(text, indent).splitlines()


def move(lines: Lines, number: str | int | None, before: int) -> None:
    """Moves a step before the line with this index."""
    start, end = span(lines, number)
    step = lines[start:end]
    del lines[start:end]
    before -= len(step) if before > start else 0
    lines[before:before] = step


def set_key(lines: Lines, number: str | int | None, key: str, text: str) -> None:
    """Replaces a key of a step, with what is below it, or adds it."""
    start, end = span(lines, number)
    found = next((at for at in range(start, end) if lines[at].startswith(f"{INDENT}  {key}:")), end)
    below = found + 1
    while found < end and below < end and lines[below].startswith(f"{INDENT}   "):
        below += 1
    lines[found:below] = textwrap.indent(text, f"{INDENT}  ").splitlines()


def replace_line(lines: Lines, number: int | None, text: str) -> None:
    """Replaces a line, and what is below it, with the same indentation."""
    at = (number or 0) - 1
    indent = re.match(r"[ ]*", lines[at])[0]  # type: ignore[index] # it matches any line
    end = at + 1
    while end < len(lines) and lines[end].startswith(f"{indent} "):
        end += 1
    lines[at:end] = textwrap.indent(text, indent).splitlines()


def remove_line(lines: Lines, number: int | None, *, block: bool) -> None:
    """Removes a line, and the one above it if that is its block."""
    at = (number or 0) - 1
    del lines[at - block : at + 1]


def with_id(lines: Lines, finding: WorkflowFinding) -> None:
    """Gives a login step its id, if the advice says so."""
    if given := re.search(r"login step \(line (\d+)\) .*`(id: \w+)`", words(finding).do):
        insert(lines, span(lines, given[1])[1], given[2], f"{INDENT}  ")


def of_secret(lines: Lines, finding: WorkflowFinding) -> None:
    """What is advised about a stored token."""
    how, said = finding.facts["how"], words(finding)
    if how in {"remove-line", "remove-block", "remove-and-export"}:
        if how == "remove-and-export":
            start, end = span(lines, finding.facts["line"])
            del lines[next(at for at in range(start, end) if "export-env" in lines[at])]
        remove_line(lines, finding.line, block=lines[(finding.line or 0) - 2].endswith("env:") and how != "remove-line")
    elif how == "remove-step":
        start, end = span(lines, finding.line)
        del lines[start:end]
    elif how == "remove-and-give":
        remove_line(lines, finding.line, block=False)
    elif how == "remove-from-script":
        lines.remove(next(line for line in lines if line.strip() == said.lines))
    elif finding.facts["way"] in {"env", "input"}:
        replace_line(lines, finding.line, said.lines)
    else:
        start, end = span(lines, finding.line)
        at = next(at for at in range(start, end) if "secrets" in lines[at])
        indent = re.match(r" *(- )?(run: )?", lines[at])[0]  # type: ignore[index] # it matches any line
        quoted = "'" if ": '" in lines[at] else ""
        *before, last = said.lines.splitlines()
        lines[at : at + 1] = [*(indent + each for each in before), f"{indent}{quoted}{last}{quoted}"]
        if how == "write-git":
            insert(lines, span(lines, finding.facts["line"])[1], "git-credentials: true", f"{INDENT}    ")


def both(lines: Lines, finding: WorkflowFinding) -> None:
    """Logs in for two repositories."""
    *login, own = re.split("^(?=env:|with:)", words(finding).lines, flags=re.MULTILINE)
    set_key(lines, finding.facts["line"], "env", own)
    if finding.facts["how"] == "both-second":
        insert(lines, span(lines, finding.facts["line"])[0], "".join(login), INDENT)
    elif login[1:]:
        at = next(at for at, line in enumerate(lines) if "hf-oidc-action" in line)
        set_key(lines, at + 1, "with", login[1].rstrip())
    if finding.facts.get("place") == "job":
        remove_line(lines, finding.line, block=False)


def in_the_command(lines: Lines, finding: WorkflowFinding) -> None:
    """Adds an option to the command of a step."""
    at = (finding.line or 0) - 1
    lines[at] += f" {words(finding).lines}"


def permissions(lines: Lines, finding: WorkflowFinding) -> None:
    """Adds the permissions to the job, or replaces them."""
    if finding.facts["how"] == "permissions-replace":
        replace_line(lines, finding.line, words(finding).lines)
        return
    insert(lines, finding.line or 0, words(finding).lines, "    ")


def step_before(lines: Lines, finding: WorkflowFinding) -> None:
    """Adds a step before another."""
    insert(lines, span(lines, finding.line)[0], words(finding).lines, INDENT)


def to_the_step(key: str) -> Callable[[Lines, WorkflowFinding], None]:
    """Adds lines to the step, or replaces those with the same key."""

    def change(lines: Lines, finding: WorkflowFinding) -> None:
        set_key(lines, finding.line, key, words(finding).lines)
        with_id(lines, finding)

    return change


def an_id(lines: Lines, finding: WorkflowFinding) -> None:
    """Gives a login step an id, or names the one that it has."""
    said = words(finding)
    if said.lines.startswith("id:"):
        insert(lines, span(lines, finding.facts["line"])[1], said.lines, f"{INDENT}  ")
    else:
        lines[:] = [line.replace(f"steps.{finding.facts['id']}", said.lines) for line in lines]


def a_login_of_its_own(lines: Lines, finding: WorkflowFinding) -> None:
    """Logs in for a single step."""
    said = words(finding).lines
    if said.startswith("env:"):
        set_key(lines, finding.line, "env", said)
    else:
        at = span(lines, finding.line)[0]
        lines[at] = lines[at].replace("run: ", f"run: {said.removesuffix('COMMAND')}")


CHANGES: dict[str, Callable[[Lines, WorkflowFinding], None]] = {
    "token-before-login": lambda lines, f: move(lines, f.facts["line"], span(lines, f.line)[0]),
    "token-before-wait": step_before,
    "login-without-id": an_id,
    "no-token-in-job": step_before,
    "token-not-exported": to_the_step("env"),
    "token-under-another-name": to_the_step("env"),
    "token-of-other-steps": a_login_of_its_own,
    "authenticated-never": lambda lines, f: replace_line(lines, f.line, words(f).lines),
    "authenticated-always": lambda lines, f: replace_line(lines, f.line, words(f).lines),
    "token-unchecked": to_the_step("if"),
    "runs-after-failed-login": to_the_step("if"),
    "login-skipped": to_the_step("if"),
    "missing-prefix": lambda lines, f: replace_line(lines, f.line, words(f).lines),
    "missing-repo-type": in_the_command,
    "other-repository": both,
    "login-replaced": to_the_step("env"),
    "user-cannot-write": lambda lines, f: replace_line(lines, f.line, words(f).lines),
    "token-expires": lambda lines, f: move(lines, f.facts["line"], span(lines, f.line)[1]),
    "token-replaced": of_secret,
    "secret-remains": of_secret,
    "secret-ignored": of_secret,
    "secret-for-another": both,
    "migrate-permissions": permissions,
    "migrate-login": step_before,
    "migrate-secret": of_secret,
}
# One way among several is shown, or the change is to a program of the reader's.
NOT_SHOWN = {"parallel-logins", "beyond-the-token", "authenticated-always", "never-reached"}
NOT_BY_LINES = {
    "id of another case",
    "another job, of which the id is used",  # the other job needs a login of its own
    "action before",
    "condition before",
    "in a header",
    "parallel with its use",
    "a forgotten prefix for hf-oidc",
    "another repository, by hf-oidc",
    "another repository, in Python",
    "a forgotten type in Python",
    "another repository, of two",
    "a wrong row of the matrix",
    "a forgotten prefix of a Space",
    "long, in one script",
    "beside hf-oidc",
    "another kind",
    "another repository, by an action",  # an input is replaced
}
EXAMPLES = {
    **{name: HEAD + jobs for name, (jobs, _) in {**FLOWS, **SECRETS}.items()},
    **{name: HEAD + jobs for name, (jobs, code, _) in NEEDED.items() if code == "secret-for-another"},
    "soft, without an id": HEAD + job(LOGIN.replace("  id: hf\n", "") + "\n    on-error: warn", UPLOAD),
    "not migrated": OLD + job(STEP),
    "not migrated, with permissions": "on: {push: {branches: [main]}}\njobs:\n" + job(STEP, rest="permissions: {}"),
    "not migrated, by git": HEAD + job(f"- run: git push https://u:{SECRET}@huggingface.co/spaces/acme/demo main"),
    "not migrated, of the job": HEAD + job(UPLOAD, rest=f"env:\n  HF_TOKEN: {SECRET}"),
    "not migrated, an option": HEAD + job(f"- run: hf upload acme/model . --token {SECRET}"),
    "not migrated, exported": HEAD + job(script(f"export HF_TOKEN={SECRET}", "hf upload acme/model .")),
    "not migrated, two": HEAD + job(STEP, "- run: hf upload acme/corpus . --repo-type dataset" + env(HF_TOKEN=SECRET)),
}


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in NOT_BY_LINES])
def test_what_is_advised_makes_the_finding_go_away(name: str) -> None:
    """Done finding by finding, each goes away, no other one appears, and in the end there is none."""
    text, done = EXAMPLES[name], 0
    before: list[str] = []
    while True:
        findings = [each for each in examined(text).all_findings if each.code in CHANGES]
        others = [each.code for each in examined(text).all_findings if each.severity != "note" and each not in findings]
        assert set(others) <= NOT_SHOWN | {"duplicate-id"}
        left = [each.code for each in findings]
        assert not before or len(left) < len(before), (text, before, left)
        if not findings:
            return
        before, done = left, done + 1
        lines = text.splitlines()
        CHANGES[findings[0].code](lines, findings[0])
        text = "\n".join(lines) + "\n"


@pytest.mark.slow
def test_every_kind_of_advice_is_tried() -> None:
    """By at least one example."""
    tried = {
        each.code for name, text in EXAMPLES.items() if name not in NOT_BY_LINES for each in examined(text).all_findings
    }
    assert set(CHANGES) - tried == set()
