"""A proxy that is at fault, told of by the action and by `hf-oidc`: whose it is, and what to correct.

Both run inside the test process.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.action_process import run_action
from tests.cli_process import run_cli
from tests.factories import id_token

HUB = "https://hub.example"
# Made when this file is read, and used when its turn comes.
SUPPLIED = {"HF_OIDC_ID_TOKEN": id_token(HUB, exp=4_000_000_000)}
ON_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/idtoken?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-of-the-request",
}
PROXIES = [
    ({"ALL_PROXY": "socks5://127.0.0.1:1080"}, "ALL_PROXY"),
    ({"all_proxy": "socks5h://svc:Winter2026@127.0.0.1:1080"}, "all_proxy"),
    ({"HTTPS_PROXY": "socks4://127.0.0.1"}, "HTTPS_PROXY"),
    ({"https_proxy": "http://svc:Winter2026#x@127.0.0.1:9"}, "https_proxy"),
]


@pytest.mark.parametrize(("proxy", "variable"), PROXIES)
@pytest.mark.parametrize(
    ("job", "code"), [(SUPPLIED, "hub-unavailable"), (ON_GITHUB, "id-token-request-failed")], ids=["exchange", "mint"]
)
@pytest.mark.parametrize(("on_error", "exit_code"), [("warn", 0), ("fail", 1)])
def test_a_proxy_that_cannot_be_used_is_no_mistake_of_the_workflow(
    proxy: Mapping[str, str],
    variable: str,
    job: Mapping[str, str],
    code: str,
    on_error: str,
    *,
    exit_code: int,
    tmp_path: Path,
) -> None:
    """`on-error: warn` holds, the variable is named, nothing is tried twice, and no password is shown."""
    inputs = {"resource": "acme/model", "hub-url": HUB, "on-error": on_error}
    run = run_action(tmp_path, {**job, **proxy}, inputs, secrets=["Winter2026"])
    assert (run.exit_code, run.error_code) == (exit_code, code)
    assert run.outputs["authenticated"] == "false"
    assert f"Correct the environment variable `{variable}`" in run.stdout
    assert "attempts" not in run.stdout


@pytest.mark.parametrize(("proxy", "variable"), PROXIES)
def test_the_command_says_the_same(proxy: Mapping[str, str], variable: str, tmp_path: Path) -> None:
    """With exit code 1: the arguments are right."""
    run = run_cli(tmp_path, "token", "acme/model", "--hub-url", HUB, env={**SUPPLIED, **proxy}, secrets=["Winter2026"])
    assert run.exit_code == 1
    assert f"Correct the environment variable {variable}" in run.stderr.replace("`", "")
