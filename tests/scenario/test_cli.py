"""`hf-oidc token`, `env` and `run`, each as a process: what comes out where, and that nothing else does."""

import json
import os
import pty
import shlex
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from tests import engines
from tests.action_process import file_commands, scrubbed
from tests.cli_process import CLI, CliRun, run_cli
from tests.contract.provider_table import ROWS, executable
from tests.factories import id_token
from tests.leaks import leaks
from tests.scripted_server import Answer, Recorded, ScriptedServer, command_lines, scripted_server

PLAIN = "hf_jwt_eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl-_"
# One word of printable ASCII may hold all of this (RFC 6749, appendix A.12).
HOSTILE = [
    "hf_it's",
    "'hf_quoted'",
    '"hf_quoted"',
    "hf_$HOME",
    "hf_${HOME}",
    "hf_$(id)",
    "hf_`id`",
    "hf_a\\b\\n\\\\c",
    "hf_back\\",
    "-hf_n",
    "#hf_comment",
    "hf_a#b",
    "hf_!history!",
    "hf_%PATH%",
    "hf_*?[a]{b,c}~",
    "hf_a;b&c|d<e>f",
    "~hf_home",
    "hf_\\'\"\\",
    "hf_" + "x" * 16_000,
]


@dataclass
class Stage:
    """A Hub that grants `tokens` by resource, and an ID token that it takes."""

    tmp_path: Path
    server: ScriptedServer
    id_token: str
    tokens: dict[str, str]

    def run(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> CliRun:
        """Run `hf-oidc` where the ID token was supplied."""
        job = {"HF_OIDC_ID_TOKEN": self.id_token} if env is None else env
        return run_cli(
            self.tmp_path,
            *arguments,
            env={"HF_ENDPOINT": self.server.url, **job},
            secrets=[self.id_token, *self.tokens.values()],
            **options,
        )

    def world(self) -> dict[str, str]:
        """The environment of a process that calls `hf-oidc` by itself."""
        folder = self.tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "hf-oidc").write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n')
        (folder / "hf-oidc").chmod(0o755)
        env = scrubbed() | {"HF_ENDPOINT": self.server.url, "HF_OIDC_ID_TOKEN": self.id_token}
        return env | {"PATH": f"{folder}:{env['PATH']}", "HOME": str(self.tmp_path)}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A Hub that grants a plain token for acme/model, and refuses the rest."""
    tokens = {"acme/model": PLAIN}

    def exchange(request: Recorded) -> Answer:
        resource = json.loads(request.body)["resource"]
        if resource not in tokens:
            return Answer({"error": "invalid_grant", "error_description": "No trusted publisher configured"}, 400)
        return Answer({"access_token": tokens[resource], "token_type": "bearer", "expires_in": 3600})

    with scripted_server({"/oauth/token": exchange}) as server:
        yield Stage(tmp_path, server, id_token(server.url), tokens)


# token


def test_token_is_alone_on_standard_output(stage: Stage) -> None:
    """Everything else goes to standard error."""
    run = stage.run("token", "acme/model", stdout_may_hold_them=True)
    assert (run.exit_code, run.stdout) == (0, f"{PLAIN}\n")
    assert run.stderr.startswith("hf-oidc: Logged in: a Hugging Face token for the model acme/model alone")


def test_quiet_says_nothing_that_is_well(stage: Stage) -> None:
    """Standard error stays empty."""
    run = stage.run("token", "acme/model", "--quiet", stdout_may_hold_them=True)
    assert (run.exit_code, run.stderr) == (0, "")


def test_the_resource_may_be_in_the_environment(stage: Stage) -> None:
    """HF_OIDC_RESOURCE, as huggingface_hub has it."""
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "HF_OIDC_RESOURCE": " acme/model "}
    assert stage.run("token", env=env, stdout_may_hold_them=True).stdout == f"{PLAIN}\n"
    assert json.loads(stage.server.requests[-1].body)["resource"] == "acme/model"


@pytest.mark.parametrize("command", [["token"], ["env"], ["run", "--", "true"]])
def test_a_missing_resource_is_named(command: list[str], stage: Stage) -> None:
    """Exit code 2, and nothing was sent."""
    run = stage.run(*command)
    assert run.exit_code == 2
    assert "What the token is for is missing" in run.stderr
    assert stage.server.requests == []


def test_a_refusal_is_explained(stage: Stage) -> None:
    """Code, cause, place, next step; standard output stays empty; exit code 1."""
    run = stage.run("token", "acme/other")
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr.startswith("hf-oidc: exchange-rejected\n")
    assert "This job, as a publisher" not in run.stderr
    assert "\nNext: " in run.stderr


def test_verbose_says_what_the_id_token_says(stage: Stage) -> None:
    """As the action's log group does."""
    run = stage.run("token", "acme/other", "-v")
    assert "What this job's ID token says (unverified):" in run.stderr


def test_a_retry_is_told(stage: Stage) -> None:
    """On standard error, one line."""
    answers = iter([Answer(status=503, headers={"Retry-After": "0"})])
    script = {
        "/oauth/token": lambda _request: next(
            answers, Answer({"access_token": PLAIN, "token_type": "bearer", "expires_in": 60})
        )
    }
    with scripted_server(script) as server:
        env = {"HF_OIDC_ID_TOKEN": id_token(server.url), "HF_ENDPOINT": server.url}
        run = stage.run("token", "acme/model", env=env, stdout_may_hold_them=True)
    assert run.exit_code == 0
    assert "hf-oidc: Not yet: hub-unavailable" in run.stderr


@pytest.mark.parametrize(("arguments", "shown"), [((), False), (("--show",), True)])
@pytest.mark.parametrize("command", ["token", "env"])
def test_a_terminal_is_shown_no_token(command: str, arguments: tuple[str, ...], shown: bool, stage: Stage) -> None:
    """Unless --show asks for it; else nothing is sent."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*CLI, command, "acme/model", *arguments], env=stage.world(), stdout=slave, stderr=subprocess.PIPE
    ) as process:
        os.close(slave)
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    output = b""
    try:
        while piece := os.read(master, 4096):
            output += piece
    except OSError:
        pass
    os.close(master)
    assert (PLAIN in output.decode()) is shown
    assert process.returncode == (0 if shown else 2)
    assert ("--show prints it" in errors) is not shown
    assert bool(stage.server.requests) is shown


def test_a_reader_that_goes_away_is_no_crash(stage: Stage) -> None:
    """As in `hf-oidc token … | true`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        run = subprocess.run(
            [*CLI, "token", "acme/model"],
            env=stage.world(),
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "bug" not in run.stderr
    assert PLAIN not in run.stderr


def test_an_interrupt_ends_with_130(stage: Stage) -> None:
    """As a shell has it, and without a traceback."""

    def hang(_request: Recorded) -> Answer:
        time.sleep(2)
        return Answer(status=503)

    with scripted_server({"/oauth/token": hang}) as server:
        env = stage.world() | {"HF_ENDPOINT": server.url, "HF_OIDC_ID_TOKEN": id_token(server.url)}
        with subprocess.Popen([*CLI, "token", "acme/model"], env=env, stderr=subprocess.PIPE, text=True) as process:
            while not server.command_lines:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


# ID tokens


def test_the_id_token_may_be_in_a_file(stage: Stage) -> None:
    """--id-token-file, or HF_OIDC_ID_TOKEN_FILE; it goes before HF_OIDC_ID_TOKEN."""
    path = stage.tmp_path / "id-token"
    path.write_text(f"\n{stage.id_token}\n")
    for arguments, env in (
        (("--id-token-file", str(path)), {"HF_OIDC_ID_TOKEN": "eyJ"}),
        ((), {"HF_OIDC_ID_TOKEN_FILE": str(path)}),
    ):
        run = stage.run("token", "acme/model", *arguments, env=env, stdout_may_hold_them=True, may_hold_them=[path])
        assert run.stdout == f"{PLAIN}\n"


def test_the_id_token_may_come_on_standard_input(stage: Stage) -> None:
    """A single hyphen, as elsewhere."""
    run = stage.run(
        "token", "acme/model", "--id-token-file", "-", env={}, stdin=stage.id_token, stdout_may_hold_them=True
    )
    assert run.stdout == f"{PLAIN}\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent", None, "cannot be read: No such file or directory"),
        ("empty", b" \n", "is empty"),
        ("binary", b"\xff\xfe", "cannot be read: it is not text"),
        (".", None, "cannot be read: Is a directory"),
    ],
)
def test_a_file_without_an_id_token_is_named(name: str, content: bytes | None, told: str, stage: Stage) -> None:
    """Exit code 2."""
    path = stage.tmp_path / name
    if content is not None:
        path.write_bytes(content)
    run = stage.run("token", "acme/model", "--id-token-file", str(path), env={})
    assert run.exit_code == 2
    assert told in run.stderr


def test_an_empty_standard_input_is_named(stage: Stage) -> None:
    """By its name, and not as a hyphen."""
    run = stage.run("token", "acme/model", "--id-token-file", "-", env={})
    assert run.exit_code == 2
    assert "standard input is empty" in run.stderr


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.source not in {"none", "file"}])
@pytest.mark.parametrize(
    "command", [("token", "acme/model"), ("env", "acme/model"), ("run", "acme/model", "--", "true")]
)
def test_no_command_leaks_on_any_ci(name: str, command: tuple[str, ...], stage: Stage) -> None:
    """The ID token and the Hub's are nowhere but where they were asked for; a runner of GitHub's kind masks both."""
    row = ROWS[name]
    folder = stage.tmp_path / "ci"
    folder.mkdir()
    allowed = []
    if row.command:
        allowed = [executable(folder, row.command, stdout=row.prints(stage.id_token)).with_name(f"{row.command}.out")]
    with scripted_server({row.path: row.answer(stage.id_token)}) as ci:
        env = {**row.here(ci.url, stage.id_token), "PATH": f"{folder}:{os.environ['PATH']}"}
        run = stage.run(*command, env=env, stdout_may_hold_them=command[0] != "run", may_hold_them=allowed)
    assert (run.exit_code, leaks([stage.id_token], {"stdout": run.stdout.encode()})) == (0, [])
    assert run.masks == ([stage.id_token, PLAIN] if name in {"github", "forgejo"} else [])


def test_the_provider_can_be_named(stage: Stage) -> None:
    """Where two are detected."""
    env = {"GITLAB_CI": "true", "CIRCLECI": "true", "HF_ID_TOKEN": stage.id_token}
    run = stage.run("token", "acme/model", env=env)
    assert run.exit_code == 1
    assert "ambiguous-provider" in run.stderr
    assert stage.run("token", "acme/model", "--provider", "gitlab", env=env, stdout_may_hold_them=True).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--provider", "travis"],
        ["--timeout", "0"],
        ["--timeout", "x"],
        ["--audience", "a b"],
        ["--hub-url", "ftp://x"],
        ["--hub-url", "http://hub.example"],
        ["--ca-bundle", "/nowhere.pem"],
        ["--nonsense"],
    ],
)
def test_wrong_options_are_named(arguments: list[str], stage: Stage) -> None:
    """Exit code 2, the option's name, and nothing is sent."""
    run = stage.run("token", "acme/model", *arguments)
    assert run.exit_code == 2
    assert arguments[0].strip("-") in run.stderr.replace("_", "-")
    assert stage.server.requests == []


# env


def by_shell(shell: str, program: str, stage: Stage) -> str:
    """What the shell prints."""
    if not any((Path(folder) / shell).exists() for folder in os.environ["PATH"].split(":")):
        engines.missing(f"{shell} is not installed")
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    run = subprocess.run([shell, *quiet, "-c", program], env=stage.world(), capture_output=True, text=True, check=False)
    assert (run.returncode, [line for line in run.stderr.splitlines() if not line.startswith("hf-oidc: ")]) == (0, [])
    return run.stdout


SHELLS = {
    "sh": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "dash": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "bash": 'set -H; eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "zsh": 'eval "$(hf-oidc env acme/model)" && printenv HF_TOKEN',
    "fish": "hf-oidc env acme/model --format fish | source; printenv HF_TOKEN",
}


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
@pytest.mark.parametrize("shell", SHELLS)
def test_shells_read_what_was_granted(shell: str, token: str, stage: Stage) -> None:
    """Every character of it."""
    stage.tokens["acme/model"] = token
    assert by_shell(shell, SHELLS[shell], stage) == f"{token}\n"


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
def test_powershell_is_given_a_literal(token: str, stage: Stage) -> None:
    """In single quotes only the quote itself is special, and doubled (about_Quoting_Rules)."""
    stage.tokens["acme/model"] = token
    run = stage.run("env", "acme/model", "--format", "powershell", stdout_may_hold_them=True)
    literal = run.stdout.removeprefix("$env:HF_TOKEN = '").removesuffix("'\n")
    assert literal.replace("''", "").count("'") == 0
    assert literal.replace("''", "'") == token


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: token[:20])
def test_json_is_read_back(token: str, stage: Stage) -> None:
    """An object from names to tokens."""
    stage.tokens["acme/model"] = token
    run = stage.run("env", "A=acme/model", "--format", "json", stdout_may_hold_them=True)
    assert json.loads(run.stdout) == {"A": token}


def test_a_dotenv_file_is_read_back(stage: Stage) -> None:
    """By python-dotenv; the file is its owner's alone."""
    path = stage.tmp_path / ".env"
    for token in (PLAIN, "hf_a.b-c+d/e==", "-hf_n"):
        stage.tokens["acme/model"] = token
        run = stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path), may_hold_them=[path])
        assert (run.exit_code, run.stdout) == (0, "")
        assert dotenv_values(path) == {"HF_TOKEN": token}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in stage.tmp_path.iterdir()) == [".env", "home", "tmp", "workspace"]


@pytest.mark.parametrize("token", [token for token in HOSTILE if not token.startswith(("hf_x", "-"))])
def test_what_dotenv_readers_read_differently_is_refused(token: str, stage: Stage) -> None:
    """No file is written."""
    stage.tokens["acme/model"] = token
    path = stage.tmp_path / ".env"
    run = stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path))
    assert (run.exit_code, path.exists()) == (1, False)
    assert "delivery-failed" in run.stderr


def test_two_resources_have_two_names(stage: Stage) -> None:
    """In the order in which they were asked for."""
    stage.tokens["datasets/acme/corpus"] = "hf_jwt_second"
    run = stage.run("env", "MODEL=acme/model", "DATA=datasets/acme/corpus", stdout_may_hold_them=True)
    assert run.stdout == f"export MODEL='{PLAIN}'\nexport DATA='hf_jwt_second'\n"


def test_if_one_is_refused_none_is_written(stage: Stage) -> None:
    """All or nothing."""
    run = stage.run("env", "MODEL=acme/model", "DATA=datasets/acme/corpus")
    assert (run.exit_code, run.stdout) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["acme/model", "acme/other"], "Two tokens for the variable `HF_TOKEN`"),
        (["PATH=acme/model"], "A token in `PATH` would change how programs run"),
        (["ld_preload=acme/model"], "would change how programs run"),
        (["1A=acme/model"], "no name of an environment variable"),
        (["=acme/model"], "no name of an environment variable"),
        (["A-B=acme/model"], "no name of an environment variable"),
        (["A=acme//model"], "invalid-resource"),
        (["acme/model", "--format", "circleci", "--output", "x"], "`--output` has no use with the format circleci"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], told: str, stage: Stage) -> None:
    """Exit code 2, and nothing is sent."""
    run = stage.run("env", *arguments)
    assert (run.exit_code, run.stdout, stage.server.requests) == (2, "", [])
    assert told in run.stderr


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "absent-folder", "nul"])
def test_a_token_is_written_to_a_file_alone(kind: str, stage: Stage) -> None:
    """Never through a link, and never over something that is no file."""
    path, other = stage.tmp_path / "out", stage.tmp_path / "other"
    if kind == "link":
        other.write_text("mine")
    if kind in {"link", "dangling"}:
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    name = {"absent-folder": str(path / "none" / "x"), "nul": "/dev/null"}.get(kind, str(path))
    run = stage.run("env", "acme/model", "--output", name)
    assert run.exit_code == 1
    assert "delivery-failed" in run.stderr
    assert not other.exists() or other.read_text() == "mine"


def test_circleci_adds_to_bash_env(stage: Stage) -> None:
    """What is there stays; a later step reads all of it."""
    path = stage.tmp_path / "bash_env"
    for before in (None, "export A=1\n"):
        path.unlink(missing_ok=True)
        if before:
            path.write_text(before)
        env = {"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": str(path)}
        run = stage.run("env", "acme/model", "--format", "circleci", env=env, may_hold_them=[path])
        assert (run.exit_code, path.read_text()) == (0, (before or "") + f"export HF_TOKEN='{PLAIN}'\n")
    link = stage.tmp_path / "link"
    link.symlink_to(path)
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "BASH_ENV": str(link)}
    assert stage.run("env", "acme/model", "--format", "circleci", env=env, may_hold_them=[path, link]).exit_code == 1


@pytest.mark.parametrize("format_", ["circleci", "github"])
def test_the_file_of_a_ci_has_to_be_there(format_: str, stage: Stage) -> None:
    """Before anybody is asked for a token."""
    run = stage.run("env", "acme/model", "--format", format_)
    assert (run.exit_code, stage.server.requests) == (1, [])
    assert "is not set: this is no step of a job there" in run.stderr


def test_github_masks_and_adds_to_github_env(stage: Stage) -> None:
    """In that order: the file is read when the step has ended."""
    path = stage.tmp_path / "github_env"
    path.write_text("A=1\n")
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "GITHUB_ENV": str(path)}
    run = stage.run("env", "T=acme/model", "--format", "github", env=env, may_hold_them=[path])
    assert (run.exit_code, run.stdout) == (0, "")
    assert run.masks == [PLAIN]
    assert file_commands(path.read_text().removeprefix("A=1\n")) == {"T": PLAIN}
    path.unlink()
    assert stage.run("env", "T=acme/model", "--format", "github", env=env).exit_code == 1


def test_github_env_that_cannot_be_written_is_left_as_it_was(stage: Stage) -> None:
    """A full disk: nothing of the token stays in the file, and nothing is printed."""
    path = stage.tmp_path / "github_env"
    path.write_text("A=1\n")
    command = f"ulimit -f 0; exec {shlex.join(CLI)} env acme/model --format github"
    # Without coverage's own files, which would find the disk full as well.
    world = {name: value for name, value in stage.world().items() if not name.startswith("COVERAGE")}
    env = world | {"GITHUB_ENV": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, path.read_text()) == (1, "", "A=1\n")
    assert "delivery-failed" in run.stderr


# run


def test_run_gives_the_token_to_the_command_alone(stage: Stage) -> None:
    """In its environment; its output, input and exit code are its own."""
    show = 'cat; test "$HF_TOKEN" = "$EXPECTED" && test -z "$HF_OIDC_RESOURCE"; exit $((40 + $?))'
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "EXPECTED": PLAIN, "HF_OIDC_RESOURCE": "acme/model"}
    run = stage.run("run", "--", "sh", "-c", show, env=env, stdin="input")
    assert (run.exit_code, run.stdout) == (40, "input")


def test_run_leaves_the_arguments_as_they_are(stage: Stage) -> None:
    """Another `--`, options that hf-oidc has too, blanks, nothing."""
    run = stage.run("run", "acme/model", "-q", "--", "printf", "%s|", "--", "-q", "--help", "a b", "")
    assert (run.exit_code, run.stdout, run.stderr) == (0, "--|-q|--help|a b||", "")


def test_run_takes_several(stage: Stage) -> None:
    """Each under its name."""
    stage.tokens["datasets/acme/corpus"] = "hf_jwt_second"
    show = 'echo "${#A} ${#B}"'
    run = stage.run("run", "A=acme/model", "B=datasets/acme/corpus", "--", "sh", "-c", show)
    assert run.stdout == f"{len(PLAIN)} {len('hf_jwt_second')}\n"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["no-such-command"], 127, "no-such-command: command not found"),
        (["/etc/passwd"], 126, "/etc/passwd: cannot be run"),
        ([], 2, "There is no command"),
    ],
)
def test_run_asks_for_no_token_in_vain(command: list[str], code: int, told: str, stage: Stage) -> None:
    """The exit codes are a shell's."""
    run = stage.run("run", "acme/model", "--", *command)
    assert (run.exit_code, stage.server.requests) == (code, [])
    assert told in run.stderr


def test_run_says_what_cannot_be_run_after_all(stage: Stage) -> None:
    """A script without an interpreter line that exists."""
    script = stage.tmp_path / "script"
    script.write_text("#!/nowhere/sh\n")
    script.chmod(0o755)
    run = stage.run("run", "acme/model", "--", str(script))
    assert run.exit_code == 126


def test_run_without_a_login_runs_nothing(stage: Stage) -> None:
    """Exit code 1."""
    run = stage.run("run", "acme/other", "--", "touch", str(stage.tmp_path / "ran"))
    assert (run.exit_code, (stage.tmp_path / "ran").exists()) == (1, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGUSR1, signal.SIGPIPE])
def test_run_passes_signals_on(number: signal.Signals, stage: Stage) -> None:
    """The command takes the place of hf-oidc: what is sent to the one reaches the other, and none stays behind."""
    command = [*CLI, "run", "acme/model", "--", "sh", "-c", "echo ready $$; exec sleep 300"]
    with subprocess.Popen(command, env=stage.world(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {process.pid}\n".encode()
        assert leaks([PLAIN, stage.id_token], {"command lines": command_lines()}) == []
        process.send_signal(number)
    assert process.returncode == -number


def test_a_signal_can_be_handled_by_the_command(stage: Stage) -> None:
    """Its exit code is then its own."""
    command = [
        *CLI,
        "run",
        "acme/model",
        "--",
        "sh",
        "-c",
        'trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done',
    ]
    with subprocess.Popen(command, env=stage.world(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
    assert process.returncode == 7


# help and completion


@pytest.mark.parametrize("command", ["token", "env", "run", "doctor"])
def test_each_command_explains_itself(command: str, stage: Stage) -> None:
    """With an example of its use."""
    run = stage.run(command, "--help")
    assert run.exit_code == 0
    assert f"hf-oidc {command}" in run.stdout.split("\n", 1)[1]


def test_bash_completes_providers(stage: Stage) -> None:
    """With what `hf-oidc completion bash` prints, in a real bash."""
    program = """
eval "$(hf-oidc completion bash)"
COMP_WORDS=(hf-oidc token --provider gi) COMP_CWORD=3
_hf_oidc_completion hf-oidc
printf '%s\\n' "${COMPREPLY[@]}"
"""
    assert by_shell("bash", program, stage).split() == ["github", "gitlab"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, stage: Stage) -> None:
    """Which the shell accepts."""
    script = stage.run("completion", shell).stdout
    (stage.tmp_path / "script").write_text(script)
    by_shell(shell, f". {shlex.quote(str(stage.tmp_path / 'script'))}" if shell != "zsh" else "true", stage)
    assert "hf-oidc" in script


def test_docker_reads_what_dotenv_writes(stage: Stage) -> None:
    """--env-file takes each line as it stands."""
    docker = subprocess.run(["docker", "info"], capture_output=True, check=False) if engines.has("docker") else None
    if docker is None or docker.returncode != 0:
        engines.missing("Docker is not running")
    path = stage.tmp_path / ".env"
    stage.run("env", "acme/model", "--format", "dotenv", "--output", str(path), may_hold_them=[path])
    run = subprocess.run(
        ["docker", "run", "--rm", "--env-file", str(path), "debian:trixie-slim", "printenv", "HF_TOKEN"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, f"{PLAIN}\n")
