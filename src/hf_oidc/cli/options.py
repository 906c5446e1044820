"""The options of the commands that log in, and their checked values."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import click

from hf_oidc import settings
from hf_oidc.errors import InvalidInput
from hf_oidc.hub.resource import Resource
from hf_oidc.id_token import MAX_CHARACTERS
from hf_oidc.providers.detection import NAMES, WITH_FIXED_AUDIENCE
from hf_oidc.sanitize import sanitize_line
from hf_oidc.token_request import TokenRequest, from_arguments, from_single

STANDARD_INPUT = "-"
# huggingface_hub's name for what a token is for.
AMBIENT = "HF_OIDC_RESOURCE"
Command = Callable[..., Any]


class ProviderName(click.Choice[str]):
    """The name of a provider. Offers only those that can work; also takes the others, for the login says why not."""

    def __init__(self) -> None:
        able = [name for name in NAMES if name not in {"supplied", *WITH_FIXED_AUDIENCE}]
        super().__init__(able, case_sensitive=False)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, in lower case."""
        return value.lower() if value.lower() in WITH_FIXED_AUDIENCE else super().convert(value, param, ctx)


class LoginCommand(click.Command):
    """A command that logs in. Its help ends with what a job of each provider needs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The epilog of the command, and then that of all."""
        super().format_epilog(ctx, formatter)
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(job_needs())


def job_needs() -> str:
    """What a job needs before the command works there, by the name of the provider."""
    from hf_oidc.providers.facts import facts_of  # noqa: PLC0415 - only help needs it

    needs = {name: facts_of(name) for name in PROVIDER_NAME.choices}
    lines = [f"  {name:<12}{facts.job_needs}" for name, facts in needs.items() if facts and facts.job_needs]
    nothing = ", ".join(name for name, facts in needs.items() if facts and not facts.job_needs)
    return "\n".join(
        [
            "\b",
            "What a job needs before it can log in, by provider:",
            *lines,
            f"Nothing to set up: {nothing}. Any other provider: --id-token-file.",
            "Details: https://github.com/org/hf-oidc-action/blob/main/docs/providers.md",
        ]
    )


PROVIDER_NAME = ProviderName()
PROVIDER = click.option(
    "--provider",
    type=PROVIDER_NAME,
    metavar="NAME",
    help=f"Provider of the ID token: {', '.join(PROVIDER_NAME.choices)}. [default: detected from the environment]",
)
HUB_URL = click.option(
    "--hub-url",
    metavar="URL",
    default="",
    help=f"URL of the Hub. [default: $HF_ENDPOINT, else {settings.DEFAULT_HUB_URL}]",
)
AUDIENCE = click.option(
    "--audience", metavar="AUDIENCE", default="", help="Audience of the ID token. [default: the Hub's URL]"
)
ID_TOKEN_FILE = click.option(
    "--id-token-file",
    metavar="FILE",
    default="",
    help="File with the ID token; - reads standard input. Without --provider, you can also set $HF_OIDC_ID_TOKEN_FILE "
    "to the file, or $HF_OIDC_ID_TOKEN to the ID token itself.",
)
CA_BUNDLE = click.option(
    "--ca-bundle", metavar="FILE", default="", help="PEM file with certificates to trust in addition to the system's."
)
TIMEOUT = click.option(
    "--timeout",
    metavar="SECONDS",
    default=settings.TIMEOUT.default,
    show_default=True,
    help=f"Time for the whole login, including retries: 1 to {settings.MAX_TIMEOUT} seconds.",
)
VERBOSE = click.option(
    "--verbose", "-v", is_flag=True, help="After a failure, also print the claims of the ID token and every attempt."
)
QUIET = click.option("--quiet", "-q", is_flag=True, help="Print nothing on standard error except errors and warnings.")
ID_TOKEN = (PROVIDER, HUB_URL, AUDIENCE, ID_TOKEN_FILE, CA_BUNDLE, TIMEOUT)
LOGIN = (*ID_TOKEN, VERBOSE, QUIET)


class Settings(NamedTuple):
    """The values of the options. `timeout`: seconds. `id_token`: the content of `id_token_file`, or empty.

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

    def __repr__(self) -> str:
        return "<Settings>"  # without the ID token

    @classmethod
    def read(cls, given: Mapping[str, Any], env: Mapping[str, str]) -> Settings:
        """Raises the `UsageError` that names the wrong option."""
        hub_url = settings.hub_url(given["hub_url"], env, "--hub-url")
        # An option takes precedence over the environment, so --provider does over $HF_OIDC_ID_TOKEN_FILE.
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
    """Adds the options of a login to a command, which gets their values as keyword arguments."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(LOGIN), command)


def asks_for_id_token(command: Command) -> Command:
    """Adds only the options that obtaining an ID token needs."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(ID_TOKEN), command)


def token_requests(arguments: tuple[str, ...], env: Mapping[str, str]) -> tuple[TokenRequest, ...]:
    """A request for each `[NAME=]RESOURCE`; without arguments, for $HF_OIDC_RESOURCE. Raises a `UsageError`."""
    return from_arguments(arguments, "RESOURCE") if arguments else from_arguments([_ambient(env)], AMBIENT)


def resource(arguments: tuple[str, ...], env: Mapping[str, str]) -> Resource:
    """The one resource: the argument, or $HF_OIDC_RESOURCE. Raises a `UsageError`."""
    return from_single(",".join(arguments), "RESOURCE") if arguments else from_single(_ambient(env), AMBIENT)


def _ambient(env: Mapping[str, str]) -> str:
    if found := env.get(AMBIENT, "").strip():
        return found
    problem = "RESOURCE is missing: it says what the token is for"
    raise InvalidInput("RESOURCE", problem, f"namespace/name, or set {AMBIENT}")


def read_id_token(path: str, name: str) -> str:
    """The ID token in the file at `path` (`-`: standard input); empty without a path.

    `name`: the option or the variable that has the path. The `InvalidInput` that this raises names it.
    """
    if not path:
        return ""
    problem = "is empty"
    try:
        # `sys.stdin` is None if standard input is closed. That counts as empty.
        standard_input = nullcontext(sys.stdin or io.StringIO())
        with standard_input if path == STANDARD_INPUT else Path(path).open(encoding="utf-8") as file:
            if token := file.read(MAX_CHARACTERS + 2).strip():
                return token
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {sanitize_line(getattr(error, 'strerror', None) or 'it is not text')}"
    if path.startswith("eyJ"):  # a JWT. Every user of the machine can read the arguments of a process.
        problem = f"`{name}` is the ID token itself, and not the path of a file"
        raise InvalidInput(name, problem, "the path of a file with the ID token, or `-` to pass it on standard input")
    file_name = "standard input" if path == STANDARD_INPUT else sanitize_line(path)
    raise InvalidInput(name, f"`{name}`: {file_name} {problem}", "the path of a file that contains only the ID token")
