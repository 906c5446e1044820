"""`make bench`: measures everything, prints it, and writes docs/development/benchmarks.md with the machine."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import image, process
from benchmarks.job import job
from benchmarks.stopwatch import started
from benchmarks.table import cpuinfo, machine
from release.lock import ROOT

DOCUMENT = ROOT / "docs/development/benchmarks.md"
TEXT = """\
# Benchmarks

What a login takes, beside what people would use instead. `make bench` takes these figures anew and writes this file.

Machines differ and are noisy, so there is no time here: every figure is a size, or the ratio of two things that were
measured in turn, and the median of {rounds} rounds. All programs ask the same local server, which answers at once; a
network adds the same to each of them. Taken on {machine}.

## The process

{process}

The floor is curl, in C. All others are the same Python with their byte-code at hand. The action checks what it
receives, masks it and hands it over; the third line is what its three dependencies take before anything is done,
imported plainly. `huggingface_hub` is asked for a token as a program that uses it would ask. The native door has no
byte-code: one archive serves every Python from 3.10 on, so each run compiles it.

## Several resources in one step

{several}

Here the server takes a tenth of a second for each answer. At most eight logins are under way at once.

## The image

{sizes}

## The step

{step}

Each line is a container of the same image, and has all that is in the line before: what Docker takes, the interpreter,
its three libraries, the login.

## A machine's first use of the image

{first_use}
"""


def main() -> None:
    """Take every figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each program is run (default: %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="hf-oidc-bench-") as temporary:
        text = TEXT.format(rounds=rounds, machine=machine(cpuinfo(), os.cpu_count() or 1), **_taken(temporary, rounds))
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
        }


if __name__ == "__main__":
    main()
