"""The judgement of `.gitlab-ci.yml`, by tables of whole files: broken, right, and hostile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_oidc.doctor import json_report, sarif, text
from hf_oidc.doctor.advice import words
from hf_oidc.doctor.gitlab_ci.advice import GITLAB_WORDS
from hf_oidc.doctor.gitlab_ci.examine import examine
from hf_oidc.doctor.gitlab_ci.expressions import ExpressionError, SomeName, Special, Text, parse
from hf_oidc.doctor.remote import read_remote
from hf_oidc.doctor.workflow.findings import WorkflowReport
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml
from tests.leaks import PASSWORDS, URL_FORMS, shows_password

ROOT = Path(__file__).parents[3]
HUB = "https://huggingface.co"
REMOTE = "https://gitlab.com/acme/training.git"


def report(content: str, remote: str = REMOTE, project: str = "", hub: str = HUB) -> WorkflowReport:
    """The report of a file; every rendering is made, too."""
    found = examine(content, ".gitlab-ci.yml", project, read_remote(remote), hub)
    assert "\n".join(text.workflow(found, HUB))
    assert json_report.workflow(found, HUB)["ok"] == (not found.fails)
    assert sarif.document([(".gitlab-ci.yml", found)])["runs"]
    return found


def codes(content: str) -> dict[str, str]:
    """The codes of all findings, with their severity."""
    return {finding.code: finding.severity for finding in report(content).all_findings}


ID_TOKENS = "  id_tokens: {HF_ID_TOKEN: {aud: https://huggingface.co}}\n"
MAIN = "  rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]\n"
SCRIPT = "  script: [pip install hf-oidc-action, hf-oidc run acme/model -- hf upload acme/model .]\n"
JOB = f"publish:\n{ID_TOKENS}{SCRIPT}"

# Nothing is found in these, and GitLab's schema accepts them.
RIGHT = {
    "the shortest": JOB + MAIN,
    "a branch by name": JOB + "  rules: [{if: '$CI_COMMIT_BRANCH == \"main\"'}]\n",
    "a branch by regular expression": JOB + "  rules: [{if: '$CI_COMMIT_BRANCH =~ /^main$/'}]\n",
    "only": JOB + "  only: [main]\n",
    "only and except": JOB + "  only: {refs: [main], variables: [$PUBLISH]}\n  except: [schedules]\n",
    "the workflow's rules": f"workflow: {{{MAIN.strip()}}}\n{JOB}",
    "without merge requests": JOB + "  rules:\n    - if: $CI_MERGE_REQUEST_IID\n      when: never\n"
    "    - if: $CI_COMMIT_BRANCH == 'main'\n",
    "the default's ID token": "default:\n" + ID_TOKENS + f"publish:\n{SCRIPT}{MAIN}",
    "a template": f".hub:\n{ID_TOKENS}{MAIN}publish:\n  extends: .hub\n{SCRIPT}",
    "two templates": f".token:\n{ID_TOKENS}.main:\n{MAIN}publish:\n  extends: [.token, .main]\n{SCRIPT}",
    "an anchor": f".hub: &hub\n{ID_TOKENS}{MAIN}publish:\n  <<: *hub\n{SCRIPT}",
    "references": f".hub:\n{ID_TOKENS}{MAIN}  script: [hf-oidc run acme/model -- hf upload acme/model .]\n"
    "publish:\n  id_tokens: !reference [.hub, id_tokens]\n  rules: [!reference [.hub, rules]]\n"
    "  script: [echo, !reference [.hub, script]]\n",
    "a header": f"spec:\n  inputs:\n    name: {{default: x}}\n---\n{JOB}{MAIN}",
    "a separate job after a long one": f"train:\n  script: [python train.py]\n{JOB}{MAIN}",
    "a timeout": JOB.replace("[pip", "[python train.py, pip") + "  timeout: 2 hours\n" + MAIN,
    "an ID token that is passed on": f"publish:\n{ID_TOKENS.replace('HF_ID_TOKEN', 'MINE')}"
    '  script: ["export HF_OIDC_ID_TOKEN=$MINE", hf-oidc run acme/model -- hf upload acme/model .]\n' + MAIN,
    "a file with the ID token": "publish:\n  script: [./mint > t, hf-oidc run --id-token-file t acme/model -- x]\n"
    + MAIN,
    "another provider": f"publish:\n  script: [hf-oidc run --provider google acme/model -- x]\n{MAIN}",
    "another Hub": JOB.replace("huggingface.co", "hub.example").replace(
        "run acme", "run --hub-url https://hub.example acme"
    )
    + MAIN,
    "several tokens": JOB.replace("run acme/model", "run A=acme/a B=datasets/acme/b") + MAIN,
    "an agent": f"publish:\n{ID_TOKENS}{MAIN}  script:\n"
    "    - hf-oidc agent acme/model --token-file /t --ready-file /r &\n    - . /r\n    - hf upload acme/model .\n",
    "env in a script of lines": f"publish:\n{ID_TOKENS}{MAIN}  script:\n    - |\n      # hf-oidc run x\n"
    '      vars=$(hf-oidc env \\\n        acme/model) || exit; eval "$vars"\n      hf upload acme/model .\n',
    "the default branch of a schedule": JOB
    + "  rules: [{if: $CI_PIPELINE_SOURCE == 'schedule' && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]\n",
    "a variable that names the ID token": f"publish:\n{ID_TOKENS.replace('HF_ID_TOKEN', 'MINE')}"
    "  variables: {HF_OIDC_ID_TOKEN: $MINE}\n" + SCRIPT + MAIN,
    "a variable that names a file": f"publish:\n  variables: {{HF_OIDC_ID_TOKEN_FILE: token}}\n{SCRIPT}{MAIN}",
    "variables that are not inherited": "variables: {HF_ENDPOINT: https://hub.example, B: {value: b, description: x}}\n"
    + JOB
    + "  inherit: {variables: [B]}\n"
    + MAIN,
    "files that changed": JOB + "  rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH, changes: [model/*]}]\n",
    "only, with files and variables": JOB + "  only: {refs: [main], changes: [model/*]}\n",
    "merges of a list": f".a: &a\n{ID_TOKENS}.b: &b\n{MAIN}  image: x\npublish:\n  <<: [*a, *b]\n{SCRIPT}",
    "parentheses": JOB + "  rules: [{if: ($CI_COMMIT_BRANCH == 'main') && ($A || $B != null)}]\n",
}


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_a_right_file(name: str) -> None:
    """No finding, and one branch to enter."""
    found = report(RIGHT[name], hub=HUB)
    assert [(finding.code, finding.facts) for finding in found.all_findings] == []
    assert {job.branch.kind for job in found.jobs} <= {"one", "default"}
    assert [job.key for job in found.jobs] == ["publish"]


@pytest.mark.process
def test_gitlabs_schema_accepts_the_right_files(tmp_path: Path) -> None:
    """So they are what a user may write. The schema knows no headers, and no references in place of blocks."""
    paths = []
    for number, (name, content) in enumerate(RIGHT.items()):
        if name not in {"a header", "references"}:
            paths.append(tmp_path / f"{number}.gitlab-ci.yml")
            paths[-1].write_text(content, encoding="utf-8")
    tool = Path(sys.executable).with_name("check-jsonschema")
    arguments = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", *map(str, paths)]
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


OWN_EXCHANGE = f"""publish:
  variables: {{HF_OIDC_RESOURCE: acme/model}}
{ID_TOKENS}{MAIN}  script: [hf upload acme/model .]
"""
MERGE_REQUEST = "  rules: [{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}]\n"
BROKEN: Mapping[str, tuple[str, dict[str, str]]] = {
    # the ID token
    "no ID token": (f"publish:\n{SCRIPT}{MAIN}", {"id-token-not-declared": "error"}),
    "another audience": (JOB.replace("huggingface.co", "vault.example") + MAIN, {"audience-mismatch": "error"}),
    "the Hub's name alone": (JOB.replace("https://", "") + MAIN, {"audience-mismatch": "error"}),
    "another name": (JOB.replace("HF_ID_TOKEN", "HUB_TOKEN") + MAIN, {"id-token-name": "error"}),
    "another name and audience": (
        JOB.replace("HF_ID_TOKEN", "VAULT").replace("huggingface.co", "vault.example") + MAIN,
        {"id-token-not-declared": "error"},
    ),
    "an ID token without an audience": (
        JOB.replace("{aud: https://huggingface.co}", "{}") + MAIN,
        {"gitlab-rejects": "error"},
    ),
    "an audience without its block": (
        JOB.replace("{aud: https://huggingface.co}", "https://huggingface.co") + MAIN,
        {"gitlab-rejects": "error"},
    ),
    "a list of ID tokens": (
        JOB.replace("{HF_ID_TOKEN: {aud: https://huggingface.co}}", "[HF_ID_TOKEN]") + MAIN,
        {"gitlab-rejects": "error"},
    ),
    "several audiences": (
        JOB.replace("aud: https://huggingface.co", "aud: [https://huggingface.co, https://vault.example]") + MAIN,
        {"several-audiences": "warning"},
    ),
    "a variable for an audience": (JOB.replace("https://huggingface.co", "$HUB") + MAIN, {"not-understood": "note"}),
    "an audience that the command does not ask for": (
        JOB.replace("run acme", "run --audience https://other.example acme") + MAIN,
        {"audience-mismatch": "error"},
    ),
    "another Hub": (JOB + "  variables: {HF_ENDPOINT: https://hub.example}\n" + MAIN, {"audience-mismatch": "error"}),
    "a default that is not inherited": (
        f"default:\n{ID_TOKENS}publish:\n  inherit: {{default: false}}\n{SCRIPT}{MAIN}",
        {"id-token-not-declared": "error"},
    ),
    "a default that the job's own replaces": (
        f"default:\n{ID_TOKENS}publish:\n  id_tokens: {{VAULT: {{aud: https://vault.example}}}}\n{SCRIPT}{MAIN}",
        {"id-token-not-declared": "error"},
    ),
    "a template that is taken back": (
        f".hub:\n{ID_TOKENS}publish:\n  extends: .hub\n  id_tokens: null\n{SCRIPT}{MAIN}",
        {"id-token-not-declared": "error"},
    ),
    "a template of another file": (
        f"include: hub.yml\npublish:\n  extends: .hub\n{SCRIPT}{MAIN}",
        {"id-token-not-declared": "warning", "not-understood": "note"},
    ),
    "a reference to another file": (
        f"include: hub.yml\npublish:\n  id_tokens: !reference [.hub, id_tokens]\n{SCRIPT}{MAIN}",
        {"not-understood": "note"},
    ),
    "a template that extends itself": (
        f".a: {{extends: .b}}\n.b: {{extends: .a}}\npublish:\n  extends: .a\n{ID_TOKENS}{SCRIPT}{MAIN}",
        {"not-understood": "note"},
    ),
    # pipelines
    "no rules": (JOB, {"branch-pipelines": "warning"}),
    "merge requests": (JOB + MERGE_REQUEST, {"only-merge-requests": "error"}),
    "merge requests by only": (JOB + "  only: [merge_requests]\n", {"only-merge-requests": "error"}),
    "merge requests and a branch by only": (
        JOB + "  only: [main, merge_requests]\n",
        {"merge-request-only": "warning"},
    ),
    "merge requests and a branch": (
        JOB + "  rules: [{if: $CI_MERGE_REQUEST_IID}, {if: $CI_COMMIT_BRANCH == 'main'}]\n",
        {"merge-request": "warning"},
    ),
    "always": (JOB + "  rules: [{when: always}]\n", {"merge-request": "warning", "branch-pipelines": "warning"}),
    "the target branch": (
        JOB + "  rules: [{if: $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == 'main'}]\n",
        {"only-merge-requests": "error"},
    ),
    "the name of the ref": (JOB + "  rules: [{if: $CI_COMMIT_REF_NAME == 'main'}]\n", {"merge-request": "warning"}),
    "tags": (JOB + "  rules: [{if: $CI_COMMIT_TAG}]\n", {"tag-pipelines": "note"}),
    "tags of a form": (JOB + "  rules: [{if: '$CI_COMMIT_TAG =~ /^v\\d+/'}]\n", {"tag-pipelines": "note"}),
    "tags and a branch": (
        JOB + "  rules: [{if: $CI_COMMIT_TAG}, {if: $CI_COMMIT_BRANCH == 'main'}]\n",
        {"tag-and-branch-pipelines": "warning"},
    ),
    "only tags": (JOB + "  only: [tags]\n", {"tag-pipelines": "note"}),
    "except tags": (JOB + "  except: [tags]\n", {"branch-pipelines": "warning"}),
    "two branches": (
        JOB + "  rules: [{if: '$CI_COMMIT_BRANCH =~ /^(main|dev)$/'}]\n",
        {"branch-pipelines": "warning"},
    ),
    "branches of a form": (JOB + "  only: [/^release/]\n", {"branch-pipelines": "warning"}),
    "another project's branch": (JOB + "  only: [main@acme/other]\n", {"never-runs": "warning"}),
    "no rule": (JOB + "  rules: []\n", {"never-runs": "warning"}),
    "a condition that is none": (
        JOB + "  rules: [{if: $A === 1}, {if: $CI_COMMIT_BRANCH == 'main'}]\n",
        {"not-understood": "note"},
    ),
    "rules of another file": (JOB + "  rules: [!reference [.hub, rules]]\n", {"not-understood": "note"}),
    "a default of another file": (
        f"include: hub.yml\npublish:\n{SCRIPT}{MAIN}",
        {"id-token-not-declared": "warning", "not-understood": "note"},
    ),
    "an include": (f"include: [{{local: ci/more.yml}}]\n{JOB}{MAIN}", {"not-understood": "note"}),
    # the login and other tokens
    "a long command first": (JOB.replace("[pip", "[python train.py, pip") + MAIN, {"id-token-short-lived": "warning"}),
    "a default timeout has no effect": (
        "default: {timeout: 2 hours}\n" + JOB.replace("[pip", "[make, pip") + MAIN,
        {"id-token-short-lived": "warning"},
    ),
    "a stored token": (
        f"publish:\n  script: [hf upload acme/model . --token $HUB_WRITE]\n{MAIN}",
        {"stored-token": "note"},
    ),
    "a stored variable": (
        f"publish:\n  variables: {{HF_TOKEN: $HUB}}\n  script: [hf upload acme/model .]\n{MAIN}",
        {"stored-token": "note"},
    ),
    "a stored token after the login": (
        JOB.replace("hf upload acme/model .", "hf upload acme/model . --token $HUB_WRITE") + MAIN,
        {"stored-token-used": "warning"},
    ),
    "a stored token in a URL": (
        JOB.replace("hf upload acme/model .", "git push https://u:$HUB_WRITE@huggingface.co/acme/model") + MAIN,
        {"stored-token-used": "warning"},
    ),
    "a stored token that remains": (
        JOB + "  variables: {HF_TOKEN: $HUB_WRITE}\n" + MAIN,
        {"stored-token-remains": "note"},
    ),
    "a URL for a resource": (
        JOB.replace("run acme/model", "run https://huggingface.co/acme/model") + MAIN,
        {"invalid-resource": "error"},
    ),
    "two tokens in one variable": (JOB.replace("run acme/model", "run PATH=acme/a") + MAIN, {"invalid-name": "error"}),
    "a user": (JOB.replace("run acme/model", "run alice") + MAIN, {"resource-is-user": "note"}),
    "a quote that is not closed": (
        JOB.replace("run acme/model", "run 'acme/model") + MAIN,
        {"no-resource-argument": "warning"},
    ),
    "a resource that is a variable": (
        OWN_EXCHANGE.replace("HF_ID_TOKEN", "HF_OIDC_ID_TOKEN").replace("RESOURCE: acme/model", "RESOURCE: $R"),
        {"own-exchange": "note"},
    ),
    "only variables": (JOB + "  only: {variables: [$PUBLISH]}\n", {"branch-pipelines": "warning"}),
    "a list for a condition": (
        JOB + "  rules: [{if: [a]}]\n",
        {"merge-request": "warning", "branch-pipelines": "warning"},
    ),
    "no resource": (JOB.replace("run acme/model", "run") + MAIN, {"no-resource-argument": "warning"}),
    "huggingface_hub's own exchange": (
        OWN_EXCHANGE,
        {"own-exchange": "note", "id-token-name": "error"},
    ),
    "huggingface_hub's own exchange, right": (
        OWN_EXCHANGE.replace("HF_ID_TOKEN", "HF_OIDC_ID_TOKEN"),
        {"own-exchange": "note"},
    ),
    "nothing of the Hub": ("test:\n  script: [pytest]\n", {"no-job-uses-hub": "note"}),
    "a client that is installed": ("test:\n  script: [pip install huggingface_hub]\n", {"no-job-uses-hub": "note"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_found_in_a_broken_file(name: str) -> None:
    """These findings, with these severities, and no other."""
    content, expected = BROKEN[name]
    assert codes(content) == expected


# How a program applies what is said of a finding to the job: the lines are put in, or what it names is removed.
REMOVED = {
    "merge-request-only": lambda job: job["only"].remove("merge_requests"),
    "stored-token-used": lambda job: job.update(script=["hf-oidc run acme/model -- hf upload acme/model ."]),
    "stored-token-remains": lambda job: job["variables"].pop("HF_TOKEN"),
}
# What is said of these is no change to the file, or none that follows from the file alone.
NO_CHANGE = {"not-understood", "tag-pipelines", "never-runs", "resource-is-user", "own-exchange", "invalid-name"}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (content, expected) in BROKEN.items()
        if not NO_CHANGE & set(expected) and "!reference" not in content and "publish:" in content
    ],
)
def test_advice_that_is_followed_ends_its_finding(name: str) -> None:
    """And begins no other, whichever finding of the file is taken first."""
    document = yaml.safe_load(BROKEN[name][0])
    job = document["publish"]
    for finding in report(BROKEN[name][0]).all_findings:
        said = words(finding)
        if finding.code in REMOVED:
            REMOVED[finding.code](job)
        elif finding.code == "invalid-resource":
            script = [line.replace("https://huggingface.co/acme", "acme") for line in job["script"]]
            job["script"] = script
            assert "`acme/model`" in said.do
        else:
            given = yaml.safe_load(said.lines)
            rules = job.get("rules", []) if finding.code == "merge-request" else []
            if isinstance(given, str):  # a command
                job["script"] = [given.replace("namespace/name", "acme/model")]
                continue
            if finding.code == "stored-token":
                job.get("variables", {}).pop("HF_TOKEN", "")
            if "rules" in given:
                job.pop("only", None)
                job.pop("except", None)
                given["rules"] += rules
            job.update(given)
    assert codes(yaml.safe_dump(document)) == {}


def test_each_finding_is_tested_and_has_words() -> None:
    """Each code that the package names, and no other; Forgejo's own is tested with its workflows."""
    tested = {code for _, expected in BROKEN.values() for code in expected}
    assert set(GITLAB_WORDS) - tested == {"openid-connect-not-enabled"}


def entered(content: str, **options: str) -> dict[str, str | None]:
    """The publisher to enter for the one job."""
    (job,) = report(content, **options).jobs
    return {field.name: field.value for field in job.fields}


def test_the_publisher_to_enter() -> None:
    """Issuer and claims: what the file and git's remote tell."""
    assert entered(RIGHT["a branch by name"]) == {
        "issuer": "https://gitlab.com",
        "project_path": "acme/training",
        "ref_type": "branch",
        "ref": "main",
        "ref_protected": "true",
    }
    assert entered(JOB + MAIN)["ref"] is None
    tags = entered(JOB + "  only: [tags]\n")
    assert (tags["ref_type"], "ref" in tags) == ("tag", False)


@pytest.mark.parametrize(
    ("remote", "project", "issuer", "path"),
    [
        ("git@gitlab.acme.example:ml/team/training.git", "", "https://gitlab.acme.example", "ml/team/training"),
        ("ssh://git@gitlab.acme.example:2222/ml/training", "", "https://gitlab.acme.example", "ml/training"),
        ("https://github.com/acme/training", "", None, None),
        ("", "acme/x", None, "acme/x"),
        (REMOTE, "acme/training", "https://gitlab.com", "acme/training"),
        (REMOTE, "acme/other", None, "acme/other"),
        ("/srv/git/training.git", "", None, None),
        ("file:///srv/git/training.git", "", None, None),
    ],
)
def test_where_the_project_is(remote: str, project: str, issuer: str | None, path: str | None) -> None:
    """The instance of the remote, if it can be a GitLab and is not of another project."""
    found = entered(JOB + MAIN, remote=remote, project=project)
    assert (found["issuer"], found["project_path"]) == (issuer, path)


def test_what_is_said_of_an_environment_and_a_branch() -> None:
    """A claim that the publisher may name, GitLab's cautions, and words for what the file does not tell."""
    said = "\n".join(text.workflow(report(JOB + MAIN + "  environment: {name: production}\n"), HUB))
    for expected in ("environment production", "your default branch, such as main", "`ref_protected` is a string"):
        assert expected in said
    refused = "\n".join(text.workflow(report(JOB + MERGE_REQUEST), HUB))
    assert "Do not add a publisher for merge requests" in refused


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", URL_FORMS)
def test_repeats_no_password(form: str, password: str) -> None:
    """Of a URL that the file or the remote has."""
    url = form.format(password)
    found = report(f"publish:\n{ID_TOKENS}  script: [\"hf-oidc run '{url}' -- x\"]\n", remote=url)
    assert not shows_password("\n".join(text.workflow(found, HUB)))


# Each of these is refused with one sentence, or read within moments.
HOSTILE = {
    "no block": "- a\n- b\n",
    "a text": "hello\n",
    "a reference that is none": ".a: {script: x}\npublish: {script: [hf-oidc run a/b -- x, !reference [.a, [b]]]}\n",
    "a merge of a text": "publish: {<<: [x, y], script: hf-oidc run a/b -- x}\n",
    "a list as a name": "? [a]\n: {script: x}\n",
    "three documents": "a: {script: x}\n---\nb: {script: x}\n---\nc: {script: x}\n",
    "no job": "image: x\n",
    "an anchor within itself": "a: &a {script: x, b: *a}\n",
    "a merge of itself": "a: &a {<<: *a, script: x}\n",
    "merges that multiply": "a0: &a0 {x: [1,2,3,4,5,6,7,8,9]}\n"
    + "".join(f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(9))}}}\n" for n in range(1, 9)),
    "extends that multiply": "".join(
        f".a{n}: {{extends: [{', '.join([f'.a{n + 1}'] * 9)}], k{n}: {{x: 1}}}}\n" for n in range(11)
    )
    + "publish: {extends: .a0, script: hf-oidc run a/b -- x}\n",
    "references that multiply": "".join(
        f".a{n}: {{s: [{', '.join([f'!reference [.a{n + 1}, s]'] * 9)}]}}\n" for n in range(9)
    )
    + ".a9: {s: [x]}\npublish: {script: [hf-oidc run a/b -- x, !reference [.a0, s]]}\n",
    "references in depth": f".a: {{s: {'[' * 90}!reference [.a, s]{']' * 90}}}\n"
    "publish: {script: [!reference [.a, s]]}\n",
    "a long script in many jobs": f".a: {{script: {'x' * 900_000}}}\n"
    + "".join(f"j{n}: {{extends: .a}}\n" for n in range(20)),
    "too deep": "a: " + "[" * 200 + "]" * 200,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_or_reported(name: str) -> None:
    """Never anything else."""
    try:
        report(HOSTILE[name])
    except UnreadableYaml as error:
        assert error.what


SLOW = {
    "a regular expression": JOB + "  rules: [{if: '$CI_COMMIT_BRANCH == \"" + "a" * 60 + '" && $CI_COMMIT_BRANCH =~ '
    "/^(a+)+$|(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a).*.*.*.*b/'}]\n",
    "a regular expression that cannot be": JOB + '  rules: [{if: \'$CI_COMMIT_BRANCH == "a" && $CI_COMMIT_BRANCH =~ '
    "/a{99999999999}[[a]/'}]\n",
    "a deep condition": JOB + f"  rules: [{{if: '{'(' * 1_900}$A{')' * 1_900}'}}]\n",
    "a long condition": JOB + f"  rules: [{{if: '{' || '.join(['$A'] * 10_000)}'}}]\n",
    "many conditions": JOB
    + "  rules:\n"
    + "".join(f"    - if: $A{n} && {' && '.join(['$B'] * 400)}\n" for n in range(120)),
    "many branches": JOB + "  only: [" + ", ".join(f"b{n}" for n in range(5_000)) + "]\n",
    "many regular expressions": JOB + "  only: [" + ", ".join(f"/^b{n}.*$/, b{n}" for n in range(5_000)) + "]\n",
    "many rules": JOB + "  rules:\n" + "".join(f'    - if: $CI_COMMIT_BRANCH == "b{n}"\n' for n in range(6_000)),
    "rules of all jobs": "workflow:\n  rules:\n"
    + "".join(f'    - if: $CI_COMMIT_BRANCH == "b{n}"\n' for n in range(4_000))
    + "".join(f"j{n}: {{script: hf-oidc run acme/m -- x}}\n" for n in range(400)),
    "many jobs": "".join(f"j{n}: {{script: hf-oidc run acme/m -- x}}\n" for n in range(1_100)),
    "many logins": f"publish:\n{ID_TOKENS}  script:\n    - {'hf-oidc run a/b; ' * 4_000}\n"
    + "    - hf-oidc run a/b\n" * 4_000,
    "a quote that is not closed": JOB.replace("run acme/model", "run 'acme/model" + "'x" * 3_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_file_that_could_take_long(name: str) -> None:
    """It is reported, with what was not followed."""
    assert report(SLOW[name]).jobs


SOMEWHERE = SomeName("another branch", elsewhere=True)
VARIABLES: Mapping[str, Text] = {
    "A": "main",
    "EMPTY": "",
    "NULL": Special.NULL,
    "UNKNOWN": Special.UNKNOWN,
    "ELSEWHERE": SOMEWHERE,
    "SOURCE": SomeName("the source branch"),
    "B": "release/1.2",
}
EXPRESSIONS = [
    # https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
    ('$A == "main"', True),
    ("$A == 'main'", True),
    ("${A} == 'main'", True),
    ("$A != 'main'", False),
    ("$A == 'Main'", False),
    ("$A == $A", True),
    ("$A == $B", False),
    ("$NULL == null", True),
    ("$A == null", False),
    ("$A != null", True),
    ("$EMPTY == null", False),
    ("$EMPTY == ''", True),
    ("$NULL == ''", False),
    ("$A", True),
    ("$EMPTY", False),
    ("$NULL", False),
    ("$UNKNOWN", None),
    ("$NOWHERE", None),
    ("$ELSEWHERE", True),
    ("$UNKNOWN == 'main'", None),
    ("$UNKNOWN != 'main'", None),
    ("$ELSEWHERE == 'main'", False),
    ("$ELSEWHERE == $ELSEWHERE", True),
    ("$ELSEWHERE == $SOURCE", False),
    ("$SOURCE == 'main'", None),
    ("$SOURCE == ''", False),
    ("$SOURCE == null", False),
    ("$A =~ /^ma/", True),
    ("$A =~ /^MA/", False),
    ("$A =~ /^MA/i", True),
    ("$A !~ /^ma/", False),
    ("$B =~ /^release\\/\\d+\\.\\d+$/", True),
    ("$NULL =~ /x/", False),
    ("$UNKNOWN =~ /x/", None),
    ("$ELSEWHERE =~ /^main$/", False),
    ("$ELSEWHERE =~ /^(main|dev)$/", False),
    ("$ELSEWHERE =~ /main/", None),
    ("$SOURCE =~ /^main$/", None),
    ("$A =~ $B", None),
    ("$A =~ 'main'", None),
    ("$A == /main/", None),
    # Python's regular expressions differ, or could take long.
    ("$A =~ /(?i)MAIN/", None),
    ("$A =~ /(a+)+$/", None),
    ("$A =~ /a*b*c*/", None),
    ("$A =~ /[[:alpha:]]/", None),
    ("$A =~ /a{99999999999999999999}/", None),
    ("$A =~ /(/", None),
    # Precedence and parentheses
    ("$A || $NULL && $NULL", True),
    ("($A || $NULL) && $NULL", False),
    ("$UNKNOWN && $NULL", False),
    ("$UNKNOWN || $A", True),
    ("$UNKNOWN && $A", None),
    ("$UNKNOWN || $NULL", None),
    ("(($A == 'main'))", True),
    ("$A == 'main' && ($B =~ /^rel/ || $NULL)", True),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_expressions(expression: str, expected: bool | None) -> None:
    """True, false, or unknown: what is not known is never assumed."""
    assert parse(expression)(VARIABLES) is expected


@pytest.mark.parametrize(
    "expression",
    ["", "$A ==", "== 'a'", "$A === 'a'", "($A", "$A)", "$A $B", "$A == 'a", "A == 'a'", "!$A", "&& $A", "$A ||",
     "$A + 1", "(" * 60 + "$A" + ")" * 60, "$A && " * 1_000 + "$A"],
)  # fmt: skip
def test_what_is_no_expression(expression: str) -> None:
    """It is refused, and the report says that the condition was not understood."""
    with pytest.raises(ExpressionError):
        parse(expression)


VALUES = st.recursive(
    st.sampled_from(["", "null", "x", "hf-oidc run a/b -- x", "$A == 'b'", "!reference [.a, b]", "main", "5"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(
                ["script", "rules", "if", "when", "extends", "id_tokens", "HF_ID_TOKEN", "aud", "only", "variables"]
            ),
            inner,
            max_size=4,
        ).map(lambda items: f"{{{', '.join(f'{name}: {value}' for name, value in items.items())}}}")
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", ".a", "default", "workflow", "include", "variables"]), VALUES))
def test_whatever_a_file_holds(document: dict[str, str]) -> None:
    """There is a report, or a clear refusal."""
    content = "".join(f"{name}: {value}\n" for name, value in document.items())
    try:
        report(content)
    except UnreadableYaml as error:
        assert error.what
