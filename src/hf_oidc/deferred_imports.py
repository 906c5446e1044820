"""Imports libraries without what no login uses of them, which is a fifth of the time of a run.

Modules of the same names stand in for that while a library is imported. Whoever asks one of them for what it should
hold gets the real thing: a newer library may be slower then, but not broken. Nothing here knows what they are for.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """A module that is imported when something of it is asked for; `given` are functions that it has as it is."""

    def __init__(self, name: str, given: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(name)
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module, by whoever looks through them
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


def _real(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return import_module(name)


def _version(distribution: str) -> str:
    return str(_real("importlib.metadata").version(distribution))


def _system() -> str:
    return "Linux" if sys.platform == "linux" else str(_real("platform").system())


STAND_INS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    # For archives, that shutil could unpack.
    "bz2": {},
    "lzma": {},
    # For the dates of cookies and of e-mail.
    "calendar": {"timegm": lambda moment: int(_real("calendar").timegm(moment))},
    # Where certifi's certificates are: nowhere, for trust is the system's and `ca-bundle`'s.
    "certifi": {"where": lambda: ""},
    # To guess the encoding of a text, which is not asked for.
    "charset_normalizer": {},
    # Host names that are not ASCII are refused before they get here.
    "idna": {},
    # For HTTP/2, which is not switched on.
    "importlib.metadata": {"version": _version},
    # For the type of a file that is sent.
    "mimetypes": {},
    # uuid asks it at once for which system this is, and for nothing more.
    "platform": {"system": _system},
    # For logging to show where an error is from.
    "traceback": {},
    # For certificates inside of an archive.
    "zipfile": {},
}


@contextmanager
def imports() -> Iterator[None]:
    """Within it, a library is to be imported, and what it would import too. What was imported before stays as it is."""
    absent = {name: _StandIn(name, given) for name, given in STAND_INS.items() if name not in sys.modules}
    sys.modules.update(absent)
    try:
        with warnings.catch_warnings():
            # It looks for charset_normalizer's version, which a stand-in does not have.
            warnings.filterwarnings("ignore", "Unable to find acceptable character detection dependency")
            yield
    finally:
        for name, stand_in in absent.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
