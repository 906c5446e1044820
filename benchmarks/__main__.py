"""`make bench`: measures everything, prints it, and writes docs/development/benchmarks.md with the machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import agent, exchanges, image, process
from benchmarks.job import job
from benchmarks.stopwatch import started
from benchmarks.table import cpuinfo, machine
from release.lock import ROOT

DOCUMENT = ROOT / "docs/development/benchmarks.md"
TEXT = """\
# Benchmarks

The cost of a login, compared with the alternatives. `make bench` measures again and writes this file.

Machines differ and are noisy, so these figures are not times. Each is a size, or the ratio of two programs that ran in
turn, as the median of {rounds} rounds. All programs call the same local server, which answers at once; a network adds
the same time to each. Measured on {machine}.

## The process

{process}

curl, in C, is the baseline. All other programs use the same Python with cached byte-code. The action checks, masks
and delivers the token, and has its modules in one block of byte-code, as in its image; the third line is only the
import of its three dependencies. `huggingface_hub` is called as a program would call it. The native action is one
archive, with the byte-code of each supported Python.
{second}

## Several resources in one step

{several}

Here the server takes a tenth of a second for each response. At most eight logins run at the same time.

## The image

{sizes}

## The step

{step}

Each line is a container of the same image and includes the line before: Docker, the interpreter, its three libraries,
the login. GitHub's runner starts an action's container in Docker's own network, which takes Docker as long again. The
server has TLS there, and none in the host's network.

## A machine's first use of the image

{first_use}

## The build of a checkout

{builds}

Of three builds, in turn, without a cache, on a base image that is already there. A runner builds the image in each job
that uses a checkout of this action.

## The agent

{agent}

Compared with one `hf-oidc token`. The agent renews a one-hour token four or five times an hour.

## Local Hub

{exchanges}

One client sends all requests, to each server in turn; both figures include its own time. Local Hub also parses the
claims, finds the publisher, and commits the exchange and its token to its log.
"""


def main() -> None:
    """Take every figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each program is run (default: %(default)s)")
    parser.add_argument(
        "--second-python", metavar="COMMAND", help="add a table of processes measured with this interpreter"
    )
    arguments = parser.parse_args()
    rounds = arguments.rounds
    with tempfile.TemporaryDirectory(prefix="hf-oidc-bench-") as temporary:
        taken = _taken(temporary, rounds)
    second = _second_table(arguments.second_python, rounds) if arguments.second_python else ""
    text = TEXT.format(rounds=rounds, machine=machine(cpuinfo(), os.cpu_count() or 1), second=second, **taken)
    sys.stdout.write(text)
    DOCUMENT.write_text(text, encoding="utf-8")


def _taken(temporary: str, rounds: int) -> dict[str, str]:
    folder = Path(temporary)
    for name in ("slow", "runner", "job"):
        (folder / name).mkdir()
    with job(folder / "slow", process.SLOW) as slow, started(slow.env) as start:
        several = process.several(start, folder / "several", slow, rounds)
    with job(folder / "job") as the_job, started(the_job.env) as start:
        image.build(folder / "image")
        with job(folder / "runner", address=image.bridge()) as runner, started(runner.env) as start_in_runner:
            of_a_runner = image.step(start_in_runner, runner, rounds)
        return {
            "process": process.measure(start, folder / "process", the_job, rounds),
            "several": several,
            "sizes": image.sizes(),
            "step": image.steps(of_a_runner, image.step(start, the_job, rounds)),
            "first_use": image.first_use(start, folder / "image", the_job, rounds),
            "builds": image.builds(start, folder / "image"),
            "agent": agent.measure(folder / "agent"),
            "exchanges": exchanges.measure(folder / "exchanges", rounds),
        }


def _second_table(python: str, rounds: int) -> str:
    output = subprocess.run(
        [python, "-m", "benchmarks.process", str(rounds)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    version = subprocess.run([python, "-V"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return f"\nThe same with {version.replace('Python', 'CPython')}:\n\n{output}"


if __name__ == "__main__":
    main()
