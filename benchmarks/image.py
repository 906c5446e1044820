"""The image: its size, its step, and a machine's first use of it, beside the same program installed plainly.

The step is measured against the same image doing nothing, by the smallest program that is in it: what Docker takes, no
action can save. For the first use both images are one layer of their own, so that neither finds a part of itself there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.job import LOOPBACK, Job
from benchmarks.stopwatch import Command, Compared, Program, Start, compared, in_turn
from benchmarks.table import mb, table, times
from release.lock import ROOT

OURS, PLAIN, BASE = "hf-oidc-bench-action", "hf-oidc-bench-plain", "debian:trixie-slim"
# The smallest first.
PYTHON = "/opt/hf-oidc/bin/python3"
LOGIN = (PYTHON, "-I", "-m", "hf_oidc.action")  # in both images
NOTHING = (["/bin/true"], ["/bin/busybox", "true"], [PYTHON, "-I", "-S", "-c", "pass"])
# As a login has them: without what it does not use of them, and no garbage looked for.
IMPORTS = """import gc; gc.disable()
from hf_oidc import deferred_imports
with deferred_imports.imports(): import requests, jwt, actions_toolkit.core
gc.freeze()"""
CHUNK = 1024 * 1024
BUILDS = 3  # rounds; each takes half a minute


class Size(NamedTuple):
    """Bytes: of `docker save`, compressed by gzip, and of what is unpacked from it."""

    compressed: int
    unpacked: int


def build(folder: Path) -> None:
    """Both images: ours from its Dockerfile, the plain one with a wheel of the same sources."""
    folder.mkdir()
    docker("build", "--quiet", "--tag", OURS, str(ROOT))
    shutil.copy(ROOT / "benchmarks/plain.Dockerfile", folder / "Dockerfile")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", folder, ROOT], check=True)
    docker("build", "--quiet", "--tag", PLAIN, str(folder))


def sizes() -> str:
    """The table of sizes, as Markdown."""
    measured = {
        "the action's image": size(OURS),
        f"`{BASE}`, which has no Python": size(BASE),
        f"the same program by `pip install` on `{BASE}`": size(PLAIN),
    }
    ours = measured["the action's image"]
    rows = [
        (name, mb(each.compressed), mb(each.unpacked), times(each.compressed / ours.compressed))
        for name, each in measured.items()
    ]
    return table(("image", "compressed", "unpacked", "compressed ÷ ours"), rows)


def size(image: str) -> Size:
    """What is pulled, and what lies on the disk then."""
    (inspected,) = json.loads(docker("image", "inspect", image))
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:  # noqa: S607 - the PATH's
        gzip = zlib.compressobj(wbits=31)
        chunks = iter(lambda: save.stdout.read(CHUNK) if save.stdout else b"", b"")
        compressed = sum(len(gzip.compress(chunk)) for chunk in chunks) + len(gzip.flush())
    return Size(compressed, inspected["Size"])


def step(start: Start, job: Job, rounds: int) -> list[Compared]:
    """The step beside one that does nothing."""
    nothing = next(command for command in NOTHING if _runs(command))

    def instead(*command: str) -> list[Command]:
        return [_in(OURS, job, *command)]

    programs = [
        Program(f"nothing: `{' '.join(nothing)}`", instead(*nothing)),
        Program("an interpreter that does nothing", instead(PYTHON, "-I", "-c", "pass")),
        Program("its imports of requests, PyJWT and actions-toolkit alone", instead(PYTHON, "-I", "-c", IMPORTS)),
        Program("a login", instead(*LOGIN), job.renew, job.require_token),
    ]
    return compared(programs, in_turn(start, programs, rounds))


def steps(of_a_runner: Sequence[Compared], of_the_host: Sequence[Compared]) -> str:
    """The table of the step in both networks, as Markdown."""
    rows = [
        (runner.name, times(runner.wall), times(host.wall))
        for runner, host in zip(of_a_runner, of_the_host, strict=True)
    ]
    return table(("`docker run` of the image", "÷ nothing, as a runner starts it", "÷ nothing, host's network"), rows)


def bridge() -> str:
    """This machine's address for containers that are in Docker's own network, as those of a runner are."""
    return docker("network", "inspect", "--format={{(index .IPAM.Config 0).Gateway}}", "bridge").strip()


def builds(start: Start, folder: Path) -> str:
    """The table of building both images without a cache, as Markdown. `folder`: where `build` has put the plain one."""
    build_command = [_program(), "build", "--quiet", "--no-cache"]
    programs = [
        Program("the action's image", [[*build_command, "--tag", OURS, str(ROOT)]]),
        Program("the plain image", [[*build_command, "--tag", PLAIN, str(folder)]]),
    ]
    figures = compared(programs, in_turn(start, programs, BUILDS))
    return table(("`docker build`", "÷ ours"), [(each.name, times(each.wall)) for each in figures])


def first_use(start: Start, folder: Path, job: Job, rounds: int) -> str:
    """The table of a machine's first use, as Markdown."""
    programs = [_first_use(name, image, folder, job) for name, image in (("the action's", OURS), ("the plain", PLAIN))]
    figures = compared(programs, in_turn(start, programs, rounds))
    return table(
        ("`docker load` and first login", "÷ ours"), [(f"{each.name} image", times(each.wall)) for each in figures]
    )


def _first_use(name: str, image: str, folder: Path, job: Job) -> Program:
    single, archive = f"{image}-single", str(folder / f"{image}.tar")
    _flatten(image, single)
    docker("save", "--output", archive, single)
    load = [_program(), "load", "--quiet", "--input", archive]

    def prepare() -> None:
        docker("image", "rm", "--force", single)
        job.renew()

    return Program(name, [load, _in(single, job, *LOGIN)], prepare, job.require_token)


def _flatten(image: str, name: str) -> None:
    container = docker("create", image, "true").strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:  # noqa: S607 - the PATH's
            command = [_program(), "import", "-", name]
            subprocess.run(command, stdin=export.stdout, stdout=subprocess.DEVNULL, check=True)
    finally:
        docker("rm", container)


def _in(image: str, job: Job, program: str, *arguments: str) -> Command:
    """As a runner does it. For a server on loopback, the container shares the host's network, unlike a runner's."""
    passed = [f"--env={name}" for name in job.env if name != "PATH"]
    network = ["--network=host"] if urlsplit(job.hub).hostname == LOOPBACK else []
    place = [*network, f"--volume={job.folder}:{job.folder}", *passed, f"--entrypoint={program}"]
    return [_program(), "run", "--rm", *place, image, *arguments]


def _runs(command: Command) -> bool:
    tried = [_program(), "run", "--rm", f"--entrypoint={command[0]}", OURS, *command[1:]]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _program() -> str:
    return shutil.which("docker") or "/usr/bin/docker"


def docker(*arguments: str) -> str:
    """What Docker says. Raises `CalledProcessError`."""
    return subprocess.run([_program(), *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
