"""What a process of ours leaves out, and how it ends.

A process: what is changed here holds for a whole interpreter.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


def python(program: str, stdout: "int | None" = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    """A process that runs `program`."""
    command = [sys.executable, "-I", "-c", program]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_the_action_compiles_no_annotation() -> None:
    """Named tuples work all the same, and the collector waits until it is turned on again."""
    program = """
import sys
compiled = []
sys.addaudithook(lambda event, given: compiled.append(given[0]) if event == "compile" else None)
from hf_oidc import entry_point
entry_point.skip_unneeded_work()
import gc, hf_oidc.action
from hf_oidc.errors import Attempt
annotations = {text.encode() for text in ("str", "int", "bool", "Where | None")}
print(gc.isenabled(), Attempt("a-code", None, 1, 2)._asdict()["wait"], annotations.intersection(compiled))
"""
    assert python(program).stdout == "False 2 set()\n"
    compiling = python(program.replace("entry_point.skip_unneeded_work()", "")).stdout
    assert compiling.startswith("True 2 {") or sys.version_info >= (3, 14)


def test_an_annotation_that_is_evaluated_all_the_same_is_an_error() -> None:
    """It is not silently something else. Python 3.14 compiles none of them, and evaluates each."""
    program = """
from hf_oidc import entry_point
entry_point.skip_unneeded_work()
import typing
print(typing.get_type_hints(typing.NamedTuple("Pair", [("first", "int")])))
"""
    run = python(program)
    assert "this process does not evaluate annotations" in run.stderr or sys.version_info >= (3, 14)


@pytest.mark.parametrize("exit_code", [0, 2, 130])
def test_a_process_ends_with_its_exit_code(exit_code: int) -> None:
    """And with all that it has printed."""
    run = python(f"from hf_oidc import entry_point; print('x', end=''); entry_point.end({exit_code})")
    assert (run.returncode, run.stdout, run.stderr) == (exit_code, "x", "")


def test_output_that_was_closed_does_not_matter() -> None:
    """There is nothing to write then."""
    program = "import sys; sys.stdout = None; from hf_oidc import entry_point; entry_point.end(3)"
    assert python(program).returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_output_that_cannot_be_written_is_told() -> None:
    """As Python tells it of every program."""
    with Path("/dev/full").open("w") as full:
        run = python("from hf_oidc import entry_point; print('x'); entry_point.end(0)", full.fileno())
    assert run.returncode == 120
    assert "No space left on device" in run.stderr
