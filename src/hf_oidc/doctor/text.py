"""Renders a report of `hf-oidc doctor` as text: first what is wrong, then what to enter on the Hub.

It decides nothing. `advice` has the sentences about workflows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hf_oidc.doctor.advice import words
from hf_oidc.doctor.job import JobReport
from hf_oidc.doctor.migration_advice import sentence
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.explain.advice import NO_SUGGESTION, SIDE_BRANCH, absent, cause
from hf_oidc.explain.publisher import NoSuggestion, Suggestion
from hf_oidc.hub.publisher import Field, SettingsPage, settings_page
from hf_oidc.hub.resource import Resource
from hf_oidc.providers.facts import facts_of
from hf_oidc.sanitize import sanitize, sanitize_line

if TYPE_CHECKING:
    from hf_oidc.doctor.workflow.migration.result import Migration

WIDTH = 100
MAX_LISTED = 10
NOT_UNDERSTOOD = "Whether and where the job logs in is then known only when the workflow runs."
LABEL = {"error": "WRONG", "warning": "CAREFUL", "note": "NOTE"}
REMARK = {"to-do": "TO DO", "kept": "KEPT", "note": "NOTE"}
NOT_WRITTEN = "The file was not changed. To change it, run the command again with --write."
NOTHING_LEFT = "Nothing is left to change: no job uses a stored token where it could log in instead."
NOTHING_CHANGED = "Nothing can be changed automatically: see TO DO above."
SUPPLIED = "not asked: HF_OIDC_ID_TOKEN holds an ID token"
WHAT_IT_IS = (
    "An ID token is a statement about this job, signed by the CI. The Hub gives a short-lived token to the jobs that "
    "the owner of a repository trusts (trusted publishers). {sent}, and does not print the ID token."
)
SENT = {
    None: "This command sent nothing to the Hub",
    True: "This command sent the ID token to the Hub, discarded the token that it got",
    False: "This command sent the ID token to the Hub",
}
WHAT_TO_ENTER = "On the Hub, add this job once as a trusted publisher. No secret is stored."
BRANCHES = {
    "default": "your default branch, such as main",
    "several": "the branch that publishes (the file names several)",
    "none": "leave it empty: these runs are not on a branch",
    "unknown": "not known: `hf-oidc` cannot tell which branch these runs are on",
    "pull-request": "leave it empty: a pull request is not on a branch",
}
TWO_WORKFLOWS = "leave it empty: the Hub does not document whether it compares the calling or the called file"
CALLER = (
    "This is a reusable workflow. Enter the repository and the branch of the workflow that calls it. Leave the field "
    "Workflow empty: the Hub does not document which of the two files it compares. Run hf-oidc doctor on the calling "
    "workflow too."
)
KIND_OF_FILE = {"gitlab": "configuration"}
NO_REPOSITORY = {
    "github": "(git has no remote `origin` on github.com here; pass --repository owner/name)",
    "gitlab": "(git has no remote `origin` on a GitLab here; pass --repository group/project)",
}
NO_REPOSITORY_THERE = "(git has no remote `origin` here; pass --repository owner/name)"
# What to enter for a claim that the file does not show; for `ref`, by the kind of the branch.
UNKNOWN_CLAIMS = {
    "project_path": "group/project of this project",
    "repository": "owner/name of this repository",
    "default": "your default branch, such as {prefix}main",
    "none": "leave it out: it differs for each tag",
    "pull-request": "leave it out: it differs for each source branch",
    "caller": "the branch of the calling workflow",
}
NO_PULL_REQUEST = "Do not add a publisher for merge requests or pull requests: anyone who can open one could publish."
OWN_HUB = "The job logs in to {hub}, with an ID token for the audience {audience}, which that Hub must accept."
# The file does not say which GitHub runs it, and the Hub's preset accepts only the issuer of github.com.
PROVIDER = "GitHub Actions; for a GitHub Enterprise issuer, enter that issuer's URL"


def job(report: JobReport) -> Iterator[str]:
    """Yields the lines of the report about a CI job."""
    question = report.question
    valid = f"issued, valid until {report.expires:%Y-%m-%d %H:%M:%S} UTC" if report.expires else "none"
    yield from _table([("CI", _ci(report)), ("ID token", valid)])
    yield ""
    yield from _wrapped(WHAT_IT_IS.format(sent=SENT[report.accepted]))
    # If the ID token shows the publisher, show that one, and not the general values.
    expected = bool(report.problem and report.problem.enter) and not isinstance(report.publisher, Suggestion)
    if problem := report.problem:
        causes = [f" {cause(each).render(_plain)}" for each in problem.findings]
        what = f"{problem.what.rstrip('.')}.{''.join(causes)} ({problem.code})"
        yield from _said("WRONG", what, problem.next_step.render(_plain), problem.copy.lines)
        if expected:
            yield from _heading("Add this once on the Hub")
            yield from _place(problem.page)
            yield from _fields(problem.enter)
            yield from _careful(problem.cautions)
    if report.unmet:
        yield from _unmet(report)
    if report.has_id_token:
        if report.fields:
            yield from _heading("This job, in the fields of a publisher")
            yield from _fields(report.fields)
        yield from _suggested(report.publisher, question.page)
        yield from _heading("Claims of its ID token")
        yield from _fields(report.claims)
    if report.has_id_token and not expected:
        yield from _careful(report.cautions)
    yield from _heading("At least one problem was found: see WRONG above." if report.fails else _all_well(report))


def workflow(report: WorkflowReport, hub_url: str) -> Iterator[str]:
    """Yields the lines of the report about a workflow file."""
    yield f"{sanitize_line(report.file_name)} of {report.repository or 'an unknown repository'}"
    if not report.repository:
        yield NO_REPOSITORY.get(report.provider, NO_REPOSITORY_THERE)
    yield from _findings(report.findings)
    for each in report.jobs:
        yield from _heading(f"Job {sanitize_line(each.key, 80)}, line {each.line}")
        yield from _findings(each.findings)
        if each.fields and report.provider != "github":
            yield from _claims_to_enter(each, report.provider, hub_url)
        elif each.fields:
            yield from _to_enter(each, hub_url)
    severities = [finding.severity for finding in report.all_findings]
    wrong, careful = severities.count("error"), severities.count("warning")
    not_understood = list(dict.fromkeys(text for job in report.jobs for text in job.not_understood))
    not_understood += [finding.facts["what"] for finding in report.all_findings if finding.code == "not-understood"]
    summary = "No problem was found in this file."
    if wrong:
        kind = KIND_OF_FILE.get(report.provider, "workflow")
        summary = f"This {kind} would fail: {wrong} marked WRONG, {careful} marked CAREFUL."
    elif careful:
        summary = f"No certain failure was found: {careful} marked CAREFUL."
    elif not_understood:
        summary = f"Nothing found; not understood: {', '.join(not_understood[:MAX_LISTED])}. {NOT_UNDERSTOOD}"
    yield ""
    yield from _wrapped(summary)


def migration(found: Migration, name: str, hub_url: str, *, written: bool) -> Iterator[str]:
    """Yields the lines about the migration of the file `name`, sanitized. `written`: whether the file was changed."""
    # Tabs are part of the layout. No CI reads a command behind one.
    yield from ("\t".join(map(sanitize, line.rstrip("\r\n").split("\t"))) for line in found.diff(name))
    for report in found.publishers:
        if report.fields:  # not for a job that never runs
            yield from _heading(f"Job {sanitize_line(report.key, 80)}")
            yield from _to_enter(report, hub_url)
    for remark in found.remarks:
        place = "" if remark.kind == "note" else f"Line {remark.line}: "
        yield from _said(REMARK[remark.kind], place + sentence(remark), "", "")
    yield ""
    if found.edits:
        yield f"Changed: {sanitize_line(name, 200)}" if written else NOT_WRITTEN
    else:
        yield NOTHING_LEFT if found.is_complete else NOTHING_CHANGED


def _ci(report: JobReport) -> str:
    if report.provider == "supplied":
        return SUPPLIED
    code = report.problem.code if report.problem else ""
    if code == "ambiguous-provider":
        return "more than one, see below"
    if code == "id-token-not-declared" and report.provider == "github":
        return "none: another engine runs this GitHub workflow"
    return report.ci.title if report.ci else "unknown"


def _careful(cautions: Iterable[str]) -> Iterator[str]:
    for caution in cautions:
        yield from _said("CAREFUL", caution, "", "")


def _plain(_name: str, value: str) -> str:
    return value


def _all_well(report: JobReport) -> str:
    found = {each.name: each.value for each in report.fields}
    # In a reusable workflow, the expected file may be the other one of its two.
    expected = {name: sanitize_line(value) for name, value in report.question.expected.items()}
    met = ", ".join(
        f"{sanitize_line(name)}={value}" for name, value in expected.items() if found.get(name, value) == value
    )
    what = f"this job is {met}" if met else "this job gets an ID token for the Hub"
    if report.accepted:
        accepted = f"The Hub accepts this job for {report.question.resource}, and gave a token that is valid for "
        return f"No problem was found: {what}. {accepted}{report.granted_for} seconds, which was discarded."
    return f"No problem was found: {what}. Only the Hub knows whether a publisher accepts it."


def _unmet(report: JobReport) -> Iterator[str]:
    lines = []
    for each in report.unmet:
        found = each.found.value or f"none: {_absence(each.found)}"
        lines.append((sanitize_line(each.name), f"expected {each.expected}, this job has {found}"))
    publisher = "A publisher with the expected values refuses this job:"
    yield from _said("WRONG", publisher, "", "\n".join(_table(lines, "")))
    yield from _wrapped(
        "Run the job where it has the expected values, or change the publisher on the Hub.", "         "
    )


def _suggested(publisher: Suggestion | NoSuggestion, page: SettingsPage | None) -> Iterator[str]:
    if isinstance(publisher, Suggestion):
        yield from _heading("To trust exactly this job, add on the Hub")
        yield from _place(page)
        kind = ("Provider", "GitHub Actions") if publisher.preset else ("Issuer", publisher.issuer)
        names = [
            (_label(field.name) if publisher.preset else field.name, field.value or "") for field in publisher.fields
        ]
        yield from _table([kind, *names])
        if publisher.side_branch:
            yield from _wrapped(SIDE_BRANCH.format(side_branch=publisher.side_branch), "  ")
    else:
        yield from _heading("What to add on the Hub")
        yield from _place(page)
        yield from _wrapped(NO_SUGGESTION[publisher.reason], "  ")


def _to_enter(report: WorkflowJobReport, hub_url: str) -> Iterator[str]:
    yield ""
    if not report.may_be_trusted:
        yield from _wrapped(f"Do not add a publisher for this job. {NO_SUGGESTION['pull-request']}", "  ")
        return
    yield from _wrapped(WHAT_TO_ENTER, "  ")
    for resource in report.resources or (None,):
        yield from _place(_page(resource, report.hub_url or hub_url), "    ")
    if report.hub_url:
        yield from _wrapped(OWN_HUB.format(hub=report.hub_url, audience=sanitize_line(report.audience)), "    ")
    if report.branch.kind == "caller":
        yield from _wrapped(CALLER, "    ")
        return
    values = {field.name: field.value or "" for field in report.fields}
    values["repository"] = values["repository"] or "owner/name of the repository on GitHub"
    values["branch"] = values["branch"] or BRANCHES[report.branch.kind]
    values["workflow"] = values["workflow"] or TWO_WORKFLOWS
    rows = [("Provider", PROVIDER), *((_label(name), value) for name, value in values.items())]
    yield from _table(rows, "    ")
    if report.environment:
        # An expression would be long, and what it gives is not known.
        computed = "${{" in report.environment
        which = "an environment that an expression chooses" if computed else "the environment "
        name = "" if computed else sanitize_line(report.environment, 80)
        yield from _wrapped(
            f"The job runs in {which}{name}. This kind of publisher does not compare the environment. A publisher with "
            "the issuer's URL and raw claims can: the claim is `environment`.",
            "    ",
        )


def _claims_to_enter(report: WorkflowJobReport, provider: str, hub_url: str) -> Iterator[str]:
    facts = facts_of(provider)
    yield ""
    if not report.may_be_trusted or not facts:
        yield from _wrapped(NO_PULL_REQUEST, "  ")
        return
    yield from _wrapped(WHAT_TO_ENTER, "  ")
    for resource in report.resources or (None,):
        yield from _place(_page(resource, hub_url), "    ")
    prefix = "" if facts.ref_claims.plain else "refs/heads/"
    unknown = {
        **UNKNOWN_CLAIMS,
        "issuer": facts.issuer,
        "ref": UNKNOWN_CLAIMS.get(report.branch.kind, "the branch that publishes"),
    }
    rows = [(each.name, each.value or unknown.get(each.name, "").format(prefix=prefix)) for each in report.fields]
    yield from _table(rows, "    ")
    for caution in facts.cautions:
        yield from _wrapped(caution, "    ")
    if report.environment:
        environment = sanitize_line(report.environment, 80)
        what = f"The job runs in the environment {environment}. You can name it too: the claim is `environment`."
        yield from _wrapped(what, "    ")


def _page(resource: Resource | None, hub_url: str) -> SettingsPage | None:
    return settings_page(resource, hub_url) if resource else None


def _place(page: SettingsPage | None, indent: str = "  ") -> Iterator[str]:
    place = page.url if page else "the repository's settings"
    section = page.section if page else "Trusted Publishers"
    yield f"{indent}{place} -> {section} -> add"


def _findings(findings: Iterable[WorkflowFinding]) -> Iterator[str]:
    for finding in findings:
        said = words(finding)
        place = f"Line {finding.line}" if finding.line else ""
        if finding.file:
            place = f"{place} of {sanitize_line(finding.file, 100)}".strip()
        place = f"{place}: " if place else ""
        yield from _said(LABEL[finding.severity], place + said.what, said.do, said.lines)


def _said(label: str, what: str, do: str, lines: str) -> Iterator[str]:
    yield ""
    first, *rest = textwrap.wrap(what, WIDTH - 9, break_long_words=False, break_on_hyphens=False)
    yield f"{label:<8} {first}"
    yield from (f"         {line}" for line in rest)
    yield from _wrapped(do, "         ")
    yield from (f"             {line}" for line in lines.splitlines())


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
