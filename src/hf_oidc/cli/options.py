"""The options that every command has which logs in, and their values, checked.

What a login does with them is `cli.session`'s affair.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, TextIO

import click

from hf_oidc import settings
from hf_oidc.errors import InvalidInput
from hf_oidc.id_token import MAX_CHARACTERS
from hf_oidc.providers.registry import PROVIDERS
from hf_oidc.resource import Resource
from hf_oidc.untrusted_text import shown
from hf_oidc.wanted import Wanted, from_arguments, from_single

NAMES = tuple(provider.name for provider in PROVIDERS if provider.kind != "supplied")
STANDARD_INPUT = "-"
# huggingface_hub's name for what a token is for.
AMBIENT = "HF_OIDC_RESOURCE"
Command = Callable[..., Any]
# Below the examples of each command that logs in.
BY_CI = """\b
What a job needs, before the same command works there:
  GitHub      permissions: {id-token: write}
  Forgejo     enable-openid-connect: true
  GitLab      id_tokens: {HF_ID_TOKEN: {aud: https://huggingface.co}}
  Bitbucket   oidc: {audiences: [https://huggingface.co]}
  Jenkins     withCredentials([string(credentialsId: '…', variable: 'HF_ID_TOKEN')])
  Terraform   TFC_WORKLOAD_IDENTITY_AUDIENCE_HF, a variable of the workspace
  Kubernetes  a projected service account token
  CircleCI, Buildkite, Codefresh, Cloud Run: nothing. Any other: --id-token-file
https://github.com/org/hf-oidc-action/blob/main/docs/providers.md has all of it.
"""

PROVIDER = click.option(
    "--provider",
    type=click.Choice(NAMES, case_sensitive=False),
    metavar="NAME",
    help=f"Whose ID token: {', '.join(NAMES)}. Found out from the environment unless given.",
)
HUB_URL = click.option(
    "--hub-url", metavar="URL", default="", help=f"The Hub; $HF_ENDPOINT, or {settings.DEFAULT_HUB_URL}, unless given."
)
AUDIENCE = click.option(
    "--audience", metavar="A", default="", help="Whom the ID token is for; the Hub's URL unless given."
)
ID_TOKEN_FILE = click.option(
    "--id-token-file",
    metavar="FILE",
    default="",
    help="A file that holds the ID token; - is standard input. Without --provider, $HF_OIDC_ID_TOKEN_FILE does the "
    "same, and $HF_OIDC_ID_TOKEN is the token itself.",
)
CA_BUNDLE = click.option(
    "--ca-bundle", metavar="FILE", default="", help="A PEM file, trusted in addition to the system's certificates."
)
TIMEOUT = click.option(
    "--timeout",
    metavar="SECONDS",
    default=settings.TIMEOUT.default,
    help="For the whole login, retries included; 60 unless given.",
)
VERBOSE = click.option(
    "--verbose", "-v", is_flag=True, help="After a failure, also say what the ID token says, and each attempt."
)
QUIET = click.option("--quiet", "-q", is_flag=True, help="Say nothing on standard error but what went wrong.")
ID_TOKEN = (PROVIDER, HUB_URL, AUDIENCE, ID_TOKEN_FILE, CA_BUNDLE, TIMEOUT)
LOGIN = (*ID_TOKEN, VERBOSE, QUIET)


@dataclass(frozen=True, repr=False)
class Settings:
    """The values of the options. `timeout`: seconds. `id_token`: empty, or what is in `id_token_file`.

    `id_token_source`: the option or the variable that names this file.
    """

    provider: str
    hub_url: str
    audience: str
    id_token_file: str
    id_token_source: str
    id_token: str
    ca_bundle: str
    timeout: int
    verbose: bool
    quiet: bool

    @classmethod
    def read(cls, given: Mapping[str, Any], env: Mapping[str, str]) -> Settings:
        """Raises the `UsageError` that names the option that is wrong."""
        hub_url = settings.hub_url(given["hub_url"], env, "--hub-url")
        # What was typed goes before what the environment holds: a provider that is named, before a file that is not.
        ambient = "" if given["provider"] else env.get("HF_OIDC_ID_TOKEN_FILE", "")
        id_token_file = given["id_token_file"] or ambient
        source = "--id-token-file" if given["id_token_file"] else "HF_OIDC_ID_TOKEN_FILE"
        return cls(
            provider=given["provider"] or "",
            hub_url=hub_url,
            audience=settings.AUDIENCE.read(given["audience"], "--audience") or hub_url,
            id_token_file=id_token_file,
            id_token_source=source,
            id_token=read_id_token(id_token_file, source),
            ca_bundle=given["ca_bundle"],
            timeout=settings.TIMEOUT.read(given["timeout"], "--timeout"),
            verbose=given.get("verbose", False),
            quiet=given.get("quiet", False),
        )


def logs_in(command: Command) -> Command:
    """Adds the options of a login to a command; it is called with their names."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(LOGIN), command)


def asks_for_id_token(command: Command) -> Command:
    """Adds those of them that are of use where an ID token is all that is wanted."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(ID_TOKEN), command)


def wanted(arguments: tuple[str, ...], env: Mapping[str, str]) -> tuple[Wanted, ...]:
    """Each `[NAME=]RESOURCE`, or $HF_OIDC_RESOURCE if there is none. Raises a `UsageError`."""
    return from_arguments(arguments, "RESOURCE") if arguments else from_arguments([_ambient(env)], AMBIENT)


def resource(arguments: tuple[str, ...], env: Mapping[str, str]) -> Resource:
    """The one resource: the argument, or $HF_OIDC_RESOURCE. Raises a `UsageError`."""
    return from_single(",".join(arguments), "RESOURCE") if arguments else from_single(_ambient(env), AMBIENT)


def _ambient(env: Mapping[str, str]) -> str:
    if found := env.get(AMBIENT, "").strip():
        return found
    raise InvalidInput("RESOURCE", "RESOURCE is missing: what the token is for", f"namespace/name, or set {AMBIENT}")


def read_id_token(path: str, name: str) -> str:
    """The ID token in the file at `path`, `-` for standard input; empty without a path.

    Raises the `InvalidInput` that names the option or the variable `name`, which has the path.
    """
    if not path:
        return ""
    problem = "is empty"
    try:
        with _opened(path) as file:
            if token := file.read(MAX_CHARACTERS + 2).strip():
                return token
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {shown(getattr(error, 'strerror', None) or 'it is not text')}"
    if path.startswith("eyJ"):  # who lists a machine's processes may have read it
        problem = f"`{name}` is the ID token itself, and not the path of a file"
        raise InvalidInput(name, problem, "the path of a file that holds it, or pass it on standard input (`-`)")
    file_name = "standard input" if path == STANDARD_INPUT else shown(path)
    raise InvalidInput(name, f"`{name}`: {file_name} {problem}", "the path of a file that holds the ID token alone")


def _opened(path: str) -> AbstractContextManager[TextIO]:
    # Python has no standard input where it is closed; that is as good as empty.
    return nullcontext(sys.stdin or io.StringIO()) if path == STANDARD_INPUT else Path(path).open(encoding="utf-8")
