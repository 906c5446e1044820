"""What a job may do: the ID token, what its steps need of GITHUB_TOKEN, and what strangers can do in it."""

from __future__ import annotations

import pytest

from tests.doctor_report import LOGIN, MAY_LOG_IN, ON_MAIN, examined, found, job, said

MISSING = "error: id-token-permission-missing"
CHECKOUT = "{uses: actions/checkout@v4, with: {fetch-depth: 0}}"


def with_permissions(permissions: str, steps: str = LOGIN, top: str = "") -> str:
    """A workflow whose job has `permissions:`."""
    rest = f"    permissions: {permissions}\n" if permissions else ""
    return ON_MAIN + (f"permissions: {top}\n" if top else "") + job(steps, rest)


@pytest.mark.parametrize(
    ("permissions", "top", "named"),
    [
        ("{}", "", "its `permissions:` are `{}`"),
        ("", "{}", "at the top of the file are `{}`"),
        ("read-all", "", "its `permissions:` are `read-all`"),
        ("", "read-all", "at the top of the file are `read-all`"),
        ("{id-token: none}", "", "have `id-token: none`"),
        ("{id-token: read}", "", "have `id-token: read`"),
        ("{contents: write}", "write-all", "its `permissions:` lack `id-token: write`"),
        ("", "", "there are no `permissions:`"),
    ],
)
def test_a_missing_permission_names_what_is_written(permissions: str, top: str, named: str) -> None:
    """And nothing else is wrong."""
    workflow = with_permissions(permissions, top=top)
    assert found(workflow) == {MISSING}
    assert named in said(workflow, "id-token-permission-missing")


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ("{contents: read, id_token: write}", {"error: unknown-scope"}),
        ("{contents: read, idtoken: write}", {"error: unknown-scope"}),
        ("{content: read, id-token: write}", {"error: unknown-scope"}),
        ("{pull-request: write, id-token: write}", {"error: unknown-scope"}),
        ("{something-new: write, id-token: write}", {"warning: unknown-scope"}),
        ("{contents: rw, id-token: write}", {"error: unknown-access"}),
        ("{models: write, id-token: write}", {"error: unknown-access"}),
        ("{contents: true, id-token: write}", {"error: unknown-access"}),
        ("write", {"error: permissions-word", MISSING}),
        ("write-all", set()),
        ("{contents: read, id-token: write, artifact-metadata: write, code-quality: read}", set()),
    ],
)
def test_words_that_github_does_not_know(permissions: str, expected: set[str]) -> None:
    """It rejects the file. A scope that is like no other may be newer than the doctor."""
    assert found(with_permissions(permissions)) == expected


def test_permissions_at_a_step() -> None:
    """A step has none."""
    step = "{uses: org/hf-oidc-action@v1, with: {resource: acme/model}, permissions: {id-token: write}}"
    assert found(with_permissions("{}", step)) == {"error: permissions-at-step", MISSING}
    assert found(with_permissions("{id-token: write}", step)) == {"error: permissions-at-step"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (CHECKOUT, {"warning: contents-lost"}),
        ("{uses: Actions/Checkout@v7}", {"warning: contents-lost"}),
        ("{uses: actions/checkout@v4, with: {token: '${{ secrets.PAT }}'}}", set()),
        ("{uses: actions/checkout@v4, with: {token: '${{ github.token }}'}}", {"warning: contents-lost"}),
        ("{uses: actions/checkout@v4, with: {ssh-key: '${{ secrets.KEY }}'}}", set()),
        ("{uses: actions/checkout@v4, with: {repository: acme/other}}", set()),
        ("{uses: actions/setup-python@v7}", set()),
    ],
)
@pytest.mark.parametrize(("permissions", "top"), [("{id-token: write}", "{contents: read}"), ("", "{id-token: write}")])
def test_contents_that_a_checkout_needs(steps: str, permissions: str, top: str, expected: set[str]) -> None:
    """A block denies what it does not name."""
    assert found(with_permissions(permissions, f"{steps}, {LOGIN}", top)) == expected


WRITES = "{contents: write, pull-requests: write, issues: write, packages: write}"
LOST = {"warning: permission-lost"}
GITHUBS = "env: {GH_TOKEN: '${{ github.token }}'}"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{run: git push origin HEAD:published}", LOST),
        ("{run: git push}", LOST),
        ("{run: 'git -c user.name=x push --force origin main'}", LOST),
        ("{run: git push --dry-run origin main}", set()),
        ("{run: 'git push https://x:$HF_TOKEN@huggingface.co/acme/model main'}", set()),
        ("{run: git push hub main}", set()),
        ("{run: git -C model push origin main}", set()),
        ("{run: git push, working-directory: model}", set()),
        ("{run: 'git clone https://huggingface.co/acme/model && cd model && git push'}", set()),
        ("{run: 'git remote set-url origin https://huggingface.co/acme/model; git push origin main'}", set()),
        ("{run: git stash push}", set()),
        ("{run: echo git push origin}", set()),
        (f"{{run: gh release create v1, {GITHUBS}}}", LOST),
        (f"{{run: 'make && gh release upload v1 model.bin', {GITHUBS}}}", LOST),
        (f"{{run: gh release view v1, {GITHUBS}}}", set()),
        ("{run: gh release create v1, env: {GH_TOKEN: '${{ secrets.PAT }}'}}", set()),
        (f"{{run: gh pr comment 1 -b x, {GITHUBS}}}", LOST),
        (f"{{run: gh issue create -t x, {GITHUBS}}}", LOST),
        ("{uses: softprops/action-gh-release@v2}", LOST),
        ("{uses: softprops/action-gh-release@v2, with: {token: '${{ secrets.PAT }}'}}", set()),
        ("{uses: peter-evans/create-pull-request@v7}", LOST),
        ("{uses: peter-evans/create-pull-request@v7, with: {token: '${{ secrets.GITHUB_TOKEN }}'}}", LOST),
        ("{uses: stefanzweifel/git-auto-commit-action@v6}", LOST),
        ("{uses: EndBug/add-and-commit@v9}", LOST),
        ("{uses: acme/unknown@v1}", set()),
    ],
)
def test_rights_that_a_job_leaves_out(step: str, expected: set[str]) -> None:
    """What a step needs of GITHUB_TOKEN; nothing if it brings a token of its own, or speaks to another server."""
    login = LOGIN.replace("acme/model", "acme/model, git-credentials: true")
    steps = f"{CHECKOUT}, {login}, {step}"
    assert found(with_permissions("{contents: read, id-token: write}", steps, WRITES)) == expected
    assert found(with_permissions("write-all", steps)) == set()
    granted = WRITES.replace("}", ", id-token: write}")
    assert found(with_permissions("", steps, granted)) == set()


@pytest.mark.parametrize(
    "checkout", ["{token: '${{ secrets.PAT }}'}", "{persist-credentials: false}", "{repository: a/b}"]
)
def test_a_push_with_other_credentials(checkout: str) -> None:
    """Of those that actions/checkout leaves, or of none."""
    steps = f"{{uses: actions/checkout@v4, with: {checkout}}}, {LOGIN}, {{run: git push origin main}}"
    assert found(with_permissions("{contents: read, id-token: write}", steps)) == set()


def test_rights_that_a_caller_leaves_out() -> None:
    """A called job without `permissions:` has those of the job that calls it, and there they are to be changed."""
    called = f"on: workflow_call\n{job(f'{CHECKOUT}, {LOGIN}, {{run: git push origin main}}')}"
    files = {".github/workflows/a.yml": called}
    call = f"{ON_MAIN}jobs:\n  call:\n    uses: ./.github/workflows/a.yml\n    permissions: {{id-token: write}}\n"
    (finding,) = examined(call, files).all_findings
    assert (finding.code, finding.file, finding.facts["job"]) == ("permission-lost", "", "call")
    lines = "".join(f"    {line}\n" for line in finding.facts["lines"].splitlines())
    assert examined(call.partition("    permissions:")[0] + lines, files).all_findings == ()


ADVISED = [
    with_permissions("", CHECKOUT + ", " + LOGIN),
    with_permissions("", f"{CHECKOUT}, {LOGIN}, {{run: git push origin main}}"),
    with_permissions("{contents: write, issues: write}", LOGIN),
    with_permissions("", LOGIN, "{contents: write, pull-requests: read}"),
    with_permissions("read-all", f"{LOGIN}, {{uses: softprops/action-gh-release@v2}}"),
    with_permissions("{id-token: write}", f"{CHECKOUT}, {LOGIN}, {{uses: peter-evans/create-pull-request@v7}}"),
    with_permissions("{contents: none, id-token: write}", f"{CHECKOUT}, {LOGIN}"),
]


@pytest.mark.parametrize("workflow", ADVISED)
def test_the_permissions_that_are_advised_leave_nothing_out(workflow: str) -> None:
    """They replace the job's. Every finding then is gone, and no permission that it had."""
    findings = examined(workflow).all_findings
    assert findings
    for finding in findings:
        lines = "".join(f"    {line}\n" for line in finding.facts["lines"].splitlines())
        kept = "".join(line + "\n" for line in workflow.splitlines() if not line.startswith("    permissions:"))
        changed = kept.replace("    steps:", f"{lines}    steps:")
        assert examined(changed).all_findings == ()


@pytest.mark.parametrize(
    ("steps", "rest", "expected"),
    [
        ("{run: make}", "", {"warning: id-token-permission-missing"}),
        ("{run: make}", "    env: {HF_OIDC_RESOURCE: acme/other}\n", {MISSING}),
        ("{run: hf upload acme/model .}", "", {MISSING}),
    ],
)
def test_a_variable_of_the_whole_workflow(steps: str, rest: str, expected: set[str]) -> None:
    """It reaches jobs that do not mean to log in."""
    assert found("env: {HF_OIDC_RESOURCE: acme/model}\n" + ON_MAIN + job(steps, rest)) == expected


# --- strangers


def on(event: str, steps: str, rest: str = "") -> set[str]:
    """The findings about a job that may log in, and that `event` starts, without those of the event alone."""
    workflow = f"on: {event}\n{MAY_LOG_IN}{job(f'{LOGIN}, {steps}', rest)}"
    return found(workflow) - {"warning: pull-request-target"}


HEAD = "{uses: actions/checkout@v4, with: {ref: '${{ github.event.pull_request.head.sha }}'}}"
TAKES = {"warning: untrusted-code"}
ASSOCIATION = 'contains(fromJSON(\'["OWNER", "MEMBER"]\'), github.event.comment.author_association)'


@pytest.mark.parametrize(
    ("event", "steps", "condition", "expected"),
    [
        ("pull_request_target", HEAD, "", TAKES),
        ("pull_request_target", "{run: 'gh pr checkout ${{ github.event.number }}'}", "", TAKES),
        ("pull_request_target", "{run: 'git fetch origin pull/${{ github.event.number }}/head'}", "", TAKES),
        ("pull_request_target", HEAD.replace("github.event.pull_request.head.sha", "github.head_ref"), "", TAKES),
        ("pull_request_target", CHECKOUT, "", set()),
        ("pull_request_target", HEAD.replace("@v4", "@v7"), "", set()),
        (
            "pull_request_target",
            HEAD.replace("@v4", "@v7").replace("ref:", "allow-unsafe-pr-checkout: true, ref:"),
            "",
            TAKES,
        ),
        ("pull_request_target", HEAD, "github.event.pull_request.head.repo.full_name == github.repository", set()),
        ("pull_request_target", HEAD, "github.event.pull_request.head.repo.fork == false", set()),
        ("pull_request_target", HEAD, "github.event.pull_request.user.login == 'ada'", set()),
        ("push", HEAD, "", {"warning: several-branches", "warning: tags-and-branches"}),
        ("issue_comment", "{run: make}", "", {"warning: anyone-starts"}),
        ("issue_comment", HEAD.replace("github.event.pull_request.head.sha", "github.event.issue.number"), "", TAKES),
        ("issue_comment", "{run: make}", "github.event.comment.author_association == 'OWNER'", set()),
        ("issue_comment", "{run: make}", ASSOCIATION, set()),
        ("issue_comment", "{run: make}", "contains(github.event.comment.body, '/publish')", {"warning: anyone-starts"}),
        ("issues", "{run: make}", "", {"warning: anyone-starts"}),
        ("discussion_comment", "{run: make}", "", {"warning: anyone-starts"}),
    ],
)
def test_what_strangers_can_do(event: str, steps: str, condition: str, expected: set[str]) -> None:
    """Start the job, or have their code run in it, unless the condition keeps them out."""
    rest = f'    if: "{condition}"\n'.replace('"OWNER", "MEMBER"', '\\"OWNER\\", \\"MEMBER\\"') if condition else ""
    assert on(event, steps, rest) == expected


AFTER = "{workflow_run: {workflows: [CI], types: [completed]}}"
ARTIFACT = "{uses: actions/download-artifact@v5, with: {run-id: '${{ github.event.workflow_run.id }}'}}"


@pytest.mark.parametrize(
    ("steps", "condition", "expected"),
    [
        (ARTIFACT, "", TAKES),
        ("{run: 'gh run download ${{ github.event.workflow_run.id }}'}", "", TAKES),
        (
            "{uses: dawidd6/action-download-artifact@v9, with: {run_id: '${{ github.event.workflow_run.id }}'}}",
            "",
            TAKES,
        ),
        (
            "{uses: a/download-artifact@v1, with: {commit: '${{ github.event.workflow_run.head_sha }}'}}",
            "",
            TAKES,
        ),
        (HEAD.replace("pull_request.head.sha", "workflow_run.head_sha"), "", TAKES),
        (ARTIFACT, "github.event.workflow_run.conclusion == 'success'", TAKES),
        (ARTIFACT, "github.event.workflow_run.event == 'push'", set()),
        (ARTIFACT, "github.event.workflow_run.event != 'pull_request'", set()),
        ("{uses: actions/download-artifact@v5}", "", set()),
        (CHECKOUT, "", set()),
    ],
)
def test_a_workflow_after_another_one(steps: str, condition: str, expected: set[str]) -> None:
    """The other one may have run for a stranger's pull request, and made what this one takes."""
    assert on(AFTER, steps, f"    if: {condition}\n" if condition else "") == expected


@pytest.mark.parametrize(
    ("event", "text", "expected"),
    [
        ("issue_comment", "github.event.comment.body", True),
        ("issues", "github.event.issue.title", True),
        ("pull_request_target", "github.head_ref", True),
        ("pull_request_target", "github.event.pull_request.title", True),
        ("pull_request_target", "github.event.pull_request.number", False),
        ("pull_request_target", "github.event.pull_request.base.ref", False),
        (AFTER, "github.event.workflow_run.head_branch", True),
        (AFTER, "github.event.workflow_run.id", False),
    ],
)
def test_text_that_strangers_write(event: str, text: str, expected: bool) -> None:
    """In a script it may contain commands. In an environment variable it is only text."""
    assert ("warning: untrusted-input" in on(event, f"{{run: 'echo ${{{{ {text} }}}}'}}")) == expected
    assert "warning: untrusted-input" not in on(event, f"{{run: 'echo $T', env: {{T: '${{{{ {text} }}}}'}}}}")


STRANGERS = [
    ("pull_request_target", HEAD, ""),
    ("[pull_request_target, workflow_dispatch]", HEAD, "github.ref == 'refs/heads/main'"),
    ("issue_comment", "{run: make}", ""),
    ("issue_comment", "{run: make}", "contains(github.event.comment.body, '/publish')"),
    (AFTER, ARTIFACT, "github.event.workflow_run.conclusion == 'success'"),
]


@pytest.mark.parametrize(("event", "steps", "condition"), STRANGERS)
def test_the_condition_that_is_advised_keeps_strangers_out(event: str, steps: str, condition: str) -> None:
    """It replaces the job's."""
    workflow = (
        f"on: {event}\n{MAY_LOG_IN}{job(f'{LOGIN}, {steps}', f'    if: {condition}{chr(10)}' if condition else '')}"
    )
    before = examined(workflow).all_findings
    (finding,) = [each for each in before if each.code in {"untrusted-code", "anyone-starts"}]
    kept = "".join(line + "\n" for line in workflow.splitlines() if not line.startswith("    if:"))
    changed = kept.replace("    steps:", f"    {finding.facts['lines']}\n    steps:")
    after = examined(changed).all_findings
    assert {each.code for each in after} == {each.code for each in before} - {finding.code}
