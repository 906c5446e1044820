"""What a login loads: nothing that it does not use, for every job would wait for it.

A process: what a new interpreter loads is the subject.
"""

import sys

import pytest

from hf_oidc.deferred_imports import STAND_INS
from hf_oidc.providers.detection import NAMES
from tests.action_process import run_action
from tests.factories import HUB, id_token
from tests.scripted_server import Answer, scripted_server

GRANT = {"access_token": "hf_jwt_0123456789", "token_type": "bearer", "expires_in": 3600}
# The action as it is, which at its end tells on standard error what was loaded. PyJWT takes cryptography where it is
# installed; it is here, for Local Hub, and not in the image.
TELLING = """
import atexit, runpy, sys
sys.modules["cryptography"] = None
atexit.register(lambda: sys.stderr.write("\\n".join(sys.modules)))
runpy.run_module("hf_oidc.action", run_name="__main__", alter_sys=True)
"""
UNUSED = {
    "the other entry point": {"click", "hf_oidc.cli"},
    "an explanation": {"hf_oidc.explain.advice", "hf_oidc.explain.report", "hf_oidc.explain.text"},
    "what is known of providers and publishers": {
        "hf_oidc.providers.facts",
        "hf_oidc.providers.github.facts",
        "hf_oidc.hub.publisher",
    },
    "the other providers": {f"hf_oidc.providers.{name}.mint" for name in NAMES if name != "github"},
    "another try": {"random"},
    "a CI's own command": {"subprocess"},
    "verifying": {"cryptography.hazmat", "cryptography.x509"},
    "what requests is kept from": set(STAND_INS),
    "files of its own, and archives": {"shutil", "bz2", "lzma"},
    "describing classes": {"dataclasses", "inspect"},
    "reading YAML": {"yaml"},
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a process in which a login has worked."""
    with scripted_server({"/mint": Answer({"value": id_token()}), "/oauth/token": Answer(GRANT)}) as server:
        env = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/mint?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-request-token",
        }
        inputs = {"resource": "acme/model", "hub-url": server.url, "audience": HUB}
        command = (sys.executable, "-I", "-c", TELLING)
        run = run_action(tmp_path_factory.mktemp("login"), env, inputs, command=command)
    assert run.exit_code == 0, run.stdout
    return set(run.stderr.split())


@pytest.mark.parametrize("purpose", UNUSED)
def test_a_login_loads_nothing_for_another_purpose(loaded: set[str], purpose: str) -> None:
    """Each line of the table is a part of the time that a login does not take."""
    assert not loaded & UNUSED[purpose]


def test_a_login_loads_what_the_action_is_built_on(loaded: set[str]) -> None:
    """The table above would say little of a process that has loaded nothing."""
    assert loaded >= {"requests", "urllib3", "jwt", "actions_toolkit.core", "hf_oidc.providers.github.mint"}
