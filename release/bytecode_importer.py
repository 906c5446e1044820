"""Imports modules from one block of byte-code: in the image, and in hf-oidc.pyz. Both have this module as byte-code.

A login imports some 200 modules. Reading them from one indexed file instead of separate files takes 9 % fewer
instructions. What is not in the block is left to Python's own importers.
"""

# Only what is in the interpreter: in the image, the rest of the standard library is in the block, `__future__` too.
import marshal
import os
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.readers import FileReader
    from types import CodeType, ModuleType

LENGTH_BYTES = 4  # bytes of the number at the beginning of a block
INIT_FILE = f"{os.sep}__init__.py"


def pack(modules: "Mapping[str, tuple[str, bytes]]") -> bytes:
    """Pack modules into a block. `modules`: name -> (path of the source, byte-code).

    A block is the length of an index, the index, and the byte-code of all modules. The index says, for each module, its
    path, and where its byte-code begins and ends. A path is absolute or, for `BytecodeImporter`, relative to its root.
    """
    index: dict[str, tuple[str, int, int]] = {}
    end = 0
    for name, (path, code) in modules.items():
        index[name] = (path, end, end + len(code))
        end += len(code)
    head = marshal.dumps(index)
    return b"".join([len(head).to_bytes(LENGTH_BYTES, "little"), head, *(code for _, code in modules.values())])


class BytecodeImporter:
    """Finds and loads modules: an entry for `sys.meta_path` (PEP 451).

    `read(start, end)` returns these bytes of the block. Relative paths in it start at `root`.
    """

    def __init__(self, read: "Callable[[int, int], bytes]", root: str = "") -> None:
        self._read, self._root = read, root
        self._codes = LENGTH_BYTES + int.from_bytes(read(0, LENGTH_BYTES), "little")
        self._index: dict[str, tuple[str, int, int]] = marshal.loads(read(LENGTH_BYTES, self._codes))  # noqa: S302 - our own

    def find_spec(
        self,
        name: str,
        _path: "Sequence[str] | None" = None,
        _target: "ModuleType | None" = None,
    ) -> ModuleSpec | None:
        """Where the module is, if it is in the block."""
        if name not in self._index:
            return None
        path = self._file_of(name)
        spec = ModuleSpec(name, self, origin=path)  # type: ignore[arg-type]  # these methods are enough
        if path.endswith(INIT_FILE):
            spec.submodule_search_locations = [path[: -len(INIT_FILE)]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Runs its byte-code."""
        name = module.__name__
        # Set here: with `spec.has_location`, importlib would also look for a .pyc file.
        module.__file__ = self._file_of(name)
        exec(self.get_code(name), module.__dict__)  # noqa: S102 - our own

    def get_code(self, name: str) -> "CodeType":
        """The code of a module, for `python -m`."""
        _, start, end = self._index[name]
        code: CodeType = marshal.loads(self._read(self._codes + start, self._codes + end))  # noqa: S302 - our own
        return code

    def get_resource_reader(self, name: str) -> "FileReader":
        """The files beside a package, for `importlib.resources`: requests asks for those of certifi."""
        from importlib.readers import FileReader  # noqa: PLC0415 - no login needs it
        from types import SimpleNamespace  # noqa: PLC0415

        return FileReader(SimpleNamespace(path=self._file_of(name)))  # type: ignore[arg-type]  # it reads only the path

    def _file_of(self, name: str) -> str:
        return os.path.join(self._root, self._index[name][0].replace("/", os.sep))  # noqa: PTH118 - `pathlib` is in the block
