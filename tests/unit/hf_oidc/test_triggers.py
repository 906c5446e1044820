"""The branch to enter and the findings about triggers: by tables, and that they never contradict each other."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.advice import words
from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.expressions.evaluation import SomeText
from hf_oidc.doctor.workflow.findings import WorkflowFinding, WorkflowJobReport, WorkflowReport
from hf_oidc.doctor.workflow.model import read_workflow
from hf_oidc.doctor.workflow.runs.derivation import runs_of
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.runs.run import Run, name_of
from hf_oidc.doctor.workflow.yaml_text import read
from tests.generated_workflows import ATOMS, Conditions

REPOSITORY = "acme/trainer"
LOGIN = {"uses": "org/hf-oidc-action@v1", "with": {"resource": "acme/model"}}
SOFT = {"uses": "org/hf-oidc-action@v1", "with": {"resource": "acme/model", "on-error": "warn"}}
READS = {"uses": "org/hf-oidc-action@v1", "with": {"resource": "alice"}}
MAIN = {"push": {"branches": ["main"]}}
PUBLISHED = {"release": {"types": ["published"]}}
MERGED = {"pull_request": {"types": ["closed"], "branches": ["main"]}}
IS_MERGED = "github.event.pull_request.merged == true"


def reported(document: Mapping[str, Any], called: str = "") -> WorkflowReport:
    """The report about a workflow that is given as data; both renderings are made, too."""
    found = examine(yaml.safe_dump(document, sort_keys=False), "publish.yml", REPOSITORY, lambda _: called)
    assert "\n".join(text.workflow(found, "https://huggingface.co"))
    assert json_report.workflow(found, "https://huggingface.co")
    return found


def one_job(on: Any, condition: str = "", step: Any = LOGIN, **more: Any) -> dict[str, Any]:
    """A workflow with one job that logs in."""
    job = {"runs-on": "ubuntu-latest", **({"if": condition} if condition else {}), "steps": [step], **more}
    return {"on": on, "permissions": {"id-token": "write"}, "jobs": {"publish": job}}


def judged(document: Mapping[str, Any], called: str = "") -> tuple[str, set[str]]:
    """The branch of the last job, and the codes of its findings with their severity."""
    job = reported(document, called).jobs[-1]
    branch = f"{job.branch.kind} {job.branch.name}".strip()
    return branch, {f"{each.severity} {each.code}" for each in job.findings if each.code != "resource-is-user"}


CASES: list[tuple[dict[str, Any], str, set[str]]] = [
    # A condition on the event chooses among the events of the file.
    (one_job({**MAIN, **PUBLISHED}, "github.event_name == 'release'"), "none", {"note tags"}),
    (
        one_job({"push": {"branches": ["main"], "tags": ["v*"]}, "pull_request": None}, "github.event_name == 'push'"),
        "one main",
        {"warning tags-and-branches"},
    ),
    (
        one_job({"push": None, "pull_request": None, "merge_group": None, **PUBLISHED}),
        "several any branch",
        {"error pull-request", "warning tags-and-branches", "warning merge-queue", "warning several-branches"},
    ),
    # The advice on pull requests hides nothing else.
    (
        one_job(
            {"push": None, "pull_request": None, "merge_group": None, **PUBLISHED},
            "github.event_name != 'pull_request'",
        ),
        "several any branch",
        {"warning tags-and-branches", "warning merge-queue", "warning several-branches"},
    ),
    (
        one_job(
            {"push": {"branches": ["dev"]}, "schedule": [{"cron": "0 3 * * 1"}]}, "github.event_name == 'schedule'"
        ),
        "default",
        set(),
    ),
    (one_job({**MAIN, "pull_request": None}, step=SOFT), "one main", {"note pull-request-soft"}),
    # A user's token in pull requests: the publisher has no branch, and forks get no ID token.
    (one_job({**MAIN, "pull_request": None}, step=READS), "pull-request", {"warning pull-request"}),
    (
        one_job({"pull_request": None}, "github.event.pull_request.head.repo.fork", READS),
        "pull-request",
        {"error pull-request"},
    ),
    # Either event, and not another: `||`, `!` and a status function do not twist the meaning.
    *[
        (one_job({**MAIN, "workflow_dispatch": DISPATCH, "pull_request": None}, condition), branch, {"warning any-ref"})
        for DISPATCH in [{"inputs": {"dry-run": {"type": "boolean"}}}]
        for condition, branch in [
            ("github.event_name == 'push' || github.event_name == 'workflow_dispatch'", "one main"),
            ("github.event_name == 'workflow_dispatch' && !inputs.dry-run", "default"),
            ("${{ !cancelled() && github.event_name != 'pull_request' }}", "one main"),
        ]
    ],
    (one_job({**PUBLISHED, "workflow_dispatch": None}), "none", {"note tags", "warning tags-and-dispatch"}),
    (
        one_job(
            {**MAIN, "pull_request": {"branches": ["main"]}},
            "github.ref == 'refs/heads/main' && github.event_name == 'push'",
        ),
        "one main",
        set(),
    ),
    # Pull requests.
    (one_job({**MERGED}, IS_MERGED), "one main", {"warning pull-request"}),
    (
        one_job({**MERGED}, f"{IS_MERGED} && github.event.pull_request.head.repo.fork"),
        "pull-request",
        {"error pull-request"},
    ),
    (one_job({**MERGED}), "one main", {"error pull-request"}),
    (one_job({**MAIN, "pull_request": None}, "vars.X == 'y'"), "one main", {"warning pull-request"}),
    (one_job({**MAIN, "pull_request": None}, "github.actor != 'dependabot[bot]'"), "one main", {"error pull-request"}),
    (
        one_job({**MAIN, "pull_request": None}, "github.event.pull_request.head.repo.full_name != github.repository"),
        "one main",
        {"warning pull-request"},
    ),
    (one_job({"pull_request_target": None, **MAIN}), "one main", {"warning pull-request-target"}),
    (one_job({"pull_request_review": None, **MAIN}), "one main", {"error pull-request"}),
    # The default branch, and another one.
    (one_job({**MAIN, "schedule": [{"cron": "0 3 * * 1"}]}), "one main", {"note default-branch"}),
    (
        one_job({"push": {"branches": ["dev"]}, "schedule": [{"cron": "0 3 * * 1"}]}),
        "several dev, the default branch",
        {"warning several-branches"},
    ),
    (one_job({**MAIN, "schedule": [{"cron": "0 3 * * 1"}]}, "github.ref == 'refs/heads/main'"), "one main", set()),
    (
        one_job({"push": {"branches": ["**"]}}, "github.ref_name == github.event.repository.default_branch"),
        "default",
        set(),
    ),
    (
        one_job({"push": None}, "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"),
        "default",
        set(),
    ),
    (one_job({"push": {"branches": ["main", "dev"]}}, "github.ref != 'refs/heads/main'"), "one dev", set()),
    (
        one_job({"push": {"branches": ["**", "!main"]}}, "github.ref == 'refs/heads/main'"),
        "never",
        {"warning never-reached"},
    ),
    (one_job({"push": {"branches": ["rel/*"]}}), "several rel/*", {"warning several-branches"}),
    # A ref that somebody chooses.
    (one_job("workflow_dispatch", "github.ref == 'refs/heads/main'"), "one main", set()),
    (
        one_job("workflow_dispatch", "github.ref_name == 'a' || github.ref_name == 'b'"),
        "several a, b",
        {"warning several-branches"},
    ),
    (one_job("workflow_dispatch", "github.ref_type == 'tag'"), "none", set()),
    (one_job("deployment"), "default", {"note any-ref"}),
    (one_job({"workflow_dispatch": None}), "default", {"note any-ref"}),
    (
        one_job({"workflow_dispatch": None, "issues": None}, "github.event_name != 'issues'"),
        "default",
        {"warning any-ref"},
    ),
    (one_job({**MAIN, "deployment": None}), "one main", {"warning any-ref"}),
    (one_job("merge_group"), "none", set()),
    (one_job("create", "github.ref_type == 'tag'"), "none", {"note tags"}),
    # Nothing is known.
    (one_job("launch"), "unknown", set()),
    (one_job({**MAIN, "launch": None}), "one main", set()),
    (one_job({**MAIN}, "false"), "never", {"warning never-reached"}),
    (one_job({**MAIN, "workflow_call": None}), "one main", {"note callers-must-grant"}),
]


@pytest.mark.parametrize(("document", "branch", "findings"), CASES)
def test_the_branch_and_the_findings(document: dict[str, Any], branch: str, findings: set[str]) -> None:
    """Both come from the runs that reach the login."""
    assert judged(document) == (branch, findings)


def test_a_need_that_is_skipped_keeps_runs_out() -> None:
    """A job that needs a job which is skipped is skipped, unless its condition asks for more."""
    build = {"if": "github.event_name == 'push'", "runs-on": "ubuntu-latest", "steps": [{"run": "make"}]}
    document = one_job({**MAIN, "pull_request": None}, needs="build")
    document["jobs"] = {"build": build, **document["jobs"]}
    assert judged(document) == ("one main", set())
    document["jobs"]["publish"]["if"] = "always()"
    assert judged(document) == ("one main", {"error pull-request"})


def test_a_called_workflow_has_the_runs_of_its_caller() -> None:
    """Its conditions and its inputs decide, too."""
    called = """
on: {workflow_call: {inputs: {publish: {type: boolean}}}}
jobs:
  inner:
    if: inputs.publish && github.event_name != 'release'
    runs-on: ubuntu-latest
    steps: [{uses: org/hf-oidc-action@v1, with: {resource: acme/model}}]
"""
    job = {"uses": "./.github/workflows/inner.yml", "with": {"publish": "${{ github.ref == 'refs/heads/main' }}"}}
    document = {
        "on": {"push": {"branches": ["main", "dev"]}, **PUBLISHED},
        "permissions": "write-all",
        "jobs": {"call": job},
    }
    assert judged(document, called) == ("one main", set())
    job["if"] = "github.event_name == 'release'"
    assert judged(document, called) == ("never", {"warning never-reached"})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (one_job(MAIN), "No problem was found in this file."),
        (one_job(MAIN, "vars.PUBLISH == 'true'"), "Nothing found; not understood: `vars.PUBLISH == 'true'`. "),
        (
            one_job(MAIN, steps=[{"run": "make"}, {**LOGIN, "if": "failure()"}]),
            "Nothing found; not understood: `failure()`. ",
        ),
        (one_job("launch"), "Nothing found; not understood: the event `launch`. "),
        (one_job({**MAIN, "pull_request": None}, "github.event_name == 'push'"), "No problem was found in this file."),
    ],
)
def test_that_nothing_is_wrong_is_said_of_what_is_understood_alone(document: dict[str, Any], said: str) -> None:
    """Otherwise the events and conditions are listed."""
    lines = "\n".join(text.workflow(reported(document), "https://huggingface.co"))
    last = " ".join(lines.rpartition("\n\n")[2].split())
    assert last == (f"{said}{text.NOT_UNDERSTOOD}" if said.endswith(" ") else said)


def test_a_run_that_is_not_understood_is_in_the_json() -> None:
    """For programs, per job."""
    found = json_report.workflow(reported(one_job("launch")), "https://huggingface.co")
    assert found["jobs"][0]["not_understood"] == ["the event `launch`"]
    assert (
        json_report.workflow(reported(one_job(MAIN, "false")), "https://huggingface.co")["jobs"][0]["publisher"] is None
    )


TRIGGERS: list[tuple[str, list[Any]]] = [
    (
        "push",
        [
            None,
            {"branches": ["main"]},
            {"tags": ["v*"]},
            {"branches": ["main", "rel/**"]},
            {"branches-ignore": ["dev"]},
        ],
    ),
    ("pull_request", [None, {"branches": ["main"]}, {"types": ["closed"]}]),
    ("pull_request_target", [None]),
    ("release", [None, {"types": ["published"]}]),
    ("schedule", [[{"cron": "0 3 * * 1"}]]),
    ("workflow_dispatch", [None, {"inputs": {"publish": {"type": "boolean"}}}]),
    ("merge_group", [None]),
    ("deployment", [None]),
    ("launch", [None]),
]
COVERED_BY = {"tags-and-branches", "several-branches", "any-ref", "merge-queue", "default-branch"}


def generated(seed: int) -> dict[str, Any]:
    """A workflow with a few triggers and one login with a condition, by chance."""
    chance = random.Random(seed)
    on = {event: chance.choice(filters) for event, filters in chance.sample(TRIGGERS, chance.choice([1, 2, 2, 3]))}
    condition = Conditions(seed).some(["always()", "vars.X == 'y'"]) if chance.random() < 0.7 else ""
    return one_job(on, condition, chance.choice([LOGIN, LOGIN, LOGIN, SOFT, READS]))


def is_on(run: Run, job: WorkflowJobReport) -> bool:
    """Whether a publisher with the branch of the report accepts the run."""
    if run.kind not in ("branch", "default-branch"):
        return False
    return bool(run.on_default) if job.branch.kind == "default" else name_of(run.ref) == job.branch.name


SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_branch_and_the_findings_never_contradict_each_other(seed: int) -> None:
    """A run that the branch would refuse has a finding; without a branch, there is no finding about one."""
    document = generated(seed)
    (job,) = reported(document).jobs
    codes = {finding.code for finding in job.findings}
    workflow = read_workflow(read(yaml.safe_dump(document, sort_keys=False)), "publish.yml")
    runs = runs_of(workflow, repository=REPOSITORY)
    reached = Reachability(workflow, runs).of(workflow.jobs[0], workflow.jobs[0].steps[0])
    reaching = [each.run for each in reached if each.certainty != "no"]
    assert (job.branch.kind == "never") == (not reaching) == ("never-reached" in codes)
    if job.branch.kind in ("one", "default"):
        for run in reaching:
            covered = codes & (COVERED_BY | {"pull-request", "pull-request-soft", "pull-request-target"})
            assert is_on(run, job) or covered or not run.is_understood, (document, run)
        refused = {
            run.kind for run in reaching if not is_on(run, job) and not run.is_chosen and run.event != "pull_request"
        }
        assert ("tag" in refused) == ("tags-and-branches" in codes)
        assert ("merge-queue" in refused) == ("merge-queue" in codes)
    elif job.branch.kind == "several":
        assert "several-branches" in codes
    else:
        assert not codes & COVERED_BY
    if not codes and all(run.is_understood for run in reaching):
        assert len({run.ref for run in reaching if not isinstance(run.ref, SomeText)}) <= 1


def applied(document: dict[str, Any], finding: WorkflowFinding) -> dict[str, Any] | None:
    """The workflow after the advice of a finding: its lines replace what has the same key."""
    lines = words(finding).lines
    change = yaml.safe_load(lines.replace("on:", '"on":', 1) if lines.startswith("on:") else lines) if lines else None
    if not isinstance(change, dict):
        return None
    (job,) = document["jobs"].values()
    if "on" in change:
        return {**document, "on": change["on"]}
    if "on-error" in change:
        step = {**job["steps"][0], "with": {**job["steps"][0]["with"], **change}}
        return {**document, "jobs": {"publish": {**job, "steps": [step]}}}
    return {**document, "jobs": {"publish": {**job, **change}}}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_advice_makes_its_finding_go_away_and_creates_no_other(seed: int) -> None:
    """Each piece of advice that has lines to copy, by itself."""
    document = generated(seed)
    before = {finding.code for finding in reported(document).jobs[0].findings}
    for finding in reported(document).jobs[0].findings:
        changed = applied(document, finding)
        if changed and finding.code in ADVICE:
            after = {each.code for each in reported(changed).jobs[0].findings}
            assert finding.code not in after
            assert after <= before, (document, finding, changed)


ADVICE = {
    "any-ref",
    "merge-queue",
    "pull-request",
    "several-branches",
    "tags-and-branches",
    "tags-and-dispatch",
}


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ("", "if: github.event_name != 'pull_request'"),
        ("${{ always() }}", "if: (always()) && github.event_name != 'pull_request'"),
        ("always()\n  && true", "if: (always() && true) && github.event_name != 'pull_request'"),
        ("'a: b' == 'a: b'", "if: \"('a: b' == 'a: b') && github.event_name != 'pull_request'\""),
        # Text around an expression is always true, and a longer condition is cut: these are not repeated.
        ("${{ true }} && x", "if: github.event_name != 'pull_request'"),
        (" || ".join(["always()"] * 100), "if: github.event_name != 'pull_request'"),
    ],
)
def test_the_line_to_copy_keeps_the_condition_of_the_job(condition: str, line: str) -> None:
    """In one line of YAML."""
    (finding,) = (
        each
        for each in reported(one_job({**MAIN, "pull_request": None}, condition)).jobs[0].findings
        if each.code == "pull-request"
    )
    assert words(finding).lines == line
    assert isinstance(yaml.safe_load(line), dict)


def test_the_conditions_of_the_generator_are_all_decided_by_some_event() -> None:
    """Each atom is met by a run, so that the properties above are about something."""
    assert len(ATOMS) > 40
