"""What holds for every sink: the runner's files and log are the only places of a token.

The action is a process where its rights, its disk or its standard output are others than this process has.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.hub.resource import Resource
from hf_oidc.hub.token import HubToken
from hf_oidc.output.github_commands import CommandFiles, deliver
from hf_oidc.secret import Secret
from tests.action_process import ACTION, ActionRun, file_commands, run_action, scrubbed, tokens_of
from tests.engines import missing as missing_engine
from tests.factories import id_token
from tests.scripted_server import Answer, ScriptedServer, scripted_server

HUB_TOKEN = 'hf_jwt_"quo\\te"/+%&=~:,;<>'
GRANT = {"access_token": HUB_TOKEN, "token_type": "bearer", "expires_in": 3600}
# What tells root apart from others is a capability: without it, root too is refused by a file's mode.
WITHOUT = "-dac_override,-dac_read_search"
AS_ANYBODY = ("setpriv", "--bounding-set", WITHOUT, "--inh-caps", WITHOUT) if os.geteuid() == 0 else ()


# Not by a shell: dash drops variables with a hyphen in their name, and so half of the inputs.
INTO_A_FULL_DISK = (
    sys.executable,
    "-c",
    "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.fixture(autouse=True)
def _linux_tools() -> None:
    """util-linux drops capabilities and limits file sizes."""
    for tool in ("setpriv", "prlimit"):
        if shutil.which(tool) is None:
            missing_engine(f"{tool} (util-linux) is not here")


def log_in(
    tmp_path: Path,
    files: dict[str, str] | None,
    server: ScriptedServer,
    *,
    command: tuple[str, ...] = (),
    inputs: dict[str, str] | None = None,
) -> ActionRun:
    """A login that the Hub would grant, with these command files."""
    return run_action(
        tmp_path,
        {},
        {"resource": "acme/model", "hub-url": server.url, "id-token": id_token(server.url), **(inputs or {})},
        command=(*command, *ACTION) if command else None,
        secrets=[HUB_TOKEN],
        command_files=files,
    )


def test_the_runner_reads_back_what_was_granted(tmp_path: Path) -> None:
    """Each output of action.yml and the variable, to the letter, with hostile characters in the token."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, None, server)
    assert run.exit_code == 0
    assert run.exported == {"HF_TOKEN": HUB_TOKEN}
    assert set(run.outputs) == {"token", "tokens", "expires-at", "expires-in", "authenticated"}
    assert run.outputs["token"] == HUB_TOKEN
    assert tokens_of(run) == {"HF_TOKEN": HUB_TOKEN}
    assert run.outputs["expires-in"] == "3600"
    assert run.outputs["authenticated"] == "true"


def test_without_export_env_only_outputs_are_written(tmp_path: Path) -> None:
    """`export-env: false` leaves the environment of later steps alone."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, None, server, inputs={"export-env": "false"})
    assert run.env_file == ""
    assert run.outputs["token"] == HUB_TOKEN


def test_what_others_wrote_stays(tmp_path: Path) -> None:
    """Command files are appended to."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        (tmp_path / "file_commands").mkdir()
        files = {}
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV"):
            path = tmp_path / "file_commands" / name.lower()
            path.write_text("BEFORE<<ghadelimiter_x\nkept\nghadelimiter_x\n")
            files[name] = str(path)
        run = log_in(tmp_path, files, server)
    assert run.exit_code == 0
    for file in files.values():
        assert file_commands(Path(file).read_text())["BEFORE"] == "kept"
        assert HUB_TOKEN in Path(file).read_text()


def missing(tmp_path: Path) -> str:
    """The name of a file that is not there."""
    return str(tmp_path / "nowhere" / "file")


def folder(tmp_path: Path) -> str:
    """A folder where a file should be."""
    (tmp_path / "folder").mkdir(exist_ok=True)
    return str(tmp_path / "folder")


def pipe(tmp_path: Path) -> str:
    """A named pipe: opening it would wait for a reader for ever."""
    path = tmp_path / "pipe"
    if not path.exists():
        os.mkfifo(path)
    return str(path)


def read_only(tmp_path: Path) -> str:
    """A file that may be read."""
    path = tmp_path / "read-only"
    path.write_text("")
    path.chmod(0o444)
    return str(path)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_the_runners_files_keep_their_permissions(tmp_path: Path, mode: int) -> None:
    """They belong to the runner, which reads them: the action only adds to them."""
    (tmp_path / "file_commands").mkdir()
    files = {name: str(tmp_path / "file_commands" / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
    for path in map(Path, files.values()):
        path.touch()
        path.chmod(mode)
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, files, server)
    assert (run.outputs["token"], run.exported["HF_TOKEN"]) == (HUB_TOKEN, HUB_TOKEN)
    assert [stat.S_IMODE(Path(path).stat().st_mode) for path in files.values()] == [mode, mode]


BROKEN: dict[str, Callable[[Path], str | None]] = {
    "unset": lambda _: None,
    "empty": lambda _: "",
    "missing": missing,
    "a folder": folder,
    "a device": lambda _: "/dev/full",
    "a null device": lambda _: "/dev/null",
    "a pipe": pipe,
    "read-only": read_only,
    "too long a name": lambda _: "/tmp/" + "x" * 5000,
}


def command_for(broken: str) -> tuple[str, ...]:
    """What the action needs to meet it: only a file's mode is another to root."""
    return AS_ANYBODY if broken == "read-only" else ()


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_ENV"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_command_file_that_cannot_be_written_is_found_before_any_call(
    tmp_path: Path, variable: str, broken: str
) -> None:
    """`delivery-failed`, no token anywhere, and none was asked for; nothing falls back to printing it."""
    good = tmp_path / "good"
    good.write_text("")
    files = {"GITHUB_OUTPUT": str(good), "GITHUB_ENV": str(good)}
    path = BROKEN[broken](tmp_path)
    if path is None:
        del files[variable]
    else:
        files[variable] = path
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, files, server, command=command_for(broken))
    assert (run.exit_code, run.error_code, run.stderr) == (1, "delivery-failed", "")
    assert f"`{variable}`" in run.stdout
    assert server.requests == []
    assert run.masks == []
    assert good.read_text() == ""


def test_a_disk_that_fills_up_leaves_no_half_delivery(tmp_path: Path) -> None:
    """The write of the second file fails: the first is put back as it was. A limit on file sizes plays the disk."""
    (tmp_path / "file_commands").mkdir()
    files = {name: str(tmp_path / "file_commands" / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
    Path(files["GITHUB_OUTPUT"]).write_text("KEPT=1\n")
    Path(files["GITHUB_ENV"]).write_text("#" * 4090 + "\n")
    limit = ("prlimit", "--fsize=4096")
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, files, server, command=limit)
    assert (run.exit_code, run.error_code) == (1, "delivery-failed")
    assert Path(files["GITHUB_OUTPUT"]).read_text().startswith("KEPT=1\n")
    assert run.outputs == {"authenticated": "false"}
    assert Path(files["GITHUB_ENV"]).read_text() == "#" * 4090 + "\n"


def test_a_file_that_turns_bad_leaves_no_half_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same within one process, for a file that was replaced after it was found to be good."""
    (tmp_path / "output").write_text("KEPT=1\n")
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_ENV", str(tmp_path / "env"))
    # actions-toolkit sets it in this process too; so it is put back when the test ends.
    monkeypatch.setenv("HF_TOKEN", "")
    token = HubToken(Secret("hf_jwt_x"), Resource.parse("acme/model"), 3600, datetime.now(timezone.utc))
    files = CommandFiles(tmp_path / "output", tmp_path / "env")
    with pytest.raises(DeliveryFailed, match="Is a directory"):
        deliver({"HF_TOKEN": token}, {}, export=True, files=files)
    assert (tmp_path / "output").read_text() == "KEPT=1\n"


def test_a_log_that_cannot_be_written_hands_over_nothing(tmp_path: Path) -> None:
    """A token that was not masked is not delivered, nor sent to the Hub."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, None, server, command=INTO_A_FULL_DISK)
    # 120 is Python's own word for a stdout that could not be flushed.
    assert run.exit_code == 120
    assert (run.outputs, run.exported) == ({"authenticated": "false"}, {})
    assert server.requests == []


def test_a_token_of_several_lines_is_no_command(tmp_path: Path) -> None:
    """A supplied text with a line break is no ID token: it is refused, and each of its lines would be a mask."""
    with scripted_server({}) as server:
        run = log_in(tmp_path, None, server, inputs={"id-token": "eyJ.first\n::set-env name=PATH::/evil"})
    assert run.error_code == "id-token-malformed"
    assert run.masks == []
    assert "\n::set-env" not in run.stdout


def test_tokens_are_json(tmp_path: Path) -> None:
    """`fromJSON()` of a workflow reads what json.loads reads."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, None, server)
    assert json.loads(run.outputs["tokens"]) == {"HF_TOKEN": HUB_TOKEN}


def test_the_means_of_these_tests_are_there() -> None:
    """Root without its capabilities cannot write a read-only file: else the tests above would show nothing."""
    wrote = subprocess.run(
        [*AS_ANYBODY, "sh", "-c", 'f=$(mktemp) && chmod 444 "$f" && echo x > "$f"'], capture_output=True, check=False
    )
    assert wrote.returncode != 0


@pytest.mark.parametrize("broken", BROKEN)
def test_a_summary_that_cannot_be_written_hides_nothing(tmp_path: Path, broken: str) -> None:
    """The explanation is short of a page, and the error is told all the same."""
    refusal = Answer({"error": "invalid_grant"}, 400)
    with scripted_server({"/oauth/token": refusal}) as server:
        run = log_in(tmp_path, with_broken_summary(tmp_path, broken), server, command=command_for(broken))
    assert (run.exit_code, run.error_code, run.stderr) == (1, "exchange-rejected", "")
    assert run.outputs == {"authenticated": "false"}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_login_needs_no_summary(tmp_path: Path, broken: str) -> None:
    """If the summary cannot be written, the token is delivered all the same, and nothing is said."""
    with scripted_server({"/oauth/token": Answer(GRANT)}) as server:
        run = log_in(tmp_path, with_broken_summary(tmp_path, broken), server, command=command_for(broken))
    assert (run.exit_code, run.error_code, run.stderr) == (0, None, "")
    assert run.exported == {"HF_TOKEN": HUB_TOKEN}


def with_broken_summary(tmp_path: Path, broken: str) -> dict[str, str]:
    """The command files, of which only the summary cannot be written."""
    (tmp_path / "file_commands").mkdir()
    files = {name: str(tmp_path / "file_commands" / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
    for path in files.values():
        Path(path).write_text("")
    summary = BROKEN[broken](tmp_path)
    return files if summary is None else {**files, "GITHUB_STEP_SUMMARY": summary}


GOES_AWAY = """
import os, sys
from hf_oidc.errors import DeliveryFailed
from hf_oidc.secret import Secret
from hf_oidc.output import command_files

def variables():
    yield "A", Secret("hf_first")
    os.unlink(os.environ["GITHUB_ENV"])
    yield "B", Secret("hf_second")

try:
    command_files.export(variables(), os.environ)
except DeliveryFailed as error:
    print(error)
"""


def test_github_env_that_goes_away_is_reported(tmp_path: Path) -> None:
    """The file is not created again, the error says what failed, and no value is printed."""
    path = tmp_path / "github_env"
    path.touch()
    env = scrubbed() | {"GITHUB_ENV": str(path)}
    run = subprocess.run([sys.executable, "-c", GOES_AWAY], env=env, capture_output=True, text=True, check=True)
    assert run.stdout == "A command file of the runner could not be written: No such file or directory\n"
    assert (run.stderr, path.exists()) == ("", False)
