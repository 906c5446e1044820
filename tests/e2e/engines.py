"""The engines as this machine has them: Docker, act and others, git. What runs on them is said elsewhere."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.engines import TEST_RUN, has, missing

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 900


def docker(*arguments: str, seconds: int = 120) -> str:
    """Run a docker command; what it prints, or an error that shows what it said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"docker {arguments[0]} failed:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@contextmanager
def alone(what: str) -> Iterator[None]:
    """No other worker, and no other test run on this machine, does this at the same time."""
    with (Path(tempfile.gettempdir()) / f"hf-oidc-{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def built_image(name: str, folder: Path) -> str:
    """The image that the folder's Dockerfile makes: once for all workers of this run, and under a name of its own."""
    image = f"hf-oidc-e2e-{name}:{os.environ[TEST_RUN]}"
    with alone(f"image-{name}"):
        if not docker("image", "ls", "--quiet", image):
            docker("build", "--quiet", "--tag", image, str(folder), seconds=BUILD_SECONDS)
    return image


def remove_images() -> None:
    """Take back the names of the images that this run has built. What they are made of stays, for the next to reuse."""
    with suppress(OSError, AssertionError):  # there is no Docker
        names = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", f"hf-oidc-e2e-*:{os.environ[TEST_RUN]}")
        if names:
            docker("image", "rm", "--no-prune", *names.splitlines())


def docker_client() -> dict[str, str]:
    """What the docker command needs of this process's environment, for a process with another home."""
    kept = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if name in os.environ}
    return {"DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker")), **kept}


def require_docker() -> None:
    """Skip the test, or fail it where engines are required, unless Docker answers."""
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        missing("Docker is not installed")
    else:
        if done.returncode:
            missing(f"Docker is not running: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}")


def require_act() -> str:
    """The act program, from beside this interpreter or from the PATH; without it as `require_docker`."""
    beside = Path(sys.executable).with_name("act")
    found = str(beside) if beside.is_file() else shutil.which("act")
    return found or missing("act is not installed: it is in requirements/dev.txt")


def require_gitlab_ci_local() -> str:
    """The gitlab-ci-local program, which needs rsync; without them as `require_docker`."""
    program = ROOT / ".engines/gitlab-ci-local/node_modules/.bin/gitlab-ci-local"
    if not program.is_file() or not has("node"):
        missing("gitlab-ci-local is not installed: .ci/gitlab-ci-local does it")
    return str(program) if has("rsync") else missing("rsync is not installed, and gitlab-ci-local needs it")


def require_pipeline_runner(image: str) -> str:
    """The pipeline-runner program, and Docker with the `image` that it is to run; without them as `require_docker`."""
    require_docker()
    program = ROOT / ".engines/pipeline-runner/bin/pipeline-runner"
    seen = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
    if not program.is_file() or seen.returncode:
        missing(f"pipeline-runner or the image {image} is not here: .ci/pipeline-runner gets both")
    return str(program)


def export(folder: Path) -> Path:
    """Copy this project to `folder` as a checkout would have it: no build results, nothing that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def commit(folder: Path, files: Mapping[str, str]) -> None:
    """Make `folder` a git repository with one commit, on the branch main, that holds `files`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    identity = ("-c", "user.name=octocat", "-c", "user.email=octocat@example.invalid", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), ("commit", "--quiet", "-mFirst")):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
