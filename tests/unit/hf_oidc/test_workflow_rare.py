"""What few workflows have, and the doctor reads all the same: one behaviour each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hf_oidc.doctor.files import kind_of
from hf_oidc.doctor.workflow.token.hub_target import target_of_url
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml, read
from tests.doctor_report import LOGIN, MAY_LOG_IN, ON_MAIN, examined, found, job, notes, said

SECRET = "${{ secrets.HF_TOKEN }}"
UPLOAD = "hf upload acme/model ."
CALLED = ".github/workflows/called.yml"
CALLER = f"{ON_MAIN}{MAY_LOG_IN}jobs:\n  publish:\n    uses: ./{CALLED}\n"
HEAD = f"{ON_MAIN}{MAY_LOG_IN}"


def test_several_documents_of_no_known_kind() -> None:
    """A workflow is one document."""
    with pytest.raises(UnreadableYaml, match="one document"):
        kind_of(("some", "file.yml"), "a: 1\n---\nb: 2\n")


def test_a_composite_action_that_is_not_yaml() -> None:
    """It counts as one that cannot be read."""
    action = {".github/actions/login/action.yml": "runs: ["}
    assert "action-unread" in notes(HEAD + job("{uses: actions/checkout@v7}, {uses: ./.github/actions/login}"), action)


@pytest.mark.parametrize(("flag", "reached"), [("true", True), ("false", False)])
def test_a_boolean_input_in_a_condition_of_a_called_workflow(flag: str, *, reached: bool) -> None:
    """The caller's value decides whether the login is reached."""
    called = (
        "on:\n  workflow_call:\n    inputs: {publish: {type: boolean}}\n"
        f"jobs:\n  a:\n    if: inputs.publish\n    runs-on: ubuntu-latest\n    steps: [{LOGIN}]\n"
    )
    codes = found(f"{CALLER}    with: {{publish: {flag}}}\n", {CALLED: called})
    assert ("warning: never-reached" not in codes and "error: never-reached" not in codes) == reached


def test_a_called_workflow_that_calls_another() -> None:
    """Its own callers decide which permissions it has."""
    inner = f"on: workflow_call\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{LOGIN}]\n"
    outer = f"on: workflow_call\njobs:\n  b:\n    uses: ./{CALLED}\n"
    assert "error: caller-does-not-grant" not in found(outer, {CALLED: inner})


def test_setenv_sets_the_resource() -> None:
    """The C shell has another word for `export`."""
    report = examined(HEAD + job("{run: setenv HF_OIDC_RESOURCE acme/model}"))
    assert [str(each) for each in report.jobs[0].resources] == ["acme/model"]


def test_a_url_of_another_host_has_no_target() -> None:
    """Only the Hub's URLs name a repository of the Hub."""
    assert target_of_url("https://example.com/acme/model") is None


def test_none_in_inline_python_is_the_default() -> None:
    """`repo_type=None` is a model."""
    call = "upload_folder(repo_id='acme/model', repo_type=None)"
    script = f'python -c \\"from huggingface_hub import upload_folder; {call}\\"'
    assert found(HEAD + job(f'{LOGIN}, {{run: "{script}"}}')) == set()


NOT_OF_A_LOGIN: Mapping[str, str] = {
    "another output": "${{ steps.other.outputs.changed }}",
    "no expression": "yes",
}


@pytest.mark.parametrize("value", NOT_OF_A_LOGIN.values(), ids=NOT_OF_A_LOGIN)
def test_an_output_of_a_needed_job_that_is_not_the_logins(value: str) -> None:
    """It may have any value."""
    jobs = (
        f"jobs:\n  login:\n    runs-on: ubuntu-latest\n    outputs: {{ok: '{value}'}}\n    steps: [{LOGIN}]\n"
        "  after:\n    needs: login\n    if: needs.login.outputs.ok == true\n    runs-on: ubuntu-latest\n"
        "    steps: [{run: make}]\n"
    )
    assert found(HEAD + jobs) == set()


def test_a_condition_that_cannot_be_read_hides_no_other_finding() -> None:
    """It is an error, and the rest is checked."""
    login = "{id: hf, uses: org/hf-oidc-action@v1, with: {resource: acme/model, on-error: warn}}"
    assert "error: invalid-condition" in found(HEAD + job(f"{login}, {{if: 'nope(', run: {UPLOAD}}}"))


def test_a_secret_in_a_script_beside_the_variable_of_huggingface_hub() -> None:
    """The line goes, because huggingface_hub ignores it."""
    steps = f"{{run: 'export HF_TOKEN={SECRET}\n\n          {UPLOAD}', env: {{HF_OIDC_RESOURCE: acme/model}}}}"
    assert "export HF_TOKEN" in said(HEAD + job(steps), "secret-ignored")


def test_a_variable_that_passes_on_the_exported_token() -> None:
    """`env.HF_TOKEN` is the token of the login."""
    steps = f"{LOGIN}, {{run: {UPLOAD}, env: {{HF_TOKEN: '${{{{ env.HF_TOKEN }}}}'}}}}"
    assert found(HEAD + job(steps)) == set()


def test_another_output_of_the_login_as_token() -> None:
    """What it is for is not known, so nothing is said about its target."""
    login = "{id: hf, uses: org/hf-oidc-action@v1, with: {resource: acme/model}}"
    steps = f"{login}, {{run: hf upload acme/other ., env: {{HF_TOKEN: '${{{{ steps.hf.outputs.expires-at }}}}'}}}}"
    assert "error: other-repository" not in found(HEAD + job(steps))


def test_a_target_with_an_expression_that_cannot_be_read() -> None:
    """It is not known."""
    steps = f"{LOGIN}, {{run: 'hf upload acme/${{{{ matrix. }}}} .'}}"
    assert not any("repository" in code for code in found(HEAD + job(steps)))


def test_an_output_of_a_step_that_no_job_has() -> None:
    """Without a login anywhere, it is not about a login."""
    steps = "{run: make, env: {X: '${{ steps.gone.outputs.token }}'}}"
    assert found(HEAD + job(steps)) == set()


def test_a_git_url_without_the_kind_of_the_repository() -> None:
    """The URL that fits the login is shown."""
    login = "{uses: org/hf-oidc-action@v1, with: {resource: datasets/acme/corpus, git-credentials: true}}"
    steps = f"{login}, {{run: git push https://huggingface.co/acme/corpus main}}"
    assert "https://huggingface.co/datasets/acme/corpus" in said(HEAD + job(steps), "missing-repo-type")


def test_a_forgotten_kind_among_several_resources() -> None:
    """The line of that resource is corrected, with its name."""
    login = '{uses: org/hf-oidc-action@v1, with: {resource: "HF_TOKEN=acme/corpus\\nB=acme/b"}}'
    steps = f"{login}, {{run: hf upload acme/corpus . --repo-type dataset}}"
    every = " ".join(
        said(HEAD + job(steps), code) for code in ("wrong-kind", "missing-prefix", "other-kind", "other-repository")
    )
    assert "HF_TOKEN=datasets/acme/corpus" in every or "datasets/acme/corpus" in every


def test_a_list_of_merged_blocks_with_another_value() -> None:
    """Only blocks are merged."""
    assert read("a: &a {x: '1'}\nb:\n  <<: [*a, word]\n  y: '2'\n")["b"]["x"] == "1"  # type: ignore[call-overload, index]


@pytest.mark.parametrize("name", ["HF_TOKEN", "MODEL_TOKEN"])
def test_a_login_that_may_export_its_token(name: str) -> None:
    """Nothing is said about the token of later steps, because `vars` are not known."""
    login = f"resource: {name}=acme/model, export-env: '${{{{ vars.EXPORT }}}}'"
    steps = f"{{uses: org/hf-oidc-action@v1, with: {{{login}}}}}, {{run: {UPLOAD}}}"
    assert found(HEAD + job(steps)) == set()
