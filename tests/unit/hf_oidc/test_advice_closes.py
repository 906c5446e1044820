"""What the doctor advises, applied to the file, makes the finding go away, and no other appears.

Each code of `WORDS` has a workflow that has it, or a reason why no program can apply its advice.
"""

from __future__ import annotations

from typing import Any

import pytest

from hf_oidc.doctor import json_report
from hf_oidc.doctor.advice import WORDS
from hf_oidc.doctor.workflow.examine import examine
from tests.apply_advice import applied, applied_elsewhere

HUB = "https://huggingface.co"
ON = "on: {push: {branches: [main]}}\n"
RIGHTS = "permissions: {contents: read, id-token: write}\n"
JOB = "jobs:\n  publish:\n    runs-on: ubuntu-latest\n"
LOGIN = "      - uses: org/hf-oidc-action@v1\n        with: {resource: acme/model}\n"
NAMED = "      - uses: org/hf-oidc-action@v1\n        id: hf\n        with: {resource: acme/model}\n"
SOFT = "      - uses: org/hf-oidc-action@v1\n        with: {resource: acme/model, on-error: warn}\n"
UPLOAD = "      - run: hf upload acme/model .\n"
SECRET = "${{ secrets.HF_TOKEN }}"
CALLED = ".github/workflows/x.yml"


def steps(*written: str, on: str = ON, rights: str = RIGHTS, job: str = "") -> str:
    """A workflow with one job."""
    return f"{on}{rights}{JOB}{job}    steps:\n{''.join(written)}"


def calls(job: str, rights: str = "") -> str:
    """A workflow that calls another one."""
    return f"{ON}{rights}jobs:\n  call:\n{job}"


def called(inputs: str = "", on: str = "workflow_call") -> dict[str, str]:
    """The workflow that is called."""
    trigger = f"on:\n  {on}:\n{inputs}"
    return {CALLED: f"{trigger}{JOB}    permissions: {{id-token: write}}\n    steps:\n{LOGIN}{UPLOAD}"}


Case = tuple[str, dict[str, str]]
CASES: dict[str, str | Case] = {
    "id-token-permission-missing": steps(LOGIN, UPLOAD, rights=""),
    "permissions-at-step": steps(LOGIN, UPLOAD.rstrip() + "\n        permissions: {id-token: write}\n"),
    "contents-lost": steps(
        "      - uses: actions/checkout@v4\n", LOGIN, UPLOAD, rights="permissions: {id-token: write}\n"
    ),
    "permission-lost": steps(
        "      - uses: actions/checkout@v4\n", "      - run: git push origin HEAD\n", LOGIN, UPLOAD
    ),
    "caller-does-not-grant": (calls("    uses: ./.github/workflows/x.yml\n"), called()),
    "called-unknown": calls("    uses: acme/x/.github/workflows/x.yml@v1\n"),
    "empty-block": steps(LOGIN, UPLOAD, "      - run: make\n        env:\n"),
    "unknown-key": steps(LOGIN, UPLOAD, job="    timeout-minute: 5\n"),
    "key-elsewhere": steps(LOGIN, UPLOAD, "      - run: make\n        runs-on: ubuntu-latest\n"),
    "key-beside": steps(LOGIN, UPLOAD, "      - run: make\n        with: {a: b}\n"),
    "input-beside-with": steps("      - uses: org/hf-oidc-action@v1\n        resource: acme/model\n", UPLOAD),
    "permissions-word": steps(LOGIN, UPLOAD, rights="permissions: write\n"),
    "unknown-scope": steps(LOGIN, UPLOAD, rights="permissions: {content: read, id-token: write}\n"),
    "unknown-access": steps(LOGIN, UPLOAD, rights="permissions: {contents: yes, id-token: write}\n"),
    "action-as-job": calls("    uses: org/hf-oidc-action@v1\n    with: {resource: acme/model}\n", RIGHTS),
    "local-version": (calls("    uses: ./.github/workflows/x.yml@v1\n", RIGHTS), called()),
    "local-path": steps("      - uses: .github/actions/x\n", LOGIN, UPLOAD),
    "workflow-place": (calls("    uses: ./workflows/x.yml\n", RIGHTS), called()),
    "input-not-declared": (
        calls("    uses: ./.github/workflows/x.yml\n    with: {modle: a}\n", RIGHTS),
        called("    inputs: {model: {type: string}}\n"),
    ),
    "invalid-id": steps(LOGIN, UPLOAD, "      - id: a b\n        run: make\n"),
    "duplicate-id": steps(NAMED, UPLOAD, "      - id: hf\n        run: make\n"),
    "unknown-need": steps(LOGIN, UPLOAD, job="    needs: [test]\n"),
    "circular-needs": f"{ON}{RIGHTS}jobs:\n  a:\n    needs: b\n    runs-on: u\n    steps:\n{LOGIN}{UPLOAD}"
    "  b:\n    needs: a\n    runs-on: u\n    steps:\n      - run: make\n",
    "no-version": steps(LOGIN.replace("@v1", ""), UPLOAD),
    "no-resource": steps("      - uses: org/hf-oidc-action@v1\n"),
    "invalid-resource": steps(LOGIN.replace("acme/model", "models/acme/model"), UPLOAD),
    "unknown-input": steps(LOGIN.replace("}", ", git-credential: true}"), UPLOAD),
    "invalid-input": steps(LOGIN.replace("}", ", export-env: yes}"), UPLOAD),
    "other-audience": steps(LOGIN.replace("}", ", audience: sts.amazonaws.com}"), UPLOAD),
    "own-audience": steps(LOGIN.replace("}", ", audience: https://example.com}"), UPLOAD),
    "id-token-written-out": steps(LOGIN.replace("}", ", id-token: eyJhbGciOi}"), UPLOAD),
    "pull-request": steps(LOGIN, UPLOAD, on="on: {push: {branches: [main]}, pull_request: {}}\n"),
    "tags-and-branches": steps(LOGIN, UPLOAD, on="on: {push: {branches: [main], tags: ['v*']}}\n"),
    "tags-and-dispatch": steps(LOGIN, UPLOAD, on="on: {release: {types: [published]}, workflow_dispatch: {}}\n"),
    "any-ref": steps(LOGIN, UPLOAD, on="on: {push: {branches: [main]}, workflow_dispatch: {}}\n"),
    "merge-queue": steps(LOGIN, UPLOAD, on="on: {push: {branches: [main]}, merge_group: {}}\n"),
    "several-branches": steps(LOGIN, UPLOAD, on="on: {push: {branches: [main, next]}}\n"),
    "untrusted-code": steps(
        "      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n",
        LOGIN,
        UPLOAD,
        on="on: pull_request_target\n",
    ),
    "untrusted-input": steps(
        LOGIN, UPLOAD, "      - run: echo ${{ github.event.issue.title }}\n", on="on: {issues: {types: [opened]}}\n"
    ),
    "anyone-starts": steps(LOGIN, UPLOAD, on="on: {issue_comment: {types: [created]}}\n"),
    "token-in-script": steps(NAMED, "      - run: hf upload acme/model . --token ${{ steps.hf.outputs.token }}\n"),
    "token-before-login": steps(UPLOAD, LOGIN),
    "token-before-wait": steps(NAMED + "        background: true\n", UPLOAD, "      - wait: hf\n"),
    "login-without-id": steps(LOGIN, UPLOAD + "        env: {HF_TOKEN: '${{ steps.hf.outputs.token }}'}\n"),
    "no-token-in-job": steps(LOGIN, UPLOAD)
    + f"  other:\n    runs-on: ubuntu-latest\n    permissions: {{contents: read}}\n    steps:\n{UPLOAD}",
    "token-not-exported": steps(LOGIN.replace("}", ", export-env: false}"), UPLOAD),
    "token-under-another-name": steps(LOGIN.replace("acme/model", "MODEL_TOKEN=acme/model"), UPLOAD),
    "token-of-other-steps": steps("      - run: hf-oidc run acme/model -- hf upload acme/model .\n", UPLOAD),
    "authenticated-never": steps(
        SOFT + "        id: hf\n", UPLOAD + "        if: steps.hf.outputs.authenticated == true\n"
    ),
    "authenticated-always": steps(SOFT + "        id: hf\n", UPLOAD + "        if: steps.hf.outputs.authenticated\n"),
    "token-unchecked": steps(SOFT, UPLOAD),
    "runs-after-failed-login": steps(LOGIN, UPLOAD + "        if: always()\n"),
    "login-skipped": steps(
        LOGIN + "        if: github.event_name == 'push'\n",
        UPLOAD,
        on="on: {push: {branches: [main]}, schedule: [{cron: '0 0 * * *'}]}\n",
    ),
    "missing-prefix": steps(LOGIN, "      - run: hf upload acme/model . --repo-type dataset\n"),
    "missing-repo-type": steps(LOGIN.replace("acme/model", "datasets/acme/model"), UPLOAD),
    "other-repository": steps(LOGIN, "      - run: hf upload acme/other .\n"),
    "login-replaced": steps(
        LOGIN, LOGIN.replace("acme/model", "acme/other"), UPLOAD, "      - run: hf upload acme/other .\n"
    ),
    "user-cannot-write": steps(LOGIN.replace("acme/model", "alice"), UPLOAD),
    "token-expires": steps(
        LOGIN, "      - run: python train.py\n        timeout-minutes: 600\n", UPLOAD, job="    timeout-minutes: 1000\n"
    ),
    "git-without-token": steps(LOGIN, "      - run: git push https://huggingface.co/acme/model main\n"),
    "shallow-push": steps(
        "      - uses: actions/checkout@v7\n        with: {persist-credentials: false}\n",
        LOGIN.replace("}", ", git-credentials: true}"),
        "      - run: git push https://huggingface.co/acme/model main\n",
    ),
    "login-asks-for-user": steps(LOGIN, '      - run: hf auth login --token "$HF_TOKEN"\n', UPLOAD),
    "token-replaced": steps(LOGIN, UPLOAD + f"        env: {{HF_TOKEN: '{SECRET}'}}\n"),
    "secret-remains": steps(LOGIN, f"      - run: hf upload acme/model . --token {SECRET}\n"),
    "secret-passed": (
        calls(f"    uses: ./.github/workflows/x.yml\n    secrets:\n      HF_TOKEN: {SECRET}\n", RIGHTS),
        called("    secrets: {HF_TOKEN: {required: false}}\n"),
    ),
    "secret-ignored": steps(UPLOAD + f"        env: {{HF_OIDC_RESOURCE: acme/model, HF_TOKEN: '{SECRET}'}}\n"),
    "secret-for-another": steps(
        LOGIN, UPLOAD, f"      - run: hf upload acme/other .\n        env: {{HF_TOKEN: '{SECRET}'}}\n"
    ),
    "migrate-permissions": steps(
        UPLOAD + f"        env: {{HF_TOKEN: '{SECRET}'}}\n", rights="permissions: {contents: read}\n"
    ),
    "migrate-login": steps(UPLOAD + f"        env: {{HF_TOKEN: '{SECRET}'}}\n"),
    "migrate-secret": steps(f"      - run: hf upload acme/model . --token {SECRET}\n"),
    "needs-linux": steps(LOGIN, UPLOAD).replace("ubuntu-latest", "ubuntu-slim"),
}
CASES |= {
    "timeout-not-positive": steps(LOGIN, UPLOAD, job="    timeout-minutes: 0\n"),
    "input-not-passed": (
        calls("    uses: ./.github/workflows/x.yml\n", RIGHTS),
        called("    inputs: {model: {type: string, required: true}}\n"),
    ),
    "merge-key": steps(LOGIN, UPLOAD, "      - &make {run: make}\n", "      - {<<: *make, name: Again}\n"),
    "token-across-jobs": steps(NAMED, UPLOAD, job="    outputs:\n      t: ${{ steps.hf.outputs.token }}\n"),
}
NOT_BY_A_PROGRAM = {
    # Something has to be chosen.
    "invalid-condition": "what is meant is not known",
    "wrong-type": "what is meant is not known",
    "no-login": "the job and the repository are not known",
    "invalid-name": "the name of the variable is free",
    "empty-matrix": "the values are not known",
    "never-reached": "another condition or another event, which is not known",
    "pull-request-target": "other events, which are not known",
    "parallel-logins": "which token each later step needs has to be chosen",
    "token-ignored": "one of the two ways to log in has to be chosen",
    "unknown-output": "one of the outputs has to be chosen",
    "secret-in-use": "the repository is not known",
    "secret-reads": "whose repository it is, is not known",
    "secret-shared": "the other job may need the secret for something else",
    "secret-falls-back": "only the user knows whether every run can log in",
    # Something has to be done elsewhere.
    "callers-must-grant": "it is about the workflows that call this one",
    "secret-passed-elsewhere": "the doctor has to run on the other workflow",
    "called-unread": "the doctor has to run on the other workflow",
    "called-not-migrated": "the other workflow has to change first",
    "action-unread": "the doctor has to run in a checkout",
    "beyond-the-token": "it has to be done once by hand",
    "tags": "it is about the publisher on the Hub",
    # Notes, without advice.
    "own-exchange": "nothing is wrong",
    "resource-is-user": "nothing is wrong, unless the job publishes",
    "pull-request-soft": "nothing is wrong",
    "default-branch": "nothing is wrong, if that is the branch",
    "secret-needed": "the secret stays",
}
# Both say that the called workflow cannot be read.
BECOMES = {"called-unknown": "called-unread"}
# One after the other, because each is about the lines that the others leave: they change a job together.
TOGETHER = ("migrate-permissions", "migrate-login", "migrate-secret")
REMAINS = ("token-replaced", "secret-remains")


def findings(workflow: str, files: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Every finding as JSON has it, each with the job in which it is listed."""
    report = examine(workflow, "publish.yml", "acme/trainer", lambda path: files.get(path, ""))
    found = json_report.workflow(report, HUB)
    return [("", each) for each in found["findings"]] + [
        (job["job"].split(" / ")[0], each) for job in found["jobs"] for each in job["findings"]
    ]


def with_advice(workflow: str, files: dict[str, str], code: str) -> str:
    """The workflow with the advice of the finding with this code."""
    job, finding = next((job, each) for job, each in findings(workflow, files) if each["code"] == code)
    return applied(workflow, finding, job)


@pytest.mark.parametrize("code", [code for code in CASES if code not in TOGETHER])
def test_advice_closes(code: str) -> None:
    """The finding is gone, and no other is there that was not there before."""
    case = CASES[code]
    workflow, files = case if isinstance(case, tuple) else (case, {})
    before = {each["code"] for _, each in findings(workflow, files)}
    assert code in before
    changed = with_advice(workflow, files, code)
    after = {each["code"] for _, each in findings(changed, files)}
    assert after <= before - {code} | {BECOMES.get(code, "")}, changed


@pytest.mark.parametrize("code", TOGETHER)
def test_the_advice_to_migrate_closes(code: str) -> None:
    """The advice of all findings about a stored token leaves nothing to say."""
    case = CASES[code]
    assert isinstance(case, str)
    workflow = case
    assert code in {each["code"] for _, each in findings(workflow, {})}
    for each in (*TOGETHER[:2], *TOGETHER[2:], *REMAINS):
        if each in {found["code"] for _, found in findings(workflow, {})}:
            workflow = with_advice(workflow, {}, each)
    assert findings(workflow, {}) == [], workflow


def test_advice_about_the_called_workflow_closes() -> None:
    """The lines belong to the file that is named."""
    workflow, files = calls("    uses: ./.github/workflows/x.yml\n", RIGHTS), called(on="push")
    (finding,) = [each for _, each in findings(workflow, files) if each["code"] == "not-reusable"]
    assert findings(workflow, {CALLED: applied_elsewhere(files[CALLED], finding)}) == []


def test_every_code_has_its_case() -> None:
    """A new code needs a workflow, or a reason."""
    assert {*CASES, *NOT_BY_A_PROGRAM, "not-reusable"} == set(WORDS)
    assert not set(CASES) & set(NOT_BY_A_PROGRAM)
