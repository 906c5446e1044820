"""Standard streams that are closed, full, or read by nobody: a token goes out whole, or the command says why not.

Always processes: their standard streams are the subject.
"""

import contextlib
import os
import subprocess
import sys

import pytest

from hf_oidc.output.masking import worthless_part
from hf_oidc.secret import Secret
from tests import engines
from tests.action_process import MASK_LINE
from tests.cli_process import CLI
from tests.cli_stage import PLAIN, Stage
from tests.factories import id_token

FULL = "Standard output cannot be written: No space left on device"
CLOSED = "Standard output is closed"
OUTPUT_ELSEWHERE = "Next: Send standard output to a pipe, a variable, or a file on a disk that is not full."
ERRORS_TO_THE_LOG = "Next: Let standard error of `hf-oidc` go to the job's log: remove the redirection (`2>`)."


def shell(stage: Stage, program: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """What a bash makes of it; it must hold no token but on standard output, and no traceback."""
    world = stage.world() | env
    run = subprocess.run(["bash", "-c", program], env=world, capture_output=True, text=True, check=False)
    assert not any(word in run.stderr for word in ("Traceback", "bug", "Exception", PLAIN, stage.id_token))
    return run


@pytest.mark.parametrize("command", ["token acme/model", "env acme/model", "env acme/model --format json"])
def test_a_closed_output_is_found_before_a_token_is_asked_for(command: str, stage: Stage) -> None:
    """`delivery-failed`, exit code 1, and nothing is sent."""
    run = shell(stage, f"hf-oidc {command} >&-")
    assert (run.returncode, stage.server.requests) == (1, [])
    assert run.stderr.startswith(f"hf-oidc: delivery-failed\n{CLOSED}.\n{OUTPUT_ELSEWHERE}\n")
    assert run.stderr.count("Next: ") == 1


@pytest.mark.parametrize(
    "command",
    ["token acme/model", "env acme/model", "doctor", "doctor --json", "--help", "-h", "completion bash"],
)
def test_a_full_output_is_told(command: str, stage: Stage) -> None:
    """`delivery-failed`, and exit code 1: nobody takes half a token for one."""
    run = shell(stage, f"hf-oidc {command} > /dev/full")
    assert run.returncode == 1
    assert f"hf-oidc: delivery-failed\n{FULL}.\n{OUTPUT_ELSEWHERE}\n" in run.stderr
    assert run.stderr.count("Next: ") == 1


@pytest.mark.parametrize("command", ["doctor", "--help", "--version", "completion zsh"])
def test_a_closed_output_is_told(command: str, stage: Stage) -> None:
    """Of what needs no token, too."""
    run = shell(stage, f"hf-oidc {command} >&-")
    assert run.returncode == 1
    assert CLOSED in run.stderr


def test_a_full_output_is_told_where_a_shell_asks_for_completion(stage: Stage) -> None:
    """Click answers that by itself."""
    env = {"_HF_OIDC_COMPLETE": "bash_complete", "COMP_WORDS": "hf-oidc ", "COMP_CWORD": "1"}
    run = shell(stage, "hf-oidc > /dev/full", **env)
    assert (run.returncode, FULL in run.stderr) == (1, True)


@pytest.mark.parametrize("command", ["token acme/model -q", "env acme/model -q", "doctor", "--help"])
def test_a_reader_that_goes_away_is_no_crash(command: str, stage: Stage) -> None:
    """As in `hf-oidc token | head -0`: not a word, and what a shell says of a program that SIGPIPE has ended."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        argv = [*CLI, *command.split()]
        run = subprocess.run(
            argv, env=stage.world(), stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_the_other_streams_are_not_needed(stream: str, stage: Stage) -> None:
    """Nobody who listens to what is told is no failure."""
    run = shell(stage, f"hf-oidc token acme/model {stream}")
    assert (run.returncode, run.stdout) == (0, f"{PLAIN}\n")


@pytest.mark.parametrize(
    ("command", "code"),
    [("token acme/other", 1), ("token acme//x", 2), ("token --wrong", 2), ("run x -- none", 127)],
)
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full"])
def test_an_exit_code_needs_nobody_who_listens(command: str, code: int, stream: str, stage: Stage) -> None:
    """It is the same with standard error full or closed."""
    assert shell(stage, f"hf-oidc {command} {stream}").returncode == code


@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full"])
def test_a_token_that_cannot_be_masked_is_not_handed_over(stream: str, stage: Stage) -> None:
    """GitHub's runner reads its commands on standard error."""
    run = shell(stage, f"hf-oidc token acme/model {stream}", GITHUB_ACTIONS="true")
    assert (run.returncode, run.stdout, stage.server.requests) == (1, "", [])


def test_a_closed_input_is_an_empty_one(stage: Stage) -> None:
    """For `--id-token-file -`: the argument is wrong."""
    run = shell(stage, "hf-oidc token acme/model --id-token-file - <&-")
    assert (run.returncode, stage.server.requests) == (2, [])
    assert "standard input is empty" in run.stderr


def test_a_command_finds_its_streams_as_they_were(stage: Stage) -> None:
    """What was closed is closed, and no socket has its number."""
    look = "import sys; open(sys.argv[1], 'w').write(str([sys.stdin is None, sys.stdout is None, sys.stderr is None]))"
    seen = stage.tmp_path / "seen"
    run = shell(stage, f'hf-oidc run acme/model -- {sys.executable} -c "$LOOK" {seen} >&- 2>&-', LOOK=look)
    assert (run.returncode, seen.read_text()) == (0, "[False, True, True]")


def test_letters_that_the_output_does_not_know_are_written_another_way(stage: Stage) -> None:
    """An ID token's claims may have any."""
    env = {"PYTHONIOENCODING": "latin-1", "HF_OIDC_ID_TOKEN": id_token(stage.server.url, repository="acme/Ωmega")}
    run = shell(stage, f"{sys.executable} -m hf_oidc.cli doctor", **env)
    assert (run.returncode, "acme/\\u03a9mega" in run.stdout) == (0, True)


def test_a_token_is_never_written_by_halves_without_a_word(stage: Stage) -> None:
    """On a disk that fills up in its midst."""
    if not engines.has("prlimit"):
        engines.missing("prlimit (util-linux) is not here")
    out = stage.tmp_path / "out"
    with out.open("w") as file:
        command = ["prlimit", "--fsize=10", *CLI, "token", "acme/model"]
        run = subprocess.run(command, env=stage.world(), stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, out.stat().st_size) == (1, 10)
    assert "Standard output cannot be written: File too large" in run.stderr


def full_pipe() -> tuple[int, int]:
    """A pipe without room, to read from and to write to. A write to it blocks, as to a runner's that is not read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while os.write(writing, b"." * size):
                pass
    os.set_blocking(writing, True)
    return reading, writing


@pytest.mark.parametrize(("read", "code", "non_blocking"), [(True, 0, True), (False, 1, False)])
def test_a_mask_goes_out_whole_or_there_is_no_token(stage: Stage, *, read: bool, code: int, non_blocking: bool) -> None:
    """Standard error is full: it is waited for, but not for ever. Another program may have made it non-blocking."""
    reading, writing = full_pipe()
    os.set_blocking(writing, not non_blocking)
    env = stage.world() | {"GITHUB_ACTIONS": "true"}
    with subprocess.Popen([*CLI, "token", "acme/model"], env=env, stdout=subprocess.PIPE, stderr=writing) as process:
        os.close(writing)
        seen = b""
        while read and (piece := os.read(reading, 65536)):
            seen += piece
        printed, _ = process.communicate(timeout=60)
    os.close(reading)
    assert (process.returncode, printed.decode()) == (code, f"{PLAIN}\n" if read else "")
    masks = MASK_LINE.findall(seen)
    hidden = {worthless_part(Secret(token)).reveal().encode() for token in (stage.id_token, PLAIN)}
    assert not read or hidden <= set(masks)


SLOWLY_READ = """
import os, threading
from hf_oidc.cli import streams
reading, writing = os.pipe()
os.set_blocking(writing, False)
os.dup2(writing, 2)
seen = bytearray()
def read():
    while len(seen) < 1_000_000:
        seen.extend(os.read(reading, 1000))
reader = threading.Thread(target=read)
reader.start()
streams.write_error("x" * 1_000_000)
reader.join()
print(len(seen))
"""


def test_what_does_not_fit_at_once_is_written_bit_by_bit() -> None:
    """A pipe holds less than this, and its reader is slower than its writer."""
    done = subprocess.run([sys.executable, "-c", SLOWLY_READ], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "1000000\n")


UNREAD = """
import os
from hf_oidc.cli import streams
for _ in range(20):
    streams.tell("message")
os.read(int(os.environ["PIPE"]), 65536)
for thread in streams.LATE:
    thread.join()
streams.tell("at last")
"""


def test_messages_that_are_not_read_do_not_add_up() -> None:
    """The first is waited for, and written when there is room. The next ones are dropped, until there is."""
    reading, writing = full_pipe()
    command, env = [sys.executable, "-c", UNREAD], {**os.environ, "PIPE": str(reading)}
    # Twenty of them would take 100 seconds.
    done = subprocess.run(command, env=env, stderr=writing, pass_fds=[reading], timeout=60, check=False)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().lstrip(b".")
    assert (done.returncode, said) == (0, b"message\nat last\n")


WITHOUT_A_THREAD = """
import resource, threading
from hf_oidc.cli import streams
threading.stack_size(1 << 30)
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (1 << 28)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    streams.tell(str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_message_needs_no_thread() -> None:
    """A process that can start none says so."""
    command = [sys.executable, "-c", WITHOUT_A_THREAD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "can't start new thread\n")


@pytest.mark.parametrize(("place", "why"), [("file", "goes to a file"), (os.devnull, "goes nowhere")])
def test_a_mask_that_no_runner_hears_of_is_no_mask(stage: Stage, place: str, why: str) -> None:
    """The file would hold the token, and the log would show it: there is none."""
    path = stage.tmp_path / place  # of an absolute path, that path
    with path.open("wb") as errors:
        env = stage.world() | {"GITHUB_ACTIONS": "true"}
        done = subprocess.run(
            [*CLI, "token", "acme/model"], env=env, stdout=subprocess.PIPE, stderr=errors, check=False
        )
    assert (done.returncode, done.stdout) == (1, b"")
    told = path.read_text()
    assert "add-mask" not in told
    assert not path.is_file() or (why in told and told.count("Next: ") == 1 and ERRORS_TO_THE_LOG in told)
