"""Times processes, in turn. It knows how they are started and whether they failed, and not what they do.

Machines are noisy, and what disturbs one program disturbs the next one too: so programs are run round by round, each
is compared with the first one of the same round, and the median of the rounds counts.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

STARTER = Path(__file__).with_name("starter.py")
Command = Sequence[str]


class Program(NamedTuple):
    """Commands that are run one after the other. `prepare` is called before and `check` after, both untimed."""

    name: str
    commands: Sequence[Command]
    prepare: Callable[[], object] = lambda: None
    check: Callable[[], object] = lambda: None


class Run(NamedTuple):
    """Seconds by the clock, seconds of CPU, and bytes of memory at the highest."""

    wall: float
    cpu: float
    peak: int


class Compared(NamedTuple):
    """Medians over all rounds: times as multiples of the first program's, memory in bytes."""

    name: str
    wall: float
    cpu: float
    peak: int


Start = Callable[[Command], Run]


@contextmanager
def started(env: Mapping[str, str]) -> Iterator[Start]:
    """Runs a command with this environment. Raises `ChildProcessError` if it fails."""
    command = [sys.executable, "-I", "-S", str(STARTER)]
    with subprocess.Popen(command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        stdin, stdout = starter.stdin, starter.stdout
        if not stdin or not stdout:
            raise ChildProcessError("the starter has no pipes")

        def start(command: Command) -> Run:
            stdin.write(json.dumps(command) + "\n")
            stdin.flush()
            wall, cpu, peak, status = json.loads(stdout.readline())
            if status != 0:
                raise ChildProcessError(f"{' '.join(command)} ended with status {status}")
            return Run(wall, cpu, peak)

        yield start


def in_turn(start: Start, programs: Sequence[Program], rounds: int) -> list[list[Run]]:
    """All programs, `rounds` times; a list of runs for each. One round before that is not counted: it fills caches."""
    runs = [[timed(start, program) for program in programs] for _ in range(rounds + 1)][1:]
    return [list(column) for column in zip(*runs, strict=True)]


def timed(start: Start, program: Program) -> Run:
    """One run of all its commands."""
    program.prepare()
    runs = [start(command) for command in program.commands]
    program.check()
    return Run(sum(run.wall for run in runs), sum(run.cpu for run in runs), max(run.peak for run in runs))


def compared(programs: Sequence[Program], runs: Sequence[Sequence[Run]]) -> list[Compared]:
    """Each program beside the first."""
    first = runs[0]
    return [
        Compared(
            program.name,
            statistics.median(run.wall / base.wall for run, base in zip(own, first, strict=True)),
            statistics.median(run.cpu / base.cpu for run, base in zip(own, first, strict=True)),
            int(statistics.median(run.peak for run in own)),
        )
        for program, own in zip(programs, runs, strict=True)
    ]
