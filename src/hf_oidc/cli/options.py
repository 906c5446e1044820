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
from hf_oidc.hub.resource import Resource
from hf_oidc.id_token import MAX_CHARACTERS
from hf_oidc.providers.facts import facts_of
from hf_oidc.providers.registry import PROVIDERS
from hf_oidc.sanitize import sanitize_line
from hf_oidc.token_request import TokenRequest, from_arguments

STANDARD_INPUT = "-"
Command = Callable[..., Any]


class ProviderName(click.Choice[str]):
    """The name of a provider. Offers only those that can work; also takes the others, for the login says why not."""

    def __init__(self) -> None:
        self._refused = {name for name, provider in PROVIDERS.items() if provider.audience == "fixed"}
        able = (name for name, provider in PROVIDERS.items() if provider.kind != "supplied")
        super().__init__([name for name in able if name not in self._refused], case_sensitive=False)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, in lower case."""
        return value.lower() if value.lower() in self._refused else super().convert(value, param, ctx)


class LoginCommand(click.Command):
    """A command that logs in. Its help ends with what a job of each provider needs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Only help needs the facts of the providers: a login does not load them."""
        super().format_epilog(ctx, formatter)
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(job_needs())


def job_needs() -> str:
    """What a job needs before the command works there, by the name of the provider."""
    needs = {name: facts_of(name) for name in PROVIDER_NAME.choices}
    lines = [f"  {name:<12}{facts.job_needs}" for name, facts in needs.items() if facts and facts.job_needs]
    nothing = ", ".join(name for name, facts in needs.items() if facts and not facts.job_needs)
    return "\n".join(
        [
            "\b",
            "A job needs this before the command works there:",
            *lines,
            f"Nothing: {nothing}. Any other provider: --id-token-file.",
            "https://github.com/org/hf-oidc-action/blob/main/docs/providers.md has the details.",
        ]
    )


PROVIDER_NAME = ProviderName()
PROVIDER = click.option(
    "--provider",
    type=PROVIDER_NAME,
    metavar="NAME",
    help=f"Provider of the ID token: {', '.join(PROVIDER_NAME.choices)}. [default: the detected one]",
)
HUB_URL = click.option(
    "--hub-url",
    metavar="URL",
    default="",
    help=f"URL of the Hub. [default: $HF_ENDPOINT, or {settings.DEFAULT_HUB_URL}]",
)
AUDIENCE = click.option(
    "--audience", metavar="A", default="", help="Audience of the ID token. [default: the Hub's URL]"
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
    help="Seconds for the whole login, retries included. [default: 60]",
)
VERBOSE = click.option(
    "--verbose", "-v", is_flag=True, help="After a failure, also say what the ID token says, and each attempt."
)
QUIET = click.option("--quiet", "-q", is_flag=True, help="Say nothing on standard error but what went wrong.")
ID_TOKEN = (PROVIDER, HUB_URL, AUDIENCE, ID_TOKEN_FILE, CA_BUNDLE, TIMEOUT)
LOGIN = (*ID_TOKEN, VERBOSE, QUIET)


@dataclass(frozen=True, repr=False)
class Settings:
    """The values of the options. `timeout`: seconds. `id_token`: empty, or what is in `id_token_file`."""

    provider: str
    hub_url: str
    audience: str
    id_token_file: str
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
        return cls(
            provider=given["provider"] or "",
            hub_url=hub_url,
            audience=settings.AUDIENCE.read(given["audience"], "--audience") or hub_url,
            id_token_file=id_token_file,
            id_token=read_id_token(id_token_file),
            ca_bundle=given["ca_bundle"],
            timeout=settings.TIMEOUT.read(given["timeout"], "--timeout"),
            verbose=given.get("verbose", False),
            quiet=given.get("quiet", False),
        )


def logs_in(command: Command) -> Command:
    """Adds the options of a login to a command; it is called with their names."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(LOGIN), command)


def asks_for_id_token(command: Command) -> Command:
    """Adds those of them that are of use where an ID token is all that is needed."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(ID_TOKEN), command)


def token_requests(arguments: tuple[str, ...], env: Mapping[str, str]) -> tuple[TokenRequest, ...]:
    """Each `[NAME=]RESOURCE`, or $HF_OIDC_RESOURCE if there is none. Raises a `UsageError`."""
    return from_arguments(arguments or _from_environment(env), "RESOURCE")


def resource(argument: str | None, env: Mapping[str, str]) -> Resource:
    """The one resource: `argument`, or $HF_OIDC_RESOURCE. Raises a `UsageError`."""
    return Resource.parse(argument if argument is not None else _from_environment(env)[0])


def _from_environment(env: Mapping[str, str]) -> tuple[str, ...]:
    # huggingface_hub's name for it.
    if found := env.get("HF_OIDC_RESOURCE", "").strip():
        return (found,)
    raise InvalidInput("RESOURCE", "What the token is for is missing", "namespace/name, or set HF_OIDC_RESOURCE")


def read_id_token(path: str) -> str:
    """The ID token in the file at `path`, `-` for standard input; empty without a path. Raises `InvalidInput`."""
    if not path:
        return ""
    problem = "is empty"
    try:
        with _opened(path) as file:
            if token := file.read(MAX_CHARACTERS + 2).strip():
                return token
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {sanitize_line(getattr(error, 'strerror', None) or 'it is not text')}"
    name = "standard input" if path == STANDARD_INPUT else sanitize_line(path)
    raise InvalidInput(
        "--id-token-file", f"`--id-token-file`: {name} {problem}", "a file that holds the ID token alone"
    )


def _opened(path: str) -> AbstractContextManager[TextIO]:
    # Python has no standard input where it is closed; that is as good as empty.
    return nullcontext(sys.stdin or io.StringIO()) if path == STANDARD_INPUT else Path(path).open(encoding="utf-8")
