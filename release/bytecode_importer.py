"""Imports modules from one block of byte-code: in the image, and in hf-oidc.pyz. Both have this module as byte-code.

A login imports some 200 modules. To find each of them in a file of its own, or in a zip file as Python does it, takes a
tenth of the login's time. What is not in the block is left to Python's own importers.
"""

# Only what is in the interpreter: in the image, the rest of the standard library is in the block, `__future__` too.
import marshal
import os
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import CodeType, ModuleType

SIZE = 4  # bytes of the number at the beginning of a block
PACKAGE = f"{os.sep}__init__.py"


def block(modules: "Mapping[str, tuple[str, bytes]]") -> bytes:
    """The block of these modules: by name, the path of each one's source, and its byte-code.

    It is the length of an index, the index, and the byte-code of all. The index has the path of each module, and where
    in the block its byte-code begins and ends. A path is absolute or, for `BytecodeImporter`, relative to its root.
    """
    index: dict[str, tuple[str, int, int]] = {}
    end = 0
    for name, (path, code) in modules.items():
        index[name] = (path, end, end + len(code))
        end += len(code)
    head = marshal.dumps(index)
    return b"".join([len(head).to_bytes(SIZE, "little"), head, *(code for _, code in modules.values())])


class BytecodeImporter:
    """Finds and loads modules: an entry for `sys.meta_path` (PEP 451).

    `read` returns the bytes of a block from one place to another; `root`: the folder of the paths in it.
    """

    def __init__(self, read: "Callable[[int, int], bytes]", root: str = "") -> None:
        self._read, self._root = read, root
        self._codes = SIZE + int.from_bytes(read(0, SIZE), "little")
        self._index: dict[str, tuple[str, int, int]] = marshal.loads(read(SIZE, self._codes))  # noqa: S302 - our own

    def find_spec(
        self,
        name: str,
        _parent: "Sequence[str] | None" = None,
        _target: "ModuleType | None" = None,
    ) -> ModuleSpec | None:
        """Where the module is, if it is in the block."""
        if name not in self._index:
            return None
        path = self._path(name)
        spec = ModuleSpec(name, self, origin=path)  # type: ignore[arg-type]  # these methods are enough
        if path.endswith(PACKAGE):
            spec.submodule_search_locations = [path[: -len(PACKAGE)]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Runs its byte-code."""
        name = module.__name__
        # Not by `has_location` of the spec, with which importlib looks for the byte-code's own file.
        module.__file__ = self._path(name)
        exec(self.get_code(name), module.__dict__)  # noqa: S102 - our own

    def get_code(self, name: str) -> "CodeType":
        """The code of a module, for `python -m`."""
        _, start, end = self._index[name]
        code: CodeType = marshal.loads(self._read(self._codes + start, self._codes + end))  # noqa: S302 - our own
        return code

    def _path(self, name: str) -> str:
        return os.path.join(self._root, self._index[name][0].replace("/", os.sep))  # noqa: PTH118 - `pathlib` is in the block
