"""The configuration file: parses YAML into validated values; each error is one line that names the field.

No network: a publisher names an issuer of Local Hub by its provider, because the URL is known only after the bind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_hub.faults.script import read_script
from local_hub.fields import FieldError, flag, items, mapping, text
from local_hub.hub.issuer_keys import KeySet
from local_hub.hub.publishers import Publisher, checked
from local_hub.hub.resources import Declared, read_declared, read_resource
from local_hub.issuers.base import Job
from local_hub.issuers.registry import BY_NAME, read_job

_PLACEHOLDER = "https://issuer.invalid/"
_PUBLISHER_FIELDS = ("resource", "issuer", "claims", "read-only", "scopes")


class ConfigError(Exception):
    """The configuration is invalid; the message is one line for the operator."""


@dataclass(frozen=True)
class Config:
    """The initial state of Local Hub."""

    publishers: tuple[Publisher, ...] = ()
    resources: tuple[Declared, ...] = ()
    locked: tuple[str, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key_sets: Mapping[str, KeySet] = field(default_factory=dict)


def load(path: Path) -> Config:
    """Read a configuration file."""
    import yaml  # noqa: PLC0415 - most starts have no configuration

    try:
        return read(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FieldError as error:
        raise ConfigError(f"{path}: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: not YAML: {error.problem}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None


def read(document: object) -> Config:
    """Read a configuration; an empty document is the default configuration."""
    given = mapping(
        document or {}, "configuration", ("publishers", "resources", "accounts", "jobs", "faults", "issuers")
    )
    accounts = mapping(given.get("accounts", {}), "accounts", ("locked",))
    jobs = mapping(given.get("jobs", {}), "jobs")
    return Config(
        tuple(_publisher(value, where) for value, where in _numbered(given, "publishers")),
        tuple(read_declared(value, where) for value, where in _numbered(given, "resources")),
        tuple(text(value, f"accounts.{where}") for value, where in _numbered(accounts, "locked")),
        {name: read_job(job, f"jobs.{name}") for name, job in jobs.items()},
        read_script(given.get("faults", {}), "faults"),
        dict(_key_set(value, where) for value, where in _numbered(given, "issuers")),
    )


def with_issuer(publisher: Publisher, urls: Mapping[str, str]) -> Publisher:
    """Replace a provider's name, such as `github`, with the URL of Local Hub's issuer."""
    name = publisher.issuer_url.removeprefix(_PLACEHOLDER)
    return replace(publisher, issuer_url=urls[name]) if name != publisher.issuer_url else publisher


def _key_set(value: object, where: str) -> tuple[str, KeySet]:
    given = mapping(value, where, ("url", "jwks"))
    jwks = mapping(given.get("jwks"), f"{where}.jwks")
    keys = items(jwks.get("keys"), f"{where}.jwks.keys")
    named = [mapping(key, f"{where}.jwks.keys[{number}]") for number, key in enumerate(keys)]
    return text(given.get("url"), f"{where}.url"), tuple(named)


def _numbered(given: Mapping[str, Any], name: str) -> list[tuple[object, str]]:
    return [(value, f"{name}[{number}]") for number, value in enumerate(items(given.get(name, []), name))]


def _publisher(value: object, where: str) -> Publisher:
    given = mapping(value, where, _PUBLISHER_FIELDS)
    issuer = text(given.get("issuer"), f"{where}.issuer")
    claims = mapping(given.get("claims", {}), f"{where}.claims")
    publisher = Publisher(
        read_resource(given.get("resource"), f"{where}.resource"),
        _PLACEHOLDER + issuer if issuer in BY_NAME else issuer,
        {name: text(claim, f"{where}.claims.{name}") for name, claim in claims.items()},
        flag(given.get("read-only", False), f"{where}.read-only"),
        tuple(text(scope, f"{where}.scopes") for scope in items(given.get("scopes", []), f"{where}.scopes")),
    )
    try:
        return checked(publisher)
    except FieldError as error:
        raise FieldError(f"{where}", str(error)) from None
