"""The process: the action beside what people would use instead, each installed separately.

All have the same interpreter, their byte-code, and the same server to ask. The floor is two calls of curl. `python -m
benchmarks.process ROUNDS` prints the table for the interpreter that runs it, which needs no other package.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.job import REQUEST_TOKEN, Job, job
from benchmarks.server import EXCHANGE
from benchmarks.stopwatch import Compared, Program, Start, compared, in_turn, started
from benchmarks.table import mib, table, times
from release import pyz
from release.lock import ROOT

OTHERS = ROOT / "requirements/benchmarks.txt"
HUGGINGFACE_HUB = "from huggingface_hub import get_token; get_token()"
# From files, as they are installed, and not from our block.
IMPORTS = "import gc, sys; gc.disable(); del sys.meta_path[0]; import requests, jwt, actions_toolkit.core; gc.freeze()"


def installed(folder: Path, requirements: Path) -> Path:
    """A new environment with these requirements and their byte-code; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "--requirement", str(requirements)], check=True)
    return python


def our_own(folder: Path) -> Path:
    """An environment with the action as its image has it, its modules in one block; its interpreter."""
    python = installed(folder, ROOT / "requirements/runtime.txt")
    (site_packages,) = folder.glob("lib/python3*/site-packages")
    shutil.copytree(ROOT / "src/hf_oidc", site_packages / "hf_oidc", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([python, "-m", "compileall", "-q", site_packages], check=True)
    subprocess.run([python, "-X", "no_debug_ranges", "-c", WRITE_BLOCK, site_packages], cwd=ROOT, check=True)
    # Debian's own sitecustomize would be imported instead.
    installed_importer = "import sys; sys.exit(type(sys.meta_path[0]).__name__ != 'BytecodeImporter')"
    subprocess.run([python, "-I", "-c", installed_importer], check=True)
    return python


def native(folder: Path) -> tuple[str, ...]:
    """The native action as a release has it; the arguments with which its action.yml starts Python."""
    pyz.build(folder / "hf-oidc.pyz")
    shutil.copy(ROOT / "native/launch.py", folder)
    return "-S", "-c", f"import os, runpy; runpy.run_path({str(folder / 'launch.py')!r}, run_name='__main__')"


# As the Dockerfile has it done.
WRITE_BLOCK = """import sys; from pathlib import Path; from release import image
folder = Path(sys.argv[1]); image.write_block(image.modules(folder, folder), folder, folder)"""
# With GITHUB_ACTIONS, it would refuse to log in: no runner could read its mask on the null device.
NO_RUNNER = ("/usr/bin/env", "-u", "GITHUB_ACTIONS")
TOKEN = ("-I", "-m", "hf_oidc", "token", "acme/model", "--provider", "github")
SLOW = 0.1  # seconds, as a server that is far away
MANY = 16


def several(start: Start, folder: Path, job: Job, rounds: int) -> str:
    """One step for many resources beside a step for one, at a server that takes `SLOW` for each answer."""
    action = [str(our_own(folder)), "-I", "-m", "hf_oidc.action"]
    programs = []
    for number in (1, MANY):
        resources = "\n".join(f"TOKEN_{each}=acme/model-{each}" for each in range(number))
        command = ["/usr/bin/env", f"INPUT_RESOURCE={resources}", *action]
        programs.append(Program(str(number), [command], job.renew, job.require_token))
    rows = [(each.name, times(each.wall)) for each in compared(programs, in_turn(start, programs, rounds))]
    return table(("resources in one step", "÷ one"), rows)


def contestants(folder: Path, job: Job) -> list[Program]:
    """The floor first."""
    curl = shutil.which("curl")
    if not curl:
        raise FileNotFoundError("curl is needed, which is the floor")
    ours, others = our_own(folder / "ours"), installed(folder / "others", OTHERS)
    return [
        Program("two `curl` calls", _curl(curl, job)),
        _python("the action", job, ours, "-m", "hf_oidc.action"),
        _python("its imports of requests, PyJWT and actions-toolkit alone", job, ours, "-W", "ignore", "-c", IMPORTS),
        _python("a plain `requests` script", job, others, str(ROOT / "benchmarks/plain_requests.py")),
        _python("`huggingface_hub` 2.4.0, its own exchange", job, others, "-c", HUGGINGFACE_HUB),
        _python("the native action (`native/launch.py`)", job, ours, *native(folder / "native")),
        Program("`hf-oidc token`", [[*NO_RUNNER, str(ours), *TOKEN]], job.renew),
        _python("an interpreter that does nothing", job, ours, "-c", "pass"),
    ]


def _python(name: str, job: Job, python: Path, *arguments: str) -> Program:
    return Program(name, [[str(python), "-I", *arguments]], job.renew)


def _curl(curl: str, job: Job) -> list[list[str]]:
    # As a person would in two lines of shell, were it not for the tokens in argument lists.
    body = json.dumps({"subject_token": "x" * 1500, "resource": "acme/model"})
    mint = [curl, "-sSf", "-H", f"Authorization: Bearer {REQUEST_TOKEN}", f"{job.env['ACTIONS_ID_TOKEN_REQUEST_URL']}"]
    return [mint, [curl, "-sSf", "-H", "Content-Type: application/json", "-d", body, job.hub + EXCHANGE]]


def measure(start: Start, folder: Path, job: Job, rounds: int) -> str:
    """The table, as Markdown."""
    folder.mkdir()
    programs = contestants(folder, job)
    return report(compared(programs, in_turn(start, programs, rounds)))


def report(figures: Sequence[Compared]) -> str:
    """Each beside curl, and beside huggingface_hub."""
    hub = next(each for each in figures if "huggingface_hub" in each.name)
    rows = [
        (each.name, times(each.wall), times(each.wall / hub.wall), times(each.cpu), mib(each.peak)) for each in figures
    ]
    return table(("process", "÷ two curl calls", "÷ huggingface_hub", "CPU ÷ curl's", "peak memory"), rows)


def cpu_of_a_login(job: Job) -> float:
    """Seconds of CPU of one `hf-oidc token` of this checkout, the median of five."""
    with started(job.env) as start:
        return statistics.median(start([*NO_RUNNER, sys.executable, *TOKEN]).cpu for _ in range(5))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="hf-oidc-bench-") as temporary:
        folder = Path(temporary)
        with job(folder) as the_job, started(the_job.env) as start:
            print(measure(start, folder / "process", the_job, int(sys.argv[1])))


if __name__ == "__main__":
    main()
