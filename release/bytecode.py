"""Writes the byte-code of what a login imports. `release.pyz` runs this module with each interpreter that it is for.

It needs nothing but Python. The modules are those that this interpreter has imported after the entry points, so the
list is never out of date.
"""

from __future__ import annotations

import importlib
import marshal
import sys
from pathlib import Path

from release import bytecode_importer
from release.bytecode_importer import pack

# The action and the commands that log in.
ENTRY_POINTS = (
    "hf_oidc.native_action",
    "hf_oidc.__main__",
    "hf_oidc.cli.app",
    "hf_oidc.cli.env",
    "hf_oidc.cli.run",
    "hf_oidc.cli.token",
)
# Imported when a job needs them.
WHEN_NEEDED = ("hf_oidc/output/*.py", "hf_oidc/providers/*/mint.py")
# requests tries to import it, which ends with an ImportError: it needs PySocks, which is not in the zipapp.
FAILING_IMPORT = "urllib3.contrib.socks"
IMPORTER = Path(bytecode_importer.__file__)


def main(sources: Path, out: Path) -> None:
    """Compile what a login imports of the modules below `sources`.

    Writes into the new folder `out`: `modules`, the block, and `importer`, the byte-code of `bytecode_importer`.
    """
    sys.path[0] = str(sources)
    needed = [path for pattern in WHEN_NEEDED for path in sorted(sources.glob(pattern)) if path.stem != "__init__"]
    for name in (*ENTRY_POINTS, *(".".join(path.relative_to(sources).with_suffix("").parts) for path in needed)):
        importlib.import_module(name)
    # By its own name, though requests has other ones for its libraries.
    files = {module.__name__: Path(getattr(module, "__file__", None) or "") for module in [*sys.modules.values()]}
    files[FAILING_IMPORT] = sources / f"{FAILING_IMPORT.replace('.', '/')}.py"
    modules = {name: path for name, path in sorted(files.items()) if sources in path.parents}
    codes = {}
    for name, path in modules.items():
        place = path.relative_to(sources).as_posix()
        # Not the path, which differs from build to build. In angle brackets: a traceback looks for the lines of any
        # other name in the working directory, which is the caller's checkout.
        codes[name] = (place, compiled(path, f"<hf-oidc.pyz/{place}>"))
    out.mkdir()
    (out / "importer").write_bytes(compiled(IMPORTER, f"<hf-oidc.pyz/{IMPORTER.name}>"))
    (out / "modules").write_bytes(pack(codes))


def compiled(path: Path, shown: str) -> bytes:
    """The byte-code of a source file that tracebacks call `shown`."""
    return marshal.dumps(compile(path.read_bytes(), shown, "exec", dont_inherit=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
