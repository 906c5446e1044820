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
{newest}

## What makes a login faster

Millions of instructions of the action's process (valgrind's callgrind, CPython 3.11.7, 2026-11-27), each beside the one
before:

| the action | instructions |
| --- | ---: |
| with its libraries as they are | 524 |
| without the modules of these that no login uses, and without a search for garbage | 370 |
| and without the regular expressions that no login uses | 329 |
| and with all modules in one block of byte-code, without docstrings | 297 |
| and with annotations that are not compiled | 284 |
| an interpreter that does nothing | 37 |

## Several resources in one step

{several}

Here the server takes a tenth of a second for each response. At most eight logins run at the same time.

## The image

{sizes}

## The step

{step}

Each line is a container of the same image and includes the line before: Docker, the interpreter, its three libraries,
the login.

## A machine's first use of the image

{first_use}

## The agent

{agent}

`hf-oidc agent` beside one `hf-oidc token`. It renews a token of an hour four or five times in that hour.

## Local Hub

{exchanges}

The same client opens all connections to one of the two, in turn; its own time is a part of both figures. Local Hub also
parses the claims, finds the publisher, signs nothing, and commits the exchange and its token to its log.
"""


def main() -> None:
    """Take every figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each program is run (default: %(default)s)")
    parser.add_argument("--newest", metavar="COMMAND", help="another Python, for a second table of the process")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    with tempfile.TemporaryDirectory(prefix="hf-oidc-bench-") as temporary:
        taken = _taken(temporary, rounds)
    newest = _with(arguments.newest, rounds) if arguments.newest else ""
    text = TEXT.format(rounds=rounds, machine=machine(cpuinfo(), os.cpu_count() or 1), newest=newest, **taken)
    sys.stdout.write(text)
    DOCUMENT.write_text(text, encoding="utf-8")


def _taken(temporary: str, rounds: int) -> dict[str, str]:
    folder = Path(temporary)
    (folder / "job").mkdir()
    (folder / "slow").mkdir()
    with job(folder / "slow", process.SLOW) as slow, started(slow.env) as start:
        several = process.several(start, folder / "several", slow, rounds)
    with job(folder / "job") as the_job, started(the_job.env) as start:
        image.build(folder / "image")
        return {
            "process": process.measure(start, folder / "process", the_job, rounds),
            "several": several,
            "sizes": image.sizes(),
            "step": image.step(start, the_job, rounds),
            "first_use": image.first_use(start, folder / "image", the_job, rounds),
            "agent": agent.measure(folder / "agent", process.cpu_of_a_login),
            "exchanges": exchanges.measure(folder / "exchanges", rounds),
        }


def _with(python: str, rounds: int) -> str:
    output = subprocess.run(
        [python, "-m", "benchmarks.process", str(rounds)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    version = subprocess.run([python, "-V"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return f"\nThe same with {version.replace('Python', 'CPython')}:\n\n{output}"


if __name__ == "__main__":
    main()
