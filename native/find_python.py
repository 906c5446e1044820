"""Runs the action where `launch.py` cannot: finds a newer Python, or reports that there is none, or no hf-oidc.pyz.

Like `launch.py`, it is written for Python 3.5 and newer. It knows where interpreters are found, and nothing of logins.
"""

import os
import subprocess
import sys

NEEDED = (3, 10)
NEWEST = 19  # the newest minor version to look for
WELL_KNOWN = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"]
WINDOWS = os.name == "nt"
PROBE = "import sys; sys.version_info >= (%d, %d) and print(sys.executable)" % NEEDED
PROBE_SECONDS = 20
# -I: neither variables of the job nor its working directory change what is imported. -S: only hf-oidc.pyz and the
# standard library are imported; no installed package is looked for, and none of its code runs.
OPTIONS = ("-I", "-S")
TOOL_CACHE_ARCH = {"X64": "x64", "X86": "x86", "ARM64": "arm64", "ARM": "arm"}


def start(pyz: str) -> int:
    """Run the action in `pyz`; the exit code."""
    if not os.path.exists(pyz):
        return failed("hf-oidc.pyz is not in this action's folder. Use a release of the action, by its tag or commit.")
    python = interpreter(os.environ)
    if not python:
        running = "Python %d.%d at %s" % (sys.version_info[0], sys.version_info[1], sys.executable)
        return failed(
            "No Python %d.%d or newer was found, only %s. Have actions/setup-python install one before this step, or "
            "use the container action, which needs Docker but no Python." % ((*NEEDED, running))
        )
    return subprocess.call([python, *OPTIONS, pyz, "action"])


def interpreter(env: "os._Environ[str]") -> str:
    """The first candidate that is new enough; empty if none is."""
    for command in candidates(env):
        try:
            said = subprocess.check_output(
                [*command, *OPTIONS, "-c", PROBE],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PROBE_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if said.strip():
            return said.decode(sys.getfilesystemencoding()).strip()
    return ""


def candidates(env: "os._Environ[str]") -> "list[list[str]]":
    """The commands that may start a Python: the PATH's, the tool cache's, those in well-known places."""
    # Not shutil.which: on Windows that looks in the working directory, which is the caller's checkout.
    folders = [folder for folder in env.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    if WINDOWS:
        commands = [[path] for path in named(["python.exe"], folders) + tool_cache(env)]
        commands += [[path, "-3"] for path in named(["py.exe"], folders)]
    else:
        names = ["python3.%d" % minor for minor in range(NEWEST, NEEDED[1] - 1, -1)] + ["python3"]
        paths = named(names, folders) + tool_cache(env) + named(names, WELL_KNOWN)
        commands = [[path] for path in paths]
    return [command for command in commands if os.path.isfile(command[0])]


def named(names: "list[str]", folders: "list[str]") -> "list[str]":
    """The paths of these names in these folders."""
    return [os.path.join(folder, name) for name in names for folder in folders]


def tool_cache(env: "os._Environ[str]") -> "list[str]":
    """The interpreters that actions/setup-python left on this machine, newest first."""
    root = os.path.join(env.get("RUNNER_TOOL_CACHE", ""), "Python")
    arch = TOOL_CACHE_ARCH.get(env.get("RUNNER_ARCH", ""), "x64")
    if not os.path.isabs(root) or not os.path.isdir(root):
        return []
    # A version such as 3.14.0-rc.1 is not a release.
    versions = [name for name in os.listdir(root) if all(part.isdigit() for part in name.split("."))]
    versions.sort(key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    program = "python.exe" if WINDOWS else os.path.join("bin", "python3")
    return [os.path.join(root, version, arch, program) for version in versions]


def failed(message: str) -> int:
    """Annotate the step with `message`; the exit code of a set-up that is wrong."""
    print("::error title=hf-oidc%3A no Python::" + message.replace("%", "%25").replace("\r", "").replace("\n", "%0A"))
    return 2
