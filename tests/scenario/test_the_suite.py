"""What tests/conftest.py promises of every test run, shown by runs of pytest on tests that were made for that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAILS = """
from tests import evidence
from tests.local_hub_process import local_hub

def test_passes():
    evidence.note("A program", "heard in another test")

def test_fails():
    evidence.note("A program", "its last words")
    with local_hub() as hub:
        hub.exchange("no-token", "acme/model")
        assert False
"""
STARTS = """
import os, subprocess, sys, pytest

@pytest.mark.parametrize("start", [
    lambda: subprocess.run([sys.executable, "-c", ""]),
    lambda: os.system("true"),
    lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
])
def test_starts(start):
    start()

@pytest.mark.process
def test_starts_and_says_so():
    os.system("true")

def test_is_the_last():
    pass
"""


def run(folder: Path, name: str, text: str) -> str:
    """What pytest says of a file of tests that is there under this name."""
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    options = ["--rootdir", str(folder), "-p", "tests.conftest", "-W", "ignore", "-q"]
    # The settings of this project are not read there: the order is to be that of the file.
    plugins = ["-p", "no:cacheprovider", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", "--override-ini=markers=process", *plugins, *options, name]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False).stdout


def test_a_failure_shows_what_the_programs_of_the_test_have_said(tmp_path: Path) -> None:
    """Of that test alone; a server's log too, although the server has ended when the report is made."""
    said = run(tmp_path, "tests/scenario/test_it.py", FAILS)
    assert "1 failed, 1 passed" in said
    assert "its last words" in said
    assert "heard in another test" not in said
    assert "What Local Hub said" in said


def test_a_unit_test_that_starts_a_process_says_so(tmp_path: Path) -> None:
    """Whatever it starts it with: `make unit` is to stay what it is."""
    said = run(tmp_path, "tests/unit/test_it.py", STARTS)
    assert "5 passed, 3 errors" in said
    assert said.count("starts a process: mark it with `process`") >= 3


@pytest.mark.parametrize("folder", ["scenario", "contract"])
def test_other_tests_may_start_processes(tmp_path: Path, folder: str) -> None:
    """That is what they are for."""
    assert "5 passed" in run(tmp_path, f"tests/{folder}/test_it.py", STARTS)
