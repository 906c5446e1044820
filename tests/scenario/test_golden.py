"""The action, one story a test: what goes in, and every byte that comes out, as text to be read.

`AS_PROCESSES` start one: stories of each exit code and of each place where a login fails, and the longest. The others
call the same function inside the test process. The command lines of processes are looked at during each request.

The texts are in tests/golden. After a change that is meant, `UPDATE_GOLDEN=1 make test PYTEST_ARGS=tests/scenario`
writes them anew; the difference is then read like code.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.action_process import ACTION, ActionRun, run_action
from tests.factories import id_token
from tests.leaks import leaks
from tests.scripted_server import Answer, Recorded, ScriptedServer, scripted_server

GOLDEN = Path(__file__).parents[1] / "golden"
REQUEST_TOKEN = "request-token-of-the-job"
HUB_TOKEN = "hf_jwt_0123456789abcdefghijklmnopqrstuvwxyz"
GRANT = Answer(
    {
        "access_token": HUB_TOKEN,
        "token_type": "bearer",
        "expires_in": 3600,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    },
    headers={"x-request-id": "id-1"},
)


# Longer than any login here may take, so that a fault that may pass is given up at once.
NOT_TODAY = {"Retry-After": "86400"}


def refusal(error: str, description: str, **headers: str) -> Answer:
    """An OAuth error with a request id."""
    return Answer({"error": error, "error_description": description}, 400, {"x-request-id": "Root=1-67-abc", **headers})


def first(*answers: Answer) -> Callable[[Recorded], Answer]:
    """These answers, one after the other."""
    left = list(answers)
    return lambda _request: left.pop(0)


@dataclass(frozen=True)
class Story:
    """A run. `mint` and `hub` answer the two calls; `mint` is given the audience that was asked for."""

    exit_code: int
    code: str | None = None
    mint: Callable[[str], Answer] = lambda audience: Answer({"value": id_token(audience)})
    hub: Answer | Callable[[Recorded], Answer] = GRANT
    inputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    tls: bool = False
    command_files: Mapping[str, str] | None = None
    event: str = ""


FROM_A_FORK = json.dumps(
    {"pull_request": {"head": {"repo": {"full_name": "mallory/m"}}, "base": {"repo": {"full_name": "acme/m"}}}}
)
STORIES = {
    "granted": Story(0),
    "granted-without-export": Story(0, inputs={"export-env": "false"}),
    "granted-by-hf-endpoint": Story(0, inputs={"hub-url": ""}, env={"HF_ENDPOINT": "{hub}/"}),
    "granted-with-another-audience": Story(0, inputs={"audience": "https://huggingface.co"}),
    "granted-at-the-second-try": Story(0, hub=first(Answer("<html>", 502), GRANT)),
    "granted-in-a-run": Story(
        0,
        env={
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/trainer",
            "GITHUB_RUN_ID": "1234567890",
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        },
    ),
    "granted-with-warnings": Story(0, env={"HF_TOKEN": "an-older-token", "HF_OIDC_RESOURCE": "acme/model"}),
    "invalid-resource": Story(
        2, "invalid-resource", inputs={"resource": "https://huggingface.co/acme/model/tree/main"}
    ),
    "no-resource": Story(2, "invalid-resource", inputs={"resource": ""}),
    "invalid-input-boolean": Story(2, "invalid-input", inputs={"export-env": "yes"}),
    "invalid-input-audience": Story(2, "invalid-input", inputs={"audience": "https://huggingface.co sigstore"}),
    "invalid-input-timeout": Story(2, "invalid-input", inputs={"timeout": "1m"}),
    "invalid-input-hub-url": Story(2, "invalid-input", inputs={"hub-url": "huggingface.co"}),
    "invalid-input-ca-bundle": Story(2, "invalid-input", inputs={"ca-bundle": "missing.pem"}),
    "insecure-url": Story(2, "insecure-url", inputs={"hub-url": "http://huggingface.co"}),
    "no-provider": Story(1, "no-provider", env={"GITHUB_ACTIONS": None}),
    "warned": Story(0, "no-provider", inputs={"on-error": "warn"}, env={"GITHUB_ACTIONS": None}),
    "warned-of-a-refusal": Story(
        0, "exchange-rejected", inputs={"on-error": "warn"}, hub=refusal("invalid_grant", "Not accepted")
    ),
    "invalid-input-although-warned": Story(2, "invalid-resource", inputs={"on-error": "warn", "resource": "a/b/c/d"}),
    "invalid-input-on-error": Story(2, "invalid-input", inputs={"on-error": "ignore"}),
    "id-token-fork-pull-request": Story(
        1, "id-token-fork-pull-request", env={"ACTIONS_ID_TOKEN_REQUEST_URL": None}, event=FROM_A_FORK
    ),
    "id-token-dependabot": Story(
        1, "id-token-dependabot", env={"ACTIONS_ID_TOKEN_REQUEST_URL": None, "GITHUB_ACTOR": "dependabot[bot]"}
    ),
    "id-token-not-declared": Story(
        1, "id-token-not-declared", env={"ACTIONS_ID_TOKEN_REQUEST_URL": None, "ACT": "true"}
    ),
    "id-token-permission-missing": Story(1, "id-token-permission-missing", env={"ACTIONS_ID_TOKEN_REQUEST_URL": None}),
    "id-token-request-failed": Story(
        1, "id-token-request-failed", mint=lambda _: Answer({"message": "try later"}, 503, NOT_TODAY)
    ),
    "id-token-malformed": Story(1, "id-token-malformed", inputs={"id-token": "not-a-jwt"}),
    "id-token-expired": Story(
        1, "id-token-expired", mint=lambda aud: Answer({"value": id_token(aud, exp=1_700_000_000)})
    ),
    "audience-mismatch": Story(1, "audience-mismatch", mint=lambda _: Answer({"value": id_token("sigstore")})),
    "exchange-rejected": Story(
        1,
        "exchange-rejected",
        hub=refusal("invalid_grant", "No trusted publisher configured on acme/model"),
    ),
    "exchange-invalid-request": Story(
        1, "exchange-invalid-request", hub=refusal("invalid_request", "resource is not valid")
    ),
    "hub-unavailable": Story(1, "hub-unavailable", hub=Answer("<html>502 Bad Gateway</html>", 502, NOT_TODAY)),
    "hub-unavailable-in-disguise": Story(
        1, "hub-unavailable", hub=refusal("invalid_grant", "This operation was aborted", **NOT_TODAY)
    ),
    "rate-limited": Story(1, "rate-limited", hub=Answer({"error": "slow down"}, 429, {"RateLimit": '"api";r=0;t=255'})),
    "unexpected-response": Story(1, "unexpected-response", hub=Answer("<html>Welcome to the hotel's Wi-Fi</html>")),
    "redirected": Story(1, "redirected", hub=Answer(status=307, headers={"Location": "https://elsewhere.example/x"})),
    "tls-failed": Story(1, "tls-failed", tls=True),
    "delivery-failed": Story(1, "delivery-failed", command_files={"GITHUB_OUTPUT": ""}),
    "hostile-server": Story(
        1,
        "exchange-rejected",
        hub=refusal(
            "invalid_grant", "no\n::set-output name=a::b\r\n##[add-path]/tmp\x1b[2J\u202e " + HUB_TOKEN + " x" * 500
        ),
    ),
}

AS_PROCESSES = {
    *("granted", "granted-with-warnings", "warned", "exchange-rejected", "hostile-server", "tls-failed"),
    *("delivery-failed", "id-token-request-failed", "no-resource"),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(tmp_path: Path, name: str) -> None:
    """The log, the command files and the requests are those of the golden text."""
    story = STORIES[name]
    with (
        scripted_server({"/idtoken": lambda request: story.mint(request.query["audience"][0])}) as ci,
        scripted_server({"/oauth/token": story.hub}, tls=trustme.CA() if story.tls else None) as hub,
    ):
        run = told(tmp_path, story, ci, hub, ACTION if name in AS_PROCESSES else None)
    assert (run.exit_code, run.error_code, run.stderr) == (story.exit_code, story.code, "")
    assert leaks([REQUEST_TOKEN, HUB_TOKEN, *run.masks], {"": b"".join(ci.command_lines + hub.command_lines)}) == []
    assert_masked_first(run)
    compare(name, as_text(run, ci, hub))


def told(
    tmp_path: Path, story: Story, ci: ScriptedServer, hub: ScriptedServer, command: Sequence[str] | None
) -> ActionRun:
    """The run of a story."""
    env: dict[str, str | None] = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{ci.url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        **story.env,
    }
    given = {name: value.format(hub=hub.url) for name, value in env.items() if value is not None}
    event = tmp_path / "event.json"
    event.write_text(story.event)
    given["GITHUB_EVENT_PATH"] = str(event)
    inputs = {"resource": "acme/model", "hub-url": hub.url, **story.inputs}
    return run_action(tmp_path, given, inputs, command=command, secrets=[HUB_TOKEN], command_files=story.command_files)


def assert_masked_first(run: ActionRun) -> None:
    """A token that is anywhere in the log or in a command file was masked, and in the log before anything else."""
    tokens = {value for value in (*run.exported.values(), run.outputs.get("token", "")) if value}
    assert tokens <= set(run.masks)
    for token in run.masks:
        assert token not in run.stdout.partition(f"::add-mask::{token}\n")[0]


def as_text(run: ActionRun, ci: ScriptedServer, hub: ScriptedServer) -> str:
    """Everything that came out, with what differs from run to run replaced by its name."""
    requests = [("CI", request) for request in ci.requests] + [("Hub", request) for request in hub.requests]
    text = "\n".join(
        [
            f"exit code {run.exit_code}",
            "--- log",
            run.stdout,
            "--- GITHUB_OUTPUT",
            run.output_file,
            "--- GITHUB_ENV",
            run.env_file,
            "--- GITHUB_STEP_SUMMARY",
            run.summary,
            *(sanitize_line(to, request) for to, request in requests),
        ]
    )
    text = text.replace("&#58;", ":")  # the summary's escape, within what is replaced below
    for token in run.masks:
        text = text.replace(token, "<Hub token>" if token == HUB_TOKEN else "<ID token>")
    text = re.sub(r"after \d+\.\d s", "after <time> s", text)
    for url, name in ((ci.url, "ci"), (hub.url, "hub")):
        text = text.replace(url.partition("://")[2], f"<{name}>")
    text = re.sub(r"ghadelimiter_[0-9a-f-]{36}", "<delimiter>", text)
    text = text.replace(REQUEST_TOKEN, "<request token>")
    text = re.sub(r"retrying in [\d.]+ s", "retrying in <wait> s", text)
    return re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", text).rstrip() + "\n"


def sanitize_line(to: str, request: Recorded) -> str:
    """A request, with the headers that matter."""
    kept = ("authorization", "content-type", "accept", "accept-encoding", "user-agent")
    headers = [f"{name}: {request.headers[name]}" for name in kept if name in request.headers]
    body = [json.dumps(json.loads(request.body), indent=2)] if request.body else []
    query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
    return "\n".join([f"--- request to the {to}", f"{request.method} {request.path} {query}".rstrip(), *headers, *body])


def compare(name: str, text: str) -> None:
    """Hold `text` against the golden one."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_golden_text_has_its_story() -> None:
    """No text is left over."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(STORIES)
