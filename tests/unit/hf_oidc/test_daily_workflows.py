"""What a newcomer is told about workflows of daily work: each test has a workflow that once got a wrong answer."""

from __future__ import annotations

import textwrap

import pytest

from hf_oidc.doctor.advice import words
from hf_oidc.doctor.gitlab_ci import examine as gitlab
from hf_oidc.doctor.migration_advice import sentence
from hf_oidc.doctor.workflow.migration.migrate import migrate
from tests.doctor_report import examined, found, notes, said

MAIN = "on:\n  push:\n    branches: [main]\n"
RIGHTS = "permissions:\n  contents: read\n  id-token: write\n"
CHECKOUT = "- uses: actions/checkout@v7"
SPACE = "- uses: org/hf-oidc-action@v1\n  with:\n    resource: spaces/acme/demo"
MODEL = "- uses: org/hf-oidc-action@v1\n  with:\n    resource: acme/model"
SECRET = "${{ secrets.HF_TOKEN }}"


def workflow(*steps: str, on: str = MAIN, rights: str = RIGHTS, job: str = "") -> str:
    """A workflow with one job on a runner of GitHub."""
    body = textwrap.indent("\n".join((CHECKOUT, *steps)), "      ")
    return f"{on}{rights}jobs:\n  publish:\n    runs-on: ubuntu-latest\n{job}    steps:\n{body}\n"


REMOTE = "- run: |\n    git remote add space https://huggingface.co/spaces/acme/demo\n    git push --force space main"
URL = "- run: git push https://huggingface.co/spaces/acme/demo main"


@pytest.mark.parametrize("push", [URL, REMOTE])
def test_a_push_after_a_login_that_does_not_set_up_git(push: str) -> None:
    """git reads no HF_TOKEN, so the push fails: the input that sets up git is missing."""
    assert found(workflow(SPACE, push)) == {"warning: git-without-token", "warning: shallow-push"}
    assert 'git-credentials: "true"' in said(workflow(SPACE, push), "git-without-token")


@pytest.mark.parametrize(
    ("steps", "job"),
    [
        ((SPACE + '\n    git-credentials: "true"', REMOTE), ""),
        ((SPACE, URL.replace("https://", "https://me:$HF_TOKEN@")), ""),
        ((SPACE, "- run: git config --global credential.helper store", URL), ""),
        ((SPACE, "- uses: ./.github/actions/prepare", URL), ""),
        ((SPACE, "- run: git push origin main"), ""),
        ((SPACE, URL), "    container: acme/with-git\n"),
    ],
)
def test_a_push_with_a_token(steps: tuple[str, ...], job: str) -> None:
    """Something gives git a token, or may have: nothing is said."""
    assert "warning: git-without-token" not in found(workflow(*steps, job=job))


FULL = "- uses: actions/checkout@v7\n  with:\n    fetch-depth: "
GIT_SPACE = SPACE + '\n    git-credentials: "true"'


@pytest.mark.parametrize("depth", ["", "\n  with:\n    fetch-depth: 1", "\n  with:\n    fetch-depth: 50"])
@pytest.mark.parametrize("push", [URL, REMOTE])
def test_a_push_of_a_shallow_checkout(push: str, depth: str) -> None:
    """The Hub rejects it, however many commits are cut off; the advice is at the checkout."""
    text = workflow(GIT_SPACE, push).replace(CHECKOUT, (CHECKOUT + depth).replace("\n", "\n      "))
    assert found(text) == {"warning: shallow-push"}
    assert "fetch-depth: 0" in said(text, "shallow-push")


@pytest.mark.parametrize(
    "steps",
    [
        (FULL + "0", GIT_SPACE, URL),
        (FULL + "${{ inputs.depth }}", GIT_SPACE, URL),
        ("- uses: actions/checkout@v7\n  with:\n    repository: acme/demo\n    path: demo", GIT_SPACE, URL),
        ("- run: git fetch --unshallow", GIT_SPACE, URL),
        (GIT_SPACE, "- run: |\n    git clone https://huggingface.co/spaces/acme/demo x\n    cd x\n    git push"),
        (GIT_SPACE, URL + "\n  working-directory: space"),
        (
            GIT_SPACE,
            "- run: |\n    git checkout --orphan new\n    git commit -m x\n    git push https://huggingface.co/spaces/acme/demo",
        ),
        (GIT_SPACE, "- run: git subtree push --prefix=space https://huggingface.co/spaces/acme/demo main"),
        (GIT_SPACE, "- run: git push origin main"),
        (GIT_SPACE, "- run: git lfs push --all https://huggingface.co/spaces/acme/demo"),
    ],
)
def test_a_push_of_a_complete_history(steps: tuple[str, ...]) -> None:
    """Or of one that the file does not show: nothing is said about it."""
    text = workflow(*steps)
    if steps[0].startswith(FULL):
        text = text.replace(f"      {CHECKOUT}\n", "", 1)
    assert "warning: shallow-push" not in found(text)


def test_a_self_hosted_runner_may_have_set_up_git() -> None:
    """Its configuration is not in the file."""
    text = workflow(SPACE, URL).replace("ubuntu-latest", "[self-hosted, gpu]")
    assert "warning: git-without-token" not in found(text)


@pytest.mark.parametrize(
    "line",
    [
        'hf auth login --token "$HF_TOKEN"',
        "huggingface-cli login --token $HF_TOKEN --add-to-git-credential",
        'uvx --from huggingface_hub hf auth login --token "$HF_TOKEN"',
    ],
)
def test_hf_auth_login_with_the_token_of_a_login(line: str) -> None:
    """It asks the Hub for the user of the token, and a repository's token has none."""
    upload = "- run: |\n    {}\n    hf upload acme/model ./model ."
    text = workflow(MODEL, upload.format(line))
    assert found(text) == {"warning: login-asks-for-user"}
    assert "Remove this line from the script" in said(text, "login-asks-for-user")
    assert "Remove the step" in said(workflow(MODEL, f"- run: {line}"), "login-asks-for-user")


@pytest.mark.parametrize(
    "steps",
    [
        (MODEL.replace("acme/model", "alice"), '- run: hf auth login --token "$HF_TOKEN"'),
        ('- run: hf auth login --token "$HF_TOKEN"', MODEL),
        (MODEL, f"- run: hf auth login --token {SECRET}"),
    ],
)
def test_hf_auth_login_with_the_token_of_a_user(steps: tuple[str, ...]) -> None:
    """A user's token, and a stored one, belong to a user."""
    assert "warning: login-asks-for-user" not in found(workflow(*steps))


def test_a_command_to_copy_names_the_file_from_the_root_of_the_repository() -> None:
    """A bare file name would not be found there."""
    upload = f"- run: hf upload acme/model ./model .\n  env:\n    HF_TOKEN: {SECRET}"
    text = workflow(upload, rights="")
    assert "`hf-oidc doctor .github/workflows/publish.yml --migrate`" in said(text, "migrate-login")
    unknown = workflow(upload.replace("acme/model", "$NAME"), rights="")
    assert notes(unknown) == {"secret-in-use"}
    assert ".github/workflows/publish.yml --migrate --resource NAME`" in said(unknown, "secret-in-use")


UPLOAD = f"- run: hf upload acme/model ./model .\n  env:\n    HF_TOKEN: {SECRET}"
HAS_TOKEN = "    env:\n      HAS_TOKEN: ${{ secrets.HF_TOKEN != '' }}\n"


def test_a_variable_that_only_says_whether_the_secret_is_set() -> None:
    """It holds `true`. With a token in it instead, the condition that reads it would never be true."""
    text = workflow(f"{UPLOAD}\n  if: env.HAS_TOKEN == 'true'", rights="", job=HAS_TOKEN)
    advice = said(text, "migrate-secret")
    assert "take `env.HAS_TOKEN` out of each condition" in advice
    assert "HAS_TOKEN: ${{ env.HF_TOKEN }}" not in advice
    remark = migrate(text, "publish.yml", "acme/trainer", lambda _: "").remarks[0]
    assert (remark.kind, remark.code) == ("to-do", "tests-secret")
    assert "only says whether the secret is set" in sentence(remark)


@pytest.mark.parametrize("value", ["${{ secrets.HF_TOKEN }}", "${{ secrets.HF_TOKEN || '' }}"])
def test_a_variable_that_holds_the_secret(value: str) -> None:
    """The steps that use it need the token of the login."""
    text = workflow("- run: hf upload acme/model . --token $T", rights="", job=f"    env:\n      T: {value}\n")
    assert "T: ${{ env.HF_TOKEN }}" in said(text, "migrate-secret")


def test_the_login_runs_where_the_step_runs_that_needs_it() -> None:
    """Without the condition, it would fail for pull requests from forks, where the step is skipped."""
    when = f"{UPLOAD}\n  if: github.ref == 'refs/heads/main'"
    report = examined(workflow(when, on="on: [push, pull_request]\n", rights=""))
    advice = next(words(each) for each in report.all_findings if each.code == "migrate-login")
    assert advice.lines.splitlines()[:2] == [
        "- uses: org/hf-oidc-action@v1",
        "  if: github.ref == 'refs/heads/main'",
    ]
    assert report.jobs[0].branch.name == "main"


@pytest.mark.parametrize("condition", ["env.HF_TOKEN != ''", "${{ env.READY }}"])
def test_a_condition_that_may_depend_on_the_secret_is_not_copied(condition: str) -> None:
    """The secret goes, so the login would never run."""
    assert "  if:" not in said(workflow(f"{UPLOAD}\n  if: {condition}", rights=""), "migrate-login")


def test_two_conditions_are_not_copied() -> None:
    """Neither is that of all steps that need the login."""
    text = workflow(f"{UPLOAD}\n  if: github.ref_name == 'main'", UPLOAD, rights="")
    assert "  if:" not in said(text, "migrate-login")


def test_a_called_workflow_with_a_stored_token() -> None:
    """The advice is about the caller: what one caller passes must not be written into the file that all call."""
    called = (
        "on:\n  workflow_call:\n    inputs:\n      repo: {type: string}\n    secrets:\n      hf_token:\n"
        "jobs:\n  upload:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: hf upload ${{ inputs.repo }} ./model .\n"
        "        env:\n          HF_TOKEN: ${{ secrets.hf_token }}\n"
    )
    call = "  {}:\n    uses: ./.github/workflows/upload.yml\n    with: {{repo: acme/{}}}\n    secrets: inherit\n"
    text = f"{MAIN}jobs:\n{call.format('one', 'first')}{call.format('two', 'second')}"
    files = {".github/workflows/upload.yml": called}
    assert found(text, files) == {"warning: called-not-migrated"}
    advice = said(text, "called-not-migrated", files)
    assert "`hf-oidc doctor .github/workflows/upload.yml --migrate`" in advice
    assert "give the job `two` these permissions, next to its `uses:`" in advice
    assert "id-token: write" in advice


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("hf upload acme/model ./model .", "hf-oidc run acme/model -- hf upload acme/model ./model ."),
        (
            "hf upload acme/corpus . . --repo-type dataset",
            "hf-oidc run datasets/acme/corpus -- hf upload acme/corpus . . --repo-type dataset",
        ),
        ("hf upload $NAME . .", "hf-oidc run namespace/name -- hf upload namespace/name ./model ."),
        ("hf upload acme/model . && echo done", "hf-oidc run namespace/name -- hf upload namespace/name ./model ."),
    ],
)
def test_a_job_of_gitlab_with_a_stored_token(command: str, expected: str) -> None:
    """The command to write is the job's own, as far as it is a single one."""
    text = f"publish:\n  script:\n    - pip install huggingface_hub\n    - {command}\n"
    report = gitlab.examine(text, ".gitlab-ci.yml", "acme/training", None, "https://huggingface.co")
    advice = next(words(each) for each in report.all_findings if each.code == "stored-token")
    assert advice.lines.splitlines()[-1] == f"  - {expected}"
    assert "pip install hf-oidc-action" in advice.do


@pytest.mark.parametrize("program", ["uvx hf auth", "uvx --from huggingface_hub hf auth", "uv run hf auth", "hf auth"])
def test_a_login_command_behind_another_program(program: str) -> None:
    """It goes as a whole: without its token, it would wait for a person."""
    steps = (f"- run: {program} login --token {SECRET}", "- run: hf upload acme/model ./model .")
    assert "Remove the step" in said(workflow(*steps, rights=""), "migrate-secret")
    changed = migrate(workflow(*steps, rights=""), "publish.yml", "acme/trainer", lambda _: "")
    assert changed.is_complete
    assert " login " not in changed.changed


def test_a_repository_for_each_row_of_a_matrix() -> None:
    """One login with the expression: the token of the first row would not do for the second."""
    matrix = "    strategy:\n      matrix:\n        model: [small, large]\n"
    upload = f"- run: hf upload acme/${{{{ matrix.model }}}} ./model .\n  env:\n    HF_TOKEN: {SECRET}"
    text = workflow(upload, rights="", job=matrix)
    assert "resource: acme/${{ matrix.model }}" in said(text, "migrate-login")
    assert "Remove that line" in said(text, "migrate-secret")
    two = workflow(upload, upload.replace("}} ", "}}-data "), rights="", job=matrix)
    assert (found(two), notes(two)) == (set(), {"secret-in-use"})


def test_login_of_huggingface_hub_in_python() -> None:
    """It asks the Hub for the user of the token, as the command does."""
    lines = ("from huggingface_hub import HfApi, login", 'login(token=os.environ["HF_TOKEN"])', "HfApi()")
    code = "".join(f"    {line}\n" for line in ("python - <<'EOF'", *lines, "EOF"))
    text = workflow(MODEL, f"- run: |\n{code}")
    assert 'login(token=os.environ["HF_TOKEN"])' in said(text, "login-asks-for-user")
    own = text.replace("huggingface_hub import HfApi", "acme import HfApi")
    assert "warning: login-asks-for-user" not in found(own)
