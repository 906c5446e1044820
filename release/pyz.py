"""Builds hf-oidc.pyz: our code and its hash-locked dependencies, in pure Python, as one file for any system.

Beside the sources it has the byte-code of what a login imports, for some interpreters; any other one compiles the
sources. The same sources give the same bytes: names are sorted, times and modes are fixed, and nothing is compressed,
because zlib's output differs from version to version (git and the runner's download compress the file anyway).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from release.lock import LOCK, ROOT, locked

OLDEST = "3.10"
SHEBANG = b"#!/usr/bin/env python3\n"
SCRIPT = re.compile(r'^hf-oidc = "([\w.]+):(\w+)"$', re.MULTILINE)
LEFT_OUT = {
    "bin",  # scripts that name the interpreter of the build
    "tests",  # actions-toolkit ships its tests as a package of that name
}
# A pre-release has the tag of the final one, but byte-code of another kind.
TAG = "import sys, importlib.util; print(sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex(), sep='-')"
# What an installer notes of its installation: paths, hashes of files that are left out.
NOTES = {"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json"}
# Any Python from 2.7 on can parse it, so that one that is too old fails with a message.
MAIN = """\
import sys

if sys.version_info < (3, 10):
    sys.exit(
        "hf-oidc: Python 3.10 or newer is needed, and this is Python %d.%d: %s"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import _frozen_importlib_external
import marshal
import os

# The block of byte-code for this interpreter, if the archive has one. Any other interpreter compiles the sources.
TAG = "%s-%s" % (sys.implementation.cache_tag, _frozen_importlib_external.MAGIC_NUMBER.hex())
# Unpacked into a folder, it works too.
ARCHIVE = getattr(__spec__.loader, "archive", sys.path[0])
try:
    block = __spec__.loader.get_data(os.path.join(ARCHIVE, TAG, "modules"))
    importer = {"__name__": "bytecode_importer"}
    exec(marshal.loads(__spec__.loader.get_data(os.path.join(ARCHIVE, TAG, "importer"))), importer)
    sys.meta_path.insert(0, importer["BytecodeImporter"](lambda start, end: block[start:end], ARCHIVE))
except OSError:
    pass

if sys.argv[1:] == ["action"]:
    from hf_oidc import entry_point

    entry_point.skip_unneeded_work()
    from hf_oidc.native_action import main

    main(os.path.abspath(ARCHIVE))

if sys.argv[1:2] == ["doctor"] and sys.flags.no_site:
    import site

    site.main()  # it reads workflows with PyYAML, which is not in the archive, but may be installed

from MODULE import FUNCTION

sys.argv[0] = "hf-oidc"
sys.exit(FUNCTION())
"""


def main() -> None:
    """Write the zipapp to the path that is given."""
    parser = argparse.ArgumentParser(prog="python -m release.pyz", description=main.__doc__)
    parser.add_argument("out", type=Path)
    add_pythons(parser)
    arguments = parser.parse_args()
    build(arguments.out, arguments.pythons)


def add_pythons(parser: argparse.ArgumentParser) -> None:
    """Add the option that names interpreters; without it, the one that builds."""
    parser.add_argument(
        "--python",
        dest="pythons",
        metavar="COMMAND",
        nargs="+",
        default=[sys.executable],
        help="interpreters to compile for (default: this one)",
    )


def build(out: Path, pythons: Sequence[str] = (sys.executable,)) -> None:
    """Build the zipapp at `out`, with the byte-code of these interpreters."""
    with tempfile.TemporaryDirectory() as folder:
        collect(Path(folder))
        for python in pythons:
            add_bytecode(Path(folder), python)
        content = archive(Path(folder))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    out.chmod(0o755)


def collect(folder: Path) -> None:
    """Lay out in `folder` what the zipapp holds."""
    _install(folder)
    for name in LEFT_OUT:
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(ROOT / "src/hf_oidc", folder / "hf_oidc", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__main__.py").write_text(entry((ROOT / "pyproject.toml").read_text(encoding="utf-8")), encoding="utf-8")
    native = [path.name for path in folder.rglob("*") if path.suffix in {".so", ".pyd", ".dylib", ".dll"}]
    if native:
        raise ValueError(f"not pure Python: {native}")


def add_bytecode(folder: Path, python: str) -> None:
    """Add the byte-code of this interpreter to what the zipapp holds, in a folder that is named as `TAG` says."""
    tag = subprocess.run([python, "-I", "-c", TAG], check=True, capture_output=True, text=True).stdout.strip()
    # The order of a set's members depends on their hashes, and the set in byte-code with it.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # Debug ranges are the columns of statements. A traceback shows them below a line of source, and here it has none.
    env |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNODEBUGRANGES": "1"}
    command = [python, "-s", "-S", "-m", "release.bytecode", str(folder), str(folder / tag)]
    subprocess.run(command, env=env, cwd=ROOT, check=True)


def entry(pyproject: str) -> str:
    """The zipapp's __main__.py, which starts the same command line as the installed `hf-oidc` does."""
    script = SCRIPT.search(pyproject)
    if not script:
        raise ValueError("pyproject.toml names no script hf-oidc")
    return MAIN.replace("MODULE", script[1]).replace("FUNCTION", script[2])


def archive(folder: Path) -> bytes:
    """The files of `folder` as a zipapp."""
    written = io.BytesIO()
    written.write(SHEBANG)
    with zipfile.ZipFile(written, "a", zipfile.ZIP_STORED) as pyz:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file() and path.name not in NOTES:
                member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
                member.create_system = 3  # Unix, so that Windows builds the same file
                member.external_attr = 0o100644 << 16
                pyz.writestr(member, path.read_bytes())
    return written.getvalue()


def _install(folder: Path) -> None:
    # Without the markers: pip would judge them by the Python that builds, and the zipapp is for all of them.
    requirements = [
        " ".join([f"{package.name}=={package.version}", *(f"--hash=sha256:{digest}" for digest in package.hashes)])
        for package in locked(LOCK.read_text(encoding="utf-8"))
    ]
    with tempfile.TemporaryDirectory() as temporary:
        listed = Path(temporary) / "requirements.txt"
        listed.write_text("\n".join(requirements), encoding="utf-8")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]
        pure = ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]
        subprocess.run(
            [
                *pip,
                *pure,
                f"--python-version={OLDEST}",
                "--no-deps",
                "--require-hashes",
                f"--target={folder}",
                f"--requirement={listed}",
            ],
            check=True,
        )


if __name__ == "__main__":
    main()
