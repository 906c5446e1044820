"""What `hf-oidc agent` costs while it waits and renews, beside one login of `hf-oidc token`.

An hour is computed: the start, an hour of waiting, and as many renewals as an hour has. Each of the three is measured.
The CPU time is read from the clock that Linux keeps for each process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import requests

from benchmarks.job import Job, job
from benchmarks.process import NO_RUNNER, cpu_of_a_login
from benchmarks.server import COUNTS
from benchmarks.table import mib, table, times
from hf_oidc.renewal import EARLIEST

# Token lifetimes in seconds: LONG is never renewed during a measurement, SHORT many times.
LONG, SHORT = 3600, 1
WAITING, RENEWING = 30.0, 15.0  # seconds
HOUR = 3600.0
# As often as it can be: the agent renews a token when a fifth of its lifetime has passed, or later.
RENEWALS_IN_AN_HOUR = int(HOUR / (LONG * EARLIEST))


class Watched(NamedTuple):
    """One run of the agent: CPU seconds until it was ready, CPU seconds after that, renewals, peak memory in bytes."""

    start: float
    afterwards: float
    renewals: int
    peak: int


def measure(folder: Path) -> str:
    """The table, as Markdown."""
    folder.mkdir()
    with job(folder, lifetime=LONG) as the_job:
        base, waiting = cpu_of_a_login(the_job), watch(the_job, WAITING)
    with job(folder, lifetime=SHORT, to_the_end=False) as the_job:  # it may be stopped during a login
        renewing = watch(the_job, RENEWING)
    return report(base, waiting, renewing)


def report(base: float, waiting: Watched, renewing: Watched) -> str:
    """`base`: seconds of CPU of one login."""
    second = waiting.afterwards / WAITING
    renewal = (renewing.afterwards - second * RENEWING) / renewing.renewals
    costs = {
        "the start, with the first login": waiting.start,
        "a renewal": renewal,
        "an hour of waiting": second * HOUR,
        f"an hour in all, with {RENEWALS_IN_AN_HOUR} renewals": waiting.start
        + second * HOUR
        + renewal * RENEWALS_IN_AN_HOUR,
    }
    rows = [(name, times(cost / base)) for name, cost in costs.items()]
    return table(("`hf-oidc agent`", "CPU ÷ a login's"), [*rows, ("peak memory", mib(renewing.peak))])


def watch(the_job: Job, seconds: float) -> Watched:
    """Run an agent for so long after it is ready."""
    ready = the_job.folder / "ready"
    files = ["--token-file", str(the_job.folder / "token"), "--ready-file", str(ready)]
    command = [*NO_RUNNER, sys.executable, "-I", "-m", "hf_oidc", "agent", "acme/model", "--provider", "github", *files]
    with subprocess.Popen(
        command, env=dict(the_job.env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as agent:
        while not ready.exists():
            if agent.poll() is not None:
                raise ChildProcessError(f"the agent ended with status {agent.returncode}")
            time.sleep(0.01)
        start, before = cpu(agent.pid), _exchanges(the_job)
        time.sleep(seconds)
        afterwards, renewals = cpu(agent.pid) - start, _exchanges(the_job) - before
        status = Path(f"/proc/{agent.pid}/status").read_text(encoding="utf-8")
        agent.send_signal(signal.SIGTERM)
    return Watched(start, afterwards, renewals, int(status.split("VmHWM:")[1].split()[0]) * 1024)


def cpu(pid: int) -> float:
    """Seconds of CPU of a process so far."""
    # The number of its clock, as clock_getcpuclockid(3) computes it.
    return time.clock_gettime(~pid << 3 | 2)


def _exchanges(the_job: Job) -> int:
    counts = requests.get(the_job.hub + COUNTS, timeout=60).json()
    return int(counts["POST"])
