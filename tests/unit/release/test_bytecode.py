"""The byte-code in hf-oidc.pyz and in the image: the same in each build, and used by the interpreter that made it.

A process: interpreters compile, and import, as they do for a user.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from release import bytecode, image, pyz
from release.bytecode_importer import BytecodeImporter

pytestmark = pytest.mark.process
# A set, which an interpreter orders by hash: without a fixed seed, it differs from process to process.
SOURCE = "NAMES = 'a' in {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}\n\n\ndef fail():\n    raise ValueError\n"
TAG = f"{sys.implementation.cache_tag}-{importlib.util.MAGIC_NUMBER.hex()}"
NEEDED = {"hf_oidc.output.files", "hf_oidc.providers.github.mint"}
FOUND = {"hf_oidc", "hf_oidc.cli", "hf_oidc.output", "hf_oidc.providers", "hf_oidc.providers.github", "library"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A zipapp's folder before it is compiled: the modules of a login, a library of it, and what no login imports."""
    collected = tmp_path / "collected"
    for name in (
        *bytecode.ENTRY_POINTS,
        *NEEDED,
        bytecode.FAILING_IMPORT,
        "library.x",
        "library.y",
        "hf_oidc.doctor",
        "yaml.x",
    ):
        path = collected / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import library.x\n{SOURCE}" if name.startswith("hf_oidc") else SOURCE)
        for package in (path.parent, path.parent.parent):
            if package not in (collected, tmp_path):
                (package / "__init__.py").touch()
    return collected


def compiled(folder: Path) -> dict[str, bytes]:
    """The block that was added and what imports it, by their names."""
    pyz.add_bytecode(folder, sys.executable)
    return {path.name: path.read_bytes() for path in (folder / TAG).iterdir()}


def importer(block: bytes) -> BytecodeImporter:
    """An importer of this block."""
    return BytecodeImporter(lambda start, end: block[start:end], "an-archive")


def test_only_what_a_login_imports_is_compiled(folder: Path) -> None:
    """Its libraries, too; nothing else of a library, and nothing is left beside the sources."""
    block = importer(compiled(folder)["modules"])
    there = {*bytecode.ENTRY_POINTS, *NEEDED, *FOUND, bytecode.FAILING_IMPORT, "library.x"}
    assert {name for name in {*there, "library.y", "hf_oidc.doctor", "yaml.x", "os"} if block.find_spec(name)} == there
    assert not [*folder.rglob("__pycache__")]


def test_the_byte_code_is_the_same_in_each_build(folder: Path, tmp_path: Path) -> None:
    """Also from another folder: no path of the machine is in it, and no order of hashes."""
    first = compiled(folder)
    (folder / TAG).rename(tmp_path / "first")
    assert compiled(folder.rename(tmp_path / ("a" * 40))) == first
    assert not any(str(tmp_path).encode() in content for content in first.values())


def test_the_byte_code_has_lines_but_no_columns(folder: Path) -> None:
    """A traceback shows columns only below a line of source, and here it has none."""
    block = importer(compiled(folder)["modules"])
    code = block.get_code("library.x")
    assert code is not None
    assert [line for _, _, line in code.co_lines() if line][-1] == 4
    if sys.version_info >= (3, 11):
        assert {place[2:] for place in code.co_positions()} == {(None, None)}


def test_a_module_says_where_it_would_be(folder: Path) -> None:
    """A package in its folder, in which what is not in the block is found; a module in a file."""
    block = importer(compiled(folder)["modules"])
    for name, place, locations in (
        ("library", "library/__init__.py", ["an-archive/library"]),
        ("library.x", "library/x.py", None),
        ("hf_oidc.cli", "hf_oidc/cli/__init__.py", ["an-archive/hf_oidc/cli"]),
    ):
        spec = block.find_spec(name)
        assert spec is not None
        assert (spec.name, spec.origin, spec.submodule_search_locations) == (name, f"an-archive/{place}", locations)
        module = importlib.util.module_from_spec(spec)
        block.exec_module(module)
        assert module.__file__ == f"an-archive/{place}"


def test_files_beside_a_package_are_found(folder: Path) -> None:
    """As requests looks for the certificates of certifi."""
    (folder / "library/data.txt").write_text("data")
    block = compiled(folder)["modules"]
    reader = BytecodeImporter(lambda start, end: block[start:end], str(folder)).get_resource_reader("library")
    assert reader.files().joinpath("data.txt").read_text() == "data"


def test_an_interpreter_takes_its_byte_code_or_else_the_sources(folder: Path, tmp_path: Path) -> None:
    """What the archive has as byte-code is not read as source. A traceback shows no line of the caller's checkout."""
    pyz.add_bytecode(folder, sys.executable)
    command = pyz.MAIN.replace("from MODULE import FUNCTION", "import hf_oidc.native_action, hf_oidc.doctor")
    (folder / "__main__.py").write_text(command.replace("sys.exit(FUNCTION())", "hf_oidc.native_action.fail()"))
    for module in ("native_action", "doctor"):
        path = folder / f"hf_oidc/{module}.py"
        path.write_text(path.read_text() + f"print('the source of {module}')\n")
    archive, checkout = tmp_path / "test.pyz", tmp_path / "checkout"
    for hostile in ("hf_oidc/native_action.py", "<hf-oidc.pyz/hf_oidc/native_action.py>"):
        (checkout / hostile).parent.mkdir(parents=True)
        (checkout / hostile).write_text("::error::\n" * 9)

    (checkout / TAG).mkdir()
    for name in ("modules", "importer"):
        (checkout / TAG / name).write_bytes(b"no byte-code")

    def run() -> "subprocess.CompletedProcess[str]":
        archive.write_bytes(pyz.archive(folder))
        command = [sys.executable, "-I", "-S", str(archive)]
        return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)

    with_byte_code = run()
    assert with_byte_code.stdout == "the source of doctor\n"
    assert 'File "<hf-oidc.pyz/hf_oidc/native_action.py>", line 6, in fail\n' in with_byte_code.stderr
    assert "::" not in with_byte_code.stderr
    unpacked = subprocess.run(
        [sys.executable, "-I", "-S", str(folder)], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert unpacked.stdout == with_byte_code.stdout
    (folder / TAG).rename(folder / f"{sys.implementation.cache_tag}-00000000")
    assert run().stdout == "the source of native_action\nthe source of doctor\n"


@pytest.mark.parametrize("closed", ["", "<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_the_image_imports_from_its_block_and_keeps_the_standard_streams_free(tmp_path: Path, closed: str) -> None:
    """Whoever reads a standard stream that was closed gets no byte-code."""
    folder, told = tmp_path / "site", tmp_path / "told"
    folder.mkdir()
    code = image.compiled(b"def where():\n    return __file__\n", folder / "acme.py")
    image.write_block({"acme": image.Module(tmp_path / "acme.py", code)}, folder, folder)
    program = f"""
import sys
sys.path.insert(0, {str(folder)!r})
import sitecustomize, acme
open({str(told)!r}, "w").write(repr((acme.where(), sitecustomize.modules > 2)))
"""
    subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-I", "-S", "-c", program], check=True
    )
    assert told.read_text() == repr((str(folder / "acme.py"), True))
