"""What holds for the whole test run: signals, the order of files, what a failure shows, and what was not run."""

from __future__ import annotations

import os
import resource
import signal
import uuid
from collections.abc import Generator

import hypothesis
import pytest
from coverage import Coverage
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import evidence
from tests.action_process import COVERAGE_CONFIG, MEASURED_BY
from tests.e2e.engines import remove_images
from tests.engines import TEST_RUN

# A shell ignores SIGINT and SIGQUIT in what it starts in the background, and nohup SIGHUP; a process hands that on to
# what it starts in turn, and none would reach the processes under test. What is set here is not handed on.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# The same examples in every run: a change is never refused, nor let through, at random.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same")
# act names containers after workflows and jobs, and images after actions: two runs at the same time would share them.
RUN_ACT = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "github_examples",
        "library_examples",
        "act",
        "native",
        "several_and_git",
        "long_training",
        "publish",
        "dist",
    )
)
EACH_ALONE = "tests/e2e/test_image.py::test_the_stories_are_the_same"
LONGEST = (
    *RUN_ACT,
    *(
        f"tests/e2e/test_{name}.py"
        for name in (
            *("image", "pages_browser", "clients", "container", "interpreters", "examples", "release_rehearsal"),
            "agent_examples",
        )
    ),
    *(
        f"tests/scenario/test_{name}.py"
        for name in ("run_keep_fresh", "faults", "agent", "long_job", "side_by_side", "long_agent", "cli_streams")
    ),
)
# What `make unit` and `make test` say to pytest.
QUICK, NO_ENGINES = "not process and not slow", "tests/e2e"
BEFORE = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the run, for its workers too."""
    if TEST_RUN not in os.environ:
        os.environ[TEST_RUN] = uuid.uuid4().hex
        config.add_cleanup(remove_images)


class Together(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Which tests go to the same worker: those of a file, for they share servers, and all that run act."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(EACH_ALONE):
            return nodeid
        path = nodeid.partition("::")[0]
        return "act" if path in RUN_ACT else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hand out tests as `Together` says."""
    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; in any other order, random ones included, they would be waited for."""
    items.sort(key=lambda item: LONGEST.index(path) if (path := _path(item)) in LONGEST else len(LONGEST))


def _path(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def pytest_collection_finish() -> None:
    """Measure the coverage of no process that tests start, but where they ask for it: most run no code of ours."""
    if COVERAGE_CONFIG in os.environ:
        os.environ[MEASURED_BY] = os.environ.pop(COVERAGE_CONFIG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure show what the programs of the test have said."""
    report = yield
    if report.failed:
        report.sections += evidence.sections()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Forget what earlier tests have said, and note how much their processes have done."""
    evidence.begin()
    item.stash[BEFORE] = _done_by_processes()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage where Hypothesis generates much: tables reach the same lines, in half of the time."""
    generates = hypothesis.is_hypothesis_test(getattr(item, "obj", None)) and item.get_closest_marker("slow")
    measured = Coverage.current() if generates else None
    if measured is None:
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Fail a test in tests/unit that has started a process, and does not say so."""
    if nextitem is None:
        return  # the last one ends the processes that other tests have shared
    is_pure = _path(item).startswith("tests/unit/") and not item.get_closest_marker("process")
    # With the last test of all, servers end that others have shared.
    assert not is_pure or nextitem is None or _done_by_processes() == item.stash[BEFORE], (
        f"{item.nodeid} starts a process: mark it with `process`, or let it start none"
    )


def _done_by_processes() -> int:
    # Pages of memory, of processes that were started and waited for. Not by an audit hook, for with one a thread
    # that begins while another does cannot be measured (CPython 3.11's sys.settrace).
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what this run has left out."""
    left_out = {
        "tests that start a process or take a second: make test": config.option.markexpr == QUICK,
        "tests/e2e, which needs engines: make test-all": NO_ENGINES in (config.option.ignore or ()),
    }
    for what, is_left_out in left_out.items():
        if is_left_out:
            terminalreporter.write_line(f"Not run: {what}")
