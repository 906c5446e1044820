"""The runs that a workflow can have, and what its conditions see of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from hf_oidc.doctor.workflow.expressions.evaluation import evaluate, parse
from hf_oidc.doctor.workflow.expressions.values import NOT_EMPTY, UNKNOWN, SomeText, Value
from hf_oidc.doctor.workflow.model import Workflow, read_workflow
from hf_oidc.doctor.workflow.runs.comparisons import MAX_STRINGS, Compared, comparisons
from hf_oidc.doctor.workflow.runs.derivation import EVENTS, MAX_INPUTS, MAX_RUNS, runs_of
from hf_oidc.doctor.workflow.runs.run import Run, name_of
from hf_oidc.doctor.workflow.yaml_text import read

REPOSITORY = "acme/trainer"


def workflow(on: Any, *conditions: str, env: Mapping[str, str] | None = None) -> Workflow:
    """A workflow with these conditions at its steps."""
    steps = [{"run": "true", "if": condition} for condition in conditions]
    document = {"on": on, "env": env or {}, "jobs": {"a": {"runs-on": "ubuntu-latest", "steps": steps}}}
    return read_workflow(read(yaml.safe_dump(document, sort_keys=False)), "publish.yml")


def runs(on: Any, *conditions: str, repository: str = REPOSITORY) -> tuple[Run, ...]:
    """The runs of a workflow with these conditions."""
    return runs_of(workflow(on, *conditions), repository=repository)


def seen(run: Run, expression: str) -> Value:
    """The value of an expression in a run."""
    return evaluate(parse(expression), run.contexts())


# The ref of each event without a condition; https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
ANY_BRANCH, ANY_TAG = SomeText("refs/heads/"), SomeText("refs/tags/")
DEFAULT = SomeText("refs/heads/", name="the default branch")
REFS: dict[str, set[str | SomeText]] = {
    "push": {ANY_BRANCH, ANY_TAG},
    "create": {ANY_BRANCH, ANY_TAG},
    "workflow_dispatch": {ANY_BRANCH, ANY_TAG},
    "registry_package": {ANY_BRANCH, ANY_TAG},
    "deployment": {ANY_BRANCH, ANY_TAG, ""},
    "deployment_status": {ANY_BRANCH, ANY_TAG, ""},
    "release": {ANY_TAG},
    "merge_group": {SomeText("refs/heads/gh-readonly-queue/")},
    "pull_request": {SomeText("refs/pull/", "/merge")},
    "pull_request_review": {SomeText("refs/pull/", "/merge")},
    "pull_request_review_comment": {SomeText("refs/pull/", "/merge")},
    "workflow_call": {SomeText()},
}


@pytest.mark.parametrize("event", EVENTS)
def test_the_ref_of_each_event(event: str) -> None:
    """The default branch, unless GitHub documents another one."""
    found = runs(event)
    assert {run.ref for run in found} == REFS.get(event, {DEFAULT})
    assert all(run.is_understood for run in found)
    assert all(seen(run, "github.event_name") == event for run in found if event != "workflow_call")


@pytest.mark.parametrize(
    ("push", "refs"),
    [
        ({"branches": ["main"]}, {"refs/heads/main"}),
        ({"branches": "main"}, {"refs/heads/main"}),
        ({"tags": ["v1"]}, {"refs/tags/v1"}),
        ({"tags": ["v*"]}, {SomeText("refs/tags/v")}),
        ({"tags-ignore": ["v1"]}, {SomeText("refs/tags/", excluded=frozenset({"refs/tags/v1"}))}),
        ({"branches-ignore": ["**"]}, set()),
        ({"branches": ["main"], "tags": ["v1"]}, {"refs/heads/main", "refs/tags/v1"}),
        ({"paths": ["src/**"]}, {ANY_BRANCH, ANY_TAG}),
        ({"branches": ["main", "dev", "!main"]}, {"refs/heads/dev"}),
    ],
)
def test_the_filters_of_a_push(push: Any, refs: set[str | SomeText]) -> None:
    """If only branches are filtered, tags start nothing, and the other way round."""
    assert {run.ref for run in runs({"push": push})} == refs


@pytest.mark.parametrize(
    ("on", "condition", "refs"),
    [
        ("push", "github.ref == 'refs/heads/main'", {"refs/heads/main"}),
        ("push", "github.ref_name == 'main'", {"refs/heads/main"}),
        ("push", "'refs/tags/v1' != github.ref", {"refs/tags/v1"}),
        (
            "push",
            'contains(fromJSON(\'["refs/heads/a", "refs/heads/b"]\'), github.ref)',
            {"refs/heads/a", "refs/heads/b"},
        ),
        ("push", "contains(fromJSON('{'), github.ref)", set()),
        ("push", "contains(fromJSON('{}'), github.ref)", set()),
        ("push", "github['ref'] == 'refs/heads/main'", {"refs/heads/main"}),
        ("push", "github[vars.X] == 'refs/heads/main'", set()),
        ("push", "github.ref == (", set()),
        ("schedule", "github.ref == 'refs/heads/main'", {"refs/heads/main"}),
        ("release", "github.ref == 'refs/tags/v1'", {"refs/tags/v1"}),
        ("workflow_dispatch", "github.ref == 'refs/heads/main'", {"refs/heads/main"}),
    ],
)
def test_a_ref_that_a_condition_names_has_a_run(on: str, condition: str, refs: set[str]) -> None:
    """And all others are left, of which it is known that they are not that one."""
    found = {run.ref for run in runs(on, condition)}
    assert {ref for ref in found if isinstance(ref, str)} == refs
    known = [ref.excluded for ref in found if isinstance(ref, SomeText)]
    assert refs <= {text for excluded in known for text in excluded} if refs else known


def test_a_beginning_that_a_condition_names_has_a_run() -> None:
    """So `startsWith` is decided for all."""
    condition = "startsWith(github.ref, 'refs/tags/v')"
    found = {str(run.ref): seen(run, condition) for run in runs("push", condition)}
    assert sorted(map(str, found.values())) == ["False", "False", "True"]


@pytest.mark.parametrize(
    "condition",
    [
        "github.ref_name == github.event.repository.default_branch",
        "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)",
    ],
)
def test_the_default_branch_is_known_without_its_name(condition: str) -> None:
    """A push may be to it or not; a tag is not on it."""
    found = runs("push", condition, "github.ref == 'refs/heads/main'")
    assert [(run.kind, run.on_default, seen(run, condition)) for run in found if run.kind == "branch"] == [
        ("branch", True, True),
        ("branch", False, False),
        ("branch", True, True),
        ("branch", False, False),
    ]
    assert all(seen(run, condition) is True for run in runs("issues", condition))
    assert [seen(run, condition) for run in runs("schedule", condition)] == [True]


ORIGINS = [
    "github.event.pull_request.head.repo.fork",
    "github.event.pull_request.head.repo.full_name == github.repository",
]


@pytest.mark.parametrize("repository", [REPOSITORY, ""])
def test_where_pull_requests_come_from(repository: str) -> None:
    """This repository, a fork, or Dependabot, which pushes to this repository."""
    found = runs("pull_request", repository=repository)
    assert [(run.from_fork, run.dependabot, run.gets_id_token) for run in found] == [
        (False, False, True),
        (True, False, False),
        (False, True, False),
    ]
    assert [[seen(run, each) for each in ORIGINS] for run in found] == [[False, True], [True, False], [False, True]]
    actors = [seen(run, "github.actor == 'dependabot[bot]'") for run in found]
    assert actors == [False, False, True]


@pytest.mark.parametrize(
    ("on", "condition", "values"),
    [
        # What an event does not have is null.
        ("push", "github.event.pull_request", [None, None]),
        ("push", "github.event.action", [None, None]),
        ("push", "inputs.x", [None, None]),
        ("push", "github.base_ref", ["", ""]),
        ("push", "github.repository_owner", ["acme", "acme"]),
        ("issues", "github.event.issue.number", [UNKNOWN]),
        ("pull_request", "github.base_ref == ''", [False, False, False]),
        ("pull_request_review", "github.base_ref", [UNKNOWN, UNKNOWN, UNKNOWN]),
        ("workflow_dispatch", "github.event.ref", [UNKNOWN, UNKNOWN]),
        ("workflow_call", "github.event_name", [UNKNOWN]),
        ("deployment", "github.ref == ''", [False, False, True]),
        # Compared properties of the payload: each value, all others, and none.
        ("issue_comment", "github.event.comment.body == '/go'", [True, False, False]),
        ("issue_comment", "startsWith(github.event.comment.body, '/go')", [False, True, False]),
        ("push", "github.actor == 'x'", [True, False, True, False]),
        ("push", "github.event.sender.login != 'x'", [False, True, False, True]),
        (
            "pull_request",
            "github.event.pull_request.user.login == 'dependabot[bot]'",
            [True, False, False] * 2 + [True],
        ),
        ("pull_request", "github.event.pull_request.user.login == 'x'", [True, False, False] * 2 + [False]),
        ("push", "github.event.forced", [True, False, True, False]),
        ("push", "github.event.comment.body == '/go'", [False, False]),
        ("issues", "github.event.repository.private", [True, False]),
        ("watch", "github.repository == 'acme/trainer'", [True]),
        ("watch", "github.repository_owner == 'acme'", [True]),
        ("issue_comment", "github.event.comment == 'x' || github.event.comment.body == 'y'", [True, False, False]),
        # Activities.
        ({"pull_request": {"types": ["labeled"]}}, "github.event.pull_request.state", [UNKNOWN] * 3),
        ({"release": {"types": ["released", "published"]}}, "github.event.release.prerelease", [False, True, False]),
        ({"release": {"types": ["prereleased"]}}, "github.event.release.prerelease", [True]),
        ({"release": {"types": ["published"]}}, "github.event.release.draft", [False]),
        ({"release": {"types": ["unpublished"]}}, "github.event.release.draft", [True, False]),
        ({"issues": {"types": ["opened"]}}, "github.event.action", ["opened"]),
        ("issues", "github.event.action == 'opened'", [True, False]),
        ("repository_dispatch", "github.event.action == 'go'", [True, False]),
        ({"repository_dispatch": {"types": ["go", "stop"]}}, "github.event.action == 'go'", [True, False]),
        # Schedules and inputs.
        (
            {"schedule": [{"cron": "1 1 * * *"}, {"cron": "2 2 * * *"}]},
            "github.event.schedule == '1 1 * * *'",
            [True, False],
        ),
        ({"schedule": ["x"]}, "github.event.schedule == '1 1 * * *'", [UNKNOWN]),
        ({"schedule": None}, "github.event.schedule == '1 1 * * *'", [UNKNOWN]),
        ("schedule", "github.event.pull_request", [None]),
    ],
)
def test_what_conditions_see(on: Any, condition: str, values: list[Value]) -> None:
    """Of each run."""
    assert [seen(run, condition) for run in runs(on, condition)] == values


INPUTS = {
    "dry": {"type": "boolean"},
    "level": {"type": "choice", "options": ["low", "high"]},
    "count": {"type": "number"},
    "note": None,
}


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("inputs.dry", [True, False]),
        ("github.event.inputs.dry == 'true'", [True, False]),
        ("inputs.level == 'low'", [True, False]),
        ("inputs.note", ["", NOT_EMPTY]),
        ("inputs.note == 'x'", [False, True, False]),
        ("inputs.count == 1", [UNKNOWN]),
        ("inputs.other", [None]),
    ],
)
def test_the_inputs_that_a_person_may_choose(condition: str, values: list[Value]) -> None:
    """Each value that a condition can tell from others."""
    found = runs({"workflow_dispatch": {"inputs": INPUTS}}, condition, "github.ref_type == 'tag'")
    assert [seen(run, condition) for run in found if run.kind == "tag"] == values


def test_pull_requests_that_are_closed() -> None:
    """A merged one runs on its base branch; of a draft that is ready for review, it is known that it is no draft."""
    on = {"pull_request": {"types": ["closed", "ready_for_review"], "branches": ["main", "dev"]}}
    found = runs(on, "github.event.pull_request.draft", "github.head_ref == 'x'", "github.base_ref == 'main'")
    merged = {run.ref for run in found if run.merged}
    assert merged == {"refs/heads/main", "refs/heads/dev"}
    assert {run.ref for run in found if run.merged is False} == {SomeText("refs/pull/", "/merge")}
    ready = {seen(run, "github.event.pull_request.draft") for run in found if run.activity == "ready_for_review"}
    assert ready == {False}
    (draft,) = {
        seen(run, "github.event.pull_request.draft")
        for run in runs({"pull_request": {"types": ["converted_to_draft"]}})
    }
    assert draft is True
    assert {run.ref for run in runs({"pull_request_target": {"types": ["closed"]}})} == {DEFAULT}


def test_what_an_activity_fixes_stays_known_where_there_is_too_much_to_combine() -> None:
    """Such runs are not lost."""
    compared = [f"github.event.{name}.x == '{name}'" for name in ("a", "b", "c", "d", "e", "f", "g")]
    on = {"pull_request": {"types": ["opened", "ready_for_review"]}}
    found = runs(on, "github.event.pull_request.draft", "github.event.action == 'opened'", *compared)
    drafts = {run.activity: seen(run, "github.event.pull_request.draft") for run in found}
    assert drafts == {"opened": UNKNOWN, "ready_for_review": False}


def test_what_called_workflows_compare_counts() -> None:
    """And what `env` and `with` compare."""
    called = workflow("workflow_call", "github.ref == 'refs/heads/called'")
    caller = workflow(
        "push", env={"MAIN": "${{ github.ref == 'refs/heads/main' }}", "X": "github.ref == 'refs/heads/x'"}
    )
    found = {run.ref for run in runs_of(caller, [called])}
    assert {ref for ref in found if isinstance(ref, str)} == {"refs/heads/called", "refs/heads/main"}


def test_an_event_that_is_not_known_is_one_run_that_is_not_understood() -> None:
    """As one whose runs are too many."""
    assert [(run.event, run.is_understood) for run in runs("launch")] == [("launch", False)]
    many = {"workflow_dispatch": {"inputs": {f"i{number}": None for number in range(MAX_INPUTS + 1)}}}
    assert [run.is_understood for run in runs(many)] == [False]
    assert runs("launch")[0].contexts()["github"] == UNKNOWN


def test_the_number_of_runs_is_limited() -> None:
    """What would make it larger stays unknown; too many refs are not understood."""
    names = [f"github.event.pull_request.i{number} == '{value}'" for number in range(8) for value in "abc"]
    found = runs("pull_request", *names)
    assert 1 < len(found) <= MAX_RUNS
    assert seen(found[0], names[-1]) == UNKNOWN
    everything = dict.fromkeys([*EVENTS, *(f"e{number}" for number in range(600))])
    assert len(runs(everything, *names)) <= 2 * MAX_RUNS
    branches = {"push": {"branches": [f"b{number}" for number in range(1000)]}}
    assert len(runs(branches)) == 50
    crowded = {**branches, **dict.fromkeys(f"e{number}" for number in range(20))}
    assert [run.is_understood for run in runs(crowded) if run.event == "push"] == [False]


def test_comparisons_stop_somewhere() -> None:
    """More strings than any workflow compares split nothing more."""
    found = comparisons([f"github.actor == 'a{number}' && startsWith(github.ref, 'r{number}')" for number in range(99)])
    assert len(found["github.actor"].literals) == len(found["github.ref"].beginnings) == MAX_STRINGS + 1
    assert found["github.actor"] | Compared() == found["github.actor"]


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("refs/heads/a/b", "a/b"),
        ("refs/tags/v1", "v1"),
        ("refs/pull/7/merge", "7/merge"),
        ("", ""),
        (SomeText("x"), SomeText("x")),
    ],
)
def test_the_name_of_a_ref(ref: str | SomeText, name: str | SomeText) -> None:
    """Without the kind of the ref."""
    assert name_of(ref) == name
