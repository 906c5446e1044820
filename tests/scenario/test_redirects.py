"""A redirect on either call ends the login; the other host receives nothing.

The action runs inside the test process: what matters here is which requests the servers receive.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tests.action_process import run_action
from tests.factories import id_token
from tests.scripted_server import Answer, scripted_server

STATUSES = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("call", ["mint", "exchange"])
@pytest.mark.parametrize("to", ["another host", "http"])
def test_is_not_followed(tmp_path: Path, status: int, call: str, to: str) -> None:
    """`redirected`, naming the call; not a byte to where it points, over TLS or in clear."""
    ca = trustme.CA()
    (tmp_path / "workspace").mkdir()
    ca.cert_pem.write_to_path(str(tmp_path / "workspace" / "ca.pem"))
    with scripted_server({}, tls=None if to == "http" else ca, host="localhost") as other:
        redirect = Answer({"value": "x"}, status, {"Location": f"{other.url}/idtoken?stolen"})
        with (
            scripted_server({"/idtoken": redirect if call == "mint" else Answer({"value": ""})}, tls=ca) as ci,
            scripted_server({"/oauth/token": redirect}, tls=ca) as hub,
        ):
            supplied = "" if call == "mint" else id_token(hub.url)
            run = run_action(
                tmp_path,
                {
                    "GITHUB_ACTIONS": "true",
                    "ACTIONS_ID_TOKEN_REQUEST_URL": f"{ci.url}/idtoken?api-version=2.0",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
                },
                {"resource": "acme/model", "hub-url": hub.url, "id-token": supplied, "ca-bundle": "ca.pem"},
            )
    assert (run.exit_code, run.error_code, run.stderr) == (1, "redirected", "")
    assert other.requests == []
    assert other.url.partition("://")[2] in run.stdout
    asked = ci if call == "mint" else hub
    assert len(asked.requests) == 1
    assert (run.outputs, run.exported) == ({"authenticated": "false"}, {})
