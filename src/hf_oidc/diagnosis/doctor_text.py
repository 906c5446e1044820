"""What `hf-oidc doctor` found, for people: plain lines, first what is wrong, then what to enter on the Hub.

It renders facts and decides nothing; `doctor_words` has the sentences about workflows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from hf_oidc.diagnosis.advice import NO_SUGGESTION, SIDE_BRANCH, absent, cause
from hf_oidc.diagnosis.claims import Field
from hf_oidc.diagnosis.doctor import JobReport
from hf_oidc.diagnosis.doctor_words import words
from hf_oidc.diagnosis.publisher import NoSuggestion, SettingsPage, Suggestion, settings_page
from hf_oidc.diagnosis.report import Diagnosis
from hf_oidc.diagnosis.workflow.findings import Finding, WorkflowReport
from hf_oidc.diagnosis.workflow.findings import JobReport as WorkflowJob
from hf_oidc.resource import Resource
from hf_oidc.untrusted_text import shown

WIDTH = 100
LABEL = {"error": "WRONG", "warning": "CAREFUL", "note": "NOTE"}
SUPPLIED = "none asked: an ID token is in HF_OIDC_ID_TOKEN"
WHAT_IT_IS = (
    "An ID token is a signed note in which the CI says whose job this is. The Hub gives a short-lived token to those "
    "jobs that a repository's owner has named there as trusted publishers. Nothing was sent to the Hub, and the ID "
    "token is not shown."
)
WHAT_TO_ENTER = "On the Hub, once, name this job as one to trust (a trusted publisher; no secret is stored)."
BRANCHES = {
    "default": "your default branch, such as main",
    "several": "the one branch that publishes (the file does not say which)",
    "none": "leave it empty: these runs belong to no branch",
    "pull-request": "leave it empty: a pull request belongs to no branch",
}
TWO_WORKFLOWS = "leave it empty: which file the Hub compares, the calling or the called one, is not known"
CALLER = (
    "This is a reusable workflow: enter the repository and the branch of the workflow that calls it, and leave the "
    "field Workflow empty, as it is not known which of the two files the Hub compares. Run hf-oidc doctor on that one, "
    "too."
)
# The file does not tell whose GitHub runs it, and the preset is for the issuer of github.com alone.
PROVIDER = "GitHub Actions, unless an enterprise has an issuer of its own"


def job(report: JobReport) -> Iterator[str]:
    """A CI job."""
    question = report.question
    yield from _table([("CI", _ci(report)), ("ID token", _id_token(report))])
    yield ""
    yield from _wrapped(WHAT_IT_IS)
    # Where the ID token tells of a publisher, that one is shown, and not what the values would be.
    expected = bool(report.problem and report.problem.enter) and not isinstance(report.publisher, Suggestion)
    if report.problem:
        yield from _problem(report.problem, enter=expected)
    if report.unmet:
        yield from _unmet(report)
    if report.has_id_token:
        if report.fields:
            yield from _heading("This job, in the words of a publisher on the Hub")
            yield from _fields(report.fields)
        yield from _suggested(report.publisher, question.page)
        yield from _heading("What its ID token says")
        yield from _fields(report.claims)
    if report.has_id_token and not expected:
        yield from _careful(report.cautions)
    yield from _heading("Something is wrong, see above." if report.fails else _all_well(report))


def workflow(report: WorkflowReport, hub_url: str) -> Iterator[str]:
    """A workflow file."""
    yield f"{shown(report.file_name)} of {report.repository or 'an unknown repository'}"
    if not report.repository:
        yield "(no remote `origin` on github.com was found here; name yours: --repository owner/name)"
    yield from _findings(report.findings)
    for each in report.jobs:
        yield from _heading(f"Job {shown(each.key, 80)}, line {each.line}")
        yield from _findings(each.findings)
        if each.fields:
            yield from _to_enter(each, hub_url)
    yield from _heading(_summary(report))


def _ci(report: JobReport) -> str:
    if report.provider == "supplied":
        return SUPPLIED
    code = report.problem.code if report.problem else ""
    if code == "ambiguous-provider":
        return "more than one, see below"
    if code == "id-token-not-declared" and report.provider == "github":
        return "none of its own: another engine runs GitHub's workflow"
    return report.ci.title if report.ci else "none that is known"


def _problem(problem: Diagnosis, *, enter: bool) -> Iterator[str]:
    causes = [f" {cause(each).render(_plain)}" for each in problem.findings]
    what = f"{problem.what.rstrip('.')}.{''.join(causes)} ({problem.code})"
    yield from _said("WRONG", what, problem.next_step.render(_plain), problem.copy.lines)
    if enter:
        yield from _heading("What to enter on the Hub, once")
        yield from _place(problem.page)
        yield from _fields(problem.enter)
        yield from _careful(problem.cautions)


def _careful(cautions: Iterable[str]) -> Iterator[str]:
    for caution in cautions:
        yield from _said("CAREFUL", caution, "", "")


def _plain(_name: str, value: str) -> str:
    return value


def _id_token(report: JobReport) -> str:
    if report.expires is None:
        return "none"
    return f"issued, valid until {report.expires:%Y-%m-%d %H:%M:%S} UTC"


def _all_well(report: JobReport) -> str:
    found = {each.name: each.value for each in report.fields}
    # Of a reusable workflow, the other of its two files may be expected.
    expected = {name: shown(value) for name, value in report.question.expected.items()}
    met = ", ".join(f"{shown(name)}={value}" for name, value in expected.items() if found.get(name, value) == value)
    return f"No problem was found: this job {f'is {met}' if met else 'can prove to the Hub who it is'}."


def _unmet(report: JobReport) -> Iterator[str]:
    lines = []
    for each in report.unmet:
        found = each.found.value or f"none: {_absence(each.found)}"
        lines.append((shown(each.name), f"expected {each.expected}, this job has {found}"))
    publisher = "A publisher on the Hub with these values refuses this job:"
    yield from _said("WRONG", publisher, "", "\n".join(_table(lines, "")))
    yield from _wrapped("Run the job where the values are met, or change them on the Hub.", "         ")


def _suggested(publisher: Suggestion | NoSuggestion, page: SettingsPage | None) -> Iterator[str]:
    if isinstance(publisher, Suggestion):
        yield from _heading("If you mean to trust exactly this job, enter on the Hub")
        yield from _place(page)
        kind = ("Provider", "GitHub Actions") if publisher.preset else ("Issuer", publisher.issuer)
        names = [
            (_label(field.name) if publisher.preset else field.name, field.value or "") for field in publisher.fields
        ]
        yield from _table([kind, *names])
        if publisher.side_branch:
            yield from _wrapped(SIDE_BRANCH.format(side_branch=publisher.side_branch), "  ")
    else:
        yield from _heading("What to enter on the Hub")
        yield from _place(page)
        yield from _wrapped(NO_SUGGESTION[publisher.reason], "  ")


def _to_enter(report: WorkflowJob, hub_url: str) -> Iterator[str]:
    yield ""
    if not report.may_be_trusted:
        yield from _wrapped(f"On the Hub, enter no publisher for this job. {NO_SUGGESTION['pull-request']}", "  ")
        return
    yield from _wrapped(WHAT_TO_ENTER, "  ")
    for resource in report.resources or (None,):
        yield from _place(_page(resource, hub_url), "    ")
    if report.branch.kind == "caller":
        yield from _wrapped(CALLER, "    ")
        return
    values = {field.name: field.value or "" for field in report.fields}
    values["repository"] = values["repository"] or "owner/name of this repository on GitHub"
    values["branch"] = values["branch"] or BRANCHES[report.branch.kind]
    values["workflow"] = values["workflow"] or TWO_WORKFLOWS
    rows = [("Provider", PROVIDER), *((_label(name), value) for name, value in values.items())]
    yield from _table(rows, "    ")
    if report.environment:
        yield from _wrapped(
            f"The job runs in the environment {shown(report.environment, 80)}. A publisher of this form does not look "
            "at it; one with the issuer's URL and raw claims can name it, as `environment`.",
            "    ",
        )


def _page(resource: Resource | None, hub_url: str) -> SettingsPage | None:
    return settings_page(resource, hub_url) if resource else None


def _place(page: SettingsPage | None, indent: str = "  ") -> Iterator[str]:
    place = page.url if page else "the settings page of the repository"
    section = page.section if page else "Trusted Publishers"
    yield f"{indent}{place} -> {section} -> add"


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        said = words(finding)
        place = f"Line {finding.line}: " if finding.line else ""
        yield from _said(LABEL[finding.severity], place + said.what, said.do, said.lines)


def _said(label: str, what: str, do: str, lines: str) -> Iterator[str]:
    yield ""
    first, *rest = textwrap.wrap(what, WIDTH - 9, break_long_words=False, break_on_hyphens=False)
    yield f"{label:<8} {first}"
    yield from (f"         {line}" for line in rest)
    yield from _wrapped(do, "         ")
    yield from (f"             {line}" for line in lines.splitlines())


def _summary(report: WorkflowReport) -> str:
    severities = [finding.severity for finding in report.all_findings]
    wrong, careful = severities.count("error"), severities.count("warning")
    if wrong:
        return f"Something would fail: {wrong} marked WRONG, {careful} marked CAREFUL."
    return f"Nothing fails for certain: {careful} marked CAREFUL." if careful else "No problem was found."


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield text


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    yield from _table([(field.name, field.value or f"(none: {_absence(field)})") for field in fields])


def _absence(field: Field) -> str:
    return absent(field).render(lambda _, value: value)


def _table(rows: Iterable[tuple[str, str]], indent: str = "  ") -> Iterator[str]:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return (f"{indent}{name:<{width}}  {value}" for name, value in rows)


def _label(name: str) -> str:
    return name.capitalize()


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
