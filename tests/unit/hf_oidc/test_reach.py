"""Which steps a run reaches: by `needs`, conditions, matrix rows, results, `env` and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from hf_oidc.doctor.workflow.called import with_called
from hf_oidc.doctor.workflow.expressions.evaluation import SomeText as Exported
from hf_oidc.doctor.workflow.expressions.evaluation import evaluate, parse
from hf_oidc.doctor.workflow.expressions.values import UNKNOWN, SomeText, Value, equal
from hf_oidc.doctor.workflow.model import Workflow, read_workflow
from hf_oidc.doctor.workflow.runs.derivation import runs_of
from hf_oidc.doctor.workflow.runs.matrix import MAX_ROWS, rows
from hf_oidc.doctor.workflow.runs.reach import Caller, Reachability
from hf_oidc.doctor.workflow.yaml_text import read

MAIN = {"push": {"branches": ["main"]}}


def workflow(jobs: Mapping[str, Any], on: Any = MAIN, **top: Any) -> Workflow:
    """A workflow with these jobs."""
    return read_workflow(read(yaml.safe_dump({"on": on, **top, "jobs": jobs}, sort_keys=False)), "publish.yml")


def job(*steps: Any, needs: Any = None, **more: Any) -> dict[str, Any]:
    """A job with these steps: each the script, or the step itself."""
    written = [{"run": step} if isinstance(step, str) else step for step in steps or ("true",)]
    return {"runs-on": "ubuntu-latest", **({"needs": needs} if needs else {}), **more, "steps": written}


def when(condition: str, **more: Any) -> dict[str, Any]:
    """A step with a condition."""
    return {"run": "true", "if": condition, **more}


def certainties(found: Workflow, key: str, caller: Caller | None = None) -> list[str]:
    """Whether the first run reaches the job, and each of its steps."""
    runs = caller.reachability.runs if caller else runs_of(found)
    reachability = Reachability(found, runs[:1] if caller is None else runs, caller)
    wanted = next(each for each in found.jobs if each.key == key)
    return [reachability.of(wanted, step)[0].certainty for step in (None, *wanted.steps)]


SKIPPED, RUNS, PERHAPS = job(**{"if": "false"}), job(), job(**{"if": "vars.X == 'y'"})
FIRST = {"skipped": SKIPPED, "runs": RUNS, "perhaps": PERHAPS}


@pytest.mark.parametrize(
    ("needs", "condition", "certainty"),
    [
        ("runs", "", "yes"),
        ("skipped", "", "no"),
        ("perhaps", "", "maybe"),
        (["runs", "skipped"], "", "no"),
        (["runs", "perhaps"], "", "maybe"),
        (["skipped", "perhaps"], "", "no"),
        ("skipped", "true", "no"),
        ("skipped", "success()", "no"),
        ("skipped", "always()", "yes"),
        ("skipped", "!cancelled()", "yes"),
        ("skipped", "!failure()", "yes"),
        # Nothing that runs can fail.
        ("skipped", "failure()", "no"),
        # A handler of failures is reached perhaps, though nothing fails in a run that goes well.
        ("runs", "failure()", "maybe"),
        ("runs", "cancelled()", "maybe"),
        ("runs", "always() && needs.runs.result == 'success'", "yes"),
        ("runs", "always() && needs.runs.result == 'failure'", "maybe"),
        ("skipped", "always() && needs.skipped.result == 'failure'", "no"),
        ("skipped", "always() && needs.skipped.result == 'skipped'", "yes"),
        ("perhaps", "always() && needs.perhaps.result == 'skipped'", "maybe"),
        ("runs", "needs.runs.outputs.changed == 'true'", "maybe"),
        ("skipped", "always() && needs.skipped.outputs.changed == 'true'", "no"),
        ("runs", "needs.other.result == 'success'", "no"),
        ("unheard", "", "yes"),
        # GitHub refuses these contexts here, and an expression that is wrong.
        ("runs", "env.X == ''", "maybe"),
        ("runs", "fromJSON('{')", "maybe"),
        ("runs", "(", "maybe"),
    ],
)
def test_needs_and_conditions_of_a_job(needs: Any, condition: str, certainty: str) -> None:
    """A skipped need skips, unless the condition calls a status function."""
    more = {"if": condition} if condition else {}
    assert certainties(workflow({**FIRST, "last": job(needs=needs, **more)}), "last")[0] == certainty


@pytest.mark.parametrize(
    ("guard", "condition", "certainty"),
    [
        ("exit 1", "", "no"),
        ("exit 1", "always()", "yes"),
        ("exit 1", "failure()", "yes"),
        ("exit 1", "always() && needs.guard.result == 'success'", "no"),
        ("exit 1", "always() && needs.guard.result == 'failure'", "yes"),
        ("exit 1", "always() && needs.guard.result == 'cancelled'", "maybe"),
        (when("github.event_name == 'push'", run="exit 1"), "", "no"),
        (when("github.event_name == 'release'", run="exit 1"), "", "yes"),
        (when("vars.X", run="exit 1"), "", "maybe"),
        (when("failure()", run="exit 1"), "", "yes"),
        ({"run": "exit 1", "continue-on-error": True}, "", "yes"),
    ],
)
def test_a_job_that_always_fails(guard: Any, condition: str, certainty: str) -> None:
    """It keeps out the jobs that need it, also behind another job."""
    more = {"if": condition} if condition else {}
    jobs = {"guard": job("make", guard), "last": job(needs="guard", **more), "then": job(needs="last")}
    found = [certainties(workflow(jobs), key)[0] for key in ("guard", "last", "then")]
    assert found[:2] == ["yes", certainty]
    # GitHub: a failure applies to the whole chain of jobs.
    assert found[2] == ("no" if guard == "exit 1" else certainty)


@pytest.mark.parametrize(("continues", "certainty"), [(False, "no"), (True, "yes"), ("${{ vars.X == 'y' }}", "maybe")])
def test_a_job_that_always_fails_and_continues(continues: Any, certainty: str) -> None:
    """GitHub then counts it as successful."""
    jobs = {"guard": job("exit 1", **{"continue-on-error": continues}), "last": job(needs="guard")}
    assert certainties(workflow(jobs), "last")[0] == certainty


ECHO, STOP = {"run": "echo guard", "shell": "bash"}, {"run": "exit 1", "shell": "bash"}
INNER = "./inner"


@pytest.mark.parametrize(
    ("steps", "more", "certainty"),
    [
        ([ECHO, STOP], {}, "no"),
        ([ECHO], {}, "yes"),
        ([ECHO, STOP | {"if": "inputs.stop == 'true'"}], {"with": {"stop": "true"}}, "no"),
        ([ECHO, STOP | {"if": "inputs.stop == 'true'"}], {"with": {"stop": "false"}}, "yes"),
        ([ECHO, STOP | {"if": "inputs.stop == 'true'"}], {"with": {"stop": "${{ vars.STOP }}"}}, "maybe"),
        ([STOP | {"if": "github.ref != 'refs/heads/main'"}], {}, "yes"),
        ([STOP | {"if": "github.ref == 'refs/heads/main'"}], {}, "no"),
        ([ECHO, STOP | {"if": "failure()"}], {}, "yes"),
        ([STOP | {"continue-on-error": True}], {}, "yes"),
        ([{"uses": INNER}], {}, "no"),
        ([{"uses": INNER, "if": "false"}], {}, "yes"),
        ([STOP], {"continue-on-error": True}, "yes"),
        ([STOP], {"if": "github.event_name == 'release'"}, "yes"),
        ([STOP], {"if": "vars.X"}, "maybe"),
    ],
)
def test_a_composite_action_that_always_fails(steps: Sequence[Any], more: dict[str, Any], certainty: str) -> None:
    """It ends the job, and keeps out the jobs that need it."""

    def action(path: str) -> str:
        inside = {"guard/action.yml": steps, "inner/action.yml": [STOP]}.get(path)
        document = {"inputs": {"stop": {"default": ""}}, "runs": {"using": "composite", "steps": inside}}
        return yaml.safe_dump(document) if inside else ""

    jobs = {"guard": job({"uses": "./guard", **more}, "make"), "last": job(needs="guard")}
    found = with_called(workflow(jobs), action)
    assert certainties(found, "guard")[2] == certainty
    assert certainties(found, "last")[0] == certainty


@pytest.mark.parametrize(
    ("guard", "stop", "certainty"),
    [
        (job("exit 1"), "true", "no"),
        (job("make"), "true", "yes"),
        (job(when("inputs.stop", run="exit 1")), "true", "no"),
        (job(when("inputs.stop", run="exit 1")), "false", "yes"),
        (job(when("inputs.stop", run="exit 1")), "${{ github.ref == 'refs/heads/main' }}", "no"),
        (job(when("inputs.stop", run="exit 1")), "${{ vars.STOP == 'y' }}", "maybe"),
        (job("exit 1", **{"if": "failure()"}), "true", "yes"),
        (job("exit 1", **{"if": "vars.X"}), "true", "maybe"),
    ],
)
def test_a_called_workflow_that_always_fails(guard: Any, stop: str, certainty: str) -> None:
    """It keeps out the jobs that need the one that calls it, at any depth."""
    inputs = {"inputs": {"stop": {"type": "boolean"}}}
    inner = {"on": {"workflow_call": inputs}, "jobs": {"guard": guard}}
    call = {"uses": "./.github/workflows/inner.yml", "with": {"stop": "${{ inputs.stop }}"}}
    outer = {"on": {"workflow_call": inputs}, "jobs": {"call": call}}
    files = {f".github/workflows/{name}.yml": each for name, each in (("inner", inner), ("outer", outer))}
    jobs = {"guard": {"uses": "./.github/workflows/outer.yml", "with": {"stop": stop}}, "last": job(needs="guard")}
    found = with_called(workflow(jobs), lambda path: yaml.safe_dump(files[path]) if path in files else "")
    assert certainties(found, "last")[0] == certainty


def test_a_called_workflow_that_fails_on_one_branch() -> None:
    """Each run is judged with its own inputs of the called workflow."""
    guard = {"guard": job(when("inputs.stop", run="exit 1"))}
    inner = {"on": {"workflow_call": {"inputs": {"stop": {"type": "boolean"}}}}, "jobs": guard}
    call = {"uses": "./.github/workflows/inner.yml", "with": {"stop": "${{ github.ref == 'refs/heads/main' }}"}}
    written = workflow({"guard": call, "last": job(needs="guard")}, {"push": {"branches": ["main", "dev"]}})
    found = with_called(written, lambda path: yaml.safe_dump(inner) if path == ".github/workflows/inner.yml" else "")
    (last,) = (each for each in found.jobs if each.key == "last")
    runs = runs_of(found)
    reached = Reachability(found, runs).of(last, last.steps[0])
    assert [each.certainty for each in reached] == ["yes" if "dev" in str(run) else "no" for run in runs]
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("given", "condition", "certainty"),
    [
        ("${{ github.ref == 'refs/heads/main' }}", "inputs.x == 'true'", "yes"),
        ("${{ github.ref == 'refs/heads/dev' }}", "inputs.x == 'true'", "no"),
        ("${{ github.ref == 'refs/heads/dev' }}", "inputs.x", "yes"),
        ("${{ github.ref }}", "inputs.x == 'refs/heads/main'", "yes"),
        ("${{ vars.X }}", "inputs.x == 'true'", "maybe"),
        ("${{ vars.X || 'true' }}", "inputs.x", "yes"),
    ],
)
def test_an_input_of_an_action_is_a_string(given: str, condition: str, certainty: str) -> None:
    """Also if the expression for it is true or false, so that a step of the action sees `'true'`."""
    inside = [{"run": "make", "shell": "bash", "if": condition}]
    action = yaml.safe_dump({"inputs": {"x": {}}, "runs": {"using": "composite", "steps": inside}})
    written = workflow({"a": job({"uses": "./guard", "with": {"x": given}})})
    found = with_called(written, lambda path: action if path == "guard/action.yml" else "")
    (only,) = found.jobs
    assert only.steps[0].action
    (inner,) = only.steps[0].action.steps
    assert [each.certainty for each in Reachability(found, runs_of(found)[:1]).of(only, inner)] == [certainty]


def test_a_job_after_one_for_failures() -> None:
    """The one for failures was skipped, or something has failed."""
    jobs = {"make": job("make"), "tell": job("exit 1", needs="make", **{"if": "failure()"})}
    jobs |= {"last": job(needs="tell"), "always": job(needs="tell", **{"if": "!cancelled()"})}
    jobs["skipped"] = job(needs="tell", **{"if": "!cancelled() && needs.tell.result == 'skipped'"})
    found = [certainties(workflow(jobs), key)[0] for key in jobs]
    assert found == ["yes", "maybe", "no", "yes", "yes"]


def test_a_skip_applies_to_the_whole_chain() -> None:
    """GitHub: "from the point of failure or skip onwards", also behind a job that runs all the same."""
    jobs = {"a": SKIPPED, "b": job(needs="a", **{"if": "always()"}), "c": job(needs="b")}
    assert [certainties(workflow(jobs), key)[0] for key in "abc"] == ["no", "yes", "no"]
    jobs["d"] = job(needs="b", **{"if": "!cancelled() && needs.b.result == 'success'"})
    assert certainties(workflow(jobs), "d")[0] == "yes"


def test_jobs_that_need_each_other() -> None:
    """GitHub refuses them; there is an answer all the same, in whatever order they are written."""
    jobs = {"a": job(needs="b"), "b": job(needs="a"), "c": job(needs="d"), "d": SKIPPED}
    assert certainties(workflow(jobs), "c")[0] == "no"
    assert certainties(workflow(jobs), "a")[0] in ("yes", "maybe", "no")


@pytest.mark.parametrize(
    ("steps", "certainty"),
    [
        (["make", when("")], "yes"),
        (["make", when("always()")], "yes"),
        (["make", when("failure()")], "maybe"),
        ([when("failure()")], "no"),
        ([when("false"), when("failure()")], "no"),
        # The job continues after this one, so nothing has failed.
        ([{"run": "make", "continue-on-error": True}, when("failure()")], "no"),
        ([{"run": "make", "id": "m"}, when("steps.m.outcome == 'success'")], "yes"),
        ([{"run": "make", "id": "m"}, when("always() && steps.m.outcome == 'failure'")], "maybe"),
        ([{"run": "make", "id": "m"}, when("steps.m.outcome == 'skipped'")], "maybe"),
        ([when("false", id="m"), when("steps.m.conclusion == 'skipped'")], "yes"),
        ([when("false", id="m"), when("steps.m.outputs.x == ''")], "yes"),
        ([when("vars.X", id="m"), when("steps.m.outcome == 'success'")], "maybe"),
        ([{"run": "make", "id": "m"}, when("steps.m.outputs.x == 'y'")], "maybe"),
        ([when("steps.later.outcome == 'success'"), {"run": "make", "id": "later"}][:1], "no"),
        (["make", when("matrix.os == 'linux'")], "no"),
        (["make", when("secrets.X != ''")], "maybe"),
        (["make", when("runner.os == 'Linux'")], "maybe"),
        (["make", when("${{ github.event_name == 'push' }}")], "yes"),
        (["make", when("github.event_name == 'PUSH'")], "yes"),
        (["make", when("${{ false }} || false")], "yes"),
        # A step that does nothing but fail ends the job.
        (["exit 1", "make"], "no"),
        (["echo '::error::Not here'\n# so\nexit 2 # stop", when("true")], "no"),
        (["false", "make"], "no"),
        (["exit 1", when("always()")], "yes"),
        (["exit 1", when("failure()")], "yes"),
        ([{"run": "exit 1", "id": "m"}, when("always() && steps.m.outcome == 'success'")], "no"),
        ([{"run": "exit 1", "id": "m"}, when("always() && steps.m.conclusion == 'failure'")], "yes"),
        ([when("!failure()", run="exit 1"), "make"], "no"),
        ([when("false", run="exit 1"), "make"], "yes"),
        ([when("vars.X", run="exit 1"), "make"], "maybe"),
        ([when("github.event_name == 'push'", run="exit 1"), "make"], "no"),
        ([when("failure()", run="exit 1"), "make"], "yes"),
        (["make", when("failure()", id="m"), when("steps.m.outcome == 'skipped'")], "yes"),
        ([{"run": "exit 1", "continue-on-error": True}, "make"], "yes"),
        ([{"run": "exit 1", "id": "m", "continue-on-error": True}, when("steps.m.outcome == 'failure'")], "yes"),
        ([{"run": "exit 1", "id": "m", "continue-on-error": True}, when("steps.m.outcome == 'success'")], "no"),
        ([{"run": "exit 1", "id": "m", "continue-on-error": True}, when("steps.m.conclusion == 'success'")], "yes"),
        ([{"run": "exit 1", "id": "m", "continue-on-error": True}, when("steps.m.outcome != 'failure'")], "no"),
        (
            ["make", {"run": "exit 1", "id": "m", "continue-on-error": True}, when("steps.m.outcome != 'failure'")],
            "maybe",
        ),
        ([{"run": "exit 1", "continue-on-error": "${{ matrix.x }}"}, "make"], "maybe"),
        ([{"run": "exit 1", "continue-on-error": False}, "make"], "no"),
        ([{"run": "false", "shell": "pwsh"}, "make"], "yes"),
        # These may succeed.
        (["exit 0", "make"], "yes"),
        (["exit $CODE", "make"], "yes"),
        (["test -f x || exit 1", "make"], "yes"),
        (["if test -f x; then\n  exit 1\nfi", "make"], "yes"),
        (["echo 'a\nexit 1", "make"], "yes"),
        (["echo a \\\nexit 1", "make"], "yes"),
        (["cat <<E\nexit 1\nE", "make"], "yes"),
        (["f() {\nexit 1", "make"], "yes"),
        (["echo a > exit\nexit 1", "make"], "yes"),
    ],
)
def test_conditions_of_a_step(steps: Sequence[Any], certainty: str) -> None:
    """What the steps before it have done counts."""
    assert certainties(workflow({"a": job(*steps)}), "a")[-1] == certainty


WRITES = {"run": 'echo "LEVEL=high" >> "$GITHUB_ENV"'}


@pytest.mark.parametrize(
    ("before", "env", "condition", "certainty"),
    [
        ([], {}, "env.TOP == 'top'", "yes"),
        ([], {}, "env.JOB == 'top and push'", "yes"),
        ([], {"TOP": "step"}, "env.TOP == 'step'", "yes"),
        ([], {"TOP": "${{ env.JOB }}!"}, "env.TOP == 'top and push!'", "yes"),
        ([], {"X": "${{ secrets.T != '' }}"}, "env.X == 'true'", "maybe"),
        ([], {"X": ["y"]}, "env.X == 'y'", "maybe"),
        ([], {"X": "${{ ( }}"}, "env.X == 'y'", "maybe"),
        ([], {}, "env.LEVEL == 'high'", "no"),
        ([WRITES], {}, "env.LEVEL == 'high'", "maybe"),
        ([WRITES], {"LEVEL": "low"}, "env.LEVEL == 'high'", "no"),
        ([WRITES], {}, "env.TOP == 'top'", "yes"),
        ([{"run": 'echo "TOP=x" >> $GITHUB_ENV'}], {}, "env.TOP == 'top'", "maybe"),
        ([{"uses": "a/b@v1"}], {}, "env.SET_BY_AN_ACTION", "maybe"),
        ([{"uses": "a/b@v1"}], {}, "env.TOP == 'top'", "yes"),
        ([when("false", uses="a/b@v1")], {}, "env.SET_BY_AN_ACTION", "no"),
    ],
)
def test_the_environment_of_a_step(before: list[Any], env: Mapping[str, Any], condition: str, certainty: str) -> None:
    """As the file writes it at each level, unless a step before may have changed it."""
    before = [{key: value for key, value in step.items() if key != "run" or "uses" not in step} for step in before]
    inside = job(*before, when(condition, env=env), env={"JOB": "${{ env.TOP }} and ${{ github.event_name }}"})
    assert certainties(workflow({"a": inside}, env={"TOP": "top"}), "a")[-1] == certainty


@pytest.mark.parametrize(
    ("matrix", "condition", "certainty"),
    [
        ({"os": ["linux", "mac"]}, "matrix.os == 'mac'", "yes"),
        ({"os": ["linux", "mac"]}, "matrix.os == 'windows'", "no"),
        ({"os": ["linux", "mac"], "exclude": [{"os": "mac"}]}, "matrix.os == 'mac'", "no"),
        ({"os": ["linux"], "include": [{"os": "linux", "publish": True}]}, "matrix.publish", "yes"),
        ({"publish": [False]}, "matrix.publish", "no"),
        ({"publish": ["false"]}, "matrix.publish", "yes"),
        ({"version": [3.1]}, "matrix.version == 3.1", "yes"),
        ({"os": "${{ fromJSON(vars.OS) }}"}, "matrix.os == 'mac'", "maybe"),
        ("${{ fromJSON(vars.M) }}", "matrix.os == 'mac'", "maybe"),
        ({"os": ["linux"]}, "always()", "yes"),
    ],
)
def test_rows_of_a_matrix(matrix: Any, condition: str, certainty: str) -> None:
    """A step that one of the rows reaches is reached."""
    assert certainties(workflow({"a": job(when(condition), strategy={"matrix": matrix})}), "a")[-1] == certainty


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ("", [{}]),
        ("{a: [1, x]}", [{"a": 1.0}, {"a": "x"}]),
        ("{a: [1, 2], b: [true, 'true']}", [{"a": a, "b": b} for a in (1.0, 2.0) for b in (True, "true")]),
        ("{a: [{b: 1}, [2]]}", [{"a": {"b": 1.0}}, {"a": [2.0]}]),
        ("{a: [x, '${{ vars.X }}']}", [{"a": "x"}, {"a": UNKNOWN}]),
        ("{a: [1, 2], exclude: [{a: 2}, x]}", [{"a": 1.0}]),
        ("{a: ['${{ vars.X }}'], exclude: [{a: '${{ vars.Y }}'}]}", [{"a": UNKNOWN}]),
        ("{a: [1], exclude: [{a: 1, b: 1}]}", [{"a": 1.0}]),
        ("{include: [{a: 1}, {a: 2}]}", [{"a": 1.0}, {"a": 2.0}]),
        (
            "{a: [1, 2], include: [{a: 1, b: x}, {a: 3}, {c: y}]}",
            [{"a": 1.0, "b": "x", "c": "y"}, {"a": 2.0, "c": "y"}, {"a": 3.0}],
        ),
        ("{a: [1], include: '${{ fromJSON(vars.X) }}'}", [None]),
        ("{a: [1], exclude: '${{ fromJSON(vars.X) }}'}", [None]),
        (f"{{a: {list(range(20))}, b: {list(range(20))}}}", [None]),
        (f"{{include: {list(range(MAX_ROWS + 1))}}}", [None]),
        ("'${{ fromJSON(vars.X) }}'", [None]),
    ],
)
def test_the_rows_of_a_matrix(matrix: str, expected: list[Any]) -> None:
    """As GitHub documents `include` and `exclude`."""
    document = read(f"matrix: {matrix}\n")
    assert isinstance(document, dict)
    assert rows(document["matrix"]) == expected


CALLED = """
on:
  workflow_call:
    inputs:
      publish: {type: boolean}
      level: {type: string, default: low}
      count: {type: number}
      loose:
jobs:
  inner:
    if: CONDITION
    runs-on: ubuntu-latest
    steps: [{run: make}]
  next:
    needs: inner
    runs-on: ubuntu-latest
    steps: [{run: make}]
"""


@pytest.mark.parametrize(
    ("given", "condition", "certainty"),
    [
        ({}, "inputs.publish", "no"),
        ({"publish": True}, "inputs.publish", "yes"),
        ({"Publish": "true"}, "inputs.publish == true", "yes"),
        ({"publish": "perhaps"}, "inputs.publish", "maybe"),
        ({"publish": "${{ github.ref == 'refs/heads/main' }}"}, "inputs.publish", "yes"),
        ({"publish": "${{ vars.X == 'y' }}"}, "inputs.publish", "maybe"),
        ({"publish": "${{ ( }}"}, "inputs.publish", "maybe"),
        ({}, "inputs.level == 'low'", "yes"),
        ({"level": "high"}, "inputs.level == 'low'", "no"),
        ({"level": True}, "inputs.level == 'true'", "yes"),
        ({"level": "${{ matrix.level == 'x' }}"}, "inputs.level == 'false'", "yes"),
        ({"level": "${{ matrix.level }}"}, "inputs.level == 'high'", "yes"),
        ({"count": 1}, "inputs.count == 1", "yes"),
        ({"count": "${{ vars.N }}"}, "inputs.count == 1", "maybe"),
        ({}, "inputs.count == 0", "yes"),
        ({"loose": "x"}, "inputs.loose == 'x'", "yes"),
        ({}, "inputs.undeclared", "no"),
        ({}, "github.event_name == 'push'", "yes"),
        ({}, "github.event_name == 'workflow_call'", "no"),
    ],
)
def test_a_called_workflow(given: Mapping[str, Any], condition: str, certainty: str) -> None:
    """It has the event of its caller, and the inputs that the caller passes."""
    call = {"uses": "./.github/workflows/x.yml", "with": given, "strategy": {"matrix": {"level": ["low", "high"]}}}
    outer = workflow({"call": call, "never": {**call, "if": "false"}, "perhaps": {**call, "if": "vars.X"}})
    inner = read_workflow(read(CALLED.replace("CONDITION", condition)), "x.yml")
    reachability = Reachability(outer, runs_of(outer, [inner]))

    def inside(key: str) -> list[str]:
        calling = next(each for each in outer.jobs if each.key == key)
        return certainties(inner, "next", Caller(reachability, calling))

    assert inside("call") == [certainty, certainty]
    assert inside("never") == ["no", "no"]
    assert inside("perhaps") == ["no" if certainty == "no" else "maybe"] * 2


def test_what_could_not_be_decided_is_told() -> None:
    """The conditions themselves, of the step, its job and the jobs that this one needs."""
    jobs = {"a": job(**{"if": "vars.A"}), "b": job(when("vars.B\n  == 'x'"), needs="a")}
    jobs["c"] = job(when("vars.C && false"))
    found = workflow(jobs)
    (b, c) = found.jobs[1:]
    assert [each.unknown for each in Reachability(found, runs_of(found)).of(b, b.steps[0])] == [
        ("vars.A", "vars.B == 'x'")
    ]
    assert [each.unknown for each in Reachability(found, runs_of(found)).of(c, c.steps[0])] == [()]
    launched = workflow({"a": job()}, on="launch")
    assert [each.certainty for each in Reachability(launched, runs_of(launched)).of(launched.jobs[0])] == ["maybe"]


@pytest.mark.slow
def test_a_hostile_file_takes_no_time() -> None:
    """A long chain of jobs, and more conditions than can be evaluated for every run. Without limits: hours."""
    chain = {f"j{number}": job(needs=f"j{number - 1}" if number else None) for number in range(500)}
    assert certainties(workflow(chain), "j499")[0] == "yes"
    names = [f"github.event.pull_request.i{number} == '{value}'" for number in range(5) for value in "ab"]
    many = workflow({"a": job(*[when(name) for _ in range(40) for name in names])}, on="pull_request")
    found = Reachability(many, runs_of(many)).of(many.jobs[0], many.jobs[0].steps[0])
    assert (found[-1].certainty, found[-1].unknown) == ("maybe", ("the size of this file",))
    steps = [when("matrix.a == 1") for _ in range(1000)]
    wide = workflow({"a": job(*steps, strategy={"matrix": {"a": [*range(200)]}})})
    assert Reachability(wide, runs_of(wide)).of(wide.jobs[0], wide.jobs[0].steps[-1])[0].certainty == "maybe"


X, Y = SomeText(name="x"), SomeText(name="y")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (X, X, True),
        (X, Y, None),
        (X, SomeText(name="x", excluded=frozenset({"a"})), True),
        (X.after("a/"), X.after("b/"), False),
        (X.after("a/"), X, False),
        (SomeText("a", "b", name="x"), SomeText("ab", "", name="x"), None),
        (SomeText(excluded=frozenset({X})), X, False),
        (X, SomeText(excluded=frozenset({X})), False),
        (SomeText(excluded=frozenset({X})).after("a/"), X.after("a/"), False),
        (SomeText(excluded=frozenset({X})), X.after("a/"), None),
        (SomeText(excluded=frozenset({X})), SomeText(), None),
        (SomeText(not_starting=frozenset({"v"})), "V1", False),
        (SomeText(not_starting=frozenset({"v"})), "w", None),
        (
            SomeText("refs/", "", frozenset({"refs/a", X.after("refs/")}), frozenset({"refs/v"})).without("refs/"),
            "a",
            False,
        ),
    ],
)
def test_texts_of_which_something_is_known(left: Value, right: Value, expected: bool | None) -> None:
    """The same name is the same string; what is excluded is another one."""
    assert equal(left, right) is expected


def test_a_format_keeps_what_is_known_of_a_text() -> None:
    """So a ref can be compared with one that is made of the name of the default branch."""
    known = Exported(excluded=frozenset({"a", X}), not_starting=frozenset({"v"}), name="y")
    found = evaluate(parse("format('<{0}>', inputs.x)"), {"inputs": {"x": known}})
    assert found == SomeText("<", ">", frozenset({"<a>", SomeText("<", ">", name="x")}), frozenset({"<v"}), "y")
    started = evaluate(parse("startsWith(inputs.x, 'v1')"), {"inputs": {"x": known}})
    assert started is False
