"""The working directory is the caller's checkout, which may be anybody's: nothing in it is run.

Always a process: what an interpreter imports when it starts is the subject.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.action_process import ACTION, run_action
from tests.factories import id_token
from tests.scripted_server import Answer, scripted_server

GRANT = Answer({"access_token": "hf_jwt_0123456789", "token_type": "bearer", "expires_in": 3600})
TRAPS = (
    "json.py",
    "os.py",
    "ssl.py",
    "requests/__init__.py",
    "jwt/__init__.py",
    "urllib3/__init__.py",
    "actions_toolkit/__init__.py",
    "hf_oidc/__init__.py",
    "hf_oidc/action.py",
    "sitecustomize.py",
    "usercustomize.py",
    "encodings/__init__.py",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A workspace whose modules leave a mark when they are run."""
    workspace = tmp_path / "workspace"
    for trap in TRAPS:
        path = workspace / trap
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(tmp_path / 'sprung')!r}, 'a').write({trap!r} + '\\n')\n")
    (workspace / "requirements.txt").write_text("evil\n")
    (workspace / "pyvenv.cfg").write_text(f"home = {workspace}\n")
    return workspace


def environment(checkout: Path) -> dict[str, str]:
    """Every variable with which Python can be led astray, pointing at the checkout."""
    return {
        "PYTHONPATH": str(checkout),
        "PYTHONSTARTUP": str(checkout / "json.py"),
        "PYTHONUSERBASE": str(checkout),
        "PYTHONHOME": str(checkout),
        "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error::sitecustomize.W",
        "PYTHONBREAKPOINT": "json.breakpoint",
    }


@pytest.mark.parametrize("with_variables", [False, True])
def test_changes_nothing(tmp_path: Path, checkout: Path, with_variables: bool) -> None:
    """The login works, and no trap was sprung."""
    with scripted_server({"/oauth/token": GRANT}) as hub:
        env = environment(checkout) if with_variables else {}
        inputs = {"resource": "acme/model", "hub-url": hub.url, "id-token": id_token(hub.url)}
        run = run_action(tmp_path, env, inputs, command=ACTION, cwd=checkout)
    assert (run.exit_code, run.stderr) == (0, "")
    assert run.exported == {"HF_TOKEN": "hf_jwt_0123456789"}
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("trap", ["json.py", "requests/__init__.py", "hf_oidc/__init__.py"])
def test_the_traps_work(tmp_path: Path, checkout: Path, trap: str) -> None:
    """Without `-I` they are sprung: else the test above would show nothing."""
    module = trap.removesuffix(".py").removesuffix("/__init__")
    # Nothing but a path: coverage, where it is measured, has imported json before anyone asks for it.
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=checkout, env={"PATH": os.defpath}, check=True)
    assert (tmp_path / "sprung").read_text().splitlines()[-1] == trap
