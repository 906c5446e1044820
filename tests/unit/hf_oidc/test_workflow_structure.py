"""What GitHub refuses about a file, and that the advice, done by a program, makes it go away."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import suppress

import pytest
import yaml

from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml, read
from tests.doctor_report import LOGIN, MAY_LOG_IN, ON_MAIN, examined, found, job, notes, said

GOOD = ON_MAIN + MAY_LOG_IN + job(LOGIN)


def test_nothing_is_wrong_with_a_good_file() -> None:
    """No finding."""
    assert examined(GOOD).all_findings == ()


def top(lines: str) -> str:
    """A good file with lines at its top."""
    return lines + GOOD


def in_job(lines: str, steps: str = LOGIN) -> str:
    """A good file with lines in its job."""
    return ON_MAIN + MAY_LOG_IN + job(steps, "".join(f"    {line}\n" for line in lines.splitlines()))


def step(text: str) -> str:
    """A good file with another step."""
    return in_job("", f"{LOGIN}, {text}")


def second(lines: str) -> str:
    """A good file with a second job."""
    return GOOD + "  second:\n" + "".join(f"    {line}\n" for line in lines.splitlines())


CALLING = "uses: acme/x/.github/workflows/y.yml@v1"


@pytest.mark.parametrize(
    "workflow",
    [
        top("env:\n"),
        top("env: ~\n"),
        top("defaults:\n"),
        ON_MAIN
        + "permissions:\n"
        + in_job("permissions: {id-token: write}").replace(MAY_LOG_IN, "").replace(ON_MAIN, ""),
        in_job("env:"),
        in_job("env: # X: y"),
        in_job("strategy:"),
        in_job("outputs: null"),
        in_job("needs:"),
        in_job("services:"),
        step("{run: make, env: }"),
        step("{uses: a/b@v1, with: }"),
        step("{parallel: [{run: make, env: }]}"),
        second(f"{CALLING}\nsecrets:"),
    ],
)
def test_empty_blocks(workflow: str) -> None:
    """GitHub refuses them in any job. An empty mapping in braces is none."""
    assert found(workflow) == {"error: empty-block"}
    assert found(workflow.replace("env: }", "env: {}}").replace("with: }", "with: {}}")) in (
        {"error: empty-block"},
        set(),
    )


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ("{os: []}", {"error: empty-matrix"}),
        ("{os: [a], python: []}", {"error: empty-matrix"}),
        ("{os: [], include: [{os: a}]}", {"error: empty-matrix"}),
        ("{os: [a], include: [], exclude: []}", set()),
        ("{os: ['']}", set()),
        ("{os: '${{ fromJSON(vars.OS) }}'}", set()),
        ("'${{ fromJSON(vars.ALL) }}'", set()),
    ],
)
def test_empty_lists_of_a_matrix(matrix: str, expected: set[str]) -> None:
    """GitHub: a list of a matrix has to have a value. What it computes later may have one."""
    assert found(in_job(f"strategy: {{matrix: {matrix}}}")) == expected
    assert found(second(f"{CALLING}\nstrategy: {{matrix: {matrix}}}")) == expected


@pytest.mark.parametrize(
    "workflow",
    [
        GOOD.replace(ON_MAIN, "on:\n  push: {branches: [main]}\n  merge_group:\n").replace(
            "runs-on", "if: github.event_name == 'push'\n    runs-on"
        ),
        in_job("env: {}\noutputs: {}\nname:\ncontainer:\nenvironment:\nconcurrency: x\ncancel-timeout-minutes: 5"),
        top("description: x\nrun-name: x\ncache-mode: read\nconcurrency: {group: x, queue: max}\n"),
        step(
            "{run: make, background: true, id: a}, {wait: a}, {wait-all: null}, {parallel: [{run: a}, {uses: a/b@v1}]}"
        ),
        step("{run: make, id: a, background: true}, {cancel: a, continue-on-error: true}"),
        step("{uses: docker://alpine:3, with: {entrypoint: x, args: y}}, {uses: ./, with: {x: y}}, {uses: $/a}"),
        in_job(
            "timeout-minutes: 5\ndefaults: {run: {shell: bash}}\nservices: {db: {image: x}}\ncontinue-on-error: true"
        ),
        second(f"{CALLING}\nif: always()\nwith: {{a: b}}\nsecrets: inherit\nstrategy: {{matrix: {{a: [1]}}}}"),
        "on: {workflow_dispatch: {inputs: {a: {type: string}}}, schedule: [{cron: 0 0 * * *, timezone: UTC}]}\n"
        + GOOD.replace(ON_MAIN, "").replace("runs-on", "if: github.ref == 'refs/heads/main'\n    runs-on"),
    ],
)
def test_what_github_accepts(workflow: str) -> None:
    """The documented keys at each level, those of 2026 too."""
    assert found(workflow) == set()


@pytest.mark.parametrize(
    ("workflow", "expected", "named"),
    [
        (top("x-defaults: {a: b}\n"), "warning: unknown-key", "Remove it"),
        (top("anchors: {a: b}\n"), "warning: unknown-key", "Remove it"),
        (top("permission: {a: b}\n"), "error: unknown-key", "Write `permissions`."),
        (top("runs-on: x\n"), "error: key-elsewhere", "It belongs to a job"),
        (top("steps: []\n"), "error: key-elsewhere", "It belongs to a job"),
        (top("push: {branches: [main]}\n"), "error: key-elsewhere", "It belongs to `on:`"),
        (in_job("run-on: x"), "error: unknown-key", "Write `runs-on`."),
        (in_job("need: x"), "error: unknown-key", "Write `needs`."),
        (in_job("timeout_minutes: 5"), "error: unknown-key", "Write `timeout-minutes`."),
        (in_job("with: {a: b}"), "error: key-elsewhere", "It belongs to a step"),
        (in_job("on: push"), "error: key-elsewhere", "It belongs to the top"),
        (in_job("jobs: {}"), "error: key-elsewhere", "It belongs to the top"),
        (in_job("color: red"), "warning: unknown-key", "Remove it"),
        (in_job("id-token: write"), "error: key-elsewhere", "It belongs to `permissions:`"),
        (top("contents: read\n"), "error: key-elsewhere", "It belongs to `permissions:`"),
        (step("{run: make, id-token: write}"), "error: key-elsewhere", "It belongs to `permissions:`"),
        (in_job("resource: acme/model"), "error: key-elsewhere", "It belongs to `with:` of a step"),
        (GOOD + "  permissions: {contents: read}\n", "error: key-elsewhere", "It belongs to a job"),
        (GOOD + "  env: {A: b}\n", "error: key-elsewhere", "It belongs to a job"),
        (step("{run: make, environment: x}"), "error: key-elsewhere", "It belongs to a job"),
        (step("{run: make, needs: publish}"), "error: key-elsewhere", "It belongs to a job"),
        (step("{run: make, workingdirectory: x}"), "error: unknown-key", "Write `working-directory`."),
        (step("{run: make, with: {a: b}}"), "error: key-beside", "Remove `with`"),
        (step("{uses: a/b@v1, run: make}"), "error: key-beside", "Remove `run`"),
        (step("{uses: a/b@v1, shell: bash}"), "error: key-beside", "Remove `shell`"),
        (step("{run: make, color: red}"), "warning: unknown-key", "Remove it"),
        (step("{parallel: [{run: make, colour: red}]}"), "warning: unknown-key", "Remove it"),
        (second(f"{CALLING}\nruns-on: ubuntu-latest"), "error: key-beside", "Remove `runs-on`"),
        (second(f"{CALLING}\nenvironment: x"), "error: key-beside", "Remove `environment`"),
        (second(f"{CALLING}\nenv: {{A: b}}"), "error: key-beside", "Remove `env`"),
        (GOOD.replace("branches:", "branch:"), "error: unknown-key", "Write `branches`."),
        (GOOD.replace("push: {", "push: {types: [x], "), "error: unknown-key", ""),
        (GOOD.replace("push: {", "push: {branches-ignore: [x], "), "error: key-beside", "Remove `branches-ignore`"),
        (GOOD.replace("push:", "pull-request: {}, push:"), "error: unknown-key", "Write `pull_request`."),
        (GOOD.replace("push:", "workflow-dispatch: {}, push:"), "error: unknown-key", "Write `workflow_dispatch`."),
    ],
)
def test_keys_that_github_does_not_know(workflow: str, expected: str, named: str) -> None:
    """A wrong place or a slip is certain. Another key may be newer than the doctor's lists."""
    severity, code = expected.split(": ")
    findings = [each for each in examined(workflow).all_findings if each.code == code]
    if "types" not in workflow:
        assert [each.severity for each in findings] == [severity]
    assert named in said(workflow, code)


def test_merge_keys() -> None:
    """GitHub refuses them. The rest is checked as it is meant; anchors and aliases are accepted."""
    anchors = "x-job: &job\n  runs-on: ubuntu-latest\n  permissions: {contents: read, id-token: write}\n"
    workflow = f"{anchors}{ON_MAIN}jobs:\n  publish:\n    <<: *job\n    steps: [{LOGIN}]\n"
    assert found(workflow) == {"warning: merge-key", "warning: unknown-key"}
    several = workflow.replace("<<: *job", "<<: [*job, {env: {A: b}}]")
    assert found(several) == {"warning: merge-key", "warning: unknown-key"}
    written_out = workflow.removeprefix(anchors).replace(
        "<<: *job", "runs-on: ubuntu-latest\n    permissions: {contents: read, id-token: write}"
    )
    assert found(written_out) == set()
    aliases = GOOD.replace("{branches: [main]}", "&filter {branches: [main]}").replace(LOGIN, f"&login {LOGIN}, *login")
    assert found(aliases) == set()


def test_an_anchor_that_is_defined_again() -> None:
    """An alias means the last one before it."""
    workflow = GOOD.replace(LOGIN, f"{{run: &a one}}, {{run: &a two}}, {{run: *a}}, {LOGIN}")
    assert found(workflow) == set()
    assert read("[&a x, &a y, *a]") == ["x", "y", "y"]


def test_what_an_alias_repeats_is_said_once() -> None:
    """It is at one line."""
    findings = examined(step("&s {run: make, colour: red}, *s, *s")).all_findings
    assert [each.code for each in findings] == ["unknown-key"]


@pytest.mark.parametrize("position", ["at the top", "in a step"])
def test_merge_keys_at_other_levels(position: str) -> None:
    """Anywhere in the file."""
    workflow = (
        top("env: &e {A: b}\n<<: {name: x}\n") if position == "at the top" else step("{run: make, <<: {env: {A: b}}}")
    )
    assert found(workflow) == {"warning: merge-key"}
    assert found(workflow.replace("<<", "'<<'")) == {"warning: unknown-key"}


@pytest.mark.parametrize(
    ("workflow", "version"),
    [
        (GOOD.replace("@v1", ""), "uses: org/hf-oidc-action@v1"),
        (GOOD.replace("org/hf-oidc-action@v1", "acme/hf-oidc-action/native"), "uses: acme/hf-oidc-action/native@v1"),
        (step("{uses: actions/checkout}"), "uses: actions/checkout@v1"),
        (step("{uses: actions/cache/save@}"), "uses: actions/cache/save@v1"),
        (second("uses: acme/x/.github/workflows/y.yml"), "uses: acme/x/.github/workflows/y.yml@v1"),
    ],
)
def test_uses_without_a_version(workflow: str, version: str) -> None:
    """Of an action or a workflow of another repository."""
    assert found(workflow) == {"error: no-version"}
    assert version in said(workflow, "no-version")


@pytest.mark.parametrize(
    "uses", ["./a", "./", "$/a/b", "docker://alpine", "docker://ghcr.io/a/b:1", "a/b@main", "a/b/c@v1"]
)
def test_uses_that_are_complete(uses: str) -> None:
    """An image has a default version, and an action of the same repository that of the file."""
    assert found(step(f"{{uses: {uses}}}")) == set()


@pytest.mark.parametrize(
    ("inputs", "lines"),
    [
        ("    with: {resource: acme/model}\n", "    with:\n      resource: acme/model"),
        (
            "    with:\n      resource: |\n        A=acme/a\n        B=acme/b\n",
            "resource: |\n        A=acme/a\n        B=acme/b",
        ),
        ("", "- uses: org/hf-oidc-action@v1"),
    ],
)
def test_an_action_as_a_job(inputs: str, lines: str) -> None:
    """A job can only use a workflow. The lines that are advised make it a step."""
    workflow = f"{ON_MAIN}{MAY_LOG_IN}jobs:\n  publish:\n    uses: org/hf-oidc-action@v1\n{inputs}"
    assert found(workflow) == {"error: action-as-job"}
    assert notes(workflow) == set()
    (finding,) = examined(workflow).all_findings
    assert lines in finding.facts["lines"]
    written = "".join(f"    {line}\n" for line in finding.facts["lines"].splitlines())
    changed = workflow.partition("    uses:")[0] + written
    assert found(changed) == (set() if inputs else {"error: no-resource"})


def test_other_things_that_are_no_workflow_as_a_job() -> None:
    """An action by path, an image, an action in a folder."""
    for uses in ("./.github/actions/x", "docker://alpine", "acme/x/y@v1", "acme/x@v1"):
        assert found(second(f"uses: {uses}")) == {"error: action-as-job"}


def test_a_version_of_a_workflow_of_the_same_repository() -> None:
    """It has none."""
    workflow = second("uses: ./.github/workflows/y.yml@main")
    assert found(workflow) == {"error: local-version"}
    assert "uses: ./.github/workflows/y.yml" in said(workflow, "local-version")


@pytest.mark.parametrize(
    ("uses", "better"),
    [
        (".github/workflows/y.yml", "./.github/workflows/y.yml"),
        ("/.github/workflows/y.yml", "./.github/workflows/y.yml"),
        ("./.github/workflows/hub/y.yaml", "./.github/workflows/y.yaml"),
        ("./workflows/y.yml", "./.github/workflows/y.yml"),
        ("acme/x/y.yml@v1", "acme/x/.github/workflows/y.yml@v1"),
        ("acme/x/workflows/hub/y.yml@v1", "acme/x/.github/workflows/y.yml@v1"),
    ],
)
def test_a_workflow_at_another_place(uses: str, better: str) -> None:
    """Reusable workflows are files directly in one folder. What is advised is accepted."""
    assert found(second(f"uses: {uses}")) == {"error: workflow-place"}
    assert f"uses: {better}" in said(second(f"uses: {uses}"), "workflow-place")
    assert found(second(f"uses: {better}")) == set()


@pytest.mark.parametrize("uses", [".github/actions/x", "/.github/actions/x"])
def test_a_path_of_an_action_without_its_start(uses: str) -> None:
    """GitHub would look for another repository."""
    assert found(step(f"{{uses: {uses}}}")) == {"error: local-path"}
    assert "uses: ./.github/actions/x" in said(step(f"{{uses: {uses}}}"), "local-path")


@pytest.mark.parametrize(
    ("given", "on", "expected"),
    [
        ("{model: a}", "{workflow_call: {inputs: {model: {type: string, required: true}}}}", set()),
        ("{Model: a}", "{workflow_call: {inputs: {model: {type: string, required: true}}}}", set()),
        ("{}", "{workflow_call: {inputs: {model: {type: string}}}}", set()),
        ("{}", "{workflow_call: {inputs: {model: {type: string, required: true}}}}", {"error: input-not-passed"}),
        ("{modell: a}", "{workflow_call: {inputs: {model: {type: string}}}}", {"error: input-not-declared"}),
        ("{model: a}", "workflow_call", {"error: input-not-declared"}),
        ("{}", "[push, workflow_call]", set()),
        ("{}", "push", {"error: not-reusable"}),
    ],
)
def test_what_does_not_fit_between_caller_and_called(given: str, on: str, expected: set[str]) -> None:
    """Inputs that are required, and inputs that there are not."""
    files = {".github/workflows/a.yml": f"on: {on}\n{job('{run: make}')}"}
    assert found(second(f"uses: ./.github/workflows/a.yml\nwith: {given}"), files) == expected


@pytest.mark.parametrize(
    "written",
    [
        "resource: acme/model",
        "with:\n        resource: acme/model",
        "resource: acme/model\n        on-error: warn",
        "Resource: acme/model",
        "resource: |\n          A=acme/model\n          B=datasets/acme/corpus",
    ],
)
def test_inputs_beside_with(written: str) -> None:
    """One finding, whose lines are those that the step should have."""
    start = f"{ON_MAIN}{MAY_LOG_IN}{job('').replace('[]', '')}      - uses: org/hf-oidc-action@v1\n"
    workflow = f"{start}        {written}\n"
    assert found(workflow) == {"error: input-beside-with"}
    (finding,) = [each for each in examined(workflow).all_findings if each.severity == "error"]
    lines = "".join(f"        {line}\n" for line in finding.facts["lines"].splitlines())
    assert found(start + lines) == set()


@pytest.mark.parametrize(
    ("workflow", "expected", "advice"),
    [
        (step("{run: a, id: x}, {run: b, id: x}"), "duplicate-id", ("{run: b, id: x}", "{run: b, id: x-2}")),
        (step("{run: a, id: x}, {run: b, id: X}"), "duplicate-id", ("id: X", "id: X-2")),
        (
            step("{parallel: [{run: a, id: x}, {run: b, id: x}]}"),
            "duplicate-id",
            ("{run: b, id: x}", "{run: b, id: x-2}"),
        ),
        (step("{run: a, id: my step}"), "invalid-id", ("id: my step", "id: my-step")),
        (step("{run: a, id: 1st}"), "invalid-id", ("id: 1st", "id: _1st")),
        (
            second("runs-on: x\nsteps: []").replace("second:", "second job:"),
            "invalid-id",
            ("second job:", "second-job:"),
        ),
        (second("needs: publihs\nruns-on: x\nsteps: []"), "unknown-need", ("needs: publihs", "needs: publish")),
        (second("needs: [publish, zzz]\nruns-on: x\nsteps: []"), "unknown-need", ("[publish, zzz]", "[publish]")),
        (second("needs: second\nruns-on: x\nsteps: []"), "circular-needs", ("    needs: second\n", "")),
        (
            second("needs: publish\nruns-on: x\nsteps: []").replace("  publish:", "  publish:\n    needs: [SECOND]"),
            "circular-needs",
            ("needs: [SECOND]", "needs: []"),
        ),
    ],
)
def test_ids_and_needs(workflow: str, expected: str, advice: tuple[str, str]) -> None:
    """GitHub compares ids without regard to case. What is advised makes the finding go away."""
    assert f"error: {expected}" in found(workflow)
    assert {each.code for each in examined(workflow.replace(*advice)).all_findings if each.severity == "error"} == set()


def test_a_circle_is_told_in_the_order_in_which_its_jobs_need_each_other() -> None:
    """From the job whose `needs:` is to be changed."""
    jobs = "".join(
        f"  {key}: {{needs: {need}, runs-on: x, steps: []}}\n" for key, need in (("a", "b"), ("b", "c"), ("c", "a"))
    )
    text = said(f"{ON_MAIN}jobs:\n{jobs}", "circular-needs")
    circle = text.partition("each other: ")[2].partition(". ")[0].replace("`", "").split(" needs ")
    assert len(circle) == 4
    assert all((before, after) in {("a", "b"), ("b", "c"), ("c", "a")} for before, after in itertools.pairwise(circle))


def test_structure_of_called_workflows_counts() -> None:
    """GitHub refuses the caller with them, and the file is named."""
    workflow = f"{ON_MAIN}jobs:\n  a:\n    {MAY_LOG_IN}    uses: ./.github/workflows/a.yml\n"
    called = f"on: workflow_call\n{job(LOGIN, '    env:' + chr(10))}"
    (finding,) = examined(workflow, {".github/workflows/a.yml": called}).all_findings
    assert (finding.code, finding.file, finding.line) == ("empty-block", ".github/workflows/a.yml", 5)


@pytest.mark.slow
def test_any_string_at_any_place_gives_a_report() -> None:
    """Lists and blocks where GitHub expects text, and the other way round."""
    keys = ["permissions", "needs", "steps", "uses", "with", "env", "on", "runs-on", "strategy", "secrets", "id", "if"]
    for value in ("x", "", [], ["x"], [["x"]], {}, {"x": "y"}, {"x": ["y"]}, "${{ x }}", "${{"):
        for key in keys:
            for inner in (
                {"uses": "./.github/workflows/a.yml"},
                {"runs-on": "x", "steps": [{"uses": "a/b@v1", key: value}]},
            ):
                document = {"on": {"push": value}, "jobs": {"a": {**inner, key: value}}, key: value}
                document.setdefault("on", {})
                if document["jobs"]:
                    examined(yaml.safe_dump(document), {".github/workflows/a.yml": yaml.safe_dump(document)})


@pytest.mark.parametrize(
    ("condition", "of_step", "of_job"),
    [
        ('github.ref == "refs/heads/main"', True, True),
        ("github.ref = 'refs/heads/main'", True, True),
        ("${{ github.ref == 'refs/heads/main' ", True, True),
        ("contains(github.ref)", True, True),
        ("secrets.TOKEN != ''", True, True),
        ("env.A == 'b'", False, True),
        ("matrix.os == 'x'", False, True),
        ("steps.a.outcome == 'success'", False, True),
        ("github.ref == 'refs/heads/main' && !cancelled()", False, False),
        ("", False, False),
        ("true", False, False),
        ("${{ vars.A }} and more", False, False),
    ],
)
def test_conditions_that_github_cannot_read(condition: str, of_step: bool, of_job: bool) -> None:
    """The job of such a file never runs. Which contexts exist depends on the place."""
    written = json.dumps(condition)
    expected = {"error: invalid-condition"}
    in_step = found(step(f"{{run: a, if: {written}}}"))
    in_job = found(second(f"if: {written}\nruns-on: x\nsteps: [run: a]"))
    assert (in_step & expected, in_job & expected) == (expected if of_step else set(), expected if of_job else set())


SIZE = 400_000
START = f"{ON_MAIN}{MAY_LOG_IN}{job('').replace('[]', '')}      - uses: org/hf-oidc-action@v1\n        with:\n"
RUN = START + "          resource: acme/model\n      - run: |\n          "
LARGE = {
    "one script": RUN + "hf upload acme/model . --token $X\n          " * (SIZE // 44),
    "one line": RUN + "HF_OIDC_RESOURCE=a " * (SIZE // 20),
    "commands": RUN + "hf-oidc run acme/m -- x;" * (SIZE // 24),
    "quotes": RUN + "'\"$(" * (SIZE // 4),
    "substitutions": RUN + "$(hf-oidc " * (SIZE // 11),
    "quoted substitutions": RUN + '"$(hf-oidc token a/b)" ' * (SIZE // 24),
    "here-documents": RUN + "cat <<E\n          " * (SIZE // 18),
    "expressions": RUN + "${{ steps.hf.outputs.token }} " * (SIZE // 31),
    "open expressions": RUN + "${{ " * (SIZE // 4),
    "bash": RUN + 'bash -c "' * (SIZE // 9),
    "resources": START + "          resource: |\n" + "".join(f"            A{n}=acme/m\n" for n in range(SIZE // 25)),
    "words": RUN.replace("|\n          ", "") + "a " * (SIZE // 2),
    "steps": RUN + "make\n" + "      - {uses: actions/checkout@v7}\n" * 1_990,
    "too many steps": RUN + "make\n" + "      - {uses: actions/checkout}\n" * 4_000,
    "logins": RUN + "make\n" + "      - {uses: a/hf-oidc-action@v1, with: {resource: a/b}}\n" * 990,
    "uploads to another repository": RUN + "make\n" + "      - run: hf upload acme/other .\n" * 990,
    "conditions": RUN
    + "make\n"
    + "".join(
        f"      - {{run: x, if: steps.hf.outputs.authenticated == 'true' && env.A == '{n}'}}\n" for n in range(1_050)
    ),
    "variables that double": RUN + "A=$A$A\n          " * 16_000 + "hf upload $A .\n",
    "variables of a workflow that multiply": "env: {A: "
    + "x" * 100_000
    + "}\n"
    + RUN.replace("jobs:", "jobs:", 1).replace(
        "    steps", "    env: {B: '" + "${{ env.A }}" * 10_000 + "'}\n    steps"
    )
    + "hf upload $B .\n",
    "secrets in a line": RUN + "https://x:${{ secrets.HF_TOKEN }}@huggingface.co/a/b " * (SIZE // 60),
    "keys that are not known": START
    + "          resource: acme/m\n"
    + "".join(f"    steps{n}: x\n" for n in range(8_000)),
    "inputs that are not known": START + "".join(f"          resorce{n}: x\n" for n in range(8_000)),
    "a script in each row of a matrix": START.replace(
        "    steps", f"    strategy: {{matrix: {{m: [{','.join(f'a/b{n}' for n in range(20))}]}}}}\n    steps"
    )
    + "          resource: acme/m\n      - run: |\n          "
    + "hf upload ${{ matrix.m }} .\n          " * (SIZE // 40),
    "matrix": START.replace("    steps", "    strategy: {matrix: {m: [" + "a/b," * 8_000 + "]}}\n    steps")
    + "          resource: ${{ matrix.m }}\n",
    "jobs": START
    + "          resource: acme/m\n"
    + "".join(f"  j{n}: {{needs: [publish, j{n - 1}], runs-on: x}}\n" for n in range(1, 500)),
}


@pytest.mark.slow
@pytest.mark.parametrize("workflow", LARGE.values(), ids=LARGE)
def test_the_time_for_a_large_file(workflow: str) -> None:
    """It is about in proportion to the size. If it were not, minutes of this process would pass.

    A file with more of something than any workflow has is refused.
    """
    start = time.process_time()
    with suppress(UnreadableYaml):
        examine(workflow, "publish.yml", "acme/trainer", lambda _: "")
    assert time.process_time() - start < 5
