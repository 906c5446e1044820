"""All issuers, and the one place that finds the issuer of a job.

An issuer is a module of this folder that defines `ISSUER`; no list names it. The other modules of the folder do not
import this one, because it imports all of them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from local_hub import issuers
from local_hub.fields import FieldError, mapping, text
from local_hub.issuers.base import Issuer, Job

# A job that names no CI runs on this one.
DEFAULT = "github"
_MODULES = [import_module(f"{issuers.__name__}.{module.name}") for module in iter_modules(issuers.__path__)]
# The default comes first, the others follow by their names: the order of a folder differs between file systems.
ISSUERS: tuple[Issuer, ...] = tuple(
    sorted(
        (module.ISSUER for module in _MODULES if hasattr(module, "ISSUER")),
        key=lambda issuer: (issuer.name != DEFAULT, issuer.name),
    )
)
BY_NAME = {issuer.name: issuer for issuer in ISSUERS}


def read_job(description: object, where: str = "job") -> Job:
    """Read a job description; `ci` names its issuer, which is GitHub by default."""
    given = mapping(description, where)
    name = text(given.get("ci", DEFAULT), f"{where}.ci")
    if name not in BY_NAME:
        raise FieldError(f"{where}.ci", f"must be one of {', '.join(BY_NAME)}")
    return BY_NAME[name].read_job(BY_NAME[name], given, where)
