"""The templates for GitLab, CircleCI and Bitbucket, used as their README says: right by the schemas, and run.

gitlab-ci-local resolves the component. No engine for orbs runs offline, and no schema describes a pipe: the orb's
commands run in a shell with its parameters filled in, and so does the pipe's script with its variables.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action_process import MASK_LINE, scrubbed
from tests.e2e.engines import ROOT, commit, require_gitlab_ci_local
from tests.e2e.example import assert_valid, plain_oidc
from tests.e2e.story import MODEL
from tests.e2e.test_examples import job, trust
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

TEMPLATES = ROOT / "ci-templates"
README = (TEMPLATES / "README.md").read_text(encoding="utf-8")
COMPONENT = (TEMPLATES / "gitlab/templates/publish.yml").read_text(encoding="utf-8")
ORB = yaml.safe_load((TEMPLATES / "circleci/orb.yml").read_text(encoding="utf-8"))
PIPE = yaml.safe_load((TEMPLATES / "bitbucket/pipe.yml").read_text(encoding="utf-8"))
# The YAML of README, by its heading.
USED = {
    heading: (text, yaml.safe_load(text))
    for heading, text in re.findall(r"^## (\w+)[^\n]*\n.*?```yaml\n(.*?)```", README, re.DOTALL | re.MULTILINE)
}


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts nobody yet."""
    with local_hub() as running:
        yield running


def check(tmp_path: Path, schema: str, text: str) -> None:
    """The text is right by check-jsonschema's schema of this name."""
    file = tmp_path / "file.yml"
    file.write_text(text)
    assert_valid(schema, file)


def step_inputs() -> dict[str, str]:
    """What README passes to the command of the orb, beside its defaults."""
    parameters = ORB["commands"]["run"]["parameters"]
    defaults = {name: spec["default"] for name, spec in parameters.items() if "default" in spec}
    (given,) = [
        step["hf-oidc/run"] for step in USED["CircleCI"][1]["jobs"]["publish"]["steps"] if "hf-oidc/run" in step
    ]
    assert set(parameters) - set(defaults) <= set(given) <= set(parameters)
    return {**defaults, **given}


def run(script: str, env: Mapping[str, str], commands: Path, tmp_path: Path) -> tuple[str, str]:
    """Run a script with the stand-ins of pip and hf. Returns the token that hf saw, and the standard output."""
    seen, checkout = tmp_path / "seen", tmp_path / "checkout"
    (checkout / "model").mkdir(parents=True)
    seen.mkdir()
    full = {**scrubbed(), **env, "HF_STAND_IN_SEEN": str(seen), "HOME": str(tmp_path)}
    full["PATH"] = f"{commands}:{full['PATH']}"
    done = subprocess.run(["sh", "-ec", script], cwd=checkout, env=full, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    token = (seen / "upload").read_text()
    assert leaks([token], {"standard error": MASK_LINE.sub(b"", done.stderr.encode())}) == []
    return token, done.stdout


def test_the_component_is_right_by_its_schema(tmp_path: Path) -> None:
    """Its header, its job with the inputs of README filled in, and the pipeline that includes it."""
    header, body = COMPONENT.split("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    (include,) = USED["GitLab"][1]["include"]
    values = {name: spec.get("default", "") for name, spec in inputs.items()} | include["inputs"]
    assert {name for name, spec in inputs.items() if "default" not in spec} <= set(include["inputs"]) <= set(inputs)
    filled = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: _as_yaml(values[match[1]]), body)
    for text in (header, filled, USED["GitLab"][0]):
        check(tmp_path, "gitlab-ci", text)


def _as_yaml(value: Any) -> str:
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).strip()


def test_the_component_publishes(hub: LocalHub, commands: Path, tmp_path: Path) -> None:
    """As README includes it; the upload alone has the token."""
    program = require_gitlab_ci_local()
    trust(hub, "gitlab")
    checkout, seen = tmp_path / "checkout", tmp_path / "seen"
    seen.mkdir()
    commit(checkout, {".gitlab-ci.yml": USED["GitLab"][0]})
    # Where the engine keeps what it has fetched from the project of the component.
    fetched = checkout / ".gitlab-ci-local/includes/gitlab.com/org/hf-oidc/1.0.0/templates"
    fetched.mkdir(parents=True)
    (fetched / "publish.yml").write_text(COMPONENT)
    remote = ["git", "remote", "add", "origin", "https://gitlab.com/acme/training.git"]
    subprocess.run(remote, cwd=checkout, check=True)
    ci = job(hub, "gitlab", tmp_path)
    variables = {"GITLAB_CI": "true", "HF_ID_TOKEN": ci["HF_ID_TOKEN"], "HF_ENDPOINT": hub.hub}
    (tmp_path / "variables.yml").write_text(yaml.safe_dump(variables))
    env = {**scrubbed(), "HOME": str(tmp_path), "HF_STAND_IN_SEEN": str(seen)}
    done = subprocess.run(
        [program, "--force-shell-executor", "--no-color", "--variables-file=../variables.yml"],
        cwd=checkout,
        env={**env, "PATH": f"{commands}:{env['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    token = (seen / "upload").read_text()
    said = (done.stdout + done.stderr).replace(f"the token is {token}", "")
    assert leaks([ci["HF_ID_TOKEN"], token], {"the log": said.encode()}) == []
    assert hub.get("/local-hub/introspections")[0]["resource"] == MODEL


def test_the_orb_is_right_by_its_schema(tmp_path: Path) -> None:
    """As an inline orb of README's configuration, which the schema knows."""
    text, document = USED["CircleCI"]
    check(tmp_path, "circle-ci", text)
    inline = {name: part for name, part in ORB.items() if name not in {"version", "description"}}
    check(tmp_path, "circle-ci", yaml.safe_dump({**document, "orbs": {"hf-oidc": inline}}))
    assert ORB["version"] == 2.1


def test_the_orb_publishes(hub: LocalHub, commands: Path, tmp_path: Path) -> None:
    """Its steps with the parameters of README."""
    trust(hub, "circleci")
    parameters = step_inputs()
    steps = [step["run"]["command"] for step in ORB["commands"]["run"]["steps"]]
    script = re.sub(r"<< parameters\.(\w+) >>", lambda match: parameters[match[1]], "\n".join(steps))
    assert "<<" not in script
    token, said = run(script, job(hub, "circleci", tmp_path), commands, tmp_path)
    assert f"the token is {token}\n" in said
    assert hub.get("/local-hub/introspections")[0]["resource"] == MODEL


def test_the_pipe_is_used_as_it_says(tmp_path: Path) -> None:
    """README passes variables that it has, and names its image. Bitbucket's schema knows no audiences yet."""
    text, document = USED["Bitbucket"]
    check(tmp_path, "bitbucket-pipelines", plain_oidc(text))
    (step,) = [each["step"] for each in document["pipelines"]["branches"]["main"]]
    (pipe,) = step["script"]
    assert pipe["pipe"] == PIPE["image"]
    assert set(pipe["variables"]) <= {each["name"] for each in PIPE["variables"]}
    used = re.findall(r"\$\{([A-Z]+)", (TEMPLATES / "bitbucket/pipe.sh").read_text())
    assert set(used) == {each["name"] for each in PIPE["variables"]}


@pytest.mark.parametrize("resource", ["acme/awesome-model", "datasets/acme/corpus", "spaces/acme/demo"])
def test_the_pipe_publishes(resource: str, hub: LocalHub, commands: Path, tmp_path: Path) -> None:
    """The script of its image, with the variables that Bitbucket passes to it; the kind follows from the resource."""
    trust(hub, "bitbucket")
    ci = job(hub, "bitbucket", tmp_path)
    (known,) = [each for each in hub.get("/local-hub/publishers") if "bitbucket" in each["issuerUrl"]][:1]
    hub.post("/local-hub/publishers", {key: known[key] for key in ("issuerUrl", "claims")} | {"resource": resource})
    env = {**ci, "RESOURCE": resource, "FOLDER": "model", "BITBUCKET_COMMIT": "42"}
    shutil.copy(TEMPLATES / "bitbucket/pipe.sh", commands / "pipe.sh")
    token, said = run("pipe.sh", env, commands, tmp_path)
    assert f"the token is {token}\n" in said
    assert hub.get("/local-hub/introspections")[0]["resource"] == resource
