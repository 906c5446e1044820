"""`--migrate`: a table of workflows in tests/migrate, with what is shown of each in tests/golden/migrate.

`UPDATE_GOLDEN=1` writes the golden texts anew, and the difference is then read like code.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_oidc.doctor import json_report, text
from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.migration.migrate import migrate
from hf_oidc.doctor.workflow.migration.result import Migration
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "tests" / "migrate").glob("*.yml"))
GOLDEN = ROOT / "tests" / "golden" / "migrate"
HUB = "https://huggingface.co"
# Findings that a file with a login has and one without has not: they are about its `on:`.
ABOUT_RUNS = {"any-ref", "tags-and-branches", "pull-request-soft"}


@functools.cache
def migrated(workflow: str, resource: str = "") -> Migration:
    """The migration of a workflow; both renderings are made, too."""
    found = migrate(workflow, "publish.yml", "acme/trainer", lambda _: "", resource)
    assert "\n".join(text.migration(found, "publish.yml", HUB, written=False))
    assert json_report.migration(found, "publish.yml", HUB, written=False)["ok"] == found.is_complete
    return found


def read(path: Path) -> str:
    """The workflow of the table."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_shown(path: Path) -> None:
    """The diff, what is left to do, and the publisher are those of the golden text."""
    found = migrate(read(path), path.name, "acme/trainer", lambda _: "")
    shown = "\n".join(text.migration(found, path.name, HUB, written=False)) + "\n"
    golden = GOLDEN / f"{path.stem}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_every_golden_text_has_its_workflow() -> None:
    """No text is left over."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_second_time(path: Path) -> None:
    """Nothing is left to change in the result, and the same is left to do by hand."""
    first = migrated(read(path))
    second = migrated(first.changed)
    assert (second.edits, second.changed) == ((), first.changed)
    left = [[each.code for each in found.remarks if each.kind != "note"] for found in (first, second)]
    assert left[0] == left[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_doctor_finds_nothing_new(path: Path) -> None:
    """The result has no finding that the file had not, but those about its events, and about a secret that is left."""
    found = migrated(read(path))
    before = {each.code for each in examine(read(path), path.name, "acme/trainer", lambda _: "").all_findings}
    left = {"secret-in-use", "secret-remains"} if any(each.kind != "note" for each in found.remarks) else set()
    assert {each.code for each in found.report.all_findings} - before <= ABOUT_RUNS | left


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_diff_gives_the_result(path: Path) -> None:
    """A program that applies the diff to the file has the changed file."""
    found = migrated(read(path))
    assert patched(found.text, list(found.diff("publish.yml"))) == found.changed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_comments_stay(path: Path) -> None:
    """Every line that is only a comment is in the result, in the same order."""
    found = migrated(read(path))
    comments = [line for line in found.text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in found.changed.splitlines() if line.lstrip().startswith("#")] == comments


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_line_ends_stay(path: Path) -> None:
    """Lines that end in CR LF, and a last line without an end, change in the same way."""
    found = migrated(read(path))
    windows = migrated(found.text.replace("\n", "\r\n"))
    assert windows.changed == found.changed.replace("\n", "\r\n")
    open_end = migrated(found.text.rstrip("\n"))
    assert open_end.changed == found.changed.rstrip("\n")
    for each in (windows, open_end):
        assert patched(each.text, list(each.diff("publish.yml"))) == each.changed


@pytest.mark.process
def test_github_accepts_the_results(tmp_path: Path) -> None:
    """Each result is a workflow by GitHub's schema."""
    for path in FILES:
        (tmp_path / path.name).write_text(migrated(read(path)).changed, encoding="utf-8")
    program = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.github-workflows", *sorted(tmp_path.iterdir())],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


PUBLISH = """on: {push: {branches: [main]}}
permissions: {contents: read, id-token: write}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
"""
UPLOAD = "hf upload acme/model ."
SECRET = "${{ secrets.HF_TOKEN }}"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"{UPLOAD} --token {SECRET}", UPLOAD),
        (f'{UPLOAD} --token="{SECRET}" --quiet', f"{UPLOAD} --quiet"),
        (f"export HF_TOKEN={SECRET} && {UPLOAD}", UPLOAD),
        (f"HF_TOKEN={SECRET} {UPLOAD}", UPLOAD),
        (f"hf auth login --token {SECRET} && {UPLOAD}", UPLOAD),
        (f"{UPLOAD} && hf auth login --token {SECRET}", UPLOAD),
        (f"{UPLOAD}; docker run -e HF_TOKEN={SECRET} image", f"{UPLOAD}; docker run -e HF_TOKEN=$HF_TOKEN image"),
        (f"{UPLOAD} && python tag.py --token {SECRET}", f"{UPLOAD} && python tag.py --token $HF_TOKEN"),
        (
            f"git push https://acme:{SECRET}@huggingface.co/acme/model main",
            "git push https://huggingface.co/acme/model main",
        ),
        (f"git push https://{SECRET}@hf.co/acme/model main", "git push https://hf.co/acme/model main"),
    ],
)
@pytest.mark.parametrize("quote", ["", "'"])
def test_scripts(script: str, expected: str, quote: str) -> None:
    """The secret goes from a script of one line, with quotes around it and without."""
    found = migrated(f"{PUBLISH}      - run: {quote}{script}{quote}\n")
    assert found.changed.endswith(f"      - run: {quote}{expected}{quote}\n"), found.remarks


@pytest.mark.parametrize(
    ("shell", "reference"), [("bash", "$HF_TOKEN"), ("pwsh", "$env:HF_TOKEN"), ("cmd", "%HF_TOKEN%"), ("python", "")]
)
def test_each_shell_reads_the_variable_in_its_way(shell: str, reference: str) -> None:
    """Where the token is passed on, the variable takes the place of the secret; Python has no such place."""
    found = migrated(f'{PUBLISH}      - shell: {shell}\n        run: hf-tool "{SECRET}"\n', "acme/model")
    assert (f'hf-tool "{reference}"' in found.changed) == bool(reference)
    assert [each.code for each in found.remarks if each.kind == "to-do"] == ([] if reference else ["script"])


WITH_LOGIN = f"{PUBLISH}      - uses: org/hf-oidc-action@v1\n        with: {{resource: acme/model}}\n"
ENV = f"        env: {{HF_TOKEN: '{SECRET}'}}\n"
TOKEN = f"--token {SECRET}"
LEFT: list[tuple[str, str, set[tuple[str, str]]]] = [
    ("a target that is not named", f"{PUBLISH}      - run: python a.py\n{ENV}", {("to-do", "unknown-resource")}),
    (
        "two targets in a step",
        f"{PUBLISH}      - run: {UPLOAD} && hf upload acme/other .\n{ENV}",
        {("to-do", "several-targets")},
    ),
    (
        "a secret in single quotes",
        f"{PUBLISH}      - run: |\n          {UPLOAD}\n          echo '{SECRET}'\n",
        {("to-do", "script")},
    ),
    (
        "a secret in a here-document",
        f"{PUBLISH}      - run: |\n          {UPLOAD} <<'E'\n          {SECRET}\n          E\n",
        {("to-do", "script")},
    ),
    ("reads something else", f"{PUBLISH}      - run: hf download other/gated\n{ENV}", {("to-do", "reads")}),
    (
        "an action of the repository",
        f"{PUBLISH}      - uses: ./publish\n        with: {{hf_token: '{SECRET}'}}\n",
        {("to-do", "local-action")},
    ),
    (
        "creates the repository",
        f"{PUBLISH}      - run: hf repo create acme/model\n{ENV}",
        {("kept", "still-needed")},
    ),
    (
        "another repository than the login's",
        f"{WITH_LOGIN}      - run: hf upload acme/other . {TOKEN}\n",
        {("kept", "another-repository")},
    ),
    (
        "a login that comes too late",
        f"{PUBLISH}      - run: {UPLOAD} {TOKEN}\n{WITH_LOGIN.removeprefix(PUBLISH)}",
        {("to-do", "before-login")},
    ),
    (
        "huggingface_hub logs in by itself",
        f"{PUBLISH}      - run: {UPLOAD}\n        env: {{HF_OIDC_RESOURCE: acme/model, HF_TOKEN: '{SECRET}'}}\n",
        {("to-do", "own-exchange")},
    ),
    (
        "conditions that mean something else earlier",
        PUBLISH + "".join(f"      - {{if: {when}(), run: '{UPLOAD} {TOKEN}'}}\n" for when in ("always", "failure")),
        {("to-do", "condition")},
    ),
    (
        "a condition that also tests the secret",
        f"{PUBLISH}      - run: {UPLOAD}\n        if: env.HF_TOKEN && github.ref == 'x'\n{ENV}",
        {("to-do", "condition")},
    ),
]


@pytest.mark.parametrize(("workflow", "expected"), [row[1:] for row in LEFT], ids=[row[0] for row in LEFT])
def test_what_is_left_as_it_is(workflow: str, expected: set[tuple[str, str]]) -> None:
    """The file stays as it is, and the user learns why."""
    found = migrated(workflow)
    assert found.changed == workflow
    assert {(each.kind, each.code) for each in found.remarks} == expected


JOBS: list[tuple[str, str, set[str]]] = [
    (
        "a variable of the job that only a program may read",
        f"env: {{HF_TOKEN: '{SECRET}'}}\n    steps: [{{run: python a.py}}]",
        {"unknown-variable"},
    ),
    (
        "a step that needs the variable of the job",
        f"env: {{HF_TOKEN: '{SECRET}'}}\n    steps: [{{run: hf repo create acme/model}}, {{run: {UPLOAD}}}]",
        {"still-needed", "inherits"},
    ),
    (
        "another name at the job that a step reads",
        f"env: {{MY_HF_TOKEN: '{SECRET}'}}\n    steps: [{{run: {UPLOAD} --token $MY_HF_TOKEN}}]",
        {"other-variable"},
    ),
    (
        "a container",
        f"container: {{image: i, env: {{HF_TOKEN: '{SECRET}'}}}}\n    steps: [{{run: {UPLOAD}}}]",
        {"container"},
    ),
    ("no mapping", f'permissions:\n    steps: [{{run: "{UPLOAD} --token {SECRET}"}}]', {"not-editable"}),
]


@pytest.mark.parametrize(("job", "expected"), [row[1:] for row in JOBS], ids=[row[0] for row in JOBS])
def test_jobs_that_stay_as_they_are(job: str, expected: set[str]) -> None:
    """What the job sets for all its steps stays if it is not known who reads it."""
    workflow = f"on: push\njobs:\n  publish:\n    runs-on: ubuntu-latest\n    {job}\n"
    found = migrated(workflow)
    assert found.changed == workflow
    assert {each.code for each in found.remarks} == expected


def workflow(*steps: str, on: str = "push: {branches: [main]}", top: str = "", job: str = "") -> str:
    """A workflow with one job, which may request an ID token unless `top` has permissions."""
    rights = "" if "permissions" in top else "permissions: {contents: read, id-token: write}\n"
    written = "".join(f"      {step}\n" for step in steps)
    return f"on: {{{on}}}\n{rights}{top}jobs:\n  publish:\n    runs-on: ubuntu-latest\n{job}    steps:\n{written}"


STEP = f"- run: {UPLOAD} {TOKEN}"
ROWS = "    strategy: {matrix: {x: [a, b]}}\n"
THIRD = "  third:\n    permissions: *r\n    runs-on: u\n    steps: [{run: make}]\n"
CHANGES: list[tuple[str, str, str]] = [
    (
        "a permission that is denied",
        workflow(STEP, top="permissions: {id-token: none}\n"),
        "permissions: {id-token: write}",
    ),
    (
        "permissions that an alias uses too",
        workflow(STEP, top="permissions: &r {contents: read}\n") + THIRD,
        "    runs-on: ubuntu-latest\n    permissions:\n      contents: read\n      id-token: write\n",
    ),
    (
        "two steps that only log in",
        workflow(f"- run: hf auth login {TOKEN}", f"- run: hf auth login {TOKEN}", f"- run: {UPLOAD}"),
        f"          resource: acme/model\n      - run: {UPLOAD}\n",
    ),
    (
        "a login that sets no variable",
        workflow(
            "- uses: org/hf-oidc-action@v1\n        with: {resource: acme/model, export-env: false}",
            f"- run: {UPLOAD} {TOKEN}\n        env: {{A: b}}",
        ),
        'env: {A: b, HF_TOKEN: "${{ steps.hf.outputs.token }}"}',
    ),
    (
        "a login with an expression",
        workflow("- uses: org/hf-oidc-action@v1\n        with: {resource: '${{ vars.M }}'}", STEP),
        STEP,
    ),
    (
        "a login with a wrong resource",
        workflow("- uses: org/hf-oidc-action@v1\n        with: {resource: 'https://x'}", STEP),
        STEP,
    ),
    (
        "the last line of a block",
        workflow(f"- run: |-\n          {UPLOAD}\n          hf auth login {TOKEN}"),
        f"      - run: |-\n          {UPLOAD}\n",
    ),
    (
        "a login inside of parallel steps",
        workflow(f"- parallel:\n          - run: hf auth login {TOKEN}\n          - run: {UPLOAD} {TOKEN}"),
        f"          resource: acme/model\n      - parallel:\n          - run: {UPLOAD}\n",
    ),
    (
        "a user name that is a secret too",
        workflow(f"- run: git push https://${{{{ secrets.HF_USERNAME }}}}:{SECRET}@huggingface.co/acme/model main"),
        "- run: git push https://huggingface.co/acme/model main\n",
    ),
    (
        "a remote in a script of several lines",
        workflow(
            "- run: |",
            f"    git remote add hub \\\n            https://u:{SECRET}@hf.co/acme/model",
            "    git push hub",
        ),
        '          git-credentials: "true"\n      - run: |\n          git remote add hub \\\n            https://hf.co/',
    ),
    (
        "another Hub",
        workflow(f"{STEP}\n        env: {{HF_ENDPOINT: 'https://hub.example.com'}}"),
        "          resource: acme/model\n          hub-url: https://hub.example.com\n",
    ),
    (
        "an option on the third line",
        workflow(f"- run: |\n          {UPLOAD} \\\n            --quiet \\\n            {TOKEN}\n"),
        f"          {UPLOAD} \\\n            --quiet\n",
    ),
    (
        "a resource from env and the matrix",
        workflow(f"- run: hf upload $M . {TOKEN}", job=ROWS + "    env: {M: 'acme/${{ matrix.x }}'}\n"),
        "          resource: acme/${{ matrix.x }}\n",
    ),
    (
        "two repositories in each row",
        workflow(f"- run: hf upload acme/${{{{ matrix.x }}}} . {TOKEN} && hf upload acme/c .", job=ROWS),
        f" {TOKEN} && hf upload acme/c .\n",
    ),
    (
        "a variable at the top that nothing reads",
        workflow("- run: make", top=f"env: {{HF_TOKEN: '{SECRET}'}}\n"),
        f"env: {{HF_TOKEN: '{SECRET}'}}\n",
    ),
    (
        "a condition with an alternative, in pull requests",
        workflow(f"{STEP}\n        if: github.actor == 'a' || github.actor == 'b'", on="pull_request: "),
        "        if: (github.actor == 'a' || github.actor == 'b') && steps.hf.outputs.authenticated == 'true'\n",
    ),
    (
        "a condition in pull requests",
        workflow(f"{STEP}\n        if: ${{{{ github.actor == 'a' }}}}", on="pull_request: "),
        "        if: github.actor == 'a' && steps.hf.outputs.authenticated == 'true'\n",
    ),
    (
        "an id that another step has",
        workflow(
            "- id: hf\n        run: make",
            f"- uses: a/hf-sync@v1\n        with: {{hf_token: '{SECRET}', repo_id: acme/demo}}",
        ),
        "        id: hf-login\n",
    ),
]


@pytest.mark.parametrize(("workflow", "expected"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_becomes_of_it(workflow: str, expected: str) -> None:
    """The changed file has the expected lines."""
    found = migrated(workflow)
    assert expected in found.changed, found


def test_several_hubs() -> None:
    """One login is for one Hub."""
    found = migrated(workflow(f"{STEP}\n        env: {{HF_ENDPOINT: 'https://hub.example.com'}}", STEP))
    assert [each.code for each in found.remarks] == ["several-hubs"]


def test_a_workflow_that_others_call() -> None:
    """Its callers have to change too."""
    found = migrated(workflow(STEP, on="workflow_call: {secrets: {hf_token: {required: true}}}"))
    assert {"callers", "delete-secret"} == {each.code for each in found.remarks}


def test_a_composite_action_that_uses_the_variable_of_the_job() -> None:
    """An action of the repository is another file."""
    action = f"runs:\n  using: composite\n  steps:\n    - {{shell: bash, run: '{UPLOAD}'}}\n"
    text_of_file = workflow("- uses: ./upload", job=f"    env: {{HF_TOKEN: '{SECRET}'}}\n")
    found = migrate(text_of_file, "publish.yml", "", lambda path: action if path == "upload/action.yml" else "")
    assert found.changed == text_of_file
    assert {each.code for each in found.remarks} == {"local-action"}


def test_a_job_that_only_logs_in() -> None:
    """Nothing shows for which repository."""
    found = migrated(workflow(f"- run: hf auth login {TOKEN}"))
    assert [each.code for each in found.remarks] == ["unknown-resource"]
    assert "resource: acme/model\n" in migrated(found.text, "acme/model").changed


def test_a_step_that_reads_the_repository_that_the_user_names() -> None:
    """The login is for that one."""
    fetch = "git remote add hub https://u:$HF_TOKEN@huggingface.co/spaces/acme/demo && git fetch hub"
    found = migrated(workflow(f"- run: {fetch}\n        {ENV.strip()}"), "spaces/acme/demo")
    assert found.is_complete
    assert "resource: spaces/acme/demo\n" in found.changed


def test_another_job_that_uses_the_hub() -> None:
    """The variable of the workflow stays for a job whose repository is not known."""
    other = "  other:\n    runs-on: u\n    steps: [{run: hf upload $NAME .}]\n"
    found = migrated(workflow(f"- run: {UPLOAD}", top=f"env: {{HF_TOKEN: '{SECRET}'}}\npermissions: {{}}\n") + other)
    assert found.jobs == ("publish",)
    assert {"workflow-variable", "unknown-resource"} <= {each.code for each in found.remarks}


def test_a_change_that_would_give_an_error() -> None:
    """An edit after which the doctor finds a new error is not offered."""
    rows = ROWS.replace("[a, b]", "['https://a', b]")
    found = migrated(workflow(f"- run: python a.py\n        {ENV.strip()}", job=rows), "${{ matrix.x }}")
    assert found.changed == found.text
    assert [each.code for each in found.remarks] == ["not-editable"]


def test_a_called_workflow_that_gets_every_secret() -> None:
    """The secret is needed by the called workflow, if that uses one."""
    called = f"on: workflow_call\njobs:\n  a:\n    runs-on: u\n    steps:\n      - run: {UPLOAD} {TOKEN}\n"
    workflow = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/x.yml\n    secrets: inherit\n"
    for text_of_called, codes in ((called, ["called-workflow"]), (called.replace(TOKEN, ""), []), ("", [])):
        found = migrate(workflow, "publish.yml", "", {".github/workflows/x.yml": text_of_called}.__getitem__)
        assert [each.code for each in found.remarks] == codes


def test_many_variables_for_many_jobs() -> None:
    """Takes no time: nobody writes such a file."""
    variables = "".join(f"  HF_TOKEN_{at}: ${{{{ secrets.HF_TOKEN_{at} }}}}\n" for at in range(80))
    jobs = "".join(f"  j{at}:\n    runs-on: u\n    steps: [{{run: make}}]\n" for at in range(80))
    found = migrated(f"on: push\nenv:\n{variables}jobs:\n{jobs}")
    assert [each.code for each in found.remarks] == ["too-large"]


def test_a_named_resource() -> None:
    """The user names the resource of a step that does not show it."""
    workflow = f"{PUBLISH}      - run: python a.py\n        env: {{HF_TOKEN: '{SECRET}'}}\n"
    assert "resource: datasets/acme/corpus\n" in migrated(workflow, "datasets/acme/corpus").changed


def test_an_action_of_the_repository_that_was_read() -> None:
    """What its steps do counts as what the step does that uses it."""
    action = f"runs:\n  using: composite\n  steps: [{{shell: bash, run: {UPLOAD}}}]\n"
    workflow = f"on: push\njobs:\n  a:\n    env: {{HF_TOKEN: '{SECRET}'}}\n    steps: [{{uses: ./publish}}]\n"
    found = migrate(workflow, "publish.yml", "acme/trainer", lambda _: action)
    assert [each.code for each in found.remarks] == ["local-action"]


def test_a_git_url_with_a_value_of_the_matrix() -> None:
    """The login names the repository of its row, as the URL does."""
    push = "git push https://u:$HF_TOKEN@huggingface.co/datasets/acme/${{ matrix.name }} main"
    step = f"      - run: {push}\n        env: {{HF_TOKEN: '{SECRET}'}}\n"
    matrix = "    strategy: {matrix: {name: [one, two]}}\n    steps:\n"
    found = migrated(PUBLISH.replace("    steps:\n", matrix) + step)
    assert "resource: datasets/acme/${{ matrix.name }}\n" in found.changed
    assert found.is_complete


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028"])
def test_other_line_ends(end: str) -> None:
    """What PyYAML alone takes for the end of a line is left as it is."""
    workflow = f"{PUBLISH}      - run: {UPLOAD} --token {SECRET}\n      # a{end}      # b\n"
    found = migrated(workflow)
    assert found.changed == workflow
    assert [each.code for each in found.remarks] == ["not-editable"]


def test_a_large_file() -> None:
    """A file that no person wrote is left as it is."""
    found = migrated(f"{PUBLISH}      - run: {UPLOAD} --token {SECRET}\n" + "# a comment\n" * 10_000)
    assert [each.code for each in found.remarks] == ["too-large"]


def test_many_secrets() -> None:
    """Nobody has so many tokens."""
    variables = "".join(f"          HF_TOKEN_{at}: ${{{{ secrets.HF_TOKEN_{at} }}}}\n" for at in range(30))
    found = migrated(f"{PUBLISH}      - run: {UPLOAD}\n        env:\n{variables}")
    assert [each.code for each in found.remarks] == ["too-large"]


QUOTES = ["'", '"', "\\", "\n          ", "\n", "#", " # ", ": ", "{", "}", "[", "&a ", "*a", "|", ">", "-", "- ", "\t"]
WORDS = [
    "\r\n",
    "é",
    "🤗",
    SECRET,
    UPLOAD,
    " --token ",
    "export HF_TOKEN=",
    "hf auth login",
    "&&",
    ";",
    "<<E",
    "https://u:",
]
KEYS = [
    "@hf.co/acme/model",
    "      - run: ",
    "        env:",
    "\n          HF_TOKEN: ",
    "        if: ",
    "      - ",
    "jobs:",
]
PIECES = st.sampled_from([*QUOTES, *WORDS, *KEYS, "  b:\n", "steps:", "permissions:"])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.sampled_from(["      - run: ", "      - run: |\n          ", ""]))
def test_whatever_the_file_holds(text_of_step: str, start: str) -> None:
    """There is a migration or a clear refusal. What changes has no new error, and nothing is left a second time."""
    try:
        found = migrated(f"{PUBLISH}{start}{text_of_step}\n")
    except UnreadableYaml:
        return
    assert patched(found.text, list(found.diff("publish.yml"))) == found.changed
    assert migrated(found.changed).edits == ()


def patched(before: str, diff: list[str]) -> str:
    """What a program makes of a text and a unified diff: it compares every line that the diff takes away or shows."""
    lines = before.splitlines(keepends=True)
    result: list[str] = []
    position = 0
    for line in diff[2:]:
        body, no_end, _ = line[1:].partition("\n\\ No newline at end of file\n")
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            first = int(start) - (count != "0")
            result += lines[position:first]
            position = first
            continue
        assert line[0] in " +-"
        if line[0] != "+":
            assert lines[position] == body, no_end
            position += 1
        if line[0] != "-":
            result.append(body)
    return "".join([*result, *lines[position:]])
