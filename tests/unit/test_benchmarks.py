"""The benchmarks count right, stop at what failed, and describe a machine without naming it."""

import sys
from pathlib import Path

import pytest
import requests

from benchmarks import agent, exchanges
from benchmarks.agent import Watched
from benchmarks.job import LOOPBACK, job
from benchmarks.process import report
from benchmarks.stopwatch import Compared, Program, Run, compared, in_turn, started
from benchmarks.table import machine, mb, mib, table, times

MIB = 1024 * 1024
PYTHON = sys.executable
SCRIPT = Path(__file__).parents[2] / "benchmarks/plain_requests.py"


def test_programs_are_compared_round_by_round() -> None:
    """A round in which everything was slow changes no ratio; the median leaves out the round that was odd."""
    base = [Run(1.0, 1.0, MIB), Run(10.0, 2.0, MIB), Run(2.0, 1.0, MIB)]
    other = [Run(3.0, 2.0, 4 * MIB), Run(30.0, 4.0, 5 * MIB), Run(100.0, 9.0, 60 * MIB)]
    programs = [Program("base", []), Program("other", [])]
    assert compared(programs, [base, other]) == [
        Compared("base", 1.0, 1.0, MIB),
        Compared("other", 3.0, 2.0, 5 * MIB),
    ]


@pytest.mark.process
def test_programs_run_in_turn_and_the_first_round_is_not_counted(tmp_path: Path) -> None:
    """Prepared before, checked after, each round in the same order."""
    log = tmp_path / "log"
    said: list[str] = []

    def writing(name: str) -> list[list[str]]:
        return [[PYTHON, "-I", "-S", "-c", f"open({str(log)!r}, 'a').write({name!r})"]]

    programs = [
        Program("a", writing("a") * 2, lambda: said.append("prepare a")),
        Program("b", writing("b"), check=lambda: said.append("check b")),
    ]
    with started({}) as start:
        runs = in_turn(start, programs, 2)
    assert [len(each) for each in runs] == [2, 2]
    assert log.read_text() == "aab" * 3
    assert said == ["prepare a", "check b"] * 3


@pytest.mark.process
def test_a_run_is_measured() -> None:
    """Time passes, and an interpreter takes some memory, but not the stopwatch's."""
    with started({}) as start:
        run = start([PYTHON, "-I", "-S", "-c", "pass"])
    assert run.wall > 0
    assert run.cpu >= 0
    assert run.peak > MIB


@pytest.mark.process
def test_a_program_that_fails_is_no_figure() -> None:
    """It ends the benchmark."""
    with pytest.raises(ChildProcessError, match="ended with status"), started({}) as start:
        start([PYTHON, "-I", "-S", "-c", "raise SystemExit(3)"])


@pytest.mark.process
@pytest.mark.parametrize(("address", "scheme"), [(LOOPBACK, "http"), ("127.0.0.2", "https")])
def test_the_contestants_log_in_at_the_server(tmp_path: Path, address: str, scheme: str) -> None:
    """The job's variables are those that the action reads, and its server grants a token: by TLS on other addresses."""
    with job(tmp_path, address=address) as the_job, started(the_job.env) as start:
        assert the_job.hub.startswith(f"{scheme}://{address}:")
        program = Program("", [[PYTHON, "-I", "-m", "hf_oidc.action"]], the_job.renew, the_job.require_token)
        assert len(in_turn(start, [program], 1)[0]) == 1


@pytest.mark.process
def test_a_login_that_is_half_done_is_no_figure(tmp_path: Path) -> None:
    """Whoever mints and does not exchange was not faster."""
    with pytest.raises(ValueError, match="1 calls for an ID token, and 0 exchanges"), job(tmp_path) as the_job:
        requests.get(the_job.env["ACTIONS_ID_TOKEN_REQUEST_URL"], timeout=240)


@pytest.mark.process
def test_a_step_without_a_token_is_no_figure(tmp_path: Path) -> None:
    """The step ended well, and nobody has a token: that was no login."""
    with job(tmp_path) as the_job:
        the_job.renew()
        with pytest.raises(ValueError, match="left no token"):
            the_job.require_token()


def test_the_report_compares_with_curl_and_with_huggingface_hub() -> None:
    """Two floors, one line each."""
    figures = [
        Compared("curl", 1.0, 1.0, 10 * MIB),
        Compared("the action", 6.25, 6.5, 24 * MIB),
        Compared("huggingface_hub", 12.5, 14.0, 31 * MIB),
    ]
    lines = report(figures).splitlines()
    assert lines[3] == "| the action | 6.2 | 0.50 | 6.5 | 24.0 MiB |"


def test_a_table_is_markdown() -> None:
    """Figures stand at the right."""
    assert table(("what", "ratio"), [("a", times(1.234)), ("b", times(12.34))]) == (
        "| what | ratio |\n| --- | ---: |\n| a | 1.23 |\n| b | 12.3 |"
    )


def test_sizes_have_their_units() -> None:
    """Memory in the unit of operating systems, images in that of registries."""
    assert (mib(24.5 * MIB), mb(12_340_000)) == ("24.5 MiB", "12.3 MB")


@pytest.mark.parametrize(
    ("cpuinfo", "said"),
    [("processor : 0\nmodel name\t: A Processor\n", "4 cores (A Processor), "), ("", "4 cores (")],
)
def test_a_machine_is_described_by_its_kind(cpuinfo: str, said: str) -> None:
    """Linux names the processor; elsewhere its architecture must do."""
    assert machine(cpuinfo, 4).startswith(said)


@pytest.mark.process
def test_the_plain_script_logs_in(tmp_path: Path) -> None:
    """It does what the others do, or it would not be one of them."""
    with job(tmp_path) as the_job, started(the_job.env) as start:
        program = Program("", [[PYTHON, "-I", str(SCRIPT)]], the_job.renew, the_job.require_token)
        assert len(in_turn(start, [program], 1)[0]) == 1


def test_an_hour_of_the_agent_is_computed_from_its_parts() -> None:
    """The start, five renewals, and as much as it takes to wait for an hour; each beside one login."""
    waiting = Watched(start=0.5, afterwards=0.003, renewals=0, peak=20 * MIB)
    renewing = Watched(start=0.5, afterwards=0.0015 + 10 * 0.05, renewals=10, peak=25 * MIB)
    assert agent.report(0.5, waiting, renewing).splitlines()[2:] == [
        "| the start, with the first login | 1.00 |",
        "| a renewal | 0.10 |",
        "| an hour of waiting | 0.72 |",
        "| an hour in all, with 5 renewals | 2.2 |",
        "| peak memory | 25.0 MiB |",
    ]


@pytest.mark.process
def test_the_agent_is_watched_while_it_renews(tmp_path: Path) -> None:
    """Tokens of one second are renewed within a second; the server says how often."""
    with job(tmp_path, lifetime=1, to_the_end=False) as the_job:
        watched = agent.watch(the_job, 1.0)
    assert watched.renewals > 0
    assert watched.start > 0
    assert watched.afterwards > 0
    assert watched.peak > MIB


def test_exchanges_are_compared_round_by_round() -> None:
    """As programs are."""
    assert exchanges.report([(1.0, 2.0), (10.0, 20.0), (1.0, 9.0)]).splitlines()[-1] == "| Local Hub | 2.0 |"


@pytest.mark.process
def test_all_exchanges_of_a_round_are_granted(tmp_path: Path) -> None:
    """Both servers grant them; a round with a refusal raises an error."""
    assert "| Local Hub |" in exchanges.measure(tmp_path / "exchanges", 1, at_once=5)
    with (
        exchanges.served(["-m", "benchmarks.bare_route"]) as bare,
        pytest.raises(ValueError, match="0 of 5 exchanges"),
    ):
        exchanges.time_round(bare, b'{"subject_token": "not.signed.here"}', at_once=5)
