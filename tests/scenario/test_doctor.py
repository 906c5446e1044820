"""`hf-oidc doctor`: workflow files with typical mistakes, and CI jobs of Local Hub.

What it says of the files in tests/doctor is in tests/golden/doctor; `UPDATE_GOLDEN=1` writes it anew, and the
difference is then read like code. The doctor runs inside the test process: its answers and exit codes are the subject.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.action_process import scrubbed
from tests.cli_process import hf_oidc
from tests.factories import id_token
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests" / "doctor").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples" / "github").glob("*.yml"))
GOLDEN = ROOT / "tests" / "golden" / "doctor"
CLEAN = {"no-login", "overridden", "reusable", "right.gitlab-ci", "soft-failure", "tags"}  # nothing fails for certain
PUSH = {"repository": "acme/trainer", "ref": "refs/heads/main"}


@dataclass(frozen=True)
class Told:
    """What a run said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output, which is JSON and nothing else."""
        return json.loads(self.stdout)

    @property
    def masks(self) -> list[str]:
        """What the runner was told to hide."""
        lines = self.stderr.splitlines()
        return [line.removeprefix("::add-mask::") for line in lines if line.startswith("::add-mask::")]


def doctor(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Told:
    """Run `hf-oidc doctor` with nothing of this environment; nothing may leak and nothing may end in a traceback."""
    full = scrubbed() | dict(env or {})
    run = hf_oidc("doctor", *arguments, env=full, cwd=cwd or ROOT)
    told = Told(run.returncode, run.stdout.decode(), run.stderr.decode())
    unmasked = "\n".join(line for line in told.stderr.splitlines() if not line.startswith("::add-mask::"))
    secrets = {full.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""), full.get("HF_OIDC_ID_TOKEN", ""), *told.masks}
    assert leaks(secrets, {"stdout": run.stdout, "stderr": unmasked.encode()}) == []
    assert "Traceback" not in told.stderr + told.stdout
    assert unmasked.strip() == "" or told.exit_code == 2
    return told


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub that nobody may send an ID token to."""
    with local_hub() as running:
        yield running
        assert running.get("/local-hub/exchanges") in ([], {"exchanges": []})


def examined(hub: LocalHub, *arguments: str, env: Mapping[str, str] | None = None, **job: Any) -> Told:
    """The doctor in a job of Local Hub."""
    return doctor("--hub-url", hub.hub, *arguments, env={**hub.job(**{**PUSH, **job}), **(env or {})})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_said_of_a_typical_mistake(path: Path) -> None:
    """The words are those of the golden text, and the exit code says whether something would fail."""
    folder = str(path.relative_to(ROOT))
    told = doctor("--workflow", folder, "--repository", "acme/awesome-model-training")
    golden = GOLDEN / f"{path.stem}.txt"
    mistake = path.read_text(encoding="utf-8").splitlines()[0]
    text = f"{mistake}\n# exit code {told.exit_code}\n\n{told.stdout}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert told.exit_code == (path.stem not in CLEAN)
    assert doctor("--workflow", folder, "--json").json["ok"] == (told.exit_code == 0)


def test_every_golden_text_has_its_workflow() -> None:
    """No text is left over."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {path.stem for path in FILES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_our_own_examples_are_clean(path: Path) -> None:
    """Nothing fails, and there is nothing to be careful about."""
    told = doctor("--workflow", str(path), "--repository", "acme/awesome-model-training")
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "No problem was found in this file.")


def entered(name: str) -> dict[str, str]:
    """The publisher that the header of our own example says to enter."""
    header = (ROOT / "examples" / "github" / f"{name}.yml").read_text(encoding="utf-8").partition("\nname:")[0]
    rows = re.findall(r"^#   (Provider|Repository|Branch|Workflow) +(.*?)(?:  +.*)?$", header, re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize(
    ("name", "left_empty"),
    [
        ("publish-model", set()),
        ("call-reusable", {"Workflow"}),
        ("pull-requests", {"Branch"}),
        ("download-gated", set()),
    ],
)
def test_says_to_enter_what_our_own_example_says(name: str, left_empty: set[str]) -> None:
    """The header and the doctor speak of the same publisher, and leave the same fields empty."""
    told = doctor("--workflow", f"examples/github/{name}.yml", "--repository", "acme/awesome-model-training").stdout
    said = dict(re.findall(r"^    (Provider|Repository|Branch|Workflow) +(.*)$", told, re.MULTILINE))
    assert {field for field, value in said.items() if value.startswith("leave it empty")} == left_empty
    shown = {field: value.partition("; for")[0] for field, value in said.items() if field not in left_empty}
    assert shown == entered(name)


def test_an_enterprises_workflow_is_not_told_apart() -> None:
    """A file does not say whose GitHub runs it, and the preset is for one issuer."""
    told = doctor("--workflow", "examples/github/enterprise.yml").stdout
    assert "GitHub Actions; for a GitHub Enterprise issuer, enter that issuer's URL" in told


@pytest.mark.parametrize(
    ("event", "resource", "publisher"),
    [("pull_request", "alice", True), ("pull_request", "acme/m", False), ("pull_request_target", "alice", False)],
)
def test_pull_requests_may_only_read(tmp_path: Path, event: str, resource: str, publisher: bool) -> None:
    """A publisher for them is told where its token writes nothing, and strangers' code does not get it."""
    steps = f"[{{uses: org/hf-oidc-action@v1, with: {{resource: {resource}, on-error: warn}}}}]"
    path = tmp_path / "test.yml"
    path.write_text(
        f"on: {event}\njobs: {{t: {{runs-on: ubuntu-latest, permissions: {{id-token: write}}, steps: {steps}}}}}"
    )
    told = doctor("--workflow", str(path))
    assert ("Do not add a publisher for this job" in told.stdout) == (not publisher)
    assert (doctor("--workflow", str(path), "--json").json["jobs"][0]["publisher"] is not None) == publisher


def test_a_job_of_a_reusable_workflow(hub: LocalHub) -> None:
    """Which of the two files the Hub compares is not known, and is said although nothing is wrong."""
    called = "acme/shared/.github/workflows/publish.yml@refs/tags/v1"
    workflow_ref = "acme/trainer/.github/workflows/call.yml@refs/heads/main"
    told = examined(hub, workflow_ref=workflow_ref, job_workflow_ref=called)
    assert told.exit_code == 0
    assert "CAREFUL  This job runs a reusable workflow" in told.stdout
    assert "CAREFUL" not in examined(hub).stdout


def test_an_audience_that_is_not_the_hubs(hub: LocalHub) -> None:
    """A caution, for nothing fails before the Hub is asked."""
    told = examined(hub, "--audience", "https://example.com", "--json")
    assert (told.exit_code, "https://example.com" in told.json["cautions"][0]) == (0, True)


def test_a_workflow_as_json(tmp_path: Path) -> None:
    """The keys that docs/doctor.md promises; the repository is that of git's remote."""
    path = repository_with_workflow(tmp_path, "https://someone:hunter2hunter2@github.com/acme/trainer.git")
    told = doctor("--workflow", str(path), "--json")
    assert told.exit_code == 0
    assert "hunter2" not in told.stdout
    (job,) = told.json.pop("jobs")
    assert {name: told.json[name] for name in ("doctor", "ok", "workflow", "repository", "findings")} == {
        "doctor": "workflow",
        "ok": True,
        "workflow": "publish.yml",
        "repository": "acme/trainer",
        "findings": [],
    }
    assert job == {
        "job": "publish",
        "line": 26,
        "resources": [
            {
                "resource": "acme/awesome-model",
                "settings_url": "https://huggingface.co/acme/awesome-model/settings",
            }
        ],
        "publisher": {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"},
        "hub_url": None,
        "audience": None,
        "branch": "one",
        "environment": None,
        "findings": [],
        "not_understood": [],
    }


def repository_with_workflow(tmp_path: Path, remote: str) -> Path:
    """A git repository with that remote, and our example as its workflow."""
    for command in (["init", "--quiet"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    path = tmp_path / ".github" / "workflows" / "publish.yml"
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / "examples" / "github" / "publish-model.yml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_a_workflow_outside_of_git_or_elsewhere(tmp_path: Path) -> None:
    """Without a remote, without git, or with another forge's remote it says how to name the repository."""
    path = repository_with_workflow(tmp_path, "https://gitlab.com/acme/trainer.git")
    for env in ({}, {"GIT_DIR": "/nonexistent"}, {"PATH": "/nonexistent"}):
        told = doctor("--workflow", str(path), env=env)
        assert told.exit_code == 0
        assert "--repository owner/name" in told.stdout


def test_a_commit_does_not_say_which_repository_a_workflow_is_of(tmp_path: Path) -> None:
    """A folder with HEAD, objects and refs is a repository to git, and its configuration names whichever remote.

    Whoever enters that repository on the Hub lets it publish.
    """
    path = repository_with_workflow(tmp_path, "https://github.com/acme/trainer.git")
    for folder in ("objects", "refs"):
        (path.parent / folder).mkdir()
    (path.parent / "HEAD").write_text("ref: refs/heads/main\n")
    (path.parent / "config").write_text('[remote "origin"]\n\turl = https://github.com/mallory/trainer\n')
    told = doctor("--workflow", str(path)).stdout
    assert "acme/trainer" in told
    assert "mallory" not in told
    shutil.rmtree(tmp_path / ".git")
    assert "mallory" not in doctor("--workflow", str(path)).stdout


NOT_WORKFLOWS = {
    "not YAML": (b"on: push\njobs: [\n", "line 3: This is not YAML"),
    "control characters": (b"on: push\njobs: \x01\n", "characters that YAML does not allow"),
    "not UTF-8": (b"\xff\xfe\xff", "it is not UTF-8 text"),
    "empty": (b"", "not a workflow"),
    "another document": (b"name: an action\nruns: {using: docker}\n", "not a workflow"),
    "two documents": (b"on: push\n---\njobs: {}\n", "not YAML"),
    "a name twice": (b"on: push\njobs: {}\non: push\n", "line 3: The same name appears twice"),
    "a list as a name": (b"on: push\njobs:\n  ? [a]\n  : b\n", "line 3: A list or a block is used as a name"),
    "too large": (b"#" * 1_048_577, "larger than 1 MiB"),
    "too deep": (b"on: push\njobs: " + b"[" * 1_500 + b"]" * 1_500, "nested too deeply"),
    "many aliases": (b"on: &a push\njobs: [" + b"*a," * 300 + b"]", "more than 200 aliases"),
    "an anchor bomb": (
        b"on: push\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12))
        + b"jobs: {}\n",
        "expand to more values",
    ),
    "too deep, and never closed": (b"[" * 1_000_000, "nested too deeply"),
    "too many values": (b"on: push\njobs: [" + b"[]," * 300_000 + b"]", "more values than any workflow has"),
    "a long text, many times": (
        b"on: &a " + b"x" * 20_000 + b"\njobs: [" + b"*a," * 100 + b"]",
        "expand to more values",
    ),
    "an anchor within itself": (b"on: push\njobs: &a {b: *a}\n", "nested too deeply"),
}


@pytest.mark.parametrize("name", NOT_WORKFLOWS)
def test_a_file_that_is_no_workflow(tmp_path: Path, name: str) -> None:
    """One clear line, with the line of the file if there is one, and exit code 2."""
    content, expected = NOT_WORKFLOWS[name]
    path = tmp_path / ".github" / "workflows" / "x.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    told = doctor("--workflow", str(path))
    assert (told.exit_code, told.stdout) == (2, "")
    assert expected in told.stderr


WRONG_ARGUMENTS = {
    "no such file": ("--workflow", "missing.yml"),
    "a folder": ("--workflow", "tests"),
    "repository": ("--workflow", "examples/github/publish-model.yml", "--repository", "acme"),
    "resource of a workflow": ("--workflow", "examples/github/publish-model.yml", "--resource", "acme/m"),
    "repository of a job": ("--repository", "acme/trainer"),
    "resource": ("--resource", "datasets/x"),
    "hub-url": ("--hub-url", "huggingface.co"),
    "http": ("--hub-url", "http://huggingface.co"),
    "audience": ("--audience", "a b"),
    "expectation without a value": ("--expect", "branch"),
    "expectation twice": ("--expect", "branch=a", "--expect", "branch=b"),
    "unknown option": ("--nonsense",),
    "provider of a workflow": ("--workflow", "examples/github/publish-model.yml", "--provider", "gitlab"),
    "timeout of a workflow": ("--workflow", "examples/github/publish-model.yml", "--timeout", "60"),
    "provider": ("--provider", "travis"),
    "timeout": ("--timeout", "0"),
    "ca-bundle": ("--ca-bundle", "/nowhere.pem"),
    "id-token-file": ("--id-token-file", "/nowhere"),
}


@pytest.mark.parametrize("name", WRONG_ARGUMENTS)
def test_wrong_arguments(name: str) -> None:
    """Exit code 2, and one line that says which."""
    told = doctor(*WRONG_ARGUMENTS[name])
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Error: " in told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_workflow_that_is_a_pipe(tmp_path: Path) -> None:
    """It is not read: nothing may ever come out of it."""
    os.mkfifo(tmp_path / "publish.yml")
    (tmp_path / "link.yml").symlink_to("publish.yml")
    for arguments in (("publish.yml",), ("link.yml",), ("publish.yml", "--migrate")):
        told = doctor(*arguments, cwd=tmp_path)
        assert told.exit_code == 2
        assert "cannot be read" in told.stderr


def test_a_called_workflow_that_cannot_be_read(tmp_path: Path) -> None:
    """It counts as unknown, whether it is missing or no text."""
    caller = tmp_path / "caller.yml"
    caller.write_text("on: push\njobs: {a: {uses: ./.github/workflows/called.yml}}\n")
    assert "cannot read" in doctor("--workflow", str(caller)).stdout.replace("\n         ", " ")
    (tmp_path / "called.yml").write_bytes(b"\xff\xfe")
    assert "cannot read" in doctor("--workflow", str(caller)).stdout.replace("\n         ", " ")


def test_a_called_workflow_without_an_end(tmp_path: Path) -> None:
    """A link may lead to a file larger than the memory, and is not read to its end."""
    caller = tmp_path / "caller.yml"
    caller.write_text("on: push\njobs: {a: {uses: ./.github/workflows/called.yml}}\n")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)
    (tmp_path / "called.yml").symlink_to("large")
    assert "cannot read" in doctor("--workflow", str(caller)).stdout.replace("\n         ", " ")


def test_without_pyyaml() -> None:
    """The error names the package to install; a CI job needs none."""
    program = "import sys; sys.modules['yaml'] = None; from hf_oidc.__main__ import main; main()"
    command = [sys.executable, "-I", "-c", program, "doctor"]
    file = ["--workflow", "examples/github/publish-model.yml"]
    run = subprocess.run([*command, *file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "pip install PyYAML" in run.stderr
    run = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "no-provider" in run.stdout


def test_help_and_version() -> None:
    """The command line tells what it can do."""
    assert "which publisher to add" in doctor("--help").stdout


def test_a_job_that_can_log_in(hub: LocalHub) -> None:
    """Provider, expiry, the Hub's fields, the publisher and its page; the token is masked and never shown."""
    told = examined(hub, "--resource", "datasets/acme/d")
    assert told.exit_code == 0
    for expected in (
        "GitHub Actions",
        "issued, valid until",
        "branch      main",
        "publish.yml",
        "No problem was found",
    ):
        assert expected in told.stdout
    assert f"{hub.hub}/datasets/acme/d/settings" in told.stdout
    assert len(told.masks) == 1


def test_a_job_as_json(hub: LocalHub) -> None:
    """The keys that docs/doctor.md promises; standard output is JSON alone."""
    told = examined(hub, "--resource", "acme/model", "--expect", "branch=main", "--json")
    found = told.json
    assert (told.exit_code, found["ok"], found["doctor"], found["provider"]) == (0, True, "job", "github")
    assert found["fields"] == {"repository": "acme/trainer", "branch": "main", "workflow": "publish.yml"}
    assert found["publisher"] == {"issuer": hub.issuer, "preset": True, "fields": found["fields"]}
    assert found["settings_url"] == f"{hub.hub}/acme/model/settings"
    assert (found["problem"], found["unmet"], found["audience"]) == (None, [], hub.hub)
    assert found["expires_at"].endswith("Z")
    assert found["claims"]["ref"] == "refs/heads/main"


def test_a_job_of_another_ci(hub: LocalHub) -> None:
    """Its name, the publisher in its own claims, and what to be careful about; or what to write in its file."""
    env = hub.post("/local-hub/jobs", {"ci": "gitlab"})["env"]
    told = doctor("--hub-url", hub.hub, "--resource", "acme/model", env=env)
    assert told.exit_code == 0
    assert "GitLab CI/CD" in told.stdout
    assert "project_path   acme/training" in told.stdout
    assert "ref_protected  true" in told.stdout
    assert "CAREFUL  `ref_protected`" in told.stdout
    del env["HF_ID_TOKEN"]
    env["CI_PROJECT_PATH"] = "acme/training"
    told = doctor("--hub-url", hub.hub, "--resource", "acme/model", env=env)
    assert told.exit_code == 1
    for expected in (
        f"aud: {hub.hub}",
        f"hf-oidc run --hub-url {hub.hub} acme/model -- hf upload acme/model ./model .",
        "project_path   acme/training",
    ):
        assert expected in told.stdout
    found = doctor("--json", env=env).json
    assert (found["enter"]["ref_type"], found["problem"]["causes"]) == ("branch", [])
    assert found["cautions"][0].startswith("`ref_protected`")


def test_a_job_of_google(hub: LocalHub) -> None:
    """Local Hub's Google has another issuer, and its jobs are known by it all the same."""
    told = doctor("--hub-url", hub.hub, env=hub.post("/local-hub/jobs", {"ci": "google"})["env"])
    assert told.exit_code == 0
    # As a publisher describes it, in the publisher to enter, and in what the token says.
    assert len(re.findall(r"^  sub +113774264463038321964$", told.stdout, re.MULTILINE)) == 3


def test_an_issuer_that_is_not_known() -> None:
    """No words of a publisher's, and no heading for them."""
    told = doctor(env={"HF_OIDC_ID_TOKEN": id_token(iss="https://idp.example", repository=None)})
    assert "in the fields of a publisher" not in told.stdout
    assert "No publisher is suggested" in told.stdout


def test_an_id_token_of_another_service(hub: LocalHub) -> None:
    """Whose it is, and the lines of the CI that it is from."""
    env = hub.post("/local-hub/jobs", {"ci": "bitbucket", "audience": "ari:cloud:bitbucket::workspace/x"})["env"]
    found = doctor("--hub-url", hub.hub, "--json", env=env).json["problem"]
    assert found["code"] == "audience-mismatch"
    assert "the default of `oidc: true`" in found["causes"][0]
    assert "audiences:" in found["lines"]
    told = doctor("--hub-url", hub.hub, env=env).stdout
    # The publisher is known from the ID token: it is told once, and nothing that it may be.
    assert (told.count("repositoryUuid"), "https://api.bitbucket.org" in told) == (3, False)
    assert told.count("Keep the braces") == 1
    supplied = doctor("--json", env={"HF_OIDC_ID_TOKEN": env["BITBUCKET_STEP_OIDC_TOKEN"]}).json
    assert (supplied["provider"], "audiences:" in supplied["problem"]["lines"]) == ("supplied", True)
    assert "Keep the braces" in supplied["cautions"][0]


def test_expectations(hub: LocalHub) -> None:
    """Met: exit code 0, and they are repeated. Not met: exit code 1, with what the job has instead."""
    met = examined(hub, "--expect", "branch=main", "--expect", "repository=acme/trainer")
    assert (met.exit_code, "this job is branch=main" in met.stdout) == (0, True)
    unmet = examined(hub, "--expect", "branch=release", "--expect", "workflow=publish.yml")
    assert unmet.exit_code == 1
    assert "expected release, this job has main" in unmet.stdout
    tag = examined(hub, "--expect", "branch=main", ref="refs/tags/v1")
    assert (tag.exit_code, "a tag has no branch" in tag.stdout) == (1, True)
    found = examined(hub, "--expect", "branch=release", "--json").json
    assert found["unmet"] == [{"name": "branch", "expected": "release", "found": "main", "why": None}]


@pytest.mark.parametrize(("expected", "met"), [("call.yml", True), ("shared.yml", None), ("other.yml", False)])
def test_what_is_expected_of_a_reusable_workflow(hub: LocalHub, expected: str, met: bool | None) -> None:
    """It is not known which of its two files the Hub compares: neither is said to be refused, and one to be met."""
    refs = [
        f"acme/{name}@refs/heads/main"
        for name in ("trainer/.github/workflows/call.yml", "x/.github/workflows/shared.yml")
    ]
    wanted = ["--expect", "branch=main", "--expect", f"workflow={expected}"]
    told = examined(hub, *wanted, workflow_ref=refs[0], job_workflow_ref=refs[1])
    assert told.exit_code == (met is False)
    assert ("refuses this job" in told.stdout) == (met is False)
    assert (f"this job is branch=main, workflow={expected}." in told.stdout) == (met is True)
    assert ("this job is branch=main." in told.stdout) == (met is None)
    assert "CAREFUL  This job runs a reusable workflow" in told.stdout


def test_a_job_that_anybodys_pull_request_starts(hub: LocalHub) -> None:
    """The doctor says so before the Hub refuses, or does not."""
    told = examined(hub, event_name="pull_request_target")
    assert "CAREFUL  `pull_request_target` runs for every pull request, from forks too" in told.stdout


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("acme/model", "`hf-oidc doctor --resource acme/model`"),
        ("datasets/acme/d", "`hf-oidc doctor --resource datasets/acme/d`"),
    ],
)
def test_a_word_without_its_option(word: str, hint: str) -> None:
    """Other commands take a resource so; the doctor says which option it belongs to."""
    told = doctor(word)
    assert told.exit_code == 2
    assert f"Did you mean {hint}?" in told.stderr


def test_jobs_that_no_publisher_is_suggested_for(hub: LocalHub) -> None:
    """A pull request's and a tag's: it says why."""
    assert "anyone who can open one" in examined(hub, event_name="pull_request").stdout
    told = examined(hub, "--json", ref="refs/tags/v1")
    assert (told.json["publisher"], told.json["fields"]["branch"]) == (None, None)


def test_an_issuer_that_the_preset_does_not_match(hub: LocalHub) -> None:
    """The publisher is an issuer with claims."""
    told = examined(hub, claims={"iss": "https://token.actions.githubusercontent.com/acme"})
    assert "Issuer        https://token.actions.githubusercontent.com/acme" in told.stdout


def test_another_audience(hub: LocalHub) -> None:
    """--audience is what the CI is asked for; a token for another service is a problem, and its claims are shown."""
    assert examined(hub, "--audience", "https://huggingface.co").exit_code == 0
    told = examined(hub, env={"HF_OIDC_ID_TOKEN": id_token("sigstore")})
    assert told.exit_code == 1
    assert "audience-mismatch" in told.stdout
    assert "acme/trainer" in told.stdout


def test_the_provider_can_be_named() -> None:
    """As for a login: where two are detected, and where none is."""
    env = {"GITLAB_CI": "true", "CIRCLECI": "true", "HF_ID_TOKEN": id_token()}
    told = doctor("--json", env=env)
    assert (told.exit_code, told.json["provider"], told.json["problem"]["code"]) == (1, None, "ambiguous-provider")
    assert "CI        more than one, see below" in doctor(env=env).stdout
    told = doctor("--json", "--provider", "gitlab", env=env)
    assert (told.exit_code, told.json["provider"]) == (0, "gitlab")
    told = doctor("--json", "--provider", "jenkins")
    assert (told.json["provider"], told.json["problem"]["code"]) == ("jenkins", "id-token-not-declared")


def test_what_a_login_reads_from_files_and_variables(tmp_path: Path) -> None:
    """So does the doctor: --id-token-file and its variable, $HF_OIDC_RESOURCE, --ca-bundle, --timeout."""
    path = tmp_path / "id-token"
    path.write_text(id_token())
    for arguments, env in ((("--id-token-file", str(path)), {}), ((), {"HF_OIDC_ID_TOKEN_FILE": str(path)})):
        told = doctor("--json", "--timeout", "5", *arguments, env={"HF_OIDC_RESOURCE": " acme/model ", **env})
        assert (told.exit_code, told.json["provider"]) == (0, "supplied")
        assert told.json["settings_url"] == "https://huggingface.co/acme/model/settings"


def test_variables_of_the_job_are_no_arguments_for_a_workflow(tmp_path: Path) -> None:
    """They say nothing of the file."""
    workflow = ("--workflow", "examples/github/publish-model.yml")
    env = {"HF_OIDC_ID_TOKEN_FILE": str(tmp_path / "id-token"), "HF_OIDC_RESOURCE": "x"}
    assert doctor(*workflow, env=env).exit_code == 0


def test_an_id_token_that_was_handed_over() -> None:
    """HF_OIDC_ID_TOKEN is looked at in any CI; an old one is a problem."""
    told = doctor("--json", env={"HF_OIDC_ID_TOKEN": id_token(ref="refs/heads/main", workflow_ref="x")})
    assert (told.exit_code, told.json["provider"], told.masks) == (0, "supplied", [])
    told = doctor("--json", env={"HF_OIDC_ID_TOKEN": id_token(exp=1_700_000_000)})
    assert (told.exit_code, told.json["problem"]["code"]) == (1, "id-token-expired")
    told = doctor("--json", env={"HF_OIDC_ID_TOKEN": "not-a-token"})
    assert (told.exit_code, told.json["problem"]["code"], told.json["expires_at"]) == (1, "id-token-malformed", None)


GITHUB = {"GITHUB_ACTIONS": "true"}
NO_ID_TOKEN = {
    "no-provider": {},
    "id-token-permission-missing": GITHUB,
    "id-token-not-declared act": {**GITHUB, "ACT": "true"},
    "id-token-not-declared Gitea": {**GITHUB, "GITEA_ACTIONS": "true"},
    "id-token-dependabot": {**GITHUB, "GITHUB_ACTOR": "dependabot[bot]"},
    "id-token-fork-pull-request": {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "event.json"},
    "id-token-request-failed": {
        **GITHUB,
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token-of-the-job",
    },
}


@pytest.mark.parametrize("name", NO_ID_TOKEN)
def test_a_job_without_an_id_token(tmp_path: Path, name: str) -> None:
    """The reason in words, its code, and what to do; where YAML helps, the YAML."""
    event = {"pull_request": {"head": {"repo": {"full_name": "x/fork"}}, "base": {"repo": {"full_name": "acme/t"}}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    told = doctor(env=NO_ID_TOKEN[name], cwd=tmp_path)
    code, _, word = name.partition(" ")
    assert told.exit_code == 1
    assert f"({code})" in told.stdout
    assert word in told.stdout
    assert ("id-token: write" in told.stdout) == (code == "id-token-permission-missing")
    assert ("CI        GitHub Actions" in told.stdout) == (code not in {"no-provider", "id-token-not-declared"})
    assert ("docs/local-hub.md" in told.stdout) == (code in {"no-provider", "id-token-not-declared"})
    assert doctor("--json", env=NO_ID_TOKEN[name], cwd=tmp_path).json["problem"]["code"] == code


@pytest.mark.parametrize(
    ("arguments", "env", "right"),
    [
        ([], {"HF_OIDC_RESOURCE": "models/acme/model"}, "Did you mean `acme/model`?"),
        (["--hub-url", "nope"], {}, "https://"),
        (["--ca-bundle", "nope"], {}, "the path of a PEM file"),
    ],
)
def test_a_wrong_argument_is_told_with_the_right_form(
    arguments: list[str], env: dict[str, str], right: str, hub: LocalHub
) -> None:
    """As any other command tells it."""
    told = doctor(*arguments, env={"HF_OIDC_ID_TOKEN": hub.id_token(repository="acme/training"), **env})
    assert (told.exit_code, right in told.stderr) == (2, True), told.stderr
