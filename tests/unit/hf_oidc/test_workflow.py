"""The judgement of workflow files, by tables; and whatever a file holds, there is a report or a clear refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_oidc.action import Inputs
from hf_oidc.cli.app import guarded
from hf_oidc.cli.options import Settings
from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.advice import WORDS
from hf_oidc.doctor.remote import github_repository
from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.findings import WorkflowReport
from hf_oidc.doctor.workflow.login.step import OUTPUTS
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml
from hf_oidc.errors import UsageError
from hf_oidc.settings import INPUTS
from tests.leaks import PASSWORDS, URL_FORMS, shows_password

ROOT = Path(__file__).parents[3]
HUB = "https://huggingface.co"
LOGIN = {"uses": "org/hf-oidc-action@v1", "id": "hf", "with": {"resource": "acme/model"}}
PUSH = {"push": {"branches": ["main"]}}
CALLED = "on: workflow_call\njobs: {a: {steps: [{uses: org/hf-oidc-action@v1, with: {resource: acme/model}}]}}\n"


def report(document: object, called: str = "", repository: str = "acme/trainer") -> WorkflowReport:
    """The report of a workflow that is given as data; both renderings are made, too."""
    text_of_it = yaml.safe_dump(document, sort_keys=False)
    # The same file for every workflow that is called; of actions, none.
    found = examine(text_of_it, "publish.yml", repository, lambda path: called if "workflows" in path else "")
    assert "\n".join(text.workflow(found, HUB))
    assert json_report.workflow(found, HUB)["ok"] == (not found.fails)
    return found


def workflow(step: object = LOGIN, *more: object, on: object = PUSH, top: Any = None, **job: Any) -> dict[str, Any]:
    """A workflow without a mistake, but for what is given."""
    steps = [step, *more]
    job = {"runs-on": "ubuntu-latest", "permissions": {"id-token": "write"}, "steps": steps, **job}
    return {
        "on": on,
        **(top or {}),
        "jobs": {"publish": {name: part for name, part in job.items() if part is not None}},
    }


def codes(document: object, called: str = "") -> set[str]:
    """The codes of all findings."""
    return {finding.code for finding in report(document, called).all_findings}


def with_input(**inputs: object) -> dict[str, Any]:
    """A login step with other inputs."""
    given = {"resource": "acme/model", **{name.replace("_", "-"): value for name, value in inputs.items()}}
    return {**LOGIN, "with": given}


def test_a_workflow_without_a_mistake() -> None:
    """No finding at all."""
    assert codes(workflow()) == set()


MISSING = "id-token-permission-missing"
PERMISSIONS: list[tuple[dict[str, Any], set[str]]] = [
    (workflow(permissions=None), {MISSING}),
    (workflow(permissions={}), {MISSING}),
    (workflow(permissions="read-all"), {MISSING}),
    (workflow(permissions={"id-token": "read"}), {MISSING}),
    (workflow(permissions={"contents": "write"}, top={"permissions": "write-all"}), {MISSING}),
    (workflow(permissions=None, top={"permissions": {"contents": "read"}}), {MISSING}),
    (workflow(permissions="write-all"), set()),
    (workflow(permissions=None, top={"permissions": "write-all"}), set()),
    (workflow(permissions=None, top={"permissions": {"id-token": "write"}}), set()),
    (workflow(permissions=None, on="workflow_call"), {"callers-must-grant"}),
    (workflow(permissions={}, on="workflow_call"), {"callers-must-grant", MISSING}),
    (workflow(permissions=None, on=["release", "workflow_call"]), {"callers-must-grant", MISSING, "tags"}),
    (workflow(with_input(id_token="${{ steps.idp.outputs.jwt }}"), permissions=None), set()),
    (workflow(permissions=None, env={"HF_OIDC_ID_TOKEN": "${{ secrets.JWT }}"}), set()),
    (workflow({**LOGIN, "env": {"HF_OIDC_ID_TOKEN": "${{ secrets.JWT }}"}}, permissions=None), set()),
]


@pytest.mark.parametrize(("document", "expected"), PERMISSIONS)
def test_permissions(document: dict[str, Any], expected: set[str]) -> None:
    """A job's permissions replace the workflow's; without any there is none; another ID token needs none."""
    assert codes(document) == expected


CALLS = {"uses": "./.github/workflows/x.yml"}


@pytest.mark.parametrize(
    ("job", "called", "expected"),
    [
        (CALLS, CALLED, {"caller-does-not-grant"}),
        (CALLS, "on: workflow_call\njobs: {a: {steps: [{run: make}]}}\n", {"no-login"}),
        (CALLS, "on: push\njobs: {a: {steps: [{run: make}]}}\n", {"no-login", "not-reusable"}),
        (CALLS, "", {"called-unknown"}),
        ({"uses": "acme/x/.github/workflows/x.yml@v1"}, CALLED, {"called-unknown"}),
        ({**CALLS, "permissions": "write-all"}, CALLED, set()),
    ],
)
def test_callers(job: dict[str, Any], called: str, expected: set[str]) -> None:
    """Who calls a workflow that logs in must grant the permission."""
    assert codes({"on": PUSH, "jobs": {"call": job}}, called) == expected


SOFT = with_input(on_error="warn")
TAGS_TOO = {"several-branches", "tags-and-branches"}
TRIGGERS: list[tuple[object, dict[str, Any], set[str], tuple[str, str]]] = [
    ("workflow_dispatch", {}, {"any-ref"}, ("default", "")),
    ({"schedule": [{"cron": "0 0 * * *"}]}, {}, set(), ("default", "")),
    ({"push": {"branches": "main"}}, {}, set(), ("one", "main")),
    ({"push": {"branches": ["v*"]}}, {}, {"several-branches"}, ("several", "v*")),
    ({"push": {"branches": ["**"]}}, {}, {"several-branches"}, ("several", "any branch")),
    ({"push": None}, {}, TAGS_TOO, ("several", "any branch")),
    ({"push": None}, {"if": "github.ref == 'refs/heads/main'"}, set(), ("one", "main")),
    ({"push": None}, {"if": "github.ref_name == 'release'"}, set(), ("one", "release")),
    ({"push": None}, {"if": "startsWith(github.ref, 'refs/tags/v')"}, {"tags"}, ("none", "")),
    ({"push": {"tags": ["v*"]}}, {}, {"tags"}, ("none", "")),
    ({"push": {"tags": ["v*"], "branches": ["main"]}}, {}, {"tags-and-branches"}, ("one", "main")),
    ("release", {}, {"tags"}, ("none", "")),
    (["release", "workflow_dispatch"], {}, {"tags", "tags-and-dispatch"}, ("none", "")),
    (["release", "workflow_dispatch"], {"if": "github.event_name == 'release'"}, {"tags"}, ("none", "")),
    (["release", "workflow_dispatch"], {"if": "github.event_name != 'release'"}, {"any-ref"}, ("default", "")),
    ("pull_request", {}, {"pull-request"}, ("pull-request", "")),
    ("pull_request", {"steps": [SOFT]}, {"pull-request-soft"}, ("pull-request", "")),
    ("pull_request", {"if": "github.event_name == 'push'"}, {"never-reached"}, ("never", "")),
    (
        ["pull_request", "push"],
        {"if": "github.event_name == 'pull_request'"},
        {"pull-request"},
        ("pull-request", ""),
    ),
    (
        ["pull_request", "push"],
        {"if": "github.event.repository.private"},
        {"pull-request", *TAGS_TOO},
        ("several", "any branch"),
    ),
    (["pull_request", "push"], {"if": "github.event_name != 'pull_request'"}, TAGS_TOO, ("several", "any branch")),
    ({"push": None}, {"if": "!(github.ref == 'refs/heads/main')"}, TAGS_TOO, ("several", "any branch")),
    (
        {"push": None},
        {"if": "github.ref_name == 'a' || github.ref_name == 'b'"},
        {"several-branches"},
        ("several", "a, b"),
    ),
    ({"push": {"branches": ["\u200b"]}}, {}, {"several-branches"}, ("several", "any branch")),
    ("pull_request_target", {}, {"pull-request-target"}, ("pull-request", "")),
    ({"merge_group": {}, **PUSH}, {}, {"merge-queue"}, ("one", "main")),
    ("workflow_call", {}, {"callers-must-grant"}, ("caller", "")),
]


@pytest.mark.parametrize(("on", "job", "expected", "branch"), TRIGGERS)
def test_triggers(on: object, job: dict[str, Any], expected: set[str], branch: tuple[str, str]) -> None:
    """Which events have no branch, and which branch there is to enter."""
    found = report({**workflow(**job, on=on)} if "steps" not in job else workflow(SOFT, on=on))
    assert {finding.code for finding in found.all_findings} == expected
    assert (found.jobs[0].branch.kind, found.jobs[0].branch.name) == branch


STEPS: list[tuple[list[object], set[str]]] = [
    ([{"uses": "Org/HF-OIDC-Action@abc", "with": {"Resource": "acme/m"}}], set()),
    ([{"uses": "docker://ghcr.io/org/hf-oidc-action:v1", "with": {"resource": "acme/m"}}], set()),
    ([{"uses": "./", "with": {"resource": "acme/m"}}], set()),
    ([{"uses": "./native", "with": {"ressource": "acme/m"}}], {"unknown-input"}),
    ([{"uses": "./", "with": {"other": "acme/m"}}], {"no-login"}),
    ([{"uses": "org/hf-oidc-action@v1"}], {"no-resource"}),
    ([with_input(nonsense="x")], {"unknown-input"}),
    ([with_input(resource="${{ vars.R }}")], set()),
    ([with_input(resource="a//b")], {"invalid-resource"}),
    ([with_input(resource="A=acme/model\nB=datasets/acme/corpus\n")], set()),
    ([with_input(resource="A=acme/model\nB=a//b")], {"invalid-resource"}),
    ([with_input(resource="A=acme/model\nacme/other")], {"invalid-name"}),
    ([with_input(resource="PATH=acme/model")], {"invalid-name"}),
    ([with_input(resource="A=acme/model\nB=alice")], {"resource-is-user"}),
    ([with_input(**{"git-credentials": "true"})], set()),
    ([with_input(**{"git-credentials": "yes"})], {"invalid-input"}),
    ([with_input(resource="acme")], {"resource-is-user"}),
    ([with_input(resource=["acme/a"])], {"wrong-type"}),
    ([with_input(id_token="ey")], {"id-token-written-out"}),
    ([with_input(id_token="", hub_url="", timeout="", ca_bundle="x.pem")], set()),
    ([with_input(timeout=3600, export_env=False, hub_url="https://hub.example", audience="x")], set()),
    ([with_input(hub_url="http://huggingface.co")], {"invalid-input"}),
    ([with_input(audience="two words")], {"invalid-input"}),
    ([with_input(audience="me@corp.example")], {"own-audience"}),
    ([with_input(audience="sts.amazonaws.com")], {"other-audience"}),
    ([with_input(audience="https://huggingface.co", hub_url="https://hub.example")], {"other-audience"}),
    ([with_input(audience="https://huggingface.co", hub_url="${{ vars.HUB }}")], set()),
    ([with_input(resource="acme/a, acme/b")], {"invalid-name"}),
    ([with_input(resource="acme/m?x=1")], {"invalid-resource"}),
    ([LOGIN, {"run": "x", "env": {"A": "${{ steps.hf.outputs.token }}"}}], set()),
    ([LOGIN, {"run": "x", "env": {"A": "${{ steps.hf.outputs['token'] }}"}}], set()),
    ([LOGIN, {"run": "x ${{ steps.hf.outputs.tokens }}"}], {"token-in-script"}),
    ([LOGIN, {"uses": "a/b@v1", "with": {"a": ["${{ steps.hf.outputs.Token2 }}"]}}], {"unknown-output"}),
    ([SOFT, {"run": "x", "env": {"A": "${{ steps.hf.outputs.token }}"}}], {"token-unchecked"}),
    (
        [SOFT, {"if": "steps.hf.outcome", "run": "x", "env": {"A": "${{ steps.hf.outputs.token }}"}}],
        {"token-unchecked"},
    ),
    ([LOGIN, {"run": "x", "env": {"HF_TOKEN": "${{ secrets.T }}"}}], {"token-replaced"}),
    ([LOGIN, {"run": "x", "env": {"HF_TOKEN": ["x"]}}], set()),
    ([LOGIN, {"run": "x", "env": {"HF_OIDC_RESOURCE": "acme/m"}}], {"token-ignored"}),
    ([{"run": "x", "env": {"HF_OIDC_RESOURCE": "gpt2"}}], {"own-exchange", "resource-is-user"}),
    ([{"run": "x", "env": {"HF_OIDC_RESOURCE": ["x"]}}], {"own-exchange"}),
    ([LOGIN, {"name": ["x"], "env": "${{ fromJSON(vars.E) }}"}], {"wrong-type"}),
]


@pytest.mark.parametrize(("steps", "expected"), STEPS)
def test_steps(steps: list[object], expected: set[str]) -> None:
    """What is ours, what it is given, and what becomes of the token."""
    assert codes(workflow(*steps)) == expected


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", URL_FORMS)
def test_repeats_no_password(form: str, password: str) -> None:
    """Of a URL that the workflow writes out: wherever it stands, it is refused."""
    url = form.format(password)
    for step in (with_input(hub_url=url), with_input(audience=url), with_input(resource=url), with_input(timeout=url)):
        said = "\n".join(text.workflow(report(workflow(step)), HUB))
        assert "WRONG" in said
        assert not shows_password(said)


def test_a_runner_without_docker() -> None:
    """The Docker action needs Linux; the native one does not."""
    assert codes(workflow(**{"runs-on": ["macos-15"]})) == {"needs-linux"}
    assert codes(workflow(**{"runs-on": "ubuntu-slim"})) == {"needs-linux"}
    assert codes(workflow({**LOGIN, "uses": "org/hf-oidc-action/native@v1"}, **{"runs-on": "windows-11"})) == set()
    assert codes(workflow({**LOGIN, "uses": "./native"}, **{"runs-on": "macos-15"})) == set()


@pytest.mark.parametrize("jobs", [None, {}])
def test_a_workflow_without_a_job(jobs: object) -> None:
    """GitHub refuses the file; the job is likely one level too far left."""
    expected = {"wrong-type", "no-login", "unknown-key"}
    assert codes({"on": PUSH, "jobs": jobs, "publish": {"steps": [LOGIN]}}) == expected
    assert report({"on": PUSH, "jobs": jobs}).fails


def test_jobs_that_github_computes_are_left_alone() -> None:
    """As every other expression."""
    assert codes({"on": PUSH, "jobs": "${{ fromJSON(vars.JOBS) }}"}) == {"no-login"}


@pytest.mark.parametrize(
    "script",
    [
        "hf-oidc run acme/model -- hf upload acme/model .",
        "pip install x && hf-oidc token acme/model > t",
        "exec hf-oidc agent --token-file /t acme/model",
        'vars=$(hf-oidc env acme/model) || exit; eval "$vars"',
        "set -e\nhf-oidc env acme/model --format github\n",
    ],
)
def test_a_script_that_logs_in_needs_the_permission(script: str) -> None:
    """The job is one that logs in, with all that this means."""
    assert codes(workflow({"run": script})) == set()
    assert codes(workflow({"run": script}, permissions={"contents": "read"})) == {"id-token-permission-missing"}
    assert report(workflow({"run": script}, permissions=None)).fails
    assert codes(workflow({"run": script}, on="pull_request")) == {"pull-request"}
    soft = {"run": script, "if": "github.event_name != 'pull_request'"}
    assert codes(workflow(soft, on={**PUSH, "pull_request": None})) == set()


@pytest.mark.parametrize(
    "step",
    [
        {"run": "hf-oidc doctor"},
        {"run": "echo hf-oidc-runner"},
        {"run": "hf-oidc run --id-token-file t acme/model -- true"},
        {"run": "hf-oidc run --provider aws acme/model -- true"},
        {"run": "HF_OIDC_ID_TOKEN=$T hf-oidc run acme/model -- true"},
        {"run": "hf-oidc run acme/model -- true", "env": {"HF_OIDC_ID_TOKEN": "${{ secrets.T }}"}},
    ],
)
def test_a_script_that_needs_no_id_token_of_the_job(step: object) -> None:
    """It asks for none, or brings another one."""
    assert codes(workflow(step, permissions=None)) == {"no-login"}


@pytest.mark.parametrize(
    ("login", "reads", "expected"),
    [
        (None, "steps.hf.outputs.token", {"login-without-id"}),
        (None, "steps.hf.outputs['tokens']", {"login-without-id"}),
        (None, "steps.hf.outputs.version", set()),
        (None, "steps.build.outputs.token", set()),
        ("hf", "steps.hf.outputs.token", set()),
        ("hf", "steps.login.outputs.token", {"login-without-id"}),
    ],
)
def test_a_login_without_the_id_that_others_name(login: str | None, reads: str, expected: set[str]) -> None:
    """Their token would be empty. Other outputs are others'."""
    step = {**{key: value for key, value in LOGIN.items() if key != "id"}, **({"id": login} if login else {})}
    user = {"run": "x", "env": {"HF_TOKEN": f"${{{{ {reads} }}}}"}}
    assert codes(workflow({"run": "y", "id": "build"}, step, user)) == expected


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("org/hf-oidc-action", {"no-version"}),
        ("org/hf-oidc-action@", {"no-version"}),
        ("org/hf-oidc-action/native", {"no-version"}),
        ("org/hf-oidc-action@main", set()),
        ("./native", set()),
        ("./", set()),
        ("docker://ghcr.io/org/hf-oidc-action", set()),
        ("docker://ghcr.io/org/hf-oidc-action:v1", set()),
    ],
)
def test_the_version_of_the_action(uses: str, expected: set[str]) -> None:
    """GitHub takes no action of another repository without one; it is a login step all the same."""
    assert codes(workflow({**LOGIN, "uses": uses})) == expected


MATRIX = "${{ matrix.os }}"


@pytest.mark.parametrize(
    ("runs_on", "matrix", "expected"),
    [
        ({"labels": "macos-15"}, None, {"needs-linux"}),
        ({"group": "big", "labels": ["self-hosted", "windows-11"]}, None, {"needs-linux"}),
        ({"group": "big"}, None, set()),
        ({"labels": {"a": "b"}}, None, set()),
        (MATRIX, {"os": ["ubuntu-latest", "macos-15"]}, {"needs-linux"}),
        (MATRIX, {"os": ["ubuntu-latest", "ubuntu-24.04-arm"]}, set()),
        (MATRIX, {"include": [{"os": "ubuntu-latest"}, {"os": "windows-11"}]}, {"needs-linux"}),
        (MATRIX, {"include": ["os"], "os": "macos-15"}, set()),
        ({"labels": [MATRIX]}, {"os": ["macos-15"]}, {"needs-linux"}),
        (MATRIX, {"os": ["ubuntu-latest", "macos-15"], "exclude": [{"os": "macos-15"}]}, set()),
        (MATRIX, {"os": ["macos-15"], "n": [1, 2], "exclude": [{"os": "macos-15", "n": 1}]}, {"needs-linux"}),
        (MATRIX, {"os": ["macos-15"], "exclude": [{"os": "${{ vars.OS }}"}]}, {"needs-linux"}),
        ("${{matrix.build.os}}", {"build": [{"os": "macos-15"}, {"name": "x"}, "y"]}, {"needs-linux"}),
        (MATRIX, "${{ fromJSON(needs.a.outputs.b) }}", set()),
        (MATRIX, None, set()),
        ("${{ inputs.runner }}", None, set()),
    ],
)
def test_runners_behind_labels_and_a_matrix(runs_on: object, matrix: object, expected: set[str]) -> None:
    """What GitHub computes while the workflow runs is left alone."""
    strategy = {"strategy": {"matrix": matrix}} if matrix else {}
    assert codes(workflow(**{"runs-on": runs_on}, **strategy)) == expected
    assert codes(workflow({**LOGIN, "uses": "./native"}, **{"runs-on": runs_on}, **strategy)) == set()


KEPT = with_input(export_env=False)
UPLOAD = {"run": "pip install x\nhf upload acme/model ."}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([KEPT, UPLOAD], {"token-not-exported"}),
        ([{**KEPT, "id": "login"}, {"run": 'curl -H "$HF_TOKEN"'}], {"token-not-exported"}),
        ([KEPT, {"run": "x ${HF_TOKEN}"}], {"token-not-exported"}),
        ([KEPT, {"uses": "a/b@v1", "with": {"t": "${{ env.HF_TOKEN }}"}}], {"token-not-exported"}),
        ([KEPT, {**UPLOAD, "env": {"HF_TOKEN": "${{ steps.hf.outputs.token }}"}}], set()),
        ([KEPT, {"run": "echo half the HF_TOKENS"}], set()),
        ([KEPT, {**UPLOAD, "if": "steps.hf.outputs.authenticated != 'true'"}], set()),
        ([KEPT, {"uses": "a/b@v1", "with": {"t": ["x"]}}], set()),
        ([UPLOAD, KEPT], {"token-before-login"}),
        ([{**KEPT, "id": "first"}, LOGIN, UPLOAD], set()),
        ([LOGIN, UPLOAD], set()),
        ([with_input(export_env="${{ inputs.e }}"), UPLOAD], set()),
    ],
)
def test_a_token_that_is_not_exported(steps: list[object], expected: set[str]) -> None:
    """After `export-env: false` a step has to be handed the token."""
    assert codes(workflow(*steps)) == expected
    assert codes(workflow(*steps, env={"HF_TOKEN": "${{ vars.T }}"})) == set()


def test_a_token_for_another_job() -> None:
    """GitHub drops it; another output of ours may cross."""
    assert codes(workflow(outputs={"t": "${{ steps.hf.outputs.token }}"})) == {"token-across-jobs"}
    assert (
        codes(workflow(outputs={"t": "${{ steps.hf.outputs.expires-at }}", "u": "${{ steps.x.outputs.token }}"}))
        == set()
    )


@pytest.mark.parametrize("on", [[["push"]], "", {"a": {}, "b": []}.__class__])
def test_a_wrong_on(on: object) -> None:
    """`on:` is an event, a list or a block."""
    document = workflow(on=on if not isinstance(on, type) else [])
    assert "wrong-type" in codes(document)


@pytest.mark.parametrize("environment", ["release", {"name": "release", "url": "https://x"}])
def test_the_environment_is_told(environment: object) -> None:
    """As a name, or as a block with one."""
    found = report(workflow(environment=environment))
    assert found.jobs[0].environment == "release"
    assert "environment release" in "\n".join(text.workflow(found, HUB))
    assert report(workflow(environment=["x"])).jobs[0].environment == ""


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/acme/trainer", "acme/trainer"),
        ("https://github.com/acme/trainer.git/", "acme/trainer"),
        ("https://x-access-token:ghs_secret@github.com/acme/trainer.git\n", "acme/trainer"),
        ("git@github.com:acme/trainer.js.git", "acme/trainer.js"),
        ("ssh://git@github.com/acme/trainer.git", "acme/trainer"),
        ("ssh://git@ssh.github.com:443/acme/trainer.git", "acme/trainer"),
        ("https://github.com.evil.example/acme/trainer", ""),
        ("https://gitlab.com/acme/trainer", ""),
        ("https://github.com/acme", ""),
        ("", ""),
    ],
)
def test_remotes(remote: str, expected: str) -> None:
    """The forms of github.com's remotes; of anything else, nothing."""
    assert github_repository(remote) == expected


def test_inputs_and_outputs_are_those_of_the_action() -> None:
    """Names, order and defaults of action.yml."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert [*action["inputs"]] == [*INPUTS]
    assert {name: given.get("default", "") for name, given in action["inputs"].items()} == {
        name: setting.default for name, setting in INPUTS.items()
    }
    assert tuple(action["outputs"]) == OUTPUTS


VALUES = ["", "true", "True", "yes", "FALSE", "fail", "warn", "0", "1", "60", "0060", "3600", "3601", "1m", "a b", "é"]
VALUES += [HUB, "http://localhost:1", "http://a.example", "acme/m", "acme", "models/acme/m", "٣"]
# White space and signs that look like none, or like others; numbers that a lenient reader takes.
VALUES += [
    "00060",
    "0" * 50 + "60",
    "9" * 5000,
    "+60",
    "6_0",
    " 60 ",
    "60\u00a0",
    "6\n0",
    "1e1",
    "0x3c",
    "60.0",
    "-1",
    "²",
]
VALUES += ["a\u00a0b", "a\u2009b", "a\u200bb", "a\tb", "a\x7fb", "\u00a0", "\u202ea", "a" * 1000, "a" * 1001, "\uff41"]
VALUES += [
    "on",
    "Warn",
    "fail\n",
    "tru\u0435",
    "None",
    "https://svc:pw@hub.example",
    "https://hub.example/?a",
    "https://",
]
VALUES += ["A=acme/m", "A=acme/m\nB=acme/n", "A=acme/m\nacme/n", "A=acme/m\na=acme/n", "PATH=acme/m"]


@pytest.mark.parametrize("name", [name for name in INPUTS if name != "id-token"])
@pytest.mark.parametrize("value", VALUES)
def test_literal_values_are_judged_as_the_action_does(name: str, value: str) -> None:
    """An error here is an error there, and the other way round."""
    given = {"resource": "acme/model", name: value}
    found = report(workflow({**LOGIN, "with": given}))
    try:
        Inputs.read({f"INPUT_{key.upper()}": text for key, text in given.items()})
    except UsageError:
        assert found.fails
    else:
        assert not found.fails


@pytest.mark.parametrize("name", [name for name in INPUTS if name != "resource"])
@pytest.mark.parametrize("value", ["${{ inputs.x }}", "a b ${{ x }}", "${{ vars.A }} ${{ vars.B }}", "00${{ x }}"])
def test_what_github_computes_is_unknown_and_not_wrong(name: str, value: str) -> None:
    """Whatever stands around an expression."""
    assert not report(workflow({**LOGIN, "with": {"resource": "acme/model", name: value}})).fails


@pytest.mark.parametrize(("name", "option"), [("hub-url", "hub_url"), ("audience", "audience"), ("timeout", "timeout")])
@pytest.mark.parametrize("value", [value for value in VALUES if value == value.strip()])
def test_options_are_judged_as_the_inputs_are(name: str, option: str, value: str) -> None:
    """The same text is wrong for both, or says the same to both; the command's words name the option."""
    options = {"provider": None, "hub_url": "", "audience": "", "id_token_file": "", "ca_bundle": "", "timeout": "60"}
    try:
        action = Inputs.read({"INPUT_RESOURCE": "acme/model", f"INPUT_{name.upper()}": value})
    except UsageError as error:
        with pytest.raises(type(error)) as caught:
            Settings.read({**options, option: value}, {})
        assert caught.value.what == error.what.replace(f"`{name}`", f"`--{name}`")
    else:
        assert getattr(Settings.read({**options, option: value}, {}), option) == getattr(action, option)


def test_every_finding_has_its_words() -> None:
    """Each code that a module names, and no other."""
    folder = ROOT / "src" / "hf_oidc" / "doctor" / "workflow"
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    assert {code for code in WORDS if f'"{code}"' in source} == set(WORDS)


def test_a_bug_of_ours_ends_without_a_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    """The place is told, the value is not."""

    def buggy() -> None:
        raise ValueError("a token")

    assert guarded(buggy) == 1
    said = capfd.readouterr().err
    assert "ValueError in" in said
    assert "a token" not in said
    assert guarded(lambda: None) == 0


KEYS = st.sampled_from(
    [
        "on",
        "jobs",
        "permissions",
        "env",
        "steps",
        "with",
        "uses",
        "id",
        "if",
        "run",
        "outputs",
        "environment",
        "runs-on",
        "name",
        "push",
        "branches",
        "tags",
        "pull_request",
        "release",
        "resource",
        "HF_OIDC_RESOURCE",
        "HF_TOKEN",
        "a",
    ]
)
TEXTS = st.sampled_from(
    ["org/hf-oidc-action@v1", "./", "hf", "acme/m", "${{ steps.hf.outputs.token }}", "write", "{x}", "push", "\u202e"]
)
VALUES_OF_YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6),
    max_leaves=30,
)
STEP = st.fixed_dictionaries({}, optional=dict.fromkeys(("uses", "with", "env", "run", "id", "if"), VALUES_OF_YAML))
JOB = st.fixed_dictionaries(
    {"steps": st.lists(STEP | st.just(LOGIN) | VALUES_OF_YAML, max_size=4) | VALUES_OF_YAML},
    optional=dict.fromkeys(("permissions", "env", "outputs", "environment", "uses", "runs-on", "if"), VALUES_OF_YAML),
)
WORKFLOWS = st.fixed_dictionaries(
    {"on": VALUES_OF_YAML | st.just(PUSH), "jobs": st.dictionaries(KEYS, JOB | VALUES_OF_YAML, max_size=3)},
    optional={"permissions": VALUES_OF_YAML, "env": VALUES_OF_YAML},
)


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ("!cancelled()", 4),
        ("!cancelled() && github.ref_name == 'main'", 4),
        ("!contains(github.ref, 'x')", 4),
        ("!failure", 4),
        ("${{ !cancelled() }}", None),
        ("'!cancelled()'", None),
        ('"!cancelled()"', None),
        ("(!cancelled())", None),
        ("!!str always()", None),
    ],
)
def test_a_value_that_yaml_reads_as_a_tag(condition: str, line: int | None) -> None:
    """GitHub knows no tags, and without one, the condition would be empty."""
    text = f"on: push\njobs:\n  a:\n    if: {condition}\n    runs-on: ubuntu-latest\n    steps: []\n"
    try:
        examine(text, "x.yml", "", lambda _: "")
    except UnreadableYaml as refusal:
        assert (refusal.line, " tag" in refusal.what) == (line, True)
    else:
        assert line is None


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(WORKFLOWS | VALUES_OF_YAML)
def test_any_document_gives_a_report_or_a_clear_refusal(document: object) -> None:
    """Nothing that YAML can hold makes the analysis or the renderings fail."""
    try:
        report(document)
    except UnreadableYaml as refusal:
        assert refusal.what


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("on: jobs[]{}-&*a!|>\n\t\"'%?,~#@`\x00\ufeff\ud800")), max_size=60))
def test_any_text_gives_a_report_or_a_clear_refusal(text: str) -> None:
    """Nor does any text."""
    try:
        examine(text, "x.yml", "", lambda _: text)
    except UnreadableYaml as refusal:
        assert refusal.what


BRANCHES = {"push": {"branches": ["**"]}}


@pytest.mark.parametrize(
    ("on", "step", "expected"),
    [
        (BRANCHES, "uses: org/hf-oidc-action@v1, with: {resource: acme/model}", {"several-branches"}),
        (
            {**BRANCHES, "pull_request": None},
            "uses: org/hf-oidc-action@v1, with: {resource: acme/model}",
            {"several-branches", "pull-request"},
        ),
        (
            {**BRANCHES, "pull_request": None},
            "uses: org/hf-oidc-action@v1, with: {resource: acme/model, on-error: warn}",
            {"several-branches", "pull-request-soft"},
        ),
        (
            {**BRANCHES, "pull_request": None},
            "uses: org/hf-oidc-action@v1, with: {resource: acme/model}, continue-on-error: true",
            {"several-branches", "pull-request-soft"},
        ),
    ],
)
def test_a_caller_is_judged_by_its_own_triggers(on: object, step: str, expected: set[str]) -> None:
    """A reusable workflow's ID token has the ref of the workflow that calls it."""
    called = f"on: workflow_call\njobs: {{a: {{steps: [{{{step}}}]}}}}\n"
    found = report({"on": on, "jobs": {"call": {**CALLS, "permissions": "write-all"}}}, called)
    assert {finding.code for finding in found.all_findings} == expected
    assert found.jobs[0].branch.kind == "several"


def test_a_variable_of_the_whole_workflow_is_no_error_in_a_job_that_does_not_use_it() -> None:
    """It reaches every job; a job that only lints need not be allowed anything."""
    jobs = {"lint": {"runs-on": "ubuntu-latest", "steps": [{"run": "ruff check"}]}}
    found = report({"on": PUSH, "env": {"HF_OIDC_RESOURCE": "acme/m"}, "jobs": jobs})
    assert {each.severity for each in found.all_findings if each.code == "id-token-permission-missing"} == {"warning"}
    assert not found.fails


@pytest.mark.parametrize(
    ("run", "ignored"),
    [
        ('echo "HF_OIDC_RESOURCE=acme/m" >> "$GITHUB_ENV"', True),
        ('true\necho "HF_OIDC_RESOURCE=acme/m" >> "$GITHUB_ENV"', True),
        ('HF_OIDC_RESOURCE=acme/m python x.py\necho x=1 >> "$GITHUB_ENV"', False),
        ('echo "$GITHUB_ENV"; HF_OIDC_RESOURCE=acme/m python x.py', False),
        # Searched once, and not from each place where it is set.
        ("HF_OIDC_RESOURCE=x " * 20_000, False),
    ],
)
def test_a_line_that_sets_the_variable_for_later_steps(run: str, ignored: bool) -> None:
    """On one line, the variable before the runner's file."""
    assert ("token-ignored" in codes(workflow(LOGIN, {"run": run}))) == ignored
