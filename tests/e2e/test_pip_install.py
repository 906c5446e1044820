"""`pip install` of this project in a fresh environment gives a working `hf-oidc`, with what it declares and no more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.action_process import scrubbed
from tests.e2e.engines import ROOT
from tests.factories import id_token
from tests.scripted_server import Answer, scripted_server

TOKEN = "hf_jwt_granted_0123456789"
GRANT = Answer({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600})


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fresh environment's programs."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    # The installer is this environment's: making another pip takes longer than the installation.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    install = [*pip, "install", "--quiet", str(ROOT)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_command_logs_in(programs: Path) -> None:
    """With a supplied ID token, and the token alone on standard output."""
    with scripted_server({"/oauth/token": GRANT}) as server:
        env = {**scrubbed(), "HF_ENDPOINT": server.url, "HF_OIDC_ID_TOKEN": id_token(server.url)}
        command = [str(programs / "hf-oidc"), "token", "acme/model"]
        run = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, f"{TOKEN}\n"), run.stderr


def test_few_packages_are_installed(programs: Path) -> None:
    """At most nine, and none that compiles: no PyGithub, PyNaCl or cryptography, which only actions-toolkit needs."""
    code = "from importlib.metadata import distributions as all_; print(*{x.name for x in all_()})"
    run = subprocess.run([str(programs / "python"), "-c", code], capture_output=True, text=True, check=True)
    names = set(map(_canonical, run.stdout.split())) - {"pip", "setuptools", "wheel"}
    assert len(names) <= 9
    assert not names & {"actions-toolkit", "pygithub", "pynacl", "cryptography"}


def test_every_top_level_package_is_of_the_distribution_that_is_named_so(programs: Path) -> None:
    """`tests` of actions-toolkit would hide the tests of whoever installs it."""
    code = (
        "import json; from importlib.metadata import distribution; "
        "print(json.dumps(sorted({f.parts[0] for f in distribution('hf-oidc-action').files})))"
    )
    run = subprocess.run([str(programs / "python"), "-c", code], capture_output=True, text=True, check=True)
    installed = [name for name in json.loads(run.stdout) if name != ".." and not name.endswith((".dist-info", ".pth"))]
    assert installed == ["hf_oidc", "local_hub"]
    importing = subprocess.run([programs / "python", "-c", "import tests"], capture_output=True, check=False, cwd="/")
    assert importing.returncode == 1


def test_nothing_is_installed_that_is_not_declared(programs: Path) -> None:
    """Three packages, and what they need."""
    code = (
        "import json, re; from importlib.metadata import distribution as d, distributions as all_;"
        "print(json.dumps({x.name.lower(): [re.match('[A-Za-z0-9._-]+', r)[0].lower()"
        " for r in x.requires or [] if 'extra ==' not in r] for x in all_()}))"
    )
    run = subprocess.run([str(programs / "python"), "-c", code], capture_output=True, text=True, check=True)
    asked: dict[str, list[str]] = {
        _canonical(name): [*map(_canonical, needs)] for name, needs in json.loads(run.stdout).items()
    }
    assert sorted(asked["hf-oidc-action"]) == ["click", "pyjwt", "requests"]
    found, pending = set[str](), ["hf-oidc-action", "pip", "setuptools"]
    while pending:
        name = pending.pop()
        if name in asked and name not in found:
            found.add(name)
            pending += asked[name]
    assert set(asked) == found


def test_no_package_of_another_name_comes_along(programs: Path) -> None:
    """Local Hub is in the same wheel; its own needs are an extra."""
    run = subprocess.run([str(programs / "python"), "-c", "import starlette"], capture_output=True, check=False)
    assert run.returncode == 1


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
