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
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(ROOT)]
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


def test_nothing_is_installed_that_is_not_declared(programs: Path) -> None:
    """Four packages, and what they ask for: actions-toolkit asks for PyGithub, which nothing here imports."""
    code = (
        "import json, re; from importlib.metadata import distribution as d, distributions as all_;"
        "print(json.dumps({x.name.lower(): [re.match('[A-Za-z0-9._-]+', r)[0].lower()"
        " for r in x.requires or [] if 'extra ==' not in r] for x in all_()}))"
    )
    run = subprocess.run([str(programs / "python"), "-c", code], capture_output=True, text=True, check=True)
    asked: dict[str, list[str]] = {
        _canonical(name): [*map(_canonical, needs)] for name, needs in json.loads(run.stdout).items()
    }
    assert sorted(asked["hf-oidc-action"]) == ["actions-toolkit", "click", "pyjwt", "requests"]
    found, pending = set[str](), ["hf-oidc-action", "pip", "setuptools"]
    while pending:
        name = pending.pop()
        if name in asked and name not in found:
            found.add(name)
            pending += asked[name]
    # PyGithub asks for PyJWT with an extra, which is not followed here.
    assert set(asked) - found <= {"cryptography"}


def test_no_package_of_another_name_comes_along(programs: Path) -> None:
    """Local Hub is in the same wheel; its own needs are an extra."""
    run = subprocess.run([str(programs / "python"), "-c", "import starlette"], capture_output=True, check=False)
    assert run.returncode == 1


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
