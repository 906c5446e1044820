"""`hf-oidc run --keep-fresh`: a command that runs for longer than its token lives.

Mostly processes: the command, its signals and its exit code are the subject. Rare errors are caused inside the test
process, where the login is a parameter.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
import trustme

from hf_oidc.cli.child import PASSED_ON, Child
from hf_oidc.cli.options import Settings
from hf_oidc.cli.run_renewing import Job, renew_until_end
from hf_oidc.cli.session import Session
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.output.masking import worthless_part
from hf_oidc.renewal import Lifetime
from hf_oidc.retry import Pace
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest
from tests.action_process import scrubbed
from tests.cli_process import CLI, CliRun, run_cli
from tests.factories import id_token
from tests.leaks import leaks
from tests.processes import everywhere, joined
from tests.scenario.test_cli_streams import full_pipe
from tests.scripted_server import Answer, Recorded, ScriptedServer, scripted_server

REQUEST_TOKEN = "the-token-of-the-job-itself"
STOP = "::stop-commands::x"
# Says what it has been given, until a third token has come, and for no longer than two minutes.
WATCH = """for _ in $(seq 1200); do
    read -r now < "$HF_TOKEN_PATH"
    [ "$now" = "$seen" ] || { echo "$now"; seen=$now count=$((count + 1)); }
    [ "$count" -lt 3 ] || break
    sleep 0.1
done"""


@dataclass
class Hub:
    """A CI that mints, and a Hub whose tokens live for `lifetime` seconds; `down` says whether it is."""

    tmp_path: Path
    lifetime: int = 1
    down: Callable[[Hub], bool] = lambda _hub: False
    refusals: Answer = field(default_factory=lambda: Answer({"error": "down"}, 503))
    granted: list[str] = field(default_factory=list)
    asked: int = 0
    server: ScriptedServer = field(default_factory=lambda: ScriptedServer(""))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def exchange(self, request: Recorded) -> Answer:
        """The answer to an exchange: a token that there was not before."""
        with self.lock:
            self.asked += 1
            if self.down(self):
                return self.refusals
            resource = json.loads(request.body)["resource"].replace("/", "_")
            self.granted.append(f"hf_jwt_{resource}_number_{len(self.granted)}")
            return Answer({"access_token": self.granted[-1], "token_type": "bearer", "expires_in": self.lifetime})

    @property
    def env(self) -> dict[str, str]:
        """A job on GitHub."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.server.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
            "HF_ENDPOINT": self.server.url,
            "XDG_RUNTIME_DIR": str(self.tmp_path / "memory"),
        }

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> CliRun:
        """Run `hf-oidc run --keep-fresh …`; what the command prints may be tokens."""
        return run_cli(
            self.tmp_path,
            "run",
            "--keep-fresh",
            *arguments,
            env=self.env if env is None else env,
            secrets=[REQUEST_TOKEN, *self.granted],
            stdout_may_hold_them=True,
        )

    @property
    def left(self) -> list[Path]:
        """What is in the place for token files."""
        return list((self.tmp_path / "memory").iterdir())


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Such a Hub. Its tokens are renewed within a second, and a busy machine has three more for that."""
    with started(Hub(tmp_path, lifetime=4)) as running:
        yield running


@contextmanager
def started(hub: Hub) -> Iterator[Hub]:
    """Serve it."""
    (hub.tmp_path / "memory").mkdir()

    def mint(request: Recorded) -> Answer:
        return Answer({"value": id_token(request.query["audience"][0])})

    with scripted_server({"/idtoken": mint, "/oauth/token": hub.exchange}) as server:
        hub.server = server
        yield hub


@pytest.fixture(scope="module")
def three_lifetimes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, CliRun]]:
    """A run whose command has said three tokens. It begins as one that stops the runner's commands."""
    with started(Hub(tmp_path_factory.mktemp("three-lifetimes"), lifetime=4)) as running:
        yield running, running.run("acme/model", "--", "sh", "-c", f"echo {STOP}; {WATCH}")


def test_the_token_in_the_file_is_always_a_new_one(three_lifetimes: tuple[Hub, CliRun]) -> None:
    """One after the other, each masked before the command could see it; nothing is left, and nothing said."""
    hub, run = three_lifetimes
    seen = run.stdout.split()[1:]
    assert run.exit_code == 0
    assert len(seen) == 3
    assert seen == hub.granted[:3]
    assert all(any(token.endswith(mask) for mask in run.masks) for token in seen)
    assert hub.left == []
    assert re.findall("^(hf-oidc: [A-Z][a-z ]*)", run.stderr, re.MULTILINE) == ["hf-oidc: Logged in"]


def test_no_token_is_found_afterwards(three_lifetimes: tuple[Hub, CliRun]) -> None:
    """Those of all lifetimes are known by then: not in the log, in no command line, in no file."""
    hub, run = three_lifetimes
    log = {"stderr": run.stderr.encode()}
    assert run.stdout.split() == [STOP, *hub.granted[:3]]  # what the command has said, and nothing else
    disk = {str(path): path.read_bytes() for path in hub.tmp_path.rglob("*") if path.is_file()}
    asked = {"command lines": b"\n".join(hub.server.command_lines)}
    assert len(hub.granted) >= 3
    assert leaks(hub.granted, log | disk | asked) == []


def test_a_mask_begins_a_line_wherever_the_command_is(hub: Hub) -> None:
    """A runner takes it for text elsewhere, and would show the token."""
    run = hub.run("acme/model", "--", "sh", "-c", "for _ in $(seq 16); do printf 'working ' >&2; sleep 0.25; done")
    assert "working" in run.stderr
    assert run.stderr.count("::add-mask::") == len(run.masks) >= 4


def test_what_would_go_before_the_file_is_taken_away(hub: Hub) -> None:
    """huggingface_hub takes HF_OIDC_RESOURCE and HF_TOKEN first; a variable of another name stays."""
    mine = {"HF_TOKEN": "mine", "HUGGING_FACE_HUB_TOKEN": "mine", "HF_OIDC_RESOURCE": "acme/model", "OTHER": "kept"}
    show = 'echo "${HF_TOKEN-none} ${HUGGING_FACE_HUB_TOKEN-none} ${HF_OIDC_RESOURCE-none} $OTHER"'
    run = hub.run("--", "sh", "-c", show, env=hub.env | mine)
    assert (run.exit_code, run.stdout) == (0, "none none none kept\n")


def test_a_first_token_may_be_asked_for(hub: Hub) -> None:
    """For what reads HF_TOKEN alone."""
    run = hub.run("--export-token", "acme/model", "--", "sh", "-c", 'echo "$HF_TOKEN"')
    assert run.stdout.split() == hub.granted


def test_several_have_a_file_each(hub: Hub) -> None:
    """NAME_PATH; a variable of the job's that has the name of one is taken away."""
    show = 'cat "$MODEL_PATH"; echo; cat "$DATA_PATH"; echo; echo "${MODEL-none} ${HF_TOKEN-none}"'
    env = hub.env | {"MODEL": "mine", "HF_TOKEN": "mine"}
    run = hub.run("MODEL=acme/model", "DATA=datasets/acme/data", "--", "sh", "-c", show, env=env)
    model, data, *rest = run.stdout.split()
    assert model.startswith("hf_jwt_acme_model")
    assert data.startswith("hf_jwt_datasets_acme_data")
    assert rest == ["none", "mine"]


@pytest.mark.parametrize("name", ["GITHUB", "NODE", "library", "TOOL"])
def test_a_path_that_is_somebody_elses(hub: Hub, name: str) -> None:
    """NAME_PATH is where programs look for files, or is set in the job: nobody is asked for a token."""
    run = hub.run(f"{name}=acme/model", "--", "true", env=hub.env | {"TOOL_PATH": "/opt/tool"})
    assert (run.exit_code, hub.asked) == (2, 0)
    assert f"`{name}_PATH` would hold the path of the token's file" in run.stderr


def test_half_of_a_token_is_masked(three_lifetimes: tuple[Hub, CliRun]) -> None:
    """The runner may not hear of it: a pipe goes to a file as well, or the command has stopped the runner's commands.

    The mask is shown then, and is of no use to anybody.
    """
    hub, run = three_lifetimes
    for token in hub.granted[:3]:
        assert token not in run.stderr
        assert worthless_part(Secret(token)).reveal() in run.masks


def test_a_machine_without_a_thread_to_spare(tmp_path: Path) -> None:
    """A failure like any other: it is told once, and the token is renewed when it is over."""
    request = TokenRequest("HF_TOKEN", Resource.parse("acme/model"))
    tries = iter(["no thread", "no thread"])

    def log_in(_request: TokenRequest, _seconds: float) -> HubToken:
        if problem := next(tries, None):
            raise RuntimeError(problem)
        return granted("hf_jwt_new")

    job = Job(shutil.which("sleep") or "", ["sleep", "3"], [request], export_token=False, stop_on_expiry=True)
    with signals_as_before():
        assert (
            renew_until_end(job, Child(job.program, job.command, os.environ), tmp_path, log_in, {request: life()}) == 0
        )
    assert (tmp_path / "HF_TOKEN").read_text() == "hf_jwt_new"


def test_the_file_is_its_owners_alone(hub: Hub) -> None:
    """0600 in a folder of 0700."""
    run = hub.run("acme/model", "--", "sh", "-c", 'stat -c %a "$HF_TOKEN_PATH" "$(dirname "$HF_TOKEN_PATH")"')
    assert run.stdout.split() == ["600", "700"]


def test_git_reads_the_file(hub: Hub) -> None:
    """Each time it asks, for that repository."""
    fill = 'printf "protocol=http\\nhost=$HOST\\npath=acme/model\\n\\n" | git credential fill | grep password'
    env = hub.env | {"HOST": hub.server.url.removeprefix("http://")}
    run = hub.run("acme/model", "--", "sh", "-c", f"{fill}; sleep 3; {fill}", env=env)
    first, second = run.stdout.split()
    assert first == f"password={hub.granted[0]}"
    assert second != first


def test_an_outage_is_outlived(tmp_path: Path) -> None:
    """Two words in the log, one when it begins to fail and one when that is over; never a token that has expired."""
    failed: list[float] = []

    def for_longer_than_a_round(hub: Hub) -> bool:
        if hub.asked > 1:
            failed.append(time.monotonic())
        return bool(failed) and failed[-1] < failed[0] + 4

    with started(Hub(tmp_path, lifetime=8, down=for_longer_than_a_round)) as hub:
        run = hub.run("acme/model", "--", "sh", "-c", WATCH)
    assert len(set(run.stdout.split())) >= 3
    assert [line.split(":")[1].strip() for line in run.stderr.splitlines() if "could not" in line] == [
        "The token for acme/model could not be renewed"
    ]
    assert run.stderr.count("is renewed again") == 1


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        ([], 5, "The command goes on"),
        (["--on-expiry", "warn"], 5, "The command goes on"),
        (["--on-expiry", "stop"], 1, "The command is stopped"),
    ],
)
def test_a_token_that_expires_without_another(tmp_path: Path, choice: list[str], code: int, said: str) -> None:
    """It is told once, and the command goes on or is stopped, as was asked for."""
    with started(Hub(tmp_path, lifetime=2, down=lambda hub: hub.asked > 1)) as hub:
        run = hub.run(*choice, "acme/model", "--", "sh", "-c", "sleep 5; exit 5")
    assert run.exit_code == code
    # At the end of a token its time may run out in either call.
    told = re.findall(r"has expired, and no new one was issued: ([a-z-]+)", run.stderr)
    assert told in (["hub-unavailable"], ["id-token-request-failed"])
    assert said in run.stderr
    assert hub.left == []


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """The pipe is full: the token is renewed, and the command is stopped when one expires."""
    reading, writing = full_pipe()
    script = (
        'first=$(cat "$HF_TOKEN_PATH"); while [ "$(cat "$HF_TOKEN_PATH")" = "$first" ]; do sleep 0.1; done; sleep 90'
    )
    options = ["--on-expiry", "stop", "--quiet", "acme/model"]
    with started(Hub(tmp_path, lifetime=4, down=lambda hub: len(hub.granted) > 1)) as hub:
        env = scrubbed() | {"HF_ENDPOINT": hub.server.url, "HF_OIDC_ID_TOKEN": id_token(hub.server.url)}
        command = [*CLI, "run", "--keep-fresh", *options, "--", "sh", "-c", script]
        with subprocess.Popen(
            command, env=env | {"XDG_RUNTIME_DIR": str(tmp_path / "memory")}, stderr=writing
        ) as process:
            os.close(writing)
            try:
                assert process.wait(60) == 1
            finally:
                process.kill()
    os.close(reading)
    assert (len(hub.granted), hub.left) == (2, [])


def test_a_command_that_will_not_be_stopped_is_killed(tmp_path: Path) -> None:
    """It is asked to end first."""
    with started(Hub(tmp_path, down=lambda hub: hub.asked > 1)) as hub:
        began = time.monotonic()
        run = hub.run(
            "--on-expiry", "stop", "acme/model", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.2; done"
        )
    assert run.exit_code == 1
    assert time.monotonic() - began >= 10


def test_a_refusal_is_told_as_one(tmp_path: Path) -> None:
    """Somebody has removed the publisher meanwhile."""
    refused = Answer({"error": "invalid_grant", "error_description": "No trusted publisher configured"}, 400)
    with started(Hub(tmp_path, lifetime=4, down=lambda hub: hub.asked > 1, refusals=refused)) as hub:
        run = hub.run("acme/model", "--", "sleep", "4")
    assert "could not be renewed: exchange-rejected" in run.stderr


def test_one_id_token_for_a_job_sets_an_end(hub: Hub) -> None:
    """It is said at the beginning how long that is, and why."""
    env = {"HF_ENDPOINT": hub.server.url, "GITLAB_CI": "true", "HF_ID_TOKEN": id_token(hub.server.url)}
    run = hub.run("acme/model", "--", "sleep", "4", env=env)
    assert run.exit_code == 0
    assert "This job has one ID token from GitLab CI/CD, which expires at 20" in run.stderr
    assert "If no renewal fails, the token in the file is valid until 20" in run.stderr
    assert len(hub.granted) >= 3  # renewed with the one that there is


def test_an_id_token_from_a_pipe_is_taken_once(hub: Hub) -> None:
    """It is there, and not a second time: it is the job's only one, and it does not wait for another."""
    script = f'exec {shlex.join(CLI)} run --keep-fresh --id-token-file <(cat "$FILE") acme/model -- true'
    file = hub.tmp_path / "id-token"
    file.write_text(id_token(hub.server.url))
    env = scrubbed() | {"HF_ENDPOINT": hub.server.url, "FILE": str(file), "HOME": str(hub.tmp_path)}
    run = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert "The ID token that you supplied expires at 20" in run.stderr


def test_an_id_token_that_never_ends(hub: Hub) -> None:
    """Nothing is said of its end."""
    token = id_token(hub.server.url, exp=253_402_300_000)
    run = hub.run("acme/model", "--", "true", env={"HF_ENDPOINT": hub.server.url, "HF_OIDC_ID_TOKEN": token})
    assert run.exit_code == 0
    assert "until 9999" not in run.stderr


def test_what_asks_for_id_tokens_may_expire_too(hub: Hub) -> None:
    """GitHub's own token for that is a JWT of some hours."""
    env = hub.env | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": id_token(None, exp=1_900_000_000)}
    run = hub.run("acme/model", "--", "true", env=env)
    assert "This job may request ID tokens from GitHub Actions until 2030-03-17T17:46:40Z" in run.stderr
    assert "the token in the file is valid until 2030-03-17T17:46:43Z" in run.stderr


def test_a_file_of_an_id_token_is_read_anew(hub: Hub) -> None:
    """Whoever has put it there renews it."""
    file = hub.tmp_path / "id-token"
    file.write_text(id_token(hub.server.url, jti="first"))
    script = f"sleep 0.6; cp {file}.new {file}; sleep 3"
    Path(f"{file}.new").write_text(id_token(hub.server.url, jti="second"))
    env = {"HF_ENDPOINT": hub.server.url, "HF_OIDC_ID_TOKEN_FILE": str(file)}
    run = hub.run("acme/model", "--", "sh", "-c", script, env=env)
    bodies = [request.body for request in hub.server.requests if request.path == "/oauth/token"]
    assert run.exit_code == 0
    assert len({json.loads(body)["subject_token"] for body in bodies}) == 2
    assert "ID token" not in run.stderr


@pytest.mark.parametrize("script", ["exit 7", "kill -KILL $$", "kill -TERM $$"])
def test_the_exit_code_is_the_commands(hub: Hub, script: str) -> None:
    """As a shell would have it."""
    expected = subprocess.run(["sh", "-c", f"sh -c '{script}'; exit $?"], check=False, stderr=subprocess.DEVNULL)
    assert hub.run("acme/model", "--", "sh", "-c", script).exit_code == expected.returncode
    assert hub.left == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_file_is_left_after_a_signal(hub: Hub, number: signal.Signals) -> None:
    """It is the command's to end, and then the file is gone."""
    with waiting(hub, "sleep 1000 & trap 'exit 3' TERM INT HUP; echo ready; wait") as process:
        assert len(hub.left) == 1
        process.send_signal(number)
        assert process.wait(30) == 3
    assert hub.left == []


def test_a_signal_before_there_is_a_command(tmp_path: Path) -> None:
    """It ends the login; the command does not run."""
    reached = threading.Event()

    def hanging(_hub: Hub) -> bool:
        reached.set()
        time.sleep(1)
        return True

    with started(Hub(tmp_path, down=hanging)) as hub:
        command = [*CLI, "run", "--keep-fresh", "acme/model", "--", "touch", str(tmp_path / "ran")]
        with subprocess.Popen(command, env=scrubbed() | hub.env, stderr=subprocess.PIPE) as process:
            assert reached.wait(30)
            process.terminate()
            assert process.wait(30) == 143
    assert (hub.left, (tmp_path / "ran").exists()) == ([], False)


def test_a_hangup_that_is_ignored_stays_so(hub: Hub) -> None:
    """As nohup has it."""
    script = f"trap '' HUP; exec {shlex.join(CLI)} run --keep-fresh acme/model -- sh -c 'kill -HUP $PPID $$; exit 6'"
    done = subprocess.run(["sh", "-c", script], env=scrubbed() | hub.env, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 6, done.stderr


def test_what_a_killed_run_leaves(hub: Hub) -> None:
    """No command; a file that nobody else can read, whose token expires."""
    seconds = f"1000.{uuid.uuid4().int}"  # an argument that no other process of this machine has
    with waiting(hub, f"echo ready; exec sleep {seconds}") as process:
        process.kill()
        process.wait(30)
    (folder,) = hub.left
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "HF_TOKEN")] == [0o700, 0o600]
    end = time.monotonic() + 30
    while seconds.encode() in joined(everywhere()) and time.monotonic() < end:
        time.sleep(0.05)
    assert seconds.encode() not in joined(everywhere())


@contextmanager
def waiting(hub: Hub, script: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose command has said that it is ready."""
    command = [*CLI, "run", "--keep-fresh", "acme/model", "--", "sh", "-c", script]
    with subprocess.Popen(
        command,
        env=scrubbed() | hub.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--keep-fresh", "acme/model", "--", "no-such-command"], 127, "command not found"),
        (["--export-token", "acme/model", "--", "true"], 2, "need --keep-fresh"),
        (["--on-expiry", "stop", "acme/model", "--", "true"], 2, "need --keep-fresh"),
        (["--keep-fresh", "--on-expiry", "pray", "acme/model", "--", "true"], 2, "on-expiry"),
    ],
)
def test_arguments_that_are_wrong(hub: Hub, arguments: list[str], code: int, said: str) -> None:
    """Nobody is asked for a token."""
    run = run_cli(hub.tmp_path, "run", *arguments, env=hub.env, secrets=[REQUEST_TOKEN])
    assert (run.exit_code, hub.asked) == (code, 0)
    assert said in run.stderr


def test_a_script_without_its_interpreter(hub: Hub) -> None:
    """What the system says of it; the file is gone."""
    script = hub.tmp_path / "script"
    script.write_text("#!/nowhere/sh\n")
    script.chmod(0o755)
    run = hub.run("acme/model", "--", str(script))
    assert (run.exit_code, hub.left) == (126, [])
    assert "cannot be run: No such file or directory" in run.stderr


def test_git_may_be_told_for_an_hour(hub: Hub) -> None:
    """`run --git`: the command's git reads the variable."""
    fill = 'printf "protocol=http\\nhost=$HOST\\npath=acme/model\\n\\n" | git credential fill | grep password'
    run = run_cli(
        hub.tmp_path,
        *("run", "--git", "acme/model", "--", "sh", "-c", fill),
        env=hub.env | {"HOST": hub.server.url.removeprefix("http://")},
        secrets=[],
        stdout_may_hold_them=True,
    )
    assert run.stdout == f"password={hub.granted[0]}\n"


REQUEST = TokenRequest("HF_TOKEN", Resource.parse("acme/model"))


@pytest.fixture
def job() -> Iterator[Job]:
    """A command of a second, waited for in this process, whose signals are put back."""
    with signals_as_before():
        yield Job(shutil.which("sleep") or "", ["sleep", "1"], [REQUEST], export_token=False, stop_on_expiry=False)


@contextmanager
def signals_as_before() -> Iterator[None]:
    """This process's signals are put back."""
    before = {number: signal.getsignal(number) for number in PASSED_ON}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def life() -> Lifetime:
    """A second from now."""
    return Lifetime(time.monotonic() + 1, 1)


def granted(text: str) -> HubToken:
    """A token for a second."""
    return HubToken(Secret(text), REQUEST.resource, 1, datetime.now(timezone.utc))


def test_a_token_that_comes_too_late_is_not_written(tmp_path: Path, job: Job) -> None:
    """The command has ended meanwhile, and its folder goes."""
    ended = threading.Event()
    threads = set(threading.enumerate())

    def late(_request: TokenRequest, _seconds: float) -> HubToken:
        ended.wait(30)
        return granted("hf_jwt_late")

    assert renew_until_end(job, Child(job.program, job.command, os.environ), tmp_path, late, {REQUEST: life()}) == 0
    ended.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_does_not_end_the_command(tmp_path: Path, job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    """It is told that there is one, and where."""

    def buggy(_request: TokenRequest, _seconds: float) -> HubToken:
        raise ZeroDivisionError("hf_jwt_secret")

    assert renew_until_end(job, Child(job.program, job.command, os.environ), tmp_path, buggy, {REQUEST: life()}) == 0
    said = capfd.readouterr().err
    bug = "could not be renewed: an unexpected error, ZeroDivisionError in tests.scenario.test_run_keep_fresh, line "
    assert (said.count(bug), said.count("Please report it")) == (1, 1)
    assert "hub-unavailable" not in said
    assert "hf_jwt_secret" not in said


def test_a_bug_in_writing_does_not_end_the_renewals(
    tmp_path: Path, job: Job, capfd: pytest.CaptureFixture[str]
) -> None:
    """What puts the token into its file may have one as well; a token that is no text cannot be written."""
    tries = iter([Secret("hf_jwt_\udc00_secret")])

    def log_in(_request: TokenRequest, _seconds: float) -> HubToken:
        return HubToken(next(tries, Secret("hf_jwt_new")), REQUEST.resource, 1, datetime.now(timezone.utc))

    assert renew_until_end(job, Child(job.program, job.command, os.environ), tmp_path, log_in, {REQUEST: life()}) == 0
    assert (tmp_path / "HF_TOKEN").read_text() == "hf_jwt_new"
    said = capfd.readouterr().err
    assert "an unexpected error, UnicodeEncodeError in " in said
    assert "is renewed again" in said
    assert "secret" not in said


def test_certificates_are_read_once(tmp_path: Path) -> None:
    """Before the first login: a file that is gone afterwards, or a pipe, does for the renewals as well."""
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(bundle)

    def once(_hub: Hub) -> bool:
        bundle.unlink(missing_ok=True)
        return False

    with started(Hub(tmp_path, down=once)) as hub:
        run = hub.run("--ca-bundle", str(bundle), "acme/model", "--", "sh", "-c", WATCH)
    assert (run.exit_code, len(run.stdout.split())) == (0, 3), run.stderr


def test_what_a_server_asked_for_is_known_afterwards(tmp_path: Path) -> None:
    """The first login and the renewals are in one world: a server that asked one to wait is left alone by all."""
    with started(Hub(tmp_path, down=lambda hub: hub.asked == 1)) as hub:
        hub.refusals = Answer({"error": "slow down"}, 429, {"Retry-After": "1"})
        given = {"provider": "", "hub_url": hub.server.url, "audience": "", "id_token_file": "", "ca_bundle": ""}
        settings = Settings.read({**given, "timeout": "60", "quiet": True}, {})
        env = {"HF_OIDC_ID_TOKEN": id_token(hub.server.url)}
        session = Session.open(settings, env)._replace(pace=Pace(lambda: 0.0))
        ((_, token),) = session.log_in([REQUEST])
    assert token.secret.reveal() == hub.granted[0]
    assert session.pace.wait(0.0) == 1.0
