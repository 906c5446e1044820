"""Every fault that Local Hub can play, at the phase that it strikes: each ends in its code, or in a login.

The action runs inside the test process: Local Hub counts its requests, and no process is the subject. Where time is
judged, it runs from the first request that Local Hub saw to the end of the run, less what the same takes when nothing
goes wrong: the machine's speed is not in it.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from hf_oidc.errors import LoginError
from hf_oidc.hub.resource import Resource
from hf_oidc.login import Login, log_in
from hf_oidc.providers.registry import choose
from hf_oidc.retry import Pace
from hf_oidc.token_request import TokenRequest
from tests.action_process import ActionRun, run_action
from tests.factories import login_context
from tests.local_hub_process import LocalHub, ServedHub, local_hub, local_hub_here

MINT, EXCHANGE = "/oidc/github/idtoken", "/oauth/token"
PATHS = {"mint": MINT, "exchange": EXCHANGE}
RESOURCE = "acme/model"
GRANTED = "granted"
Phase = Literal["mint", "exchange"]


@dataclass(frozen=True)
class Row:
    """A fault at a phase, what the run ends in, and after how many requests of that phase.

    `faults`: what Local Hub plays in turn, if it is not the fault of that name once. `not_before`: seconds between the
    first two requests that the server asked for.
    """

    phase: Phase
    name: str
    end: str
    attempts: int = 1
    faults: tuple[str, ...] = ()
    timeout: int = 30
    not_before: float = 0.0

    def __str__(self) -> str:
        return f"{self.phase}-{self.name}"


MINT_FAILS, HUB_DOWN, LIMITED = "id-token-request-failed", "hub-unavailable", "rate-limited"
UNEXPECTED, REJECTED, REDIRECTED = "unexpected-response", "exchange-rejected", "redirected"
SOON = 3  # seconds: the time-out of logins that are to run into it


def both(name: str, mint: str, exchange: str, attempts: int = 1, **more: Any) -> list[Row]:
    """The same fault at each phase."""
    return [Row("mint", name, mint, attempts, **more), Row("exchange", name, exchange, attempts, **more)]


def passes(*names: str, **more: Any) -> list[Row]:
    """Faults that are gone at the second request, of either phase."""
    return [row for name in names for row in both(name, GRANTED, GRANTED, 2, **more)]


def ends(exchange: str, *names: str, mint: str = MINT_FAILS) -> list[Row]:
    """Faults that no second request would mend, of either phase."""
    return [row for name in names for row in both(name, mint, exchange)]


ROWS = [
    # The connection breaks, or nothing comes.
    *passes("close-before-headers", "reset-before-headers", "reset-within-headers", "reset-within-body"),
    *passes("lost-answer", "short-body", "not-http", "huge-header", "1000-headers"),
    *both("hang", MINT_FAILS, HUB_DOWN, timeout=SOON),
    *both("slow-headers", MINT_FAILS, HUB_DOWN, timeout=SOON),
    *both("slow-body", MINT_FAILS, HUB_DOWN, timeout=SOON),
    *both("connection-refused", MINT_FAILS, HUB_DOWN, 0, timeout=SOON),
    # Trouble that passes, and says so.
    *passes("429", "500", "502-html", "503", "504", "599"),
    *passes("429-retry-after-negative", "429-retry-after-garbage"),
    *passes("429-retry-after-seconds", "429-retry-after-date", not_before=1.0),
    *passes("429-ratelimit", not_before=2.0),
    *both("429-retry-after-huge", MINT_FAILS, LIMITED),
    *both("429-retry-after-endless", MINT_FAILS, LIMITED),
    Row("mint", "403-pending", GRANTED, 2),
    Row("mint", "403-delayed", GRANTED, 2),
    Row("exchange", "403-pending", UNEXPECTED),
    Row("mint", "400-aborted", MINT_FAILS),
    Row("exchange", "400-aborted", GRANTED, 2),
    Row("mint", "503-then-reset", GRANTED, 3, ("503", "reset-before-headers")),
    Row("exchange", "aborted-then-429", GRANTED, 3, ("400-aborted", "429")),
    *both("503-without-end", MINT_FAILS, HUB_DOWN, -1, faults=("503",) * 50, timeout=SOON),
    # Answers that are final.
    *ends(UNEXPECTED, "401", "403", "404", "408", "425"),
    Row("exchange", "400-invalid-request", "exchange-invalid-request"),
    Row("mint", "400-invalid-request", MINT_FAILS),
    *ends(REJECTED, "400-invalid-grant"),
    *ends(REDIRECTED, "redirect-301", "redirect-302", "redirect-303", "redirect-307", "redirect-308", mint=REDIRECTED),
    # Answers that are not what they should be.
    *ends(UNEXPECTED, "204", "html-200", "empty-200", "truncated-json", "5-mib-json", "deep-json", "json-array"),
    *ends(UNEXPECTED, "wrong-types", "nan", "duplicate-keys", "bom", "utf-16", "gzip-bomb"),
    *both("wrong-content-type", GRANTED, GRANTED, 1),
    # Text that would like to be more than text.
    *ends(REJECTED, "text-newlines", "text-commands", "text-ansi", "text-bidi", "text-long", "text-headers"),
    *ends(UNEXPECTED, "text-error-code"),
    # TLS.
    *[row for fault in ("expired", "wrong-host", "unknown-ca", "tls-1.1") for row in both(
        f"tls-fault-{fault}", "tls-failed", "tls-failed", 0
    )],
]  # fmt: skip


@dataclass
class Stage:
    """Local Hub, and the Local Hubs with a TLS fault, started when they are first needed."""

    hub: LocalHub
    stack: ExitStack
    plain_start: float = 60.0
    plain_login: float = 0.0
    tls: dict[str, ServedHub] = field(default_factory=dict)

    def faulty_tls(self, fault: str) -> ServedHub:
        """The one with this TLS fault."""
        if fault not in self.tls:
            self.tls[fault] = self.stack.enter_context(local_hub_here(tls=True, tls_fault=fault))
        return self.tls[fault]


TABLE: list[str] = []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything that the table needs, and how long a login takes here when nothing goes wrong."""
    with ExitStack() as stack:
        hub = stack.enter_context(local_hub())
        claims = {"repository": {"kind": "eq", "value": "acme/trainer"}}
        hub.post("/local-hub/publishers", {"resource": RESOURCE, "issuerUrl": hub.issuer, "claims": claims})
        stage = Stage(hub, stack)
        for number in range(2):
            env, inputs = job(hub), {"resource": RESOURCE, "hub-url": hub.hub}
            script(hub, "mint")
            began = time.time()
            assert run_action(tmp_path_factory.mktemp(f"plain{number}"), env, inputs).exit_code == 0
            ended, first = time.time(), min(requests(hub)[MINT]["seen"])
            stage.plain_start = min(stage.plain_start, first - began)
            stage.plain_login = max(stage.plain_login, ended - first)
        yield stage


def job(hub: LocalHub) -> dict[str, str]:
    """The environment of a job that the publisher trusts."""
    return hub.job(repository="acme/trainer", ref="refs/heads/main")


def script(hub: LocalHub, phase: Phase, *faults: str) -> None:
    """These faults for that phase, and no others; counting starts anew."""
    hub.request("DELETE", "/local-hub/faults")
    hub.post("/local-hub/faults", {"path": PATHS[phase], "faults": list(faults)})


def requests(hub: LocalHub) -> Any:
    """What Local Hub saw of each phase."""
    return {path: {"requests": 0, "seen": []} for path in (MINT, EXCHANGE)} | hub.get("/local-hub/faults")


def closed_port() -> str:
    """A URL where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def prepared(stage: Stage, row: Row) -> tuple[dict[str, str], dict[str, str]]:
    """Sets the fault up; the environment and the inputs of the run."""
    env = job(stage.hub)
    inputs = {"resource": RESOURCE, "hub-url": stage.hub.hub, "timeout": str(row.timeout)}
    struck = ""
    script(stage.hub, row.phase)
    if row.name == "connection-refused":
        struck = closed_port()
    elif row.name.startswith("tls-fault-"):
        faulty = stage.faulty_tls(row.name.removeprefix("tls-fault-"))
        struck, inputs["ca-bundle"] = faulty.hub, faulty.ca or ""
    else:
        script(stage.hub, row.phase, *(row.faults or (row.name,)))
    if struck and row.phase == "exchange":
        inputs["hub-url"] = struck
    elif struck:
        env["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{struck}{MINT}?api-version=2.0"
    return env, inputs


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_fault_ends_in_its_code_or_in_a_login(tmp_path: Path, stage: Stage, row: Row) -> None:
    """In time, after as many requests as it should, without a traceback, a leak or a foreign workflow command."""
    env, inputs = prepared(stage, row)
    began = time.time()
    run = run_action(tmp_path, env, inputs)
    ended = time.time()
    seen = requests(stage.hub)
    took = max(0.0, ended - min([began + stage.plain_start, *seen[MINT]["seen"]]))
    end = GRANTED if run.exit_code == 0 else f"{run.error_code}"
    struck = seen[PATHS[row.phase]]
    TABLE.append(f"{row.phase:9} {row.name:26} {end:26} {struck['requests']:3} {took:7.2f} / {row.timeout}")
    assert (end, run.exit_code) == (row.end, 0 if row.end == GRANTED else 1), run.stdout
    assert took <= row.timeout + 1 + stage.plain_login
    check_attempts(row, run, seen)
    check_output(run)


@pytest.mark.parametrize(
    ("fault", "following"),
    [
        ("expired", "Check the clock of this machine first."),
        ("wrong-host", "Check the host in the URL first: the certificate is for another host."),
        ("unknown-ca", "If a private certificate authority signed the certificate"),
        ("tls-1.1", "Ask the administrator of that server: it has to accept TLS 1.2 or newer."),
    ],
)
def test_the_next_step_fits_the_fault_of_tls(tmp_path: Path, stage: Stage, fault: str, following: str) -> None:
    """More certificates to trust are of no use but where nobody vouches for the server's."""
    run = run_action(tmp_path, *prepared(stage, Row("exchange", f"tls-fault-{fault}", "tls-failed", 0)))
    assert f"Next: {following}" in run.stdout
    assert ("ca-bundle" in run.stdout) == (fault == "unknown-ca")


def check_attempts(row: Row, run: ActionRun, seen: Any) -> None:
    """As many requests as the row says, and a line in the log for each that was followed by another."""
    struck = seen[PATHS[row.phase]]
    retries = run.stdout.count("; retrying in ")
    if row.attempts > 0:
        assert struck["requests"] == row.attempts
        assert retries == row.attempts - 1
    elif row.attempts < 0:
        # The time-out may pass between the last wait and the last request.
        assert struck["requests"] in (retries, retries + 1)
        assert retries >= 1
    if len(struck["seen"]) > 1:
        assert struck["seen"][1] - struck["seen"][0] >= row.not_before
    # Each exchange has an ID token of its own; a failed mint is not followed by an exchange.
    if row.phase == "exchange" and row.attempts > 0:
        assert seen[MINT]["requests"] == row.attempts
    if row.phase == "mint":
        assert seen[EXCHANGE]["requests"] == (1 if row.end == GRANTED else 0)
    assert "/elsewhere" not in seen


def check_output(run: ActionRun) -> None:
    """Nothing on stderr; no token anywhere but where it belongs; only our own commands; no control characters."""
    assert run.stderr == ""
    for place, content in run.places.items():
        assert not re.search(rb"eyJ[\w-]{6}|hf_(jwt|oauth)_\w", content), place
    log = re.sub(r"^::add-mask::.*$", "", run.stdout, flags=re.MULTILINE)
    assert set(workflow_commands(run.stdout)) <= {"add-mask", "error", "warning", "group", "endgroup"}
    assert workflow_commands(log).count("error") == (0 if run.exit_code == 0 else 1)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", log)
    for name, value in {**run.outputs, **run.exported}.items():
        assert run.exit_code == 0 or (name, value) == ("authenticated", "false")


def workflow_commands(log: str) -> list[str]:
    """The commands in a log, by name, as actions/runner's ActionCommand.cs looks for them; unknown ones too."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        version_2 = re.match(r"\s*::([^\s:]*).*?::", line)
        found += [version_2[1]] if version_2 else []
        found += re.findall(r"#[^\s#\[]*\[[^\]\s]*", line)  # of Azure Pipelines and TeamCity, too
    return found


def test_the_commands_of_a_log_are_found() -> None:
    """As the runner finds them: at a line's beginning, after white space, or in brackets anywhere."""
    log = "::error title=a::b\nx ::error::c\n  ::add-mask::d\re\r::stop-commands::f\nx ##[command]g ##vso[a]b"
    assert workflow_commands(log) == ["error", "add-mask", "stop-commands", "#[command", "#vso[a"]


ONCE: dict[Phase, tuple[str, ...]] = {
    "mint": (
        "400-invalid-request",
        "401",
        "403",
        "404",
        "408",
        "redirect-302",
        "redirect-307",
        "html-200",
        "empty-200",
    ),
    "exchange": (
        *("400-invalid-request", "400-invalid-grant", "401", "403", "403-pending", "404", "408"),
        *("redirect-302", "redirect-307", "redirect-308", "204", "html-200", "empty-200", "truncated-json"),
    ),
}


@pytest.mark.parametrize(("phase", "fault"), [(phase, fault) for phase, faults in ONCE.items() for fault in faults])
def test_a_refusal_is_met_once(stage: Stage, phase: Phase, fault: str) -> None:
    """Counted at the server, which has more of the same; time and waits are no reason to stop."""
    script(stage.hub, phase, *[fault] * 5)
    with pytest.raises(LoginError) as caught:
        log_in(login_here(stage.hub), TokenRequest("HF_TOKEN", Resource.parse(RESOURCE)))
    error = caught.value
    seen = requests(stage.hub)
    assert not error.retryable
    assert len(error.attempts) == 1
    assert seen[PATHS[phase]]["requests"] == 1
    assert seen[PATHS[phase]]["left"] == [fault] * 4
    assert (seen[MINT]["requests"], seen[EXCHANGE]["requests"]) == ((1, 0) if phase == "mint" else (1, 1))


@pytest.mark.parametrize("phase", PATHS)
def test_a_server_that_is_silent_is_asked_again(stage: Stage, phase: Phase) -> None:
    """After the transport's read time-out, long before the login's: here both are shorter than the action's."""
    script(stage.hub, phase, "hang")
    log_in(login_here(stage.hub, read_timeout=0.5), TokenRequest("HF_TOKEN", Resource.parse(RESOURCE)))
    assert requests(stage.hub)[PATHS[phase]]["requests"] == 2


def login_here(hub: LocalHub, read_timeout: float = 15) -> Login:
    """A login within this process, which tries again at once."""
    return Login(
        hub_url=hub.hub,
        audience=hub.hub,
        identity=choose(job(hub), lambda _path: ""),
        context=login_context(read_timeout=read_timeout),
        mask=lambda _secret: None,
        report=lambda _attempt: None,
        pace=Pace(time.monotonic),
    )


def test_each_exchange_has_an_id_token_of_its_own(tmp_path: Path, stage: Stage) -> None:
    """Local Hub grants three times, and its answer is lost twice: it has seen three `jti`."""
    known = len(stage.hub.get("/local-hub/exchanges"))
    script(stage.hub, "exchange", "lost-answer", "reset-within-body")
    run = run_action(tmp_path, job(stage.hub), {"resource": RESOURCE, "hub-url": stage.hub.hub})
    logged = stage.hub.get("/local-hub/exchanges")
    exchanges = logged[: len(logged) - known]
    assert run.exit_code == 0
    assert len(exchanges) == len({exchange["jti"] for exchange in exchanges}) == 3
    assert requests(stage.hub)[MINT]["requests"] == 3


def test_the_table_is_long_enough_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 45 faults; what each run ended in, after how many requests and seconds."""
    assert len({row.name for row in ROWS}) >= 45
    head = f"{'phase':9} {'fault':26} {'ended in':26} {'req':>3} {'seconds / time-out':>12}"
    with capsys.disabled():
        print("\n" + "\n".join([head, "-" * len(head), *TABLE, f"{len(TABLE)} rows"]))  # noqa: T201 - to be read
