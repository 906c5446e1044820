"""The command line as a process: start, stop, TLS, persistence, and mistakes."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from local_hub import cli
from local_hub.config import load
from tests import in_process
from tests.clients import token_for, trust
from tests.local_hub_process import LocalHub, local_hub, local_hub_here

pytestmark = pytest.mark.process

CONFIG = """
publishers:
  - resource: acme/awesome-model
    issuer: github
    claims: {repository: acme/awesome-model-training, branch: main, workflow: publish.yml}
  - {resource: acme, issuer: "https://issuer.example", claims: {sub: x}, scopes: [inference-api]}
resources: [acme/unpublished, {resource: acme/gated-model, gated: true, readers: [bob]}]
accounts: {locked: [mallory]}
jobs:
  publish: {repository: acme/awesome-model-training, ref: refs/heads/main}
"""
JOB = {"repository": "acme/awesome-model-training"}
EARLY = {
    "/api/models/acme/m/commit/main": "application/x-ndjson",
    "/acme/m.git/git-receive-pack": "application/x-git-receive-pack-request",
    "/oauth/token": "application/json",
}


def refused(*arguments: str) -> str:
    """Call the command line with arguments that are wrong; give the last line of what it says."""
    return last_line(in_process.call(lambda: cli.main(["serve", *arguments]), os.environ.copy(), Path.cwd()))


def refused_by_a_process(*arguments: str) -> str:
    """Start it with arguments that are wrong; give the last line of what it says."""
    command = [sys.executable, "-m", "local_hub.cli", "serve", *arguments]
    return last_line(subprocess.run(command, capture_output=True, timeout=30, check=False))


def last_line(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The last line of a refusal, which has exit code 2 and nothing on standard output."""
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


@pytest.mark.parametrize(("number", "host"), [(signal.SIGTERM, "127.0.0.1"), (signal.SIGINT, "localhost")])
def test_a_signal_stops_it_cleanly(number: int, host: str) -> None:
    """Exit code 0, and the temporary directory is gone."""
    with local_hub("--tls", "--host", host) as hub:
        assert hub.ca is not None
        assert hub.hub.startswith(f"https://{host}:")
        hub.process.send_signal(number)
        assert hub.process.wait(10) == 0
    assert not Path(hub.ca).parent.exists()


def test_https_verifies_with_its_own_authority() -> None:
    """The published CA is enough, also for its own fetch; without it there is no connection."""
    with local_hub("--tls", "--audience", "https://huggingface.co") as hub:
        wire = {"repository": {"kind": "eq", "value": "o/r"}}
        hub.post("/local-hub/publishers", {"resource": "acme/m", "issuerUrl": hub.issuer, "claims": wire})
        assert hub.exchange(hub.id_token("https://huggingface.co", repository="o/r"), "acme/m").status_code == 200
        assert hub.hub.startswith("https://127.0.0.1:")
        with pytest.raises(httpx.ConnectError):
            httpx.get(hub.hub, trust_env=False)


def test_a_fault_of_tls_is_served() -> None:
    """As the option names it; tests/unit/local_hub/test_faults.py has all of them."""
    with local_hub("--tls-fault", "expired") as hub, pytest.raises(httpx.ConnectError, match="certificate has expired"):
        hub.get("/local-hub/audit")


def has_ipv6() -> bool:
    """Whether this machine has the address ::1; a machine without IPv6 cannot be asked about it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


LOOPBACK = [("localhost", "http://localhost:"), *([("::1", "http://[::1]:")] if has_ipv6() else [])]


@pytest.mark.parametrize(("host", "url"), LOOPBACK)
def test_any_loopback_host_will_do(host: str, url: str) -> None:
    """The URL names the host as it was given."""
    with local_hub_here(host=host) as hub:
        assert hub.hub.startswith(url)
        assert hub.get("/local-hub/audit") == []


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has all of 127.0.0.0/8")
def test_it_listens_on_loopback_only() -> None:
    """Who listens on every address of a machine answers at 127.0.0.2, too."""
    with local_hub_here() as hub:
        port = int(hub.hub.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), 10).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 10)
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        socket.create_connection(("127.0.0.2", everywhere.getsockname()[1]), 10).close()


def test_a_configuration_is_served(tmp_path: Path) -> None:
    """Publishers, resources, locks and jobs are there from the start."""
    path = tmp_path / "hub.yaml"
    path.write_text(CONFIG)
    with local_hub_here(config=load(path)) as hub:
        assert hub.jobs["publish"]["GITHUB_REPOSITORY"] == JOB["repository"]
        assert hub.exchange(hub.id_token(**JOB), "acme/awesome-model").status_code == 200
        hub.exchange(hub.id_token(**JOB), "acme/unpublished")
        hub.exchange(hub.id_token(**JOB), "mallory/m")
        reasons = [entry["reason"] for entry in hub.get("/local-hub/exchanges")]
        assert reasons == ["the account mallory is locked", "publishers: acme/unpublished has none", None]


def test_a_token_lives_as_long_as_it_was_told() -> None:
    """`--token-lifetime` is in the answer, and it is kept."""
    with local_hub_here(token_lifetime=1) as hub:
        wire = {"repository": {"kind": "eq", "value": "o/r"}}
        hub.post("/local-hub/publishers", {"resource": "acme/m", "issuerUrl": hub.issuer, "claims": wire})
        body = hub.exchange(hub.id_token(repository="o/r"), "acme/m").json()
        time.sleep(1.1)
        answer = hub.request(
            "GET", "/local-hub/introspect", headers={"Authorization": "Bearer " + body["access_token"]}
        )
        assert (body["expires_in"], answer.status_code) == (1, 401)


def test_data_outlive_a_restart(tmp_path: Path) -> None:
    """On the same port, publishers match and tokens are known; the configuration is not added twice."""
    path, data = tmp_path / "hub.yaml", tmp_path / "data"
    path.write_text(CONFIG)
    with local_hub("--data", str(data), "--config", str(path)) as hub:
        assert hub.jobs["publish"]["GITHUB_REPOSITORY"] == JOB["repository"]
        token = hub.exchange(hub.id_token(**JOB), "acme/awesome-model").json()["access_token"]
        port = hub.hub.rpartition(":")[2]
    with local_hub("--data", str(data), "--config", str(path), "--port", port) as hub:
        assert len(hub.get("/local-hub/publishers")) == 2
        assert hub.get("/local-hub/introspect", headers={"Authorization": "Bearer " + token})["active"] is True
        assert hub.exchange(hub.id_token(**JOB), "acme/awesome-model").status_code == 200
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--host", "0.0.0.0"], "--host"),
        (["--host", "example.org"], "--host"),
        (["--port", "70000"], "--port"),
        (["--port", "x"], "--port"),
        (["--token-lifetime", "0"], "--token-lifetime"),
        (["--audience", "http://example.org"], "--audience"),
        (["--config", "/nowhere/hub.yaml"], "/nowhere/hub.yaml"),
        (["--data", "/dev/null/x"], "--data"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: list[str], named: str) -> None:
    """Exit code 2, and one line that names the argument."""
    assert named in refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--host", "0.0.0.0"], "--host"), (["--config", "/nowhere/hub.yaml"], "/nowhere/hub.yaml")],
)
def test_a_mistake_ends_the_process(arguments: list[str], named: str) -> None:
    """With exit code 2 too, whether the parser of the arguments finds it or the one of the configuration."""
    assert named in refused_by_a_process(*arguments)


@pytest.mark.parametrize(("said", "named"), [(None, "not on the PATH"), ("git version 2.30.2", "2.31 or newer")])
def test_without_a_git_that_will_do_it_says_so(tmp_path: Path, said: str | None, named: str) -> None:
    """Exit code 2, and one line that says what is needed."""
    if said:
        (tmp_path / "git").write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / "git").chmod(0o755)
    command = [sys.executable, "-m", "local_hub.cli", "serve"]
    run = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("local-hub: git ")
    assert named in run.stderr


def test_two_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second names the folder and leaves; it has changed nothing of the first's, although it was told to."""
    data, config = ("--data", str(tmp_path / "data"), "--tls"), tmp_path / "hub.yaml"
    config.write_text(CONFIG)
    with local_hub(*data) as hub:
        assert hub.ca
        hub.post("/local-hub/resources", {"resource": "acme/unpublished", "private": True})
        logs = ("resources", "publishers", "audit")
        before = Path(hub.ca).read_bytes(), [hub.get(f"/local-hub/{log}") for log in logs]
        assert "another Local Hub uses it" in refused_by_a_process(*data, "--config", str(config))
        assert (Path(hub.ca).read_bytes(), [hub.get(f"/local-hub/{log}") for log in logs]) == before


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """It is named, and left alone."""
    (tmp_path / "local-hub.sqlite3").write_text("this is no database, and long enough to be sure of it" * 10)
    assert "--data" in refused("--data", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]\nx", "not YAML"),
        ("- a", "configuration"),
        ("publisher: []", "publisher;"),
        ("publishers: {}", "publishers: must be a list"),
        ("publishers: [{issuer: github, claims: {a: b}}]", "publishers[0].resource"),
        ("publishers: [{resource: models/a/b, issuer: github, claims: {a: b}}]", "publishers[0].resource"),
        ("publishers: [{resource: a/b, claims: {a: b}}]", "publishers[0].issuer"),
        ("publishers: [{resource: a/b, issuer: travis, claims: {a: b}}]", "publishers[0]: issuer URL"),
        ("publishers: [{resource: a/b, issuer: github}]", "publishers[0]: claims"),
        ("publishers: [{resource: a/b, issuer: github, claims: {branch: 1.10}}]", "publishers[0].claims.branch"),
        ("publishers: [{resource: a/b, issuer: github, claims: {a: b}, readonly: true}]", "readonly"),
        ("publishers: [{resource: a/b, issuer: github, claims: {a: b}, read-only: 1}]", "publishers[0].read-only"),
        ("resources: [a/b/c]", "resources[0]"),
        ("resources: [{resource: a/b, private: maybe}]", "resources[0].private"),
        ("resources: [{resource: a/b, gate: true}]", "gate"),
        ("resources: [{resource: a/b, readers: [a/c]}]", "resources[0].readers"),
        ("resources: [{resource: a, gated: true}]", "resources[0]: a user"),
        ("accounts: {locked: mallory}", "locked"),
        ("jobs: {publish: {ref: x}}", "jobs.publish.repository"),
        ("jobs: {publish: {repository: o/r, reff: x}}", "reff"),
        ("a: \x00", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    """One line that names the file and the field."""
    path = tmp_path / "hub.yaml"
    path.write_text(text)
    line = refused("--config", str(path))
    assert line.startswith(f"local-hub: {path}")
    assert named in line


def test_the_demo_goes_as_it_should(tmp_path: Path) -> None:
    """It ends with 0, shows the true reason, hides the token, and leaves nothing."""
    with demo(tmp_path) as process:
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert "branch: expected main, token has refs/tags/v1" in output
    assert "hf_jwt_" not in output
    assert "\033" not in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_demo_cleans_up(tmp_path: Path, number: int) -> None:
    """It ends with 1, its Local Hub is stopped, and nothing is left."""
    with demo(tmp_path) as process:
        assert process.stdout is not None
        url = next(line.rpartition(" ")[2].strip() for line in process.stdout if "http://" in line)
        process.send_signal(number)
        process.communicate(timeout=240)
    assert process.returncode == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    assert list(tmp_path.iterdir()) == []


def demo(directory: Path) -> "subprocess.Popen[str]":
    """Start the demo, with its temporary files in this directory."""
    return subprocess.Popen(
        [sys.executable, "-m", "local_hub.cli", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(directory)},
    )


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """`ca.pem` in the data folder is replaced, whatever lies there."""
    (tmp_path / "data").mkdir()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "data" / "ca.pem").symlink_to(tmp_path / "victim")
    with local_hub_here(tls=True, data=tmp_path / "data") as hub:
        assert hub.ca
        assert "BEGIN CERTIFICATE" in Path(hub.ca).read_text()
    assert (tmp_path / "victim").read_text() == "mine"


def test_who_leaves_early_leaves_no_traceback() -> None:
    """Of a commit, a push or an exchange whose caller is gone before the body has come, stderr says nothing."""
    command = [sys.executable, "-m", "local_hub.cli", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        hub = LocalHub(said["hub"], said["issuer"], None, {}, process)
        trust(hub, "acme/m")
        place, token = urlsplit(hub.hub), token_for(hub, "acme/m")
        for path, type_ in EARLY.items():
            with socket.create_connection((str(place.hostname), place.port or 0)) as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
                connection.sendall(f"{head}Content-Type: {type_}\r\nContent-Length: 1000\r\n\r\n00".encode())
            hub.get("/local-hub/audit")
        process.terminate()
        assert process.communicate(timeout=240)[1] == ""
