"""What the native action leaves on the PATH of later steps, for each shell that calls it."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The action's own, whose name has what shells read in their own ways; its zipapp prints its arguments."""
    folder = tmp_path / "100% it's"
    folder.mkdir()
    (folder / "launch.py").write_bytes((ROOT / "native/launch.py").read_bytes())
    (folder / "hf-oidc.pyz").write_text("import sys; print(sys.argv[1:])")
    return folder


def loaded(folder: Path) -> Any:
    """`launch.py`, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("launch", folder / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    launch: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launch)
    return launch


def commands(folder: Path, python: str, *, windows: bool) -> Path:
    """What `launch.py` makes there."""
    return Path(loaded(folder).command_folder(python, str(folder), windows))


@pytest.mark.parametrize("entry", ["", ".", "bin"])
def test_no_interpreter_of_the_checkout_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Shells look in the working directory for an empty or a relative entry of the PATH; `launch.py` does not."""
    for place in (folder / entry, folder / "good"):
        place.mkdir(exist_ok=True)
        (place / "python3").touch()
    monkeypatch.chdir(folder)
    found = loaded(folder).candidates({"PATH": f"{entry}:{folder / 'good'}"})
    assert found[0] == [str(folder / "good/python3")]
    assert all(Path(command[0]).is_absolute() for command in found)


def test_windows_has_a_command_for_each_shell(folder: Path) -> None:
    """Git Bash, cmd.exe, PowerShell. For the second a `%` is doubled, for the others a quote is quoted."""
    zipapp = str(folder / "hf-oidc.pyz")
    quoted, doubled = zipapp.replace("'", "'\\''"), zipapp.replace("'", "''")
    found = commands(folder, r"C:\python.exe", windows=True)
    assert {path.name: path.read_bytes().decode() for path in found.iterdir()} == {
        "hf-oidc": f"#!/bin/sh\nexec 'C:\\python.exe' -I -S '{quoted}' \"$@\"\n",
        "hf-oidc.cmd": f'@"C:\\python.exe" -I -S "{zipapp.replace("%", "%%")}" %*\r\n',
        "hf-oidc.ps1": (
            f"\ufeffif ($MyInvocation.ExpectingInput) {{ $input | & 'C:\\python.exe' -I -S '{doubled}' @args }} "
            f"else {{ & 'C:\\python.exe' -I -S '{doubled}' @args }}\r\nexit $LASTEXITCODE\r\n"
        ),
    }


@pytest.mark.process
def test_elsewhere_there_is_one_command(folder: Path) -> None:
    """For POSIX shells; the arguments are handed on as they are."""
    found = commands(folder, sys.executable, windows=False)
    assert [path.name for path in found.iterdir()] == ["hf-oidc"]
    run = subprocess.run([found / "hf-oidc", "--", "a & b", "%PATH%", ""], capture_output=True, text=True, check=True)
    assert run.stdout == "['--', 'a & b', '%PATH%', '']\n"
