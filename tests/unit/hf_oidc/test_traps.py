"""Workflows as people write them, each with one trap or none: the findings, and the branch to enter.

The expectations are from GitHub's documentation, and were written before the doctor read the files.
"""

from __future__ import annotations

import pytest

from tests.doctor_report import MAY_LOG_IN, ON_MAIN, examined, said

LOGIN = "      - uses: org/hf-oidc-action@v1\n        with:\n          resource: acme/model\n"
NAMED = LOGIN.replace("uses:", "id: hf\n        uses:")
UPLOAD = "      - run: hf upload acme/model ./model .\n"
SECRET = "${{ secrets.HF_TOKEN }}"
OWN = "github.event.pull_request.head.repo.full_name == github.repository && github.actor != 'dependabot[bot]'"
CALLS = "jobs:\n  publish:\n    uses: acme/shared/.github/workflows/publish.yml@v2\n"
GUARD = "      - name: Only main\n        if: github.ref != 'refs/heads/main'\n        run: |\n"
GUARD += "          echo '::error::Run this on main'\n          exit 1\n"


def workflow(
    *steps: str, on: str = ON_MAIN, rights: str = MAY_LOG_IN, job: str = "", runs_on: str = "ubuntu-latest"
) -> str:
    """A workflow with these steps. `job`: more lines of its job."""
    return f"{on}{rights}jobs:\n  publish:\n{job}    runs-on: {runs_on}\n    steps:\n{''.join(steps)}"


# The codes of all findings, with their severity; and the kind and the name of the branch.
FILES: dict[str, tuple[str, set[str], str]] = {
    "a step that fails elsewhere than on main": (
        workflow(GUARD, LOGIN, UPLOAD, on="on: {push: {branches: [main]}, workflow_dispatch: }\n"),
        set(),
        "one main",
    ),
    "a step that always fails": (workflow("      - run: exit 1\n", LOGIN), {"warning never-reached"}, "never "),
    "a job without time": (
        workflow(LOGIN, UPLOAD, job="    timeout-minutes: 0\n"),
        {"warning timeout-not-positive"},
        "one main",
    ),
    "a stored token for another repository's workflow": (
        f"{ON_MAIN}{MAY_LOG_IN}{CALLS}    secrets:\n      hf_token: {SECRET}\n",
        {"note secret-passed-elsewhere", "note called-unread"},
        "default ",
    ),
    "a label of an own pull request": (
        workflow(
            LOGIN,
            UPLOAD,
            on="on: {pull_request: {types: [labeled]}}\n",
            job=f"    if: github.event.label.name == 'publish' && {OWN}\n",
        ),
        {"warning pull-request"},
        "pull-request ",
    ),
    "a merged pull request": (
        workflow(
            LOGIN,
            UPLOAD,
            on="on: {pull_request: {types: [closed], branches: [main]}}\n",
            job="    if: github.event.pull_request.merged\n",
        ),
        {"warning pull-request"},
        "one main",
    ),
    "an output that is passed": (
        workflow(
            NAMED,
            '          export-env: "false"\n',
            UPLOAD,
            "        env: {HF_TOKEN: '${{ steps.hf.outputs.token }}'}\n",
        ),
        set(),
        "one main",
    ),
    "an output of another action": (
        workflow(NAMED, UPLOAD, "        env: {HF_TOKEN: '${{ steps.hf.outputs.access-token }}'}\n"),
        {"error unknown-output"},
        "one main",
    ),
    "a Space without its prefix": (
        workflow(LOGIN.replace("model", "demo"), "      - run: hf upload acme/demo . --repo-type=space\n"),
        {"error missing-prefix"},
        "one main",
    ),
    "a push with git alone": (
        workflow(
            LOGIN.replace("acme/model", "spaces/acme/demo"),
            "      - run: |\n          git remote add space https://huggingface.co/spaces/acme/demo\n"
            "          git push space HEAD:main\n",
        ),
        {"warning git-without-token"},
        "one main",
    ),
    "every night": (workflow(LOGIN, UPLOAD, on="on: {schedule: [{cron: 17 3 * * *}]}\n"), set(), "default "),
    "tags": (workflow(LOGIN, UPLOAD, on="on: {push: {tags: ['v*']}}\n"), {"note tags"}, "none "),
    "all branches but one": (
        workflow(LOGIN, UPLOAD, on="on: {push: {branches-ignore: [dev]}}\n"),
        {"warning several-branches"},
        "several any branch",
    ),
    "a job that takes the permission away": (
        workflow(LOGIN, UPLOAD, job="    permissions: {contents: read}\n"),
        {"error id-token-permission-missing"},
        "one main",
    ),
    "a permission that is true": (
        workflow(LOGIN, UPLOAD, rights="permissions: {contents: read, id-token: true}\n"),
        {"error id-token-permission-missing"},
        "one main",
    ),
    "Windows": (workflow(LOGIN, UPLOAD, runs_on="windows-latest"), {"error needs-linux"}, "one main"),
    "macOS in one row": (
        workflow(
            LOGIN,
            UPLOAD,
            runs_on="${{ matrix.os }}",
            job="    strategy: {matrix: {include: [{os: ubuntu-latest}, {os: macos-14}]}}\n",
        ),
        {"error needs-linux"},
        "one main",
    ),
    "a program that is not known": (
        workflow(LOGIN, "      - run: python scripts/publish.py\n", f"        env: {{HF_TOKEN: '{SECRET}'}}\n"),
        {"warning token-replaced"},
        "one main",
    ),
    "a dataset in Python": (
        workflow(
            LOGIN.replace("model", "corpus"),
            "      - run: |\n          python - <<'PY'\n          from huggingface_hub import upload_folder\n"
            "          upload_folder(repo_id='acme/corpus', folder_path='data', repo_type='dataset')\n          PY\n",
        ),
        {"error missing-prefix"},
        "one main",
    ),
    "the first of two variables is not HF_TOKEN": (
        workflow(
            LOGIN.replace("acme/model", "|\n            A=acme/model\n            B=datasets/acme/corpus"),
            UPLOAD,
            "      - run: hf upload acme/corpus ./data . --repo-type dataset\n",
            "        env: {HF_TOKEN: '${{ env.B }}'}\n",
        ),
        {"warning token-under-another-name"},
        "one main",
    ),
    "a login that may fail, and a step that asks": (
        workflow(NAMED, "          on-error: warn\n", UPLOAD, "        if: steps.hf.outputs.authenticated == 'true'\n"),
        set(),
        "one main",
    ),
    "a URL": (
        workflow(LOGIN.replace("acme", "https://huggingface.co/acme"), UPLOAD),
        {"error invalid-resource"},
        "one main",
    ),
    "every pull request, as the target": (
        workflow(LOGIN, UPLOAD, on="on: pull_request_target\n"),
        {"warning pull-request-target"},
        "pull-request ",
    ),
    "a secret of the job, beside hf-oidc run": (
        workflow(
            "      - run: pip install hf-oidc-action huggingface_hub\n",
            "      - run: hf-oidc run acme/model -- hf upload acme/model ./model .\n",
            job=f"    env:\n      HF_TOKEN: {SECRET}\n",
        ),
        {"warning secret-remains"},
        "one main",
    ),
    "the code of a pull request, after its tests": (
        workflow(
            "      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.workflow_run.head_sha }}'}\n",
            LOGIN,
            UPLOAD,
            on="on: {workflow_run: {workflows: [CI], types: [completed]}}\n",
            job="    if: github.event.workflow_run.conclusion == 'success'\n",
        ),
        {"warning untrusted-code"},
        "default ",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_found(name: str) -> None:
    """These findings, no other, and one branch."""
    text, findings, branch = FILES[name]
    report = examined(text)
    assert {f"{each.severity} {each.code}" for each in report.all_findings} == findings
    assert [f"{job.branch.kind} {job.branch.name}" for job in report.jobs] == [branch]


@pytest.mark.parametrize(
    ("step", "needed"),
    [
        ("run: ./publish", "may still be needed"),
        ("run: python publish.py", "may still be needed"),
        ("uses: acme/publish@v1", "may still be needed"),
        ("run: hf upload acme/model .", "no longer needed"),
        ("run: hf upload $TARGET .", "no longer needed"),
    ],
)
def test_whether_a_secret_is_still_needed(step: str, needed: str) -> None:
    """A program that is not known may use it for something else."""
    text = workflow(LOGIN, f"      - {step}\n        env: {{HF_TOKEN: '{SECRET}'}}\n")
    assert needed in said(text, "token-replaced")
