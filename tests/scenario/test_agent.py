"""`hf-oidc agent`: token files that are kept fresh for programs that it does not start.

Processes: files, signals and exit codes are the subject. What the renewals of `run --keep-fresh` share with it is in
test_run_keep_fresh.py.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hf_oidc.cli.agent import ReadyFile
from hf_oidc.hub.resource import Resource
from hf_oidc.token_request import TokenRequest
from tests.action_process import MASK_LINE, scrubbed
from tests.cli_process import CLI, run_cli
from tests.factories import id_token
from tests.leaks import leaks
from tests.processes import command_lines
from tests.scenario.test_cli_streams import full_pipe
from tests.scenario.test_run_keep_fresh import REQUEST_TOKEN, Hub, started
from tests.scripted_server import Answer

SECONDS = 120  # for what a busy machine does late


def until(condition: Callable[[], object]) -> None:
    """Waits until the condition is true, and fails after `SECONDS`."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


@dataclass
class Agent:
    """A running agent. `log`: what it has said so far."""

    process: subprocess.Popen[str]
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """What is in the file; empty if it does not exist."""
        try:
            return (self.folder / "token").read_text()
        except FileNotFoundError:
            return ""

    @property
    def log(self) -> str:
        """What it has said so far, without the masks."""
        return MASK_LINE.sub(b"", "".join(self.said).encode()).decode()

    @property
    def left(self) -> list[str]:
        """What is in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A Hub with tokens that are valid for four seconds."""
    with started(Hub(tmp_path, lifetime=4)) as running:
        yield running


@contextmanager
def agent(
    hub: Hub,
    *arguments: str,
    files: Sequence[str] = ("--token-file", "{}/token", "--ready-file", "{}/ready"),
    ready: bool = True,
    start: Sequence[str] = (),
) -> Iterator[Agent]:
    """An agent for acme/model, with its files in a new folder. `ready`: waits for the ready file."""
    folder = hub.tmp_path / "files"
    folder.mkdir(exist_ok=True)
    command = [*start, *CLI, "agent", *(arguments or ("acme/model",)), *(each.format(folder) for each in files)]
    world = scrubbed(measured=True) | hub.env | {"HOME": str(hub.tmp_path)}
    with subprocess.Popen(
        command, env=world, stderr=subprocess.PIPE, text=True, cwd=hub.tmp_path / "memory"
    ) as process:
        running = Agent(process, folder)
        assert process.stderr is not None
        reader = threading.Thread(target=running.said.extend, args=[process.stderr])
        reader.start()
        try:
            if ready:
                until(lambda: (folder / "ready").exists() or process.poll() is not None)
            yield running
        finally:
            process.kill()
            reader.join()
    assert leaks([REQUEST_TOKEN, *hub.granted], {"log": running.log.encode()}) == []
    assert "Traceback" not in running.log


def test_the_token_is_there_when_it_is_ready(hub: Hub) -> None:
    """The first one, in a file that its owner alone can read."""
    with agent(hub) as running:
        assert running.token == hub.granted[0]
        assert [(running.folder / name).stat().st_mode & 0o777 for name in running.left] == [0o600, 0o600]
        assert running.left == ["ready", "token"]


def test_it_is_renewed_for_as_long_as_the_agent_runs(hub: Hub) -> None:
    """The file has one token after the other, each masked before. The log has no other line about it."""
    with agent(hub) as running:
        seen = {running.token}

        def enough() -> bool:
            seen.add(running.token)
            return len(seen) >= 4

        until(enough)
        assert seen <= set(hub.granted)

        def masked() -> bool:
            masks = [mask.decode() for mask in MASK_LINE.findall("".join(running.said).encode())]
            return all(any(token.endswith(mask) for mask in masks) for token in seen)

        until(masked)  # what is read from the pipe may come later than the file
        assert running.end() == 0
    assert re.findall("^hf-oidc: [A-Z][a-z]+", running.log, re.MULTILINE) == ["hf-oidc: Logged", "hf-oidc: Ready"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it_and_its_files(hub: Hub, number: signal.Signals) -> None:
    """That is how it is meant to end."""
    with agent(hub) as running:
        assert running.end(number) == 0
        assert running.left == []


def test_signals_that_are_ignored_stay_so(hub: Hub) -> None:
    """A shell ignores SIGINT for what it starts with `&`, and nohup SIGHUP."""
    with agent(hub, start=["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]) as running:
        for number in (signal.SIGINT, signal.SIGHUP):
            running.process.send_signal(number)
        before = running.token
        until(lambda: running.token != before)
        assert running.end() == 0


def test_a_signal_before_the_token(tmp_path: Path) -> None:
    """It ends the login, and no file was written."""
    reached = threading.Event()

    def hanging(_hub: Hub) -> bool:
        reached.set()
        time.sleep(1)
        return True

    with started(Hub(tmp_path, down=hanging)) as hub, agent(hub, ready=False) as running:
        assert reached.wait(SECONDS)
        assert (running.end(), running.left) == (143, [])


def test_a_killed_agent_leaves_a_file_that_the_next_replaces(hub: Hub) -> None:
    """Only its owner can read it. The old ready file is gone before the next token is requested."""
    with agent(hub) as running:
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
        old = running.token
        assert (running.folder / "token").stat().st_mode & 0o777 == 0o600
        assert running.left == ["ready", "token"]
    seen: list[list[str]] = []

    def look(_hub: Hub) -> bool:
        seen.append(running.left)
        return False

    hub.down = look
    with agent(hub) as following:
        until(lambda: following.token not in (old, "") and "ready" in following.left)
        assert seen[0] == ["token"]
        assert following.end() == 0
        assert following.left == []


def test_a_login_that_fails_at_the_start(tmp_path: Path) -> None:
    """The exit code is 1, and no file was written."""
    refused = Answer({"error": "invalid_grant", "error_description": "No trusted publisher configured"}, 400)
    with started(Hub(tmp_path, down=lambda _hub: True, refusals=refused)) as hub, agent(hub, ready=False) as running:
        assert running.process.wait(SECONDS) == 1
        assert running.left == []
    assert "exchange-rejected" in running.log


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """The old token stays, and no part of a new one. It is reported once, and once when there is room again."""
    with started(Hub(tmp_path, lifetime=12)) as hub, agent(hub) as running:
        limit = resource.RLIMIT_FSIZE
        before = resource.prlimit(running.process.pid, limit, (0, resource.RLIM_INFINITY))
        tried = hub.asked
        until(lambda: hub.asked >= tried + 3)
        assert (running.token, running.left) == (hub.granted[0], ["ready", "token"])
        resource.prlimit(running.process.pid, limit, before)
        until(lambda: "is renewed again" in running.log)
        assert running.token == hub.granted[-1]
        assert running.end() == 0
    problem = (
        f"delivery-failed. `--token-file`: {running.folder}/token cannot be written: File too large. It is valid for "
    )
    assert (running.log.count("could not be renewed"), running.log.count(problem)) == (1, 1)


def test_a_folder_that_goes_and_comes_back(hub: Hub) -> None:
    """The agent goes on, and writes the file again."""
    with agent(hub) as running:
        running.folder.rename(running.folder.with_name("away"))
        until(lambda: "cannot be written: No such file or directory" in running.log)
        running.folder.mkdir()
        until(lambda: running.token)
        assert running.token in hub.granted
        assert running.end() == 0
        assert running.left == []


def test_a_folder_that_stays_away(hub: Hub) -> None:
    """There is nothing to remove at the end."""
    with agent(hub) as running:
        running.folder.rename(running.folder.with_name("away"))
        assert running.end() == 0
        running.folder.mkdir()


def test_a_link_in_the_place_of_the_file(hub: Hub) -> None:
    """At the start it is refused before a token is requested."""
    (hub.tmp_path / "files").mkdir()
    (hub.tmp_path / "files/token").symlink_to(hub.tmp_path / "elsewhere")
    with agent(hub, ready=False) as running:
        assert running.process.wait(SECONDS) == 1
    assert "is a symbolic link, and a token is not written through one" in running.log
    assert (hub.asked, (hub.tmp_path / "elsewhere").exists()) == (0, False)


def test_a_link_that_takes_the_place_of_the_file(hub: Hub) -> None:
    """Nothing is written through it or removed, and the exit code says that it was not."""
    kept = hub.tmp_path / "kept"
    kept.write_text("theirs")
    with agent(hub) as running:
        (running.folder / "link").symlink_to(kept)
        (running.folder / "link").replace(running.folder / "token")
        until(lambda: "could not be renewed: delivery-failed" in running.log)
        assert running.end() == 1
        assert running.left == ["token"]
    assert kept.read_text() == "theirs"
    assert "is a symbolic link" in running.log


def test_a_link_of_the_checkout(hub: Hub) -> None:
    """A relative path is not followed through one."""
    (hub.tmp_path / "files").mkdir()
    (hub.tmp_path / "memory/link").symlink_to(hub.tmp_path / "files")
    with agent(hub, files=["--token-file", "link/token"], ready=False) as running:
        assert running.process.wait(SECONDS) == 1
    assert "leads through link, a symbolic link" in running.log
    assert (hub.asked, running.left) == (0, [])


@pytest.mark.parametrize(("mode", "code"), [(0o777, 1), (0o770, 1), (0o1777, 0), (0o755, 0)])
def test_a_folder_where_others_could_replace_the_file(hub: Hub, mode: int, code: int) -> None:
    """It is refused, unless the sticky bit keeps them from it."""
    (hub.tmp_path / "files").mkdir()
    (hub.tmp_path / "files").chmod(mode)
    with agent(hub) as running:
        assert running.end() == code
    assert ("is in a folder where other users can replace it" in running.log) == bool(code)


def test_a_file_in_the_working_directory(hub: Hub) -> None:
    """It is written, with a warning: a job may publish its checkout."""
    with agent(hub, files=["--token-file", "token", "--ready-file", "{}/ready"]) as running:
        assert (hub.tmp_path / "memory/token").read_text() in hub.granted
        export = f"export HF_TOKEN_PATH={hub.tmp_path}/memory/token"
        assert export in (running.folder / "ready").read_text()
        assert running.end() == 0
    assert "Warning: `--token-file`: token is in the working directory. Do not publish it." in running.log


@pytest.mark.parametrize(("choice", "goes_on"), [([], True), (["--on-expiry", "stop"], False)])
def test_a_token_that_expires_without_another(tmp_path: Path, choice: list[str], goes_on: bool) -> None:
    """The agent goes on until there is one, or ends and removes its files."""
    with started(Hub(tmp_path, lifetime=2)) as hub, agent(hub, "acme/model", *choice) as running:
        hub.down = lambda _hub: True
        until(lambda: "has expired, and no new one was issued" in running.log)
        if goes_on:
            until(lambda: running.left == ["token"])  # not ready any more
            assert running.token == hub.granted[-1]
            hub.down = lambda _hub: False
            until(lambda: "is renewed again" in running.log)
            assert running.token == hub.granted[-1]
            assert running.left == ["ready", "token"]
            assert running.end() == 0
        else:
            assert running.process.wait(SECONDS) == 1
        assert running.left == []
    assert ("Trying again" in running.log, "The agent stops" in running.log) == (goes_on, not goes_on)


def test_the_ready_file_is_for_shells(hub: Hub) -> None:
    """It lets git and huggingface_hub find the current token. It does not contain a token."""
    fill = 'printf "protocol=http\\nhost=$HOST\\npath=acme/model\\n\\n" | git credential fill | grep password'
    shown = f'cat "$HF_TOKEN_PATH"; echo; {fill}; echo "${{HF_TOKEN-none}} ${{HF_OIDC_RESOURCE-none}}"'
    host = hub.server.url.removeprefix("http://")
    env = scrubbed() | {"HF_TOKEN": "mine", "HF_OIDC_RESOURCE": "acme/model", "HOST": host, "HOME": str(hub.tmp_path)}
    with agent(hub) as running:
        first = running.token
        until(lambda: running.token != first)
        script = f". {running.folder}/ready; {shown}"
        done = subprocess.run(["sh", "-euc", script], env=env, capture_output=True, text=True, check=True)
        assert leaks(hub.granted, {"ready": (running.folder / "ready").read_bytes()}) == []
    plain, password, hidden = done.stdout.splitlines()
    assert plain in hub.granted[1:]
    assert password.removeprefix("password=") in hub.granted[1:]
    assert hidden == "none none"


def test_several_have_a_file_each(hub: Hub) -> None:
    """By their names, in any order, at paths with spaces and quotes too."""
    files = ["--token-file", "DATA={}/the 'data'", "--token-file", "MODEL={}/token", "--ready-file", "{}/ready"]
    show = 'cat "$MODEL_PATH"; echo; cat "$DATA_PATH"; echo; echo "${HF_TOKEN-none}"'
    with agent(hub, "MODEL=acme/model", "DATA=datasets/acme/data", files=files) as running:
        script = f". {running.folder}/ready; {show}"
        env = scrubbed() | {"HF_TOKEN": "mine"}
        done = subprocess.run(["sh", "-euc", script], env=env, capture_output=True, text=True, check=True)
        model, data, mine = done.stdout.splitlines()
        assert (model[:17], data[:25], mine) == ("hf_jwt_acme_model", "hf_jwt_datasets_acme_data", "mine")
        assert running.end() == 0
        assert running.left == []


def test_without_a_ready_file_it_says_what_to_write(hub: Hub) -> None:
    """For huggingface_hub, and where git's lines are."""
    with agent(hub, files=["--token-file", "{}/token"], ready=False) as running:
        until(lambda: "export" in running.log)
        assert "Programs that use the tokens need these lines. For git, use --ready-file.\n" in running.log
        assert "\n  unset HF_OIDC_RESOURCE HF_TOKEN HUGGING_FACE_HUB_TOKEN\n" in running.log
        assert f"\n  export HF_TOKEN_PATH={running.folder}/token\n" in running.log


def test_no_token_is_anywhere_else(hub: Hub) -> None:
    """Not in a command line or an environment, in no file but the one, and in none afterwards."""
    with agent(hub) as running:
        until(lambda: len(hub.granted) >= 3)
        seen = {"command lines": command_lines() + b"\n".join(hub.server.command_lines)}
        seen["environment"] = Path(f"/proc/{running.process.pid}/environ").read_bytes()
        assert leaks(hub.granted, seen | contents(hub.tmp_path, but=running.folder / "token")) == []
        assert running.end() == 0
    assert leaks(hub.granted, contents(hub.tmp_path)) == []


def test_no_token_that_the_runner_cannot_hide(tmp_path: Path) -> None:
    """Standard error is closed, as after the end of a step that started the agent with `&`."""
    with started(Hub(tmp_path, lifetime=2)) as hub:
        (tmp_path / "files").mkdir()
        command = [*CLI, "agent", "acme/model", "--on-expiry", "stop", "--token-file", str(tmp_path / "files/token")]
        env = scrubbed(measured=True) | hub.env
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
            running = Agent(process, tmp_path / "files")
            until(lambda: running.token)
            first = running.token
            assert process.stderr is not None
            process.stderr.close()
            seen = {first}
            while process.poll() is None:
                seen.add(running.token)
                time.sleep(0.02)
    # One more may have been masked before the pipe was closed.
    assert seen - {""} <= set(hub.granted[:2])
    assert (process.returncode, running.left) == (1, [])


def contents(folder: Path, but: Path | None = None) -> dict[str, bytes]:
    """All files below the folder, except the one."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path != but}


WRONG = {
    "no file": (["acme/model"], "`--token-file` for `HF_TOKEN` is missing"),
    "an unknown name": (
        ["acme/model", "--token-file", "MODEL=x"],
        "`--token-file` names `MODEL`, and no RESOURCE has this name",
    ),
    "no name": (["A=acme/a", "B=acme/b", "--token-file", "x"], "does not say which of the tokens it is for"),
    "one is missing": (["A=acme/a", "B=acme/b", "--token-file", "A=x"], "`--token-file` for `B` is missing"),
    "two for one": (["acme/a", "--token-file", "x", "--token-file", "y"], "two files for the token `HF_TOKEN`"),
    "one for two": (["A=acme/a", "B=acme/b", "--token-file", "A=x", "--token-file", "B=./x"], "the same path"),
    "ready and token": (["acme/a", "--token-file", "x", "--ready-file", "x"], "the same path"),
    "the same place by another way": (
        ["acme/a", "--token-file", "here/../x", "--ready-file", "x"],
        "the same path",
    ),
    "the place of the ID token": (
        ["acme/a", "--token-file", "x", "--id-token-file", "./x"],
        "the same path",
    ),
    "a file that is no ready file": (["acme/a", "--token-file", "x", "--ready-file", "notes"], "is not a ready file"),
    "an empty path": (["acme/a", "--token-file", "HF_TOKEN="], "is not the path of a file"),
    "standard output": (["acme/a", "--token-file", "-"], "is not the path of a file"),
    "a control character": (["acme/a", "--token-file", "x", "--ready-file", "a\nb"], "is not the path of a file"),
    "another choice": (["acme/a", "--token-file", "x", "--on-expiry", "pray"], "on-expiry"),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_that_are_wrong(hub: Hub, name: str) -> None:
    """The message names what is wrong, and no token is requested."""
    arguments, said = WRONG[name]
    notes, id_token = hub.tmp_path / "workspace" / "notes", hub.tmp_path / "workspace" / "x"
    (hub.tmp_path / "workspace" / "here").mkdir(parents=True)
    notes.write_text("mine")
    id_token.write_text("a.b.c")
    run = run_cli(hub.tmp_path, "agent", *arguments, env=hub.env, secrets=[REQUEST_TOKEN])
    assert (run.exit_code, hub.asked) == (2, 0)
    assert said in " ".join(run.stderr.split())
    assert (notes.read_text(), id_token.read_text()) == ("mine", "a.b.c")


def test_a_checkout_that_goes(hub: Hub) -> None:
    """A path through a link outside of it needs no working directory: the files are renewed, and removed at the end."""
    checkout, link = hub.tmp_path / "checkout", hub.tmp_path / "link"
    checkout.mkdir()
    link.symlink_to("files")
    start = ["sh", "-c", 'cd "$0" && exec "$@"', str(checkout)]
    files = [word.format(link) for word in ("--token-file", "{}/token", "--ready-file", "{}/ready")]
    with agent(hub, files=files, start=start) as running:
        checkout.rmdir()
        first = running.token
        until(lambda: running.token not in ("", first))
        assert running.end() == 0
        assert running.left == []


def test_two_files_that_cannot_be_removed(hub: Hub) -> None:
    """Each is named."""
    with agent(hub) as running:
        running.process.send_signal(signal.SIGSTOP)  # no renewal meanwhile
        for name in ("token", "ready"):
            (running.folder / name).unlink()
            (running.folder / name).symlink_to("elsewhere")
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGCONT)
        assert running.process.wait(SECONDS) == 1
    for name in ("token", "ready"):
        assert f"{running.folder / name} is a symbolic link" in running.log


def test_a_second_signal_changes_nothing(hub: Hub) -> None:
    """Neither the exit code, nor that the files go."""
    with agent(hub) as running:
        for _ in range(20):
            running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS) == 0
        assert running.left == []


def test_a_script_can_start_it_and_stop_it(hub: Hub) -> None:
    """As the help shows: `&`, the ready file, and `kill $!`."""
    (hub.tmp_path / "files").mkdir()
    script = """
        "$@" & agent=$!
        timeout 30 sh -c 'until [ -e ready ]; do sleep 0.1; done'
        . ./ready; cat "$HF_TOKEN_PATH"; kill $agent; wait $agent; ls
    """
    command = [*CLI, "agent", "acme/model", "--token-file", "token", "--ready-file", "ready"]
    done = subprocess.run(
        ["sh", "-ec", script, "sh", *command],
        env=scrubbed() | hub.env,
        cwd=hub.tmp_path / "files",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, hub.granted[0]), done.stderr


def test_a_name_of_a_variable_that_means_something_else(hub: Hub) -> None:
    """As for `run --keep-fresh`: NODE_PATH is where Node.js looks for modules."""
    with agent(hub, "NODE=acme/model", ready=False) as running:
        assert running.process.wait(SECONDS) == 2
    assert "`NODE_PATH` would hold the path of the token's file" in running.log
    assert running.left == []


def test_it_is_ready_when_all_tokens_are_valid_again(hub: Hub) -> None:
    """Not while one of two has expired; and a file that was removed comes back with the next token."""
    path, one, two = hub.tmp_path / "ready", *(TokenRequest(name, Resource.parse("acme/x")) for name in "AB")
    ready = ReadyFile(path, ["unset X"])
    seen = []
    for change in (ready.renewed, ready.expired, ready.renewed):
        for request in (one, two):
            change(request)
            seen.append(path.exists())
    assert seen == [True, True, False, False, False, True]
    path.unlink()
    ready.renewed(one)
    assert path.read_text() == "unset X\n"
    ready.end()
    ready.renewed(two)
    assert not path.exists()


def test_a_ready_file_that_cannot_be_removed(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    """It is reported, and the renewals go on."""
    path = hub.tmp_path / "ready"
    path.mkdir()
    ReadyFile(path, []).expired(TokenRequest("HF_TOKEN", Resource.parse("acme/x")))
    assert f"`--ready-file`: {path} is not a file" in capfd.readouterr().err


@pytest.mark.parametrize(("choice", "code"), [("warn", 0), ("stop", 1)])
def test_a_log_that_nobody_reads(tmp_path: Path, choice: str, code: int) -> None:
    """The pipe is full when a message is due: the agent stops all the same, and leaves no file."""
    reading, writing = full_pipe()
    refused = Answer({"error": "invalid_grant"}, 400)
    with started(Hub(tmp_path, lifetime=2, down=lambda hub: bool(hub.granted), refusals=refused)) as hub:
        folder = tmp_path / "files"
        folder.mkdir()
        env = scrubbed(measured=True) | {"HF_ENDPOINT": hub.server.url, "HF_OIDC_ID_TOKEN": id_token(hub.server.url)}
        options = ["--quiet", "--on-expiry", choice, "--token-file", str(folder / "token")]
        with subprocess.Popen([*CLI, "agent", "acme/model", *options], env=env, stderr=writing) as process:
            os.close(writing)
            try:
                if choice == "warn":
                    until(lambda: hub.asked > 2)  # it has given up a message, and goes on
                    process.terminate()
                assert process.wait(SECONDS) == code
            finally:
                process.kill()
        os.close(reading)
        assert list(folder.iterdir()) == []


def test_a_path_that_looks_like_a_token(hub: Hub) -> None:
    """It is not shown. The messages name the option instead, and the ready file has the path."""
    folder = hub.tmp_path / "files/aB3dE5fG7hJ9kL1mN3pQ"
    folder.mkdir(parents=True)
    with agent(hub, files=["--token-file", f"{folder}/token", "--ready-file", "{}/ready"]) as running:
        assert f"export HF_TOKEN_PATH={folder}/token\n" in (running.folder / "ready").read_text()
        (folder / "token").unlink()
        (folder / "token").mkdir()
        until(lambda: "could not be renewed: delivery-failed. `--token-file`: *** is not a file" in running.log)
        assert running.end() == 1
    assert "\n  export HF_TOKEN_PATH='PATH of --token-file'\n" in running.log
    assert str(folder) not in running.log


def test_a_signal_that_is_blocked(hub: Hub) -> None:
    """A program inherits that from its parent. It stops the agent all the same."""
    program = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with agent(hub, start=[sys.executable, "-c", program]) as running:
        assert running.end() == 0
        assert running.left == []


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    """A relative path leads nowhere then."""
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@" --token-file token'
    command = ["sh", "-c", script, "sh", *CLI, "agent", "acme/model"]
    env = scrubbed(measured=True)
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "The working directory was removed" in done.stderr) == (2, True)


def test_a_configuration_of_git_that_is_not_utf8(hub: Hub) -> None:
    """The ready file has it as it is in the environment."""
    parameters = b"'user.name=Caf\xe9'"
    with agent(hub, start=["env", os.fsdecode(b"GIT_CONFIG_PARAMETERS=" + parameters)]) as running:
        script = f'. {running.folder}/ready; printf %s "$GIT_CONFIG_PARAMETERS"; git config user.name'
        done = subprocess.run(["sh", "-euc", script], env=scrubbed(), capture_output=True, check=True)
        assert done.stdout.startswith(parameters)
        assert done.stdout.endswith(b"Caf\xe9\n")
        assert running.end() == 0
