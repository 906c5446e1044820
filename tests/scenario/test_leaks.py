"""No token is anywhere but in mask lines and the two command files, and the search that says so finds what it should.

`run_action` searches every run of every scenario; here the search is tried on leaks that are planted, and carried on
to what no process shows: exceptions.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme

from hf_oidc.errors import LoginError
from hf_oidc.login import Login, log_in
from hf_oidc.providers.registry import choose
from hf_oidc.resource import Resource
from hf_oidc.retry import Pace
from hf_oidc.transport import Transport, trusting
from tests.action_process import run_action
from tests.factories import id_token, means
from tests.fake_clock import FakeClock
from tests.leaks import leaks
from tests.scripted_server import Answer, scripted_server

ID_TOKEN = id_token()
SECRETS = {
    "request token": "request-token/with+odd=characters",
    "ID token": ID_TOKEN,
    "ID token's signature": ID_TOKEN.rpartition(".")[2],
    "Hub token": 'hf_jwt_"quo\\te"/+%&=~',
}
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "JSON-escaped": lambda secret: json.dumps({"token": secret}),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 behind one byte": lambda secret: base64.b64encode(b":" + secret.encode()).decode(),
    "base64 behind two bytes": lambda secret: base64.b64encode(b"u:" + secret.encode() + b"\n").decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(b"user:" + secret.encode()).decode(),
}
# Programs that leak their standard input, and where the search should find it.
PLACES = {
    "stdout": ("import sys; print('x', sys.stdin.read())", "stdout"),
    "an annotation": ("import sys; print('::error::' + sys.stdin.read())", "stdout"),
    "stderr": ("import sys; print(sys.stdin.read(), file=sys.stderr)", "stderr"),
    "an exception": ("import sys; raise ValueError(sys.stdin.read())", "stderr"),
    "the workspace": ("import sys; open('cache.json', 'w').write(sys.stdin.read())", "workspace/cache.json"),
    "HOME": ("import os, sys; open(os.path.expanduser('~/.netrc'), 'w').write(sys.stdin.read())", "home/.netrc"),
    "the summary": (
        "import os, sys; open(os.environ['GITHUB_STEP_SUMMARY'], 'a').write(sys.stdin.read())",
        "github_step_summary",
    ),
    "an argument": (
        "import subprocess, sys; subprocess.run(['sh', '-c', 'sleep 1', sys.stdin.read()])",
        "command lines",
    ),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS)
def test_the_search_knows_every_form_of_every_secret(secret: str, form: str) -> None:
    """A text that holds the secret in that form is found; one without it is not."""
    planted = f"before {FORMS[form](SECRETS[secret])} after".encode()
    assert leaks([SECRETS[secret]], {"there": planted})
    assert leaks([SECRETS[secret]], {"there": b"before and after"}) == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["raw", "URL-encoded", "JSON-escaped", "base64 behind one byte"])
def test_the_search_looks_in_every_place(tmp_path: Path, place: str, form: str) -> None:
    """A program that leaks there does not pass."""
    text = FORMS[form](SECRETS["Hub token"])
    leak, found_in = PLACES[place]
    leaking = f"import io, sys; sys.stdin = io.StringIO({text!r})\n{leak}"
    program = tmp_path / "workspace" / "leak"
    program.parent.mkdir()
    program.write_text(leaking)
    # The program's own text holds the secret: it removes itself before it leaks.
    command = (sys.executable, "-c", "import os; t = open('leak').read(); os.remove('leak'); exec(t)")
    with pytest.raises(AssertionError, match=rf"{found_in}: .*hf_jwt"):
        run_action(tmp_path, {}, {}, command=command, secrets=[SECRETS["Hub token"]])


def test_the_signature_alone_is_a_leak() -> None:
    """Whoever has the signature and guesses the claims has the token."""
    assert leaks([ID_TOKEN], {"log": SECRETS["ID token's signature"].encode()})


FAULTS: dict[str, tuple[Answer, Answer]] = {
    "mint refused": (Answer({"message": ID_TOKEN}, 403), Answer()),
    "mint echoes": (Answer({"value": f"{ID_TOKEN} {ID_TOKEN}"}), Answer()),
    "mint redirects": (Answer(status=302, headers={"Location": f"https://evil.example/{ID_TOKEN}"}), Answer()),
    "wrong audience": (Answer({"value": id_token("other")}), Answer()),
    "refusal echoes": (
        Answer({"value": ID_TOKEN}),
        Answer({"error": "invalid_grant", "error_description": ID_TOKEN}, 400, {"x-request-id": ID_TOKEN[:100]}),
    ),
    "error code echoes": (Answer({"value": ID_TOKEN}), Answer({"error": ID_TOKEN}, 400)),
    "server error echoes": (Answer({"value": ID_TOKEN}), Answer(ID_TOKEN, 500)),
    "half a grant": (Answer({"value": ID_TOKEN}), Answer({"access_token": SECRETS["Hub token"], "expires_in": 1})),
    "half a grant that echoes": (Answer({"value": ID_TOKEN}), Answer({"access_token": ID_TOKEN, "expires_in": 1})),
    "grant cut short": (
        Answer({"value": ID_TOKEN}),
        Answer(f'{{"access_token": "{SECRETS["Hub token"]}', headers={"Content-Length": "9999", "Connection": "close"}),
    ),
    "exchange redirects": (Answer({"value": ID_TOKEN}), Answer(status=308, headers={"Location": f"//{ID_TOKEN}/"})),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_exception_holds_no_secret(fault: str) -> None:
    """Not in its text, its facts, its causes, nor in a traceback that prints local variables of ours."""
    mint, exchange = FAULTS[fault]
    with scripted_server({"/idtoken": mint, "/oauth/token": exchange}) as server:
        error = failure(server.url, "")
    shown = everything_in(error)
    assert leaks(SECRETS.values(), {"exception": shown.encode()}) == []


def test_an_exception_of_tls_holds_no_secret() -> None:
    """Requests' own exception holds the request; it does not travel with ours."""
    with scripted_server({"/oauth/token": Answer()}, tls=trustme.CA()) as server:
        error = failure(server.url, id_token(server.url))
    assert error.code == "tls-failed"
    assert leaks(SECRETS.values(), {"exception": everything_in(error).encode()}) == []


def failure(url: str, supplied: str) -> LoginError:
    """The error of a login within this process."""
    env = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRETS["request token"],
    }
    clock = FakeClock()
    login = Login(
        resource=Resource.parse("acme/model"),
        hub_url=url,
        audience="https://huggingface.co" if not supplied else url,
        identity=choose(env, str, id_token=supplied),
        means=means(
            Transport(
                env={}, tls=trusting(""), user_agent="test", deadline=clock.monotonic() + 30, clock=clock.monotonic
            )
        ),
        mask=lambda _secret: None,
        now=lambda: datetime.now(timezone.utc),
        sleep=clock.sleep,
        chance=lambda: 1.0,
        tell=lambda _attempt: None,
        pace=Pace(time.monotonic),
    )
    try:
        log_in(login)
    except LoginError as error:
        return error
    raise AssertionError("the login was to fail")


def everything_in(error: BaseException) -> str:
    """The error as tracebacks, debuggers and loggers show it, with all that hangs on it and the variables of ours."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines = list(traceback.TracebackException.from_exception(error).format())
    lines += [str(frame.locals) for frame in shown.stack if "hf_oidc" in frame.filename]
    pending: list[Any] = [error]
    while pending:
        current = pending.pop()
        lines += [str(current), repr(current), repr(current.args), repr(vars(current))]
        pending += [cause for cause in (current.__cause__, current.__context__) if cause is not None]
    return "\n".join(lines)
