"""The native action: the Python that it finds, and the command that it leaves on the PATH of later steps."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from hf_oidc.native_action import command_folder, run

FIND_PYTHON = Path(__file__).parents[2] / "native/find_python.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The action's own, whose name has what shells read in their own ways; its zipapp prints its arguments."""
    folder = tmp_path / "100% it's"
    folder.mkdir()
    (folder / "hf-oidc.pyz").write_text("import sys; print(sys.argv[1:])")
    return folder


def commands(folder: Path, python: str, *, windows: bool) -> Path:
    """What the action makes there."""
    return Path(command_folder(python, str(folder / "hf-oidc.pyz"), str(folder), windows=windows))


@pytest.mark.parametrize(("variable", "named"), [("RUNNER_TEMP", "GITHUB_PATH"), ("GITHUB_PATH", "RUNNER_TEMP")])
def test_the_login_goes_on_where_no_command_can_be_made(
    folder: Path, capsys: pytest.CaptureFixture[str], variable: str, named: str
) -> None:
    """After the warning, the login reports its own error: no input is given."""
    env = {named: str(folder / "path" if named == "GITHUB_PATH" else folder), variable: str(folder / "none/such")}
    assert run(str(folder / "hf-oidc.pyz"), env) == 2
    warning, error = capsys.readouterr().out.splitlines()
    assert warning == (
        "::warning title=hf-oidc%3A no command::`hf-oidc` is not available in later steps: its files cannot be written "
        "(No such file or directory)."
    )
    assert error.startswith("::error title=hf-oidc%3A invalid-resource::")


def test_the_login_goes_on_where_a_path_is_not_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command would have to name the zipapp."""
    env = {"GITHUB_PATH": str(folder / "path"), "RUNNER_TEMP": str(folder)}
    assert run(f"{folder}/\udcff/hf-oidc.pyz", env) == 2
    warning, _ = capsys.readouterr().out.splitlines()
    assert warning.endswith("its files cannot be written (a path is not UTF-8).")


def test_the_command_is_put_on_the_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the login, which fails here: no input is given."""
    env = {"GITHUB_PATH": str(folder / "path"), "RUNNER_TEMP": str(folder)}
    assert run(str(folder / "hf-oidc.pyz"), env) == 2
    (entry,) = (folder / "path").read_text().splitlines()
    assert (Path(entry) / "hf-oidc").is_file()
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("entry", ["", ".", "bin"])
def test_no_interpreter_of_the_checkout_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Shells look in the working directory for an empty or a relative entry of the PATH; `find_python.py` does not."""
    for place in (folder / entry, folder / "good"):
        place.mkdir(exist_ok=True)
        (place / "python3").touch()
    monkeypatch.chdir(folder)
    found = runpy.run_path(str(FIND_PYTHON))["candidates"]({"PATH": f"{entry}:{folder / 'good'}"})
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
    called = subprocess.run(
        [found / "hf-oidc", "--", "a & b", "%PATH%", ""], capture_output=True, text=True, check=True
    )
    assert called.stdout == "['--', 'a & b', '%PATH%', '']\n"
