"""hf-oidc.pyz on each CPython that is here: this machine's, or in the images that `.ci/interpreters` makes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from release import pyz
from tests.action_process import DEFAULTS, run_action
from tests.e2e.engines import ROOT, docker_client, require_docker
from tests.e2e.story import MODEL, job_environment
from tests.engines import missing
from tests.local_hub_process import LocalHub

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
OLD = ("2.7", "3.6", "3.7", "3.8", "3.9")
# Debian has no release with another one.
TO_BE_HAD = {"3.11", "3.13", "3.14", "3.15"}
IMAGES = "hf-oidc-python"
PRINT_VERSION = "import sys; print('%d.%d' % tuple(sys.version_info[:2]))"
PASSED = (
    "HOME",
    "GITHUB_OUTPUT",
    "GITHUB_ENV",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_PATH",
    "RUNNER_TEMP",
    "GITHUB_WORKSPACE",
)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the native action; its zipapp has the byte-code of this machine's supported interpreters."""
    folder = tmp_path_factory.mktemp("native dir")  # with a blank
    for name in ("launch.py", "find_python.py"):
        shutil.copy(ROOT / "native" / name, folder)
    pyz.build(folder / "hf-oidc.pyz", [found for version in SUPPORTED if (found := on_this_machine(version))])
    return folder


def on_this_machine(version: str) -> str | None:
    """An interpreter of this version, if there is one."""
    caches = (
        Path.home() / ".pyenv/versions",
        Path(os.environ.get("RUNNER_TOOL_CACHE", "/opt/hostedtoolcache")) / "Python",
    )
    found = [str(path) for cache in caches for path in sorted(cache.glob(f"{version}.*/**/bin/python"))]
    for command in [*found, f"python{version}"]:
        try:
            said = subprocess.run([command, "-c", PRINT_VERSION], capture_output=True, text=True, check=False).stdout
        except OSError:
            continue
        if said.strip() == version:
            return command
    return None


def in_an_image(version: str) -> bool:
    """Whether `.ci/interpreters` has made an image with this version."""
    try:
        seen = subprocess.run(["docker", "image", "inspect", f"{IMAGES}:{version}"], capture_output=True, check=False)
    except OSError:
        return False
    return seen.returncode == 0


def python(version: str, native: Path, tmp_path: Path, names: Iterator[str]) -> list[str] | None:
    """The command that is this interpreter; in a container it sees the same paths and is given variables by name."""
    if command := on_this_machine(version):
        return [command]
    if not in_an_image(version):
        return None
    return [
        *("docker", "run", "--rm", "--network=host", f"--volume={native}:{native}:ro"),
        *(f"--volume={tmp_path}:{tmp_path}", f"--workdir={tmp_path}"),
        *(f"--env={name}" for name in names),
        *(f"{IMAGES}:{version}", f"python{version}"),
    ]


def interpreter(version: str, native: Path, tmp_path: Path, env: dict[str, str]) -> list[str]:
    """The command, or the test is skipped: where it can be had it must be, if engines are required."""
    names = (*PASSED, *env, "INPUT_RESOURCE", *(f"INPUT_{name.upper()}" for name in DEFAULTS))
    command = python(version, native, tmp_path, iter(names))
    if command is None and version in TO_BE_HAD:
        missing(f"Python {version} is not here: .ci/interpreters makes an image with it")
    return command or pytest.skip(f"Python {version} is not here")


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_action_logs_in(native: Path, hub: LocalHub, tmp_path: Path, version: str) -> None:
    """Started as native/action.yml starts it; the token is active, and a command is on later steps' PATH."""
    (tmp_path / "path").touch()
    env = {**job_environment(hub), "GITHUB_PATH": str(tmp_path / "path"), "RUNNER_TEMP": str(tmp_path)}
    command = [*interpreter(version, native, tmp_path, env), "-I", str(native / "launch.py")]
    run = run_action(tmp_path, {**docker_client(), **env}, {"resource": MODEL}, command=command)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.stderr == ""
    token = run.exported["HF_TOKEN"]
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})
    assert (seen["active"], seen["resource"]) == (True, MODEL)
    assert (Path((tmp_path / "path").read_text().strip()) / "hf-oidc").is_file()


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_command_line_runs(native: Path, hub: LocalHub, tmp_path: Path, version: str) -> None:
    """`hf-oidc doctor` in a job says who the job is."""
    env = job_environment(hub)
    command = [
        *interpreter(version, native, tmp_path, env),
        "-I",
        str(native / "hf-oidc.pyz"),
        "doctor",
        "--resource",
        MODEL,
    ]
    full = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **docker_client(), **env}
    run = subprocess.run(command, env=full, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert env["GITHUB_REPOSITORY"] in run.stdout


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_login_compiles_nothing(native: Path, hub: LocalHub, tmp_path: Path, version: str) -> None:
    """With an interpreter whose byte-code the zipapp has. With any other one, it compiles the sources."""
    env = job_environment(hub)
    counting = f"""
import builtins, os, runpy, sys
compiled, compile_source, end = [], builtins.compile, os._exit
def noting(source, name, *more, **options):
    compiled.append(str(name))
    return compile_source(source, name, *more, **options)
builtins.compile = noting
sys.argv[:] = [{str(native / "hf-oidc.pyz")!r}, "action"]
def tell(exit_code):
    print(*(name for name in compiled if ".pyz" in name and "__main__" not in name), sep="\\n", file=sys.stderr)
    end(exit_code)
os._exit = tell
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    command = [*interpreter(version, native, tmp_path, env), "-I", "-S", "-c", counting]
    run = run_action(tmp_path, {**docker_client(), **env}, {"resource": MODEL}, command=command)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert (run.stderr.strip() == "") == bool(on_this_machine(version)), run.stderr


@pytest.mark.parametrize("version", OLD)
def test_an_older_one_says_that_it_is_too_old(native: Path, tmp_path: Path, version: str) -> None:
    """One line, no traceback, a code that is not 0."""
    command = interpreter(version, native, tmp_path, {})
    run = subprocess.run([*command, str(native / "hf-oidc.pyz"), "doctor"], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith(f"hf-oidc: Python 3.10 or newer is needed, and this is Python {version}: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("version", OLD[1:])
def test_the_action_tells_that_a_runner_is_too_old(native: Path, version: str) -> None:
    """Where neither the PATH nor the tool cache nor the system has a newer one: an annotation with the way out."""
    require_docker()
    old = on_this_machine(version) or pytest.skip(f"Python {version} is not here")
    home = str(Path(old).parents[1])
    if home in {"/", "/usr", "."}:
        pytest.skip(f"Python {version} cannot be taken into a system without another one")
    command = ["docker", "run", "--rm", f"--volume={native}:/native:ro", f"--volume={home}:{home}:ro"]
    run = subprocess.run(
        [*command, "debian:trixie-slim", old, "-I", "/native/launch.py"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2, run.stderr
    assert run.stdout.startswith("::error title=hf-oidc%3A no Python::No Python 3.10 or newer was found, only Python")
    assert run.stderr == ""


def test_a_newer_one_is_found(native: Path, hub: LocalHub, tmp_path: Path) -> None:
    """Started by one that is too old, the action runs on the one in the runner's tool cache."""
    old = next(filter(None, map(on_this_machine, OLD[1:])), None) or pytest.skip("no older Python is here")
    new = on_this_machine("3.11") or on_this_machine("3.13") or pytest.skip("no newer Python is here")
    for version, program in (("3.9.1", old), ("3.12.10", new), ("3.12.9", old)):
        place = tmp_path / "tools/Python" / version / "x64/bin"
        place.mkdir(parents=True)
        (place / "python3").write_text(f'#!/bin/sh\necho {version} >> {tmp_path}/started\nexec {program} "$@"\n')
        (place / "python3").chmod(0o755)
    (tmp_path / "bin").mkdir()
    tools = {"RUNNER_TOOL_CACHE": str(tmp_path / "tools"), "RUNNER_ARCH": "X64", "PATH": str(tmp_path / "bin")}
    env = {**job_environment(hub), **tools}
    run = run_action(tmp_path, env, {"resource": MODEL}, command=[old, "-I", str(native / "launch.py")])
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.outputs["authenticated"] == "true"
    assert set((tmp_path / "started").read_text().split()) == {"3.12.10"}
