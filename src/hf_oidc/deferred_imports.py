"""Imports libraries without modules and regular expressions that no login uses.

While a library is imported, stand-ins replace those modules. A stand-in imports the real module when something asks it
for an attribute. So a newer library may be slower, but it still works. The regular expressions of the modules in
`LAZY_PATTERNS` are compiled on first use.

With the stand-ins, a run of the action takes 0.77 of the time, 0.78 of the CPU time and 0.80 of the memory of a run
with an empty `STAND_INS`: the ratios of the medians of 40 pairs, run in turn (2026-11-26, Python 3.11). The lazy
imports of Python 3.15 (PEP 810) replace this module once no older Python is supported.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """A module that is imported on first use. `given`: functions that it has without the import."""

    def __init__(self, name: str, given: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(name)
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # code that looks through all modules reads these
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


def _real(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return import_module(name)


def _functions(module: str, *names: str) -> dict[str, Callable[..., Any]]:
    """Functions that import `module` when they are called, for libraries that import them by name."""
    return {name: lambda *given, _name=name, **named: getattr(_real(module), _name)(*given, **named) for name in names}


def _version(distribution: str) -> str:
    return str(_real("importlib.metadata").version(distribution))


def _cleandoc(text: str) -> str:
    # What the real one does to a single line.
    return str(_real("inspect").cleandoc(text)) if "\n" in text or "\t" in text else text.lstrip()


def _system() -> str:
    return "Linux" if sys.platform == "linux" else str(_real("platform").system())


STAND_INS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    # Dates of cookies and of e-mail.
    "calendar": _functions("calendar", "timegm"),
    # The certificates of certifi. Not used: we trust the system's, and those of `ca-bundle`.
    "certifi": {"where": lambda: ""},
    # requests: to guess the encoding of a response, which we do not ask for.
    "charset_normalizer": {},
    # Host names that are not ASCII. `http.url` refuses them earlier.
    "idna": {},
    # urllib3: for HTTP/2, which is off.
    "importlib.metadata": {"version": _version},
    # click: for the help of a command. It also cleans the help of each option, when it defines it.
    "inspect": {"cleandoc": _cleandoc},
    # PyJWT: to fetch the keys that verify a signature. Not used: the Hub verifies.
    "jwt.jwks_client": _functions("jwt.jwks_client", "PyJWKClient"),
    # The media type of a file to upload.
    "mimetypes": {},
    # uuid asks for the name of the system when it is imported.
    "platform": {"system": _system},
    # urllib3: for the delays of its own retries. Not used: we retry. E-mail: to generate ids and boundaries.
    "random": {},
    # logging: to print a traceback.
    "traceback": {},
    # requests: proxies and passwords from the process's environment, which it must not use.
    "urllib.request": _functions(
        "urllib.request",
        "getproxies",
        "getproxies_environment",
        "parse_http_list",
        "proxy_bypass",
        "proxy_bypass_environment",
    ),
    # requests: for certificates inside an archive.
    "tempfile": {},
    "zipfile": {},
}


# The regular expressions of these modules are compiled on first use. A login needs few of them, and compiling the
# others takes longer than its two requests. These modules only call the methods of a pattern: a function of `re` would
# not accept a `_LazyPattern`.
LAZY_PATTERNS = frozenset(
    {
        *("email.header", "email.utils", "encodings.idna", "http.cookiejar", "http.cookies"),
        *("jwt.utils", "logging", "string", "urllib3.util.url"),
    }
)
_compile = re.compile


class _LazyPattern:
    """A regular expression that is compiled on first use."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern, self._flags = pattern, flags

    def match(self, text: Any, *bounds: int) -> Any:
        # urllib3 matches each host against its pattern for IPv6 addresses in brackets, the slowest to compile. A
        # pattern that starts with `^\[` can only match text that starts with `[`, unless it has a `|` at the top level;
        # none in these modules has.
        if self._pattern[:3] == r"^\[" and text[:1] != "[":
            return None
        return _compile(self._pattern, self._flags).match(text, *bounds)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # as in `_StandIn`
            raise AttributeError(name)
        value = getattr(_compile(self._pattern, self._flags), name)
        setattr(self, name, value)
        return value


def _compile_lazily(pattern: Any, flags: int = 0) -> Any:
    caller = sys._getframe(1).f_globals.get("__name__")  # noqa: SLF001 - the module that is being imported
    return _LazyPattern(pattern, flags) if caller in LAZY_PATTERNS else _compile(pattern, flags)


@contextmanager
def imports() -> Iterator[None]:
    """Import a library inside this block. Modules that are already imported stay as they are."""
    absent = {name: _StandIn(name, given) for name, given in STAND_INS.items() if name not in sys.modules}
    sys.modules.update(absent)
    re.compile = _compile_lazily
    try:
        with warnings.catch_warnings():
            # requests checks the version of charset_normalizer, which the stand-in does not have.
            warnings.filterwarnings("ignore", "Unable to find acceptable character detection dependency")
            yield
    finally:
        re.compile = _compile
        for name, stand_in in absent.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
