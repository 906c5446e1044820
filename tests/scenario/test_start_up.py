"""What a login loads: nothing that it does not use, for every job would wait for it.

A process: what a new interpreter loads is the subject.
"""

import sys

import pytest

from hf_oidc.deferred_imports import STAND_INS
from hf_oidc.providers.detection import NAMES
from tests.action_process import run_action
from tests.cli_process import run_cli
from tests.factories import HUB, id_token
from tests.scripted_server import Answer, scripted_server

TOKEN = "hf_jwt_0123456789"
GRANT = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}
# An entry point as it is, which at its end tells on standard error what was loaded. The action ends by `os._exit`.
TELLING = """
import atexit, os, runpy, sys
def tell():
    sys.stderr.write("\\n".join(name for name, module in sys.modules.items() if module))
atexit.register(tell)
end = os._exit
os._exit = lambda exit_code: (tell(), end(exit_code))
"""
# PyJWT takes cryptography where it is installed; it is here, for Local Hub, and not in the image. The command does
# not take it anywhere.
ACTION = f"{TELLING}sys.modules['cryptography'] = None; runpy.run_module('hf_oidc.action', run_name='__main__')"
COMMAND = f"{TELLING}runpy.run_module('hf_oidc', run_name='__main__')"
UNUSED = {
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
OF_THE_OTHER = {
    "the action": {"click", "hf_oidc.cli"},
    "the command": {"actions_toolkit", "hf_oidc.output.github_commands", "hf_oidc.cli.run", "hf_oidc.cli.doctor"},
}


@pytest.fixture(scope="module", params=OF_THE_OTHER)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """An entry point, and the modules of a process in which its login has worked."""
    folder = tmp_path_factory.mktemp("login")
    with scripted_server({"/mint": Answer({"value": id_token()}), "/oauth/token": Answer(GRANT)}) as server:
        env = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/mint?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-request-token",
        }
        if request.param == "the action":
            inputs = {"resource": "acme/model", "hub-url": server.url, "audience": HUB}
            action = run_action(folder, env, inputs, command=(sys.executable, "-I", "-c", ACTION))
            exit_code, log = action.exit_code, action.stderr
        else:
            command = run_cli(
                folder,
                *("token", "acme/model", "--hub-url", server.url, "--audience", HUB),
                env=env,
                secrets=[TOKEN],
                stdout_may_hold_them=True,
                command=(sys.executable, "-I", "-c", COMMAND),
            )
            exit_code, log = command.exit_code, command.stderr
    assert exit_code == 0, log
    return request.param, set(log.split())


@pytest.mark.parametrize("purpose", UNUSED)
def test_a_login_loads_nothing_for_another_purpose(loaded: tuple[str, set[str]], purpose: str) -> None:
    """Each line of the table is a part of the time that a login does not take."""
    assert not loaded[1] & UNUSED[purpose]


def test_a_login_loads_nothing_of_the_other_entry_point(loaded: tuple[str, set[str]]) -> None:
    """The action has no command line, and the command has no runner."""
    entry, modules = loaded
    assert not modules & OF_THE_OTHER[entry]


def test_a_login_loads_what_it_is_built_on(loaded: tuple[str, set[str]]) -> None:
    """The tables above would say little of a process that has loaded nothing."""
    entry, modules = loaded
    assert modules >= {"requests", "urllib3", "jwt", "hf_oidc.providers.github.mint"}
    assert ("actions_toolkit.core" if entry == "the action" else "click") in modules
