"""`hf-oidc doctor` and files: several at once, those of other CIs, SARIF, and the hook of pre-commit."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hf_oidc.doctor.advice import WORDS
from hf_oidc.doctor.gitlab_ci.advice import GITLAB_WORDS
from tests.scenario.test_doctor import Told, doctor, repository_with_workflow

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
RIGHT = "tests/doctor/right.gitlab-ci.yml"
BROKEN = "tests/doctor/typo.yml"
SCHEMA = ROOT / "tests" / "vectors" / "sarif-2.1.0.json"


def written(tmp_path: Path, name: str, content: str) -> Told:
    """What is said of a file with this name and content."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return doctor("--workflow", str(path))


NO_CONTENT = "# nothing here tells what it is\n"
# By the path alone: what is said, and a line to copy or a section to read.
BY_PATH = {
    ".circleci/config.yml": ("CircleCI", "- run: hf-oidc run"),
    "bitbucket-pipelines.yml": ("Bitbucket Pipelines", "        - https://huggingface.co"),
    "azure-pipelines.yml": ("Azure Pipelines", "providers.md#azure-pipelines"),
    "ci/azure-pipelines-release.yaml": ("Azure Pipelines", "--id-token-file"),
    "Jenkinsfile": ("Jenkins", "withCredentials"),
    "Jenkinsfile.release": ("Jenkins", "withCredentials"),
    ".buildkite/pipeline.yml": ("Buildkite", "command: hf-oidc run"),
    "cloudbuild.yaml": ("Google Cloud", "--provider google"),
    "codefresh.yml": ("Codefresh", "- hf-oidc run"),
    "buildspec.yml": ("AWS", "providers.md#"),
    ".semaphore/semaphore.yml": ("Semaphore", "providers.md#semaphore"),
    ".spacelift/config.yml": ("Spacelift", "providers.md#spacelift"),
    ".travis.yml": ("a CI that `hf-oidc` does not know", "providers.md#any-other"),
    ".gitea/workflows/publish.yml": ("Gitea, which issues no ID tokens", "providers.md#any-other"),
}


@pytest.mark.parametrize("name", BY_PATH)
def test_a_file_of_another_ci_is_known_by_its_path(tmp_path: Path, name: str) -> None:
    """What it is, and what to write or read; it is not checked, so the exit code is 2."""
    told = written(tmp_path, name, NO_CONTENT)
    assert (told.exit_code, told.stdout) == (2, "")
    for expected in BY_PATH[name]:
        assert expected in told.stderr


KUBERNETES = (EXAMPLES / "kubernetes" / "job.yaml").read_text(encoding="utf-8")
BY_CONTENT = {
    "kubernetes": (KUBERNETES, "Kubernetes"),
    "circleci": ((EXAMPLES / "circleci" / "config.yml").read_text(encoding="utf-8"), "CircleCI"),
    "bitbucket": ((EXAMPLES / "bitbucket" / "bitbucket-pipelines.yml").read_text(encoding="utf-8"), "Bitbucket"),
    "buildkite": ((EXAMPLES / "buildkite" / "pipeline.yml").read_text(encoding="utf-8"), "Buildkite"),
    "buildkite, a list": ("- command: make\n- wait\n", "Buildkite"),
    "google": ((EXAMPLES / "google" / "cloudbuild.yaml").read_text(encoding="utf-8"), "Google Cloud"),
    "codefresh": ((EXAMPLES / "codefresh" / "codefresh.yml").read_text(encoding="utf-8"), "Codefresh"),
    "aws": ((EXAMPLES / "aws" / "buildspec.yml").read_text(encoding="utf-8"), "AWS"),
    "azure": ("trigger: [main]\npool: {vmImage: ubuntu-latest}\nsteps:\n  - script: make\n", "Azure Pipelines"),
    "azure, stages": ("trigger: [main]\nstages: [{stage: a}]\n", "Azure Pipelines"),
    "a composite action": ("name: a\nruns:\n  using: composite\n  steps: []\n", "This is an action"),
    "a list": ("- a\n- b\n", "not a workflow"),
    "a text": ("hello\n", "not a workflow"),
    "another document": ("version: 3\nservices: {web: {image: x}}\n", "not a workflow"),
}


@pytest.mark.parametrize("name", BY_CONTENT)
def test_a_file_without_a_telling_path_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    """The CI whose keys it has, or that it is not a workflow."""
    content, expected = BY_CONTENT[name]
    told = written(tmp_path, "some.yml", content)
    assert (told.exit_code, told.stdout) == (2, "")
    assert expected in told.stderr


def test_an_action_leads_to_the_workflows_that_use_it(tmp_path: Path) -> None:
    """Ours, and any other."""
    told = doctor("action.yml")
    assert (told.exit_code, "Check a workflow that uses it" in told.stderr) == (2, True)
    assert "This is an action" in written(tmp_path, "action.yaml", "runs: {using: node24}\n").stderr
    assert "This is an action" in written(tmp_path, "action.yml", NO_CONTENT).stderr


def test_the_publisher_of_another_ci_is_told_for_another_hub() -> None:
    """The lines to copy name it."""
    told = doctor("examples/circleci/config.yml", "--hub-url", "https://hub.example")
    assert "--hub-url https://hub.example" in told.stderr
    assert "oidc.circleci.com/project-id  the project ID" in told.stderr


def test_gitlabs_file_is_known_by_its_content(tmp_path: Path) -> None:
    """Whatever its name."""
    told = written(tmp_path, "ci.yml", (ROOT / RIGHT).read_text(encoding="utf-8"))
    assert (told.exit_code, "project_path" in told.stdout) == (0, True)


def test_our_own_example_for_gitlab_is_clean() -> None:
    """Nothing is found, and the publisher is that of its header."""
    told = doctor("examples/gitlab/.gitlab-ci.yml", "--repository", "acme/training")
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "No problem was found in this file.")
    for row in ("project_path   acme/training", "ref_type       branch", "ref            main", "ref_protected  true"):
        assert row in told.stdout


FORGEJO = (EXAMPLES / "forgejo" / "publish-model.yml").read_text(encoding="utf-8")


def forgejo(tmp_path: Path, content: str, remote: str, *arguments: str) -> Told:
    """What is said of a workflow of Forgejo in a repository with this remote."""
    for command in (["init", "--quiet"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    path = tmp_path / ".forgejo" / "workflows" / "publish.yml"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    return doctor(str(path), *arguments)


def test_forgejos_workflow(tmp_path: Path) -> None:
    """As GitHub's, with the instance as the issuer, and with claims."""
    told = forgejo(tmp_path, FORGEJO, "https://codeberg.org/acme/training.git")
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "No problem was found in this file.")
    for row in (
        "issuer      https://codeberg.org/api/actions",
        "repository  acme/training",
        "ref         refs/heads/main",
        "never accepts its jobs",
    ):
        assert row in re.sub(r"\n +", " ", told.stdout) or row in told.stdout


def test_forgejos_line_is_missing(tmp_path: Path) -> None:
    """GitHub's permission is no substitute, and its absence no mistake."""
    content = FORGEJO.replace("enable-openid-connect: true", "permissions: {id-token: write}")
    told = forgejo(tmp_path, content, "https://github.com/acme/training.git", "--json")
    (job,) = told.json["jobs"]
    assert (told.exit_code, told.json["ci"]) == (1, "forgejo")
    assert [finding["code"] for finding in job["findings"]] == ["openid-connect-not-enabled"]
    assert job["publisher"] == {"issuer": None, "repository": None, "ref": "refs/heads/main"}


def test_forgejos_line_in_the_job(tmp_path: Path) -> None:
    """It may be there as well, and is no key that is not known."""
    content = FORGEJO.replace("enable-openid-connect: true\n", "").replace(
        "    runs-on: docker", "    enable-openid-connect: true\n    runs-on: docker"
    )
    told = forgejo(tmp_path, content, "git@forgejo.acme.example:acme/training.git")
    assert (told.exit_code, "https://forgejo.acme.example/api/actions" in told.stdout) == (0, True)


def test_several_files() -> None:
    """Each report in its turn; the exit code is that of the worst."""
    told = doctor(RIGHT, "--workflow", BROKEN, "--repository", "acme/training")
    assert told.exit_code == 1
    # Options come first.
    assert told.stdout.index("typo.yml of acme/training") < told.stdout.index("right.gitlab-ci.yml of acme/training")
    assert doctor(RIGHT, "examples/github/publish-model.yml").exit_code == 0


def test_several_files_as_json() -> None:
    """One object, with that of each file."""
    told = doctor(BROKEN, RIGHT, "--json")
    assert (told.exit_code, told.json["doctor"], told.json["ok"]) == (1, "files", False)
    assert [(each["workflow"], each["ci"], each["ok"]) for each in told.json["files"]] == [
        ("typo.yml", "github", False),
        ("right.gitlab-ci.yml", "gitlab", True),
    ]


def test_one_of_several_files_is_not_checked() -> None:
    """The others are reported all the same; the exit code says that something is missing."""
    told = doctor(RIGHT, "missing.yml", "action.yml", "--json")
    assert (told.exit_code, told.json["ok"], len(told.json["files"])) == (2, False, 1)
    assert "missing.yml cannot be read" in told.stderr
    assert "This is an action" in told.stderr
    told = doctor("missing.yml", "action.yml")
    assert (told.exit_code, told.stdout) == (2, "\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (RIGHT, "--resource", "acme/m"),
        (RIGHT, "--try"),
        ("examples/github/publish-model.yml", "--repository", "acme/group/x"),
        (RIGHT, "--repository", "acme"),
        (RIGHT, "--format", "xml"),
    ],
)
def test_wrong_arguments_for_a_file(arguments: tuple[str, ...]) -> None:
    """Exit code 2, and nothing on standard output."""
    told = doctor(*arguments)
    assert (told.exit_code, told.stdout) == (2, "")


def validated(told: Told) -> Any:
    """The document, which the official schema accepts."""
    jsonschema.validate(told.json, json.loads(SCHEMA.read_text(encoding="utf-8")))
    (run,) = told.json["runs"]
    return run


def test_sarif() -> None:
    """Rules with help, results with level, line and a path that is relative to the repository."""
    told = doctor(BROKEN, RIGHT, "tests/doctor/tags.yml", "--format", "sarif", "--repository", "acme/training")
    run = validated(told)
    assert (told.exit_code, run["tool"]["driver"]["name"]) == (1, "hf-oidc doctor")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) > 1
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] in {BROKEN, "tests/doctor/tags.yml"}
        assert place["region"]["startLine"] >= 1
    assert {result["level"] for result in run["results"]} >= {"error", "warning"}
    assert str(ROOT) not in told.stdout


def test_sarif_from_another_folder(tmp_path: Path) -> None:
    """The path begins at the top of the repository, wherever the command runs; a file outside has its name."""
    (tmp_path / "a b").mkdir()
    path = repository_with_workflow(tmp_path / "a b", "https://github.com/acme/trainer.git")
    path.write_text("on: push\njobs: {}\n", encoding="utf-8")
    outside = tmp_path / "out.yml"
    outside.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    run = validated(doctor(path.name, "../../../out.yml", "--format", "sarif", cwd=path.parent))
    found = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert set(found) == {".github/workflows/publish.yml", "out.yml"}
    inside = validated(doctor("out.yml", "--format", "sarif", cwd=tmp_path))["results"][0]
    assert inside["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "out.yml"


def test_sarif_without_a_finding() -> None:
    """A run with no results, so that code scanning closes what it had."""
    run = validated(doctor(RIGHT, "--format", "sarif"))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_sarif_is_for_files() -> None:
    """A job has no lines."""
    told = doctor("--format", "sarif")
    assert (told.exit_code, "--format sarif is for files" in told.stderr) == (2, True)


def test_the_help_of_each_rule_is_a_section() -> None:
    """Of the troubleshooting guide for the codes that it has, else of the page about the doctor."""
    guide = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    run = validated(doctor(*map(str, sorted((ROOT / "tests" / "doctor").glob("*.yml"))), "--format", "sarif"))
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    for rule in run["tool"]["driver"]["rules"]:
        file, _, anchor = rule["helpUri"].rpartition("/")[2].partition("#")
        assert f"\n## {anchor}\n" in (guide if file == "troubleshooting.md" else page.lower())
        assert rule["id"] in {*WORDS, *GITLAB_WORDS}
        assert re.search(r"[^{}]\.$", rule["shortDescription"]["text"])


@pytest.mark.parametrize(("content", "exit_code"), [("", 0), ("on: push\njobs: {}\n", 1)])
def test_the_hook_of_pre_commit(tmp_path: Path, content: str, exit_code: int) -> None:
    """Its entry, with the names of the files that it is for, in a git repository: as pre-commit runs it."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    workflow = repository_with_workflow(tmp_path, "https://github.com/acme/trainer.git")
    second = workflow.with_name("second.yaml")
    second.write_text(content or workflow.read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    files = [name for name in listed.splitlines() if re.search(hook["files"], name)]
    assert files == [".github/workflows/publish.yml", ".github/workflows/second.yaml"]
    program, *arguments = shlex.split(hook["entry"])
    assert program == "hf-oidc"
    assert doctor(*arguments[1:], *files, cwd=tmp_path).exit_code == exit_code


def test_what_the_hook_installs() -> None:
    """The project itself, and the library that reads YAML, as the extra `doctor` names it."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extra = re.search(r"^doctor = \[(.*)\]$", project, re.MULTILINE)
    assert extra
    assert (hook["language"], hook["additional_dependencies"]) == ("python", json.loads(f"[{extra[1]}]"))
