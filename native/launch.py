"""Starts hf-oidc.pyz, which lies beside this file, with a Python that it runs on.

`native/action.yml` runs this with whatever Python the runner calls `python3` (on Windows: `python`). So it is written
for Python 3.5 and newer, and imports nothing of ours. It knows where interpreters are found, and nothing of logins.
"""

import os
import runpy
import sys

NEEDED = (3, 10)
NEWEST = 19  # the newest minor version to look for
HERE = os.path.dirname(os.path.abspath(__file__))
PYZ = os.path.join(HERE, "hf-oidc.pyz")
WELL_KNOWN = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"]
WINDOWS = os.name == "nt"
PROBE = "import sys; sys.version_info >= (%d, %d) and print(sys.executable)" % NEEDED
PROBE_SECONDS = 20
# -I: neither variables of the job nor its working directory change what is imported. -S: only hf-oidc.pyz and the
# standard library are imported; no installed package is looked for, and none of its code runs.
OPTIONS = ("-I", "-S")
# What is piped into the command is its standard input; the exit code is the command's.
POWERSHELL = """\
if ($MyInvocation.ExpectingInput) { $input | & %s -I -S %s @args } else { & %s -I -S %s @args }
exit $LASTEXITCODE
"""
TOOL_CACHE_ARCH = {"X64": "x64", "X86": "x86", "ARM64": "arm64", "ARM": "arm"}


def main(env: "os._Environ[str]") -> int:
    """Log in, and put `hf-oidc` on the PATH of later steps; the exit code."""
    # Tells action.yml that Python was found: from here on, this process reports its own errors.
    append(env.get("GITHUB_OUTPUT"), "started=true")
    if not os.path.exists(PYZ):
        return failed("hf-oidc.pyz is not in this action's folder. Use a release of the action, by its tag or commit.")
    python = interpreter(env)
    if not python:
        running = "Python %d.%d at %s" % (sys.version_info[0], sys.version_info[1], sys.executable)
        return failed(
            "No Python %d.%d or newer was found, only %s. Have actions/setup-python install one before this step, or "
            "use the container action, which needs Docker but no Python." % ((*NEEDED, running))
        )
    append(env.get("GITHUB_PATH"), command_folder(python, env.get("RUNNER_TEMP"), WINDOWS))
    if python != sys.executable:
        import subprocess  # noqa: PLC0415 - only to start another interpreter: the import takes a tenth of a login

        return subprocess.call([python, *OPTIONS, PYZ, "action"])
    sys.argv[:] = [PYZ, "action"]
    runpy.run_path(PYZ, run_name="__main__")
    return 0


def interpreter(env: "os._Environ[str]") -> str:
    """This interpreter if it will do, else the first candidate that will; empty if none does."""
    if sys.version_info >= NEEDED:
        return sys.executable
    import subprocess  # noqa: PLC0415 - as above

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


def command_folder(python: str, temporary: "str | None", windows: bool) -> str:  # noqa: FBT001 - Python 3.5
    """A new folder with the command `hf-oidc`: for POSIX shells, and on Windows also for cmd.exe and PowerShell."""
    if not temporary:
        import tempfile  # noqa: PLC0415 - the runner sets RUNNER_TEMP, and this import takes as long

        temporary = tempfile.gettempdir()
    folder = os.path.join(temporary, "hf-oidc-" + os.urandom(8).hex())
    os.mkdir(folder, 0o700)
    path = os.path.join(folder, "hf-oidc")
    quoted = ["'" + word.replace("'", "'\\''") + "'" for word in (python, PYZ)]
    with open(path, "w", encoding="utf-8", newline="\n") as command:
        command.write('#!/bin/sh\nexec %s -I -S %s "$@"\n' % tuple(quoted))
    os.chmod(path, 0o700)
    if windows:
        words = tuple(word.replace("%", "%%") for word in (python, PYZ))
        with open(path + ".cmd", "w", encoding="utf-8", newline="\r\n") as command:
            command.write('@"%s" -I -S "%s" %%*\n' % words)
        # PowerShell takes this one first. By way of the other, cmd.exe would read the arguments as well, and run what
        # follows an `&` in one. The mark at the beginning says UTF-8 to Windows PowerShell.
        words = tuple("'" + word.replace("'", "''") + "'" for word in (python, PYZ))
        with open(path + ".ps1", "w", encoding="utf-8-sig", newline="\r\n") as command:
            command.write(POWERSHELL % (words + words))
    return folder


def append(path: "str | None", line: str) -> None:
    """Add a line to one of the runner's command files. Where it cannot be, the login itself tells."""
    try:
        with open(path or "", "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError:
        pass


def failed(message: str) -> int:
    """Annotate the step with `message`; the exit code of a set-up that is wrong."""
    print("::error title=hf-oidc%3A no Python::" + message.replace("%", "%25").replace("\r", "").replace("\n", "%0A"))
    return 2


if __name__ == "__main__":
    sys.exit(main(os.environ))
