"""Every way to log in that a workflow can use, also through files of its repository."""

from __future__ import annotations

import itertools

import pytest

from tests.doctor_report import LOGIN, MAY_LOG_IN, ON_MAIN, examined, found, job, notes, said

MISSING = "error: id-token-permission-missing"


def script(text: str, shell: str = "", env: str = "") -> str:
    """A workflow without permissions, whose job runs a script."""
    lines = "".join(f"          {line}\n" for line in text.splitlines())
    rest = f"        shell: {shell}\n" if shell else ""
    rest += f"        env: {env}\n" if env else ""
    return f"{ON_MAIN}jobs:\n  publish:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{lines}{rest}"


LOGGING_IN = {
    "a command": "hf-oidc run acme/model -- hf upload acme/model .",
    "with a name": "hf-oidc run MODEL_TOKEN=acme/model -- python up.py",
    "after others": "set -e; pip install hf-oidc-action && hf-oidc token acme/model > token",
    "in a condition": "if hf-oidc env acme/model --format github; then echo yes; fi",
    "an agent": "hf-oidc agent --token-file /t acme/model --ready-file /r &",
    "over several lines": "hf-oidc run \\\n  acme/model \\\n  -- make",
    "in bash": "bash -ec 'hf-oidc run acme/model -- make'",
    "in quotes": 'TOKEN="$(hf-oidc token acme/model)" make',
    "in a substitution": "eval $(hf-oidc env acme/model)",
    "by a path": "./.venv/bin/hf-oidc run acme/model -- make",
    "on Windows": r".venv\\Scripts\\hf-oidc.exe run acme/model -- make",
    "as a module": "python3.12 -m hf_oidc run acme/model -- make",
    "as a module's module": "python -m hf_oidc.cli token acme/model > t",
    "by uvx": "uvx --from hf-oidc-action hf-oidc run acme/model -- make",
    "by uvx, the package": "uvx hf-oidc-action@1.2 run acme/model -- make",
    "by pipx": "pipx run --spec hf-oidc-action hf-oidc run acme/model -- make",
    "by pipx, the package": "pipx run hf-oidc-action run acme/model -- make",
    "by uv": "uv run --with hf-oidc-action hf-oidc run acme/model -- make",
    "with sudo": "sudo -E hf-oidc run acme/model -- make",
    "with GitHub's provider": "hf-oidc run --provider github acme/model -- make",
}
VARIABLES = {
    "exported": "export HF_OIDC_RESOURCE=acme/model\nhf upload acme/model .",
    "in quotes": "export HF_OIDC_RESOURCE='acme/model'",
    "for a command": "HF_OIDC_RESOURCE=acme/model hf upload acme/model .",
    "after another": "HF_HUB_OFFLINE=0 HF_OIDC_RESOURCE=acme/model hf upload acme/model .",
    "by env": "env HF_OIDC_RESOURCE=acme/model hf upload acme/model .",
    "declared": "declare -x HF_OIDC_RESOURCE=acme/model",
    "for later steps": 'echo "HF_OIDC_RESOURCE=acme/model" >> "$GITHUB_ENV"',
    "for later steps, in a group": '{ echo A=1; echo HF_OIDC_RESOURCE=acme/model; } >> "$GITHUB_ENV"',
    "for later steps, in a document": "cat >> $GITHUB_ENV <<END\nHF_OIDC_RESOURCE=acme/model\nEND",
    "for later steps, by tee": "echo HF_OIDC_RESOURCE=acme/model | tee -a $GITHUB_ENV",
}
POWERSHELL = {
    "set": '$env:HF_OIDC_RESOURCE = "acme/model"\nhf upload acme/model .',
    "set, close together": "$env:HF_OIDC_RESOURCE='acme/model'",
    "for later steps": '"HF_OIDC_RESOURCE=acme/model" >> $env:GITHUB_ENV',
    "for later steps, by a command": '"HF_OIDC_RESOURCE=acme/model" | Out-File -FilePath $env:GITHUB_ENV -Append',
    "by .NET": '[Environment]::SetEnvironmentVariable("HF_OIDC_RESOURCE", "acme/model")',
}


@pytest.mark.parametrize("text", LOGGING_IN.values(), ids=LOGGING_IN)
def test_a_script_that_calls_hf_oidc_logs_in(text: str) -> None:
    """It needs the permission, and the report names its resource."""
    report = examined(script(text))
    assert found(script(text)) == {MISSING}
    assert [str(each) for job in report.jobs for each in job.resources] == ["acme/model"]


@pytest.mark.parametrize("text", VARIABLES.values(), ids=VARIABLES)
def test_a_script_that_sets_the_variable_logs_in(text: str) -> None:
    """huggingface_hub then logs in by itself."""
    assert found(script(text)) == {MISSING}
    assert notes(script(text)) == {"own-exchange"}
    assert [str(each) for job in examined(script(text)).jobs for each in job.resources] == ["acme/model"]


@pytest.mark.parametrize("text", POWERSHELL.values(), ids=POWERSHELL)
def test_powershell_sets_the_variable_in_its_own_way(text: str) -> None:
    """Which shell it is, the step says."""
    assert found(script(text, "pwsh")) == {MISSING}
    assert [str(each) for job in examined(script(text, "pwsh")).jobs for each in job.resources] == ["acme/model"]


@pytest.mark.parametrize(
    ("text", "shell"),
    [
        ("set HF_OIDC_RESOURCE=acme/model\nhf upload acme/model .", "cmd"),
        ('import os\nos.environ["HF_OIDC_RESOURCE"] = "acme/model"', "python"),
        ("python - <<E\nimport os; os.environ['HF_OIDC_RESOURCE'] = 'acme/model'\nE", "bash"),
    ],
)
def test_other_languages_set_the_variable_too(text: str, shell: str) -> None:
    """cmd by `set`, Python by `os.environ`."""
    assert found(script(text, shell)) == {MISSING}


def test_a_script_of_github_script_sets_the_variable() -> None:
    """By the function that exports a variable to later steps."""
    step = "{uses: actions/github-script@v8, with: {script: \"core.exportVariable('HF_OIDC_RESOURCE', 'acme/model')\"}}"
    assert found(ON_MAIN + job(step)) == {MISSING}


NOT_LOGGING_IN = [
    "echo 'run hf-oidc run acme/model -- make'",
    "# hf-oidc run acme/model -- make",
    "make  # as hf-oidc run acme/model -- make",
    "pip install hf-oidc-action",
    "hf-oidc --version",
    "hf-oidc doctor --workflow x.yml",
    "grep -r hf-oidc run .",
    "cat > README <<END\nhf-oidc run acme/model -- make\nEND",
    "hf-oidc run --provider aws acme/model -- make",
    "hf-oidc run --id-token-file=t acme/model -- make",
    "export HF_OIDC_ID_TOKEN=$(cat t)\nhf-oidc run acme/model -- make",
    "echo $HF_OIDC_RESOURCE",
    "# export HF_OIDC_RESOURCE=acme/model",
    "unset HF_OIDC_RESOURCE",
    'test -n "$HF_OIDC_RESOURCE" || exit 1',
]


@pytest.mark.parametrize("text", NOT_LOGGING_IN)
def test_a_script_that_only_mentions_a_login(text: str) -> None:
    """It prints, searches or explains one, or brings another ID token."""
    assert notes(script(text)) == {"no-login"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("hf-oidc run https://huggingface.co/acme/model -- make", "error: invalid-resource"),
        ("hf-oidc token models/acme/model > t", "error: invalid-resource"),
        ("hf-oidc run PATH=acme/model -- make", "error: invalid-name"),
        ("hf-oidc run --timeout 9 datasets/acme/corpus -- make > log", ""),
        ("hf-oidc run $MODEL -- make", ""),
        ("hf-oidc run ${{ vars.MODEL }} -- make", ""),
    ],
)
def test_resources_of_commands_are_checked(command: str, code: str) -> None:
    """As those of the action are, where the file tells them."""
    assert found(MAY_LOG_IN + script(command)) == {code} - {""}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("export HF_OIDC_RESOURCE=https://hf.co/datasets/acme/corpus", "error: invalid-resource"),
        ("HF_OIDC_RESOURCE=dataset/acme/corpus hf upload x .", "error: invalid-resource"),
        ("export HF_OIDC_RESOURCE=spaces/$OWNER/demo", ""),
        ("export HF_OIDC_RESOURCE=$(cat resource)", ""),
        ("export HF_OIDC_RESOURCE=spaces/${{ vars.SPACE }}", ""),
    ],
)
def test_the_variables_value_is_checked(text: str, code: str) -> None:
    """Where neither a shell nor GitHub computes it. The message names the variable, not the input `resource`."""
    report = examined(MAY_LOG_IN + script(text))
    assert found(MAY_LOG_IN + script(text)) == {code} - {""}
    assert all("`resource`" not in str(each.facts) for each in report.all_findings)


COMPOSITE = f"name: x\nruns:\n  using: composite\n  steps:\n    - {LOGIN}\n"
USES = ON_MAIN + job("{uses: ./.github/actions/hub}")


@pytest.mark.parametrize(
    "action",
    [
        COMPOSITE,
        "runs: {using: composite, steps: [{run: hf-oidc run acme/model -- make, shell: bash}]}",
        "runs: {using: composite, steps: [{run: make, shell: bash, env: {HF_OIDC_RESOURCE: acme/model}}]}",
        "runs: {using: composite, steps: [{uses: ./.github/actions/inner}]}",
        "runs: {using: composite, steps: [{uses: $/.github/actions/inner}]}",
    ],
)
@pytest.mark.parametrize("name", ["action.yml", "action.yaml"])
def test_a_composite_action_of_the_repository_logs_in(action: str, name: str) -> None:
    """By any of the ways, also through another one."""
    files = {f".github/actions/hub/{name}": action, ".github/actions/inner/action.yml": COMPOSITE}
    report = examined(USES, files)
    assert found(USES, files) == {MISSING}
    assert [str(each) for each in report.jobs[0].resources] == ["acme/model"]


@pytest.mark.parametrize(
    ("condition", "branch"),
    [
        ("github.ref == 'refs/heads/main'", ("one", "main")),
        ("inputs.publish == 'true'", ("one", "main")),
        ("false", ("never", "")),
        ("vars.X == 'y'", ("several", "any branch")),
    ],
)
def test_a_login_in_a_composite_action_has_a_condition_of_its_own(condition: str, branch: tuple[str, str]) -> None:
    """The runs that reach it are those that reach the login, not those that reach the action."""
    login = LOGIN.replace("{", '{if: "' + condition + '", ', 1)
    action = COMPOSITE.replace(LOGIN, login).replace("runs:", "inputs: {publish: {}}\nruns:")
    uses = "{uses: ./hub, with: {publish: \"${{ github.ref == 'refs/heads/main' }}\"}}"
    report = examined("on: push\n" + MAY_LOG_IN + job(uses), {"hub/action.yml": action})
    assert (report.jobs[0].branch.kind, report.jobs[0].branch.name) == branch
    assert bool(report.jobs[0].not_understood) == (condition.startswith("vars"))


IS_MAIN = "github.ref == 'refs/heads/main'"


@pytest.mark.parametrize(
    ("uses", "inner", "upload", "codes"),
    [
        ("", IS_MAIN, "", {"login-skipped"}),
        (IS_MAIN, "", "", {"login-skipped"}),
        (IS_MAIN, "", IS_MAIN, set()),
        ("", IS_MAIN, IS_MAIN, set()),
        ("", "", "", set()),
    ],
)
def test_a_step_after_a_login_in_a_composite_action_that_is_skipped(
    uses: str, inner: str, upload: str, codes: set[str]
) -> None:
    """Whichever of the two has the condition."""

    def when(text: str) -> str:
        return f', if: "{text}"' if text else ""

    action = COMPOSITE.replace(LOGIN, LOGIN[:-1] + when(inner) + "}")
    steps = [f"{{uses: ./hub{when(uses)}}}", f"{{run: hf upload acme/model .{when(upload)}}}"]
    text = "on: push\n" + MAY_LOG_IN + job(", ".join(steps))
    told = {each.code for each in examined(text, {"hub/action.yml": action}).all_findings}
    assert told & {"login-skipped"} == codes


def test_a_composite_action_that_logs_in_and_uploads_in_some_runs() -> None:
    """Its steps have the same condition, so nothing is skipped that is needed."""
    steps = [f'{LOGIN[:-1]}, if: "{IS_MAIN}"}}', f'{{run: hf upload acme/model ., shell: bash, if: "{IS_MAIN}"}}']
    action = COMPOSITE.replace(LOGIN, "\n    - ".join(steps))
    text = "on: push\n" + MAY_LOG_IN + job("{uses: ./hub}")
    assert examined(text, {"hub/action.yml": action}).all_findings == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("with: {model: acme/one}", ["acme/one"]),
        ("with: {Model: '${{ matrix.model }}'}", ["acme/a", "acme/b"]),
        ("with: {model: 'acme/${{ matrix.name }}'}", ["acme/x"]),
        ("name: y", ["acme/default"]),
    ],
)
def test_inputs_of_a_composite_action_are_inserted(given: str, expected: list[str]) -> None:
    """What the step gives, else the default; the matrix is that of the job."""
    action = (
        "inputs: {model: {default: acme/default}}\n"
        "runs: {using: composite, steps: [{uses: org/hf-oidc-action@v1, with: {resource: '${{ inputs.model }}'}}]}"
    )
    rest = "    strategy: {matrix: {model: [acme/a, acme/b], name: [x]}}\n"
    workflow = MAY_LOG_IN + ON_MAIN + job(f"{{uses: ./hub, {given}}}", rest)
    report = examined(workflow, {"hub/action.yml": action})
    assert [str(each) for each in report.jobs[0].resources] == expected
    assert report.all_findings == ()


def test_a_mistake_in_a_composite_action_is_told_with_its_file() -> None:
    """The line is that of action.yml."""
    action = (
        "runs:\n  using: composite\n  steps:\n    - uses: org/hf-oidc-action@v1\n      with:\n        resource: a//b\n"
    )
    (finding,) = examined(MAY_LOG_IN + USES, {".github/actions/hub/action.yml": action}).all_findings
    assert (finding.code, finding.file, finding.line) == ("invalid-resource", ".github/actions/hub/action.yml", 6)


def test_a_composite_action_that_uses_itself_ends() -> None:
    """Nor is a file read twice."""
    action = f"runs: {{using: composite, steps: [{{uses: ./.github/actions/hub}}, {LOGIN}]}}"
    assert found(USES, {".github/actions/hub/action.yml": action}) == {MISSING}


@pytest.mark.slow
def test_files_that_use_each_other_many_times_end() -> None:
    """Their number would grow exponentially."""
    steps = ", ".join(["{uses: ./a}"] * 50)
    files = {f"{'a/' * depth}action.yml": f"runs: {{using: composite, steps: [{steps}]}}" for depth in range(1, 12)}
    files = {path: text.replace("./a", f"./{path.rpartition('/')[0]}/a") for path, text in files.items()}
    assert "no-login" not in found(ON_MAIN + job("{uses: ./a}"), files)


OURS = (
    "inputs: {resource: {}, export-env: {}, on-error: {}, hub-url: {}, audience: {}}\noutputs: {token: {}}\n"
    "runs: {using: USING, image: Dockerfile, steps: [{run: python launch.py, shell: bash}]}"
)


@pytest.mark.parametrize(
    ("uses", "files", "expected"),
    [
        ("./.github/actions/hf-oidc-action", {}, {MISSING}),
        ("./vendor/hf-oidc-action/native", {}, {MISSING}),
        ("$/.github/actions/hf-oidc-action", {}, {MISSING}),
        ("./.github/actions/login", {".github/actions/login/action.yml": OURS}, {MISSING}),
        ("./", {"action.yml": OURS}, {MISSING}),
        (
            "./.github/actions/hf-oidc-action",
            {".github/actions/hf-oidc-action/action.yml": "runs: {using: node24}"},
            set(),
        ),
        ("acme/fork-of-hf-oidc-action@v1", {}, set()),
        ("someone/hf-oidc-action@v1", {}, {MISSING}),
        ("Someone/HF-OIDC-Action/native@0123456789012345678901234567890123456789", {}, {MISSING}),
        ("docker://ghcr.io/someone/hf-oidc-action@sha256:0123", {}, {MISSING}),
    ],
)
def test_the_action_by_any_owner_and_by_path(uses: str, files: dict[str, str], expected: set[str]) -> None:
    """A copy in the repository is known by its inputs and outputs, or, if it cannot be read, by its name."""
    assert found(ON_MAIN + job(f"{{uses: '{uses}', with: {{resource: acme/model}}}}"), files) == expected


@pytest.mark.parametrize(("using", "expected"), [("docker", {"error: needs-linux"}), ("composite", set())])
def test_a_copy_of_the_action_says_whether_it_needs_docker(using: str, expected: set[str]) -> None:
    """Its action.yml tells."""
    step = "{uses: ./.github/actions/login, with: {resource: acme/model}}"
    workflow = (MAY_LOG_IN + ON_MAIN + job(step)).replace("ubuntu-latest", "macos-15")
    assert found(workflow, {".github/actions/login/action.yml": OURS.replace("USING", using)}) == expected


def test_an_action_of_the_repository_that_cannot_be_read() -> None:
    """Whether it logs in is not known, and is said to be not known."""
    assert notes(USES) == {"action-unread"}
    assert found(USES) == set()


@pytest.mark.parametrize(
    "steps",
    [
        f"{{parallel: [{{run: make}}, {LOGIN}]}}",
        "{uses: org/hf-oidc-action@v1, with: {resource: acme/model}, background: true, id: a}, {wait: a}",
        "{run: hf-oidc run acme/model -- make, background: true}, {wait-all: null}",
    ],
)
def test_parallel_and_background_steps_log_in(steps: str) -> None:
    """As other steps do."""
    assert found(ON_MAIN + job(steps)) == {MISSING}


def called(job_lines: str, on: str = "workflow_call") -> str:
    """A reusable workflow with one job."""
    return f"on: {on}\njobs:\n  inner:\n    runs-on: ubuntu-latest\n{job_lines}"


CALL = ON_MAIN + "jobs:\n  outer:\n    uses: ./.github/workflows/a.yml\n"
GRANTS = "    permissions: {contents: read, id-token: write}\n"
INNER = f"    steps: [{LOGIN}]\n"


def chain(length: int) -> dict[str, str]:
    """Workflows `1.yml` … that call each other; the last one logs in."""
    names = [".github/workflows/a.yml", *(f".github/workflows/{number}.yml" for number in range(1, length))]
    calls = {
        name: f"on: workflow_call\njobs: {{x: {{uses: './{after}'}}}}" for name, after in itertools.pairwise(names)
    }
    return {**calls, names[-1]: called(INNER)}


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_called_workflows_at_any_depth(length: int) -> None:
    """The first caller must grant; the report names the way."""
    assert found(CALL, chain(length)) == {"error: caller-does-not-grant"}
    report = examined(CALL + GRANTS, chain(length))
    assert report.all_findings == ()
    assert (report.jobs[0].key, len(report.jobs)) == (" / ".join(["outer", *["x"] * (length - 1), "inner"]), 1)


def test_more_levels_than_github_allows_are_not_read() -> None:
    """GitHub connects ten levels, the first one included."""
    assert notes(CALL + GRANTS, chain(10)) == {"called-unread"}


def test_workflows_that_call_each_other_end() -> None:
    """The circle is cut where it closes."""
    files = {".github/workflows/a.yml": "on: workflow_call\njobs: {x: {uses: ./.github/workflows/a.yml}}"}
    assert notes(CALL + GRANTS, files) == {"called-unread"}


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (INNER, set()),
        ("    permissions: {contents: read}\n" + INNER, {MISSING}),
        ("    permissions: read-all\n" + INNER, {MISSING}),
        (INNER + "  other:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n", set()),
    ],
)
def test_permissions_of_called_jobs_count(inner: str, expected: set[str]) -> None:
    """What the caller grants, a job of the called workflow can leave out."""
    assert found(CALL + GRANTS, {".github/workflows/a.yml": called(inner)}) == expected


def test_permissions_of_a_called_workflow_count() -> None:
    """As those of its job do."""
    files = {".github/workflows/a.yml": "permissions: {contents: read}\n" + called(INNER)}
    assert found(CALL + GRANTS, files) == {MISSING}


def test_a_called_job_that_asks_for_more_than_it_is_granted() -> None:
    """GitHub refuses it."""
    files = {".github/workflows/a.yml": called("    permissions: {contents: write, id-token: write}\n" + INNER)}
    (finding,) = examined(CALL + GRANTS, files).all_findings
    assert (finding.code, finding.facts["missing"], finding.file) == ("caller-does-not-grant", "`contents: write`", "")


@pytest.mark.parametrize("runner", ["macos-latest", "windows-2025", "ubuntu-slim"])
def test_runners_of_called_jobs_count(runner: str) -> None:
    """With the file and the line there."""
    inner = called(INNER).replace("ubuntu-latest", runner)
    (finding,) = examined(CALL + GRANTS, {".github/workflows/a.yml": inner}).all_findings
    assert (finding.code, finding.file) == ("needs-linux", ".github/workflows/a.yml")


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        ("${{ inputs.runner }}", {"error: needs-linux"}),
        ("${{ inputs.runner || 'ubuntu-latest' }}", {"error: needs-linux"}),
        ("${{ inputs.other || 'ubuntu-latest' }}", set()),
        ("${{ github.event_name == 'push' && 'windows-2025' || 'ubuntu-latest' }}", {"error: needs-linux"}),
        ("${{ github.event_name == 'release' && 'windows-2025' || 'ubuntu-latest' }}", set()),
        ("${{ vars.RUNNER }}", set()),
    ],
)
def test_runners_that_an_expression_chooses(runner: str, expected: set[str]) -> None:
    """From what the caller passes, and from the run."""
    inner = called(INNER, "{workflow_call: {inputs: {runner: {type: string}, other: {type: string}}}}")
    files = {".github/workflows/a.yml": inner.replace("ubuntu-latest", runner)}
    assert found(CALL + GRANTS + "    with: {runner: macos-15}\n", files) == expected


@pytest.mark.parametrize(
    ("given", "resources", "expected"),
    [
        ("{resource: acme/one}", ["acme/one"], set()),
        ("{}", ["acme/default"], set()),
        ("{resource: https://huggingface.co/acme/one}", [], {"error: invalid-resource"}),
        ("{resource: '${{ vars.MODEL }}'}", [], set()),
        ("{resource: 'acme/${{ github.event_name }}'}", ["acme/push"], set()),
    ],
)
def test_inputs_of_called_workflows(given: str, resources: list[str], expected: set[str]) -> None:
    """What the caller passes, else the default."""
    on = "{workflow_call: {inputs: {resource: {type: string, default: acme/default}}}}"
    inner = "    steps: [{uses: org/hf-oidc-action@v1, with: {resource: '${{ inputs.resource }}'}}]\n"
    files = {".github/workflows/a.yml": called(inner, on)}
    workflow = CALL + GRANTS + f"    with: {given}\n"
    report = examined(workflow, files)
    assert [str(each) for each in report.jobs[0].resources] == resources
    assert found(workflow, files) == expected


UNKNOWN_RUNNER = "`runs-on: ${{ fromJSON(vars.RUNNER) }}`"


@pytest.mark.parametrize(
    ("runs_on", "uses", "expected"),
    [
        ("${{ fromJSON(vars.RUNNER) }}", "org/hf-oidc-action@v1", (UNKNOWN_RUNNER,)),
        ("[self-hosted, '${{ vars.LABEL }}']", "org/hf-oidc-action@v1", ("`runs-on: ${{ vars.LABEL }}`",)),
        ("{labels: '${{ vars.LABEL }}'}", "org/hf-oidc-action@v1", ("`runs-on: ${{ vars.LABEL }}`",)),
        ("${{ matrix.os }}", "org/hf-oidc-action@v1", ("`runs-on: ${{ matrix.os }}`",)),
        ("${{ fromJSON(vars.RUNNER) }}", "org/hf-oidc-action/native@v1", ()),
        ("${{ vars.RUNNER && 'ubuntu-latest' || 'ubuntu-24.04' }}", "org/hf-oidc-action@v1", None),
        ("${{ github.event_name == 'push' && 'ubuntu-latest' || vars.RUNNER }}", "org/hf-oidc-action@v1", ()),
        ("[self-hosted, gpu]", "org/hf-oidc-action@v1", ()),
        ("{group: large}", "org/hf-oidc-action@v1", ()),
    ],
)
def test_a_runner_that_only_the_run_knows_is_not_understood(
    runs_on: str, uses: str, expected: tuple[str, ...] | None
) -> None:
    """It may be one without Docker. The variant without Docker runs on each."""
    matrix = "    strategy: {matrix: '${{ fromJSON(vars.MATRIX) }}'}\n"
    quoted = f"'{runs_on}'" if runs_on.startswith("$") and "'" not in runs_on else f'"{runs_on}"'
    written = runs_on if runs_on[0] in "[{" else quoted
    text = job(f"{{uses: {uses}, with: {{resource: acme/model}}}}", matrix).replace("ubuntu-latest", written, 1)
    report = examined(ON_MAIN + MAY_LOG_IN + text)
    assert report.all_findings == ()
    if expected is not None:
        assert report.jobs[0].not_understood == expected


@pytest.mark.parametrize(
    ("env", "resource", "severities", "understood"),
    [
        ("{MODEL: ''}", "${{ env.MODEL }}", ["error"], True),
        ("{MODEL: ' '}", "${{ env.MODEL }}", ["error"], True),
        ("{}", "${{ env.MODEL }}", ["error"], True),
        ("{}", "${{ inputs.model }}", ["error"], True),
        ("{}", "${{ github.head_ref }}", ["error"], True),
        ("{MODEL: acme/model}", "${{ env.MODEL }}", [], True),
        ("{MODEL: '${{ vars.MODEL }}'}", "${{ env.MODEL }}", [], False),
        ("{}", "${{ vars.MODEL }}", [], False),
        ("{}", "acme/${{ vars.MODEL }}", [], False),
        ("{}", "${{ matrix.model }}", ["warning"], True),
        ("{}", "${{ matrix.other }}", ["warning"], False),
    ],
)
def test_a_resource_that_is_empty_or_not_known(
    env: str, resource: str, severities: list[str], understood: bool
) -> None:
    """A value that is empty in all runs is an error, in some a warning; one that is not known is no finding."""
    rows = "[{model: acme/model, other: '${{ vars.A }}'}, {model: '', other: ''}]"
    rest = f"    env: {env}\n    strategy: {{matrix: {{include: {rows}}}}}\n"
    text = job(f"{{uses: org/hf-oidc-action@v1, with: {{resource: '{resource}'}}}}", rest)
    report = examined(ON_MAIN + MAY_LOG_IN + text)
    assert [each.severity for each in report.all_findings if each.code == "invalid-resource"] == severities
    assert report.jobs[0].not_understood == (() if understood else (f"`resource: {resource}`",))
    if severities == ["warning"]:
        assert "`resource` is empty in some runs." in said(ON_MAIN + MAY_LOG_IN + text, "invalid-resource")


ENDPOINT = "HF_ENDPOINT: http://hub.corp"


@pytest.mark.parametrize(
    ("top", "of_job", "steps", "line"),
    [
        (f"env: {{{ENDPOINT}}}\n", "", LOGIN, 1),
        ("", f"    env: {{{ENDPOINT}}}\n", LOGIN, 6),
        ("", "", LOGIN.replace(", with", f", env: {{{ENDPOINT}}}, with"), 6),
        ("env: {HF_ENDPOINT: not a URL}\n", "", LOGIN, 1),
        ("env: {HF_ENDPOINT: 'https://svc:pw@hub.corp'}\n", "", LOGIN, 1),
        (f"env: {{{ENDPOINT}}}\n", "", f"{LOGIN}, {LOGIN}", 1),
        (f"env: {{{ENDPOINT}}}\n", "", "{run: hf-oidc run acme/model -- make}", 1),
        ("env: {HUB: 'http://hub.corp', HF_ENDPOINT: '${{ vars.HUB }}'}\n", "", LOGIN, None),
        (f"env: {{{ENDPOINT}}}\n", "    env: {HF_ENDPOINT: https://hub.corp}\n", LOGIN, None),
        (f"env: {{{ENDPOINT}}}\n", "", LOGIN.replace("with: {", "with: {hub-url: https://hub.corp, "), None),
        (f"env: {{{ENDPOINT}}}\n", "", "{run: hf-oidc run --hub-url https://hub.corp acme/model -- make}", None),
        ("env: {HF_ENDPOINT: http://127.0.0.1:8000}\n", "", LOGIN, None),
        ("env: {HF_ENDPOINT: ''}\n", "", LOGIN, None),
        (f"env: {{{ENDPOINT}}}\n", "", "{run: make}", None),
    ],
)
def test_a_hub_in_the_environment_to_which_no_token_is_sent(
    top: str, of_job: str, steps: str, line: int | None
) -> None:
    """HF_ENDPOINT, unless the login names its Hub itself. Once for each place."""
    findings = examined(top + ON_MAIN + MAY_LOG_IN + job(steps, of_job)).all_findings
    wrong = [each for each in findings if "HF_ENDPOINT" in each.facts.get("problem", "")]
    assert [(each.severity, each.line) for each in wrong] == ([("error", line)] if line else [])
    assert "pw" not in str(wrong)


def test_a_workflow_of_another_repository_is_named_in_full() -> None:
    """Also if it is pinned to a commit, which looks like a token."""
    uses = f"acme/shared/.github/workflows/publish.yml@{'0123456789abcdef' * 2}01234567"
    (finding,) = examined(ON_MAIN + f"jobs: {{a: {{uses: {uses}}}}}").all_findings
    assert (finding.code, finding.facts["called"]) == ("called-unknown", uses)


MATRIX = "    strategy: {matrix: {model: [acme/small, 'https://huggingface.co/acme/large']}}\n"


@pytest.mark.parametrize(
    ("rest", "resource", "line"),
    [
        (MATRIX, "${{ matrix.model }}", 4),
        (
            "    strategy:\n      matrix:\n        include:\n          - {m: a/b}\n          - {m: models/a/b}\n",
            "${{matrix.m}}",
            8,
        ),
        ("    strategy: {matrix: {a: [{r: a/b}, {r: datasets/b}]}}\n", "${{ matrix.a.r }}", 4),
        ("    env: {MODEL: models/a/b}\n", "${{ env.MODEL }}", None),
        ("    strategy: {matrix: {n: [x, y z]}}\n", "acme/${{ matrix.n }}", None),
    ],
)
def test_a_wrong_resource_of_the_matrix_or_of_a_variable(rest: str, resource: str, line: int | None) -> None:
    """The row is told, if a single value of it is the resource."""
    step = f"{{uses: org/hf-oidc-action@v1, with: {{resource: '{resource}'}}}}"
    text = ON_MAIN + job(step, rest)
    findings = examined(text + MAY_LOG_IN).all_findings
    assert [each.code for each in findings] == ["invalid-resource"]
    if line:
        assert findings[0].line == line + 1


@pytest.mark.parametrize(
    "resource",
    ["${{ vars.MODEL }}", "spaces/${{ vars.SPACE }}", "${{ fromJSON(vars.M).r }}", "${{ x( }}"],
)
def test_a_resource_that_is_not_known(resource: str) -> None:
    """Nothing is said about it."""
    step = f"{{uses: org/hf-oidc-action@v1, with: {{resource: '{resource}'}}}}"
    assert found(MAY_LOG_IN + ON_MAIN + job(step, MATRIX)) == set()


@pytest.mark.parametrize(
    ("rest", "inputs", "hub", "audience"),
    [
        ("", "", "", ""),
        ("", ", hub-url: https://hub.example.com", "https://hub.example.com", "https://hub.example.com"),
        ("", ", hub-url: https://hub.example.com, audience: hub", "https://hub.example.com", "hub"),
        ("    env: {HF_ENDPOINT: https://hub.example.com}\n", "", "https://hub.example.com", "https://hub.example.com"),
        ("", ", hub-url: '${{ vars.HUB }}'", "", ""),
    ],
)
def test_another_hub_and_its_audience(rest: str, inputs: str, hub: str, audience: str) -> None:
    """The report has both, for its links."""
    step = f"{{uses: org/hf-oidc-action@v1, with: {{resource: acme/model{inputs}}}}}"
    report = examined(MAY_LOG_IN + ON_MAIN + job(step, rest))
    assert (report.jobs[0].hub_url, report.jobs[0].audience) == (hub, audience)
    assert not report.fails
