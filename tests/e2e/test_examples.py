"""The examples for every CI but GitHub: right by their schemas, and run as the shell that the CI would run.

What an example installs is there already: `pip` and `hf` are stand-ins, as in the end-to-end tests. `hf` shows its
token to Local Hub, and fails unless it may do what is asked.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.facts import all_facts
from hf_oidc.providers.kubernetes import mint as kubernetes
from hf_oidc.providers.registry import provider_of
from tests.action_process import MASK_LINE, scrubbed
from tests.e2e.engines import ROOT
from tests.e2e.example import assert_valid, plain_oidc
from tests.leaks import leaks
from tests.local_hub_process import LocalHub, local_hub

EXAMPLES = ROOT / "examples"
MODEL = "acme/awesome-model"
TRAINING = "from pathlib import Path; Path('model').mkdir(); Path('model/weights').write_text('42')\n"
KUBELET = "/var/run/secrets/huggingface.co/serviceaccount/token"


# What runs as a user without a home in an image that it may not change, or on a machine that it shares with others.
INSTALLS_NOTHING = {"jenkins", "buildkite"}
NO_HOME = "/dev/null"
VENV = """\
#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin" && cp {commands}/* "$3/bin" && echo "PATH=$PWD/$3/bin:\\$PATH" > "$3/bin/activate"
else
  exec {python} "$@"
fi
"""


def _bitbucket_steps(file: Any) -> list[Any]:
    return [each["step"] for each in file["pipelines"]["branches"]["main"]]


# The keys below which the CIs' YAML has its shell: text, or a list of it.
SHELL = ("script", "commands", "run")


def _lines(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [line for line in value if isinstance(line, str)]


def shell_of(file: Any) -> list[str]:
    """All that a CI's YAML gives to a shell, in its order; of a container's `args`, what follows `-c`."""
    if isinstance(file, list):
        return [line for each in file for line in shell_of(each)]
    if not isinstance(file, dict):
        return []
    found = []
    for key, value in file.items():
        if key in SHELL and isinstance(value, (str, list)):
            found += _lines(value)
        elif key == "args":
            found += value[-1:]
        else:
            found += shell_of(value)
    return found


ABLE = [name for name in NAMES if provider_of(name).audience != "fixed" and name not in {"github", "supplied"}]
NAMES = (*ABLE, "shell")
FACTS = all_facts()
# Parts of the claims of the job that Local Hub plays, for its publisher: those that the facts say to enter.
CLAIMS = {"shell": ("sub",), **{name: tuple(FACTS[name].claims) for name in ABLE}}
# Whose ID tokens these are: the issuer with which the facts begin, or, where those say how to find it, the form that it
# has. What is the reader's own is in capitals.
ISSUERS = {
    **{name: FACTS[name].issuer.partition(",")[0] for name in ABLE},
    "circleci": "https://oidc.circleci.com/org/YOUR-ORGANIZATION-ID",
    "bitbucket": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
    "forgejo": "https://YOUR-INSTANCE/api/actions",
    "aws": "THE-ISSUER-OF-YOUR-ACCOUNT",
    "kubernetes": "THE-ISSUER-OF-YOUR-CLUSTER",
    "jenkins": "https://jenkins.acme.example/oidc",
    "shell": "THE-ISSUER-OF-YOUR-IDENTITY-PROVIDER",
}
THE_READERS_OWN = re.compile(r"YOUR-|whom it says")
SCHEMAS = {
    "gitlab": "gitlab-ci",
    "circleci": "circle-ci",
    "bitbucket": "bitbucket-pipelines",
    "buildkite": "buildkite",
    "google": "cloudbuild",
}
# test_agent_examples.py runs these.
WITH_AGENT = {"long-job.gitlab-ci.yml", "job-with-agent.yaml"}
every = pytest.mark.parametrize("name", NAMES)


def path(name: str) -> Path:
    """The example's file, the only one of its folder but for those with an agent."""
    (file,) = (each for each in (EXAMPLES / name).iterdir() if each.name not in WITH_AGENT)
    return file


def text(name: str) -> str:
    """What is in it."""
    return path(name).read_text(encoding="utf-8")


def document(name: str) -> Any:
    """The example, read: YAML's values, or a text."""
    return yaml.safe_load(text(name)) if path(name).suffix in {".yml", ".yaml"} else text(name)


def script(name: str) -> str:
    """What its CI gives to a shell."""
    file = document(name)
    if path(name).name == "Jenkinsfile":
        commands = [f"(\n{command}\n)" for command in re.findall(r"\bsh '([^']+)'", file)]
    else:
        commands = [file] if isinstance(file, str) else shell_of(file)
    return "\n".join(["set -e", *commands])


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts nobody yet."""
    with local_hub() as running:
        yield running


def job(hub: LocalHub, name: str, tmp_path: Path) -> dict[str, str]:
    """The environment of the CI's job, and a publisher for the claims that the example names."""
    ci = {"shell": "kubernetes"}.get(name, name)
    description = {"cloud-build": True} if name == "google" else {}
    answer = hub.post("/local-hub/jobs", {"ci": ci, **description})
    env: dict[str, str] = {**answer["env"], "HF_ENDPOINT": hub.hub}
    if name == "google":
        del env["K_SERVICE"]
        env["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"] = hub.hub
    if ci == "kubernetes":
        # The path that the pod would have belongs to this machine; here the file is elsewhere.
        (tmp_path / "token").write_text(answer["files"][KUBELET])
        env["HF_OIDC_ID_TOKEN_FILE"] = str(tmp_path / "token")
    return env


def trust(hub: LocalHub, name: str) -> None:
    """Add the publisher that the example speaks of, for the job that Local Hub plays."""
    from local_hub.issuers.registry import BY_NAME  # noqa: PLC0415 - the example job's claims, for its publisher

    ci = BY_NAME[{"shell": "kubernetes"}.get(name, name)]
    issuer = f"{hub.hub}/oidc/{ci.issuer_path}"
    here = ci.claims(issuer)
    values = {claim: here[claim] if THE_READERS_OWN.search(value) else value for claim, value in entered(name).items()}
    claims = {claim: {"kind": "eq", "value": value} for claim, value in values.items()}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": issuer, "claims": claims})


def entered(name: str) -> dict[str, str]:
    """The claims of the publisher that the example asks for, as they are to be entered."""
    return dict(re.findall(r"^(?:#|//)   Claim   (\S+) = (.+)$", text(name), re.MULTILINE))


def test_every_provider_has_an_example() -> None:
    """But for those that are refused; what was supplied is the shell's."""
    assert {folder.name for folder in EXAMPLES.iterdir()} == {*NAMES, "github"}


@every
def test_it_begins_with_the_publisher_to_configure(name: str) -> None:
    """The issuer, and each claim."""
    assert re.findall(r"^(?:#|//)   Issuer  (\S+)", text(name), re.MULTILINE) == [ISSUERS[name]]
    assert tuple(entered(name)) == CLAIMS[name]


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_right_by_its_schema(name: str, tmp_path: Path) -> None:
    """The CI's own, as check-jsonschema has it. Bitbucket's knows `oidc: true`, and not yet the form with audiences."""
    file = tmp_path / "file.yml"
    file.write_text(plain_oidc(text(name)))
    assert_valid(SCHEMAS[name], file)


def test_codefresh_checks_out_first() -> None:
    """It does nothing by itself: a `git-clone` step does, and the next begins in its folder if it is `main_clone`."""
    steps = document("codefresh")["steps"]
    assert list(steps) == ["main_clone", "publish"]
    assert steps["main_clone"]["type"] == "git-clone"
    assert {"repo", "revision", "git"} <= set(steps["main_clone"])
    assert "working_directory" not in steps["publish"]


def test_forgejo_has_node_before_the_checkout() -> None:
    """Its runner brings none into the job's image; the checkout wants version 20, which Debian has since trixie."""
    job = document("forgejo")["jobs"]["publish"]
    assert job["container"]["image"].endswith("-trixie")
    first, second, *_ = job["steps"]
    assert "nodejs" in first["run"]
    assert "/actions/checkout@" in second["uses"]


def test_jenkins_has_a_home() -> None:
    """Its user has none in the image. PATH cannot be set so: a docker agent does not heed it (JENKINS-49076)."""
    assert re.search(r'environment \{ HOME = "\$\{env\.WORKSPACE\}" \}', text("jenkins"))
    assert "PATH" not in text("jenkins")


def test_jenkins_binds_the_variable_that_is_read() -> None:
    """The credential's text is in it, while the login goes on."""
    assert re.search(r"string\(credentialsId: 'hugging-face', variable: 'HF_ID_TOKEN'\)", text("jenkins"))


def test_forgejo_asks_for_id_tokens() -> None:
    """In the workflow: GitHub's `permissions:` do nothing there."""
    assert document("forgejo")["enable-openid-connect"] is True


def test_kubernetes_projects_the_token_to_where_it_is_read() -> None:
    """For the Hub, and mounted at the path that the provider knows."""
    pod = document("kubernetes")["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    projected = volume["projected"]["sources"][0]["serviceAccountToken"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert mount["name"] == volume["name"]
    assert f"{mount['mountPath']}/{projected['path']}" == KUBELET == kubernetes.PATH
    assert projected["audience"] == "https://huggingface.co"


def test_kubernetes_takes_an_image_of_ones_own() -> None:
    """Nothing is checked out there, so no public image has the training."""
    assert document("kubernetes")["spec"]["template"]["spec"]["containers"][0]["image"] == "YOUR-IMAGE"
    assert "Use your own image" in text("kubernetes")


def test_nothing_long_comes_before_a_login_with_a_given_token() -> None:
    """GitLab's and Bitbucket's ID tokens are as old as the job: it trains in another one, which has no ID token."""
    gitlab = document("gitlab")
    assert gitlab["stages"] == [gitlab["train"]["stage"], gitlab["publish"]["stage"]]
    assert "timeout" in gitlab["publish"]
    train, publish = _bitbucket_steps(document("bitbucket"))
    for long, short in ((gitlab["train"], gitlab["publish"]), (train, publish)):
        assert not {"id_tokens", "oidc"} & set(long)
        assert "artifacts" in long
        assert "train.py" not in "".join(short["script"])


def path_of(name: str, commands: Path, tmp_path: Path) -> str:
    """Where the CI's shell finds commands: a Python alone, where nothing can be installed beside it."""
    apt_get = commands / "apt-get"
    apt_get.write_text('#!/bin/sh\necho "apt-get stand-in: $*"\n')
    apt_get.chmod(0o755)
    if name not in INSTALLS_NOTHING:
        return str(commands)
    bare = tmp_path / "bare"
    bare.mkdir()
    for python in ("python", "python3"):
        (bare / python).write_text(VENV.format(commands=shlex.quote(str(commands)), python=shlex.quote(sys.executable)))
        (bare / python).chmod(0o755)
    return str(bare)


@every
def test_it_publishes(name: str, hub: LocalHub, commands: Path, tmp_path: Path) -> None:
    """The token is for the model, and in the environment of the upload alone."""
    env = {**scrubbed(), **job(hub, name, tmp_path)}
    trust(hub, name)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "train.py").write_text(TRAINING)
    seen = tmp_path / "seen"
    seen.mkdir()
    env["PATH"] = f"{path_of(name, commands, tmp_path)}:{env['PATH']}"
    env |= {"HF_STAND_IN_SEEN": str(seen), "HOME": NO_HOME if name == "jenkins" else str(tmp_path)}
    run = subprocess.run(
        ["sh", "-e", "-c", f'{script(name)}\ntest -z "${{HF_TOKEN-}}"'],
        cwd=checkout,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    token = (seen / "upload").read_text()
    assert f"the token is {token}\n" in run.stdout
    assert leaks([token], {"standard error": MASK_LINE.sub(b"", run.stderr.encode())}) == []
    used = hub.get("/local-hub/introspections")[0]
    assert (used["resource"], used["active"]) == (MODEL, True)
