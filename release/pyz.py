"""Builds hf-oidc.pyz: our code and its hash-locked dependencies, in pure Python, as one file for any system.

The same sources give the same bytes: names are sorted, times and modes are fixed, and nothing is compressed, because
zlib's output differs from version to version (git and the runner's download compress the file anyway).
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from release.lock import LOCK, ROOT, locked

OLDEST = "3.10"
SHEBANG = b"#!/usr/bin/env python3\n"
SCRIPT = re.compile(r'^hf-oidc = "([\w.]+):(\w+)"$', re.MULTILINE)
LEFT_OUT = {
    "bin",  # scripts that name the interpreter of the build
    "tests",  # actions-toolkit ships its tests as a package of that name
}
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
if sys.argv[1:] == ["action"]:
    import runpy

    del sys.argv[1:]
    runpy.run_module("hf_oidc.action", run_name="__main__", alter_sys=True)
else:
    from MODULE import FUNCTION

    sys.argv[0] = "hf-oidc"
    sys.exit(FUNCTION())
"""


def main() -> None:
    """Write the zipapp to the path that is given."""
    parser = argparse.ArgumentParser(prog="python -m release.pyz", description=main.__doc__)
    parser.add_argument("out", type=Path)
    build(parser.parse_args().out)


def build(out: Path) -> None:
    """Build the zipapp at `out`."""
    with tempfile.TemporaryDirectory() as folder:
        collect(Path(folder))
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
            if path.is_file() and path.name not in NOTES and path.suffix != ".pyc":
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
